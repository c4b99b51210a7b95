/* What hosts*.c share. Internal to hosts. */
#pragma once

#include "stat/hosts.h"
#include "stat/multiplicity.h"

#define LAGS 10
extern const uint8_t hosts_lags[LAGS]; /* 1 2 3 4 5 6 8 10 14 28 */

/* Days of one address or id, kept for the sample. */
struct sampled {
    uint64_t hash;
    uint32_t as, n;
    size_t at; /* in the pool */
};
struct sampled_day {
    uint16_t day, contacts; /* from the accumulator's first */
    uint8_t hours;          /* of the day with contact, 0: not known */
};
struct sample {
    struct sampled *rows;
    size_t n, cap;
    struct sampled_day *pool;
    size_t n_pool, cap_pool;
    uint64_t limit; /* hashes from here on do not get in */
};

/* Sightings by day, of addresses or of ids. */
struct tally {
    uint64_t *met;      /* by day: addresses or ids */
    uint64_t *contacts; /* by day */
    /* By day and by the last day before that it was met, 0: on none: how many. What is distinct
     * over any range is the sum over its days of those last met before it. */
    uint32_t *back;
    uint64_t more; /* address-days with more than one contact */
};
/* By segment and day. */
struct grid {
    size_t n;
    uint32_t *met;
    uint64_t *contacts;
};

struct pending_id {
    uint64_t key;
    bool any;
    uint16_t *met;      /* by day: rows of it */
    uint32_t *contacts; /* by day */
    uint32_t as;
    unsigned first, last;
    uint32_t *rows; /* (as, country, day, contacts) of each row and day */
    size_t n_rows, cap_rows;
};

struct hosts {
    unsigned first, days;
    struct tally address, id;
    struct grid as, country, id_as, id_country;
    uint64_t *pairs; /* by AS (one more: not known) and lag: address met on a day and lag later */
    uint64_t *distinct; /* by AS: addresses */
    struct sample sample, id_sample;
    struct pending_id pending;
    uint64_t shared_ids;
    uint64_t *bits;
};

/* Ends the id that is being gathered. */
void hosts_flush(struct hosts *h);
/* Trims and orders the samples, so that they do not tell in which order rows came. */
void hosts_sample_sort(struct hosts *h);
/* Distinct on days since .. until, from 0. */
uint64_t hosts_distinct(const struct tally *t, unsigned days, unsigned since, unsigned until);

#define FACTORS 7 /* of the days of the week */
/* Hosts by day: of the family, or of one segment. */
struct series {
    unsigned days;
    double *seen;         /* that made contact */
    double *seen_sd;      /* of its logarithm: the day's own noise */
    double *middle;       /* alive in the mean of the day, smoothed */
    double *level;        /* alive at the start of the day, smoothed */
    double *residual;     /* of a day: seen by what the level says, about 1 */
    double *smoother;     /* weights that make the level: 2 half + 1 a day */
    double week[FACTORS]; /* of the share that is active, by day of the week; mean 1 */
    double noise;         /* of one day, relative */
    unsigned half;        /* days that level is smoothed over, to each side */
    bool rises;           /* new hosts, beyond noise */
};

struct persistence {
    double stay;  /* mean days of a lease; INFINITY */
    double reuse; /* that an address is met by chance, where another line has it */
    double met[LAGS];
    double base[LAGS];
    unsigned frame; /* days of its frames; 0: not used */
    double wrong;   /* share of its frames in which the lease did not hold */
};

struct hosts_fit {
    unsigned first, days;
    struct hosts_options options;
    struct hosts_params params;
    struct multiplicity law;
    double log_contacts_sd, logit_active_sd, correlation;
    double moved_sd; /* downwards only: hosts that change their address within the day, where counts
                        do not show it */
    struct tally address, id; /* copies */
    struct grid as, country, id_as, id_country;
    double week[FACTORS];            /* of the family's contacts */
    struct persistence *persistence; /* by AS, one more: all */
    double present;                  /* hosts an address and day, where counts say nothing */
    struct series all;
    size_t replicates;
    /* By replicate: factor of the hosts seen, from the contacts of a host; active share; levels. */
    double *seen_factor, *active, *levels;
};

/* hosts_learn.c */
void hosts_learn(struct hosts *h, struct hosts_fit *f);
/* hosts_series.c: seen and alive from a row of addresses and contacts (and ids). */
void series_make(const struct hosts_fit *f, const uint64_t *met, const uint64_t *contacts,
                 const uint64_t *ids, const uint64_t *id_contacts, struct series *s);
/* Factors of the days of the week, mean 1; all 1 where they do not differ beyond chance. */
void series_week(const double *seen, unsigned days, unsigned first, double week[FACTORS]);
void hosts_series_free(struct series *s);
/* Alive by day in a replicate: the level with residuals in blocks of a week put on it. */
void series_resample(const struct hosts_fit *f, const struct series *s, size_t replicate,
                     double *raw);
/* The level of a replicate: residuals in blocks of a week, put on the level again. */
void series_replicate(const struct hosts_fit *f, const struct series *s, size_t replicate,
                      double *level);
/* Hosts seen at least once on days since .. until. */
double series_range(const struct hosts_fit *f, const struct series *s, const double *level,
                    double active, unsigned since, unsigned until);
