#include "net/sensor.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "net/conn.h"
#include "net/dns_server.h"
#include "net/http_server.h"
#include "net/raw_server.h"
#include "net/smtp_server.h"
#include "net/tls.h"
#include "net/udp.h"

#define EVENTS_MAX    256
#define STOP_MS       1000  /* for connections to finish */
#define WAIT_MAX_MS   10000 /* a turn at least so often */
#define TIMERS_A_TURN 20000

void sensor_clock(struct sensor *s)
{
    struct timespec real, mono;
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_MONOTONIC, &mono);
    s->env.now = (int64_t)real.tv_sec * 1000000 + real.tv_nsec / 1000;
    s->env.tick = (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000;
}

bool sensor_is_balancer(const struct sensor *s, const struct ip *ip)
{
    const struct net_config *config = s->env.config;
    for (unsigned i = 0; i < config->balancers_count; i++) {
        struct net net = net_of(ip, config->balancers[i].bits);
        if (ip_is_v4(ip) == ip_is_v4(&config->balancers[i].ip) &&
            memcmp(&net.ip, &config->balancers[i].ip, sizeof net.ip) == 0)
            return true;
    }
    return false;
}

/* ---- observations ---- */

static bool drop(struct net_env *env)
{
    net_count(env, dropped, 1);
    return false;
}

static bool record(struct net_env *env, const struct event *ev, struct span blob, uint64_t *ticket)
{
    struct sensor *s = sensor_of(env);
    if (s->rates && !limit_pass(s->rates, &ev->src_ip, env->tick)) {
        net_count(env, suppressed, 1);
        return false;
    }
    s->encoded.n = 0;
    event_encode(ev, &s->encoded);
    struct sensor_record head = {.time = ev->time,
                                 .payload = (uint32_t)s->encoded.n,
                                 .blob = (uint32_t)blob.n,
                                 .kind = (uint8_t)ev->kind,
                                 .wanted = ticket != NULL};
    if (s->encoded.n > INT32_MAX / 2 || blob.n > INT32_MAX / 2)
        return drop(env);
    uint32_t n = (uint32_t)(sizeof head + s->encoded.n + blob.n);
    uint8_t *p = ring_reserve(&s->ring, n);
    if (!p)
        return drop(env);
    memcpy(p, &head, sizeof head);
    memcpy(p + sizeof head, s->encoded.p, s->encoded.n);
    if (blob.n)
        memcpy(p + sizeof head + s->encoded.n, blob.p, blob.n);
    ring_push(&s->ring, n);
    if (ticket) {
        *ticket = s->ring.at;
        s->urgent = true;
    }
    return true;
}

static bool storage_full(struct net_env *env)
{
    return __atomic_load_n(&sensor_of(env)->ring.shared->storage_full, __ATOMIC_RELAXED);
}

/* Lets the recorder see what this turn pushed. It looks by itself every few milliseconds, and is
 * woken when that is too late: somebody waits, or the ring fills. */
static void publish(struct sensor *s)
{
    struct ring *r = &s->ring;
    const uint64_t one = 1;
    if (r->shared->head == r->at)
        return;
    ring_publish(r);
    if (!s->urgent && ring_depth(r) <= r->capacity / 4)
        return;
    s->urgent = false;
    /* Either it sees what was published, or we see that it sleeps. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&r->shared->reader_sleeps, __ATOMIC_RELAXED) &&
        write(s->setup->ring_event, &one, sizeof one) < 0)
        return; /* the counter is full: it was woken already */
}

/* ---- what is watched ---- */

static int watch(struct sensor *s, struct source *source, uint32_t events, int op)
{
    struct epoll_event ev = {.events = events, .data.ptr = source};
    return epoll_ctl(s->epoll, op, source->fd, &ev);
}

static void watch_streams(struct sensor *s, bool on)
{
    for (unsigned i = 0; i < s->listeners_count; i++) {
        struct listener *l = &s->listeners[i];
        if (l->source.kind != SOURCE_STREAMS || l->off == !on)
            continue;
        l->off = !on;
        watch(s, &l->source, on ? EPOLLIN : 0, EPOLL_CTL_MOD);
    }
}

