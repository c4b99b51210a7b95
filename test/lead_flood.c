/* A flood of leads, faster than commands are started: lead_flood CASE COUNT REAL. Appends COUNT
 * leads of a flooder within one simulated hour, as `ebb lead submit` would: each at the price that
 * the demand so far gives (stamp_price()), with a real stamp as long as that is cheap; and among
 * them, evenly, REAL leads of people who pay EXTRA bits above the price (real stamps, too). Prints
 * a line for each real one: "real ENTRY PRICE WORK", then "price FIRST LAST", "flooder HASHES",
 * "real HASHES" (what a flooder and a person pay, in expectation). */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utc.h"
#include "event/act_pursuit.h"
#include "event/event.h"
#include "journal/journal.h"
#include "lead/receipt.h"
#include "lead/stamp.h"

#define MINED_MAX 20 /* bits: dearer stamps are taken as paid, so that the test is short */
#define EXTRA     1  /* bits that people pay above the price */
#define HOUR      (3600 * UTC_SECOND)
#define BYTES     20000

static int append(struct journal *j, unsigned work, const uint8_t commitment[SHA256_LEN],
                  int64_t day, uint64_t *index, struct err *err)
{
    struct buf payload = {0};
    uint8_t salt[16], locator[6], key[32];
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(locator, sizeof locator);
    randombytes_buf(key, sizeof key);
    struct act_lead a = {.salt = span_of(salt, sizeof salt),
                         .size = BYTES,
                         .work = work,
                         .wraps = span_of(key, sizeof key),
                         .public = span_of(key, sizeof key),
                         .verify = span_of(key, sizeof key),
                         .content = span_of(key, sizeof key),
                         .locator = span_of(locator, sizeof locator),
                         .commitment = span_of(commitment, SHA256_LEN)};
    act_lead(&payload, &a);
    struct entry_header header = {.kind = KIND_LEAD, .time = day};
    int rc = journal_append(j, &header, buf_as_span(&payload), index, err);
    buf_free(&payload);
    return rc;
}

struct flood {
    struct journal *j;
    struct stamp_demand demand;
    int64_t now;
    double flooder, real; /* hashes */
    unsigned first, last;
};

static int one(struct flood *f, bool real, struct err *err)
{
    uint8_t commitment[SHA256_LEN];
    struct stamp stamp;
    uint64_t index;
    unsigned price = stamp_price(&f->demand, BYTES, UINT64_MAX, f->now);
    unsigned work = price + (real ? EXTRA : 0);
    randombytes_buf(commitment, sizeof commitment);
    if (work <= MINED_MAX && (!stamp_make(journal_origin(f->j), commitment, work, f->now, &stamp) ||
                              stamp_bits(&stamp, journal_origin(f->j), commitment, f->now) < work))
        return err_set(err, -1, "no stamp");
    int rc = append(f->j, work, commitment, f->now / UTC_DAY * UTC_DAY, &index, err);
    stamp_took(&f->demand, BYTES, f->now);
    *(real ? &f->real : &f->flooder) += (double)(1ull << work);
    f->first = f->first ? f->first : price;
    f->last = price;
    if (rc == 0 && real)
        printf("real %llu %u %u\n", (unsigned long long)index, price, work);
    return rc;
}

int main(int argc, char **argv)
{
    struct flood f = {0};
    struct err err = {0};
    unsigned count = argc == 4 ? (unsigned)atoi(argv[2]) : 0,
             real = count ? (unsigned)atoi(argv[3]) : 0;
    int64_t begin = utc_now() / HOUR * HOUR;
    if (sodium_init() < 0 || !count || !real || real > count) {
        fprintf(stderr, "usage: lead_flood CASE COUNT REAL\n");
        return 2;
    }
    int rc = journal_open(argv[1], JOURNAL_WRITE, &f.j, NULL, &err);
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        f.now = begin + (int64_t)((double)HOUR * i / count);
        rc = one(&f, false, &err);
        if (rc == 0 && (i + 1) % (count / real) == 0)
            rc = one(&f, true, &err);
    }
    if (f.j) {
        int closed = journal_close(f.j, rc == 0 ? &err : NULL);
        rc = rc == 0 ? closed : rc;
    }
    if (rc < 0) {
        fprintf(stderr, "lead_flood: %s\n", err.text);
        return 1;
    }
    printf("price %u %u\nflooder %.0f\nreal %.0f\n", f.first, f.last, f.flooder, f.real);
    return 0;
}
