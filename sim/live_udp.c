#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "sim/live.h"
#include "sim/live_socket.h"
#include "sim/message.h"
#include "wire/proxy.h"

#define BATCH       64
#define MESSAGE_MAX 600
#define ANSWER_MS   1000 /* until a query is sent again */
#define TRIES       3

/* A query under way; its number is in the message id. */
struct query {
    bool busy;
    uint8_t tries;
    uint16_t id;
    int64_t sent_at;
    struct ip source;
    size_t n;
    uint8_t message[MESSAGE_MAX];
};

struct live_udp {
    const struct live_target *t;
    int fd;
    struct live_address to;
    struct query q[LIVE_WINDOW_MAX];
    unsigned under_way, next, waiting[BATCH], n_waiting;
    struct live_counts counts;
    uint16_t turn;
    int64_t looked; /* ms, for late ones */
    struct buf request;
};

int live_udp_new(const struct live_target *t, struct live_udp **out, struct err *err)
{
    struct live_udp *u = calloc(1, sizeof *u);
    const int size = 4 << 20, one = 1;
    if (!u)
        return err_set(err, -ENOMEM, "live: no memory");
    u->t = t;
    u->to = live_address(&t->to, t->port[SCENARIO_DNS]);
    u->fd = socket(u->to.a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    *out = u;
    if (u->fd < 0)
        return err_errno(err, "socket");
    setsockopt(u->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(u->fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (!t->proxy)
        setsockopt(u->fd, IPPROTO_IP, IP_FREEBIND, &one, sizeof one);
    return 0;
}

/* Sends what waits, each from its own source address. */
static int send_waiting(struct live_udp *u, struct err *err)
{
    struct mmsghdr m[BATCH] = {0};
    struct iovec iov[BATCH];
    union {
        char space[CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr align;
    } control[BATCH];
    unsigned done = 0;
    for (unsigned i = 0; i < u->n_waiting; i++) {
        struct query *q = &u->q[u->waiting[i]];
        iov[i] = (struct iovec){q->message, q->n};
        m[i].msg_hdr = (struct msghdr){
            .msg_name = &u->to.a, .msg_namelen = u->to.n, .msg_iov = &iov[i], .msg_iovlen = 1};
        if (u->t->proxy)
            continue;
        struct in_pktinfo from = {.ipi_spec_dst.s_addr = htonl(ip_v4(&q->source))};
        memset(&control[i], 0, sizeof control[i]);
        m[i].msg_hdr.msg_control = &control[i];
        m[i].msg_hdr.msg_controllen = sizeof control[i].space;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m[i].msg_hdr);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof from);
        memcpy(CMSG_DATA(c), &from, sizeof from);
    }
    while (done < u->n_waiting) {
        int n = sendmmsg(u->fd, m + done, u->n_waiting - done, 0);
        if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
            return err_errno(err, "live: sending to port %u", u->t->port[SCENARIO_DNS]);
        if (n < 0) {
            struct pollfd p = {.fd = u->fd, .events = POLLOUT};
            poll(&p, 1, 10);
        }
        done += n > 0 ? (unsigned)n : 0;
    }
    u->n_waiting = 0;
    return 0;
}

static void put_waiting(struct live_udp *u, unsigned i)
{
    u->q[i].sent_at = clock_ms();
    u->q[i].tries++;
    u->waiting[u->n_waiting++] = i;
}

static void take_answers(struct live_udp *u)
{
    static uint8_t bytes[BATCH][MESSAGE_MAX];
    struct mmsghdr m[BATCH] = {0};
    struct iovec iov[BATCH];
    for (unsigned i = 0; i < BATCH; i++) {
        iov[i] = (struct iovec){bytes[i], MESSAGE_MAX};
        m[i].msg_hdr = (struct msghdr){.msg_iov = &iov[i], .msg_iovlen = 1};
    }
    int n;
    while ((n = recvmmsg(u->fd, m, BATCH, MSG_DONTWAIT, NULL)) > 0)
        for (int i = 0; i < n; i++) {
            uint16_t id = m[i].msg_len >= 2 ? be16_get(bytes[i]) : 0;
            struct query *q = &u->q[id % LIVE_WINDOW_MAX];
            if (!q->busy || q->id != id)
                continue;
            q->busy = false;
            u->under_way--;
            u->counts.answered++;
        }
}

/* Sends again what has had no answer for long, gives up at last. */
static int look_for_late(struct live_udp *u, struct err *err)
{
    int64_t now = clock_ms();
    int rc = 0;
    for (unsigned i = 0; i < LIVE_WINDOW_MAX && rc == 0; i++) {
        struct query *q = &u->q[i];
        if (!q->busy || now - q->sent_at < ANSWER_MS)
            continue;
        if (q->tries == TRIES) {
            q->busy = false;
            u->under_way--;
            u->counts.failed++;
            continue;
        }
        u->counts.resent++;
        put_waiting(u, i);
        if (u->n_waiting == BATCH)
            rc = send_waiting(u, err);
    }
    return rc == 0 && u->n_waiting ? send_waiting(u, err) : rc;
}

static int wait_for(struct live_udp *u, unsigned under_way, struct err *err)
{
    int rc = u->n_waiting ? send_waiting(u, err) : 0;
    take_answers(u);
    while (rc == 0 && u->under_way > under_way) {
        struct pollfd p = {.fd = u->fd, .events = POLLIN};
        if (poll(&p, 1, 100) == 0)
            rc = look_for_late(u, err);
        take_answers(u);
    }
    return rc;
}

int live_udp_tend(struct live_udp *u, struct err *err)
{
    int rc = u->n_waiting ? send_waiting(u, err) : 0;
    take_answers(u);
    if (rc == 0 && clock_ms() - u->looked > ANSWER_MS / 4) {
        u->looked = clock_ms();
        rc = look_for_late(u, err);
    }
    return rc;
}

static struct query *free_query(struct live_udp *u)
{
    while (u->q[u->next % LIVE_WINDOW_MAX].busy)
        u->next++;
    return &u->q[u->next % LIVE_WINDOW_MAX];
}

int live_udp_contact(struct live_udp *u, const struct live_contact *c, struct err *err)
{
    int rc = 0;
    if (u->under_way >= u->t->window) /* make room for a whole batch */
        rc = wait_for(u, u->t->window > BATCH ? u->t->window - BATCH : 0, err);
    if (rc < 0)
        return rc;
    struct query *q = free_query(u);
    unsigned slot = (unsigned)(q - u->q);
    struct ip destination = live_destination(u->t, c);
    u->request.n = 0;
    message_request(c->m, c->c, c->day, &u->request);
    q->source = live_source(u->t, c);
    q->n = u->t->proxy ? proxy_write_v2(q->message, &q->source, c->c->port, &destination, 53, true)
                       : 0;
    if (u->request.n < 12 || u->request.n > MESSAGE_MAX - q->n)
        return 0; /* a scanner's visit without words */
    q->id = (uint16_t)(slot | (unsigned)(++u->turn % (65536 / LIVE_WINDOW_MAX)) * LIVE_WINDOW_MAX);
    be16_put(u->request.p, q->id);
    memcpy(q->message + q->n, u->request.p, u->request.n);
    q->n += u->request.n;
    q->busy = true;
    q->tries = 0;
    u->next++;
    u->under_way++;
    u->counts.sent++;
    put_waiting(u, slot);
    return u->n_waiting == BATCH ? send_waiting(u, err) : 0;
}

int live_udp_end(struct live_udp *u, struct live_counts *counts, struct err *err)
{
    int rc = u->fd >= 0 ? wait_for(u, 0, err) : 0;
    counts->sent += u->counts.sent;
    counts->answered += u->counts.answered;
    counts->failed += u->counts.failed;
    counts->resent += u->counts.resent;
    if (u->fd >= 0)
        close(u->fd);
    buf_free(&u->request);
    free(u);
    return rc;
}
