/* Random numbers that can be repeated: xoshiro256** (Blackman, Vigna 2018), seeded by splitmix64.
 * For bootstrap and permutation; not for secrets. One thread a struct. */
#pragma once

#include <stdint.h>

struct rng {
    uint64_t s[4];
};

void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_next(struct rng *r);
/* Uniform in [0, 1). */
double rng_unit(struct rng *r);
/* Uniform in 0 .. n - 1, without bias; n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);
double rng_normal(struct rng *r);
