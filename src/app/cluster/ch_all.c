#include "app/cluster/ch_all.h"

#include <errno.h>
#include <stdlib.h>

#include "app/cluster/ch_http_impl.h"
#include "base/mem.h"

#define WAIT_MS 1000

const char *ch_all_name(void *http, unsigned shard)
{
    const struct ch_http *h = http;
    return shard < h->n ? h->shards[shard].name : "?";
}

struct ch_all {
    struct ch_http *h;
    CURLM *multi;
    struct ch_http_request request[CLICKHOUSE_SHARDS_MAX];
    struct ch_http_run run[CLICKHOUSE_SHARDS_MAX];
    unsigned begun; /* and so many were added */
    unsigned left;
};

static int begin(struct ch_all *a, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < a->h->n; i++) {
        rc = ch_http_begin(a->h, &a->request[i], &a->run[i], err);
        a->begun = i + 1;
        if (rc == 0 && curl_multi_add_handle(a->multi, a->run[i].shard->easy) != CURLM_OK)
            rc = err_set(err, -EHOSTUNREACH, "shard %s: could not be asked", ch_all_name(a->h, i));
        a->left += rc == 0;
    }
    return rc;
}

/* What has ended: the first that failed ends it all. */
static int take_ended(struct ch_all *a, struct err *err)
{
    CURLMsg *m;
    int pending, rc = 0;
    while (rc == 0 && (m = curl_multi_info_read(a->multi, &pending))) {
        struct ch_http_run *run;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&run);
        rc = ch_http_end(run, m->data.result, err);
        a->left--;
    }
    return rc;
}

static int perform(struct ch_all *a, struct err *err)
{
    int running, rc = 0;
    while (rc == 0 && a->left) {
        if (curl_multi_perform(a->multi, &running) != CURLM_OK)
            return err_set(err, -EHOSTUNREACH, "the shards could not be asked");
        rc = take_ended(a, err);
        if (rc == 0 && a->left)
            curl_multi_poll(a->multi, NULL, 0, WAIT_MS, NULL);
    }
    return rc;
}

int ch_all_ask(void *http, struct span sql, int (*take)(void *ctx, struct span piece),
               void *const *take_ctx, struct err *err)
{
    struct ch_all *a = mem_zeroed(1, sizeof *a);
    a->h = http;
    a->multi = curl_multi_init();
    if (!a->multi)
        abort();
    for (unsigned i = 0; i < a->h->n; i++)
        a->request[i] = (struct ch_http_request){
            .shard = i, .sql = sql, .take = take, .take_ctx = take_ctx[i], .stream = true};
    int rc = begin(a, err);
    if (rc == 0)
        rc = perform(a, err);
    for (unsigned i = 0; i < a->begun; i++) {
        if (a->run[i].shard && a->run[i].shard->easy)
            curl_multi_remove_handle(a->multi, a->run[i].shard->easy);
        ch_http_finish(&a->run[i]);
    }
    curl_multi_cleanup(a->multi);
    free(a);
    return rc;
}
