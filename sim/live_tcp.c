#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sim/live.h"
#include "sim/live_socket.h"
#include "sim/message.h"
#include "wire/proxy.h"

#define ANSWER_MS  20000 /* a connection's life */
#define READ_MAX   4096
#define CARRIERS   0x7f000100u /* 127.0.1.0 and on: whence the balancer's connections come */
#define CARRIERS_N 4096u

enum state { FREE, CONNECTING, TALKING };

/* One connection. HTTP: request, then the answer's head. Raw: all at once, then the end. SMTP: a
 * line at a time, each behind its reply. */
struct talk {
    enum state state;
    enum scenario_kind kind;
    int fd;
    int64_t begun;
    struct buf out;
    size_t sent;       /* of out */
    size_t allowed;    /* SMTP: what may be sent by now */
    unsigned newlines; /* HTTP: of the empty line */
    bool line_last;    /* SMTP: this reply line has no '-' */
    unsigned column;
    bool good; /* SMTP: the last reply was 2xx or 3xx */
    bool quit; /* SMTP: all replies came */
};

struct live_tcp {
    const struct live_target *t;
    int epoll;
    int64_t looked; /* ms, for late ones */
    struct talk talk[LIVE_WINDOW_MAX];
    unsigned under_way;
    uint32_t carrier;
    struct live_counts counts;
};

int live_tcp_new(const struct live_target *t, struct live_tcp **out, struct err *err)
{
    struct live_tcp *l = calloc(1, sizeof *l);
    if (!l)
        return err_set(err, -ENOMEM, "live: no memory");
    l->t = t;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    *out = l;
    return l->epoll < 0 ? err_errno(err, "epoll") : 0;
}

static void end_talk(struct live_tcp *l, struct talk *k, bool good)
{
    static const struct linger reset = {.l_onoff = 1};
    if (good)
        l->counts.answered++;
    else
        l->counts.failed++;
    if (k->kind ==
        SCENARIO_HTTP) /* the answer is here: no TIME_WAIT, there are only so many ports */
        setsockopt(k->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(k->fd);
    k->out.n = 0;
    k->state = FREE;
    l->under_way--;
}

/* ---- what came in ---- */

/* SMTP: a whole reply allows the next line; behind DATA's line, the mail up to its end. */
static void allow_more(struct talk *k)
{
    struct span left = span_of(k->out.p + k->allowed, k->out.n - k->allowed);
    bool mail = k->allowed >= 6 && memcmp(k->out.p + k->allowed - 6, "DATA\r\n", 6) == 0;
    const uint8_t *end = mail     ? memmem(left.p, left.n, "\r\n.\r\n", 5)
                         : left.n ? memchr(left.p, '\n', left.n)
                                  : NULL;
    if (!left.n)
        k->quit = true;
    k->allowed = end ? (size_t)(end - k->out.p) + (mail ? 5 : 1) : k->out.n;
}

static void read_reply(struct talk *k, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++, k->column++) {
        if (k->column == 0)
            k->good = p[i] == '2' || p[i] == '3';
        if (k->column == 3)
            k->line_last = p[i] != '-';
        if (p[i] != '\n')
            continue;
        k->column = UINT32_MAX; /* 0 behind the increment */
        if (k->line_last)
            allow_more(k);
    }
}

/* 1 this was all, 0 more to come. */
static int heard(struct talk *k, const uint8_t *p, size_t n)
{
    if (k->kind == SCENARIO_SMTP) {
        read_reply(k, p, n);
        return k->quit;
    }
    if (k->kind != SCENARIO_HTTP)
        return 0;
    for (size_t i = 0; i < n; i++) {
        k->newlines = p[i] == '\n' ? k->newlines + 1 : p[i] == '\r' ? k->newlines : 0;
        if (k->newlines == 2)
            return 1;
    }
    return 0;
}

/* ---- turns ---- */

static void want(struct live_tcp *l, struct talk *k, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = k};
    epoll_ctl(l->epoll, EPOLL_CTL_MOD, k->fd, &e);
}

/* False: the connection is over. */
static bool send_more(struct live_tcp *l, struct talk *k)
{
    size_t upto = k->kind == SCENARIO_SMTP ? k->allowed : k->out.n;
    while (k->sent < upto) {
        ssize_t n = send(k->fd, k->out.p + k->sent, upto - k->sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN) {
            want(l, k, EPOLLIN | EPOLLOUT);
            return true;
        }
        if (n < 0)
            return false;
        k->sent += (size_t)n;
    }
    if (k->kind == SCENARIO_RAW)
        shutdown(k->fd, SHUT_WR);
    want(l, k, EPOLLIN);
    return true;
}

