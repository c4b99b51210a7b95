#include "event/act.h"

#include "base/cbor.h"

/* Keys are written in deterministic order: shorter first, then bytewise. */

static void put_uint(struct buf *out, const char *key, uint64_t v)
{
    cbor_put_key(out, key);
    cbor_put_uint(out, v);
}

static void put_text(struct buf *out, const char *key, struct span v)
{
    cbor_put_key(out, key);
    cbor_put_text(out, v);
}

static void put_digest(struct buf *out, const char *key, struct span v)
{
    cbor_put_key(out, key);
    cbor_put_bytes(out, v);
}

static int read_uint(struct span payload, const char *key, uint64_t *out)
{
    struct cur at;
    struct cbor_item it;
    if (cbor_find(cur_of(payload), key, &at) != 1 || cbor_get(&at, &it) < 0 || it.type != CBOR_UINT)
        return -1;
    *out = it.n;
    return 0;
}

static int read_string(struct span payload, const char *key, struct span *out)
{
    struct cur at;
    struct cbor_item it;
    if (cbor_find(cur_of(payload), key, &at) != 1 || cbor_get(&at, &it) < 0 ||
        (it.type != CBOR_TEXT && it.type != CBOR_BYTES))
        return -1;
    *out = it.s;
    return 0;
}

static int read_digest(struct span payload, const char *key, struct span *out)
{
    return read_string(payload, key, out) < 0 || out->n != SHA256_LEN ? -1 : 0;
}

void act_case_opened(struct buf *out, const char *origin, const char *version)
{
    cbor_put_head(out, CBOR_MAP, 2);
    put_text(out, "origin", span_str(origin));
    put_text(out, "version", span_str(version));
}

void act_sensor(struct buf *out, const char *name)
{
    cbor_put_head(out, CBOR_MAP, 1);
    put_text(out, "name", span_str(name));
}

int act_sensor_read(struct span payload, struct span *name)
{
    return read_string(payload, "name", name);
}

void act_ruleset(struct buf *out, uint64_t rules, const uint8_t digest[SHA256_LEN])
{
    cbor_put_head(out, CBOR_MAP, 2);
    put_uint(out, "rules", rules);
    put_digest(out, "sha256", span_of(digest, SHA256_LEN));
}

int act_ruleset_read(struct span payload, uint64_t *rules, struct span *digest)
{
    return read_uint(payload, "rules", rules) < 0 ? -1 : read_digest(payload, "sha256", digest);
}

void act_enrichment(struct buf *out, const struct act_enrichment *a)
{
    cbor_put_head(out, CBOR_MAP, 3);
    put_text(out, "date", a->date);
    put_text(out, "name", a->name);
    put_digest(out, "sha256", a->sha256);
}

int act_enrichment_read(struct span payload, struct act_enrichment *a)
{
    if (read_string(payload, "date", &a->date) < 0 || read_string(payload, "name", &a->name) < 0)
        return -1;
    return read_digest(payload, "sha256", &a->sha256);
}

void act_import_begun(struct buf *out, const struct act_import_begun *a)
{
    cbor_put_head(out, CBOR_MAP, 5);
    put_text(out, "file", a->file);
    cbor_put_key(out, "kept");
    cbor_put_bool(out, a->kept);
    put_uint(out, "size", a->size);
    put_text(out, "format", a->format);
    put_digest(out, "sha256", a->sha256);
}

int act_import_begun_read(struct span payload, struct act_import_begun *a)
{
    struct cur at;
    struct cbor_item kept;
    if (cbor_find(cur_of(payload), "kept", &at) != 1 || cbor_get(&at, &kept) < 0 ||
        kept.type != CBOR_SIMPLE)
        return -1;
    a->kept = kept.n == CBOR_TRUE;
    if (read_string(payload, "file", &a->file) < 0 || read_uint(payload, "size", &a->size) < 0 ||
        read_string(payload, "format", &a->format) < 0)
        return -1;
    return read_digest(payload, "sha256", &a->sha256);
}

void act_import_done(struct buf *out, const struct act_import_done *a)
{
    cbor_put_head(out, CBOR_MAP, 4);
    put_uint(out, "events", a->events);
    put_uint(out, "import", a->import);
    put_uint(out, "records", a->records);
    put_uint(out, "rejected", a->rejected);
}

int act_import_done_read(struct span payload, struct act_import_done *a)
{
    if (read_uint(payload, "events", &a->events) < 0 ||
        read_uint(payload, "import", &a->import) < 0 ||
        read_uint(payload, "records", &a->records) < 0)
        return -1;
    return read_uint(payload, "rejected", &a->rejected);
}
