/* Release make: what is counted for a release, and what of it is shown. */
#pragma once

#include "app/casedir.h"
#include "app/release/release_doc.h"

/* The views that counting needs. */
#define RELEASE_VIEWS                                                                              \
    (VIEW_CENSUS | VIEW_SPAM | VIEW_ACTIVITY | VIEW_SOURCES | VIEW_JUDGEMENTS | VIEW_PURSUIT |     \
     VIEW_CASEBOOK)

/* As counted: before anything is suppressed or rounded. Not to be published. */
struct release_count {
    char key[RELEASE_KEY_MAX];
    struct release_number n[RELEASE_STATS_MAX];
};
struct release_counts {
    struct release_count *v;
    size_t n, cap;
};
struct release_figures {
    struct release_counts days, countries, families; /* by key; families: "" is all others */
    struct release_number range[RELEASE_WEEK_STATS], week[RELEASE_WEEK_STATS];
    struct release_half_life half_life;
    struct release_spam spam; /* mails below the minimum are told by `shown` */
};
void release_figures_free(struct release_figures *f);

/* Counts what `doc` says: since, until, week_since, takedown, rule. doc->since INT32_MIN: the first
 * day with anything, which is then set. -ENODATA: there is nothing. */
int release_count(struct casedir *c, struct release_doc *doc, struct release_figures *out,
                  struct err *err);
/* release_spam.c, for the above. */
int release_count_spam(struct casedir *c, const struct release_doc *doc, struct release_spam *out,
                       struct err *err);

/* Fills the document with what may be shown. `last`: the document that was published before; NULL:
 * none. */
void release_choose(const struct release_figures *f, const struct release_doc *last,
                    struct release_doc *doc);

/* A release's document from its blob; -ENOENT: no such release. Free it also after a failure.
 * `bytes` (or NULL): the text as it is. */
int release_load(struct casedir *c, uint64_t entry, struct release_doc *out, struct buf *bytes,
                 struct err *err);
