#include "app/config_cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TEXT_MAX_BYTES 1024
#define NETWORKS_MAX   65536
#define ALLOW_MAX      4096
#define KNOWN_MAX      65536
#define SERVERS_MAX    16

#define OPT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0,         \
                           TEXT_MAX_BYTES)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)

static const cyaml_schema_value_t text_value = {
    CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char *, 0, TEXT_MAX_BYTES)};

static const cyaml_schema_field_t network_fields[] = {
    CYAML_FIELD_STRING_PTR("match", CYAML_FLAG_POINTER, struct config_network, match, 1,
                           TEXT_MAX_BYTES),
    TEXT("contact", struct config_network, contact),
    TEXT("format", struct config_network, format),
    TEXT("language", struct config_network, language),
    NUMBER("cadence_days", struct config_network, cadence_days),
    CYAML_FIELD_SEQUENCE("allow", CYAML_FLAG_POINTER | OPT, struct config_network, allow,
                         &text_value, 0, ALLOW_MAX),
    TEXT("escalate", struct config_network, escalate),
    NUMBER("escalate_after", struct config_network, escalate_after),
    CYAML_FIELD_BOOL("silent", OPT, struct config_network, silent),
    CYAML_FIELD_END};
static const cyaml_schema_value_t network_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_network, network_fields)};

static const cyaml_schema_field_t known_fields[] = {
    CYAML_FIELD_STRING_PTR("network", CYAML_FLAG_POINTER, struct config_known, network, 1,
                           TEXT_MAX_BYTES),
    CYAML_FIELD_STRING_PTR("role", CYAML_FLAG_POINTER, struct config_known, role, 1,
                           TEXT_MAX_BYTES),
    TEXT("why", struct config_known, why), CYAML_FIELD_END};
static const cyaml_schema_value_t known_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_known, known_fields)};

