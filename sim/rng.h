/* Chance that can be repeated: counter-based streams of random numbers.
 *
 * A stream is named by (seed, what it is for, whom it is for, when), and its n-th number depends on
 * nothing else. So no result depends on the order in which hosts are visited, nor on how many days
 * are simulated. Numbers are SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, OOPSLA 2014), with Stafford's variant 13 as its finaliser.
 *
 * Logarithm and exponential are our own, from additions, multiplications and divisions alone: the C
 * library's may differ in the last bit from one machine to the next, and equal seeds must give
 * equal bytes everywhere. The folder is built without contraction of a*b+c for the same reason. */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* What a stream is for: never renumber, or old seeds give new botnets. */
enum rng_use {
    RNG_FAMILY = 1,  /* of a host */
    RNG_SURVIVAL,    /* of a host's n-th infection */
    RNG_REINFECTION, /* of a host after its n-th infection */
    RNG_LEASE,       /* of a line's n-th address */
    RNG_CONTACT,     /* of a host on a day */
    RNG_ACTOR,       /* a scanner's or sandbox's address */
    RNG_ACTOR_DAY,   /* its day */
    RNG_PORT,        /* a line's first source port */
    RNG_BOT_ID,      /* of a host, or of a sandbox's run */
    RNG_FLOW,        /* a connection in the capture */
    RNG_ADDRESS6,    /* interface identifier of an IPv6 address */
    RNG_MAIL_FAMILY, /* how a family writes and speaks */
    RNG_MAIL_CLIENT, /* a machine's address */
    RNG_MAIL_CAMPAIGN,
    RNG_MAIL_PLAN,     /* a campaign's size and times */
    RNG_MAIL,          /* a campaign's n-th mail */
    RNG_MAIL_DOMAIN,   /* a campaign's n-th domain */
    RNG_MAIL_FRAGMENT, /* a topic's n-th shared text */
    RNG_MAIL_PICTURE,
    RNG_MAIL_HAM,
    RNG_MAIL_CHECKIN, /* of a machine with its command server */
    RNG_BEAT,         /* when a host that is always on makes contact */
};

struct rng {
    uint64_t state;
};

static inline uint64_t rng_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

#define RNG_STEP 0x9e3779b97f4a7c15u /* 2^64 / golden ratio, odd */

static inline struct rng rng_stream(uint64_t seed, enum rng_use use, uint64_t whom, uint64_t when)
{
    uint64_t z = rng_mix(seed + RNG_STEP * (uint64_t)use);
    z = rng_mix(z + RNG_STEP * (whom + 1));
    return (struct rng){rng_mix(z ^ (RNG_STEP * (when + 1)))};
}

static inline uint64_t rng_next(struct rng *r)
{
    return rng_mix(r->state += RNG_STEP);
}

/* Uniform in 0..n-1, n > 0; its bias is below n / 2^32 (n is at most 2^32). */
static inline uint32_t rng_below(struct rng *r, uint64_t n)
{
    return (uint32_t)(((rng_next(r) >> 32) * n) >> 32);
}

/* Uniform in (0, 1), never either end. */
static inline double rng_unit(struct rng *r)
{
    return ((double)(rng_next(r) >> 11) + 0.5) * 0x1p-53;
}

static inline bool rng_chance(struct rng *r, double p)
{
    return rng_unit(r) < p;
}

/* Natural logarithm of x > 0, to about 1e-15. */
double rng_ln(double x);
/* e^x for |x| < 700, to about 1e-15 relative. */
double rng_exp(double x);
/* Exponential with that mean. */
double rng_exponential(struct rng *r, double mean);
/* Weibull: S(t) = exp(-(t/scale)^shape). */
double rng_weibull(struct rng *r, double shape, double scale);
/* Poisson by counting; `e` is exp(-mean), the result at most `max`. */
unsigned rng_poisson(struct rng *r, double e, unsigned max);
