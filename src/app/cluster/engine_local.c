/* The case's own views and log. */
#include <stdlib.h>

#include "app/cluster/engine_open.h"
#include "base/mem.h"

static int local_census(void *ctx, const struct census_query *q,
                        int (*row)(void *ctx, const struct census_row *row), void *row_ctx,
                        struct err *err)
{
    struct casedir *c = ctx;
    return census_rows(c->census, q, row, row_ctx, err);
}

static int local_events(void *ctx, const struct query *q,
                        int (*hit)(void *ctx, const struct query_hit *hit), void *hit_ctx,
                        struct err *err)
{
    struct casedir *c = ctx;
    return query_events(c->journal, c->registry, q, hit, hit_ctx, err);
}

static int local_volume(void *ctx, enum volume_by by, const struct volume_filter *f,
                        struct volume *out, struct err *err)
{
    struct casedir *c = ctx;
    return volume_rows(c->spam, by, f, out, err);
}

static int local_hours(void *ctx, const struct volume_filter *f, struct volume_hours *all,
                       struct volume_hours *filtered, struct volume *days, struct err *err)
{
    struct casedir *c = ctx;
    return volume_hours(c->spam, f, all, filtered, days, err);
}

static struct span local_name(void *ctx, unsigned number)
{
    struct casedir *c = ctx;
    return number ? spam_name(c->spam, number) : span_of("", 0);
}

static unsigned local_named(void *ctx, struct span name)
{
    struct casedir *c = ctx;
    return spam_named(c->spam, name);
}

int engine_local_open(struct casedir *c, enum engine_what what, unsigned views, struct engine **out,
                      struct err *err)
{
    unsigned needed = views | (what & ENGINE_CENSUS ? VIEW_CENSUS : 0) |
                      (what & ENGINE_EVENTS ? VIEW_REGISTRY : 0) |
                      (what & ENGINE_SPAM ? VIEW_SPAM : 0);
    int rc = casedir_views(c, needed, err);
    if (rc < 0)
        return rc;
    *out = mem_zeroed(1, sizeof **out);
    **out = (struct engine){.census = local_census,
                            .events = local_events,
                            .volume = local_volume,
                            .hours = local_hours,
                            .name = local_name,
                            .named = local_named,
                            .ctx = c};
    return 0;
}
