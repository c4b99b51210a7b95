#include "sim/scenario.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/scenario_check.h"

#define OPT CYAML_FLAG_OPTIONAL
#define TEXT(key, flags, type, member)                                                             \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | (flags), type, member, 0, SCENARIO_TEXT_MAX)
#define LIST(key, flags, type, member, entry, min, max)                                            \
    CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | (flags), type, member, entry, min, max)

static const cyaml_strval_t curves[] = {{"weibull", SCENARIO_WEIBULL},
                                        {"exponential", SCENARIO_EXPONENTIAL},
                                        {"never", SCENARIO_NEVER}};
static const cyaml_strval_t kinds[] = {
    {"http", SCENARIO_HTTP}, {"dns", SCENARIO_DNS}, {"raw", SCENARIO_RAW}, {"smtp", SCENARIO_SMTP}};
static const cyaml_strval_t bot_ids[] = {{"none", SCENARIO_BOT_ID_NONE},
                                         {"hex16", SCENARIO_BOT_ID_HEX16},
                                         {"guid", SCENARIO_BOT_ID_GUID}};
static const cyaml_strval_t leases[] = {{"exponential", SCENARIO_LEASE_EXPONENTIAL},
                                        {"fixed", SCENARIO_LEASE_FIXED}};
static const cyaml_strval_t behaviours[] = {{"sweep", SCENARIO_SWEEP}, {"probe", SCENARIO_PROBE}};

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, SCENARIO_TEXT_MAX)};

static const cyaml_schema_field_t survival_fields[] = {
    CYAML_FIELD_ENUM("curve", CYAML_FLAG_STRICT, struct scenario_survival, curve, curves,
                     CYAML_ARRAY_LEN(curves)),
    CYAML_FIELD_FLOAT("shape", OPT, struct scenario_survival, shape),
    CYAML_FIELD_FLOAT("scale_days", OPT, struct scenario_survival, scale_days), CYAML_FIELD_END};

static const cyaml_schema_field_t family_fields[] = {
    TEXT("name", 0, struct scenario_family, name),
    TEXT("tag", OPT, struct scenario_family, tag),
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, struct scenario_family, kind, kinds,
                     CYAML_ARRAY_LEN(kinds)),
    CYAML_FIELD_ENUM("bot_id", OPT | CYAML_FLAG_STRICT, struct scenario_family, bot_id, bot_ids,
                     CYAML_ARRAY_LEN(bot_ids)),
    CYAML_FIELD_FLOAT("share", OPT, struct scenario_family, share),
    CYAML_FIELD_UINT("port", OPT, struct scenario_family, port),
    TEXT("host", OPT, struct scenario_family, host),
    TEXT("method", OPT, struct scenario_family, method),
    TEXT("path", OPT, struct scenario_family, path),
    TEXT("agent", OPT, struct scenario_family, agent),
    TEXT("referer", OPT, struct scenario_family, referer),
    LIST("headers", OPT, struct scenario_family, headers, &text_value, 0, SCENARIO_HEADERS_MAX),
    CYAML_FIELD_UINT("body", OPT, struct scenario_family, body),
    TEXT("payload", OPT, struct scenario_family, payload),
    TEXT("from", OPT, struct scenario_family, from),
    TEXT("to", OPT, struct scenario_family, to),
    CYAML_FIELD_END};
static const cyaml_schema_value_t family_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_family, family_fields)};

static const cyaml_schema_field_t activity_fields[] = {
    CYAML_FIELD_FLOAT("daily", 0, struct scenario_activity, daily),
    CYAML_FIELD_FLOAT("checkins", OPT, struct scenario_activity, checkins),
    CYAML_FIELD_FLOAT("peak", OPT, struct scenario_activity, peak),
    CYAML_FIELD_FLOAT("depth", OPT, struct scenario_activity, depth),
    CYAML_FIELD_FLOAT("interval_minutes", OPT, struct scenario_activity, interval_minutes),
    CYAML_FIELD_FLOAT("jitter", OPT, struct scenario_activity, jitter),
    CYAML_FIELD_FLOAT("on_hours", OPT, struct scenario_activity, on_hours),
    CYAML_FIELD_END};

