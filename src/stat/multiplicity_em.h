/* Expectation and maximization over frames. Internal to multiplicity. */
#pragma once

#include "stat/multiplicity_law.h"

#define EM_LEVELS 32 /* of the share of frames that are wrong */

/* Frames with the same days, in whatever order, are one pattern. */
struct pattern {
    uint16_t n, level, days[MULTIPLICITY_FRAME]; /* twice the count, and 1 if it overlaps */
};

struct em {
    struct pattern *patterns;
    double *weight; /* frames that have it */
    size_t n;
    double all, days; /* frames, and their days */
    double unit;      /* contacts a step of the counts */
    unsigned n_counts, n_symbols;
    bool presence, single, overlaps;
    bool poisson; /* no more spread than that */
    struct law_table table;
    unsigned classes[LAW_CLASSES], n_classes; /* that have a prior at all; LAW_REUSED the last */
    double logp[LAW_SYMBOLS][LAW_CLASSES];    /* by index in classes */
    double met[LAW_SYMBOLS][LAW_CLASSES];     /* expected days, the same */
    double frames[LAW_CLASSES];               /* expected frames, the same */
};

/* Level of a share of wrong frames. */
unsigned em_level(double wrong);
/* What is expected of each class; returns the logarithm of the likelihood, and of the prior. */
double em_expect(struct em *e, const struct law *l);
/* The prior's part of it: that there are lines with one host. */
double em_prior(const struct em *e, const struct law *l);
/* At most `steps` of two EM steps and an extrapolation; returns the likelihood. */
double em_climb(struct em *e, struct law *l, unsigned steps);
/* That two hosts' contacts overlap. */
void em_set_overlap(struct law *l, double pair);
