/* What the benchmarks of sessions share: a test's world whose recorder encodes and keeps nothing.
 */
#pragma once

#include "bench.h"
#include "net/test_env.h"

#define BYTES(text) span_of(text, sizeof(text) - 1)

/* n tells whether anything was recorded. */
static inline bool bench_record(struct net_env *env, const struct event *ev, struct span blob,
                                uint64_t *ticket)
{
    struct test_env *t = env->ctx;
    struct buf *payload = &t->recorded[0].payload;
    payload->n = 0;
    event_encode(ev, payload);
    t->n = 1;
    return true;
}

static inline void bench_env_init(struct test_env *t)
{
    test_env_init(t);
    t->env.record = bench_record;
    t->config.limits.requests = UINT32_MAX;
}
