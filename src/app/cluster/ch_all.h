/* Ch_all: one statement to all shards at once, and the answers as they come: for clickhouse_way's
 * ask_all(). It waits for the slowest, and ends with the first that fails. */
#pragma once

#include "app/cluster/ch_http.h"

int ch_all_ask(void *http, struct span sql, int (*take)(void *ctx, struct span piece),
               void *const *take_ctx, struct err *err);
/* A shard's name in the config. */
const char *ch_all_name(void *http, unsigned shard);
