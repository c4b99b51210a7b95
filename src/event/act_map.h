/* Acts are CBOR maps of which some members may be absent: writing and reading such a map. For
 * act*.c only. Keys are written in deterministic order: shorter first, then bytewise. */
#pragma once

#include "base/cbor.h"
#include "event/act.h"

static inline void put_uint(struct buf *out, const char *key, uint64_t v)
{
    cbor_put_key(out, key);
    cbor_put_uint(out, v);
}

static inline void put_text(struct buf *out, const char *key, struct span v)
{
    cbor_put_key(out, key);
    cbor_put_text(out, v);
}

static inline void put_digest(struct buf *out, const char *key, struct span v)
{
    cbor_put_key(out, key);
    cbor_put_bytes(out, v);
}

/* ---- maps of which some members may be absent ---- */

/* A map's head is filled in when its members are counted. */
struct map {
    struct buf *out;
    size_t head;
    unsigned n;
};

static inline struct map map_begin(struct buf *out)
{
    struct map m = {.out = out, .head = out->n};
    buf_byte(out, 0);
    return m;
}

static inline void map_end(struct map *m)
{
    m->out->p[m->head] = (uint8_t)(CBOR_MAP << 5 | m->n);
}

static inline void map_text(struct map *m, const char *key, struct span v)
{
    if (v.n) {
        put_text(m->out, key, v);
        m->n++;
    }
}

static inline void map_digest(struct map *m, const char *key, struct span v)
{
    if (v.n) {
        put_digest(m->out, key, v);
        m->n++;
    }
}

static inline void map_uint(struct map *m, const char *key, uint64_t v)
{
    if (v) {
        put_uint(m->out, key, v);
        m->n++;
    }
}

static inline void map_true(struct map *m, const char *key, bool v)
{
    if (v) {
        cbor_put_key(m->out, key);
        cbor_put_bool(m->out, true);
        m->n++;
    }
}

static inline void map_time(struct map *m, const char *key, int64_t v)
{
    if (v != ACT_FOREVER) {
        cbor_put_key(m->out, key);
        cbor_put_int(m->out, v);
        m->n++;
    }
}

/* Members that are absent read as empty, 0, false or ACT_FOREVER; those of another type are an
 * error. */
struct reader {
    struct span payload;
    bool bad;
};

static inline bool find(struct reader *r, const char *key, struct cbor_item *out)
{
    struct cur at;
    int found = r->bad ? 0 : cbor_find(cur_of(r->payload), key, &at);
    if (found == 1 && cbor_get(&at, out) == 1)
        return true;
    r->bad |= found != 0;
    return false;
}

static inline struct span get_text(struct reader *r, const char *key)
{
    struct cbor_item it;
    if (!find(r, key, &it))
        return span_of(NULL, 0);
    r->bad |= it.type != CBOR_TEXT && it.type != CBOR_BYTES;
    return r->bad ? span_of(NULL, 0) : it.s;
}

static inline struct span get_digest(struct reader *r, const char *key)
{
    struct span s = get_text(r, key);
    r->bad |= s.n != 0 && s.n != SHA256_LEN;
    return s;
}

static inline uint64_t get_uint(struct reader *r, const char *key)
{
    struct cbor_item it;
    if (!find(r, key, &it))
        return 0;
    r->bad |= it.type != CBOR_UINT;
    return it.n;
}

static inline bool get_bool(struct reader *r, const char *key)
{
    struct cbor_item it;
    if (!find(r, key, &it))
        return false;
    r->bad |= it.type != CBOR_SIMPLE;
    return it.n == CBOR_TRUE;
}

static inline int64_t get_time(struct reader *r, const char *key)
{
    struct cbor_item it;
    if (!find(r, key, &it))
        return ACT_FOREVER;
    r->bad |= (it.type != CBOR_UINT && it.type != CBOR_NEGINT) || it.n > INT64_MAX;
    return it.type == CBOR_NEGINT ? -(int64_t)(it.n & INT64_MAX) - 1 : (int64_t)(it.n & INT64_MAX);
}

/* An empty payload is none: it was redacted. */
static inline struct reader read_begin(struct span payload)
{
    struct cur c = cur_of(payload);
    struct cbor_item it;
    return (struct reader){payload, cbor_get(&c, &it) != 1 || it.type != CBOR_MAP};
}

static inline int read_end(const struct reader *r)
{
    return r->bad ? -1 : 0;
}
