/* Stamp: proof that work was done for a lead, and what it costs now. A stamp is a number for which
 *
 *   SHA-256(SHA-256("ebb lead stamp v1\n" || origin || "\n" || hour || subject) || nonce)
 *
 * begins with so many zero bits; hour (since 1970, UTC) and nonce are 64 bits, big-endian; subject
 * is 32 bytes that no two leads share (the commitment). Good in its hour and the next. The same
 * idea as hashcash (Back 2002): cheap to check, and its price can rise with demand.
 *
 * The price never closes the line: it rises with what came lately, and stops at a price that a
 * person's computer still pays within minutes. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"

#define STAMP_BITS_BASE 16 /* 65,000 hashes: a moment */
#define STAMP_WORK_MAX  32 /* more than that nobody is asked to pay, or may */
#define STAMP_BITS_MAX  28 /* 268 million: a minute of one processor, or a few in a browser */

/* Hours since 1970. */
uint64_t stamp_hour(int64_t time);
struct stamp {
    uint64_t hour, nonce;
};
/* Zero bits that the stamp has; 0 when its hour is neither the current one nor the one before. */
unsigned stamp_bits(const struct stamp *s, const char *origin, const uint8_t subject[SHA256_LEN],
                    int64_t now);
/* What a stamp's nonce is put behind, for who looks for one elsewhere: in a browser, by hand. */
void stamp_prefix(const char *origin, uint64_t hour, const uint8_t subject[SHA256_LEN],
                  uint8_t out[SHA256_LEN]);
/* Looks for one of `bits` (STAMP_WORK_MAX at most) for the current hour. Takes 2^bits hashes on
 * average. False: none was found within 64 times as many. */
bool stamp_make(const char *origin, const uint8_t subject[SHA256_LEN], unsigned bits, int64_t now,
                struct stamp *out);

/* What came in the current hour and the one before. What is kept of it is coarse on purpose
 * (stamp_took()), so that it does not say when a lead came on a quiet day. */
#define STAMP_HOURS 2
struct stamp_demand {
    uint64_t hour[STAMP_HOURS], leads[STAMP_HOURS], bytes[STAMP_HOURS];
};
/* As text, two lines; parsing takes whatever is wrong, or over, for none. */
void stamp_demand_put(const struct stamp_demand *d, struct buf *out);
void stamp_demand_parse(struct span text, int64_t now, struct stamp_demand *out);
/* A lead was taken: one in STAMP_SAMPLE is counted, as so many. */
#define STAMP_SAMPLE 8
void stamp_took(struct stamp_demand *d, uint64_t bytes, int64_t now);

/* Bits that a lead of that size costs now. space: bytes that are left for leads. */
#define STAMP_FREE_LEADS 32           /* an hour, at the base price */
#define STAMP_FREE_BYTES (1ull << 30) /* an hour */
#define STAMP_FREE_ONE   (8ull << 20) /* of one lead */
#define STAMP_LOW_SPACE  (16ull << 30)
unsigned stamp_price(const struct stamp_demand *d, uint64_t bytes, uint64_t space, int64_t now);
