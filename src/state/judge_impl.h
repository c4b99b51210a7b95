/* What judging is made of; for judge*.c and their tests only. */
#pragma once

#include "state/judge.h"

/* ---- networks, by longest prefix ---- */

struct judge_net {
    struct net network;
    uint32_t what; /* index into the caller's things */
};
struct judge_nets {
    struct judge_net *v; /* sorted by version, length, address */
    size_t n;
    struct {
        bool v6;
        uint8_t bits;
        size_t from, to;
    } lengths[33 + 129]; /* longest first */
    unsigned n_lengths;
};
/* Of two with the same network the later one counts. The array becomes the table's. */
void judge_nets_make(struct judge_nets *t, struct judge_net *v, size_t n);
void judge_nets_free(struct judge_nets *t);
/* -1: none has it. */
int64_t judge_nets_find(const struct judge_nets *t, const struct ip *ip);

/* ---- what is usual ---- */

#define NORM_SHAPES_MAX 20 /* as each is NORM_USUAL of the family's addresses at least */
#define NORM_SELDOM_MAX 50
#define NORM_BUCKETS    64

struct norm {
    uint64_t rows;     /* addresses */
    uint64_t speaking; /* of these: something is known of what they say */
    uint64_t tools, crawlers;
    double own, swept, spoken, fresh; /* contacts */
    uint32_t usual[NORM_SHAPES_MAX], seldom[NORM_SELDOM_MAX];
    unsigned n_usual, n_seldom;
    bool clear;               /* most addresses speak in a few usual ways */
    bool nothing, by_address; /* a usual way asks for nothing, or asks an address */
    uint32_t rate[NORM_BUCKETS], agents[NORM_BUCKETS], paths[NORM_BUCKETS]; /* addresses by value */
    double rate_median, agents_most, paths_most;
};

struct norms {
    struct norm *v; /* by the sources' family_number */
    size_t n;
    double own, matched;
    struct norm_place *places;
    size_t places_size, places_n;
    bool learned;
};

/* Neighbours: of a /24 or a /48, and of an AS. */
struct norm_place {
    uint64_t key; /* 0: free */
    uint32_t seen, suspect, scanners;
};

void norms_learn(struct norms *n, struct sources *s);
void norms_free(struct norms *n);
const struct norm *norms_of(const struct norms *n, const struct source *row);
const struct norm_place *norms_neighbours(const struct norms *n, const struct source *row);
const struct norm_place *norms_as(const struct norms *n, const struct source *row);

/* ---- what is measured of one address ---- */

enum judge_test {
#define TEST(symbol, name, role, weight, threshold, unit, says) TEST_##symbol,
#include "state/judge_tests.def"
    TESTS
};

/* NAN: cannot be measured. */
void judge_facts(const struct norms *norms, const struct source *rows, size_t n, double out[TESTS]);
/* What an address is without a look at its neighbours, which learn of it. */
struct suspicion {
    bool seen;    /* there is enough to tell */
    bool sandbox; /* behaves as one does */
    bool scanner; /* is one by its own tests */
};
struct suspicion judge_suspect(const struct norms *norms, const struct source *rows, size_t n);

/* Goes over addresses: gathers an address's rows. */
struct judge_rows {
    struct source *v;
    size_t n, cap;
    int (*each)(void *ctx, const struct source *rows, size_t n);
    void *ctx;
};
int judge_rows_over(struct sources *s, struct judge_rows *g);
