/* Ch_http: the way to the cluster's shards over HTTP (libcurl), for view/clickhouse.h. Compressed
 * both ways; the password goes in a header, never in the URL. One thread. */
#pragma once

#include "app/config.h"
#include "view/clickhouse.h"

struct ch_http;

/* Reads the password file and CAs; connects to nobody yet. -EINVAL when the config has no shards.
 */
int ch_http_open(const struct config *config, struct ch_http **out, struct clickhouse_way *way,
                 struct err *err);
void ch_http_close(struct ch_http *h);
