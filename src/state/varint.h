/* Varints, as the packed sets have them: LEB128, seven bits a byte, low ones first, the high bit
 * set on all bytes but the last. Only the shortest form is read, so that equal sets are equal
 * bytes. */
#pragma once

#include "base/buf.h"

#define VARINT_MAX    10 /* bytes of 64 bits */
#define VARINT128_MAX 19

static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *varint_put128(uint8_t *p, unsigned __int128 v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)((uint64_t)v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* False: cut short, longer than it need be, or more than 63 bits. */
static inline bool varint_get(struct cur *c, uint64_t *out)
{
    if (c->p < c->end && *c->p < 0x80) {
        *out = *c->p++;
        return true;
    }
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 63 && c->p < c->end; shift += 7) {
        uint8_t b = *c->p++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = v;
            return b != 0;
        }
    }
    return false;
}

/* The same of all 128 bits. */
static inline bool varint_get128(struct cur *c, unsigned __int128 *out)
{
    unsigned __int128 v = 0;
    for (unsigned shift = 0; shift < 128 && c->p < c->end; shift += 7) {
        uint8_t b = *c->p++;
        v |= (unsigned __int128)(b & 0x7f) << shift;
        if (shift == 126 && (b & 0x7f) > 3)
            return false;
        if (b < 0x80) {
            *out = v;
            return b != 0 || shift == 0;
        }
    }
    return false;
}
