/* Connections before and between requests: accepted here, so that PROXY headers are read before
 * libmicrohttpd sees the socket, and so that there is always room: when all are taken, the one that
 * has waited longest for its request to be whole makes place. */
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "web/web_impl.h"
#include "wire/proxy.h"

#define ACCEPT_BATCH  64
#define HEADINGS_MAX  1024 /* connections whose PROXY header is awaited */
#define HEADING_MS    3000
#define DEAF_MS       100 /* when no descriptors are left */
#define CROWD_BUCKETS 4096
#define REPLY_MS      60000 /* to take an answer, */
#define BYTES_PER_S   4096  /* and this much longer; of a body what has come counts */
#define SCAN_MS       500

/* ---- how many an address has; of IPv6 a /64 is one ---- */

struct crowd_entry {
    struct crowd_entry *next;
    struct ip ip;
    unsigned n;
};
struct web_crowd {
    struct crowd_entry *bucket[CROWD_BUCKETS];
};

struct web_crowd *web_crowd_new(void)
{
    return mem_zeroed(1, sizeof(struct web_crowd));
}

void web_crowd_free(struct web_crowd *c)
{
    for (size_t i = 0; c && i < CROWD_BUCKETS; i++)
        for (struct crowd_entry *e = c->bucket[i], *next; e; e = next) {
            next = e->next;
            free(e);
        }
    free(c);
}

static struct crowd_entry **crowd_find(struct web_crowd *c, const struct ip *ip)
{
    uint64_t high = be64_get(ip->b), low = be64_get(ip->b + 8);
    uint64_t hash = (high ^ low * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;
    struct crowd_entry **e = &c->bucket[(hash >> 40) % CROWD_BUCKETS];
    while (*e && memcmp(&(*e)->ip, ip, sizeof *ip) != 0)
        e = &(*e)->next;
    return e;
}

static struct ip crowd_key(const struct ip *ip)
{
    return ip_is_v4(ip) ? *ip : net_of(ip, 64).ip;
}

static bool is_proxy(const struct web *w, const struct ip *ip)
{
    for (size_t i = 0; i < w->setup.n_proxies; i++)
        if (net_has(&w->setup.proxies[i], ip))
            return true;
    return false;
}

/* Where an onion service leads here, everybody who comes by it comes from there. */
static bool is_onion(const struct web *w, const struct ip *ip)
{
    static const struct ip v6 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
    const char *onion = w->setup.onion;
    return onion && onion[0] &&
           (ip_is_v4(ip) ? ip_v4(ip) == 0x7f000001 : memcmp(ip, &v6, sizeof v6) == 0);
}

/* False when the address has all that it may. A proxy speaks for many, and so does an onion. */
static bool crowd_add(struct web *w, struct web_conn *c)
{
    if (is_proxy(w, &c->client) || is_onion(w, &c->client))
        return true;
    struct ip key = crowd_key(&c->client);
    struct crowd_entry **e = crowd_find(w->crowd, &key);
    if (!*e) {
        *e = mem_zeroed(1, sizeof **e);
        (*e)->ip = key;
    }
    if (w->setup.connections_per_ip && (*e)->n >= w->setup.connections_per_ip)
        return false;
    (*e)->n++;
    return c->counted = true;
}

static void crowd_remove(struct web *w, struct web_conn *c)
{
    if (!c->counted)
        return;
    struct ip key = crowd_key(&c->client);
    struct crowd_entry **at = crowd_find(w->crowd, &key), *e = *at;
    if (e && --e->n == 0) {
        *at = e->next;
        free(e);
    }
}

/* ---- the lists ---- */

static void unlink_conn(struct web *w, struct web_conn *c)
{
    *(c->prev ? &c->prev->next : &w->list[c->phase].first) = c->next;
    *(c->next ? &c->next->prev : &w->list[c->phase].last) = c->prev;
    w->list[c->phase].n--;
}

static void link_conn(struct web *w, struct web_conn *c, enum web_phase phase)
{
    c->phase = phase;
    c->since = w->now;
    c->next = NULL;
    c->prev = w->list[phase].last;
    *(c->prev ? &c->prev->next : &w->list[phase].first) = c;
    w->list[phase].last = c;
    w->list[phase].n++;
}

void web_conn_phase(struct web *w, struct web_conn *c, enum web_phase phase)
{
    if (c->phase == WEB_CUT)
        return;
    unlink_conn(w, c);
    link_conn(w, c, phase);
}

struct web_conn *web_conn_of(struct web *w, int fd)
{
    return fd >= 0 && (size_t)fd < w->conn_cap ? w->conn[fd] : NULL;
}

void web_conn_drop(struct web *w, struct web_conn *c)
{
    crowd_remove(w, c);
    unlink_conn(w, c);
    w->conn[c->fd] = NULL;
    free(c);
}

static void close_heading(struct web *w, struct web_conn *c)
{
    int fd = c->fd;
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, fd, NULL);
    web_conn_drop(w, c);
    close(fd);
}

