/* Cleanup: abuse reports that were queued, tried, sent and returned; contacts that are dead;
 * trials. A view of the log, loaded on demand. Used by one thread. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "event/act_cleanup.h"

struct cleanup;

int cleanup_open(const char *dir, struct cleanup **out, struct err *err);
void cleanup_close(struct cleanup *c);
uint64_t cleanup_position(const struct cleanup *c);
void cleanup_advance(struct cleanup *c, uint64_t position);
int cleanup_snapshot(struct cleanup *c, struct err *err);
void cleanup_blobs(struct cleanup *c,
                   int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                               struct err *err),
                   void *ctx);
void cleanup_act(struct cleanup *c, uint8_t kind, uint64_t index, int64_t time,
                 struct span payload);

enum cleanup_state {
    CLEANUP_QUEUED,   /* not tried yet */
    CLEANUP_TRYING,   /* being sent now; or in doubt, when nobody is sending */
    CLEANUP_DEFERRED, /* to be tried again */
    CLEANUP_DOUBTFUL, /* it may have been sent: for a person to say (`cleanup settle`) */
    CLEANUP_SENT,
    CLEANUP_REFUSED,   /* by the smarthost, for good; or given up */
    CLEANUP_CANCELLED, /* by a person, or its contact is dead */
    CLEANUP_BOUNCED,   /* sent, and came back */
    CLEANUP_STATES,
};
const char *cleanup_state_name(enum cleanup_state state);

/* Contacts are in lower case. Spans are valid until the view takes in an act or is closed. */
struct cleanup_report {
    uint64_t report; /* its number: the log index of REPORT_QUEUED */
    struct span contact, format, language, channel, message_id, trial;
    uint8_t sha256[SHA256_LEN];
    int64_t since, until, queued; /* what it tells of; when it was queued */
    uint64_t fresh, returning, still, gone, part, parts;
    enum cleanup_state state;
    unsigned attempts;
    int64_t tried;             /* the latest attempt; 0: none */
    struct span reply, status; /* the smarthost's words; a bounce's RFC 3463 status */
};

/* In order of their numbers. each() returns 0 to go on. */
int cleanup_reports(struct cleanup *c, int (*each)(void *ctx, const struct cleanup_report *r),
                    void *ctx);
bool cleanup_report(struct cleanup *c, uint64_t report, struct cleanup_report *out);
/* By Message-ID (without <>); false: none of ours. */
bool cleanup_by_message_id(struct cleanup *c, struct span message_id, struct cleanup_report *out);

/* True when a mail with that digest was taken in (REPORT_RETURNED). */
bool cleanup_has_returned(struct cleanup *c, const uint8_t sha256[SHA256_LEN]);

/* The channel of a report that is a copy, to whom a network's case is escalated. */
#define CLEANUP_ESCALATION "escalation"
/* The channel of a legal notice (state/notices.h): queued, tried and returned like a report, but
 * none of the contact's own. */
#define CLEANUP_NOTICE "notice"
/* Up to when a contact was told: the latest `until` of its own reports (no copies; the last of each
 * one's parts) that were not refused, bounced or cancelled; 0: never. `reports`: how many there
 * were. */
int64_t cleanup_told(struct cleanup *c, struct span contact, uint64_t *reports);

enum cleanup_arm { CLEANUP_NO_TRIAL, CLEANUP_TREATED, CLEANUP_CONTROL };
struct cleanup_trial {
    uint64_t entry;
    struct span name, seed;
    unsigned percent;
    int64_t from, until;
    uint64_t contacts, controls;
};
/* The contact's arm in the trial that runs at `now`. */
enum cleanup_arm cleanup_arm(struct cleanup *c, struct span contact, int64_t now);
/* By name; the newest when the name is empty. */
bool cleanup_trial(struct cleanup *c, struct span name, struct cleanup_trial *out);
/* The one that runs at `now`. */
bool cleanup_trial_at(struct cleanup *c, int64_t now, struct cleanup_trial *out);
/* All, oldest first. */
int cleanup_trials(struct cleanup *c, int (*each)(void *ctx, const struct cleanup_trial *t),
                   void *ctx);
/* Its contacts and arms. */
int cleanup_trial_rows(struct cleanup *c, uint64_t entry,
                       int (*each)(void *ctx, struct span contact, enum cleanup_arm arm),
                       void *ctx);

/* True when the contact's address is dead: a person said so, or hard bounces. */
bool cleanup_is_dead(struct cleanup *c, struct span contact);
/* Hard bounces (5.x.x of CLEANUP_BOUNCES_DEAD different reports) make one dead. */
#define CLEANUP_BOUNCES_DEAD 2
struct cleanup_contact {
    struct span contact;
    bool dead;
    uint64_t reports, sent, bounces, replies;
    int64_t told; /* as cleanup_told */
    struct span status, by, why;
};
int cleanup_contacts(struct cleanup *c, int (*each)(void *ctx, const struct cleanup_contact *k),
                     void *ctx);