static int open_listeners(struct sensor *s, struct err *err)
{
    for (unsigned i = 0; i < s->listeners_count; i++)
        if (watch(s, &s->listeners[i].source, EPOLLIN, EPOLL_CTL_ADD) < 0)
            return err_errno(err, "sensor: epoll");
    return 0;
}

/* The supervisor holds the sockets too and hands them to the next sensor, which finds there whoever
 * waits: closing them here loses nobody. */
static void close_listeners(struct sensor *s)
{
    for (unsigned i = 0; i < s->listeners_count; i++)
        watch(s, &s->listeners[i].source, 0, EPOLL_CTL_DEL);
    s->listeners_count = 0;
}

static void resume_accepting(struct sensor *s)
{
    if (!s->accept_at)
        return;
    bool over = s->env.tick >= s->accept_at;
    if (over)
        s->accept_at = 0;
    watch_streams(s, over);
}

/* ---- the link ---- */

static int take_authority(struct sensor *s, int fd, struct err *err)
{
    struct authority *fresh;
    int rc = authority_map(fd, &fresh, err);
    close(fd);
    if (rc < 0)
        return rc;
    if (s->authority)
        authority_unmap(s->authority);
    s->authority = fresh;
    s->env.authority = fresh;
    return 0;
}

static int get_going(struct sensor *s, struct err *err)
{
    struct link_message ready = {.what = SENSOR_READY};
    int rc = open_listeners(s, err);
    if (rc == 0 && (rc = link_send(s->setup->link, &ready, -1)) < 0)
        return err_set(err, rc, "the supervisor is not there");
    return rc;
}

static void stop(struct sensor *s)
{
    if (!s->stopping)
        close_listeners(s);
    s->stopping = true;
}

/* A table that makes no sense is passed over: the one in force stays. */
static int take_message(struct sensor *s, const struct link_message *m, int fd, struct err *err)
{
    bool first = !s->authority;
    if (m->what == SENSOR_STOP)
        stop(s);
    if (m->what == SENSOR_AUTHORITY && fd >= 0 && take_authority(s, fd, err) == 0)
        return first && !s->stopping ? get_going(s, err) : 0;
    if (m->what != SENSOR_AUTHORITY && fd >= 0)
        close(fd);
    return 0;
}

static int take_messages(struct sensor *s, struct err *err)
{
    struct link_message m;
    int fd, got, rc = 0;
    while (rc == 0 && (got = link_receive(s->setup->link, &m, &fd)) != 0) {
        if (got < 0) { /* the supervisor is gone */
            watch(s, &(struct source){SOURCE_LINK, s->setup->link}, 0, EPOLL_CTL_DEL);
            stop(s);
            return 0;
        }
        rc = take_message(s, &m, fd, err);
    }
    return rc;
}

/* ---- the loop ---- */

static int serve(struct sensor *s, const struct epoll_event *ev, struct err *err)
{
    struct source *source = ev->data.ptr;
    uint64_t count;
    switch (source->kind) {
    case SOURCE_LINK:
        return take_messages(s, err);
    case SOURCE_STORED:
        if (read(source->fd, &count, sizeof count) < 0)
            break; /* looked at in every turn anyway */
        break;
    case SOURCE_STREAMS:
        conn_accept(s, (struct listener *)source);
        break;
    case SOURCE_DATAGRAMS:
        udp_serve(s, (struct listener *)source);
        break;
    case SOURCE_CONN:
        conn_event((struct conn *)source, ev->events);
        break;
    }
    return 0;
}

/* Each of those that are ready now goes on once; who is ready again waits for the next turn. */
static void serve_ready(struct sensor *s)
{
    struct conn *last = TAILQ_LAST(&s->ready, conn_list), *c;
    bool done = false;
    while (!done && (c = TAILQ_FIRST(&s->ready))) {
        done = c == last;
        conn_ready(c);
    }
}

