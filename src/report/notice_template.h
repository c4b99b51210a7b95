/* Notice template: the words of a notice in one language, with places for what differs:
 * "{{party}}" (notice_values.def has them all). A line with "{{assets}}" is written once for each
 * of them. There is nothing else to it: no conditions, no loops, so that a lawyer can read one.
 *
 * A template is outside text: it is UTF-8 with LF or CRLF, tabs are its only controls, and nothing
 * in it changes the direction of text by force. Values cannot do more than be shown: controls and
 * the like come out as U+FFFD, and in HTML the five characters that mean something are escaped. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define NOTICE_TEMPLATE_MAX (256u << 10) /* bytes of a template */
#define NOTICE_OUTPUT_MAX   (4u << 20)   /* bytes that are made of one */
#define NOTICE_ITEMS_MAX    20000        /* of a list */

enum notice_form { NOTICE_TEXT, NOTICE_HTML, NOTICE_ADVERTISEMENT, NOTICE_FORMS };
/* "text" "html" "advertisement" */
const char *notice_form_name(enum notice_form form);
/* NOTICE_FORMS: none. */
enum notice_form notice_form_of(struct span name);

enum notice_value {
#define VALUE(symbol, name, list, about) NOTICE_##symbol,
#include "report/notice_values.def"
    NOTICE_VALUES,
};
/* As a template has it, and what it is. */
const char *notice_value_name(enum notice_value value);
const char *notice_value_about(enum notice_value value);

/* An empty value is one that is not known. */
struct notice_values {
    struct span text[NOTICE_VALUES];
    const struct span *items; /* of NOTICE_ASSETS */
    size_t n_items;
};

/* Whether it can be filled. -EINVAL: "line 3: ..."; -EFBIG over NOTICE_TEMPLATE_MAX. used (may be
 * NULL) gets what it asks for. */
int notice_template_check(struct span words, enum notice_form form, bool used[NOTICE_VALUES],
                          struct err *err);
/* Appends the words with their values; lines end with LF. -EINVAL as above; -ENODATA: it asks for
 * what is not known (no notice goes out with a hole in it); -EFBIG over NOTICE_OUTPUT_MAX. On
 * failure out is as it was. */
int notice_template_fill(struct span words, enum notice_form form, const struct notice_values *v,
                         struct buf *out, struct err *err);

/* A text begins with "Subject: ..." and an empty line, or without: subject is empty then. Spans
 * point into `text`. */
void notice_text_split(struct span text, struct span *subject, struct span *body);
