/* Subjects: John Does, what is known of them with its source, and their links. Tables of the
 * pursuit (pursuit.h). A subject is its SUBJECT entry; one that was merged into another stays, and
 * its facts count for the other. */
#pragma once

#include "state/pursuit.h"

/* Spans are valid within the callback. */
struct subject {
    uint64_t entry, into; /* into: merged into this one; 0: not */
    struct span name, kind, note;
    int64_t recorded;
    uint64_t facts, links;
};
/* By name, or by its entry in digits; follows merges. 1 found (each() was called), 0 not; negative.
 */
int subjects_find(struct pursuit *p, struct span name,
                  int (*each)(void *ctx, const struct subject *s), void *ctx, struct err *err);
/* The same, its entry alone; 0: there is none. */
uint64_t subjects_entry(struct pursuit *p, struct span name);
int subjects_list(struct pursuit *p, int (*each)(void *ctx, const struct subject *s), void *ctx,
                  struct err *err);

struct subject_fact {
    uint64_t entry;
    int64_t recorded;
    struct span account;
    struct act_fact act;
    bool withdrawn;
};
/* What is known of a subject (with those merged into it), in the log's order; `size`: what the
 * log's first so many entries say, UINT64_MAX for all; subject 0: of all. Withdrawn ones are given
 * when `all`. each() returns 0 to go on. */
int subjects_facts(struct pursuit *p, uint64_t subject, uint64_t size, bool all,
                   int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                   struct err *err);
/* One fact: 1 found, 0 not. */
int subjects_fact(struct pursuit *p, uint64_t entry,
                  int (*each)(void *ctx, const struct subject_fact *f), void *ctx, struct err *err);
/* Facts drawn from that lead. */
int subjects_facts_of_lead(struct pursuit *p, uint64_t lead,
                           int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                           struct err *err);
/* Facts that say the same (type and value, made alike as facts_normal() does) and were on the log
 * before entry `before`. */
int subjects_known_before(struct pursuit *p, struct span type, struct span value, uint64_t before,
                          int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                          struct err *err);
