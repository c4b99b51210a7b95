/* What the cleanup view is made of; for cleanup*.c only. */
#pragma once

#include "event/event.h"
#include "state/cleanup.h"
#include "state/texts.h"

#define CLEANUP_NO_REPORT     UINT32_MAX
#define CLEANUP_CONTACT_BYTES 320 /* of a mailbox's name that are looked at */

/* Saved as they lie: no pointers, no holes. Texts are numbers of `words`, or TEXTS_NONE. */
struct report_slot {
    uint64_t report;
    int64_t since, until, queued, tried;
    uint64_t fresh, returning, still, gone, part, parts;
    uint8_t sha256[SHA256_LEN];
    uint32_t contact, older; /* of the same contact; CLEANUP_NO_REPORT: none */
    uint32_t format, language, channel, trial, message_id;
    uint32_t reply, status, attempts;
    uint8_t state, bounced, copy, pad[5]; /* copy: to whom it was escalated */
};

struct contact_slot {
    uint64_t reports, sent, bounces, hard, replies; /* hard: since it was alive, by report */
    uint32_t newest, status, by, why;
    uint8_t dead, pad[7];
};

struct trial_slot {
    uint64_t entry, percent, contacts, controls, first_arm, end_arm;
    int64_t from, until;
    uint32_t name, seed;
};

struct arm_slot {
    uint32_t contact, control;
};

struct cleanup {
    char *path;
    uint64_t position;
    int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err);
    void *blob_ctx;
    struct texts contacts;    /* mailboxes; a number is a place in slots */
    struct texts message_ids; /* a number is a place in ids */
    struct texts words, returned;
    struct report_slot *reports;
    size_t n_reports, cap_reports;
    struct contact_slot *slots;
    size_t n_slots, cap_slots;
    uint32_t *ids; /* places in reports */
    size_t n_ids, cap_ids;
    struct trial_slot *trials;
    size_t n_trials, cap_trials;
    struct arm_slot *arms;
    size_t n_arms, cap_arms;
};
