/* What courier_clerk.c and courier_agenda.c share. */
#pragma once

#include "app/serve/courier_clerk.h"
#include "state/texts.h"

#define CLERK_PENDING 64 /* acts that are journalled together */

struct clerk_act {
    uint64_t report, attempt;
    const char *result, *why;
    char reply[COURIER_REPLY_MAX];
};

struct clerk_due {
    uint64_t report;
    uint32_t contact; /* number in clerk.contacts */
};

struct clerk {
    struct casedir *c;
    const struct config_cleanup *config;
    struct courier_marks *marks;
    struct post *post;
    struct clerk_ways ways;
    struct clerk_options options;
    struct journal_cursor *cursor;
    struct clerk_act pending[CLERK_PENDING];
    size_t n_pending;
    struct clerk_due *due; /* of this round */
    size_t n_due, cap_due;
    struct texts contacts; /* of this round, with how many mails each had within a day */
    uint32_t *today;
    size_t cap_today;
    struct clerk_sum sum;
    bool connected, gone; /* gone: the post does not answer */
    unsigned vain, turn;  /* knocks in vain; which mark is next */
    uint64_t mails;
    int64_t last_us; /* monotonic: the latest mail */
};

/* What is due now, and how much its contacts got lately. */
void clerk_agenda_make(struct clerk *k);
/* The contact had its mails for today. */
bool clerk_agenda_is_full(const struct clerk *k, const struct clerk_due *d);
void clerk_agenda_sent(struct clerk *k, const struct clerk_due *d);
void clerk_agenda_free(struct clerk *k);
