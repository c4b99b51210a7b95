/* Keys: which of the case's own were replaced, when, by whom. A table of the pursuit (pursuit.h).
 * What it says of the log's key is somebody's word; log/rotated/ (journal/rotation.h) is what
 * counts. */
#pragma once

#include "state/pursuit.h"

/* Spans are valid within the callback. */
struct key_rotated {
    uint64_t entry;
    int64_t recorded;
    struct span account;
    struct act_key_rotated act; /* without its proof */
};
/* In the log's order; what: "log", "seal"; empty: all. each() returns 0 to go on. */
int keys_rotated(struct pursuit *p, struct span what,
                 int (*each)(void *ctx, const struct key_rotated *k), void *ctx, struct err *err);
