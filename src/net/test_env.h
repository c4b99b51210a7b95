/* A world for tests and fuzz targets of the network side: a clock that stands still, an authority
 * made of a few assets, and a recorder that keeps what it is given. */
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include "net/session.h"
#include "net/test_config.h"

#define TEST_NOW          1300266000000000ll /* 2011-03-16T09:00:00Z */
#define TEST_RECORDED_MAX 4096

struct test_recorded {
    struct buf payload, blob;
    struct event ev; /* decoded from payload; lists live in the env's own arena */
};

struct test_env {
    struct net_env env;
    struct net_config config;
    struct net_counters counters;
    struct policy policies[8];
    struct arena arena, kept;
    struct test_recorded recorded[TEST_RECORDED_MAX];
    size_t n;
    bool full; /* record() has no room */
    bool storage_full;
    uint64_t tickets;
    struct authority_builder *builder;
    struct buf out;
};

static inline bool test_env_record(struct net_env *env, const struct event *ev, struct span blob,
                                   uint64_t *ticket)
{
    struct test_env *t = env->ctx;
    if (t->full || t->n == TEST_RECORDED_MAX)
        return false;
    struct test_recorded *r = &t->recorded[t->n++];
    r->payload.n = r->blob.n = 0;
    event_encode(ev, &r->payload);
    buf_span(&r->blob, blob);
    if (event_decode(buf_as_span(&r->payload), &t->kept, &r->ev) < 0)
        abort();
    r->ev.kind = ev->kind;
    r->ev.time = ev->time;
    if (ticket)
        *ticket = ++t->tickets;
    return true;
}

static inline bool test_env_storage_full(struct net_env *env)
{
    return ((struct test_env *)env->ctx)->storage_full;
}

/* An env with default limits, a default policy, one order ("order-1") and no assets yet. */
static inline void test_env_init(struct test_env *t)
{
    memset(t, 0, sizeof *t);
    test_config_init(&t->config, t->policies);
    t->env = (struct net_env){.now = TEST_NOW,
                              .tick = 1000000,
                              .config = &t->config,
                              .counters = &t->counters,
                              .arena = &t->arena,
                              .record = test_env_record,
                              .storage_full = test_env_storage_full,
                              .ctx = t};
    t->builder = authority_builder_new();
    struct authority_order order = {.index = 2,
                                    .id = span_str("order-1"),
                                    .court = span_str("District Court"),
                                    .docket = span_str("2:11-cv-00222"),
                                    .jurisdiction = span_str("US"),
                                    .scope = span_str("rustock"),
                                    .from = TEST_NOW - 86400000000ll,
                                    .until = TEST_NOW + 30 * 86400000000ll};
    authority_builder_order(t->builder, &order);
}

/* "example.org", "*.example.org", "192.0.2.1", "192.0.2.0/24": an asset in force, under order-1. */
static inline void test_env_asset(struct test_env *t, const char *text, const char *policy,
                                  const char *family)
{
    uint8_t wire[255];
    struct authority_asset a = {.index = 3,
                                .from = TEST_NOW - 86400000000ll,
                                .until = TEST_NOW + 86400000000ll,
                                .policy = span_str(policy),
                                .family = span_str(family),
                                .identify = true};
    struct ip ip;
    if (ip_parse(span_str(text), &ip)) {
        a.kind = AUTHORITY_ADDRESS;
        a.net = net_of(&ip, ip_is_v4(&ip) ? 32 : 128);
    } else if (strchr(text, '/')) {
        a.kind = AUTHORITY_NETWORK;
        net_parse(span_str(text), &a.net);
    } else {
        a.kind = *text == '*' ? AUTHORITY_WILDCARD : AUTHORITY_DOMAIN;
        a.name = span_of(wire, authority_wire_name(span_str(*text == '*' ? text + 2 : text), wire));
    }
    if (authority_builder_asset(t->builder, &a, NULL) < 0)
        abort();
}

