#include "base/cbor.h"

unsigned cbor_head(uint8_t *p, enum cbor_type type, uint64_t n)
{
    uint8_t major = (uint8_t)(type << 5);
    if (n < 24) {
        p[0] = (uint8_t)(major | n);
        return 1;
    }
    if (n <= 0xff) {
        p[0] = major | 24;
        p[1] = (uint8_t)n;
        return 2;
    }
    if (n <= 0xffff) {
        p[0] = major | 25;
        be16_put(p + 1, (uint16_t)n);
        return 3;
    }
    if (n <= 0xffffffff) {
        p[0] = major | 26;
        be32_put(p + 1, (uint32_t)n);
        return 5;
    }
    p[0] = major | 27;
    be64_put(p + 1, n);
    return 9;
}

void cbor_put_head(struct buf *b, enum cbor_type type, uint64_t n)
{
    b->n += cbor_head(buf_reserve(b, 9), type, n);
}

void cbor_put_text(struct buf *b, struct span s)
{
    cbor_put_head(b, span_is_utf8(s) ? CBOR_TEXT : CBOR_BYTES, s.n);
    buf_span(b, s);
}

/* The argument of a head, which must be in its shortest form. */
static int argument_get(struct cur *c, unsigned info, uint64_t *n)
{
    uint8_t v8;
    uint16_t v16;
    uint32_t v32;
    if (info < 24) {
        *n = info;
        return 1;
    }
    switch (info) {
    case 24:
        if (!cur_u8(c, &v8) || v8 < 24)
            return -1;
        *n = v8;
        return 1;
    case 25:
        if (!cur_u16(c, &v16) || v16 <= 0xff)
            return -1;
        *n = v16;
        return 1;
    case 26:
        if (!cur_u32(c, &v32) || v32 <= 0xffff)
            return -1;
        *n = v32;
        return 1;
    case 27:
        return cur_u64(c, n) && *n > 0xffffffff ? 1 : -1;
    default:
        return -1; /* reserved, or indefinite length */
    }
}

int cbor_get(struct cur *c, struct cbor_item *out)
{
    uint8_t head;
    if (!cur_u8(c, &head))
        return -1;
    out->type = head >> 5;
    out->s = (struct span){NULL, 0};
    if (argument_get(c, head & 31, &out->n) < 0)
        return -1;
    switch (out->type) {
    case CBOR_BYTES:
    case CBOR_TEXT:
        if (out->n > cur_left(c) || !cur_take(c, (size_t)out->n, &out->s))
            return -1;
        return 1;
    case CBOR_ARRAY: /* every item is at least a byte, which bounds what a reader allocates */
        return out->n <= cur_left(c) ? 1 : -1;
    case CBOR_MAP:
        return out->n <= cur_left(c) / 2 ? 1 : -1;
    case CBOR_SIMPLE:
        return out->n == CBOR_FALSE || out->n == CBOR_TRUE || out->n == CBOR_NULL ? 1 : -1;
    case CBOR_UINT:
    case CBOR_NEGINT:
        return 1;
    default:
        return -1;
    }
}

static int item_check(struct cur *c, unsigned depth, bool strict)
{
    struct cbor_item it;
    if (depth > CBOR_DEPTH_MAX || cbor_get(c, &it) < 0)
        return -1;
    if (strict && it.type == CBOR_TEXT && !span_is_utf8(it.s))
        return -1;
    if (it.type == CBOR_ARRAY) {
        for (uint64_t i = 0; i < it.n; i++)
            if (item_check(c, depth + 1, strict) < 0)
                return -1;
    } else if (it.type == CBOR_MAP) {
        struct span last = {NULL, 0};
        for (uint64_t i = 0; i < it.n; i++) {
            struct cbor_item key;
            if (cbor_get(c, &key) < 0 || key.type != CBOR_TEXT)
                return -1;
            if (strict && (!span_is_utf8(key.s) || (i && cbor_key_cmp(last, key.s) >= 0)))
                return -1;
            last = key.s;
            if (item_check(c, depth + 1, strict) < 0)
                return -1;
        }
    }
    return 1;
}

int cbor_skip(struct cur *c)
{
    return item_check(c, 0, false);
}

bool cbor_valid(struct span s)
{
    struct cur c = cur_of(s);
    return s.n && item_check(&c, 0, true) == 1 && c.p == c.end;
}

int cbor_find(struct cur c, const char *key, struct cur *value)
{
    struct cbor_item map, k;
    if (cbor_get(&c, &map) < 0 || map.type != CBOR_MAP)
        return -1;
    for (uint64_t i = 0; i < map.n; i++) {
        if (cbor_get(&c, &k) < 0 || k.type != CBOR_TEXT)
            return -1;
        if (span_is(k.s, key)) {
            *value = c;
            return 1;
        }
        if (cbor_skip(&c) < 0)
            return -1;
    }
    return 0;
}