void web_conn_cut(struct web *w, struct web_conn *c)
{
    w->figures.cut_off++;
    if (c->phase == WEB_HEADING) {
        close_heading(w, c);
        return;
    }
    shutdown(c->fd, SHUT_RDWR);
    web_conn_phase(w, c, WEB_CUT);
}

/* ---- new ones ---- */

static unsigned count_open(const struct web *w)
{
    unsigned n = 0;
    for (unsigned i = 0; i < WEB_CUT; i++)
        n += w->list[i].n;
    return n;
}

/* False when all are being answered. */
static bool make_room(struct web *w)
{
    if (count_open(w) < w->setup.connections)
        return true;
    struct web_conn *c = w->list[WEB_WAITING].first;
    if (!c)
        c = w->list[WEB_HEADING].first;
    if (!c)
        c = w->list[WEB_BODY].first;
    if (c)
        web_conn_cut(w, c);
    return c;
}

static struct web_conn *conn_new(struct web *w, int fd, const struct sockaddr_storage *a)
{
    size_t had = w->conn_cap;
    if ((size_t)fd >= had) {
        w->conn_cap = (size_t)fd + 256;
        w->conn = mem_resize(w->conn, w->conn_cap, sizeof *w->conn);
        memset(w->conn + had, 0, (w->conn_cap - had) * sizeof *w->conn);
    }
    if (w->conn[fd]) /* closed by libmicrohttpd before it was ready to say so */
        web_conn_drop(w, w->conn[fd]);
    struct web_conn *c = w->conn[fd] = mem_zeroed(1, sizeof *c);
    const struct sockaddr_in *a4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
    bool v6 = a->ss_family == AF_INET6;
    c->fd = fd;
    c->peer = v6 ? ip_from_bytes(a6->sin6_addr.s6_addr, true)
                 : ip_from_bytes((const uint8_t *)&a4->sin_addr, false);
    c->client = c->peer;
    c->port = ntohs(v6 ? a6->sin6_port : a4->sin_port);
    link_conn(w, c, WEB_HEADING);
    return c;
}

static void refuse(struct web *w, struct web_conn *c)
{
    w->figures.refused++;
    close_heading(w, c);
}

/* To libmicrohttpd, which then owns the descriptor. */
static void hand_on(struct web *w, struct web_conn *c)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6}; /* it is not looked at: ours is kept here */
    if (!crowd_add(w, c)) {
        refuse(w, c);
        return;
    }
    web_conn_phase(w, c, WEB_WAITING);
    if (MHD_add_connection(w->daemon, c->fd, (struct sockaddr *)&a, sizeof a) != MHD_YES) {
        w->figures.refused++; /* it has closed the socket */
        web_conn_drop(w, c);
    }
}

static void await_header(struct web *w, struct web_conn *c)
{
    struct epoll_event e = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.u64 = (uint64_t)c->fd};
    if (!is_proxy(w, &c->peer)) {
        refuse(w, c);
        return;
    }
    if (w->list[WEB_HEADING].n > HEADINGS_MAX)
        web_conn_cut(w, w->list[WEB_HEADING].first);
    if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, c->fd, &e) < 0)
        refuse(w, c);
}

