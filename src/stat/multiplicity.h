/* Multiplicity: how many hosts are behind one address, from how often an address makes contact.
 *
 * A frame is an address that made contact on two days: its lease mostly held in between, so the
 * days in between are draws from the address's own law, whatever the two days were. With h hosts
 * behind it, a day's contacts are the sum over the hosts that were active, Binomial(h, p) of them,
 * each with 1 + a negative binomial number of contacts. h differs between addresses, the law does
 * not; the shares of h, p, and the law are found together by EM (Dempster, Laird, Rubin 1977) with
 * squared extrapolation (Varadhan, Roland 2008). Hosts may differ in p: Beta distributed. Plain
 * arrays in, numbers out; no state. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MULTIPLICITY_COUNTS  256 /* counts are cut to this many steps */
#define MULTIPLICITY_FRAME   16  /* most days of a frame */
#define MULTIPLICITY_CLASSES 16  /* h that are told apart */

/* The h of each class: 1 2 3 4 5 6 8 ... */
extern const uint8_t multiplicity_hosts[MULTIPLICITY_CLASSES];

struct multiplicity_frame {
    uint32_t address; /* frames of one address are resampled together */
    float wrong;      /* share of such frames in which the lease did not hold after all */
    uint8_t n;
    uint16_t overlap; /* bit i: on day i more contacts an hour than one host can make */
    uint16_t counts[MULTIPLICITY_FRAME]; /* of contacts on the days in between, 0 and more */
};

struct multiplicity_options {
    uint64_t seed;
    unsigned replicates; /* of the bootstrap over addresses; 0: none */
    bool presence;       /* counts say only whether there was contact at all */
    bool overlaps;       /* the frames' overlap says something */
    bool single;         /* one host each: the frames are of bot ids */
};

struct multiplicity {
    double contacts;      /* m: mean contacts of an active host on a day */
    double spread;        /* their standard deviation */
    double active;        /* p: mean share of days on which a live host is active */
    double concentration; /* of the hosts' p: Beta(p c, (1 - p) c); INFINITY: all alike */
    double rates;         /* sigma of the logarithm of the hosts' contacts; 0: all alike */
    double lines[MULTIPLICITY_CLASSES]; /* share of lines with that many hosts */
    double nat_share;                   /* of hosts, on lines with more than one */
    double loglik;
    /* Covariance of log m and logit p, from the bootstrap. */
    double var_contacts, var_active, cov;
    size_t frames, days;
};

/* False: too little to say anything (out is then m = mean of what is not 0, p = share of not 0). */
bool multiplicity_fit(const struct multiplicity_frame *frames, size_t n,
                      const struct multiplicity_options *options, struct multiplicity *out);

/* Mean of the hosts active on an address and day on which there was contact, for lines' shares as
 * in `m`: what an address counts for when counts say nothing. */
double multiplicity_present(const struct multiplicity *m);
