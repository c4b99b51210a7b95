#include "app/config_evidence.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define TEXT_MAX_BYTES 1024
#define WITNESSES_MAX  32
#define TIMEOUT_MAX_S  300

#define OPT (CYAML_FLAG_OPTIONAL | CYAML_FLAG_STRICT)
#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0,         \
                           TEXT_MAX_BYTES)

/* libcyaml wants a named type for a mapping within. */
struct tsa {
    char *url, *ca, *policy;
};
_Static_assert(sizeof(struct tsa) == sizeof(((struct config_evidence *)0)->tsa),
               "the named struct is config_evidence's tsa");

static const cyaml_schema_field_t tsa_fields[] = {
    TEXT("url", struct tsa, url), TEXT("ca", struct tsa, ca), TEXT("policy", struct tsa, policy),
    CYAML_FIELD_END};

static const cyaml_schema_field_t witness_fields[] = {
    CYAML_FIELD_STRING_PTR("url", CYAML_FLAG_POINTER, struct config_witness, url, 1,
                           TEXT_MAX_BYTES),
    CYAML_FIELD_STRING_PTR("vkey", CYAML_FLAG_POINTER, struct config_witness, vkey, 1,
                           TEXT_MAX_BYTES),
    CYAML_FIELD_END};
static const cyaml_schema_value_t witness_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_witness, witness_fields)};

const cyaml_schema_field_t config_evidence_fields[] = {
    CYAML_FIELD_MAPPING("tsa", CYAML_FLAG_OPTIONAL, struct config_evidence, tsa, tsa_fields),
    CYAML_FIELD_SEQUENCE("witnesses", CYAML_FLAG_POINTER | OPT, struct config_evidence, witnesses,
                         &witness_value, 0, WITNESSES_MAX),
    CYAML_FIELD_UINT("timeout_s", CYAML_FLAG_OPTIONAL, struct config_evidence, timeout_s),
    CYAML_FIELD_END};

static void or_empty(char **text)
{
    if (!*text && !(*text = strdup("")))
        abort();
}

static bool is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static bool is_oid(const char *text)
{
    size_t n = strlen(text);
    return n > 2 && n == strspn(text, "0123456789.") && strchr(text, '.') && text[0] != '.' &&
           text[n - 1] != '.';
}

static int check_tsa(struct config_evidence *c, struct err *err)
{
    or_empty(&c->tsa.url);
    or_empty(&c->tsa.ca);
    or_empty(&c->tsa.policy);
    if (c->tsa.url[0] && !is_url(c->tsa.url))
        return err_set(err, -EINVAL, "evidence.tsa.url: wants http:// or https:// (%s)",
                       c->tsa.url);
    if (c->tsa.url[0] && !c->tsa.ca[0])
        return err_set(err, -EINVAL,
                       "evidence.tsa.ca: wants a file with the authority's certificates");
    if (c->tsa.policy[0] && !is_oid(c->tsa.policy))
        return err_set(err, -EINVAL, "evidence.tsa.policy: not an OID (%s)", c->tsa.policy);
    return 0;
}

static int check_witness(struct config_evidence *c, unsigned i, struct err *err)
{
    const struct config_witness *w = &c->witnesses[i];
    struct err why;
    if (!is_url(w->url))
        return err_set(err, -EINVAL, "evidence.witnesses[%u].url: wants http:// or https:// (%s)",
                       i, w->url);
    if (note_key_parse_cosigner(span_str(w->vkey), &c->keys[i], &why) < 0)
        return err_set(err, -EINVAL, "evidence.witnesses[%u].vkey: %s", i, why.text);
    for (unsigned k = 0; k < i; k++)
        if (strcmp(c->witnesses[k].vkey, w->vkey) == 0)
            return err_set(err, -EINVAL, "evidence.witnesses[%u].vkey: is there twice", i);
    return 0;
}

int config_evidence_check(struct config_evidence *c, struct err *err)
{
    int rc = check_tsa(c, err);
    c->timeout_s = c->timeout_s ? c->timeout_s : 30;
    if (rc == 0 && c->timeout_s > TIMEOUT_MAX_S)
        rc = err_set(err, -EINVAL, "evidence.timeout_s: %d at most (%u)", TIMEOUT_MAX_S,
                     c->timeout_s);
    c->keys = mem_zeroed(c->witnesses_count, sizeof *c->keys);
    for (unsigned i = 0; rc == 0 && i < c->witnesses_count; i++)
        rc = check_witness(c, i, err);
    return rc;
}

void config_evidence_free(struct config_evidence *c)
{
    free(c->keys);
}

void config_evidence_write(struct buf *out)
{
    buf_str(
        out,
        "\n# Who says from outside how the log was, and when (doc/exhibits.md): a time stamp "
        "authority\n"
        "# (RFC 3161; `ebb log timestamp`, once a day) and witnesses (C2SP tlog-witness; `ebb log "
        "witness`).\n"
        "evidence:\n"
        "  tsa: {url: \"\", ca: \"\", policy: \"\"}\n"
        "  # witnesses:\n"
        "  #   - {url: \"https://witness.example/\", vkey: \"witness.example/w1+...\"}\n"
        "  timeout_s: 30\n");
}
