#include "state/fact.h"

#include <xxhash.h>

uint64_t fact_source(const struct ip *ip)
{
    if (!ip_is_set(ip))
        return 0;
    if (ip_is_v4(ip))
        return 1ull << 32 | ip_v4(ip);
    return 1ull << 63 | XXH3_64bits(ip->b, 8) >> 1;
}

/* ---- records ---- */

static uint8_t *put(uint8_t *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = bytes; i > 0; i--) {
        p[i - 1] = (uint8_t)v;
        v >>= 8;
    }
    return p + bytes;
}

static void encode(const struct fact *f, uint8_t p[FACT_LEN])
{
    p = put(p, f->index, 8);
    p = put(p, (uint64_t)f->time, 8);
    p = put(p, f->campaign, 8);
    p = put(p, f->source, 8);
    p = put(p, f->bytes, 4);
    p = put(p, f->asn, 4);
    p = put(p, f->dialect, 4);
    p = put(p, f->family, 2);
    p = put(p, f->sensor, 2);
    p = put(p, f->flags, 2);
    p = put(p, f->topic, 1);
    p = put(p, f->why, 1);
    memcpy(p, f->country, 2);
    p += 2;
    for (unsigned i = 0; i < FACT_BRANDS; i++)
        p = put(p, f->brand[i], 2);
    put(p, 0, 2);
}

static void decode(const uint8_t *p, struct fact *f)
{
    f->index = be64_get(p);
    f->time = (int64_t)be64_get(p + 8);
    f->campaign = be64_get(p + 16);
    f->source = be64_get(p + 24);
    f->bytes = be32_get(p + 32);
    f->asn = be32_get(p + 36);
    f->dialect = be32_get(p + 40);
    f->family = be16_get(p + 44);
    f->sensor = be16_get(p + 46);
    f->flags = be16_get(p + 48);
    f->topic = p[50];
    f->why = p[51];
    memcpy(f->country, p + 52, 2);
    for (unsigned i = 0; i < FACT_BRANDS; i++)
        f->brand[i] = be16_get(p + 54 + 2 * (size_t)i);
}

void fact_add(struct tail *t, const struct fact *fact)
{
    struct buf *to = tail_pending(t);
    encode(fact, buf_reserve(to, FACT_LEN));
    to->n += FACT_LEN;
}

struct walk {
    int (*fact)(void *ctx, const struct fact *fact);
    void *ctx;
};

static int walk_piece(void *ctx, struct span bytes, size_t *used)
{
    const struct walk *w = ctx;
    struct fact one;
    int rc = 0;
    for (*used = 0; rc == 0 && bytes.n - *used >= FACT_LEN; *used += FACT_LEN) {
        decode(bytes.p + *used, &one);
        rc = w->fact(w->ctx, &one);
    }
    return rc;
}

int fact_each(struct tail *t, int (*fact)(void *ctx, const struct fact *fact), void *ctx,
              struct err *err)
{
    struct walk w = {fact, ctx};
    return tail_each(t, walk_piece, &w, err);
}

int fact_each_from(struct tail *t, uint64_t index, int (*fact)(void *ctx, const struct fact *fact),
                   void *ctx, struct err *err)
{
    uint64_t from = 0, to = tail_bytes(t) / FACT_LEN;
    struct walk w = {fact, ctx};
    while (from < to) { /* the first one that is not before it */
        uint64_t middle = from + (to - from) / 2;
        uint8_t record[FACT_LEN];
        int rc = tail_read(t, middle * FACT_LEN, record, sizeof record, err);
        if (rc < 0)
            return rc;
        if (be64_get(record) < index)
            from = middle + 1;
        else
            to = middle;
    }
    return tail_each_from(t, from * FACT_LEN, walk_piece, &w, err);
}