/* After the last asset. */
static inline void test_env_ready(struct test_env *t)
{
    int fd;
    struct authority *a;
    if (authority_builder_finish(t->builder, &fd, NULL) < 0 || authority_map(fd, &a, NULL) < 0)
        abort();
    close(fd);
    t->env.authority = a;
}

static inline struct net_peer test_peer(const char *src, uint16_t src_port, const char *dst,
                                        uint16_t dst_port, bool tcp)
{
    struct net_peer p = {.src_port = src_port, .dst_port = dst_port, .tcp = tcp};
    ip_parse(span_str(src), &p.src);
    ip_parse(span_str(dst), &p.dst);
    return p;
}

/* Forgets what was recorded. */
static inline void test_env_forget(struct test_env *t)
{
    t->n = 0;
    arena_reset(&t->kept);
}

static inline void test_env_free(struct test_env *t)
{
    for (size_t i = 0; i < TEST_RECORDED_MAX; i++) {
        buf_free(&t->recorded[i].payload);
        buf_free(&t->recorded[i].blob);
    }
    if (t->env.authority)
        authority_unmap((struct authority *)t->env.authority);
    authority_builder_free(t->builder);
    arena_free(&t->arena);
    arena_free(&t->kept);
    buf_free(&t->out);
}

/* A session driven by hand. */
struct test_session {
    struct session s;
    struct buf in;
    bool over;
};

static inline void test_session_next(struct test_session *ts, enum session_next next)
{
    while (next == SESSION_BECOME) {
        free(ts->s.state);
        ts->s.type = ts->s.becomes;
        ts->s.state = calloc(1, ts->s.type->state_size + 1);
        next = ts->s.type->begin(&ts->s);
        if (next == SESSION_GO_ON && ts->in.n) {
            struct cur c = cur_of(buf_as_span(&ts->in));
            next = ts->s.type->data(&ts->s, &c);
            size_t left = cur_left(&c);
            memmove(ts->in.p, c.p, left);
            ts->in.n = left;
        }
    }
    ts->over |= next == SESSION_CLOSE || next == SESSION_ABORT;
}

/* Output is appended to t->out. */
static inline void test_session_begin(struct test_session *ts, struct test_env *t,
                                      const struct session_type *type, struct net_peer peer)
{
    memset(ts, 0, sizeof *ts);
    ts->s = (struct session){
        .type = type, .env = &t->env, .peer = peer, .out = &t->out, .quiet_since_begin = true};
    ts->s.state = calloc(1, type->state_size + 1);
    test_session_next(ts, type->begin(&ts->s));
}

/* Gives bytes; what is not consumed waits for the next call, as in a connection. A ticket that the
 * session waits for is kept waiting: call test_session_stored(). */
static inline void test_session_data(struct test_session *ts, struct span data)
{
    buf_span(&ts->in, data);
    ts->s.quiet_since_begin = false;
    for (size_t i = 0; i < 1000000 && !ts->over && !ts->s.ticket && !ts->s.paused; i++) {
        struct cur c = cur_of(buf_as_span(&ts->in));
        size_t before = cur_left(&c);
        enum session_next next = ts->s.type->data(&ts->s, &c);
        size_t left = cur_left(&c);
        if (left)
            memmove(ts->in.p, c.p, left);
        ts->in.n = left;
        test_session_next(ts, next);
        arena_reset(ts->s.env->arena);
        if (left == before || !left)
            break;
    }
}

static inline void test_session_stored(struct test_session *ts, bool good)
{
    if (!ts->s.ticket)
        return;
    ts->s.ticket = 0;
    test_session_next(ts, ts->s.type->stored(&ts->s, good));
    test_session_data(ts, span_of(NULL, 0));
}

static inline void test_session_end(struct test_session *ts, enum session_end why)
{
    struct cur rest = cur_of(buf_as_span(&ts->in));
    ts->s.type->end(&ts->s, why, &rest);
    free(ts->s.state);
    buf_free(&ts->in);
}
