#include "app/config_cluster.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "view/clickhouse.h"

#define TEXT_MAX_BYTES 1024
#define BATCH_MIN      1000
#define BATCH_MAX      1000000 /* one block of a server: it is taken in as a whole, or not at all */
#define DELAY_MAX_MS   600000
#define TIMEOUT_MAX_S  3600

#define OPT                       (CYAML_FLAG_OPTIONAL | CYAML_FLAG_POINTER)
#define TEXT(key, type, member)   CYAML_FIELD_STRING_PTR(key, OPT, type, member, 0, TEXT_MAX_BYTES)
#define NUMBER(key, type, member) CYAML_FIELD_UINT(key, CYAML_FLAG_OPTIONAL, type, member)
#define TRUE(key, type, member)   CYAML_FIELD_BOOL(key, CYAML_FLAG_OPTIONAL, type, member)

static const cyaml_schema_field_t shard_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, struct config_shard, name, 1, 64),
    CYAML_FIELD_STRING_PTR("url", CYAML_FLAG_POINTER, struct config_shard, url, 1, TEXT_MAX_BYTES),
    CYAML_FIELD_END};
static const cyaml_schema_value_t shard_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct config_shard, shard_fields)};

const cyaml_schema_field_t config_cluster_fields[] = {
    TRUE("ship", struct config_cluster, ship),
    TRUE("plain", struct config_cluster, plain),
    TRUE("payloads_off", struct config_cluster, payloads_off),
    TEXT("name", struct config_cluster, name),
    TEXT("database", struct config_cluster, database),
    TEXT("user", struct config_cluster, user),
    TEXT("password_file", struct config_cluster, password_file),
    TEXT("ca", struct config_cluster, ca),
    CYAML_FIELD_SEQUENCE("shards", OPT, struct config_cluster, shards, &shard_value, 0,
                         CLICKHOUSE_SHARDS_MAX),
    NUMBER("batch_rows", struct config_cluster, batch_rows),
    NUMBER("delay_ms", struct config_cluster, delay_ms),
    NUMBER("timeout_s", struct config_cluster, timeout_s),
    CYAML_FIELD_END};

static void or_default(char **text, const char *fallback)
{
    if ((!*text || !**text) && !(*text = strdup(fallback)))
        abort();
}

/* What stands in statements as it is. */
static bool is_word(const char *text)
{
    size_t n = strlen(text);
    return n && n <= 64 && (text[0] < '0' || text[0] > '9') &&
           n == strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
}

/* http:// goes to this machine alone, unless the operator says that the network is theirs. */
static bool is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
           strncmp(host, "localhost", 9) == 0;
}

static int check_shard(const struct config_cluster *c, unsigned i, struct err *err)
{
    const struct config_shard *s = &c->shards[i];
    bool plain = strncmp(s->url, "http://", 7) == 0;
    if (!plain && strncmp(s->url, "https://", 8) != 0)
        return err_set(err, -EINVAL, "cluster.shards[%u].url: wants http:// or https:// (%s)", i,
                       s->url);
    if (plain && !c->plain && !is_loopback(s->url + 7))
        return err_set(
            err, -EINVAL,
            "cluster.shards[%u].url: what is shipped would go in the clear (%s): https://, "
            "or cluster.plain",
            i, s->url);
    for (unsigned k = 0; k < i; k++)
        if (strcmp(c->shards[k].name, s->name) == 0 || strcmp(c->shards[k].url, s->url) == 0)
            return err_set(err, -EINVAL, "cluster.shards[%u]: is there twice", i);
    return 0;
}

static int check_number(uint32_t *v, uint32_t fallback, uint32_t least, uint32_t most,
                        const char *key, struct err *err)
{
    *v = *v ? *v : fallback;
    if (*v < least || *v > most)
        return err_set(err, -EINVAL, "cluster.%s: %u to %u (%u)", key, least, most, *v);
    return 0;
}

int config_cluster_check(struct config_cluster *c, struct err *err)
{
    or_default(&c->name, "ebb");
    or_default(&c->database, "ebb");
    or_default(&c->user, "");
    or_default(&c->password_file, "");
    or_default(&c->ca, "");
    if (!is_word(c->name) || !is_word(c->database))
        return err_set(err, -EINVAL, "cluster.%s: letters, digits and _ (%s)",
                       is_word(c->name) ? "database" : "name",
                       is_word(c->name) ? c->database : c->name);
    if (c->ship && !c->shards_count)
        return err_set(err, -EINVAL, "cluster.ship: wants cluster.shards");
    int rc = check_number(&c->batch_rows, 250000, BATCH_MIN, BATCH_MAX, "batch_rows", err);
    if (rc == 0)
        rc = check_number(&c->delay_ms, 2000, 1, DELAY_MAX_MS, "delay_ms", err);
    if (rc == 0)
        rc = check_number(&c->timeout_s, 60, 1, TIMEOUT_MAX_S, "timeout_s", err);
    for (unsigned i = 0; rc == 0 && i < c->shards_count; i++)
        rc = check_shard(c, i, err);
    return rc;
}

void config_cluster_write(struct buf *out)
{
    buf_str(out,
            "\n# A ClickHouse cluster that observations are shipped to, and asked over all nodes "
            "(doc/cluster.md).\n"
            "cluster:\n"
            "  ship: false\n"
            "  # shards:\n"
            "  #   - {name: s1, url: \"https://clickhouse1.example:8443\"}\n");
}
