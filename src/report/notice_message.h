/* Notice message: a notice as mail, its text and, where there is one, its HTML (RFC 2046,
 * multipart/alternative). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct notice_message {
    struct span from_name, from, to_name, to; /* names may be empty */
    struct span subject, message_id;          /* without <> */
    int64_t date;
    const char *language;   /* BCP 47 */
    struct span text, html; /* html may be empty */
};
/* Appends the message. -EINVAL: an address or the id is none that can stand in a header. */
int notice_message(const struct notice_message *m, struct buf *out, struct err *err);

/* Letters and digits in parts of 1 to 8 with hyphens between, the first of letters (BCP 47's outer
 * form); 35 bytes at most, as RFC 5646, 4.4.1 advises. */
#define NOTICE_LANGUAGE_MAX 35
bool notice_language_is_good(struct span tag);
