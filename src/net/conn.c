#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <linux/netfilter_ipv4.h> /* behind netinet/in.h, which it would fight */
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/raw_server.h"

#define ACCEPT_BATCH     64
#define ACCEPT_PAUSE_MS  100 /* when descriptors have run out */
#define EVICT_LOOK       16  /* connections looked at for one to close in favour of a new one */
#define SPARE_BYTES      (1u << 20) /* capacity that the loop's own buffers keep */
#define SO_ORIGINAL_DST6 80         /* IP6T_SO_ORIGINAL_DST, whose header fights the IPv4 one */

static const struct net_limits *limits(const struct conn *c)
{
    return &c->sensor->env.config->limits;
}

/* ---- memory ---- */

static struct conn *conn_take(struct sensor *s)
{
    struct conn *c = TAILQ_LAST(&s->spare, conn_list); /* still in the cache */
    if (c) {
        TAILQ_REMOVE(&s->spare, c, age);
        memset(c, 0, sizeof *c);
        return c;
    }
    c = calloc(1, sizeof *c);
    if (!c)
        abort(); /* limits.connections bounds how many there are */
    return c;
}

void conns_bury(struct sensor *s)
{
    TAILQ_CONCAT(&s->spare, &s->dead, age);
}

void conns_free(struct sensor *s)
{
    struct conn *c;
    conns_bury(s);
    while ((c = TAILQ_FIRST(&s->spare))) {
        TAILQ_REMOVE(&s->spare, c, age);
        free(c);
    }
}

/* What the connection holds, against limits.memory_mib. False: there is no more. */
static bool account(struct conn *c)
{
    size_t n = sizeof *c + c->in.cap + c->out.cap;
    if (c->begun)
        n += c->s.type->state_size;
    if (c->tls)
        n += tls_memory(c->tls);
    if (n > UINT32_MAX)
        return false;
    if (n < c->memory)
        net_memory_give(&c->sensor->env, c->memory - n);
    else if (n > c->memory && !net_memory_take(&c->sensor->env, n - c->memory))
        return false;
    c->memory = (uint32_t)n;
    return true;
}

/* The loop's own buffers serve one connection after the other; one large answer is no reason to
 * keep them large. */
static void empty(struct buf *b)
{
    b->n = 0;
    if (b->cap > SPARE_BYTES)
        buf_free(b);
}

/* ---- the end ---- */

/* A connection whose session never began: its bytes are an observation all the same. */
static void record_unspoken(struct conn *c)
{
    struct net_env *env = &c->sensor->env;
    struct authority_match match;
    struct span client = buf_as_span(&c->in);
    if (c->stage == CONN_SHAKING)
        client = tls_hello_bytes(c->tls);
    bool ours = raw_server_authority(env, &c->s.peer, &match);
    raw_server_record(env, &c->s.peer, ours ? &match : NULL, client, client.n, span_of(NULL, 0), 0);
    arena_reset(env->arena);
}

static void stop_waiting(struct conn *c)
{
    if (c->waits)
        TAILQ_REMOVE(&c->sensor->waiting, c, next_waiting);
    c->waits = false;
}

/* Calls end(), once. */
static void end_session(struct conn *c, enum session_end why, struct cur *rest)
{
    stop_waiting(c);
    if (c->begun) {
        size_t before = c->sensor->plain.n;
        c->s.type->end(&c->s, why, rest);
        c->sensor->plain.n = before;
        arena_reset(c->sensor->env.arena);
        free(c->s.state);
        c->s.state = NULL;
        c->begun = false;
    } else if (c->stage == CONN_FIRST || c->stage == CONN_SHAKING) {
        record_unspoken(c);
    }
    buf_free(&c->in);
    c->more = false;
}

static void unlist(struct conn *c)
{
    struct sensor *s = c->sensor;
    TAILQ_REMOVE(c->spoke ? &s->served : &s->silent, c, age);
    if (c->ready)
        TAILQ_REMOVE(&s->ready, c, next_ready);
    timer_clear(&c->timer);
    if (c->counted)
        limit_leave(s->addresses, &c->s.peer.src);
    s->connections--;
    net_count(&s->env, connections, -1);
}

