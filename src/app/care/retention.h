/* Retention: personal data that is older than ebb.yaml says is erased, while the log's headers,
 * commitments and proofs stay. Who plans reads the log; who erases writes to it: this process, or
 * the recorder of a running `ebb serve`, which looks at everything once more. doc/retention.md. */
#pragma once

#include "app/casedir.h"

#define RETENTION_WHO "retention"

/* What is due: of what has a time before these (microseconds UTC); INT64_MIN: nothing. */
struct retention_policy {
    int64_t payload_before, mail_before, blob_before;
};
/* As of `now`. */
void retention_policy_of(const struct config_retention *c, int64_t now,
                         struct retention_policy *out);
static inline bool retention_policy_any(const struct retention_policy *p)
{
    return p->payload_before != INT64_MIN || p->mail_before != INT64_MIN ||
           p->blob_before != INT64_MIN;
}
/* Whether the payload of such an entry is due. */
bool retention_is_due(const struct retention_policy *p, uint8_t kind, int64_t time);
/* Whether the blob of such an entry is, at the latest when the payload is. */
bool retention_blob_is_due(const struct retention_policy *p, uint8_t kind, int64_t time);

/* ---- planning ---- */

#define RETENTION_DUE_MAX   1000000 /* entries of one plan: the next one takes the rest */
#define RETENTION_HOLDS_MAX 4000000 /* entries that acts cite */

/* An entry that is due and stays, because of an act. */
struct retention_kept {
    uint64_t entry, by;
};
struct retention_plan {
    struct journal_range *ranges; /* ascending */
    size_t n_ranges;
    uint64_t entries; /* in them */
    struct buf blobs; /* digests, ascending */
    struct retention_kept *kept;
    size_t n_kept;
    uint64_t blobs_shared; /* due by one entry, and kept for another */
    uint64_t position;     /* of the log, when it was read */
    int64_t first, last;   /* times of the entries that go */
    bool more;             /* there are more than a plan takes */
};
/* Reads the whole log. The plan must be freed also after a failure. */
int retention_plan_make(struct casedir *c, const struct retention_policy *policy,
                        struct retention_plan *out, struct err *err);
void retention_plan_free(struct retention_plan *p);
/* Appends what acts say must stay: pairs of cited entry and citing act, ascending. */
int retention_holds(struct casedir *c, uint64_t end, struct buf *out, struct err *err);
/* Figures of the days concerned, without addresses: what stays of what goes. JSON. */
int retention_figures(struct casedir *c, const struct retention_plan *plan, struct buf *out,
                      struct err *err);

/* ---- erasing ---- */

#define RETENTION_RANGES_MAX 2048  /* of one batch: bounded work for who takes it */
#define RETENTION_BATCH_MAX  20000 /* entries of one batch */
#define RETENTION_BLOBS_MAX  2000  /* blobs of one batch */
#define RETENTION_AHEAD_MAX  200000
#define RETENTION_WHY_MAX    512

struct retention_batch {
    const struct journal_range *ranges;
    size_t n_ranges;
    const uint8_t *blobs; /* digests, ascending: erased first */
    size_t n_blobs;
    uint64_t position; /* up to where it was seen that nothing else names these blobs */
    struct span why;
};
void retention_batch_put(const struct retention_batch *b, struct buf *out);
/* The parts point into the text or are free()d by the caller (ranges). -EBADMSG. */
int retention_batch_read(struct span text, struct retention_batch *out, struct err *err);
/* For who writes. Each entry must be an observation that is due by the policy, each blob must not
 * be named by what came since `position` (-EAGAIN: too much came). `index` is the REDACTION's
 * entry, 0 when the batch has no ranges. */
int retention_erase(struct journal *j, struct blob_store *blobs,
                    const struct retention_policy *policy, const struct retention_batch *b,
                    uint64_t *index, struct err *err);

/* ---- views without what was erased ---- */

/* Makes them, beside those that are there, from the log; then retention_views_take() puts them in
 * their place. Who writes must take them (case_dir's views are not loaded, or closed before). */
int retention_views_make(const char *case_dir, bool quiet, struct err *err);
int retention_views_take(const char *case_dir, struct err *err);
/* Removes the views that still have what was erased; missing ones are made from the log. */
int retention_views_drop(const char *case_dir, struct err *err);
