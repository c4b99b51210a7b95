/* SMTP (RFC 5321) from the client's side of a stream, as a recorder sees it: commands as sent and
 * the mail, without a server's replies. */
#pragma once

#include "base/buf.h"

#define SMTP_LINE_MAX 4096 /* a command line; longer ones are cut and marked */

enum smtp_verb { SMTP_UNKNOWN, SMTP_HELO, SMTP_EHLO, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_BDAT,
                 SMTP_RSET, SMTP_QUIT, SMTP_NOOP, SMTP_VRFY, SMTP_AUTH, SMTP_STARTTLS, SMTP_HELP };

enum smtp_anomaly {
    SMTP_BARE_LF = 1 << 0,      /* a line ended without CR */
    SMTP_BARE_CR = 1 << 1,
    SMTP_LONG_LINE = 1 << 2,
    SMTP_ODD_PATH = 1 << 3,     /* path without angle brackets, space after the colon */
    SMTP_ODD_END = 1 << 4,      /* the mail ended with other than CRLF.CRLF */
};

struct smtp_command {
    enum smtp_verb verb;
    struct span line;     /* as sent, ending included */
    struct span argument; /* HELO name, or the reverse/forward path without angle brackets */
    struct span params;   /* behind the path: "SIZE=1000 BODY=8BITMIME" */
    uint32_t anomalies;
    uint64_t bdat_size;
    bool bdat_last;
};

/* One command line at the start of data. 1 done (line.n bytes used), 0 need more. Never fails: an
 * unknown verb is SMTP_UNKNOWN. */
int smtp_command_parse(struct span data, struct smtp_command *out);
/* True when the bytes could open a client's side: HELO, EHLO, MAIL, or a proxy probe. */
bool smtp_looks_like_client(struct span data);
/* "220 " or "220-": what a server says first. */
bool smtp_looks_like_server(struct span data);

/* Mail data behind DATA, incrementally: removes dot-stuffing, finds the end (CRLF.CRLF only; other
 * line endings round a dot are data and are noted). All zero is the start state. */
struct smtp_data {
    int state;
    uint32_t anomalies;
};
/* Consumes from c, appends unstuffed bytes to mail (its size kept at most `max`, the rest counted
 * in *size). 1 the end was read, 0 need more. */
int smtp_data_next(struct smtp_data *s, struct cur *c, size_t max, struct buf *mail, uint64_t *size);
/* The raw value of a header of a mail (first of that name, unfolded lines as they are); empty
 * when absent. */
struct span smtp_mail_header(struct span mail, const char *name);