/* Closes; everything else was ended before. */
static void bury(struct conn *c, bool reset)
{
    const struct linger at_once = {.l_onoff = 1};
    struct sensor *s = c->sensor;
    if (reset)
        setsockopt(c->source.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(c->source.fd);
    c->source.fd = -1;
    c->stage = CONN_DEAD;
    tls_free(c->tls);
    c->tls = NULL;
    buf_free(&c->in);
    buf_free(&c->out);
    net_memory_give(&s->env, c->memory);
    unlist(c);
    TAILQ_INSERT_TAIL(&s->dead, c, age);
}

void conn_kill(struct conn *c, enum session_end why)
{
    if (c->stage == CONN_DEAD)
        return;
    struct cur rest = cur_of(buf_as_span(&c->in));
    end_session(c, why, &rest);
    bury(c, false);
}

void conn_finish(struct conn *c, enum session_end why)
{
    if (c->stage >= CONN_CLOSING)
        return;
    struct cur rest = cur_of(buf_as_span(&c->in));
    end_session(c, why, &rest);
    c->stage = CONN_CLOSING;
}

/* ---- the session's word ---- */

static void wait_for_ticket(struct conn *c)
{
    struct conn_list *list = &c->sensor->waiting;
    struct conn *before = TAILQ_LAST(list, conn_list);
    while (before && before->s.ticket > c->s.ticket)
        before = TAILQ_PREV(before, conn_list, next_waiting);
    if (before)
        TAILQ_INSERT_AFTER(list, before, c, next_waiting);
    else
        TAILQ_INSERT_HEAD(list, c, next_waiting);
    c->waits = true;
    c->wait_at = c->sensor->env.tick;
}

static void new_state(struct conn *c)
{
    free(c->s.state);
    c->s.state = calloc(1, c->s.type->state_size + 1);
    if (!c->s.state)
        abort();
}

static enum session_next become(struct conn *c)
{
    c->s.type = c->s.becomes;
    c->s.becomes = NULL;
    c->s.wake_at = 0;
    c->s.paused = false;
    c->became = true;
    c->head_at = c->sensor->env.tick;
    if (c->stage == CONN_FIRST)
        c->stage = CONN_SESSION;
    new_state(c);
    return c->s.type->begin(&c->s);
}

static size_t unsent(const struct conn *c)
{
    return c->out.n - c->out_at + c->sensor->plain.n + c->sensor->wire.n;
}

static bool flush(struct conn *c);

/* RFC 3207, 4.2: our answer goes in the clear, and what came in behind the command is forgotten. */
static void start_tls(struct conn *c)
{
    buf_free(&c->in);
    if (!flush(c)) {
        conn_kill(c, SESSION_RESET);
        return;
    }
    c->tls = tls_new(&c->sensor->env, &c->s.peer);
    c->head_at = c->sensor->env.tick;
    c->stage = CONN_SHAKING;
    if (!c->tls) {
        net_count(&c->sensor->env, connections_limited, 1);
        conn_kill(c, SESSION_LIMIT);
    }
}

bool conn_follow(struct conn *c, enum session_next next, struct cur *rest)
{
    if (next == SESSION_BECOME)
        next = become(c);
    arena_reset(c->sensor->env.arena);
    switch (next) {
    case SESSION_GO_ON:
        if (c->s.ticket && !c->waits)
            wait_for_ticket(c);
        return true;
    case SESSION_STARTTLS:
        rest->p = rest->end;
        start_tls(c);
        return false;
    case SESSION_CLOSE:
        c->linger = !c->eof && (!c->drained || cur_left(rest)) && (c->tls || unsent(c));
        end_session(c, SESSION_CLOSED, rest);
        c->stage = CONN_CLOSING;
        return false;
    case SESSION_ABORT:
    case SESSION_BECOME: /* twice at once: a session's mistake */
        break;
    }
    end_session(c, SESSION_CLOSED, rest);
    bury(c, true);
    return false;
}

/* ---- out ---- */

/* Sends from `at`; false: the connection is broken. */
static bool send_some(struct conn *c, const uint8_t *p, size_t n, size_t *at)
{
    while (*at < n) {
        ssize_t sent = send(c->source.fd, p + *at, n - *at, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM;
        net_count(&c->sensor->env, sent_bytes, sent);
        c->active = c->sensor->env.tick;
        *at += (size_t)sent;
    }
    return true;
}

/* What could not be sent before, then what the session and TLS just said. False: broken. */
static bool flush(struct conn *c)
{
    struct sensor *s = c->sensor;
    struct buf *fresh = c->tls ? &s->wire : &s->plain;
    bool good = true;
    if (c->tls_open && s->plain.n)
        good = tls_output(c->tls, buf_as_span(&s->plain), &s->wire) == 0;
    if (c->tls_open && c->stage == CONN_CLOSING) {
        tls_close(c->tls, &s->wire);
        c->tls_open = false;
    }
    if (c->out.n) {
        size_t at = c->out_at;
        buf_span(&c->out, buf_as_span(fresh));
        good &= send_some(c, c->out.p, c->out.n, &at);
        c->out_at = (uint32_t)at;
        if (at == c->out.n) {
            buf_free(&c->out);
            c->out_at = 0;
        }
    } else if (fresh->n) {
        size_t at = 0;
        good &= send_some(c, fresh->p, fresh->n, &at);
        if (good)
            buf_put(&c->out, fresh->p + at, fresh->n - at);
    }
    empty(&s->plain);
    empty(&s->wire);
    return good;
}

bool conn_takes(const struct conn *c)
{
    return c->stage <= CONN_SESSION && !c->s.ticket && !c->s.paused && unsent(c) <= CONN_OUT_MAX;
}

/* ---- deadlines ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t idle_ms(const struct conn *c)
{
    if (c->stage == CONN_LINGER)
        return CONN_LINGER_MS;
    return c->listener->config->protocol == NET_DNS ? limits(c)->dns_tcp_idle_ms
                                                    : limits(c)->idle_ms;
}

/* When the connection is too old, or was silent for too long. */
static int64_t deadline(const struct conn *c)
{
    int64_t at = c->opened + limits(c)->lifetime_ms;
    bool ours = c->waits || (c->begun && c->s.paused); /* it is us who are slow */
    if (!ours || c->out.n)
        at = earlier(at, c->active + idle_ms(c));
    if (!ours && c->stage <= CONN_SESSION && (c->stage < CONN_SESSION || !c->spoke))
        at = earlier(at, c->head_at + limits(c)->head_ms);
    return at;
}

static void schedule(struct conn *c)
{
    int64_t at = deadline(c);
    if (c->waits)
        at = earlier(at, c->wait_at + limits(c)->stored_ms);
    if (c->begun && c->s.wake_at)
        at = earlier(at, c->s.wake_at);
    if (!timer_is_set(&c->timer) || at < c->timer.at)
        timer_set(&c->sensor->timers, &c->timer, at);
}

/* ---- one turn ---- */

/* The client may still be sending: closing now would be a reset, which takes our last words from
 * it. */
static void shut(struct conn *c)
{
    if (!c->linger || c->sensor->stopping || shutdown(c->source.fd, SHUT_WR) < 0) {
        bury(c, false);
        return;
    }
    c->stage = CONN_LINGER;
    c->active = c->opened = c->sensor->env.tick;
    c->drained = false;
}

static bool watch(struct conn *c)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    c->watched = true;
    return epoll_ctl(c->sensor->epoll, EPOLL_CTL_ADD, c->source.fd, &ev) == 0;
}

static void get_ready(struct conn *c)
{
    bool lingers = c->stage == CONN_LINGER && !c->drained;
    if (!lingers && !(conn_takes(c) && (c->more || (!c->drained && !c->eof))))
        return;
    if (!c->ready)
        TAILQ_INSERT_TAIL(&c->sensor->ready, c, next_ready);
    c->ready = true;
}

/* A turn's end: sends, closes what is over, sees to it that somebody calls again. */
static void settle(struct conn *c)
{
    if (c->stage == CONN_DEAD)
        return;
    if (c->eof && !c->more && conn_takes(c))
        conn_finish(c, SESSION_PEER_CLOSED);
    if (!flush(c)) {
        conn_kill(c, SESSION_RESET);
        return;
    }
    if (c->stage == CONN_CLOSING && !c->out.n)
        shut(c);
    if (c->stage == CONN_DEAD)
        return;
    if (!account(c) || (!c->watched && !watch(c))) {
        net_count(&c->sensor->env, connections_limited, 1);
        conn_kill(c, SESSION_LIMIT);
        return;
    }
    get_ready(c);
    schedule(c);
}

/* The first words, and then once a second at most, move it behind those that were idle longer. */
static void note_activity(struct conn *c)
{
    struct sensor *s = c->sensor;
    if (s->env.tick - c->active >= 1000 && c->spoke) {
        TAILQ_REMOVE(&s->served, c, age);
        TAILQ_INSERT_TAIL(&s->served, c, age);
    }
    c->active = s->env.tick;
}

static void read_some(struct conn *c)
{
    struct sensor *s = c->sensor;
    ssize_t n = recv(c->source.fd, s->scratch, LOOP_SCRATCH, 0);
    if (n < 0 && errno == EINTR)
        return; /* not drained: tried again */
    c->drained = n < 0 || (n < (ssize_t)LOOP_SCRATCH && !c->half);
    if (n < 0) {
        if (errno != EAGAIN)
            conn_kill(c, SESSION_RESET);
        return;
    }
    if (n == 0) {
        c->eof = c->drained = true;
        return;
    }
    net_count(&s->env, received_bytes, n);
    note_activity(c);
    conn_feed(c, span_of(s->scratch, (size_t)n));
}

static void read_and_forget(struct conn *c)
{
    ssize_t n = recv(c->source.fd, c->sensor->scratch, LOOP_SCRATCH, 0);
    c->drained = n < (ssize_t)LOOP_SCRATCH && !c->half;
    if (n > 0) {
        net_count(&c->sensor->env, received_bytes, n);
        c->forgotten += (uint32_t)n;
    }
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR) || c->forgotten > CONN_LINGER_MAX)
        bury(c, false);
    else
        c->drained |= n < 0;
}

