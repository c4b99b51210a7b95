/* Engine: who answers a question about observations: the case's own views and log, or the cluster,
 * over all nodes. Both give the same rows for the same log; test/test_cluster.py compares them. The
 * functions are those of the modules that they are named after (state/census.h, view/volume.h,
 * view/query.h), which say what comes. One thread. */
#pragma once

#include "state/census.h"
#include "view/query.h"
#include "view/volume.h"

struct engine {
    /* census_rows() */
    int (*census)(void *ctx, const struct census_query *q,
                  int (*row)(void *ctx, const struct census_row *row), void *row_ctx,
                  struct err *err);
    /* query_events(); hit->log is the origin of the log that the event is on */
    int (*events)(void *ctx, const struct query *q,
                  int (*hit)(void *ctx, const struct query_hit *hit), void *hit_ctx,
                  struct err *err);
    /* volume_rows() and volume_hours(); numbers of names are this engine's */
    int (*volume)(void *ctx, enum volume_by by, const struct volume_filter *f, struct volume *out,
                  struct err *err);
    int (*hours)(void *ctx, const struct volume_filter *f, struct volume_hours *all,
                 struct volume_hours *filtered, struct volume *days, struct err *err);
    /* A family, sensor or brand by its number; empty for 0. And back; 0: no mail has it. */
    struct span (*name)(void *ctx, unsigned number);
    unsigned (*named)(void *ctx, struct span name);
    void *ctx;
};