static void serve_timers(struct sensor *s)
{
    struct timer *t;
    for (int i = 0; i < TIMERS_A_TURN && (t = timers_due(&s->timers, s->env.tick)); i++)
        conn_timer((struct conn *)((char *)t - offsetof(struct conn, timer)));
}

static int wait_ms(const struct sensor *s, int64_t stop_at)
{
    int most = WAIT_MAX_MS;
    if (!TAILQ_EMPTY(&s->ready))
        return 0;
    if (s->accept_at)
        most = s->accept_at > s->env.tick ? (int)(s->accept_at - s->env.tick) : 0;
    if (stop_at && stop_at - s->env.tick < most)
        most = (int)(stop_at - s->env.tick);
    return timers_wait(&s->timers, s->env.tick, most);
}

static int turn(struct sensor *s, int64_t stop_at, struct err *err)
{
    struct epoll_event events[EVENTS_MAX];
    int rc = 0, n = epoll_wait(s->epoll, events, EVENTS_MAX, wait_ms(s, stop_at));
    if (n < 0 && errno != EINTR)
        return err_errno(err, "sensor: epoll_wait");
    sensor_clock(s);
    serve_ready(s);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = serve(s, &events[i], err);
    serve_timers(s);
    if (!TAILQ_EMPTY(&s->waiting))
        conns_stored(s);
    resume_accepting(s);
    publish(s);
    conns_bury(s);
    return rc;
}

static int loop(struct sensor *s, struct err *err)
{
    int64_t stop_at = 0;
    int rc = 0;
    while (rc == 0) {
        if (s->stopping && !stop_at)
            stop_at = s->env.tick + STOP_MS;
        if (stop_at && (s->env.tick >= stop_at || !s->connections))
            break;
        rc = turn(s, stop_at, err);
    }
    conns_stop(s);
    publish(s);
    return rc;
}

/* ---- the beginning and the end ---- */

static bool uses(const struct net_config *config, enum net_protocol protocol)
{
    for (unsigned i = 0; i < config->listeners_count; i++)
        if (config->listeners[i].protocol == protocol ||
            (config->listeners[i].protocol == NET_ANY && protocol != NET_DNS))
            return true;
    return false;
}

/* Whatever the listeners may need: streams may be TLS, and any of them may end as a raw record. */
static int open_servers(struct sensor *s, struct err *err)
{
    const struct net_config *config = s->env.config;
    bool streams = false;
    for (unsigned i = 0; i < config->listeners_count; i++)
        streams |= config->listeners[i].tcp;
    int rc = raw_server_new(config, &s->env.raw, err);
    if (rc == 0 && uses(config, NET_DNS))
        rc = dns_server_new(config, &s->env.dns, err);
    if (rc == 0 && uses(config, NET_HTTP))
        rc = http_server_new(config, &s->env.http, err);
    if (rc == 0 && uses(config, NET_SMTP))
        rc = smtp_server_new(config, &s->env.smtp, err);
    if (rc == 0 && streams)
        rc = tls_server_new(config, &s->env.tls, err);
    return rc;
}

static void close_servers(struct sensor *s)
{
    if (s->env.raw)
        raw_server_free(s->env.raw);
    if (s->env.dns)
        dns_server_free(s->env.dns);
    if (s->env.http)
        http_server_free(s->env.http);
    if (s->env.smtp)
        smtp_server_free(s->env.smtp);
    if (s->env.tls)
        tls_server_free(s->env.tls);
}

static int open_listener(struct sensor *s, const struct sensor_socket *from, struct err *err)
{
    struct listener *l = &s->listeners[s->listeners_count++];
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    l->source = (struct source){from->tcp ? SOURCE_STREAMS : SOURCE_DATAGRAMS, from->fd};
    if (from->listener >= s->env.config->listeners_count)
        return err_set(err, -EINVAL, "sensor: socket of a listener that is not there (%u)",
                       from->listener);
    l->config = &s->env.config->listeners[from->listener];
    if (getsockname(from->fd, (struct sockaddr *)&a, &n) < 0)
        return err_errno(err, "sensor: getsockname");
    l->v6 = a.ss_family == AF_INET6;
    const struct sockaddr_in6 *v6 = (const void *)&a;
    const struct sockaddr_in *v4 = (const void *)&a;
    l->ip = l->v6 ? ip_from_bytes((const uint8_t *)&v6->sin6_addr, true)
                  : ip_from_bytes((const uint8_t *)&v4->sin_addr, false);
    l->port = be16_get(l->v6 ? (const uint8_t *)&v6->sin6_port : (const uint8_t *)&v4->sin_port);
    l->wildcard = !ip_is_set(&l->config->ip);
    return 0;
}

