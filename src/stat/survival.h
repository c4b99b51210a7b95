/* Survival: how fast those under watch are lost, in two arms that were drawn by cluster (networks).
 * Kaplan-Meier curves, log-rank, a Cox hazard ratio that knows of clusters, and a test that
 * permutes the arms among clusters. doc/cleanup-effect.md has methods and literature.
 *
 * Times are whole (days), SURVIVAL_TIME_MAX at most; ties are the rule. A unit is at risk at t when
 * entry < t <= end: it is left-truncated at entry, and at end it is lost (event) or censored. Units
 * with end <= entry say nothing and are passed over. Plain arrays in, no globals, any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SURVIVAL_TIME_MAX 65535

struct survival_unit {
    int32_t entry, end; /* 0 .. SURVIVAL_TIME_MAX; what is beyond is taken to the bound */
    uint32_t cluster;
    bool event;
};
struct survival {
    const struct survival_unit *units;
    size_t n;
    const bool *treated; /* by cluster */
    size_t clusters;     /* every unit's cluster is below */
};

struct survival_row {
    int32_t time;
    uint64_t at_risk, events, censored; /* at this time; those who enter then are at risk later */
    double share, low,
        high; /* left after it; 95%, Greenwood on the log-log scale: NaN at 1 and 0 */
};
/* One arm's curve: a row at time 0 and at each time with an event or one censored. Free `*rows`. */
size_t survival_curve(const struct survival *s, bool treated, struct survival_row **rows);
/* The first time by which half or fewer are left, with its interval (Brookmeyer and Crowley 1982);
 * NaN: not reached. */
struct survival_median {
    double value, low, high;
};
struct survival_median survival_median(const struct survival_row *rows, size_t n);

struct survival_logrank {
    uint64_t events[2]; /* controls, treated */
    double expected[2]; /* were there no difference */
    double variance;    /* of observed less expected */
    double chi2, p;     /* as if units were independent: p is too small with clusters */
};
void survival_logrank(const struct survival *s, struct survival_logrank *out);

enum survival_state {
    SURVIVAL_FITTED,
    SURVIVAL_NONE,    /* no event while both arms were at risk */
    SURVIVAL_ONE_ARM, /* all events in one arm: the ratio is 0 or INFINITY, without an interval */
};
/* Cox's model of one covariate, being treated: above 1, the treated are lost (cleaned) faster. */
struct survival_cox {
    enum survival_state state;
    double ratio, low, high; /* 95%, from cluster_error and Student's t */
    double log_ratio;
    double error;         /* standard error of log_ratio, as if units were independent */
    double cluster_error; /* that knows of clusters (Lin and Wei 1989), times G / (G - 1) */
    double p;             /* Wald's, from cluster_error */
    size_t clusters;      /* with units at risk */
};
void survival_cox(const struct survival *s, struct survival_cox *out);

#define SURVIVAL_DRAWS     10000 /* default */
#define SURVIVAL_DRAWS_MAX 1000000
/* Randomisation inference: as many clusters as were treated are drawn at random, again and again;
 * p is the share of draws whose log-rank score is as far from 0 as the observed one, itself
 * included. Exact whatever the clusters are like, because it is the draw that was made. In the
 * score clusters are weighted by what they can tell, given how much they differ. */
struct survival_permutation {
    double score; /* events of the treated less those expected */
    double p;
    unsigned draws;
};
void survival_permute(const struct survival *s, uint64_t seed, unsigned draws,
                      struct survival_permutation *out);