void conn_ready(struct conn *c)
{
    TAILQ_REMOVE(&c->sensor->ready, c, next_ready);
    c->ready = false;
    if (c->stage == CONN_LINGER)
        read_and_forget(c);
    else if (conn_takes(c) && c->more)
        conn_resume(c);
    else if (conn_takes(c) && !c->drained && !c->eof)
        read_some(c);
    settle(c);
}

void conn_event(struct conn *c, uint32_t events)
{
    if (c->stage == CONN_DEAD)
        return; /* closed earlier in this turn */
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->drained = false;
    if (events & (EPOLLRDHUP | EPOLLHUP))
        c->half = true;
    if (c->out.n && events & EPOLLOUT && !flush(c)) {
        conn_kill(c, SESSION_RESET);
        return;
    }
    bool broken = events & EPOLLERR || (events & EPOLLHUP && c->stage != CONN_LINGER);
    if (c->stage == CONN_LINGER)
        read_and_forget(c);
    else if (conn_takes(c) && c->more)
        conn_resume(c);
    else if (conn_takes(c) && !c->drained && !c->eof)
        read_some(c);
    else if (broken)
        conn_kill(c, SESSION_RESET); /* no use to wait for the disk, or for a slow answer */
    settle(c);
}

/* ---- what time brings ---- */

