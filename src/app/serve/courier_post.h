/* Courier's post: the process that talks to the smarthost. It is forked before anything of the case
 * is opened, locked into SANDBOX_COURIER, and has nothing but a socket to its parent, the marks,
 * and what struct smarthost holds: no file, no view, no key. Bytes of a report go in, a mark comes
 * out (courier_mark.h). libcurl speaks SMTP; one connection carries many mails. */
#pragma once

#include "app/config.h"
#include "app/serve/courier_mark.h"

struct smarthost;

/* What is needed to reach the smarthost, before a sandbox is entered: addresses, the CAs, the
 * password. -EINVAL when the config asks for what must not be (a password in the clear). */
int smarthost_open(const struct config *config, struct smarthost **out, struct err *err);
void smarthost_free(struct smarthost *h);

struct post;

/* Forks it. When the parent ends, however it ends, it breaks off what it is at, or waits for the
 * answer where that is not safe any more, and ends. */
int post_start(const struct smarthost *h, struct courier_marks *marks, struct post **out,
               struct err *err);
/* Tells it to end, and waits: what is being sent is broken off while that is safe. */
void post_stop(struct post *p);
/* Readable when it has something to say: call post_heed. */
int post_fd(const struct post *p);

/* Has a connection made, or looks whether there still is one (NOOP); mark COURIER_KNOCK. -EPIPE
 * when the process is gone. */
int post_knock(struct post *p, struct err *err);
/* Has a report sent; the mark was begun (courier_mark_begin). */
int post_mail(struct post *p, unsigned mark, struct span contact, struct span bytes,
              struct err *err);
/* 1 when the mark of what it was asked last is done, 0 not yet, -EPIPE when it is gone. */
int post_heed(struct post *p);
/* Asks it to break off what it is at while that is safe. It ends then. */
void post_hurry(struct post *p);

/* True for what can stand in RCPT TO as it is: one address, printable ASCII. */
bool post_can_address(struct span contact);

/* How long an answer to all of one mail may take at most, milliseconds. */
#define POST_LONGEST_MS (20 * 60 * 1000)
