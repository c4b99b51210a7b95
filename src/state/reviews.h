/* Reviews: what reviewers made of leads: status, assignment, tags, marks, decisions; and the order
 * in which leads are to be read. Tables of the pursuit (pursuit.h); nothing here is sealed, and
 * nothing of a lead's contents is here.
 *
 * The order. A lead waits in the class of the work that was paid for it. On arrival it gets a rank:
 * one more than the last of its class that waits, and never less than the rank at the head of the
 * queue (start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996). Leads are read by rank, the
 * higher price first where ranks are the same. So each class that has any gets every turn once,
 * whatever waits in the others: a flood at one price delays its own class alone.
 *
 * Four eyes. On a lead with that mark a decision is pending until another account approves or
 * refuses it: the first of these settles it. Taking the mark away is such a decision, too. */
#pragma once

#include "state/pursuit.h"

#define REVIEW_TAG_MAX   64 /* bytes of a tag */
#define REVIEW_CLASS_MAX 64 /* bits of work; more count as this */

enum review_status {
#define STATUS(symbol, name, decides, next) REVIEW_##symbol,
#include "state/review_status.def"
    REVIEW_STATUSES,
    REVIEW_WITHDRAWN = REVIEW_STATUSES, /* by the informant: where lists have it; no status */
};
const char *review_status_name(enum review_status s); /* NULL from REVIEW_STATUSES on */
bool review_status_parse(struct span name, enum review_status *out);
bool review_status_decides(enum review_status s);
/* Whether `to` may follow `from`; what may: review_status_next(), names with blanks between. */
bool review_status_may(enum review_status from, enum review_status to);
const char *review_status_next(enum review_status from);
/* Lower-case letters, digits, "-", "_", ".", ":", and letters beyond ASCII (UTF-8); not empty. */
bool review_tag_is_good(struct span tag);

/* True when that account has a conflict of interest on that lead: it may not read it, nor decide
 * about it. */
bool reviews_conflict(struct pursuit *p, uint64_t lead, struct span account);

/* Roles that may approve an act of that kind, as a mask; 0: such acts want no second person. */
unsigned review_approvers(uint8_t kind);

/* A lead, as lists have it. Spans are valid within the callback. */
struct review_lead {
    uint64_t entry;
    int64_t received; /* its day */
    uint64_t work, rank;
    enum review_status status;
    bool withdrawn, four_eyes;
    uint64_t of;          /* duplicate of */
    struct span assigned; /* empty: to nobody */
    uint64_t pending;     /* decisions that wait for a second person */
    uint64_t heard;       /* the informant's newest message; 0: none */
    uint64_t acted;       /* the newest act of ours; 0: none. heard > acted: there is news */
    uint64_t claims;
};
/* 1 found, 0 no such lead (or deleted); negative. assigned points into `name`. */
int reviews_lead(struct pursuit *p, uint64_t lead, struct review_lead *out,
                 char name[PURSUIT_NAME_MAX], struct err *err);

struct review_query {
    const enum review_status *status; /* NULL: any */
    struct span assigned, tag;        /* empty: any */
    bool all;                         /* closed and withdrawn ones, too */
    uint64_t limit;
};
/* In the order in which to read them: those that wait for triage by rank, then by status. each()
 * returns 0 to go on. */
int reviews_list(struct pursuit *p, const struct review_query *q,
                 int (*each)(void *ctx, const struct review_lead *l), void *ctx, struct err *err);
/* Tags of a lead, in order. */
int reviews_tags(struct pursuit *p, uint64_t lead, int (*each)(void *ctx, struct span tag),
                 void *ctx, struct err *err);

/* An act about a lead: LEAD, LEAD_MESSAGE, LEAD_REVIEW, NOVELTY, LEAD_DELETION, ELIGIBILITY, AWARD.
 * state: done, pending, approved, refused, overtaken (approved when it could not be any more). */
struct review_act {
    uint64_t entry, lead, other;
    uint8_t kind;
    int64_t time;
    struct span what, value, why, account, state;
    uint64_t settled;           /* the approval that settled it; 0: none */
    struct span content, wraps; /* of a note: SHA-256s */
    uint64_t size;              /* of a NOVELTY: what the log had */
    struct span known;          /* likewise */
};
/* Of a lead, in the log's order. */
int reviews_acts(struct pursuit *p, uint64_t lead,
                 int (*each)(void *ctx, const struct review_act *a), void *ctx, struct err *err);
/* One: 1 found, 0 not. */
int reviews_act(struct pursuit *p, uint64_t entry,
                int (*each)(void *ctx, const struct review_act *a), void *ctx, struct err *err);
/* The decision in force about that fact of a lead: 1 found, 0 none. */
int reviews_novelty(struct pursuit *p, uint64_t fact,
                    int (*each)(void *ctx, const struct review_act *a), void *ctx, struct err *err);
/* How many facts of a lead were decided to be new, or new in part. */
uint64_t reviews_new_facts(struct pursuit *p, uint64_t lead);

/* Acts whose tags and reasons, and facts whose values or notes, have words that begin with those of
 * the text (ASCII letters folded); newest first, one a lead and act. What is sealed is not
 * searched. */
struct review_hit {
    uint64_t lead, entry;
    uint8_t kind;
    struct span what, text;
};
int reviews_search(struct pursuit *p, struct span text, uint64_t limit,
                   int (*each)(void *ctx, const struct review_hit *h), void *ctx, struct err *err);