static void take_turn(struct live_tcp *l, struct talk *k, uint32_t events)
{
    uint8_t bytes[READ_MAX];
    if (k->state == CONNECTING || events & EPOLLOUT) {
        int why = 0;
        socklen_t n = sizeof why;
        if (k->state == CONNECTING &&
            (getsockopt(k->fd, SOL_SOCKET, SO_ERROR, &why, &n) < 0 || why)) {
            end_talk(l, k, false);
            return;
        }
        k->state = TALKING;
        if (!send_more(l, k)) {
            end_talk(l, k, false);
            return;
        }
    }
    if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    ssize_t n = recv(k->fd, bytes, sizeof bytes, 0);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        end_talk(l, k, n == 0 && k->kind == SCENARIO_RAW);
        return;
    }
    if (heard(k, bytes, (size_t)n))
        end_talk(l, k, true);
    else if (k->kind == SCENARIO_SMTP && !send_more(l, k))
        end_talk(l, k, false);
}

static void end_late(struct live_tcp *l)
{
    int64_t now = clock_ms();
    for (unsigned i = 0; i < LIVE_WINDOW_MAX; i++)
        if (l->talk[i].state != FREE && now - l->talk[i].begun > ANSWER_MS)
            end_talk(l, &l->talk[i], false);
}

void live_tcp_tend(struct live_tcp *l, int ms)
{
    struct epoll_event events[64];
    int n = epoll_wait(l->epoll, events, 64, ms);
    for (int i = 0; i < n; i++)
        take_turn(l, events[i].data.ptr, events[i].events);
    if (clock_ms() - l->looked > 1000) {
        end_late(l);
        l->looked = clock_ms();
    }
}

static void wait_for(struct live_tcp *l, unsigned under_way)
{
    while (l->under_way > under_way)
        live_tcp_tend(l, 100);
}

/* ---- a new one ---- */

static int open_socket(struct live_tcp *l, const struct live_contact *c, enum scenario_kind kind,
                       struct err *err)
{
    const int one = 1;
    struct ip source =
        l->t->proxy ? ip_from_v4(CARRIERS + l->carrier++ % CARRIERS_N) : live_source(l->t, c);
    struct live_address to = live_address(&l->t->to, l->t->port[kind]);
    struct live_address from = live_address(&source, 0);
    int fd = socket(to.a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return err_errno(err, "socket");
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (ip_is_v4(&l->t->to) && bind(fd, &from.a.any, from.n) < 0) {
        close(fd);
        return err_errno(err, "live: a source address");
    }
    if (connect(fd, &to.a.any, to.n) < 0 && errno != EINPROGRESS) {
        int rc = err_errno(err, "live: connecting to port %u", l->t->port[kind]);
        close(fd);
        return rc;
    }
    return fd;
}

int live_tcp_contact(struct live_tcp *l, const struct live_contact *c, struct err *err)
{
    enum scenario_kind kind = c->m->s->families[c->c->family].kind;
    if (l->under_way >= l->t->window)
        wait_for(l, l->t->window - 1);
    struct talk *k = l->talk;
    while (k->state != FREE)
        k++;
    int fd = open_socket(l, c, kind, err);
    if (fd < 0)
        return fd;
    struct buf out = k->out;
    *k =
        (struct talk){.state = CONNECTING, .kind = kind, .fd = fd, .begun = clock_ms(), .out = out};
    if (l->t->proxy) {
        struct ip source = live_source(l->t, c), destination = live_destination(l->t, c);
        uint8_t *p = buf_reserve(&k->out, 64);
        k->out.n += proxy_write_v2(p, &source, c->c->port, &destination,
                                   c->m->s->families[c->c->family].port, false);
    }
    k->allowed = k->out.n; /* the header alone: SMTP waits for the greeting */
    message_request(c->m, c->c, c->day, &k->out);
    struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = k};
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
    l->under_way++;
    l->counts.sent++;
    return 0;
}

int live_tcp_end(struct live_tcp *l, struct live_counts *counts, struct err *err)
{
    (void)err;
    wait_for(l, 0);
    counts->sent += l->counts.sent;
    counts->answered += l->counts.answered;
    counts->failed += l->counts.failed;
    counts->resent += l->counts.resent;
    for (unsigned i = 0; i < LIVE_WINDOW_MAX; i++)
        buf_free(&l->talk[i].out);
    if (l->epoll >= 0)
        close(l->epoll);
    free(l);
    return 0;
}
