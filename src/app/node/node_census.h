/* Node census: the censuses that nodes gave to this centre, joined with its own. */
#pragma once

#include "app/casedir.h"

/* Joins every node's census into c->census, in memory: exact, because the sets are joined. Wants
 * VIEW_CENSUS and VIEW_PURSUIT; what a node that is gone has seen stays in. Says on standard error
 * what is in it (unless c->quiet), and warns of what is old, of logs with an open alarm, and of a
 * census that is not what its node has signed, which is left out. Negative: this case's own could
 * not be read. */
int node_census_join(struct casedir *c, struct err *err);

/* Every log that there ever was a node of, the newest name first: each() gets its keys. */
struct node_keys {
    char origin[NOTE_NAME_MAX + 1], name[65];
    struct note_key *keys;
    size_t n;
};
int node_each_log(struct casedir *c, int (*each)(void *ctx, const struct node_keys *k), void *ctx,
                  struct err *err);
