/* The part of a report that people read: text.def has its words in each language. */
#pragma once

#include "base/arena.h"
#include "report/report.h"

struct text_form {
    const char *attached; /* "XARF", or whatever lies beside the text; NULL: nothing does */
    size_t rows_max;      /* of each table; the rest is in what is attached */
};

/* UTF-8, LF; no controls and no empty paragraphs. */
void text_put(struct arena *arena, const struct report *r, const struct text_form *form,
              struct buf *out);
/* The mail's subject, one line. */
void text_subject(struct arena *arena, const struct report *r, struct buf *out);
/* The language that the report is told in: "en" "de" ... */
const char *text_language(const struct report *r);
