/* What ch_http's files share: a call in the making, for one easy handle at a time or for a loop of
 * many (ship_post.c). */
#pragma once

#include <curl/curl.h>

#include "app/cluster/ch_http.h"
#include "app/web_server.h"

#define CH_HTTP_WORDS_MAX 2048 /* bytes kept of what a server says went wrong */

struct ch_http_shard {
    const char *name, *url; /* the config's */
    struct web_server server;
    bool looked_up;
    struct curl_slist *resolve;
    CURL *easy; /* kept for its connection */
};

struct ch_http {
    const struct config_cluster *c;
    struct ch_http_shard shards[CLICKHOUSE_SHARDS_MAX];
    unsigned n;
    struct buf ca, password;
};

/* A call on its way. */
struct ch_http_run {
    struct ch_http *h;
    struct ch_http_shard *shard;
    const struct ch_http_request *r;
    struct curl_slist *headers;
    struct buf url;
    long status;
    uint64_t got;
    int took; /* what take() gave, when it was not 0 */
    bool too_large;
    size_t words_n;
    uint8_t words[CH_HTTP_WORDS_MAX];
};

/* Makes the shard's handle ready for libcurl to perform. The request and what it points to must
 * stay. -EHOSTUNREACH: the shard's name has no address. ch_http_finish() also then. */
int ch_http_begin(struct ch_http *h, const struct ch_http_request *r, struct ch_http_run *run,
                  struct err *err);
/* What came of it. */
int ch_http_end(struct ch_http_run *run, CURLcode code, struct err *err);
void ch_http_finish(struct ch_http_run *run);
