/* Release: disclosure control: which counts may be published, and as what number, so that nobody
 * can tell a small count from what is published, today or by comparing it with what was published
 * before. Pure computing on plain arrays; deterministic. doc/release.md has the attacker, the
 * rules, what is guaranteed and what is not, and the literature (Willenborg and de Waal, "Elements
 * of Statistical Disclosure Control", 2001; Hundepool et al., "Statistical Disclosure Control",
 * 2012). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELEASE_STATS_MAX  3
#define RELEASE_TABLES_MAX 4
/* Beyond anything that is counted: no bound. */
#define RELEASE_MANY (UINT64_MAX / 4)

struct release_rule {
    uint64_t minimum; /* counts below are suppressed; 1 and more */
    uint64_t round;   /* published counts are multiples; 1 and more */
};
/* A published number is kept as long as the count, rounded, is nearer to it than this: so a change
 * that shows is a change by at least the minimum. */
uint64_t release_keep(const struct release_rule *rule);
/* Who was not published last time is from this count on. */
uint64_t release_enter(const struct release_rule *rule);
uint64_t release_distance(uint64_t a, uint64_t b);
/* Half up. */
uint64_t release_rounded(const struct release_rule *rule, uint64_t value);

/* A count with its interval (low = high = value where there is none). Intervals are rounded
 * outwards. */
struct release_number {
    uint64_t value, low, high;
};

enum release_why {
    RELEASE_SHOWN,
    RELEASE_SMALL,    /* below the minimum */
    RELEASE_ENTERING, /* was not published last time, and is not far enough above the minimum */
    RELEASE_ALONG,    /* taken along, so that others cannot be told from the total */
};

/* One cell: a day, a country, a family, or a total. All its statistics are published, or none. */
struct release_cell {
    struct release_number count[RELEASE_STATS_MAX]; /* in: as counted */
    bool listed;    /* in: the last release has it, suppressed or not */
    bool was_shown; /* in: with numbers; those that it goes on from, of what was ever published: */
    struct release_number was[RELEASE_STATS_MAX];
    enum release_why why;                           /* out */
    struct release_number shown[RELEASE_STATS_MAX]; /* out: when why is RELEASE_SHOWN */
};

struct release_table {
    struct release_cell *cell;
    size_t n;
    bool additive; /* cells add up to the total; else each is at most the total, and they are at
                    * least the total together (distinct hosts of days) */
};

/* Tables with one total. */
struct release_margin {
    unsigned stats; /* of each cell */
    bool first;     /* nothing was published under these thresholds before */
    struct release_cell total;
    struct release_table table[RELEASE_TABLES_MAX];
    size_t tables;
};

/* Decides for every cell and the total, and fills in what is shown. */
void release_protect(const struct release_rule *rule, struct release_margin *m);
