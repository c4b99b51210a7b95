/* MIME (RFC 2045 to 2047, 2231, 5322): one mail's bytes to headers and a tree of parts, decoded.
 * Made for what spammers send: duplicate headers, lying boundaries, broken encodings, raw 8-bit and
 * NULs are all read somehow, and said so in `anomalies`. It never fails. GMime is the oracle in
 * tests (test_mime_oracle.c lists where we differ from it, and why.)
 *
 * Lines end with LF or CRLF; a bare CR is a byte like others. What is read how:
 *  - a boundary is its line as a whole, but for white space at the end; of several open parts that
 *    have that boundary it is the innermost's, and it ends all that are open within that one;
 *  - of headers that should come once the first counts; lines without a colon are passed over; a
 *    mail or part that begins with two such lines has no headers and is all body;
 *  - a multipart without a boundary, or whose boundary never comes, is a leaf that is text;
 *  - a type that is none is text/plain; message/rfc822 (news, global) is read as a mail, decoded
 *    first where it is encoded, which it should not be: its parts' raw bytes are in the arena then;
 *  - quoted-printable keeps white space before hard line ends; base64 goes on behind padding, and
 *    what is cut short at the end gives the whole bytes it has.
 *
 * Everything is in the mail itself or in the arena; nothing is allocated besides. A scanner is used
 * by one thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "wire/charset.h"

#define MIME_DEPTH_MAX   32           /* parts within parts; deeper ones are leaves of raw text */
#define MIME_PARTS_MAX   256          /* of one mail; what follows is not looked at */
#define MIME_HEADERS_MAX 512          /* of a mail and its parts together */
#define MIME_HEADER_MAX  (64u << 10)  /* bytes of one header's value that are decoded */
#define MIME_HEAD_MAX    (1u << 20)   /* bytes of a header block; the rest of it is passed over */
#define MIME_TEXT_MAX    (256u << 10) /* decoded bytes of one text part, before the charset */
#define MIME_DECODED_MAX (16u << 20)  /* decoded bytes of a mail's parts together */

enum mime_anomaly {
    MIME_CUT_DEPTH = 1 << 0, /* a limit above was met */
    MIME_CUT_PARTS = 1 << 1,
    MIME_CUT_HEADERS = 1 << 2,
    MIME_CUT_BYTES = 1 << 3,
    MIME_BAD_HEADER = 1 << 4,  /* a header line without a colon or a name */
    MIME_DUPLICATE = 1 << 5,   /* a second Content-Type, -Transfer-Encoding, Subject, From... */
    MIME_NO_BOUNDARY = 1 << 6, /* multipart without one, or whose boundary never comes */
    MIME_UNCLOSED = 1 << 7,    /* the last boundary never comes */
    MIME_BAD_BASE64 = 1 << 8,  /* bytes that do not belong, wrong padding */
    MIME_BAD_QP = 1 << 9,
    MIME_BAD_UU = 1 << 10,
    MIME_BAD_WORD = 1 << 11, /* an encoded word that is none */
    MIME_UNKNOWN_CHARSET = 1 << 12,
    MIME_BAD_CHARSET = 1 << 13, /* bytes that the charset does not have */
    MIME_UNKNOWN_ENCODING = 1 << 14,
    MIME_RAW_8BIT = 1 << 15, /* in headers */
    MIME_NUL = 1 << 16,
    MIME_UUENCODED = 1 << 17, /* a "begin 644 name" block within text: a part of its own here, whose
                               * parent is the text, which is without it */
};
/* The words of the bits set ("bad-base64 nul"), appended. */
void mime_anomaly_words(uint32_t bits, struct buf *out);

struct mime_header {
    struct span name;  /* as sent */
    struct span value; /* as sent: folded lines as they are, white space off both ends */
};

enum mime_encoding { MIME_IDENTITY, MIME_BASE64, MIME_QP, MIME_UU };

struct mime_part {
    int parent;                     /* index of the part that holds it, -1 for the mail itself */
    unsigned depth;                 /* 0 for the mail itself */
    unsigned first_header, headers; /* in mime.header; the mail's own headers are part 0's */
    struct span type;        /* "text/html", small letters; text/plain where it is left out */
    struct span charset;     /* label as sent; empty for none */
    struct span name;        /* a file's name, decoded; empty for none */
    struct span disposition; /* "attachment" "inline", small letters; empty */
    struct span content_id;  /* without <> */
    enum mime_encoding encoding;
    bool multipart, message; /* holds parts; message/rfc822, whose mail is the next part */
    bool text;               /* a leaf of text/.. that is to be read, not saved */
    struct span raw;         /* its body as sent */
    struct span body;        /* leaves: decoded; text: UTF-8 as well; at most the limits above */
    uint64_t size;           /* decoded bytes before the charset, also those beyond the limits */
    uint32_t anomalies;
};

struct mime {
    struct mime_header *header;
    unsigned headers;
    struct mime_part *part; /* depth first: part 0 is the mail */
    unsigned parts;
    struct span head;   /* the mail's header block, its empty line not included */
    uint32_t anomalies; /* of all parts and headers */
};

struct mime_scanner;
struct mime_scanner *mime_scanner_new(void);
void mime_scanner_free(struct mime_scanner *s);

void mime_scan(struct mime_scanner *s, struct span mail, struct arena *arena, struct mime *out);

/* The first header of that name (any case) of part `part`; NULL when it has none. */
const struct mime_header *mime_header(const struct mime *m, unsigned part, const char *name);
/* A header's value for reading: unfolded, encoded words (RFC 2047, and within quotes, where they do
 * not belong but are) and raw 8-bit decoded to UTF-8. */
struct span mime_text(struct mime_scanner *s, struct span value, struct arena *arena);
/* A parameter of a structured value ("boundary" of a Content-Type), RFC 2231 continuations and
 * charsets decoded; empty when it is not there. */
struct span mime_parameter(struct mime_scanner *s, struct span value, const char *name,
                           struct arena *arena);

/* The decoders alone. Each appends at most `max` bytes to out, and returns how many there would be.
 * Bytes that do not belong are passed over and noted in *anomalies. Vectorised where the CPU can;
 * mime_decode_scalar(true) keeps them from it, for tests (the whole process). */
uint64_t mime_base64(struct span in, uint8_t *out, uint64_t max, uint32_t *anomalies);
uint64_t mime_quoted_printable(struct span in, uint8_t *out, uint64_t max, uint32_t *anomalies);
uint64_t mime_uudecode(struct span in, uint8_t *out, uint64_t max, uint32_t *anomalies);
void mime_decode_scalar(bool scalar);