static int open_loop(struct sensor *s, struct source *link, struct source *stored, struct err *err)
{
    const struct sensor_setup *setup = s->setup;
    int rc = 0;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (s->epoll < 0)
        return err_errno(err, "sensor: epoll");
    *link = (struct source){SOURCE_LINK, setup->link};
    *stored = (struct source){SOURCE_STORED, setup->stored_event};
    if (watch(s, link, EPOLLIN, EPOLL_CTL_ADD) < 0 || watch(s, stored, EPOLLIN, EPOLL_CTL_ADD) < 0)
        return err_errno(err, "sensor: epoll");
    for (unsigned i = 0; rc == 0 && i < setup->sockets_count; i++)
        rc = open_listener(s, &setup->sockets[i], err);
    return rc;
}

static void *zeroed(size_t n, size_t size)
{
    void *p = calloc(n + 1, size);
    if (!p)
        abort();
    return p;
}

static void open_tables(struct sensor *s)
{
    const struct net_config *config = s->env.config;
    uint64_t seed;
    memcpy(&seed, config->secret, sizeof seed);
    arena_init(&s->arena);
    timers_init(&s->timers, s->env.tick);
    s->addresses = limit_counts_new(config->limits.connections, seed);
    if (config->limits.address_events)
        s->rates = limit_rates_new(config->limits.address_events, seed);
    s->listeners = zeroed(s->setup->sockets_count, sizeof *s->listeners);
    s->scratch = zeroed(LOOP_SCRATCH, 1);
    s->udp = udp_batch_new();
    TAILQ_INIT(&s->silent);
    TAILQ_INIT(&s->served);
    TAILQ_INIT(&s->ready);
    TAILQ_INIT(&s->waiting);
    TAILQ_INIT(&s->dead);
    TAILQ_INIT(&s->spare);
}

static void close_all(struct sensor *s)
{
    conns_free(s);
    close_servers(s);
    if (s->epoll >= 0)
        close(s->epoll);
    if (s->authority)
        authority_unmap(s->authority);
    limit_counts_free(s->addresses);
    limit_rates_free(s->rates);
    udp_batch_free(s->udp);
    arena_free(&s->arena);
    buf_free(&s->encoded);
    buf_free(&s->joined);
    buf_free(&s->clear);
    buf_free(&s->plain);
    buf_free(&s->wire);
    free(s->scratch);
    free(s->listeners);
    free(s);
}

int sensor_run(const struct sensor_setup *setup, struct err *err)
{
    struct sensor *s = zeroed(1, sizeof *s);
    struct source link, stored;
    s->setup = setup;
    s->epoll = -1;
    s->ring = ring_writer(setup->ring, setup->ring_capacity);
    s->env = (struct net_env){.config = setup->config,
                              .counters = setup->counters,
                              .arena = &s->arena,
                              .record = record,
                              .storage_full = storage_full,
                              .ctx = s};
    setup->counters->connections = setup->counters->memory_bytes = 0; /* a dead predecessor's */
    sensor_clock(s);
    open_tables(s);
    int rc = open_servers(s, err);
    if (rc == 0)
        rc = open_loop(s, &link, &stored, err);
    if (rc == 0 && setup->lock_in)
        rc = setup->lock_in(setup->lock_in_ctx, err);
    if (rc == 0 && setup->authority >= 0)
        rc = take_authority(s, setup->authority, err);
    if (rc == 0 && s->authority)
        rc = get_going(s, err);
    if (rc == 0)
        rc = loop(s, err);
    close_all(s);
    return rc;
}
