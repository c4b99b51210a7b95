/* Notices: who is to be told of what was shut down, how they were told, and what came of it. Tables
 * of the pursuit (pursuit.h), one for each act of event/act_notice.def and one, `notice_mail`, for
 * what happened to the mail that carries notices.
 *
 * A campaign is small (parties and their letters, not bots), so it is read whole: notice_book. */
#pragma once

#include "base/arena.h"
#include "state/pursuit.h"

#define NOTICE_MAIL_CHANNEL "notice" /* REPORT_QUEUED's channel: CLEANUP_NOTICE */
#define NOTICE_DATES_MAX    400      /* days of a run */
#define NOTICE_RUN_DAYS     30       /* in print, at least, before the answer or the hearing */

/* What all of them have: where they are on the log, when they were written there, by whom. */
struct notice_at {
    uint64_t entry;
    int64_t time;
    struct span account; /* empty: nobody signed */
    bool withdrawn;
};

/* How a notice fares. */
enum notice_state {
    NOTICE_MADE,      /* its bytes are there; nothing more is known */
    NOTICE_QUEUED,    /* on the courier's queue */
    NOTICE_TRYING,    /* being handed over; or a sender was killed meanwhile */
    NOTICE_DEFERRED,  /* to be tried again */
    NOTICE_DOUBTFUL,  /* it may have been sent: `ebb cleanup settle` */
    NOTICE_SENT,      /* taken by the smarthost, posted, put up */
    NOTICE_DELIVERED, /* somebody says it arrived, or it was served */
    NOTICE_REPLIED,
    NOTICE_BOUNCED,
    NOTICE_REFUSED,
    NOTICE_CANCELLED,
    NOTICE_STATES,
};
const char *notice_state_name(enum notice_state state);
/* It did not reach anybody, and will not. */
static inline bool notice_has_failed(enum notice_state s)
{
    return s >= NOTICE_BOUNCED;
}
/* It went out. */
static inline bool notice_went_out(enum notice_state s)
{
    return s >= NOTICE_SENT && s <= NOTICE_REPLIED;
}

struct notice_party {
    struct notice_at at;
    struct act_party act;
};
struct notice_contact {
    struct notice_at at;
    struct act_party_contact act;
};
struct notice_words {
    struct notice_at at;
    struct act_notice_template act;
};
struct notice_result {
    struct notice_at at;
    struct act_notice_result act;
};
struct notice_hearing {
    struct notice_at at;
    struct act_hearing act;
};
struct notice_answer {
    struct notice_at at;
    struct act_answer act;
};
struct notice_insertion {
    struct notice_at at;
    struct act_insertion act;
};
/* One thing that happened to a notice's mail. */
struct notice_mail {
    struct notice_at at;
    struct span kind; /* report_queued report_tried report_returned */
    uint64_t report, attempt;
    struct span what; /* queued; trying sent ...; bounce reply ... */
    struct span text, status, by, why;
    struct span contact, message_id, sha256;
};
struct notice {
    struct notice_at at;
    struct act_notice act;
    uint64_t report; /* the REPORT_QUEUED that carries it; 0: none */
    enum notice_state state;
};
struct notice_run {
    struct notice_at at;
    struct act_publication act;
    int64_t *days; /* planned, in order, none twice */
    size_t n_days;
};

/* All of it, each in the log's order. Spans lie in the arena. */
struct notice_book {
    struct arena arena;
    struct notice_party *parties;
    struct notice_contact *contacts;
    struct notice_words *words;
    struct notice *notices;
    struct notice_result *results;
    struct notice_mail *mails;
    struct notice_run *runs;
    struct notice_insertion *insertions;
    struct notice_hearing *hearings;
    struct notice_answer *answers;
    size_t n_parties, n_contacts, n_words, n_notices, n_results, n_mails, n_runs, n_insertions,
        n_hearings, n_answers;
};
/* Zero the struct first; notice_book_free() takes any state. */
int notices_read(struct pursuit *p, struct notice_book *out, struct err *err);
void notice_book_free(struct notice_book *b);

