/* Casebook: orders, the assets under them, what became of them, and who may act (accounts.h). A
 * view of the log, kept as an SQLite database that anybody may read with other tools.
 *
 * The file `<dir>/casebook` is only ever replaced as a whole; a process that has the casebook open
 * works on a copy in memory. So readers take no lock and disturb no writer, and a reader takes in
 * what the log has beyond the file without changing it. Memory is the size of the file: about 20
 * bytes a name of a list. Used by one thread.
 *
 * A list's rows are kept by days: one row of the database for all names with the same times,
 * registrar and top-level domain. */
#pragma once

#include "base/err.h"
#include "event/act.h"

#define CASEBOOK_FOREVER ACT_FOREVER

struct casebook;

/* Where an asset list comes from: appends the blob to out. The context must outlive the casebook.
 */
struct casebook_blobs {
    int (*get)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err);
    void *ctx;
};

/* Loads the file, or starts empty (also when it is damaged: it can be rebuilt). */
int casebook_open(const char *dir, const struct casebook_blobs *blobs, struct casebook **out,
                  struct err *err);
void casebook_close(struct casebook *cb);
/* Log entries taken in so far. */
uint64_t casebook_position(const struct casebook *cb);
void casebook_advance(struct casebook *cb, uint64_t position);
/* Takes in one act; kinds that are no business of a casebook are passed over. An act that cannot be
 * taken in (a list whose blob is gone) is warned about. */
void casebook_act(struct casebook *cb, uint8_t kind, uint64_t index, int64_t time,
                  struct span payload);
/* How many acts it took in since it was opened. */
uint64_t casebook_changes(const struct casebook *cb);
/* Writes the file. Without acts since the last time only the position in it is changed, which costs
 * next to nothing. */
int casebook_snapshot(struct casebook *cb, struct err *err);

/* ---- queries ---- */

/* At a time. Whatever ends within `within` is expiring. */
enum casebook_state {
    CASEBOOK_PLANNED,  /* begins later */
    CASEBOOK_OPEN,     /* in force */
    CASEBOOK_EXPIRING, /* in force, and ends soon; or its registration does */
    CASEBOOK_EXPIRED,  /* its time is over, or its order's */
    CASEBOOK_CLOSED,   /* its order was closed */
    CASEBOOK_RELEASED,
    CASEBOOK_STATES,
};
const char *casebook_state_name(enum casebook_state state);
struct casebook_clock {
    int64_t now, within;
};

/* Spans are valid within the callback. */
struct casebook_order {
    uint64_t entry;
    struct act_order act;
    int64_t closed; /* CASEBOOK_FOREVER: it is not */
    struct span closed_why;
    uint64_t assets, lists; /* under it, and not released */
    enum casebook_state state;
};
/* By index, or by id when `entry` is 0 (the newest that is not closed, else the newest). 1 found
 * (row() was called), 0 not; negative. */
int casebook_order(struct casebook *cb, uint64_t entry, struct span id,
                   const struct casebook_clock *clock,
                   int (*row)(void *, const struct casebook_order *), void *ctx, struct err *err);
/* All of them, as recorded. row() returns 0 to go on. */
int casebook_orders(struct casebook *cb, const struct casebook_clock *clock,
                    int (*row)(void *, const struct casebook_order *), void *ctx, struct err *err);

struct casebook_asset {
    uint64_t entry;
    bool list;    /* a whole list: name is its file, `names` how many it has */
    bool of_list; /* one name of a list */
    uint64_t names;
    struct act_asset act; /* from, until: its own. of a list: of its first and last row */
    struct span order;    /* its order's id */
    int64_t order_end;    /* the order's until, or when it was closed */
    int64_t end;          /* when it ends: its own until, its order's, the closing, the release */
    int64_t released;
    struct span released_why;
    enum casebook_state state;
};
struct casebook_asset_query {
    uint64_t entry, order; /* 0: any */
    struct span name;      /* lower case; those of lists, too; empty: any */
    struct span family;
    const enum act_asset_kind *kind; /* NULL: any */
    bool names;                      /* every name of each list instead of the list */
};
int casebook_assets(struct casebook *cb, const struct casebook_asset_query *q,
                    const struct casebook_clock *clock,
                    int (*row)(void *, const struct casebook_asset *), void *ctx, struct err *err);

/* Names of one list with the same times, registrar and top-level domain. */
struct casebook_days {
    uint64_t list, order;
    struct span family, policy, registrar, tld;
    bool identify, wildcard;
    int64_t from, until;       /* as the list says */
    int64_t in_from, in_until; /* the order, its closing and the list's release taken into account;
                                * in_until <= in_from: never */
    uint64_t names;
    struct span text; /* the names, each with a line end */
};
/* By list, then by time. order 0, family empty: any. */
int casebook_days(struct casebook *cb, uint64_t order, struct span family,
                  int (*row)(void *, const struct casebook_days *), void *ctx, struct err *err);
/* Names of lists that were released one by one, by list and name. */
int casebook_released_names(struct casebook *cb,
                            int (*row)(void *, uint64_t list, struct span name, int64_t when),
                            void *ctx, struct err *err);
/* The list under that order with those bytes that is not released; 0 for none. */
uint64_t casebook_list_with(struct casebook *cb, uint64_t order, const uint8_t sha256[SHA256_LEN]);

/* Appends a line for each order, asset, list and registration that ends within so many days. */
void casebook_warnings(struct casebook *cb, int64_t now, unsigned days, struct buf *out);
