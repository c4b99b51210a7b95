/* The law of a line's contacts on a day, for each class of line. Internal to multiplicity. */
#pragma once

#include "stat/multiplicity.h"

#define LAW_ACTIVES   4 /* nodes of a Beta distributed p, for h = 1 */
#define LAW_RATES     3 /* of how much contact a host makes, for h = 1 */
#define LAW_NODES     (LAW_ACTIVES * LAW_RATES)
#define LAW_REUSED    (LAW_NODES + MULTIPLICITY_CLASSES - 1) /* the lease did not hold */
#define LAW_CLASSES   (LAW_REUSED + 1)
#define LAW_HOSTS_MAX 64
#define LAW_SYMBOLS   (2 * MULTIPLICITY_COUNTS) /* a day: its count, and whether it overlaps */

struct law {
    double active, concentration; /* INFINITY: one node only */
    double extra, size;           /* negative binomial: mean, size; above its step of the counts */
    double spread;                /* sigma of the logarithm of a host's rate; 0: all alike */
    double share[MULTIPLICITY_CLASSES]; /* of frames */
    double reused;                      /* that an address is met, where the lease did not hold */
    /* That contacts of k hosts overlap beyond what one can make. */
    double overlap[LAW_HOSTS_MAX + 1];
};

struct law_table {
    unsigned n_counts;                  /* counts 0 .. n_counts - 1 */
    double chance[MULTIPLICITY_COUNTS]; /* of the counts of an address that is met by chance */
    double chance_overlap[MULTIPLICITY_COUNTS];
    double p[LAW_CLASSES], rate[LAW_CLASSES];
    double prior[LAW_CLASSES]; /* of the class, within its h */
    double logp[LAW_CLASSES][LAW_SYMBOLS];
    double active[LAW_CLASSES][LAW_SYMBOLS]; /* mean active hosts, given the day */
    /* Share of k active hosts, given class and count, is binom * nb (* overlap) / p. */
    double one[LAW_RATES][MULTIPLICITY_COUNTS]; /* one host's contacts, by its rate */
    double nb[LAW_HOSTS_MAX + 1][MULTIPLICITY_COUNTS];
    double binom[LAW_CLASSES][LAW_HOSTS_MAX + 1];
};

/* Classes 0 .. LAW_NODES - 1 are h = 1, then h = 2, 3, ... */
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
void law_active_nodes(double active, double concentration, double p[LAW_ACTIVES],
                      double prior[LAW_ACTIVES]);
/* Means of the thirds of a lognormal law of mean 1. */
void law_rate_nodes(double spread, double rate[LAW_RATES]);
/* log of the negative binomial sum of k hosts' contacts at n >= k. */
double law_lognb(unsigned n, unsigned k, double extra, double size);
/* Size for sums of hosts whose rates differ. */
double law_sum_size(const struct law *l);
