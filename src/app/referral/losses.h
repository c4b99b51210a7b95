/* Losses: what a take-down's victims lost, from a table that somebody else made. Read strictly: a
 * figure that an agency is handed must be what its source says.
 *
 * CSV (RFC 4180), UTF-8, its first line "what,amount,currency,source"; amounts as money.h reads
 * them; nothing empty. */
#pragma once

#include "state/money.h"

#define LOSSES_FILE_MAX       (1u << 20)
#define LOSSES_ROWS_MAX       10000u
#define LOSSES_CELL_MAX       1000u /* bytes */
#define LOSSES_CURRENCIES_MAX 32u

struct loss {
    struct span what, currency, source; /* in `text` */
    int64_t amount;                     /* in the currency's smallest unit */
};
struct losses_total {
    struct span currency;
    int64_t amount;
    unsigned rows;
};
struct losses {
    struct buf text; /* the cells, unquoted */
    struct loss *rows;
    size_t n, cap;
    struct losses_total totals[LOSSES_CURRENCIES_MAX]; /* as they come first */
    unsigned n_totals;
};
/* 0, or -EINVAL/-ERANGE/-E2BIG with the line; losses_free() also then. */
int losses_parse(struct span file, struct losses *out, struct err *err);
void losses_free(struct losses *l);
