/* Deterministic CBOR (RFC 8949, 4.2.1): shortest heads, definite lengths, map keys in bytewise
 * order of their encoding. The subset that payloads use: unsigned and negative integers, byte and
 * text strings, arrays, maps with text keys, false, true, null. No tags, no floats.
 *
 * Writing appends to a buf and trusts the caller to write map keys in order. Reading trusts nobody:
 * whatever is not in this subset and form is malformed. */
#pragma once

#include "base/buf.h"

#define CBOR_DEPTH_MAX 16

enum cbor_type { CBOR_UINT = 0, CBOR_NEGINT = 1, CBOR_BYTES = 2, CBOR_TEXT = 3, CBOR_ARRAY = 4,
                 CBOR_MAP = 5, CBOR_SIMPLE = 7 };
enum { CBOR_FALSE = 20, CBOR_TRUE = 21, CBOR_NULL = 22 };

/* A head, type and its argument in the shortest form, at p, which has room for 9 bytes; gives its
 * length. */
unsigned cbor_head(uint8_t *p, enum cbor_type type, uint64_t n);
/* The same, appended. */
void cbor_put_head(struct buf *b, enum cbor_type type, uint64_t n);
static inline void cbor_put_uint(struct buf *b, uint64_t v)
{
    cbor_put_head(b, CBOR_UINT, v);
}
static inline void cbor_put_int(struct buf *b, int64_t v)
{
    cbor_put_head(b, v < 0 ? CBOR_NEGINT : CBOR_UINT, v < 0 ? ~(uint64_t)v : (uint64_t)v);
}
static inline void cbor_put_bool(struct buf *b, bool v)
{
    cbor_put_head(b, CBOR_SIMPLE, v ? CBOR_TRUE : CBOR_FALSE);
}
static inline void cbor_put_bytes(struct buf *b, struct span s)
{
    cbor_put_head(b, CBOR_BYTES, s.n);
    buf_span(b, s);
}
/* Outside text: a text string when it is UTF-8, else a byte string, so that nothing is lost. */
void cbor_put_text(struct buf *b, struct span s);
/* For keys and our own words. */
static inline void cbor_put_key(struct buf *b, const char *key)
{
    size_t n = strlen(key);
    cbor_put_head(b, CBOR_TEXT, n);
    buf_put(b, key, n);
}
/* Order of two text keys in a deterministic map: the shorter first, then bytewise. */
static inline int cbor_key_cmp(struct span a, struct span b)
{
    return a.n != b.n ? (a.n < b.n ? -1 : 1) : (a.n ? memcmp(a.p, b.p, a.n) : 0);
}

/* One item as read. For arrays and maps n is the number of items or pairs that follow; for
 * strings s has the bytes (they point into the input); for integers and simple values n. */
struct cbor_item {
    enum cbor_type type;
    uint64_t n;
    struct span s;
};

/* Reads one item's head (and a string's bytes). 1 read, -1 malformed or out of bytes. */
int cbor_get(struct cur *c, struct cbor_item *out);
/* Reads past one whole item, nested ones included. 1 skipped, -1 malformed or too deep. */
int cbor_skip(struct cur *c);
/* True when the span is exactly one item in deterministic form, keys ordered and unique. */
bool cbor_valid(struct span s);
/* In the map that starts at c, the value of a key: leaves *value at it. 1 found, 0 not, -1 bad. */
int cbor_find(struct cur c, const char *key, struct cur *value);
