/* Judge: what an address is taken for, by transparent tests that are listed and shown, and what a
 * person said of it. The view `judgements` holds the log's ROLES_JUDGED and ROLE_OVERRULED entries;
 * judging itself looks at an address's sources (sources.h). doc/roles.md has every test with its
 * threshold and the reason. Used by one thread. */
#pragma once

#include "base/digest.h"
#include "state/census.h"
#include "state/sources.h"

enum judged {
    JUDGED_UNJUDGED,   /* no test speaks */
    JUDGED_VICTIM,     /* behaves as its family's bot does */
    JUDGED_SCANNER,    /* a scanner or crawler */
    JUDGED_SANDBOX,    /* runs samples to look at them */
    JUDGED_RESEARCHER, /* known to look on (the operator's list) */
    JUDGED_RESOLVER,   /* asks DNS for others */
    JUDGED_PROXY,      /* a proxy or NAT gateway: several victims */
    JUDGED_OTHER,      /* a person at a browser, a mail server that handed mail on */
    JUDGED_ROLES,
};
/* "victim"; NULL beyond. */
const char *judged_name(enum judged role);
int judged_of_name(struct span name); /* -1: no role's */
/* True where infected hosts are behind the address (victim, proxy) or may be (unjudged). */
static inline bool judged_counts(enum judged role)
{
    return role == JUDGED_VICTIM || role == JUDGED_PROXY || role == JUDGED_UNJUDGED;
}

/* Ranges that the operator knows (ebb.yaml: cleanup.known). */
struct judge_known {
    struct net network;
    enum judged role;
    struct span why;
};

#define JUDGE_TESTS_MAX 32
#define JUDGE_ENOUGH    2 /* weights of tests that speak for a role, to give it */

struct judge_vote {
    const char *test; /* its name in doc/roles.md; "known-range" */
    enum judged says;
    unsigned weight;
    double value, threshold; /* what was measured, and what it takes; NAN: could not be measured */
    const char *unit;
    const char *about; /* what it says when it speaks */
    bool speaks;
};

/* A judgement and the tests that spoke, the deciding ones first. */
struct judgement {
    enum judged role;
    enum judged tests_say; /* without the person who overruled it */
    bool overruled;
    uint64_t
        entry; /* of the ROLE_OVERRULED, or of the ROLES_JUDGED that has it; 0: on no entry yet */
    unsigned n;
    struct judge_vote tests[JUDGE_TESTS_MAX];
    struct span by, why; /* of the person, or why the operator's list has the range */
};

/* Contact with a sinkhole makes an infected host only where something says of what: a rule, a feed, an
 * asset, or the judgement. For telling networks and for what is watched of them. */
static inline bool judge_is_infection(const struct judgement *j, const struct source *row)
{
    return j->role == JUDGED_VICTIM ||
           (row->matched && !span_is(row->family, CENSUS_FAMILY_UNKNOWN));
}

struct judgements; /* the view */

int judgements_open(const char *dir, struct judgements **out, struct err *err);
void judgements_close(struct judgements *j);
uint64_t judgements_position(const struct judgements *j);
void judgements_advance(struct judgements *j, uint64_t position);
int judgements_snapshot(struct judgements *j, struct err *err);
/* blob(): appends the blob of a ROLES_JUDGED; 0 or negative. Must be set before acts come. */
void judgements_blobs(struct judgements *j,
                      int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                                  struct err *err),
                      void *ctx);
void judgements_act(struct judgements *j, uint8_t kind, uint64_t index, struct span payload);

/* Calls row() for each overruling in force, ordered by network. */
struct judge_overruling {
    struct net network;
    enum judged role;
    struct span by, why;
    uint64_t entry;
};
int judgements_overrulings(struct judgements *j,
                           int (*row)(void *ctx, const struct judge_overruling *o), void *ctx);
/* The one for an address: of the longest prefix. */
bool judgements_overruled(struct judgements *j, const struct ip *ip, struct judge_overruling *out);
/* What the log's latest ROLES_JUDGED with this address says, and that entry's index;
 * JUDGED_UNJUDGED and 0 when none has it. */
enum judged judgements_logged(const struct judgements *j, const struct ip *ip, uint64_t *entry);

/* Judging: all sources of one address at once. What is usual for a family (how most of its
 * addresses speak, how often they come) is learned from the sources themselves, always the same
 * from the same sources; before that the tests that compare with it are silent. */
struct judge;
/* `known` must outlive it; of several that hold an address the longest prefix counts. The view may
 * be NULL: nothing was overruled, nothing is on the log. */
int judge_new(const struct judge_known *known, size_t n, struct judgements *overruled,
              struct judge **out);
void judge_free(struct judge *j);
/* Learns, anew when it did before; judge_all and judge_excluded do so by themselves when it has
 * not. */
void judge_learn(struct judge *j, struct sources *s);
/* `rows` are all sources of one address. Spans in `out` are the view's or the known ranges'. */
void judge_address(struct judge *j, const struct source *rows, size_t n, struct judgement *out);
/* Every test with what it measures, whether it speaks or not; returns how many. */
unsigned judge_measure(struct judge *j, const struct source *rows, size_t n,
                       struct judge_vote out[JUDGE_TESTS_MAX]);
/* Goes over all sources, an address at a time, in their order: each() gets its rows and judgement;
 * 0 to go on. */
int judge_all(struct judge *j, struct sources *s,
              int (*each)(void *ctx, const struct source *rows, size_t n,
                          const struct judgement *judgement),
              void *ctx);
/* The tests' version: a digest over their names, weights and thresholds, as hex. */
const char *judge_rules(void);

/* Addresses that do not count as victims, ascending (IPv4 first): for the census and the estimate.
 * Free `*out` with free(). */
int judge_excluded(struct judge *j, struct sources *s, struct ip **out, size_t *n);
