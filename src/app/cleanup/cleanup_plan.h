/* Cleanup plan: which network is due to be told of what. One pass over all sources: judge, find the
 * contact, and compare with what the contact was told last. Nothing is stored of single addresses:
 * the days on which one was seen and the time of the last report say what is new.
 *
 *   new        first seen after the last report (or there was none, and it was seen within
 * gone_days) returning  seen again after gone_days of silence before the last report still told of
 * before and seen since: counted, not listed again gone       told of before, and unseen for
 * gone_days since the last report
 *
 * doc/cleanup.md says it with examples. One thread. */
#pragma once

#include "app/casedir.h"
#include "report/report.h"

#define PLAN_XARF_ROWS                                                                             \
    200 /* each is a JSON document; more are a table, where the network has no say */

struct plan_options {
    int64_t now;
    struct span contact; /* this one only; empty: all */
    int format;          /* instead of the network's own; -1: none */
    bool all;            /* also contacts that are not due */
};

/* What an address is to be told as; its report's row without the details. */
struct plan_row {
    struct ip ip;
    uint64_t index; /* log entry of the latest contact */
    int64_t first_time, last_time;
    uint64_t contacts;
    uint32_t contact; /* number of plan_contact */
    uint32_t family;  /* number of a text of plan */
    uint32_t asn;
    char country[2];
    uint8_t what; /* enum report_what */
};

enum plan_state { PLAN_DUE, PLAN_NOT_DUE, PLAN_CONTROL, PLAN_DEAD, PLAN_NOTHING, PLAN_STATES };
const char *cleanup_plan_state_name(enum plan_state state);

struct plan_contact {
    struct span mail;
    const struct config_network *own; /* NULL: the defaults */
    enum plan_state state;
    enum cleanup_arm arm;
    int64_t told;     /* 0: never */
    uint64_t reports; /* before this one */
    uint64_t fresh, returning, gone, still;
    size_t first, n; /* its rows: by what, then address */
};

/* Who is told of a source, by contacts.h and what the config has of the network: NULL in *own when
 * it has nothing. */
enum whom { WHOM_NOBODY, WHOM_UNWANTED, WHOM_CONTACT };
enum whom cleanup_whom(struct casedir *c, const struct source *s, struct span *mail,
                       const struct config_network **own);

struct plan;

/* Views that a plan wants loaded. */
#define PLAN_VIEWS (VIEW_SOURCES | VIEW_JUDGEMENTS | VIEW_CONTACTS | VIEW_CLEANUP)
/* Makes the plan; the case must stay open as long as it is used. */
int cleanup_plan_new(struct casedir *c, const struct plan_options *o, struct plan **out,
                     struct err *err);
void cleanup_plan_free(struct plan *p);

const struct plan_contact *cleanup_plan_contacts(const struct plan *p, size_t *n);
const struct plan_row *cleanup_plan_rows(const struct plan *p, const struct plan_contact *k);
struct span cleanup_plan_family(const struct plan *p, const struct plan_row *row);
/* Infected addresses with nobody to tell, and those whose network does not want to be told. */
uint64_t cleanup_plan_unresolved(const struct plan *p);
uint64_t cleanup_plan_allowed(const struct plan *p);
