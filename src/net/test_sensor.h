/* A sensor in a process of its own, on loopback sockets, for tests: the test is its supervisor, its
 * recorder and its clients. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tap.h"
#include "base/utc.h"
#include "net/sensor.h"
#include "net/session.h"
#include "net/test_config.h"

#define WORLD_RING        (1u << 20)
#define WORLD_SOCKETS     16
#define WORLD_PATIENCE_MS 5000

struct world {
    struct net_config config;
    struct net_listener listeners[8];
    struct net balancers[2];
    struct policy policies[2];
    struct sensor_socket sockets[WORLD_SOCKETS];
    unsigned n_sockets;
    struct sensor_setup setup;
    struct net_counters *counters;
    struct ring reader;
    int link; /* the supervisor's end */
    pid_t pid;
    rlim_t descriptors; /* 0: as many as the test has */
};

/* ---- time ---- */

static inline void ms_sleep(int ms)
{
    poll(NULL, 0, ms);
}

/* Until it holds, or patience ends. */
#define wait_for(cond)                                                                             \
    ({                                                                                             \
        int64_t until_ = clock_ms() + WORLD_PATIENCE_MS;                                           \
        bool holds_;                                                                               \
        while (!(holds_ = (cond)) && clock_ms() < until_)                                          \
            ms_sleep(2);                                                                           \
        holds_;                                                                                    \
    })

/* ---- the world ---- */

static inline void *world_shared(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    return p;
}

/* Default limits and no listeners. */
static inline void world_init(struct world *w)
{
    memset(w, 0, sizeof *w);
    test_config_init(&w->config, w->policies);
    w->config.listeners = w->listeners;
    w->config.balancers = w->balancers;
    w->counters = world_shared(sizeof *w->counters);
    w->setup = (struct sensor_setup){.config = &w->config,
                                     .sockets = w->sockets,
                                     .ring = world_shared(ring_memory(WORLD_RING)),
                                     .ring_capacity = WORLD_RING,
                                     .counters = w->counters,
                                     .ring_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                                     .stored_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC),
                                     .authority = -1};
    ring_format(w->setup.ring, WORLD_RING);
    w->reader = ring_reader(w->setup.ring, WORLD_RING, 0);
}

