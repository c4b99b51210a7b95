/* Release document: published figures, as a JSON document (doc/release.md): written when a release
 * is made, read by the next one, by `ebb release show` and by the public pages. What is in it has
 * been through view/release.h. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "view/release.h"

#define RELEASE_FORMAT       "ebb-release-1"
#define RELEASE_KEY_MAX      65 /* a family's name, cut */
#define RELEASE_DOC_MAX      (8u << 20)
#define RELEASE_DAYS_MAX     3660
#define RELEASE_ROWS_MAX     4000 /* of any table */
#define RELEASE_FAMILIES_MAX 64   /* with a name; smaller ones are counted together */
#define RELEASE_WEEK         7    /* days that the tables by country and family are of */
#define RELEASE_SPAM_BEFORE  28   /* days of spam before the takedown */
#define RELEASE_IMPACT_DAYS  7    /* before and after, as `ebb spam impact` has it */

/* The statistics of days; of the range, of countries and of families. */
enum { RELEASE_INFECTED, RELEASE_HOSTS, RELEASE_ADDRESSES, RELEASE_DAY_STATS };
enum { RELEASE_WEEK_HOSTS, RELEASE_WEEK_ADDRESSES, RELEASE_WEEK_STATS };

struct release_row {
    char key[RELEASE_KEY_MAX]; /* "2011-03-16", "DE" ("": not known), a family ("": others) */
    bool shown;                /* else suppressed: no numbers */
    struct release_number n[RELEASE_STATS_MAX];
};
struct release_rows {
    struct release_row *v;
    size_t n, cap;
};

/* Days; NaN: not known. high INFINITY: it may be that there is no decline. */
struct release_half_life {
    double days, low, high;
    char why[24]; /* there is none: "no decline", "too few days", "suppressed" */
};

struct release_spam_day {
    int32_t day;
    bool shown;
    double index, low, high; /* low, high NaN: not known */
};
struct release_spam {
    bool there;
    int32_t baseline; /* the day that is 100 */
    uint64_t sensors;
    struct release_spam_day *v;
    size_t n, cap;
    bool impact;              /* the takedown has days on both sides */
    uint64_t before, after;   /* days */
    double change, low, high; /* per cent */
};

struct release_doc {
    char origin[128];                 /* the log's name */
    int32_t since, until, week_since; /* days since 1970; until is not included */
    bool has_takedown;
    int32_t takedown;
    struct release_rule rule;
    uint64_t size; /* of the log that was counted */
    uint8_t root[SHA256_LEN];
    uint64_t previous, replaces; /* entries; 0: none */
    struct release_row range;    /* whole range: hosts and addresses */
    struct release_half_life half_life;
    struct release_rows days;      /* in order */
    struct release_row week;       /* total of the last days */
    struct release_rows countries; /* most first; then the suppressed ones, by code */
    struct release_rows families;  /* those that are shown */
    uint64_t families_suppressed;  /* how many have no row */
    struct release_spam spam;
};

void release_doc_free(struct release_doc *d);
struct release_row *release_rows_add(struct release_rows *r, struct span key);
/* By key; NULL. */
const struct release_row *release_rows_find(const struct release_rows *r, const char *key);

/* Appends it as JSON, with a line end. */
void release_doc_write(const struct release_doc *d, struct buf *out);
/* Reads one; whatever is in there, nothing is beyond the limits above. -EBADMSG. Free it also after
 * a failure. */
int release_doc_read(struct span text, struct release_doc *out, struct err *err);
/* Whether two have the same figures: the log may have grown, and nothing be new. */
bool release_doc_same(const struct release_doc *a, const struct release_doc *b);