static void wake(struct conn *c)
{
    struct cur rest = cur_of(buf_as_span(&c->in));
    bool paused = c->s.paused;
    c->became = false;
    c->s.wake_at = 0;
    enum session_next next = c->s.type->wake ? c->s.type->wake(&c->s) : SESSION_GO_ON;
    if (paused && !c->s.wake_at)
        c->s.paused = false;
    if (conn_follow(c, next, &rest) && ((paused && !c->s.paused) || c->became))
        conn_resume(c);
}

static void stored(struct conn *c, bool ok)
{
    struct cur rest = cur_of(buf_as_span(&c->in));
    stop_waiting(c);
    c->s.ticket = 0;
    enum session_next next = c->s.type->stored ? c->s.type->stored(&c->s, ok) : SESSION_GO_ON;
    if (conn_follow(c, next, &rest))
        conn_resume(c);
    settle(c);
}

void conn_timer(struct conn *c)
{
    int64_t tick = c->sensor->env.tick;
    if (c->begun && c->s.wake_at && tick >= c->s.wake_at) {
        wake(c);
    } else if (c->waits && tick >= c->wait_at + limits(c)->stored_ms) {
        stored(c, false);
        return;
    } else if (tick >= deadline(c)) {
        if (c->stage != CONN_LINGER)
            net_count(&c->sensor->env, timeouts, 1);
        conn_kill(c, SESSION_TIMEOUT);
    }
    settle(c);
}

void conns_stored(struct sensor *s)
{
    uint64_t durable = __atomic_load_n(&s->ring.shared->durable, __ATOMIC_ACQUIRE);
    struct conn *c;
    while ((c = TAILQ_FIRST(&s->waiting)) && c->s.ticket <= durable)
        stored(c, true);
}

void conns_stop(struct sensor *s)
{
    struct conn_list *lists[] = {&s->silent, &s->served};
    struct conn *c;
    for (int i = 0; i < 2; i++) {
        while ((c = TAILQ_FIRST(lists[i]))) {
            if (c->stage < CONN_CLOSING)
                conn_finish(c, SESSION_STOPPED);
            flush(c);
            conn_kill(c, SESSION_STOPPED);
        }
    }
}

/* ---- the beginning ---- */

static struct ip ip_of(const struct sockaddr_storage *a, uint16_t *port)
{
    if (a->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)a;
        *port = be16_get((const uint8_t *)&v4->sin_port);
        return ip_from_bytes((const uint8_t *)&v4->sin_addr, false);
    }
    const struct sockaddr_in6 *v6 = (const void *)a;
    *port = be16_get((const uint8_t *)&v6->sin6_port);
    return ip_from_bytes((const uint8_t *)&v6->sin6_addr, true);
}

