/* Acts of the command line: onto the log, by way of the running daemon or, when none runs, by
 * taking the case's lock. Signed by the account that is named (app/account/account.h), where one is. */
#pragma once

#include "app/casedir.h"
#include "app/cli.h"

struct case_act {
    uint8_t kind;
    struct span payload;
    struct span blob; /* kept first, when it is not empty */
    uint64_t index;   /* of its entry, when it is done */
};

/* Journals them in order; durable when it returns 0. Without a daemon all or none are on the log;
 * a daemon takes one after the other. */
int case_acts(const struct cli *cli, struct case_act *acts, size_t n, struct err *err);

/* The same by an account that is unlocked already (app/account/account.h); NULL: by nobody, whoever is
 * named. */
struct account_key;
int case_acts_as(const struct cli *cli, const struct account_key *key, struct case_act *acts,
                 size_t n, struct err *err);

/* For a process of the desk: instead of signing and sending, case_acts() and case_keeper_put() give
 * what they have to this, whoever is named; indexes stay 0. act NULL: acts are refused, the process
 * only reads. Borrowed; there is no way back. */
struct case_collector {
    int (*act)(void *ctx, const struct case_act *act, struct err *err);
    int (*part)(void *ctx, struct span part, struct err *err);
    /* That was all that case_acts() was given. Need not return: what a command prints of acts that
     * are not on the log yet is of no use. */
    void (*end)(void *ctx);
    void *ctx;
};
void case_collect(const struct case_collector *collector);

/* The log's name, as its own key says it. */
struct note_key;
int case_log_key(const char *case_dir, struct note_key *out, struct err *err);

/* Keeps files that no act brings along, because there are many or they are large: one after the
 * other, each CASE_PART_MAX at most. Before the acts that name them; not at the same time as
 * case_acts(). */
#define CASE_PART_MAX (8u << 20)
struct case_keeper;
int case_keeper_open(const struct cli *cli, struct case_keeper **out, struct err *err);
int case_keeper_put(struct case_keeper *k, struct span part, uint8_t sha256[SHA256_LEN],
                    struct err *err);
/* What was put is durable when it returns 0. Frees also after a failure. */
int case_keeper_close(struct case_keeper *k, struct err *err);

/* Opens the case for reading, with these views and the casebook; casedir_close() also after a
 * failure. */
int case_open_views(const struct cli *cli, struct casedir *c, unsigned views, struct err *err);
/* Opens the case for reading, with its casebook; casedir_close() also after a failure. */
int case_open(const struct cli *cli, struct casedir *c, struct err *err);

/* A time option; `fallback` when it was not given. 0, or EXIT_USAGE. */
int case_time(const struct cli *cli, const char *name, int64_t fallback, int64_t *out);
/* --within as a clock. 0, or EXIT_USAGE. */
int case_clock(const struct cli *cli, struct casebook_clock *out);
/* The end of a command that lists: closes the table (NULL: not begun) and the case, and warns of
 * what ends soon when all went well; gives the exit code. */
int case_listed(struct casedir *c, const struct casebook_clock *clock, struct table *t, int rc,
                struct err *err);
/* A cell with a time; empty for CASEBOOK_FOREVER. */
void case_put_time(struct table *t, int64_t time);
/* An option's text, empty when it was not given. */
struct span case_text(const struct cli *cli, const char *name);

/* An order by its id, or its index in digits. Gives what a new asset needs; -ENOENT. */
struct case_order {
    uint64_t entry;
    int64_t from, until;
    enum casebook_state state;
};
int case_find_order(struct casedir *c, const char *id, int64_t now, struct case_order *out,
                    struct err *err);
/* The same, for acts under it: it must not be closed or over. */
int case_open_order(struct casedir *c, const char *id, int64_t now, struct case_order *out,
                    struct err *err);

/* What `asset add` and `asset import` check alike. */
int case_asset_options(const struct cli *cli);
int case_check_policy(struct casedir *c, const char *name, struct err *err);
int case_check_times(const struct case_order *order, const char *id, int64_t from, int64_t until,
                     struct err *err);
