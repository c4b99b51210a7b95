#include "lead/stamp.h"

#include <sodium.h>

#include "base/utc.h"

#define STAMPED_AS   "ebb lead stamp v1\n"
#define HOUR         (3600 * UTC_SECOND)
#define TRIES_FACTOR 64 /* failing by bad luck: e^-64 */
#define NUMBER_MAX   20 /* digits */

uint64_t stamp_hour(int64_t time)
{
    return time < 0 ? 0 : (uint64_t)(time / HOUR);
}

void stamp_prefix(const char *origin, uint64_t hour, const uint8_t subject[SHA256_LEN],
                  uint8_t out[SHA256_LEN])
{
    uint8_t at[8];
    sha256_ctx c;
    be64_put(at, hour);
    sha256_begin(&c);
    sha256_add(&c, STAMPED_AS, sizeof STAMPED_AS - 1);
    sha256_add(&c, origin, strlen(origin));
    sha256_add(&c, "\n", 1);
    sha256_add(&c, at, sizeof at);
    sha256_add(&c, subject, SHA256_LEN);
    sha256_end(&c, out);
}

/* Prefix, nonce and SHA-256's padding are one block: the compression function alone is half of the
 * cost of a call for a message. */
#define BLOCK_LEN 64
static void block_begin(uint8_t block[BLOCK_LEN], const char *origin, uint64_t hour,
                        const uint8_t subject[SHA256_LEN])
{
    memset(block, 0, BLOCK_LEN);
    stamp_prefix(origin, hour, subject, block);
    block[SHA256_LEN + 8] = 0x80;
    be64_put(block + BLOCK_LEN - 8, (SHA256_LEN + 8) * 8);
}

static unsigned zero_bits(uint8_t block[BLOCK_LEN], uint64_t nonce)
{
    unsigned bits = 0;
    sha256_ctx c;
    be64_put(block + SHA256_LEN, nonce);
    sha256_begin(&c);
    SHA256_Transform(&c, block);
    for (unsigned i = 0; i < 8; i++, bits += 32)
        if (c.h[i])
            return bits + (unsigned)__builtin_clz(c.h[i]);
    return bits;
}

unsigned stamp_bits(const struct stamp *s, const char *origin, const uint8_t subject[SHA256_LEN],
                    int64_t now)
{
    uint8_t block[BLOCK_LEN];
    uint64_t hour = stamp_hour(now);
    if (s->hour != hour && s->hour + 1 != hour)
        return 0;
    block_begin(block, origin, s->hour, subject);
    return zero_bits(block, s->nonce);
}

bool stamp_make(const char *origin, const uint8_t subject[SHA256_LEN], unsigned bits, int64_t now,
                struct stamp *out)
{
    uint8_t block[BLOCK_LEN];
    uint64_t most = (uint64_t)TRIES_FACTOR << (bits < STAMP_WORK_MAX ? bits : STAMP_WORK_MAX);
    *out = (struct stamp){.hour = stamp_hour(now)};
    block_begin(block, origin, out->hour, subject);
    for (; out->nonce < most; out->nonce++)
        if (zero_bits(block, out->nonce) >= bits)
            return true;
    return false;
}

/* ---- demand ---- */

/* Hours that are over are forgotten; [0] is the current one. */
static void turn(struct stamp_demand *d, int64_t now)
{
    struct stamp_demand old = *d;
    uint64_t hour = stamp_hour(now);
    for (unsigned i = 0; i < STAMP_HOURS; i++) {
        d->hour[i] = hour - i;
        d->leads[i] = d->bytes[i] = 0;
        for (unsigned j = 0; j < STAMP_HOURS; j++)
            if (old.hour[j] == d->hour[i]) {
                d->leads[i] = old.leads[j];
                d->bytes[i] = old.bytes[j];
            }
    }
}

void stamp_demand_put(const struct stamp_demand *d, struct buf *out)
{
    for (unsigned i = 0; i < STAMP_HOURS; i++)
        buf_printf(out, "%llu %llu %llu\n", (unsigned long long)d->hour[i],
                   (unsigned long long)d->leads[i], (unsigned long long)d->bytes[i]);
}

/* The next number of a line; UINT64_MAX where there is none. */
static uint64_t number(struct cur *c)
{
    uint64_t v = 0;
    unsigned digits = 0;
    while (cur_left(c) && *c->p == ' ')
        c->p++;
    for (; cur_left(c) && *c->p >= '0' && *c->p <= '9' && digits < NUMBER_MAX - 1; c->p++, digits++)
        v = v * 10 + (uint64_t)(*c->p - '0');
    return digits ? v : UINT64_MAX;
}

void stamp_demand_parse(struct span text, int64_t now, struct stamp_demand *out)
{
    struct cur c = cur_of(text);
    *out = (struct stamp_demand){0};
    for (unsigned i = 0; i < STAMP_HOURS && cur_left(&c); i++) {
        struct cur line = cur_of(cur_line(&c));
        uint64_t hour = number(&line), leads = number(&line), bytes = number(&line);
        if (hour == UINT64_MAX || leads == UINT64_MAX || bytes == UINT64_MAX || cur_left(&line))
            continue;
        out->hour[i] = hour;
        out->leads[i] = leads < UINT32_MAX ? leads : UINT32_MAX;
        out->bytes[i] = bytes < INT64_MAX / 4 ? bytes : INT64_MAX / 4;
    }
    turn(out, now);
}

void stamp_took(struct stamp_demand *d, uint64_t bytes, int64_t now)
{
    turn(d, now);
    if (randombytes_uniform(STAMP_SAMPLE))
        return;
    d->leads[0] += STAMP_SAMPLE;
    d->bytes[0] += STAMP_SAMPLE * bytes;
}

/* How often `free` must be doubled to have room for n. */
static unsigned doublings(uint64_t n, uint64_t free)
{
    unsigned times = 0;
    for (; n > free && times < 64; times++)
        n = n / 2 + n % 2;
    return times;
}

/* What came in the last 60 minutes, as if each hour's came evenly. */
static uint64_t lately(const uint64_t v[STAMP_HOURS], int64_t now)
{
    uint64_t left = (uint64_t)(HOUR - now % HOUR) / UTC_SECOND; /* of the hour before */
    return v[0] + v[1] / 3600 * left + v[1] % 3600 * left / 3600;
}

unsigned stamp_price(const struct stamp_demand *d, uint64_t bytes, uint64_t space, int64_t now)
{
    struct stamp_demand at = *d;
    turn(&at, now);
    unsigned bits = STAMP_BITS_BASE + doublings(lately(at.leads, now), STAMP_FREE_LEADS) +
                    doublings(lately(at.bytes, now), STAMP_FREE_BYTES) +
                    doublings(bytes, STAMP_FREE_ONE);
    bits += doublings(STAMP_LOW_SPACE, space ? space : 1);
    return bits < STAMP_BITS_MAX ? bits : STAMP_BITS_MAX;
}
