/* Pursuit: subjects and facts, notices, leads, rewards and hand-overs. A view of the log, loaded on
 * demand, kept as an SQLite database (`views/pursuit`) that anybody may read with other tools; each
 * noun has its tables and queries in a file of its own (subjects.h, notices.h, leads.h, rewards.h,
 * handovers.h) and takes in its acts there.
 *
 * Unlike the casebook it is worked on where it lies: a million facts open in milliseconds. What the
 * log has beyond the file is taken in within one transaction, which pursuit_snapshot() keeps and
 * pursuit_close() gives up. Who may not write there works on a copy in memory. Used by one thread.
 */
#pragma once

#include "base/err.h"
#include "event/act_pursuit.h"
#include "state/sql.h"

#define PURSUIT_NAME_MAX 65

struct pursuit;

/* Opens, or starts empty (also when the file is of another version or damaged). */
int pursuit_open(const char *dir, struct pursuit **out, struct err *err);
void pursuit_close(struct pursuit *p);
uint64_t pursuit_position(const struct pursuit *p);
void pursuit_advance(struct pursuit *p, uint64_t position);
/* Takes in one act; kinds that are no business of it are passed over. An act that cannot be taken
 * in is warned about. */
void pursuit_act(struct pursuit *p, uint8_t kind, uint64_t index, int64_t time,
                 struct span payload);
/* Keeps what was taken in. */
int pursuit_snapshot(struct pursuit *p, struct err *err);

/* The same, when there was any act; so that other processes need not wait. Fails when the file
 * could not be written. */
int pursuit_settle(struct pursuit *p, struct err *err);

/* For a process that only reads and stays: how far the file is now, as the keeper (or a command)
 * has brought it. */
uint64_t pursuit_refresh(struct pursuit *p);
/* False: it was opened while there was no such file, or none that is whole, and is memory of its
 * own: open it again. */
bool pursuit_is_kept(const struct pursuit *p);

/* For the nouns' files and their callers: the database. */
const struct sql *pursuit_sql(const struct pursuit *p);

/* Every act of the pursuit, in the log's order (table `acts`). Spans are valid within the callback.
 */
struct pursuit_acted {
    uint64_t entry;
    uint8_t kind;
    int64_t time;
    struct span account; /* empty: nobody signed */
};
/* 1 found, 0 not, negative. account points into `name`. */
int pursuit_acted(struct pursuit *p, uint64_t entry, struct pursuit_acted *out,
                  char name[PURSUIT_NAME_MAX], struct err *err);
/* Approvals of an act by other accounts than its own (one each, the newest counts): how many said
 * yes, and no. */
int pursuit_approvals(struct pursuit *p, uint64_t entry, unsigned *yes, unsigned *no,
                      struct err *err);
/* True when the act was taken back (WITHDRAWN). */
bool pursuit_is_withdrawn(struct pursuit *p, uint64_t entry);

/* ---- for the nouns ---- */

/* One act as it is taken in. */
struct pursuit_act {
    uint8_t kind;
    uint64_t index;
    int64_t time;
    struct span account, payload;
};
/* A noun: its tables, and what it does with an act: 0 taken in, 1 none of its business, negative.
 * It is given every act of the pursuit, and REPORT_QUEUED, REPORT_TRIED, REPORT_RETURNED. */
struct pursuit_noun {
    const char *schema;
    int (*take)(const struct sql *db, const struct pursuit_act *act, struct err *err);
};
extern const struct pursuit_noun subjects_noun, notices_noun, leads_noun, reviews_noun,
    rewards_noun, handovers_noun, releases_noun, passkeys_noun, pages_noun, nodes_noun, keys_noun;
