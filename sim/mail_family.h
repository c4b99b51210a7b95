/* Families: the botnets that send, each with a mailer (how its mails' headers are written) and a
 * dialect (how it speaks SMTP), made up from the seed. They are nobody's: no labelled sample of a
 * real botnet's mail is public. The first one has what was published of Rustock's sender addresses.
 */
#pragma once

#include "sim/mail_shape.h"

#define MAIL_FAMILIES_MAX 64
#define MAIL_SHAPE_MAX    96
#define MAIL_HEADERS_MAX  20

enum mail_header {
    MAIL_H_MESSAGE_ID,
    MAIL_H_FROM,
    MAIL_H_TO,
    MAIL_H_SUBJECT,
    MAIL_H_DATE,
    MAIL_H_MIME_VERSION,
    MAIL_H_CONTENT,
    MAIL_H_MAILER,
    MAIL_H_PRIORITY,
    MAIL_H_MS_PRIORITY,
    MAIL_H_MIMEOLE,
    MAIL_H_REPLY_TO,
    MAIL_H_IMPORTANCE,
    MAIL_H_ORGANIZATION,
    MAIL_H_ORIGINATING,
    MAIL_H_THREAD,
    MAIL_H_SENDER,
    MAIL_HEADERS
};

enum mail_encoding { MAIL_8BIT, MAIL_QUOTED_PRINTABLE, MAIL_BASE64 };

struct mail_mailer {
    uint8_t header[MAIL_HEADERS_MAX], headers;
    uint8_t case_of_names; /* 0 "Message-ID", 1 "Message-Id", 2 "MIME-version", "Content-type" */
    uint8_t
        zone; /* date: 0 "+0000", 1 "-0500", 2 "+0300", 3 "GMT", 4 "-0800 (PST)", 5 one a client */
    bool weekday, pad;     /* date's */
    uint8_t name_style;    /* 0 "First Last" <a>, 1 First Last <a>, 2 <a>, 3 a, 4 "a" <a> */
    bool to_name;          /* To has the recipient's name, as name_style */
    bool one_from;         /* From is MAIL FROM's address */
    bool fold_tab, quoted; /* Content-Type: folded with a tab, else on one line; charset quoted */
    bool encoding_first;   /* of a part's headers */
    bool prologue;         /* "This is a multi-part message" */
    bool lower_encoding;   /* "Quoted-Printable" or small letters */
    uint8_t encoding;      /* enum mail_encoding, of text */
    char message_id[MAIL_SHAPE_MAX], boundary[MAIL_SHAPE_MAX], local[MAIL_SHAPE_MAX];
    char mailer[MAIL_SHAPE_MAX]; /* "Name: shape", or empty */
    char mime_ole[MAIL_SHAPE_MAX], organization[MAIL_SHAPE_MAX];
};

struct mail_dialect {
    char helo[16]; /* the verb as written, with what is behind it */
    char helo_name[MAIL_SHAPE_MAX];
    bool extended;         /* it was an EHLO */
    char from[20], to[20]; /* "MAIL FROM:<", "RCPT TO: <"; without < no brackets */
    char parameters[32];   /* behind the sender */
    char data[8], quit[8]; /* quit empty: it just goes */
    bool noop, rset, rset_before_quit, pipelining;
    bool bare_lf; /* its commands end in LF */
};

struct mail_family {
    char name[24];
    uint32_t clients; /* machines */
    struct mail_mailer mailer;
    struct mail_dialect dialect;
};

void mail_family_make(uint64_t seed, unsigned number, uint32_t clients, struct mail_family *out);
/* The address of a machine: no two families share one. `of`: families. */
struct ip mail_client_address(uint64_t seed, unsigned family, unsigned of, uint32_t client,
                              unsigned *net);
/* Networks that clients are in; by mail_client_address()'s number. */
struct mail_network {
    const char *net;
    uint32_t asn;
    char country[3];
    int8_t zone; /* hours east */
};
extern const struct mail_network mail_networks[];
unsigned mail_networks_count(void);
/* A line that says how it speaks, for the truth. */
void mail_dialect_put(const struct mail_dialect *d, struct buf *out);
