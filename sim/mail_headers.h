/* One mail around its text: headers as the family's mailer writes them, parts, encodings. Private
 * to mail_sim.c and mail_headers.c. */
#pragma once

#include "sim/mail_campaign.h"

/* Everything that is put together. Spans are valid while it is written. */
struct mail_parts {
    const struct mail_mailer *mailer;
    struct rng *r;
    struct mail_shape_words
        words;   /* sender's: domain, local part, address; time by the sender's clock */
    int8_t zone; /* hours east, of a mailer that writes its own */
    struct span from, to, subject, name; /* name: the sender's, "First Last" */
    struct span reply_to;                /* may be empty */
    struct span to_name;
    const char *charset;
    struct span text, html; /* either may be empty */
    struct span file;       /* base64; may be empty */
    const char *file_name, *file_type;
    bool inline_file; /* a picture in HTML */
};
void mail_put_parts(const struct mail_parts *p, struct buf *scratch, struct buf *out);
