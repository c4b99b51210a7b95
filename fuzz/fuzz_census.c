/* Snapshots of the census. The checksum is put right, so that what lies behind it is reached: the
 * dictionary, the packed sets, queries over them, and going on from them. */
#include <stdlib.h>

#include "base/log.h"
#include "state/census_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FAMILIES_MAX 32 /* by day takes an array a family: more would only be slow */

struct sum {
    uint64_t rows, addresses, fresh;
};

static int add_row(void *ctx, const struct census_row *r)
{
    struct sum *s = ctx;
    s->rows++;
    s->addresses += r->addresses;
    s->fresh += r->fresh;
    if (r->fresh + r->returning > r->addresses || r->ipv6 > r->addresses || r->ipv6_64s > r->ipv6 ||
        r->first_day > r->last_day)
        abort();
    return 0;
}

static int count(struct census *c, enum census_by by, int32_t since, int32_t until, struct sum *s)
{
    struct census_query q = {.by = by, .since = since, .until = until};
    *s = (struct sum){0};
    return census_rows(c, &q, add_row, s, NULL);
}

static void query_all(struct census *c)
{
    struct sum day, address, family, other;
    int rc = count(c, CENSUS_BY_DAY, INT32_MIN, INT32_MAX, &day);
    if (count(c, CENSUS_BY_ADDRESS, INT32_MIN, INT32_MAX, &address) != rc ||
        count(c, CENSUS_BY_FAMILY, INT32_MIN, INT32_MAX, &family) != rc)
        abort();
    if (rc == 0 && (family.addresses != address.rows || day.fresh != address.rows))
        abort();
    for (enum census_by by = CENSUS_BY_DAY; by <= CENSUS_BY_ADDRESS; by++) {
        count(c, by, 15040, 15060, &other);
        count(c, by, 0, 3, &other);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SNAPSHOT_CHECKSUM_LEN)
        return 0;
    uint8_t *sealed = malloc(size);
    if (!sealed)
        abort();
    memcpy(sealed, data, size);
    size_t covered = size - SNAPSHOT_CHECKSUM_LEN;
    be64_put(sealed + covered, snapshot_checksum(span_of(sealed, covered)));
    struct census *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    c->dir = strdup("nowhere");
    if (snapshot_parse(span_of(sealed, size), &c->position, &c->dict, &c->base, NULL) == 0 &&
        c->dict.nfamilies <= FAMILIES_MAX) {
        query_all(c);
        struct event ev = {.kind = KIND_FEED, .src_ip = {{0x20, 1}}, .time = 1300233600000000};
        census_add(c, &ev);
        ev.src_ip = ip_from_v4(0x0a000001);
        census_add(c, &ev);
        query_all(c);
        /* what a snapshot does: all of it merged */
        struct run runs[2] = {c->base, c->runs[0]}, merged;
        run_merge(runs, 2, (uint32_t)c->dict.nattrs, &merged);
        run_free(&merged);
    }
    census_close(c);
    free(sealed);
    return 0;
}
