/* Courier's clerk: knows what is to be sent and when, journals every step, and has the post send.
 * The same for `ebb cleanup send` and for the courier of `ebb serve`; they differ in how an act
 * gets onto the log (struct clerk_ways).
 *
 * Before the first byte of a report goes out "trying" is durable, and the mark is set; what came of
 * it is journalled together with the next one's "trying". After a kill the marks tell what came of
 * reports that are still "trying". */
#pragma once

#include "app/casedir.h"
#include "app/serve/courier_post.h"

struct clerk_row {
    uint64_t report, attempt;
    const char *contact, *result, *reply;
};

struct clerk_ways {
    void *ctx;
    /* Onto the log, durable when it returns 0, and committed for readers. */
    int (*journal)(void *ctx, const struct act_report_tried *acts, size_t n, struct err *err);
    /* Before and after a longer wait: lets others write meanwhile. NULL: nothing to do. resume may
     * have replaced c->journal. */
    int (*pause)(void *ctx, struct err *err);
    int (*resume)(void *ctx, struct err *err);
    /* Whether to end; asked when `wake` (a descriptor, or -1) is readable and before each step. */
    bool (*stopped)(void *ctx);
    int wake;
    void (*row)(void *ctx, const struct clerk_row *row); /* journalled; may be NULL */
    /* The smarthost does not take anything, for the first time after it did; may be NULL. */
    void (*trouble)(void *ctx, const char *why);
};

struct clerk_options {
    int64_t ahead;       /* microseconds that are added to the clock */
    const char *contact; /* this one's only; NULL: all */
    const char *channel; /* reports of this channel only; NULL: all */
    uint64_t limit;      /* mails at most; 0: no limit */
    unsigned knocks;     /* in vain, one after the other, before it gives up; 0: never */
};

struct clerk_sum {
    uint64_t sent, deferred, refused, cancelled, doubtful;
    uint64_t waiting; /* queued or deferred, and not due yet, when it last looked */
    bool stopped, limited;
};

struct clerk;

/* The case is open, with VIEW_CLEANUP; everything must outlive the clerk. Settles what a sender
 * before left as "trying". */
int clerk_open(struct casedir *c, struct courier_marks *marks, struct post *post,
               const struct clerk_ways *ways, const struct clerk_options *options,
               struct clerk **out, struct err *err);
void clerk_close(struct clerk *k);
/* Sends what is due, in the order of the reports' numbers. -EHOSTUNREACH: the smarthost was not to
 * be reached `knocks` times; -EPIPE: the post is gone; -ESTALE: the log was redacted, open anew. */
int clerk_round(struct clerk *k, struct err *err);
const struct clerk_sum *clerk_sum(const struct clerk *k);

/* When a report that was deferred after so many attempts is due again. */
int64_t clerk_due(const struct config_cleanup *c, int64_t tried, unsigned attempts);
