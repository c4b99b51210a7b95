/* The law of a line's contacts on a day, for each class of line. Internal to multiplicity. */
#pragma once

#include "stat/multiplicity.h"

#define LAW_NODES     6 /* of a Beta distributed p, for h = 1 */
#define LAW_CLASSES   (MULTIPLICITY_CLASSES - 1 + LAW_NODES)
#define LAW_HOSTS_MAX 64

struct law {
    double active, concentration; /* INFINITY: one node only */
    double extra, size;           /* negative binomial: mean, size; above its step of the counts */
    double share[MULTIPLICITY_CLASSES]; /* of frames */
};

/* For classes 0 .. LAW_NODES - 1 (h = 1) and then h = 2, 3, ... */
struct law_table {
    unsigned n_counts; /* counts 0 .. n_counts - 1 */
    double p[LAW_CLASSES];
    double prior[LAW_CLASSES]; /* of the class, within its h */
    double logp[LAW_CLASSES][MULTIPLICITY_COUNTS];
    double active[LAW_CLASSES][MULTIPLICITY_COUNTS]; /* mean active hosts, given the count */
    /* Share of k active hosts, given class and count, is binom * nb / p. */
    double nb[LAW_HOSTS_MAX + 1][MULTIPLICITY_COUNTS];
    double binom[LAW_CLASSES][LAW_HOSTS_MAX + 1];
};

static inline unsigned law_class_hosts(unsigned c)
{
    return c < LAW_NODES ? 1 : multiplicity_hosts[c - LAW_NODES + 1];
}

/* Index in share[] of a class. */
static inline unsigned law_class_share(unsigned c)
{
    return c < LAW_NODES ? 0 : c - LAW_NODES + 1;
}

void law_tabulate(const struct law *l, bool presence, struct law_table *t);
/* Nodes of Beta(active c, (1 - active) c), and their weight in frames, which need contact twice. */
void law_nodes(double active, double concentration, double p[LAW_NODES], double prior[LAW_NODES]);
/* log of the negative binomial sum of k hosts' contacts at n >= k. */
double law_lognb(unsigned n, unsigned k, double extra, double size);
