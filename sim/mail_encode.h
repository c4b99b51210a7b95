/* Transfer encodings (RFC 2045), written for speed: a simulator's mails are many. Text that goes in
 * has CRLF line ends. */
#pragma once

#include "base/buf.h"

/* Breaks lines at spaces so that none is longer than `width` where a space allows it. */
void mail_wrap(struct span text, unsigned width, struct buf *out);
/* Lines of 76 characters at most. */
void mail_put_quoted(struct span text, struct buf *out);
void mail_put_base64(struct span bytes, struct buf *out);
/* A header's value as encoded words (RFC 2047) of base64, 45 bytes each, folded. */
void mail_put_encoded_word(struct span text, const char *charset, struct buf *out);
/* A noisy GIF of that size, its pixels from the seed; `noise` pixels of it from `other`. */
void mail_put_gif(unsigned width, unsigned height, uint64_t seed, unsigned noise, uint64_t other,
                  struct buf *out);
