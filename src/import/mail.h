/* Mail in files: what mbox, eml and tar share. One KIND_SMTP event a mail, and its bytes as they
 * would be on the wire behind DATA, so that a mail has the same blob whichever way it came:
 *
 *   - a mail whose lines all end in a bare LF gets CRLF; one that has any CRLF stays as it is (its
 *     other line ends are noted as "bare-lf" and "bare-cr", as the live sink does);
 *   - a line end is added where the last line lacks its own;
 *   - what an mbox put around and into it is undone: the From_ line, the one empty line behind it,
 *     the quoting of its lines. Headers that somebody added stay.
 *
 * Time, connecting address and the client's name come from the Received header that wire/received.h
 * finds; doc/gauge/mail-in.md has the order of what they fall back to. */
#pragma once

#include "import/import.h"

#define MAILBOX_MAIL_MAX    (64u << 20) /* bytes of one mail in a file; larger ones are rejects */
#define MAILBOX_FILL        (256u << 10)
#define MAILBOX_HEAD_MAX    (256u << 10) /* of headers in which a Content-Length is looked for */
#define MAILBOX_FROM_MAX    1024         /* bytes of a From_ line */
#define MAILBOX_ADDRESS_MAX 1024         /* bytes kept of an address or a host's name */
#define MAILBOX_NAME_MAX    120          /* characters of a member's name in a reject */

/* A source that is read mail by mail: the bytes in hand begin where the next thing does. */
struct mailbox {
    struct source *src;
    const struct import_sink *sink;
    struct import_counts *counts;
    struct cur piece; /* of the source, not yet in `in` */
    struct buf in;
    size_t at;     /* in.p + at: the bytes in hand */
    uint64_t base; /* unpacked bytes before in.p */
    uint64_t end;  /* where the file that is read ends: a member of an archive, or UINT64_MAX */
    int ended;     /* the source's last answer: 1 there is more, 0 its end, negative */
    struct span member;    /* its name, for rejects; empty without an archive */
    struct buf mail, head; /* a mail's canonical bytes; scratch */
};

void mailbox_begin(struct mailbox *m, struct source *src, const struct import_sink *sink,
                   struct import_counts *counts);
/* Reports a source that broke off (import_broke_off), and frees. `rc` is forwarded when negative.
 */
int mailbox_end(struct mailbox *m, int rc, struct err *err);

/* Makes n bytes available, and says how many are: fewer only at the file's end, often more. */
size_t mailbox_need(struct mailbox *m, size_t n);
/* The bytes in hand, until the next mailbox_need or mailbox_skip. */
static inline const uint8_t *mailbox_at(const struct mailbox *m)
{
    return m->in.p + m->at;
}
/* Goes on n bytes, or to the file's end. */
void mailbox_skip(struct mailbox *m, uint64_t n);
static inline uint64_t mailbox_offset(const struct mailbox *m)
{
    return m->base + m->at;
}
/* The source ended before the file did, or broke off: the last bytes are not whole. */
bool mailbox_is_torn(const struct mailbox *m);

/* "From sender Sun Apr  8 13:07:32 2007". */
struct mailbox_from {
    struct span sender;
    int64_t time; /* taken as UTC where no zone is written */
};
/* A line without its end; true when it is one: an address without spaces (or "user at host", as
 * archives of lists have it) and a date as asctime writes it. */
bool mailbox_from_line(struct span line, struct mailbox_from *out);

enum mailbox_quoting {
    QUOTING_NONE,
    QUOTING_O, /* ">From " was "From " */
    QUOTING_RD /* and ">>From " was ">From " */
};

/* One mail, without what stands around it. `from` may be NULL. 0, or the sink's negative. */
int mailbox_take(struct mailbox *m, struct span raw, const struct mailbox_from *from,
                 enum mailbox_quoting quoting);
/* A mail that cannot be taken: a record all the same. */
void mailbox_reject(struct mailbox *m, uint64_t offset, const char *why);

/* The rest of the file, in mbox.c and eml.c. 0, or the sink's negative. */
enum mbox_kind { MBOX_ANY, MBOX_O, MBOX_RD, MBOX_CL, MBOX_CL2 };
int mbox_read(struct mailbox *m, enum mbox_kind kind);
int eml_read(struct mailbox *m);
/* Whether these first bytes begin a mail's headers, 0-100; with a From_ line they are an mbox. */
int eml_looks(struct span head);
bool mbox_looks(struct span head);
