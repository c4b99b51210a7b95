#include "app/config.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"

#define CONFIG_FILE_MAX (1u << 20)
#define CONFIG_TEXT_MAX 4096

#define TEXT(key, type, member)                                                                    \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0,         \
                           CONFIG_TEXT_MAX)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)

struct enrichment {
    char *libloc, *mmdb_asn, *mmdb_country;
};
_Static_assert(sizeof(struct enrichment) == sizeof(((struct config *)0)->enrichment),
               "the named struct is config's enrichment");

static const cyaml_schema_field_t enrichment_fields[] = {
    TEXT("libloc", struct enrichment, libloc),
    TEXT("mmdb_asn", struct enrichment, mmdb_asn),
    TEXT("mmdb_country", struct enrichment, mmdb_country),
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t config_fields[] = {
    TEXT("name", struct config, name),
    TEXT("origin", struct config, origin),
    NUMBER("commit_interval_ms", struct config, commit_interval_ms),
    NUMBER("blob_max_mib", struct config, blob_max_mib),
    NUMBER("blobs_total_gib", struct config, blobs_total_gib),
    CYAML_FIELD_MAPPING("enrichment", CYAML_FLAG_OPTIONAL, struct config, enrichment,
                        enrichment_fields),
    TEXT("rules", struct config, rules),
    CYAML_FIELD_MAPPING("mail", CYAML_FLAG_OPTIONAL, struct config, mail, config_mail_fields),
    CYAML_FIELD_MAPPING("serve", CYAML_FLAG_OPTIONAL, struct config, serve, config_serve_fields),
    CYAML_FIELD_MAPPING("cleanup", CYAML_FLAG_OPTIONAL, struct config, cleanup,
                        config_cleanup_fields),
    CYAML_FIELD_MAPPING("evidence", CYAML_FLAG_OPTIONAL, struct config, evidence,
                        config_evidence_fields),
    CYAML_FIELD_MAPPING("cluster", CYAML_FLAG_OPTIONAL, struct config, cluster,
                        config_cluster_fields),
    CYAML_FIELD_MAPPING("nodes", CYAML_FLAG_OPTIONAL, struct config, nodes, config_nodes_fields),
    CYAML_FIELD_MAPPING("retention", CYAML_FLAG_OPTIONAL, struct config, retention,
                        config_retention_fields),
    CYAML_FIELD_MAPPING("web", CYAML_FLAG_OPTIONAL, struct config, web, config_web_fields),
    CYAML_FIELD_END,
};

static const cyaml_schema_value_t config_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct config, config_fields),
};

/* libcyaml tells what is wrong through a log function: the first error line is the one to show. */
struct complaint {
    char text[256];
};

static void complain(cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
    struct complaint *c = ctx;
    char line[sizeof c->text];
    if (level < CYAML_LOG_ERROR)
        return;
    vsnprintf(line, sizeof line, fmt, args);
    line[strcspn(line, "\n")] = 0;
    const char *text = strncmp(line, "Load: ", 6) == 0 ? line + 6 : line;
    size_t n = strlen(c->text);
    if (strcmp(text, "Backtrace:") != 0)
        snprintf(c->text + n, sizeof c->text - n, "%s%s", n ? "; " : "", text);
}

static void or_default(char **text, const char *fallback)
{
    if (!*text && !(*text = strdup(fallback)))
        abort();
}

static int check(struct config *c, const char *path, struct err *err)
{
    struct err why;
    int rc = config_mail_check(&c->mail, &why);
    if (rc == 0)
        rc = config_cleanup_check(&c->cleanup, &why);
    if (rc == 0)
        rc = config_evidence_check(&c->evidence, &why);
    if (rc == 0)
        rc = config_web_check(&c->web, &why);
    if (rc == 0)
        rc = config_cluster_check(&c->cluster, &why);
    if (rc == 0)
        rc = config_nodes_check(&c->nodes, &why);
    if (rc == 0)
        rc = config_retention_check(&c->retention, &why);
    if (rc < 0)
        return err_set(err, rc, "%s: %s", path, why.text);
    if (c->commit_interval_ms < 1 || c->commit_interval_ms > 60000)
        return err_set(err, -EINVAL, "%s: commit_interval_ms must be 1 to 60000 (%u)", path,
                       c->commit_interval_ms);
    if (c->blob_max_mib < 1 || c->blob_max_mib > 4096)
        return err_set(err, -EINVAL, "%s: blob_max_mib must be 1 to 4096 (%u)", path,
                       c->blob_max_mib);
    return 0;
}

