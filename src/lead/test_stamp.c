#include "lead/stamp.h"

#include "base/tap.h"
#include "base/utc.h"

#define HOUR (3600 * UTC_SECOND)
#define NOW  (1300233600000000ll + HOUR / 2) /* 2011-03-16, half past */

static void stamps(void)
{
    uint8_t subject[SHA256_LEN] = {1}, other[SHA256_LEN] = {2};
    struct stamp s;
    ok(stamp_make("log.example", subject, 12, NOW, &s), "a stamp");
    ok(stamp_bits(&s, "log.example", subject, NOW) >= 12, "has its bits");
    ok(stamp_bits(&s, "log.example", subject, NOW + HOUR) >= 12, "in the next hour, too");
    is_int(stamp_bits(&s, "log.example", subject, NOW + 2 * HOUR), 0);
    is_int(stamp_bits(&s, "log.example", subject, NOW - HOUR), 0);
    /* Of 2^-12 each: one in a thousand that either has them. */
    ok(stamp_bits(&s, "log.example", other, NOW) < 12, "not for another lead");
    ok(stamp_bits(&s, "log2.example", subject, NOW) < 12, "nor for another case");
    s.nonce++;
    ok(stamp_bits(&s, "log.example", subject, NOW) < 12, "nor with another number");
}

/* By the words of stamp.h, with the plain digest. */
static void definition(void)
{
    uint8_t subject[SHA256_LEN] = {5}, text[SHA256_LEN + 8], digest[SHA256_LEN];
    struct stamp s;
    struct buf first = {0};
    unsigned bits = 0;
    ok(stamp_make("log.example", subject, 10, NOW, &s), "a stamp");
    buf_str(&first, "ebb lead stamp v1\nlog.example\n");
    buf_be64(&first, s.hour);
    buf_put(&first, subject, sizeof subject);
    sha256(first.p, first.n, text);
    be64_put(text + SHA256_LEN, s.nonce);
    sha256(text, sizeof text, digest);
    while (bits < 256 && !(digest[bits / 8] & 0x80 >> bits % 8))
        bits++;
    ok(bits >= 10, "is what it is said to be");
    is_int(stamp_bits(&s, "log.example", subject, NOW), bits);
    buf_free(&first);
}

static void fill(struct stamp_demand *d, uint64_t leads, uint64_t bytes)
{
    struct buf text = {0};
    buf_printf(&text, "%llu %llu %llu\n", (unsigned long long)stamp_hour(NOW),
               (unsigned long long)leads, (unsigned long long)bytes);
    stamp_demand_parse(buf_as_span(&text), NOW, d);
    buf_free(&text);
}

static void prices(void)
{
    struct stamp_demand d = {0};
    const uint64_t much = 1ull << 40;
    is_int(stamp_price(&d, 1000, much, NOW), STAMP_BITS_BASE);
    fill(&d, 32, 0);
    is_int(stamp_price(&d, 1000, much, NOW), STAMP_BITS_BASE);
    fill(&d, 64, 0);
    is_int(stamp_price(&d, 1000, much, NOW), STAMP_BITS_BASE + 1);
    fill(&d, 10000, 0);
    is_int(stamp_price(&d, 1000, much, NOW), STAMP_BITS_BASE + 9);
    is_int(stamp_price(&d, 1000, much, NOW + HOUR), STAMP_BITS_BASE + 8); /* half of it is over */
    is_int(stamp_price(&d, 1000, much, NOW + 2 * HOUR), STAMP_BITS_BASE);
    fill(&d, 0, 16ull << 30);
    is_int(stamp_price(&d, 1000, much, NOW), STAMP_BITS_BASE + 4);
    fill(&d, 0, 0);
    is_int(stamp_price(&d, 1ull << 30, much, NOW), STAMP_BITS_BASE + 7);
    is_int(stamp_price(&d, 1000, 8ull << 30, NOW), STAMP_BITS_BASE + 1);
    is_int(stamp_price(&d, 1000, 0, NOW), STAMP_BITS_MAX);
    fill(&d, UINT64_MAX / 2, UINT64_MAX / 2);
    is_int(stamp_price(&d, UINT64_MAX, 0, NOW), STAMP_BITS_MAX);
    stamp_demand_parse(span_str("garbage\n1 2\n3 4 5 6\n"), NOW, &d);
    is_int(stamp_price(&d, 1000, much, NOW), STAMP_BITS_BASE);
}

/* Counted one in eight, as eight: 10,000 are told from 5,000, and one leaves no trace mostly. */
static void sampling(void)
{
    struct stamp_demand d = {0};
    struct buf text = {0};
    unsigned unseen = 0;
    for (int i = 0; i < 10000; i++)
        stamp_took(&d, 1000, NOW);
    ok(d.leads[0] > 8000 && d.leads[0] < 12000, "of 10,000 about as many are counted");
    stamp_demand_put(&d, &text);
    struct stamp_demand back;
    stamp_demand_parse(buf_as_span(&text), NOW, &back);
    ok(memcmp(&d, &back, sizeof d) == 0, "kept and read again");
    for (int i = 0; i < 1000; i++) {
        struct stamp_demand one = {0};
        stamp_took(&one, 1000, NOW);
        unseen += !one.leads[0];
    }
    ok(unseen > 800 && unseen < 950, "one lead leaves no trace seven times of eight");
    buf_free(&text);
}

int main(void)
{
    stamps();
    definition();
    prices();
    sampling();
    return tap_done();
}
