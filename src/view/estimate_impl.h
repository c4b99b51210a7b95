/* What estimate*.c share. */
#pragma once

#include "view/estimate.h"

/* A set of small numbers (AS numbers, countries) numbered from 0 in ascending order. */
struct segments {
    uint32_t *values; /* ascending */
    size_t n, cap;
    uint32_t *slots; /* open addressing: index + 1; 0 free */
    size_t size;
};
/* HOSTS_NONE: not in it. */
uint32_t segments_find(const struct segments *s, uint32_t value);

/* One family's figures in the making. */
struct estimate_work {
    struct census *census;
    struct activity *activity;
    const struct estimate_options *options;
    struct span family;
    unsigned threads;
    uint16_t first, last;  /* days of the accumulator */
    uint16_t since, until; /* the range, both included */
    struct segments ases, countries;
    /* from the census, before roles */
    uint64_t *raw_by_day; /* from `first` */
    uint64_t addresses_raw, left_out;
    /* from the join, without those left out; by segment */
    uint64_t *as_addresses, *country_addresses;
    uint32_t *hours; /* by day: the hours with any contact */
    struct hosts *hosts;
};

/* estimate_join.c: what the census says of the family; then its activity, joined with that, into
 * work->hosts. 0 or -EBADMSG. */
int estimate_survey(struct estimate_work *w, struct err *err);
int estimate_join(struct estimate_work *w, struct err *err);

/* Which of the range's days are to be fitted: weight 1; 0: nobody looked, or not all day. Returns
 * how many are not. */
unsigned estimate_watched(const struct estimate_work *w, const struct hosts_fit *f, double *weight);
/* draws 0: as many as usual. */
void estimate_decline(const struct curve_series *s, uint64_t seed, unsigned draws,
                      struct estimate_decline *out);