static const cyaml_schema_field_t reinfection_fields[] = {
    CYAML_FIELD_FLOAT("probability", 0, struct scenario_reinfection, probability),
    CYAML_FIELD_FLOAT("mean_days", 0, struct scenario_reinfection, mean_days), CYAML_FIELD_END};

static const cyaml_schema_field_t nat_fields[] = {
    CYAML_FIELD_FLOAT("share", 0, struct scenario_nat, share),
    CYAML_FIELD_UINT("hosts", 0, struct scenario_nat, hosts), CYAML_FIELD_END};

static const cyaml_schema_field_t dhcp_fields[] = {
    CYAML_FIELD_FLOAT("mean_days", 0, struct scenario_dhcp, mean_days),
    CYAML_FIELD_FLOAT("across", OPT, struct scenario_dhcp, across),
    CYAML_FIELD_ENUM("lease", OPT | CYAML_FLAG_STRICT, struct scenario_dhcp, lease, leases,
                     CYAML_ARRAY_LEN(leases)),
    CYAML_FIELD_END};

static const cyaml_schema_field_t as_fields[] = {
    CYAML_FIELD_UINT("asn", 0, struct scenario_as, asn),
    TEXT("country", 0, struct scenario_as, country),
    CYAML_FIELD_FLOAT("weight", 0, struct scenario_as, weight),
    CYAML_FIELD_FLOAT("utc_offset", OPT, struct scenario_as, utc_offset),
    CYAML_FIELD_FLOAT("ipv6", OPT, struct scenario_as, ipv6),
    CYAML_FIELD_MAPPING("nat", OPT, struct scenario_as, nat, nat_fields),
    CYAML_FIELD_MAPPING("dhcp", OPT, struct scenario_as, dhcp, dhcp_fields),
    CYAML_FIELD_MAPPING_PTR("survival", OPT, struct scenario_as, survival, survival_fields),
    LIST("networks", 0, struct scenario_as, networks, &text_value, 1, SCENARIO_NETWORKS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t as_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_as, as_fields)};

static const cyaml_schema_field_t scanner_fields[] = {
    CYAML_FIELD_UINT("asn", 0, struct scenario_actors, asn),
    TEXT("country", 0, struct scenario_actors, country),
    CYAML_FIELD_UINT("count", 0, struct scenario_actors, count),
    CYAML_FIELD_FLOAT("daily", OPT, struct scenario_actors, daily),
    CYAML_FIELD_FLOAT("checkins", OPT, struct scenario_actors, checkins),
    CYAML_FIELD_ENUM("behaviour", CYAML_FLAG_STRICT, struct scenario_actors, behaviour, behaviours,
                     CYAML_ARRAY_LEN(behaviours)),
    TEXT("path", OPT, struct scenario_actors, path),
    TEXT("agent", OPT, struct scenario_actors, agent),
    LIST("networks", 0, struct scenario_actors, networks, &text_value, 1, SCENARIO_NETWORKS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t scanner_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_actors, scanner_fields)};

static const cyaml_schema_field_t sandbox_fields[] = {
    CYAML_FIELD_UINT("asn", 0, struct scenario_actors, asn),
    TEXT("country", 0, struct scenario_actors, country),
    CYAML_FIELD_UINT("count", 0, struct scenario_actors, count),
    CYAML_FIELD_FLOAT("daily", OPT, struct scenario_actors, daily),
    CYAML_FIELD_FLOAT("checkins", OPT, struct scenario_actors, checkins),
    LIST("networks", 0, struct scenario_actors, networks, &text_value, 1, SCENARIO_NETWORKS_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t sandbox_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct scenario_actors, sandbox_fields)};

