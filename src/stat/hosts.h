/* Hosts: how many infected machines are behind the addresses of one family. doc/census.md ("Hosts,
 * not addresses") has the method, its assumptions and how well it does.
 *
 *   struct hosts *h = hosts_begin(day_min, day_max, ases, countries);
 *   hosts_address(h, ...)  once an address, in any order
 *   hosts_bot(h, ...)      once an id, where the family has ids
 *   hosts_merge(h, other)  accumulators of other threads
 *   struct hosts_fit *f = hosts_fit(h, &options);
 *   hosts_day(f, ...), hosts_range(f, ...), hosts_segment(f, ...)
 *
 * What is accumulated is small (some bytes a segment and day, and a sample of addresses chosen by
 * hash), and it does not depend on the order of the calls nor on how they are spread over
 * accumulators: the same data and seed give the same numbers. Days are days since 1970.
 *
 * A segment is an AS or a country, numbered by the caller from 0. One accumulator a thread; a fit
 * is constant and may be read by several. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOSTS_DAYS_MAX       3660  /* of one accumulator */
#define HOSTS_SAMPLE_MAX     50000 /* runs of addresses that contact law and NAT are learned from */
#define HOSTS_REPLICATES_MAX 1000
#define HOSTS_NONE           UINT32_MAX /* segment: not known */

struct hosts;
struct hosts_fit;

/* An empty accumulator for days day_min .. day_max (at most HOSTS_DAYS_MAX; what lies outside of
 * them is ignored) and segments 0 .. ases - 1, 0 .. countries - 1. Aborts without memory. */
struct hosts *hosts_begin(unsigned day_min, unsigned day_max, size_t ases, size_t countries);
void hosts_free(struct hosts *h);

/* One address (or bot id) with its n days in ascending order. */
struct hosts_row {
    uint64_t key;         /* hash of the address, or of the id */
    uint32_t as, country; /* HOSTS_NONE: not known */
    const uint16_t *days;
    const uint16_t *contacts; /* on that day, 1 and more */
    const uint32_t *hours;    /* bit h: some contact in that hour of the day; may be NULL */
    size_t n;
};
void hosts_address(struct hosts *h, const struct hosts_row *row);
/* Rows of one id (one for each AS and country that it was seen in) must come one after the other,
 * to the same accumulator. Only the contacts that carried the id count. */
void hosts_bot(struct hosts *h, const struct hosts_row *row);
/* Adds what `from` holds, which was begun with the same arguments; free `from` afterwards. */
void hosts_merge(struct hosts *into, struct hosts *from);

struct hosts_options {
    uint64_t seed;       /* of the bootstrap */
    unsigned replicates; /* 0: 400; at most HOSTS_REPLICATES_MAX */
    bool without_bots;   /* do not use bot ids, though there are some */
};

/* The accumulator may be freed afterwards, or be added to and fitted again. */
struct hosts_fit *hosts_fit(struct hosts *h, const struct hosts_options *options);
void hosts_fit_free(struct hosts_fit *f);

/* A number and its 95% interval. */
struct hosts_number {
    double value, low, high;
};

enum hosts_method {
    HOSTS_NOTHING, /* no contact at all */
    HOSTS_BOTS,    /* distinct bot ids, corrected for contacts without one */
    HOSTS_COUNTS,  /* contacts by the mean contacts of an active host */
    HOSTS_PRESENT, /* one contact an address and day: addresses, NAT told from days without */
};
/* "bot-ids" "contacts" "presence" "none". */
const char *hosts_method_name(enum hosts_method m);

#define HOSTS_NOTES_MAX 16
/* What was learned of the family. */
struct hosts_params {
    enum hosts_method method;
    struct hosts_number contacts;    /* of an active host on a day */
    struct hosts_number active;      /* share of days on which a live host makes contact */
    struct hosts_number per_address; /* hosts an address and day: above 1 NAT, below renumbering */
    struct hosts_number renumber_days; /* mean days that a line keeps its address; high may be
                                          INFINITY */
    double nat_share;                  /* of hosts, behind addresses with more than one host */
    double beacon;        /* regular beacons: contacts an active hour; 0: not regular */
    double id_share;      /* of contacts that carry a bot id */
    size_t windows, runs; /* that contact law and NAT were learned from */
    /* Assumptions that the figures rest on, and what could not be seen: sentences, static text. */
    const char *notes[HOSTS_NOTES_MAX];
    size_t n_notes;
};
const struct hosts_params *hosts_params(const struct hosts_fit *f);

/* Days of the accumulator, hosts_days(f) of them from hosts_first_day(f). */
unsigned hosts_first_day(const struct hosts_fit *f);
size_t hosts_days(const struct hosts_fit *f);

struct hosts_day {
    uint64_t addresses, contacts;
    uint64_t ids;              /* distinct; 0 without */
    struct hosts_number seen;  /* hosts that made contact on the day */
    struct hosts_number alive; /* hosts infected on the day, smoothed */
};
void hosts_day(const struct hosts_fit *f, unsigned day, struct hosts_day *out);

struct hosts_range {
    uint64_t addresses; /* distinct, exact */
    uint64_t ids;       /* distinct, exact; 0 without */
    uint64_t address_days, contacts;
    struct hosts_number seen;                    /* hosts that made contact at least once */
    struct hosts_number alive_first, alive_last; /* infected on the first and on the last day */
    double capture_recapture; /* Chapman on addresses of the first and second half: a diagnostic,
                                 wrong where addresses change or hosts are cleaned; 0: none */
};
/* Days since .. until, both included. */
void hosts_range(const struct hosts_fit *f, unsigned since, unsigned until,
                 struct hosts_range *out);

enum hosts_kind { HOSTS_AS, HOSTS_COUNTRY };

struct hosts_segment {
    uint64_t address_days, contacts; /* in the range */
    struct hosts_number seen;        /* hosts that made contact at least once in the range */
    struct hosts_number seen_daily;  /* the same, mean of a day */
    struct hosts_number alive_first, alive_last;
    struct hosts_number per_address; /* hosts an address and day, whole time */
    double renumber_days;            /* mean days that a line keeps its address, INFINITY: for ever
                                        as far as can be seen; NAN: not known (too few) */
};
void hosts_segment(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index, unsigned since,
                   unsigned until, struct hosts_segment *out);
/* A segment's days, as hosts_day (without ids). */
void hosts_segment_day(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index,
                       unsigned day, struct hosts_day *out);

/* The bootstrap's replicates, for what else is computed of them (half-life, projections): hosts
 * alive on each of the hosts_days(f) days, unsmoothed (hosts that made contact by the active
 * share). Replicate -1 is the estimate itself. For a segment the same, into `alive`. */
size_t hosts_replicates(const struct hosts_fit *f);
void hosts_alive(const struct hosts_fit *f, int replicate, double *alive);
/* Replicates 0 .. n - 1 of a segment at once, a row of hosts_days(f) each: its days are gone over
 * once. */
void hosts_segment_replicates(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index,
                              size_t n, double *alive);
void hosts_segment_alive(const struct hosts_fit *f, enum hosts_kind kind, uint32_t index,
                         int replicate, double *alive);
