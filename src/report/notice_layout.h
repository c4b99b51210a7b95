/* Notice layout: the parts of a filled template as somebody sets them in type.
 *
 * An advertisement begins with lines "Heading: ...", "Court: ...", "Parties: ...", "Docket: ...",
 * "Title: ...", "Signature: ..." in any order (one that comes again is another line), then its
 * parts, each behind a line of its own: "[words] HEAD", "[names] HEAD", "[box] HEAD"; the head may
 * be missing. Words in front of the first part's line are a part without a head.
 *
 * Lines of [names] and of [box] stand as they are. Paragraphs of words lie between empty lines;
 * their lines are joined. Lines that begin with a blank, a tab,
 * "- " or a bullet stay as they are. */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define NOTICE_PARTS_MAX 12

enum notice_part_kind { NOTICE_PART_WORDS, NOTICE_PART_NAMES, NOTICE_PART_BOX };
struct notice_part {
    enum notice_part_kind kind;
    struct span head, words; /* a line feed ends a paragraph or a name */
};
struct notice_layout {
    struct span heading, court, parties, docket, title, signature; /* a line feed between lines */
    struct notice_part part[NOTICE_PARTS_MAX];
    unsigned n;
};
/* Spans lie in the arena. -EINVAL: "line 3: ...". */
int notice_layout(struct span text, struct arena *arena, struct notice_layout *out,
                  struct err *err);

/* The paragraphs of a text, one after the other. line: it stays as it is, and is not set as a
 * paragraph. each() returns 0 to go on. The span is valid within the call. */
int notice_paragraphs(struct span text, int (*each)(void *ctx, struct span words, bool line),
                      void *ctx);
