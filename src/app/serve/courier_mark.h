/* Courier's mark: how far the sending of a report has come, in memory that the process that sends
 * shares with the one that journals, and with who comes after both were killed: a page of
 * CASE/run/courier. With it a report is in doubt only when the end fell between its final dot and
 * the smarthost's answer. It says nothing after a restart of the machine (the page need not have
 * reached the disk).
 *
 * The file is also the courier's lock: whoever holds it sends, nobody else. Its processes share it,
 * so that it is free only when the last of them is gone. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define COURIER_REPLY_MAX 400 /* bytes of the smarthost's words that are kept, NUL included */

enum courier_phase {
    COURIER_IDLE,
    COURIER_BEGUN,  /* the smarthost cannot have taken it yet */
    COURIER_ENDING, /* all of it was given out: the final dot goes, or went */
    COURIER_DONE,   /* there is a verdict */
};

enum courier_verdict {
    COURIER_SENT,     /* the smarthost took it on */
    COURIER_DEFERRED, /* it did not: to be tried again */
    COURIER_REFUSED,  /* it never will */
    COURIER_DOUBTFUL, /* nobody knows whether it did */
};

/* Whose fault it was. */
enum courier_fault {
    COURIER_OWN,     /* the report's, or nobody's */
    COURIER_HOST,    /* the smarthost's, or of the way there: the next one would fare the same */
    COURIER_FOREVER, /* likewise, until somebody changes something: a password, a certificate */
};

struct courier_mark {
    uint64_t report, attempt;
    uint32_t phase;   /* courier_phase; written last */
    uint32_t verdict; /* courier_verdict, with COURIER_DONE */
    uint32_t fault;   /* courier_fault */
    char reply[COURIER_REPLY_MAX];
};

struct courier_result {
    enum courier_verdict verdict;
    enum courier_fault fault;
    char reply[COURIER_REPLY_MAX]; /* one line of printable text */
};

/* Two for reports, in turn, so that one's result is kept while the next begins, and one to knock
 * with (no report). */
enum { COURIER_KNOCK = 2, COURIER_MARKS };

struct courier_marks;

/* Takes the lock; with `wait_ms` it waits so long for another sender to end. 1: somebody else
 * sends. */
int courier_marks_open(const char *case_dir, int wait_ms, struct courier_marks **out,
                       struct err *err);
void courier_marks_close(struct courier_marks *m);
/* The descriptor that holds the lock: who sends must keep it. */
int courier_marks_lock(const struct courier_marks *m);

struct courier_mark *courier_mark(struct courier_marks *m, unsigned which);
void courier_mark_begin(struct courier_mark *m, uint64_t report, uint64_t attempt);
/* By the process that sends. */
void courier_mark_ending(struct courier_mark *m);
void courier_mark_done(struct courier_mark *m, enum courier_verdict verdict,
                       enum courier_fault fault, struct span reply);
/* What became of it when whoever sent it is gone; doubtful for one that is not known. */
void courier_mark_result(const struct courier_mark *m, struct courier_result *out);
void courier_marks_find(struct courier_marks *m, uint64_t report, uint64_t attempt,
                        struct courier_result *out);