static const cyaml_schema_field_t scenario_fields[] = {
    TEXT("start", 0, struct scenario, start),
    CYAML_FIELD_UINT("days", 0, struct scenario, days),
    CYAML_FIELD_UINT("hosts", 0, struct scenario, hosts),
    CYAML_FIELD_MAPPING("survival", 0, struct scenario, survival, survival_fields),
    CYAML_FIELD_MAPPING("activity", 0, struct scenario, activity, activity_fields),
    CYAML_FIELD_MAPPING("reinfection", OPT, struct scenario, reinfection, reinfection_fields),
    LIST("sensors", 0, struct scenario, sensors, &text_value, 1, SCENARIO_SENSORS_MAX),
    LIST("families", 0, struct scenario, families, &family_value, 1, SCENARIO_FAMILIES_MAX),
    LIST("ases", 0, struct scenario, ases, &as_value, 1, SCENARIO_ASES_MAX),
    LIST("scanners", OPT, struct scenario, scanners, &scanner_value, 0, SCENARIO_ASES_MAX),
    LIST("sandboxes", OPT, struct scenario, sandboxes, &sandbox_value, 0, SCENARIO_ASES_MAX),
    CYAML_FIELD_END};
static const cyaml_schema_value_t scenario_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct scenario, scenario_fields)};

/* libcyaml tells why through its log: first the reason, then, innermost first, where. */
struct complaint {
    char why[256], where[192];
    bool backtrace, named; /* named: where tells of a key */
};

static void complaint_line(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
    struct complaint *c = ctx;
    char line[256];
    int n = vsnprintf(line, sizeof line, fmt, args);
    if (n < 0 || level < CYAML_LOG_ERROR)
        return;
    line[strcspn(line, "\n")] = 0;
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    if (strncmp(text, "Backtrace", 9) == 0)
        c->backtrace = true;
    else if (!c->backtrace && !c->why[0])
        snprintf(c->why, sizeof c->why, "%s", text);
    else if (c->backtrace && !c->named) {
        size_t at = strlen(c->where);
        snprintf(c->where + at, sizeof c->where - at, ", %s", text + strspn(text, " "));
        c->named = strstr(text, "mapping field") != NULL;
    }
}

static void complaint_tidy(struct complaint *c)
{
    if (c->why[0] >= 'A' && c->why[0] <= 'Z')
        c->why[0] = (char)(c->why[0] - 'A' + 'a');
    size_t n = strlen(c->why);
    if (n && c->why[n - 1] == '.')
        c->why[n - 1] = 0;
}

static cyaml_config_t config_with(struct complaint *c)
{
    return (cyaml_config_t){
        .log_fn = complaint_line, .log_ctx = c, .log_level = CYAML_LOG_ERROR, .mem_fn = cyaml_mem};
}

void scenario_free(struct scenario *s)
{
    struct complaint c = {0};
    cyaml_config_t config = config_with(&c);
    if (s)
        cyaml_free(&config, &scenario_value, s, 0);
}

int scenario_load(struct span yaml, const char *where, struct scenario **out, struct err *err)
{
    struct complaint c = {0};
    cyaml_config_t config = config_with(&c);
    struct scenario *s = NULL;
    *out = NULL;
    if (yaml.n > SCENARIO_FILE_MAX)
        return err_set(err, -EFBIG, "scenario: over %u bytes (%s)", SCENARIO_FILE_MAX, where);
    if (yaml.n && memchr(yaml.p, 0, yaml.n))
        return err_set(err, -EINVAL, "scenario: holds a NUL byte, so it is no YAML (%s)", where);
    /* libcyaml takes neither an empty text nor a NULL pointer. */
    cyaml_err_t e = cyaml_load_data(yaml.n ? yaml.p : (const uint8_t *)"\n", yaml.n ? yaml.n : 1,
                                    &config, &scenario_value, (cyaml_data_t **)&s, NULL);
    if (e != CYAML_OK) {
        complaint_tidy(&c);
        return err_set(err, -EINVAL, "scenario: %s (%s%s)", c.why[0] ? c.why : cyaml_strerror(e),
                       where, c.where);
    }
    if (!s)
        return err_set(err, -EINVAL, "scenario: it is empty (%s)", where);
    int rc = scenario_check(s, where, err);
    if (rc < 0) {
        scenario_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

const struct scenario_bundled *scenario_find_bundled(const char *name)
{
    for (const struct scenario_bundled *b = scenario_bundled; b->name; b++)
        if (strcmp(b->name, name) == 0)
            return b;
    return NULL;
}
