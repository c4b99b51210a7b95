#include "app/config_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX_BYTES 1024
#define SILENT_MAX_MIN (60 * 24 * 30)
#define MINUTES_MAX    (60 * 24)

#define OPT                       (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define TEXT(key, type, member)   CYAML_FIELD_STRING_PTR(key, OPT, type, member, 0, TEXT_MAX_BYTES)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)

const cyaml_schema_field_t config_nodes_fields[] = {
    TEXT("listen", struct config_nodes, listen),
    TEXT("certificate", struct config_nodes, certificate),
    TEXT("key", struct config_nodes, key),
    NUMBER("silent_minutes", struct config_nodes, silent_minutes),
    TEXT("centre", struct config_nodes, centre),
    TEXT("centre_vkey", struct config_nodes, centre_vkey),
    TEXT("ca", struct config_nodes, ca),
    NUMBER("minutes", struct config_nodes, minutes),
    CYAML_FIELD_END};

static void or_empty(char **text)
{
    if (!*text && !(*text = strdup("")))
        abort();
}

int config_nodes_check(struct config_nodes *c, struct err *err)
{
    struct err why;
    char **texts[] = {&c->listen, &c->certificate, &c->key, &c->centre, &c->centre_vkey, &c->ca};
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        or_empty(texts[i]);
    c->silent_minutes = c->silent_minutes ? c->silent_minutes : 60;
    c->minutes = c->minutes ? c->minutes : 5;
    if (c->silent_minutes > SILENT_MAX_MIN || c->minutes > MINUTES_MAX)
        return err_set(err, -EINVAL, "nodes.%s: too many",
                       c->minutes > MINUTES_MAX ? "minutes" : "silent_minutes");
    if (!*c->certificate != !*c->key)
        return err_set(err, -EINVAL, "nodes.certificate and nodes.key: both or none");
    if (*c->centre && strncmp(c->centre, "https://", 8) != 0 &&
        strncmp(c->centre, "http://", 7) != 0)
        return err_set(err, -EINVAL, "nodes.centre: wants http:// or https:// (%s)", c->centre);
    if (*c->centre && !*c->centre_vkey)
        return err_set(err, -EINVAL, "nodes.centre_vkey: wants the centre's key as a witness");
    if (*c->centre_vkey && note_key_parse_cosigner(span_str(c->centre_vkey), &c->witness, &why) < 0)
        return err_set(err, -EINVAL, "nodes.centre_vkey: %s", why.text);
    return 0;
}

void config_nodes_free(struct config_nodes *c)
{
    (void)c;
}

void config_nodes_write(struct buf *out)
{
    buf_str(out,
            "\n# Several sinkholes: where nodes report to this one, or the centre that this one "
            "reports to (doc/nodes.md).\n"
            "nodes:\n"
            "  listen: \"\"\n"
            "  centre: \"\"\n");
}
