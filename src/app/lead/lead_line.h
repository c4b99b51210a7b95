/* Lead line: what passes between an informant who has come back and the team, whoever shows it: a
 * command or a page. By the receipt's keys and nothing else. */
#pragma once

#include "app/lead/lead_open.h"
#include "app/lead/lead_seal.h"

#define LEAD_LINE_BYTES_MAX (1ull << 30) /* of all that is sent to one lead */

/* Who has come back. Secret: lead_line_wipe(). `c` has its casebook and VIEW_PURSUIT, and is
 * borrowed. */
struct lead_line {
    struct casedir *c;
    struct receipt_keys keys;
    struct lead lead;
};
/* As lead_by_receipt() (lead_receipt.h) says; costs the same whatever it finds. */
int lead_line_open(struct casedir *c, const struct receipt *r,
                   const uint8_t decoy[RECEIPT_DECOY_LEN], struct lead_line *out, struct err *err);
void lead_line_wipe(struct lead_line *l);

/* One message: theirs, which nobody but reviewers opens, or ours, opened by the receipt. */
struct lead_line_message {
    const struct lead_message *message;
    struct lead_opened *open; /* NULL: theirs, or it cannot be read */
    const char *unread;       /* why it cannot; NULL otherwise */
};
/* In the log's order; each() returns 0 to go on. */
int lead_line_read(struct lead_line *l, int (*each)(void *ctx, const struct lead_line_message *m),
                   void *ctx, struct err *err);

/* What is to be said: words or files (NULL: none), and what else it is: a claim of that offer, a
 * withdrawal. */
struct lead_line_say {
    const struct lead_content *content;
    uint64_t offer; /* its entry; 0: no claim */
    bool withdraw;
};
/* "message" "addition" (with files) "claim" "withdrawal". */
const char *lead_line_kind(const struct lead_line_say *s);
/* Whether it may be said: -EPERM: the lead was withdrawn; -EFBIG: there are too many messages, or
 * too much in them. */
int lead_line_may_say(struct lead_line *l, const struct lead_line_say *s, struct err *err);
/* Checks that, seals it, signs it, puts it on the log: its entry. */
int lead_line_say(const struct cli *cli, struct lead_line *l, const struct lead_line_say *s,
                  uint64_t *entry, struct err *err);