/* libcyaml wants named types for mappings within. */
struct from {
    char *org, *name, *mail, *web, *phone, *domain, *page;
};
struct smarthost {
    char *host;
    uint16_t port;
    char *tls, *ca, *user, *password_file, *sender;
};
struct rdap {
    bool on;
    char **servers;
    unsigned servers_count;
    uint32_t per_minute, keep_days;
};
struct partner_api {
    char *listen, *certificate, *key;
};
#define SAME_SIZE(type, member)                                                                    \
    _Static_assert(sizeof(type) == sizeof(((struct config_cleanup *)0)->member),                   \
                   "the named struct is config_cleanup's " #member)
SAME_SIZE(struct from, from);
SAME_SIZE(struct smarthost, smarthost);
SAME_SIZE(struct rdap, rdap);
SAME_SIZE(struct partner_api, partners);

static const cyaml_schema_field_t from_fields[] = {
    TEXT("org", struct from, org),     TEXT("name", struct from, name),
    TEXT("mail", struct from, mail),   TEXT("web", struct from, web),
    TEXT("phone", struct from, phone), TEXT("domain", struct from, domain),
    TEXT("page", struct from, page),   CYAML_FIELD_END};
static const cyaml_schema_field_t smarthost_fields[] = {
    TEXT("host", struct smarthost, host),
    NUMBER("port", struct smarthost, port),
    TEXT("tls", struct smarthost, tls),
    TEXT("ca", struct smarthost, ca),
    TEXT("user", struct smarthost, user),
    TEXT("password_file", struct smarthost, password_file),
    TEXT("sender", struct smarthost, sender),
    CYAML_FIELD_END};
static const cyaml_schema_field_t rdap_fields[] = {
    CYAML_FIELD_BOOL("on", OPT, struct rdap, on),
    CYAML_FIELD_SEQUENCE("servers", CYAML_FLAG_POINTER | OPT, struct rdap, servers, &text_value, 0,
                         SERVERS_MAX),
    NUMBER("per_minute", struct rdap, per_minute), NUMBER("keep_days", struct rdap, keep_days),
    CYAML_FIELD_END};
static const cyaml_schema_field_t partner_fields[] = {
    TEXT("listen", struct partner_api, listen),
    TEXT("certificate", struct partner_api, certificate), TEXT("key", struct partner_api, key),
    CYAML_FIELD_END};

const cyaml_schema_field_t config_cleanup_fields[] = {
    CYAML_FIELD_BOOL("sending", OPT, struct config_cleanup, sending),
    CYAML_FIELD_MAPPING("from", CYAML_FLAG_OPTIONAL, struct config_cleanup, from, from_fields),
    CYAML_FIELD_MAPPING("smarthost", CYAML_FLAG_OPTIONAL, struct config_cleanup, smarthost,
                        smarthost_fields),
    NUMBER("per_minute", struct config_cleanup, per_minute),
    NUMBER("per_contact_day", struct config_cleanup, per_contact_day),
    NUMBER("retry_minutes", struct config_cleanup, retry_minutes),
    NUMBER("give_up_hours", struct config_cleanup, give_up_hours),
    TEXT("returns", struct config_cleanup, returns),
    TEXT("format", struct config_cleanup, format),
    TEXT("language", struct config_cleanup, language),
    NUMBER("cadence_days", struct config_cleanup, cadence_days),
    NUMBER("gone_days", struct config_cleanup, gone_days),
    NUMBER("least_addresses", struct config_cleanup, least_addresses),
    CYAML_FIELD_SEQUENCE("networks", CYAML_FLAG_POINTER | OPT, struct config_cleanup, networks,
                         &network_value, 0, NETWORKS_MAX),
    CYAML_FIELD_SEQUENCE("known", CYAML_FLAG_POINTER | OPT, struct config_cleanup, known,
                         &known_value, 0, KNOWN_MAX),
    CYAML_FIELD_MAPPING("rdap", CYAML_FLAG_OPTIONAL, struct config_cleanup, rdap, rdap_fields),
    CYAML_FIELD_MAPPING("partners", CYAML_FLAG_OPTIONAL, struct config_cleanup, partners,
                        partner_fields),
    CYAML_FIELD_END};

static void or_text(char **text, const char *fallback)
{
    if (!*text && !(*text = strdup(fallback)))
        abort();
}

static void or_number(uint32_t *n, uint32_t fallback)
{
    *n = *n ? *n : fallback;
}

static void fill_in(struct config_cleanup *c)
{
    char **texts[] = {&c->from.org,
                      &c->from.name,
                      &c->from.mail,
                      &c->from.web,
                      &c->from.phone,
                      &c->from.domain,
                      &c->from.page,
                      &c->smarthost.host,
                      &c->smarthost.ca,
                      &c->smarthost.user,
                      &c->smarthost.password_file,
                      &c->smarthost.sender,
                      &c->returns,
                      &c->partners.listen,
                      &c->partners.certificate,
                      &c->partners.key};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        or_text(texts[i], "");
    or_text(&c->smarthost.tls, "starttls");
    or_text(&c->format, "xarf");
    or_text(&c->language, "en");
    c->smarthost.port = c->smarthost.port ? c->smarthost.port : 587;
    or_number(&c->per_minute, 60);
    or_number(&c->per_contact_day, 4);
    or_number(&c->retry_minutes, 15);
    or_number(&c->give_up_hours, 96);
    or_number(&c->cadence_days, 7);
    or_number(&c->gone_days, 14);
    or_number(&c->least_addresses, 1);
    or_number(&c->rdap.per_minute, 10);
    or_number(&c->rdap.keep_days, 30);
}

/* "AS3320" as a number; 0: none. */
static uint32_t as_number(const char *text)
{
    char *end;
    if (strncasecmp(text, "AS", 2) != 0 || text[2] < '0' || text[2] > '9')
        return 0;
    unsigned long n = strtoul(text + 2, &end, 10);
    return *end || n > UINT32_MAX ? 0 : (uint32_t)n;
}

static int check_network(struct config_network *n, unsigned i, struct err *err)
{
    or_text(&n->contact, "");
    or_text(&n->format, "");
    or_text(&n->language, "");
    or_text(&n->escalate, "");
    or_number(&n->escalate_after, 3);
    n->asn = as_number(n->match);
    if (!strchr(n->match, '@') && !n->asn && !net_parse_any(span_str(n->match), &n->net))
        return err_set(err, -EINVAL, "cleanup.networks[%u].match: no contact, AS or prefix (%s)", i,
                       n->match);
    if (n->format[0] && report_format_of(span_str(n->format)) < 0)
        return err_set(err, -EINVAL,
                       "cleanup.networks[%u].format: xarf, arf, csv, stix or text (%s)", i,
                       n->format);
    if (n->contact[0] && !strchr(n->contact, '@'))
        return err_set(err, -EINVAL, "cleanup.networks[%u].contact: no address (%s)", i,
                       n->contact);
    if (n->escalate[0] && !strchr(n->escalate, '@'))
        return err_set(err, -EINVAL, "cleanup.networks[%u].escalate: no address (%s)", i,
                       n->escalate);
    n->allowed = mem_zeroed(n->allow_count, sizeof *n->allowed);
    for (unsigned k = 0; k < n->allow_count; k++)
        if (!net_parse_any(span_str(n->allow[k]), &n->allowed[k]))
            return err_set(err, -EINVAL, "cleanup.networks[%u].allow[%u]: no prefix (%s)", i, k,
                           n->allow[k]);
    return 0;
}

static int take_known(struct config_cleanup *c, struct err *err)
{
    c->judged = mem_zeroed(c->known_count + 1, sizeof *c->judged);
    for (unsigned i = 0; i < c->known_count; i++) {
        int role = judged_of_name(span_str(c->known[i].role));
        or_text(&c->known[i].why, "");
        if (!net_parse_any(span_str(c->known[i].network), &c->judged[i].network))
            return err_set(err, -EINVAL, "cleanup.known[%u].network: no address or network (%s)", i,
                           c->known[i].network);
        if (role < 0)
            return err_set(err, -EINVAL, "cleanup.known[%u].role: no role (%s)", i,
                           c->known[i].role);
        c->judged[i].role = (enum judged)role;
        c->judged[i].why = span_str(c->known[i].why);
    }
    return 0;
}

static int check_sending(const struct config_cleanup *c, struct err *err)
{
    const char *tls = c->smarthost.tls;
    if (strcmp(tls, "starttls") != 0 && strcmp(tls, "tls") != 0 && strcmp(tls, "none") != 0)
        return err_set(err, -EINVAL, "cleanup.smarthost.tls: starttls, tls or none (%s)", tls);
    if (!c->sending)
        return 0;
    if (!strchr(c->from.mail, '@'))
        return err_set(err, -EINVAL,
                       "cleanup.sending: wants from.mail, the address that reports come from");
    if (!c->smarthost.host[0])
        return err_set(err, -EINVAL, "cleanup.sending: wants smarthost.host");
    return 0;
}

int config_cleanup_check(struct config_cleanup *c, struct err *err)
{
    int rc = 0, format;
    fill_in(c);
    format = report_format_of(span_str(c->format));
    if (format < 0)
        return err_set(err, -EINVAL, "cleanup.format: xarf, arf, csv, stix or text (%s)",
                       c->format);
    c->default_format = (enum report_format)format;
    for (unsigned i = 0; rc == 0 && i < c->networks_count; i++)
        rc = check_network(&c->networks[i], i, err);
    if (rc == 0)
        rc = take_known(c, err);
    return rc == 0 ? check_sending(c, err) : rc;
}

void config_cleanup_free(struct config_cleanup *c)
{
    for (unsigned i = 0; i < c->networks_count; i++)
        free(c->networks[i].allowed);
    free(c->judged);
}

bool config_network_allows(const struct config_network *n, const struct ip *ip)
{
    for (unsigned i = 0; i < n->allow_count; i++)
        if (net_has(&n->allowed[i], ip))
            return true;
    return false;
}

static bool matches(const struct config_network *n, struct span contact, uint32_t asn,
                    const struct ip *ip)
{
    struct span m = span_str(n->match);
    if (m.p[0] == '@')
        return contact.n > m.n &&
               strncasecmp((const char *)contact.p + contact.n - m.n, n->match, m.n) == 0;
    if (memchr(m.p, '@', m.n))
        return contact.n == m.n && strncasecmp((const char *)contact.p, n->match, m.n) == 0;
    return n->asn ? asn == n->asn : ip && net_has(&n->net, ip);
}

const struct config_network *config_cleanup_network(const struct config_cleanup *c,
                                                    struct span contact, uint32_t asn,
                                                    const struct ip *ip)
{
    for (unsigned i = 0; i < c->networks_count; i++)
        if (matches(&c->networks[i], contact, asn, ip))
            return &c->networks[i];
    return NULL;
}

void config_cleanup_write(struct buf *out)
{
    buf_str(
        out,
        "\n# Getting infected hosts clean: who reports, to whom, in what form (doc/cleanup.md).\n"
        "cleanup:\n"
        "  # Nothing is sent before a person turns it on here.\n"
        "  sending: false\n"
        "  from: {org: \"\", name: \"\", mail: \"\", web: \"\", phone: \"\", domain: \"\", page: "
        "\"\"}\n"
        "  # Signing (DKIM) is the smarthost's business. tls: starttls, tls or none.\n"
        "  smarthost: {host: \"\", port: 587, tls: starttls, ca: \"\", user: \"\", password_file: "
        "\"\", "
        "sender: \"\"}\n"
        "  per_minute: 60\n  per_contact_day: 4\n  retry_minutes: 15\n  give_up_hours: 96\n"
        "  # Maildir with the mail that comes back.\n"
        "  returns: \"\"\n"
        "  # xarf, arf, csv (Shadowserver's columns), stix or text.\n"
        "  format: xarf\n  language: en\n  cadence_days: 7\n"
        "  # An address that was not seen for so long is gone.\n"
        "  gone_days: 14\n  least_addresses: 1\n"
        "  # networks:\n"
        "  #   - {match: AS64500, format: csv, cadence_days: 1, allow: [192.0.2.0/28],\n"
        "  #      escalate: cert@cert.example, escalate_after: 3}\n"
        "  # known:\n"
        "  #   - {network: 198.51.100.0/24, role: researcher, why: our own laboratory}\n"
        "  rdap: {on: false, per_minute: 10, keep_days: 30}\n"
        "  # What partners fetch (tokens: `ebb partners add`). Without certificate: loopback "
        "only.\n"
        "  partners: {listen: \"\", certificate: \"\", key: \"\"}\n");
}
