/* Release choose: from what was counted to what may be shown (view/release.h). */
#pragma once

#include "app/release/release_doc.h"

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

/* What was published before, the newest first: who compares, compares with any of it. */
#define RELEASE_PAST_MAX 400
struct release_past {
    struct release_doc *v;
    size_t n;
};
void release_past_free(struct release_past *p);

/* Fills the document with what may be shown beside what was published before. */
void release_choose(const struct release_figures *f, const struct release_past *past,
                    struct release_doc *doc);
