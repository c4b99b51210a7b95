/* Bytes: `span` borrows, `buf` owns and grows, `cur` reads forward and cannot run over its end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes that somebody else owns. p may be NULL only when n is 0. */
struct span {
    const uint8_t *p;
    size_t n;
};

static inline struct span span_of(const void *p, size_t n)
{
    return (struct span){(const uint8_t *)p, n};
}
static inline struct span span_str(const char *s)
{
    return (struct span){(const uint8_t *)s, s ? strlen(s) : 0};
}
static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool span_is(struct span a, const char *s)
{
    return span_eq(a, span_str(s));
}
/* Equal with ASCII letters folded. */
bool span_ieq(struct span a, struct span b);
/* memcmp order, the shorter first when one is a prefix. */
int span_cmp(struct span a, struct span b);
/* Without spaces and tabs around it, or a CR behind it. */
struct span span_trim(struct span s);
/* True when the bytes are all ASCII and none is NUL: the cheap case of span_is_utf8. */
bool span_is_plain(struct span s);
/* True when the bytes are well-formed UTF-8 (RFC 3629) without NUL. */
bool span_is_utf8(struct span s);

/* Growing output. All zero bytes is an empty buf. Like the arena it aborts when memory is gone. */
struct buf {
    uint8_t *p;
    size_t n, cap;
};

void buf_free(struct buf *b);
/* Makes room for n more bytes and returns where they go; the caller then adds to b->n. */
uint8_t *buf_grow(struct buf *b, size_t n);
static inline uint8_t *buf_reserve(struct buf *b, size_t n)
{
    return b->cap - b->n >= n ? b->p + b->n : buf_grow(b, n);
}
static inline void buf_put(struct buf *b, const void *data, size_t n)
{
    if (n) {
        memcpy(buf_reserve(b, n), data, n);
        b->n += n;
    }
}
static inline void buf_byte(struct buf *b, uint8_t c)
{
    *buf_reserve(b, 1) = c;
    b->n++;
}
static inline void buf_span(struct buf *b, struct span s)
{
    buf_put(b, s.p, s.n);
}
static inline void buf_str(struct buf *b, const char *s)
{
    buf_put(b, s, strlen(s));
}
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline struct span buf_as_span(const struct buf *b)
{
    return (struct span){b->p, b->n};
}

/* Forward reader. Getters return false, and read nothing, when fewer bytes are left. */
struct cur {
    const uint8_t *p, *end;
};

static inline struct cur cur_of(struct span s)
{
    return (struct cur){s.p, s.n ? s.p + s.n : s.p}; /* nothing may be added to NULL, not even 0 */
}
static inline size_t cur_left(const struct cur *c)
{
    return (size_t)(c->end - c->p);
}
static inline bool cur_take(struct cur *c, size_t n, struct span *out)
{
    if (cur_left(c) < n)
        return false;
    *out = span_of(c->p, n);
    c->p += n;
    return true;
}

/* The bytes before the next LF, which is passed over with them; the last line may lack its own. */
struct span cur_line(struct cur *c);

/* Big-endian words, as in all our formats. */
static inline uint16_t be16_get(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}
static inline uint32_t be32_get(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return __builtin_bswap32(v);
}
static inline uint64_t be64_get(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}
static inline void be16_put(uint8_t *p, uint16_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static inline void be32_put(uint8_t *p, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(p, &v, 4);
}
static inline void be64_put(uint8_t *p, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(p, &v, 8);
}
static inline void buf_be16(struct buf *b, uint16_t v)
{
    be16_put(buf_reserve(b, 2), v);
    b->n += 2;
}
static inline void buf_be32(struct buf *b, uint32_t v)
{
    be32_put(buf_reserve(b, 4), v);
    b->n += 4;
}
static inline void buf_be64(struct buf *b, uint64_t v)
{
    be64_put(buf_reserve(b, 8), v);
    b->n += 8;
}
static inline bool cur_u8(struct cur *c, uint8_t *v)
{
    if (cur_left(c) < 1)
        return false;
    *v = *c->p++;
    return true;
}
static inline bool cur_u16(struct cur *c, uint16_t *v)
{
    if (cur_left(c) < 2)
        return false;
    *v = be16_get(c->p);
    c->p += 2;
    return true;
}
static inline bool cur_u32(struct cur *c, uint32_t *v)
{
    if (cur_left(c) < 4)
        return false;
    *v = be32_get(c->p);
    c->p += 4;
    return true;
}
static inline bool cur_u64(struct cur *c, uint64_t *v)
{
    if (cur_left(c) < 8)
        return false;
    *v = be64_get(c->p);
    c->p += 8;
    return true;
}
