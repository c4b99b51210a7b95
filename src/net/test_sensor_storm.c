/* Many clients at once that do anything in any order: the loop's bookkeeping must come out even.
 * Each connection's session begins once and ends once, memory comes back, and the process lives. */
#include <fcntl.h>

#include "net/test_talk.h"
#include "wire/proxy.h"

#define CLIENTS 60
#define STEPS   20000

struct storm_client {
    int fd;
    unsigned kind;
};

static const char *const lines[] = {
    "x\n",
    "x\ny\nz\n",
    "par",
    "tial\n",
    "bye\n",
    "abort\n",
    "pause 1\n",
    "pause 40\nx\n",
    "store\n",
    "store\nx\nstore\n",
    "big 10\n",
    "big 300000\n",
    "big 900000\nbig 900000\nx\n",
    "note\n",
    "peer\n",
    "tls\n",
    "\x16\x03\x01",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "bye\nbye\n",
    "pause 3\nstore\nbye\n",
    "\n\n\n\n",
};

static void connect_one(struct storm_client *c, const struct world *w)
{
    uint8_t header[64];
    struct ip src, dst;
    char text[32];
    c->kind = (unsigned)rand() % 4;
    c->fd = client("127.0.0.1", world_port(w, c->kind, true, AF_INET), SOCK_STREAM);
    if (c->fd < 0)
        abort();
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    if (c->kind != 3 || rand() % 20 == 0)
        return;
    sprintf(text, "198.51.100.%d", rand() % 20);
    ip_parse(span_str(text), &src);
    ip_parse(span_str("127.0.0.1"), &dst);
    size_t n = proxy_write_v2(header, &src, 4444, &dst, 80, false);
    client_put(c->fd, header, rand() % 20 ? n : (size_t)rand() % n);
}

static void leave(struct storm_client *c)
{
    struct linger at_once = {.l_onoff = 1};
    if (rand() % 2)
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(c->fd);
    c->fd = -1;
}

static void step(struct storm_client *c, const struct world *w)
{
    static char got[65536];
    if (c->fd < 0) {
        connect_one(c, w);
        return;
    }
    switch (rand() % 12) {
    case 0:
        leave(c);
        break;
    case 1:
        shutdown(c->fd, SHUT_WR);
        break;
    case 2:
    case 3:
    case 4:
        if (recv(c->fd, got, (size_t)rand() % sizeof got + 1, 0) == 0)
            leave(c);
        break;
    default:
        client_say(c->fd, lines[(size_t)rand() % (sizeof lines / sizeof *lines)]);
    }
}

static void clients_init(struct storm_client *c)
{
    for (int i = 0; i < CLIENTS; i++)
        c[i].fd = -1;
}

static void clients_close(const struct storm_client *c)
{
    for (int i = 0; i < CLIENTS; i++)
        if (c[i].fd >= 0)
            close(c[i].fd);
}

/* As a recorder that is slow at times: takes what there is, and sometimes stores it. Counts ends.
 */
static void take_all(struct world *w, unsigned *ends, unsigned *records)
{
    struct arena arena = {0};
    struct span r;
    while (ring_next(&w->reader, &r) == 1) {
        struct sensor_record head;
        struct event ev;
        memcpy(&head, r.p, sizeof head);
        if (event_decode(span_of(r.p + sizeof head, head.payload), &arena, &ev) < 0)
            abort();
        /* "closed" is also what raw_server_record answers, for those whose session never began. */
        *ends += !span_is(ev.answer, "store") && !span_is(ev.answer, "note");
        (*records)++;
        arena_reset(&arena);
    }
    arena_free(&arena);
    if (rand() % 3 == 0)
        world_store(w);
}

static void storm(unsigned seed, uint32_t connections)
{
    struct world w;
    struct storm_client c[CLIENTS];
    unsigned ends = 0, records = 0;
    world_init(&w);
    w.setup.sessions = talk_types;
    world_listen(&w, (struct net_listener){.protocol = NET_HTTP, .tcp = true}, "127.0.0.1");
    world_listen(&w, (struct net_listener){.protocol = NET_SMTP, .tcp = true}, "127.0.0.1");
    world_listen(&w, (struct net_listener){.protocol = NET_HTTP, .tcp = true, .tls = true},
                 "127.0.0.1");
    world_listen(&w, (struct net_listener){.protocol = NET_RAW, .tcp = true, .proxy = true},
                 "127.0.0.1");
    net_parse(span_str("127.0.0.1/32"), &w.balancers[0]);
    w.config.balancers_count = 1;
    w.config.limits.connections = connections;
    w.config.limits.address_connections = 50;
    w.config.limits.idle_ms = w.config.limits.head_ms = 150;
    w.config.limits.lifetime_ms = 1000;
    w.config.limits.stored_ms = 100;
    srand(seed);
    ok(world_start(&w), "a sensor");
    clients_init(c);
    for (int i = 0; i < STEPS; i++) {
        step(&c[(size_t)rand() % CLIENTS], &w);
        if (i % 64 == 0)
            take_all(&w, &ends, &records);
        if (i % 2000 == 0) /* deadlines pass */
            ms_sleep(rand() % 400);
    }
    clients_close(c);
    ok(wait_for(w.counters->connections == 0), "all are gone in the end");
    is_int(w.counters->memory_bytes, 0);
    take_all(&w, &ends, &records);
    printf("# %llu accepted, %u ended, %llu limited, %llu timeouts, %llu PROXY refused\n",
           (unsigned long long)w.counters->accepted, ends,
           (unsigned long long)w.counters->connections_limited,
           (unsigned long long)w.counters->timeouts, (unsigned long long)w.counters->proxy_refused);
    is_int(w.counters->recorded, records);
    is_int(w.counters->dropped, 0);
    /* Those without an end were closed before they had a session: behind PROXY, or one too many. */
    ok(ends <= w.counters->accepted && ends > w.counters->accepted / 2, "none ended twice");
    ok(w.counters->timeouts > 5 && ends > 500, "there was a storm");
    world_end(&w);
}

/* The same without limits that close early and without PROXY: exactly one end each. */
static void calm(unsigned seed)
{
    struct world w;
    struct storm_client c[CLIENTS];
    unsigned ends = 0, records = 0;
    world_init(&w);
    w.setup.sessions = talk_types;
    for (int i = 0; i < 4; i++)
        world_listen(&w,
                     (struct net_listener){.protocol = i & 1 ? NET_SMTP : NET_HTTP, .tcp = true},
                     "127.0.0.1");
    w.config.limits.idle_ms = w.config.limits.head_ms = 300;
    w.config.limits.stored_ms = 100;
    w.config.limits.connections = w.config.limits.address_connections = 100000;
    srand(seed);
    world_start(&w);
    clients_init(c);
    for (int i = 0; i < STEPS; i++) {
        step(&c[(size_t)rand() % CLIENTS], &w);
        if (i % 64 == 0)
            take_all(&w, &ends, &records);
    }
    clients_close(c);
    ok(wait_for(w.counters->connections == 0), "all are gone in the end");
    take_all(&w, &ends, &records);
    printf("# %llu limited, %llu dropped, %llu raw refused, %llu timeouts\n",
           (unsigned long long)w.counters->connections_limited,
           (unsigned long long)w.counters->dropped, (unsigned long long)w.counters->raw_refused,
           (unsigned long long)w.counters->timeouts);
    is_int(ends, w.counters->accepted, "each ended once");
    is_int(w.counters->memory_bytes, 0);
    world_end(&w);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    storm(1, 20000);
    storm(2, 25); /* fewer than come: somebody is evicted all the time */
    calm(3);
    return tap_done();
}
