/* Release make: what is counted for a release, and what of it is shown. */
#pragma once

#include "app/casedir.h"
#include "app/release/release_choose.h"

/* The views that counting needs. */
#define RELEASE_VIEWS                                                                              \
    (VIEW_CENSUS | VIEW_SPAM | VIEW_ACTIVITY | VIEW_SOURCES | VIEW_JUDGEMENTS | VIEW_PURSUIT |     \
     VIEW_CASEBOOK)

/* Counts what `doc` says: since, until, week_since, takedown, rule. doc->since INT32_MIN: the first
 * day with anything, which is then set. -ENODATA: there is nothing. */
int release_count(struct casedir *c, struct release_doc *doc, struct release_figures *out,
                  struct err *err);
/* release_spam.c, for the above. */
int release_count_spam(struct casedir *c, const struct release_doc *doc, struct release_spam *out,
                       struct err *err);

/* A release's document from its blob; -ENOENT: no such release. Free it also after a failure.
 * `bytes` (or NULL): the text as it is. */
int release_load(struct casedir *c, uint64_t entry, struct release_doc *out, struct buf *bytes,
                 struct err *err);
