/* Writing mail (RFC 5322, MIME): headers that outside text cannot break out of, bodies in an
 * encoding that every server passes on. CRLF, no line over 998 bytes. Texts are UTF-8. */
#pragma once

#include "base/buf.h"

#define MESSAGE_ADDRESS_MAX  254 /* RFC 5321, 4.5.3.1.3 less the brackets */
#define MESSAGE_BOUNDARY_MAX 48

/* "user@domain": a dot-atom and a host name, ASCII, so that it can stand in a header as it is, and
 * stands for one mailbox. */
bool message_is_address(struct span s);
/* A host name of letters, digits, hyphens and dots. */
bool message_is_domain(struct span s);
/* A Message-ID's left side: a dot-atom. */
bool message_is_id(struct span s);
/* No controls, so no line ends. */
bool message_is_line(struct span s);

/* Headers; `name` is our own word. Values are checked by the caller (message_is_...), but for
 * message_text(), which takes any words: RFC 2047 where they are not short ASCII. Control
 * characters are encoded with the rest. */
void message_header(struct buf *out, const char *name, struct span value);
void message_text(struct buf *out, const char *name, struct span value);
/* Name: "display" <address> */
void message_mailbox(struct buf *out, const char *name, struct span display, struct span address);
/* "Mon, 30 Nov 2026 11:26:54 +0000" */
void message_date(struct buf *out, const char *name, int64_t time);

/* A boundary that is in no part below; n tells several of one message apart. */
void message_boundary(struct span id, unsigned n, char out[MESSAGE_BOUNDARY_MAX]);
/* Content-Type of a multipart, and the empty line: "report; report-type=feedback-report". */
void message_multipart(struct buf *out, const char *subtype, const char *boundary);
/* The line before a part, and behind the last. */
void message_part(struct buf *out, const char *boundary);
void message_end(struct buf *out, const char *boundary);

/* Parts. Text in LF with its headers and the empty line: 7bit where it can be, else
 * quoted-printable. `type` is "text/plain" or the like; language may be NULL. */
void message_body_text(struct buf *out, const char *type, const char *language, struct span text);
/* Bytes in base64, as an attachment of that name (our own word). */
void message_body_base64(struct buf *out, const char *type, const char *filename, struct span data);
