/* Subjects: John Does, what is known of them with its source, and their links. Tables of the
 * pursuit (pursuit.h). A subject is its SUBJECT entry; one that was merged into another stays, and
 * its facts count for the other until the merge is taken back.
 *
 * What the log cannot mean is not taken in: a fact of nobody, without a source, with a confidence
 * over 100, a merge in a circle. Two subjects of one name: the later one's gets its entry behind
 * it, "NAME (57)". Names are compared with ASCII letters folded. */
#pragma once

#include "state/pursuit.h"

#define SUBJECT_NAME_MAX  200   /* bytes */
#define SUBJECT_TEXT_MAX  4096  /* of a fact's value, a note, a reason, a list of entries */
#define SUBJECT_WORD_MAX  64    /* of a type, kind, relation */
#define SUBJECT_GROUP_MAX 10000 /* subjects merged into one */

/* Kinds of subjects, types of facts: NULL from the last on. */
const char *subject_kind_name(unsigned i);
const char *fact_type_name(unsigned i);
bool subject_kind_is_good(struct span name);
bool fact_type_is_good(struct span name);

/* Appends a value as it is compared: the same thing, written otherwise, gives the same bytes.
 * Domains: small letters, A-labels, no final dot; mail: its domain so; addresses: as RFC 5952 and
 * net_format() have them; phones: digits, 00 as +; payment: no blanks, IBANs in capitals,
 * hexadecimal and bech32 addresses in small letters; handles, messengers, names: case folded
 * (NFKC), without the @ before it; all: blanks at the ends off, one between. Never fails: what is
 * not of that shape is folded as text. */
void facts_normal(struct span type, struct span value, struct buf *out);

/* Spans are valid within the callback. */
struct subject {
    uint64_t entry, into; /* into: merged into this one; 0: not */
    struct span name, kind, note;
    int64_t recorded;
    uint64_t facts, links; /* that hold, with those of the subjects merged into it */
    struct span account;
};
/* By name, or by its entry in digits; follows merges. 1 found (each() was called), 0 not; negative.
 */
int subjects_find(struct pursuit *p, struct span name,
                  int (*each)(void *ctx, const struct subject *s), void *ctx, struct err *err);
/* The same, its entry alone; 0: there is none. */
uint64_t subjects_entry(struct pursuit *p, struct span name);
/* That one itself, merged or not; 0: there is none. */
uint64_t subjects_entry_itself(struct pursuit *p, struct span name);
/* All, by entry. each() returns 0 to go on; what else it returns ends it and is returned. */
int subjects_list(struct pursuit *p, int (*each)(void *ctx, const struct subject *s), void *ctx,
                  struct err *err);
/* The same, those behind that entry. */
int subjects_list_after(struct pursuit *p, uint64_t after,
                        int (*each)(void *ctx, const struct subject *s), void *ctx,
                        struct err *err);
/* A subject's name as it stands in the view; appended. False: there is none. */
bool subjects_name(struct pursuit *p, uint64_t entry, struct buf *out);
/* Every subject that was on the log when it had `size` entries, by entry, without counting. root:
 * the one that it had been merged into then, through others; itself when it had not. */
struct subject_plain {
    uint64_t entry, root;
    struct span name, kind, note;
    int64_t recorded;
};
int subjects_plain(struct pursuit *p, uint64_t size,
                   int (*each)(void *ctx, const struct subject_plain *s), void *ctx,
                   struct err *err);
/* One of them. */
int subjects_one(struct pursuit *p, uint64_t entry, uint64_t size,
                 int (*each)(void *ctx, const struct subject_plain *s), void *ctx, struct err *err);
/* The subject and those that were merged into it then. */
int subjects_members(struct pursuit *p, uint64_t subject, uint64_t size,
                     int (*each)(void *ctx, const struct subject_plain *s), void *ctx,
                     struct err *err);
/* Into which subject this one had been merged, through others, when the log had `size` entries;
 * itself when it had not. */
uint64_t subjects_root_at(struct pursuit *p, uint64_t entry, uint64_t size);

struct subject_fact {
    uint64_t entry;
    int64_t recorded;
    struct span account;
    struct act_fact act;
    bool withdrawn;
};
/* What is known of a subject (with those merged into it), in the log's order; `size`: what the
 * log's first so many entries say (withdrawals and merges, too), UINT64_MAX for all; subject 0: of
 * all. Withdrawn ones are given when `all`. each() returns 0 to go on. */
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
 * before entry `before`; also those that had been withdrawn by then, which say so. */
int subjects_known_before(struct pursuit *p, struct span type, struct span value, uint64_t before,
                          int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                          struct err *err);
/* Facts whose value (as found, or made alike) has that text within, letters folded; of fewer than
 * three characters: whose value begins with it. type empty: any. At most `limit`, by entry. */
int subjects_search(struct pursuit *p, struct span type, struct span text, uint64_t limit,
                    int (*each)(void *ctx, const struct subject_fact *f), void *ctx,
                    struct err *err);

struct subject_link {
    uint64_t entry;
    int64_t recorded;
    struct span account;
    struct act_link act;
    bool withdrawn;
};
/* A subject's links, to it and from it; as subjects_facts(). */
int subjects_links(struct pursuit *p, uint64_t subject, uint64_t size, bool all,
                   int (*each)(void *ctx, const struct subject_link *l), void *ctx,
                   struct err *err);
/* One link: 1 found, 0 not. */
int subjects_link(struct pursuit *p, uint64_t entry,
                  int (*each)(void *ctx, const struct subject_link *l), void *ctx, struct err *err);

/* What took a fact or a link back. 1 found, 0 not. */
struct subject_withdrawal {
    uint64_t entry;
    int64_t recorded;
    char account[PURSUIT_NAME_MAX], why[SUBJECT_TEXT_MAX + 1];
};
int subjects_withdrawal(struct pursuit *p, uint64_t of, struct subject_withdrawal *out);

/* A merge, and the entry that took it back (UINT64_MAX: none). */
struct subject_merge {
    uint64_t entry, into, other, split;
    int64_t recorded, split_recorded;
    struct span account, why, split_account, split_why;
};
/* Of a subject, with those merged into it, or (0) of all; by entry, those taken back too. */
int subjects_merges(struct pursuit *p, uint64_t subject,
                    int (*each)(void *ctx, const struct subject_merge *m), void *ctx,
                    struct err *err);

/* Everything that was known when the log had `size` entries: the entries of subjects, merges, facts
 * and links that held then, in order. */
int subjects_known(struct pursuit *p, uint64_t size, int (*each)(void *ctx, uint64_t entry),
                   void *ctx, struct err *err);
/* The commitments to it: 1 found (the first one for that size, with that root where it is not
 * empty), 0 not. */
struct subject_knowledge {
    uint64_t entry, size, facts;
    uint8_t root[SHA256_LEN];
};
int subjects_knowledge(struct pursuit *p, uint64_t size, struct span root,
                       struct subject_knowledge *out, struct err *err);
