/* Erasing, by who writes to the log. What was planned by somebody else is looked at again. */
#include <errno.h>
#include <stdlib.h>

#include "app/care/retention.h"
#include "base/cbor.h"
#include "base/mem.h"

/* ---- a batch as bytes: a header of numbers, ranges, digests, why ---- */

#define BATCH_MAGIC 0x65626272u
#define BATCH_HEAD  32

void retention_batch_put(const struct retention_batch *b, struct buf *out)
{
    uint8_t *p = buf_reserve(out, BATCH_HEAD + b->n_ranges * 16);
    memset(p, 0, BATCH_HEAD);
    be32_put(p, BATCH_MAGIC);
    be32_put(p + 4, (uint32_t)b->n_ranges);
    be32_put(p + 8, (uint32_t)b->n_blobs);
    be32_put(p + 12, (uint32_t)b->why.n);
    be64_put(p + 16, b->position);
    for (size_t i = 0; i < b->n_ranges; i++) {
        be64_put(p + BATCH_HEAD + i * 16, b->ranges[i].first);
        be64_put(p + BATCH_HEAD + i * 16 + 8, b->ranges[i].last);
    }
    out->n += BATCH_HEAD + b->n_ranges * 16;
    buf_put(out, b->blobs, b->n_blobs * SHA256_LEN);
    buf_span(out, b->why);
}

int retention_batch_read(struct span text, struct retention_batch *out, struct err *err)
{
    *out = (struct retention_batch){0};
    if (text.n < BATCH_HEAD || be32_get(text.p) != BATCH_MAGIC)
        return err_set(err, -EBADMSG, "not a batch of retention");
    size_t ranges = be32_get(text.p + 4), blobs = be32_get(text.p + 8), why = be32_get(text.p + 12);
    if (ranges > RETENTION_RANGES_MAX || blobs > RETENTION_BLOBS_MAX || why > RETENTION_WHY_MAX ||
        text.n != BATCH_HEAD + ranges * 16 + blobs * SHA256_LEN + why)
        return err_set(err, -EBADMSG, "a batch of retention of another length");
    const uint8_t *p = text.p + BATCH_HEAD;
    struct journal_range *r = mem_zeroed(ranges, sizeof *r);
    for (size_t i = 0; i < ranges; i++, p += 16)
        r[i] = (struct journal_range){be64_get(p), be64_get(p + 8)};
    *out = (struct retention_batch){.ranges = r,
                                    .n_ranges = ranges,
                                    .blobs = p,
                                    .n_blobs = blobs,
                                    .position = be64_get(text.p + 16),
                                    .why = span_of(p + blobs * SHA256_LEN, why)};
    return 0;
}

/* ---- looking again ---- */

static int check_range(struct journal *j, const struct retention_policy *policy,
                       const struct journal_range *r, struct err *err)
{
    struct journal_cursor *c;
    struct entry e;
    int rc = journal_cursor_open(j, r->first, &c, err);
    while (rc == 0 && (rc = journal_cursor_next(c, &e, err)) == 1 && e.index < r->last) {
        rc = 0;
        if (!event_kind_is_event(e.header.kind) ||
            (!e.redacted && !retention_is_due(policy, e.header.kind, e.header.time)))
            rc = err_set(err, -EPERM, "entry %llu is not due by the retention of ebb.yaml",
                         (unsigned long long)e.index);
    }
    journal_cursor_close(c);
    return rc < 0 ? rc : 0;
}

static int check_ranges(struct journal *j, const struct retention_policy *policy,
                        const struct retention_batch *b, struct err *err)
{
    uint64_t entries = 0, end = 0, committed = journal_committed(j);
    int rc = 0;
    for (size_t i = 0; i < b->n_ranges && rc == 0; i++) {
        const struct journal_range *r = &b->ranges[i];
        if (r->first < end || r->first >= r->last || r->last > committed ||
            (entries += r->last - r->first) > RETENTION_BATCH_MAX)
            return err_set(err, -EINVAL, "ranges that are out of order, or too much at once");
        end = r->last;
        rc = check_range(j, policy, r, err);
    }
    return rc;
}

static int by_digest(const void *a, const void *b)
{
    return memcmp(a, b, SHA256_LEN);
}

/* Digests of the batch that something names which came since it was planned: taken out. */
static void spare(struct buf *blobs, const uint8_t *sha)
{
    uint8_t *found =
        blobs->n ? bsearch(sha, blobs->p, blobs->n / SHA256_LEN, SHA256_LEN, by_digest) : NULL;
    if (!found)
        return;
    size_t behind = (size_t)(blobs->p + blobs->n - found) - SHA256_LEN;
    memmove(found, found + SHA256_LEN, behind);
    blobs->n -= SHA256_LEN;
}

static void spare_cited(struct buf *blobs, struct span payload)
{
    struct cur c = cur_of(payload);
    struct cbor_item item;
    while (cur_left(&c) && cbor_get(&c, &item) == 1)
        if (item.type == CBOR_BYTES && item.s.n == SHA256_LEN)
            spare(blobs, item.s.p);
}

static int spare_newer(struct journal *j, uint64_t from, struct buf *blobs, struct err *err)
{
    struct journal_cursor *c;
    struct entry e;
    if (journal_committed(j) - from > RETENTION_AHEAD_MAX)
        return err_set(err, -EAGAIN, "more than %d entries came since this was planned",
                       RETENTION_AHEAD_MAX);
    int rc = journal_cursor_open(j, from, &c, err);
    while (rc == 0 && (rc = journal_cursor_next(c, &e, err)) == 1) {
        rc = 0;
        if (!e.redacted && cbor_valid(e.payload))
            spare_cited(blobs, e.payload);
    }
    journal_cursor_close(c);
    return rc < 0 ? rc : 0;
}

static int erase_blobs(struct journal *j, struct blob_store *store, const struct retention_batch *b,
                       struct err *err)
{
    struct buf blobs = {0};
    for (size_t i = 1; i < b->n_blobs; i++)
        if (memcmp(b->blobs + (i - 1) * SHA256_LEN, b->blobs + i * SHA256_LEN, SHA256_LEN) >= 0)
            return err_set(err, -EINVAL, "digests that are out of order");
    buf_put(&blobs, b->blobs, b->n_blobs * SHA256_LEN);
    int rc = b->position > journal_committed(j)
                 ? err_set(err, -EINVAL, "planned with entries that are not there")
                 : spare_newer(j, b->position, &blobs, err);
    if (rc == 0 && blobs.n)
        rc = blob_remove_many(store, blobs.p, blobs.n / SHA256_LEN, err);
    buf_free(&blobs);
    return rc;
}

int retention_erase(struct journal *j, struct blob_store *blobs,
                    const struct retention_policy *policy, const struct retention_batch *b,
                    uint64_t *index, struct err *err)
{
    char why[RETENTION_WHY_MAX + 1];
    *index = 0;
    memcpy(why, b->why.p, b->why.n);
    why[b->why.n] = 0;
    int rc = retention_policy_any(policy)
                 ? check_ranges(j, policy, b, err)
                 : err_set(err, -EPERM, "ebb.yaml's `retention:` erases nothing");
    if (rc == 0 && b->n_blobs)
        rc = erase_blobs(j, blobs, b, err);
    if (rc == 0 && b->n_ranges)
        rc = journal_redact(j, b->ranges, b->n_ranges, RETENTION_WHO, why, index, err);
    return rc;
}