/* Binds one more listener ("" is every address); its number. */
static inline unsigned world_listen(struct world *w, struct net_listener l, const char *ip)
{
    struct err err = {0};
    unsigned number = w->config.listeners_count++;
    if (ip[0] && !ip_parse(span_str(ip), &l.ip))
        abort();
    w->listeners[number] = l;
    if (sensor_bind(&l, number, w->sockets, &w->n_sockets, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
    return number;
}

/* The port of that listener's socket. */
static inline uint16_t world_port(const struct world *w, unsigned listener, bool tcp, int family)
{
    for (unsigned i = 0; i < w->n_sockets; i++) {
        struct sockaddr_in6 a;
        socklen_t n = sizeof a;
        getsockname(w->sockets[i].fd, (struct sockaddr *)&a, &n);
        if (w->sockets[i].listener == listener && w->sockets[i].tcp == tcp &&
            a.sin6_family == family)
            return ntohs(a.sin6_port); /* where sockaddr_in has its port, too */
    }
    return 0;
}

/* A table with that many addresses, 127.0.0.1 being the first, under one order. */
static inline int world_table(unsigned addresses)
{
    struct authority_builder *b = authority_builder_new();
    int64_t now = utc_now(), day = 86400000000ll;
    struct authority_order order = {
        .index = 2, .id = span_str("order-1"), .from = now - day, .until = now + day};
    int fd;
    authority_builder_order(b, &order);
    for (unsigned i = 0; i < addresses; i++) {
        struct ip ip = ip_from_v4(0x7f000001 + i);
        struct authority_asset a = {.index = 3 + i,
                                    .kind = AUTHORITY_ADDRESS,
                                    .net = net_of(&ip, 32),
                                    .from = now - day,
                                    .until = now + day};
        if (authority_builder_asset(b, &a, NULL) < 0)
            abort();
    }
    if (authority_builder_finish(b, &fd, NULL) < 0)
        abort();
    authority_builder_free(b);
    return fd;
}

static inline void world_send_table(struct world *w, int fd)
{
    struct link_message m = {.what = SENSOR_AUTHORITY};
    link_send(w->link, &m, fd);
    close(fd);
}

static inline int world_lock_in(void *ctx, struct err *err)
{
    const struct world *w = ctx;
    struct rlimit few = {w->descriptors, w->descriptors};
    if (w->descriptors && setrlimit(RLIMIT_NOFILE, &few) < 0)
        return err_errno(err, "setrlimit");
    return 0;
}

/* Forks the sensor; waits until it says that it is ready. */
static inline bool world_start(struct world *w)
{
    struct link_message m;
    struct err err = {0};
    int ends[2], fd, got;
    if (link_pair(ends, NULL) < 0)
        abort();
    w->setup.sockets_count = w->n_sockets;
    w->setup.link = ends[1];
    w->setup.lock_in = world_lock_in;
    w->setup.lock_in_ctx = w;
    fflush(stdout);
    w->pid = fork();
    if (w->pid == 0) {
        close(ends[0]);
        if (w->setup.authority < 0)
            w->setup.authority = world_table(1);
        int rc = sensor_run(&w->setup, &err);
        if (rc < 0)
            printf("# sensor: %s\n", err.text);
        for (unsigned i = 0; i < w->n_sockets; i++)
            close(w->sockets[i].fd);
        exit(rc < 0);
    }
    close(ends[1]);
    w->link = ends[0];
    return wait_for((got = link_receive(w->link, &m, &fd)) != 0) && got == 1 &&
           m.what == SENSOR_READY;
}

static inline void world_say_stop(struct world *w)
{
    struct link_message m = {.what = SENSOR_STOP};
    link_send(w->link, &m, -1);
}

/* Waits for the process to end; its exit status, -1 when a signal ended it or it does not end. */
static inline int world_wait(struct world *w)
{
    int status = 0;
    pid_t gone = 0;
    wait_for((gone = waitpid(w->pid, &status, WNOHANG)) != 0);
    if (gone == 0) {
        kill(w->pid, SIGKILL);
        waitpid(w->pid, &status, 0);
    }
    close(w->link);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void world_free(struct world *w)
{
    for (unsigned i = 0; i < w->n_sockets; i++)
        close(w->sockets[i].fd);
    close(w->setup.ring_event);
    close(w->setup.stored_event);
    munmap(w->setup.ring, ring_memory(WORLD_RING));
    munmap(w->counters, sizeof *w->counters);
}

/* Stops it, and takes it apart. */
static inline void world_end(struct world *w)
{
    world_say_stop(w);
    is_int(world_wait(w), 0, "ends well");
    world_free(w);
}

/* ---- as its recorder ---- */

struct seen {
    struct sensor_record head;
    struct event ev; /* of the payload, as long as the ring is not released */
    struct span blob;
};

/* The next record; waits for it. */
static inline bool world_next(struct world *w, struct arena *arena, struct seen *out)
{
    struct span r;
    if (!wait_for(ring_next(&w->reader, &r) == 1) || r.n < sizeof out->head)
        return false;
    memcpy(&out->head, r.p, sizeof out->head);
    struct span payload = span_of(r.p + sizeof out->head, out->head.payload);
    out->blob = span_of(payload.p + payload.n, out->head.blob);
    return r.n == sizeof out->head + payload.n + out->blob.n &&
           event_decode(payload, arena, &out->ev) == 0;
}

/* All that was read is on the disk. */
static inline void world_store(struct world *w)
{
    const uint64_t one = 1;
    __atomic_store_n(&w->reader.shared->durable, w->reader.at, __ATOMIC_RELEASE);
    ring_release(&w->reader, w->reader.at);
    if (write(w->setup.stored_event, &one, sizeof one) < 0)
        abort();
}

/* ---- as its clients ---- */

static inline socklen_t client_address(struct sockaddr_storage *a, const char *ip, uint16_t port)
{
    struct sockaddr_in *v4 = (void *)a;
    struct sockaddr_in6 *v6 = (void *)a;
    memset(a, 0, sizeof *a);
    if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return sizeof *v4;
    }
    inet_pton(AF_INET6, ip, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    return sizeof *v6;
}

/* Connected, from an address of its own ("" is any); -1. */
static inline int client_from(const char *from, const char *ip, uint16_t port, int type)
{
    struct sockaddr_storage a;
    socklen_t n = client_address(&a, ip, port);
    struct timeval patience = {.tv_sec = WORLD_PATIENCE_MS / 1000};
    int fd = socket(a.ss_family, type | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (from[0]) {
        struct sockaddr_storage own;
        socklen_t m = client_address(&own, from, 0);
        if (bind(fd, (struct sockaddr *)&own, m) < 0)
            abort();
    }
    if (connect(fd, (struct sockaddr *)&a, n) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline int client(const char *ip, uint16_t port, int type)
{
    return client_from("", ip, port, type);
}

static inline bool client_put(int fd, const void *p, size_t n)
{
    return send(fd, p, n, MSG_NOSIGNAL) == (ssize_t)n;
}

static inline bool client_say(int fd, const char *text)
{
    return client_put(fd, text, strlen(text));
}

/* Exactly that text comes next. */
static inline bool client_hears(int fd, const char *text)
{
    char got[4096];
    size_t want = strlen(text), n = 0;
    while (n < want) {
        ssize_t more = recv(fd, got + n, want - n, 0);
        if (more <= 0)
            break;
        n += (size_t)more;
    }
    if (n == want && memcmp(got, text, n) == 0)
        return true;
    printf("# heard \"%.*s\", want \"%s\"\n", (int)n, got, text);
    return false;
}

/* The server closed in an orderly way, and said nothing more. */
static inline bool client_closed(int fd)
{
    char c;
    return recv(fd, &c, 1, 0) == 0;
}

/* In an orderly way or not. */
static inline bool client_gone(int fd)
{
    char c;
    ssize_t n = recv(fd, &c, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}