int config_load(const char *dir, struct config **out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct complaint complaint = {""};
    const cyaml_config_t setup = {.log_fn = complain,
                                  .log_ctx = &complaint,
                                  .log_level = CYAML_LOG_ERROR,
                                  .mem_fn = cyaml_mem};
    struct buf text = {0};
    int rc = file_path(path, err, "%s/%s", dir, CONFIG_FILE);
    if (rc < 0)
        return rc;
    if (!file_exists(path))
        return err_set(err, -ENOENT, "%s: not a case: it has no %s (make one with `ebb init`)", dir,
                       CONFIG_FILE);
    rc = file_read(path, CONFIG_FILE_MAX, &text, err);
    struct config *c = NULL;
    cyaml_err_t status = CYAML_OK;
    if (rc == 0)
        status = cyaml_load_data(text.p, text.n, &setup, &config_schema, (cyaml_data_t **)&c, NULL);
    buf_free(&text);
    if (rc < 0)
        return rc;
    if (status != CYAML_OK || !c)
        return err_set(err, -EINVAL, "%s: %s", path,
                       complaint.text[0] ? complaint.text : cyaml_strerror(status));
    or_default(&c->name, "case");
    or_default(&c->origin, "");
    or_default(&c->enrichment.libloc, "/var/lib/location/database.db");
    or_default(&c->enrichment.mmdb_asn, "");
    or_default(&c->enrichment.mmdb_country, "");
    or_default(&c->rules, "");
    config_serve_defaults(&c->serve);
    c->commit_interval_ms = c->commit_interval_ms ? c->commit_interval_ms : 200;
    c->blob_max_mib = c->blob_max_mib ? c->blob_max_mib : 64;
    rc = check(c, path, err);
    if (rc < 0) {
        config_free(c);
        return rc;
    }
    *out = c;
    return 0;
}

void config_free(struct config *c)
{
    static const cyaml_config_t setup = {.mem_fn = cyaml_mem};
    if (c) {
        config_mail_free(&c->mail);
        config_cleanup_free(&c->cleanup);
        config_web_free(&c->web);
        config_evidence_free(&c->evidence);
    if (c)
        config_nodes_free(&c->nodes);
    }
    cyaml_free(&setup, &config_schema, c, 0);
}

/* A double-quoted YAML scalar. */
static void put_quoted(struct buf *b, const char *text)
{
    buf_byte(b, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_byte(b, '\\');
        buf_byte(b, (unsigned char)*text < 0x20 ? ' ' : (uint8_t)*text);
    }
    buf_byte(b, '"');
}

int config_write(const char *dir, const char *name, const char *origin, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf b = {0};
    int rc = file_path(path, err, "%s/%s", dir, CONFIG_FILE);
    if (rc < 0)
        return rc;
    if (file_exists(path))
        return err_set(err, -EEXIST, "%s: there is a case already", dir);
    buf_str(&b,
            "# ebb.yaml: one case. Every key may be left out; the values here are the defaults.\n\n"
            "# What the case is called.\nname: ");
    put_quoted(&b, name);
    buf_str(
        &b,
        "\n# The log's name in its checkpoints. Fixed when the case was made: changing it here\n"
        "# changes nothing on the log.\norigin: ");
    put_quoted(&b, origin);
    buf_str(
        &b,
        "\n\n# What was taken in is on the disk after this many milliseconds at the latest.\n"
        "commit_interval_ms: 200\n\n"
        "# Raw mail, bodies and imported files are kept under these caps (0 GiB: no cap).\n"
        "blob_max_mib: 64\nblobs_total_gib: 0\n\n"
        "# Who announces an address: libloc's database (Debian: libloc-database), and MaxMind\n"
        "# DB files where you have them. \"\" turns one off.\n"
        "enrichment:\n  libloc: \"/var/lib/location/database.db\"\n"
        "  mmdb_asn: \"\"\n  mmdb_country: \"\"\n\n"
        "# A folder of YARA rules (*.yar) and families.map; \"\" takes those that come with ebb.\n"
        "rules: \"\"\n");
    config_mail_write(&b);
    config_serve_write(&b);
    config_cleanup_write(&b);
    config_evidence_write(&b);
    config_cluster_write(&b);
    config_nodes_write(&b);
    config_retention_write(&b);
    config_web_write(&b);
    rc = file_replace(path, buf_as_span(&b), 0644, err);
    buf_free(&b);
    return rc;
}