/* Where the client meant to go: before nftables' REDIRECT if there was one. */
static void find_destination(struct conn *c)
{
    const struct listener *l = c->listener;
    struct sockaddr_storage a;
    socklen_t n = sizeof a;
    if (!l->config->transparent) {
        int rc = l->v6 ? getsockopt(c->source.fd, SOL_IPV6, SO_ORIGINAL_DST6, &a, &n)
                       : getsockopt(c->source.fd, SOL_IP, SO_ORIGINAL_DST, &a, &n);
        if (rc == 0) {
            c->s.peer.dst = ip_of(&a, &c->s.peer.dst_port);
            return;
        }
    }
    n = sizeof a;
    if ((l->wildcard || l->config->transparent) &&
        getsockname(c->source.fd, (struct sockaddr *)&a, &n) == 0) {
        c->s.peer.dst = ip_of(&a, &c->s.peer.dst_port);
        return;
    }
    c->s.peer.dst = l->ip;
    c->s.peer.dst_port = l->port;
}

/* Room for one more: of those that have said nothing of use the oldest goes, else the longest idle.
 * A mail that is being stored is not given up. */
static bool evict(struct sensor *s)
{
    struct conn_list *lists[] = {&s->silent, &s->served};
    for (int i = 0; i < 2; i++) {
        struct conn *c = TAILQ_FIRST(lists[i]);
        for (int k = 0; c && k < EVICT_LOOK; k++, c = TAILQ_NEXT(c, age)) {
            if (c->waits)
                continue;
            net_count(&s->env, connections_limited, 1);
            conn_kill(c, SESSION_LIMIT);
            return true;
        }
    }
    return false;
}

bool conn_count(struct conn *c)
{
    struct sensor *s = c->sensor;
    c->counted = limit_enter(s->addresses, &c->s.peer.src, limits(c)->address_connections);
    if (!c->counted) {
        net_count(&s->env, connections_limited, 1);
        bury(c, true);
    }
    return c->counted;
}

static void open_conn(struct sensor *s, struct listener *l, int fd,
                      const struct sockaddr_storage *from)
{
    struct conn *c = conn_take(s);
    c->source = (struct source){SOURCE_CONN, fd};
    c->sensor = s;
    c->listener = l;
    c->opened = c->active = c->head_at = s->env.tick;
    c->s.env = &s->env;
    c->s.out = &s->plain;
    c->s.quiet_since_begin = true;
    c->s.peer.tcp = true;
    c->s.peer.src = ip_of(from, &c->s.peer.src_port);
    s->connections++;
    net_count(&s->env, accepted, 1);
    net_count(&s->env, connections, 1);
    TAILQ_INSERT_TAIL(&s->silent, c, age);
    if (l->config->proxy) {
        c->stage = CONN_PROXY;
        if (!sensor_is_balancer(s, &c->s.peer.src)) {
            net_count(&s->env, proxy_refused, 1);
            bury(c, true);
            return;
        }
    } else {
        if (!conn_count(c))
            return;
        find_destination(c);
        conn_begin(c);
    }
    /* Most clients that speak first have done so by now. */
    if (c->stage != CONN_DEAD && l->config->protocol != NET_SMTP && conn_takes(c))
        read_some(c);
    settle(c);
}

/* Why accept4 gave nothing. True: it may be asked again. */
static bool accept_failed(struct sensor *s)
{
    switch (errno) {
    case EINTR:
    case ECONNABORTED: /* that client is gone */
    case EPROTO:
    case EPERM: /* a firewall says no */
        return true;
    case EMFILE:
        if (evict(s))
            return true;
        break;
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
        evict(s);
        break;
    default:
        return false;
    }
    s->accept_at = s->env.tick + ACCEPT_PAUSE_MS; /* for a moment nobody is let in */
    return false;
}

void conn_accept(struct sensor *s, struct listener *l)
{
    struct sockaddr_storage from;
    for (int i = 0; i < ACCEPT_BATCH && !s->accept_at; i++) {
        socklen_t n = sizeof from;
        int fd = accept4(l->source.fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && accept_failed(s))
            continue;
        if (fd < 0)
            return;
        if (s->connections >= s->env.config->limits.connections && !evict(s)) {
            net_count(&s->env, accepted, 1);
            net_count(&s->env, connections_limited, 1);
            close(fd);
            continue;
        }
        open_conn(s, l, fd, &from);
    }
}