/* By name (the newest that is not withdrawn), or by its entry in digits; NULL. */
const struct notice_party *notice_find_party(const struct notice_book *b, struct span name);
const struct notice_party *notice_party_at(const struct notice_book *b, uint64_t entry);
const struct notice_contact *notice_contact_at(const struct notice_book *b, uint64_t entry);
const struct notice *notice_at(const struct notice_book *b, uint64_t entry);
const struct notice_run *notice_run_at(const struct notice_book *b, uint64_t entry);
const struct notice_words *notice_words_at(const struct notice_book *b, uint64_t entry);
/* The newest template of that name and form in that language that is not withdrawn; NULL. An empty
 * language: in any, the first original before translations. */
const struct notice_words *notice_find_words(const struct notice_book *b, struct span name,
                                             struct span form, struct span language);
/* The party's next contact on that channel to which nothing of this template went in vain, and,
 * when `fresh`, nothing at all; address not empty: that one. NULL: none is left. */
const struct notice_contact *notice_next_contact(const struct notice_book *b,
                                                 const struct notice_party *p, struct span channel,
                                                 struct span template_name, struct span address,
                                                 bool fresh);
/* True when a notice of that template was made for that contact. */
bool notice_contact_had(const struct notice_book *b, const struct notice_contact *k,
                        struct span template_name);
/* True when a notice of that template to the party went out by mail, or is to. */
bool notice_has_had(const struct notice_book *b, const struct notice_party *p,
                    struct span template_name);

/* ---- dates in court ---- */

/* The newest hearing under that order; NULL. */
const struct notice_hearing *notice_hearing_of(const struct notice_book *b, uint64_t order);
/* Until when the party is to answer, extensions included; ACT_FOREVER: nothing is set. */
int64_t notice_deadline(const struct notice_book *b, const struct notice_party *p,
                        const struct notice_hearing *h);
/* The newest answer of that kind ("response" "default" "extension") of the party to the hearing;
 * NULL. */
const struct notice_answer *notice_answer_of(const struct notice_book *b,
                                             const struct notice_party *p,
                                             const struct notice_hearing *h, const char *what);

/* ---- runs in print ---- */

enum notice_day_state {
    NOTICE_DAY_PLANNED,   /* is to come */
    NOTICE_DAY_PUBLISHED, /* somebody saw it in print */
    NOTICE_DAY_MISSED,    /* it did not appear */
    NOTICE_DAY_MOVED,     /* it is to appear on another day */
    NOTICE_DAY_UNKNOWN,   /* the day is over, and nobody said what became of it */
};
const char *notice_day_name(enum notice_day_state state);
struct notice_day {
    int64_t planned; /* ACT_FOREVER: one more than planned */
    int64_t when;    /* when it appeared, or is to */
    enum notice_day_state state;
    const struct notice_insertion *insertion; /* what says so; NULL: nothing does */
};
struct notice_run_sum {
    size_t planned;          /* days of the plan */
    size_t published, extra; /* in all; of them beyond the plan */
    size_t missed, unknown, ahead;
    size_t in_time; /* published or ahead, before the given end */
    int64_t first,
        last; /* the first day that appeared, and the last that did or is to; ACT_FOREVER: none */
};
/* Its days in order, with those beyond the plan at the end. A day is over when `now` is behind its
 * end. The array lies in the arena. */
const struct notice_day *notice_run_days(const struct notice_book *b, const struct notice_run *run,
                                         int64_t now, struct arena *arena, size_t *n);
/* end: the deadline or the hearing; ACT_FOREVER: none. */
void notice_run_add_up(const struct notice_day *days, size_t n, int64_t end,
                       struct notice_run_sum *out);
/* Reads the dates of a PUBLICATION: "2011-06-15 2011-06-16", each later than the one before,
 * NOTICE_DATES_MAX at most. False: it is not that. days has room for NOTICE_DATES_MAX. */
bool notice_dates_parse(struct span text, int64_t *days, size_t *n);

/* A line for each thing that can still be mended: parties without notice, notices that came back
 * and were not sent elsewhere, days of runs that nobody spoke of or that were missed, runs too
 * short for the deadline, deadlines within `within` without an answer. order 0: all; party NULL:
 * all. */
void notice_warnings(const struct notice_book *b, uint64_t order, const struct notice_party *party,
                     int64_t now, int64_t within, struct buf *out);