void web_conn_header(struct web *w, struct web_conn *c)
{
    uint8_t bytes[PROXY_V2_MAX];
    struct proxy_header header;
    ssize_t n = recv(c->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    int rc = n > 0 ? proxy_parse(span_of(bytes, (size_t)n), &header) : -1;
    if (rc == 0)
        return;
    if (rc < 0 || (!header.local && header.udp) ||
        recv(c->fd, bytes, header.length, MSG_DONTWAIT) != (ssize_t)header.length) {
        refuse(w, c);
        return;
    }
    if (!header.local && ip_is_set(&header.src)) {
        c->client = header.src;
        c->port = header.src_port;
    }
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    hand_on(w, c);
}

static void no_descriptors(struct web *w)
{
    if (w->list[WEB_WAITING].first)
        web_conn_cut(w, w->list[WEB_WAITING].first);
    w->deaf_until = w->now + DEAF_MS;
    epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->setup.listener, NULL);
    log_line(LOG_WARN, "web: no connection can be accepted", "errno=%d", errno);
}

void web_conn_accept(struct web *w)
{
    for (unsigned i = 0; i < ACCEPT_BATCH && !w->stopping; i++) {
        struct sockaddr_storage a;
        socklen_t n = sizeof a;
        int fd =
            accept4(w->setup.listener, (struct sockaddr *)&a, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
            no_descriptors(w);
        if (fd < 0 && errno != ECONNABORTED)
            return;
        if (fd < 0)
            continue;
        bool room = make_room(w);
        struct web_conn *c = conn_new(w, fd, &a);
        if (!room)
            refuse(w, c);
        else if (w->setup.proxy_header)
            await_header(w, c);
        else
            hand_on(w, c);
    }
}

/* ---- time ---- */

static int64_t deadline(const struct web *w, const struct web_conn *c)
{
    switch (c->phase) {
    case WEB_HEADING:
        return c->since + HEADING_MS;
    case WEB_WAITING:
        return c->since + (int64_t)w->setup.request_s * 1000;
    case WEB_BODY:
        return c->since + (int64_t)w->setup.request_s * 1000 +
               (int64_t)(c->request ? c->request->taken / BYTES_PER_S : 0) * 1000;
    case WEB_REPLYING:
        return c->since + REPLY_MS + (int64_t)(c->reply_n / BYTES_PER_S) * 1000;
    default:
        return INT64_MAX;
    }
}

/* Those whose time depends on how much there is. */
static void scan(struct web *w, enum web_phase phase)
{
    for (struct web_conn *c = w->list[phase].first, *next; c; c = next) {
        next = c->next;
        if (deadline(w, c) <= w->now)
            web_conn_cut(w, c);
    }
}

void web_conn_deadlines(struct web *w)
{
    static const enum web_phase ordered[] = {WEB_HEADING, WEB_WAITING};
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)w->setup.listener};
    if (w->deaf_until && w->now >= w->deaf_until) {
        w->deaf_until = 0;
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->setup.listener, &e);
    }
    for (size_t i = 0; i < sizeof ordered / sizeof *ordered; i++)
        for (struct web_conn *c; (c = w->list[ordered[i]].first) && deadline(w, c) <= w->now;)
            web_conn_cut(w, c);
    if (w->now - w->scanned < SCAN_MS)
        return;
    w->scanned = w->now;
    scan(w, WEB_BODY);
    scan(w, WEB_REPLYING);
}

int64_t web_conn_next_deadline(const struct web *w)
{
    int64_t next = w->deaf_until ? w->deaf_until : INT64_MAX;
    for (unsigned i = WEB_HEADING; i <= WEB_WAITING; i++) {
        const struct web_conn *c = w->list[i].first;
        int64_t due = c ? deadline(w, c) : INT64_MAX;
        if (due < next)
            next = due;
    }
    bool scans = w->list[WEB_BODY].n || w->list[WEB_REPLYING].n;
    return scans && w->scanned + SCAN_MS < next ? w->scanned + SCAN_MS : next;
}
