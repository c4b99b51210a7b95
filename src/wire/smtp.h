/* SMTP (RFC 5321) from the client's side of a stream, as a recorder sees it: commands as sent and
 * the mail, without a server's replies. */
#pragma once

#include "base/buf.h"

#define SMTP_LINE_MAX         4096       /* a command line; longer ones are cut and marked */
#define SMTP_HEADER_BLOCK_MAX (1u << 20) /* how far smtp_mail_header looks */
#define SMTP_HEADER_VALUE_MAX (16u << 10) /* bytes that it gives: an entry of the log is bounded */

enum smtp_verb { SMTP_UNKNOWN, SMTP_HELO, SMTP_EHLO, SMTP_MAIL, SMTP_RCPT, SMTP_DATA, SMTP_BDAT,
                 SMTP_RSET, SMTP_QUIT, SMTP_NOOP, SMTP_VRFY, SMTP_AUTH, SMTP_STARTTLS, SMTP_HELP,
                 SMTP_EXPN, SMTP_ETRN, SMTP_TURN };

enum smtp_anomaly {
    SMTP_BARE_LF = 1 << 0,      /* a line ended without CR */
    SMTP_BARE_CR = 1 << 1,
    SMTP_LONG_LINE = 1 << 2,    /* cut at SMTP_LINE_MAX */
    SMTP_ODD_PATH = 1 << 3,     /* path without angle brackets, space round the colon */
    SMTP_ODD_END = 1 << 4,      /* in the mail: a line of one dot that is not CRLF.CRLF */
    SMTP_BAD_SIZE = 1 << 5,     /* BDAT without a number */
    SMTP_SPACES = 1 << 6,       /* white space before the verb, more than one behind it, at the end */
    SMTP_CONTROL = 1 << 7,      /* control or NUL bytes in a command */
};
/* The words of the bits set, separated by spaces ("bare-lf odd-end"), appended. */
void smtp_anomaly_words(uint32_t bits, struct buf *out);

struct smtp_command {
    enum smtp_verb verb;
    struct span line;     /* as sent, ending included */
    struct span argument; /* HELO name, or the reverse/forward path without angle brackets; for
                           * other verbs all that stands behind them */
    struct span mailbox;  /* the path without its source route ("@a,@b:user@c" is user@c) */
    struct span params;   /* behind the path: "SIZE=1000 BODY=8BITMIME" */
    bool path;            /* MAIL, RCPT: the keyword and a path are there, which may be empty: <> */
    uint32_t anomalies;
    uint64_t bdat_size;
    bool bdat_last;
};

/* One command line at the start of data. 1 done (line.n bytes used), 0 need more. Never fails: an
 * unknown verb is SMTP_UNKNOWN. With SMTP_LONG_LINE the line is the first SMTP_LINE_MAX bytes and
 * has no ending: smtp_line_skip() the rest, or it reads as commands. */
int smtp_command_parse(struct span data, struct smtp_command *out);
/* Consumes what is left of a line, its LF included. 1 done, 0 need more. */
int smtp_line_skip(struct cur *c);
/* "HELO", "STARTTLS"...; "" for SMTP_UNKNOWN. */
const char *smtp_verb_name(enum smtp_verb verb);
/* True when the bytes could open a client's side: a whole word HELO, EHLO or MAIL, or a PROXY
 * protocol line. */
bool smtp_looks_like_client(struct span data);
/* "220 " or "220-": what a server says first. */
bool smtp_looks_like_server(struct span data);

/* Mail data behind DATA, incrementally: removes dot-stuffing (RFC 5321, 4.5.2), finds the end
 * (CRLF.CRLF only, the first CRLF may be that of DATA; other line endings round a dot are data and
 * are noted). All zero is the start state. */
struct smtp_data {
    int state;
    uint32_t anomalies;
};
/* Consumes from c, appends unstuffed bytes to mail, which is kept at most `max` long; *size grows
 * by all of them, kept or not. The CRLF before the last dot belongs to the mail. 1 the end was read
 * (c is behind it; s is to be cleared before the next mail), 0 need more. */
int smtp_data_next(struct smtp_data *s, struct cur *c, size_t max, struct buf *mail, uint64_t *size);
/* The raw value of a header of a mail (first of that name, white space off its ends, folded lines
 * as they are); empty when absent. The headers end at the first empty line. */
struct span smtp_mail_header(struct span mail, const char *name);
