/* Returned mail: what a mail that came back says of one that we sent: a bounce, a delay, a
 * machine's answer, a person's answer. Delivery status notifications (RFC 3464, 6533), disposition
 * notifications (RFC 8098), automatic answers (RFC 3834), and what was written before or beside
 * them: qmail's (QSBMF), Exim's, sendmail's and Exchange's texts. It never fails: what is none of
 * these is an answer for a person to read.
 *
 * Anybody can send anything to the mailbox: what is read here is a claim. Which report it is about
 * is told by a Message-ID of ours in it, which only those know whom we wrote to. */
#pragma once

#include "wire/mime.h"

#define RETURNED_IDS_MAX    16
#define RETURNED_GROUPS_MAX 64  /* recipients of one notification that are looked at */
#define RETURNED_TEXT_MAX   500 /* bytes of the text that is given */

enum returned_what {
    RETURNED_REPLY, /* for a person to read */
    RETURNED_AUTO,  /* a machine's: out of office, a ticket's number, a notice that it was delivered
                     */
    RETURNED_DELAY, /* not delivered yet */
    RETURNED_BOUNCE,
};
/* "reply" "auto-reply" "delay" "bounce". */
const char *returned_what_name(enum returned_what what);

/* Spans are in the mail or in the arena. */
struct returned {
    enum returned_what what;
    struct span contact; /* who it was not delivered to; of answers: who wrote. May be empty */
    struct span status;  /* RFC 3463: "5.1.1"; of bounces and delays, which always have one */
    struct span text;    /* why: the other server's words, or the subject. One line of UTF-8 */
    /* Message-IDs that it is about, without <>, the likeliest first. */
    struct span ids[RETURNED_IDS_MAX];
    unsigned n_ids;
};

void returned_read(struct mime_scanner *s, struct span mail, struct arena *arena,
                   struct returned *out);
