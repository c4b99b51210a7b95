#include "net/test_talk.h"

#include <netinet/tcp.h>

#include "wire/proxy.h"

/* A datagram's echo, with who sent it whereto in front. */
static size_t echo(struct net_env *env, const struct net_peer *peer, struct span query,
                   uint8_t *out, size_t cap)
{
    struct buf b = {0};
    struct event ev;
    net_event(env, peer, NULL, KIND_DNS, &ev);
    ev.answer = query;
    net_record(env, &ev, (struct span){0}, NULL);
    put_endpoint(&b, &peer->src, peer->src_port);
    put_endpoint(&b, &peer->dst, peer->dst_port);
    put_endpoint(&b, &peer->via, 0);
    buf_span(&b, query);
    size_t n = b.n < cap ? b.n : cap;
    memcpy(out, b.p, n);
    buf_free(&b);
    return n;
}

/* ---- datagrams ---- */

static bool asks(const char *ip, uint16_t port)
{
    char text[128], got[256];
    int fd = client(ip, port, SOCK_DGRAM); /* connected: an answer from elsewhere is not heard */
    client_say(fd, "query");
    ssize_t n = recv(fd, got, sizeof got - 1, 0);
    got[n < 0 ? 0 : n] = 0;
    sprintf(text, "%s %u %s %u  0 query", strchr(ip, ':') ? "::1" : "127.0.0.1", own_port(fd), ip,
            port);
    close(fd);
    if (strcmp(text, got) != 0)
        printf("# got \"%s\", want \"%s\"\n", got, text);
    return strcmp(text, got) == 0;
}

static void test_datagrams(void)
{
    struct world w;
    world_init(&w);
    w.setup.datagram = echo;
    world_listen(&w, (struct net_listener){.protocol = NET_DNS, .udp = true}, "");
    world_listen(&w, (struct net_listener){.protocol = NET_DNS, .udp = true}, "127.0.0.5");
    ok(world_start(&w), "a sensor is ready");
    uint16_t any = world_port(&w, 0, false, AF_INET);
    ok(asks("127.0.0.1", any), "an answer");
    ok(asks("127.0.0.2", any), "an answer from the address asked, on a wildcard socket");
    ok(asks("::1", world_port(&w, 0, false, AF_INET6)), "likewise by IPv6");
    ok(asks("127.0.0.5", world_port(&w, 1, false, AF_INET)),
       "an answer of a socket with one address");
    int fd = client("127.0.0.1", any, SOCK_DGRAM);
    char text[64], got[256];
    unsigned sent = 0, heard = 0;
    for (; sent < 3000; sent++) { /* more than a batch waits at times */
        sprintf(text, "%u", sent);
        client_say(fd, text);
        while (sent - heard > 100 && recv(fd, got, sizeof got, 0) > 0)
            heard++;
    }
    while (heard < sent && recv(fd, got, sizeof got, 0) > 0)
        heard++;
    is_int(heard, 3000);
    struct arena arena = {0};
    struct seen seen;
    unsigned records = 0, in_order = 0;
    while (records < 3004 && world_next(&w, &arena, &seen)) {
        sprintf(text, "%u", records - 4);
        in_order += records >= 4 && span_is(seen.ev.answer, text);
        records++;
    }
    is_int(records, 3004);
    is_int(in_order, 3000);
    is_int(w.counters->recorded, 3004);
    ok(w.counters->received_bytes > 9000 && w.counters->sent_bytes > 9000, "bytes are counted");
    arena_free(&arena);
    close(fd);
    world_end(&w);
}

/* A balancer's datagrams; dnsdist puts the header into each. */
static void test_datagrams_proxied(void)
{
    struct world w;
    world_init(&w);
    w.setup.datagram = echo;
    world_listen(&w, (struct net_listener){.protocol = NET_DNS, .udp = true, .proxy = true},
                 "127.0.0.1");
    net_parse(span_str("127.0.0.9/32"), &w.balancers[0]);
    w.config.balancers_count = 1;
    world_start(&w);
    uint16_t port = world_port(&w, 0, false, AF_INET);
    int balancer = client_from("127.0.0.9", "127.0.0.1", port, SOCK_DGRAM);
    int stranger = client_from("127.0.0.8", "127.0.0.1", port, SOCK_DGRAM);
    struct ip src, dst;
    ip_parse(span_str("198.51.100.7"), &src);
    ip_parse(span_str("192.0.2.53"), &dst);
    uint8_t data[128];
    size_t n = proxy_write_v2(data, &src, 4444, &dst, 53, true);
    memcpy(data + n, "who", 3);
    client_put(stranger, data, n + 3);
    client_say(balancer, "no header");
    client_put(balancer, data, n + 3);
    ok(client_hears(balancer, "198.51.100.7 4444 192.0.2.53 53 127.0.0.9 0 who"),
       "the client is the one in the header, the answer goes to the balancer");
    client_put(balancer, data, n);
    is_int(wait_for(w.counters->proxy_refused == 2), 1, "a stranger's and a bare one are counted");
    close(balancer);
    close(stranger);
    world_end(&w);
}

/* ---- streams ---- */

static void test_talk(void)
{
    struct world w;
    char want[128];
    talk_world(&w, NET_HTTP);
    world_start(&w);
    int fd = talk_client(&w);
    client_say(fd, "one\n");
    ok(client_hears(fd, "<one>\n"), "an answer");
    client_say(fd, "two\nthree\nfo");
    ok(client_hears(fd, "<two>\n<three>\n"), "two lines at once");
    ms_sleep(20);
    client_say(fd, "u");
    ms_sleep(20);
    client_say(fd, "r\npeer\n");
    sprintf(want, "<four>\n127.0.0.1 %u 127.0.0.1 %u  0 \n", own_port(fd),
            world_port(&w, 0, true, AF_INET));
    ok(client_hears(fd, want), "a line in three pieces; both addresses");
    client_say(fd, "bye\n");
    ok(client_hears(fd, "bye\n") && client_closed(fd), "the session closes");
    close(fd);
    ok(ended(&w, "closed", ""), "and is told so");

    fd = talk_client(&w);
    client_say(fd, "last\nwords");
    shutdown(fd, SHUT_WR);
    ok(client_hears(fd, "<last>\n") && client_closed(fd),
       "a client that shuts its side is answered");
    close(fd);
    ok(ended(&w, "peer closed", "words"), "what it had begun is given to end()");

    fd = talk_client(&w);
    client_say(fd, "abort\n");
    char c;
    ok(recv(fd, &c, 1, 0) < 0 && errno == ECONNRESET, "a reset when the session aborts");
    close(fd);
    ok(ended(&w, "closed", ""), "which it knows");

    fd = talk_client(&w);
    client_say(fd, "x\n");
    client_hears(fd, "<x>\n");
    struct linger at_once = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(fd);
    ok(ended(&w, "reset", ""), "a client's reset");

    fd = talk_client(&w);
    char junk[600];
    memset(junk, 'j', sizeof junk);
    client_put(fd, junk, sizeof junk);
    ok(client_gone(fd), "more than the session keeps ends it");
    close(fd);
    junk[300] = 0;
    struct arena arena = {0};
    struct seen seen;
    ok(world_next(&w, &arena, &seen) && span_is(seen.ev.answer, "limit") && seen.blob.n == 600,
       "by its limit");
    arena_free(&arena);
    is_int(w.counters->accepted, 5);
    is_int(wait_for(w.counters->connections == 0), 1);
    is_int(w.counters->memory_bytes, 0, "all memory was given back");
    world_end(&w);
}

/* A client that still sends when we close gets our last words. */
static void test_linger(void)
{
    struct world w;
    static char much[200000];
    talk_world(&w, NET_HTTP);
    world_start(&w);
    int fd = talk_client(&w);
    memset(much, 'm', sizeof much);
    memcpy(much, "bye\n", 4);
    client_put(fd, much, sizeof much);
    ok(client_hears(fd, "bye\n"), "the answer arrives");
    ok(client_closed(fd), "and an orderly end");
    close(fd);
    is_int(wait_for(w.counters->connections == 0), 1);
    world_end(&w);
}

static void test_greeting(void)
{
    struct world w;
    talk_world(&w, NET_SMTP);
    world_start(&w);
    int fd = talk_client(&w), one = 0;
    socklen_t n = sizeof one;
    ok(client_hears(fd, "hello\n"), "a server that speaks first");
    getsockopt(w.sockets[0].fd, SOL_TCP, TCP_NODELAY, &one, &n);
    ok(one, "without delay");
    close(fd);
    ok(ended(&w, "peer closed", ""), "a client that says nothing");
    world_end(&w);
}

/* A session's pauses, and answers that are larger than what the network takes. */
static void test_pace(void)
{
    struct world w;
    static char got[65536];
    talk_world(&w, NET_HTTP);
    world_start(&w);
    int fd = talk_client(&w);
    int64_t before = clock_ms();
    client_say(fd, "pause 200\nnext\n");
    ok(client_hears(fd, "woke\n<next>\n"), "goes on with what came in during the pause");
    int64_t took = clock_ms() - before;
    ok(took >= 200 && took < 400, "when it is over");
    for (int i = 0; i < 20; i++)
        client_say(fd, "big 1000000\n");
    client_say(fd, "end\nbye\n");
    ms_sleep(200);
    ok(w.counters->memory_bytes < 4 << 20, "who does not read gets no more into memory");
    size_t all = 0;
    for (ssize_t n; (n = recv(fd, got, sizeof got, 0)) > 0; all += (size_t)n)
        ;
    is_int(all, 20000000 + strlen("<end>\nbye\n"));
    close(fd);
    world_end(&w);
}

/* ---- PROXY ---- */

static void test_proxy(void)
{
    struct world w;
    world_init(&w);
    w.setup.sessions = talk_types;
    world_listen(&w, (struct net_listener){.protocol = NET_HTTP, .tcp = true, .proxy = true},
                 "127.0.0.1");
    world_listen(&w, (struct net_listener){.protocol = NET_SMTP, .tcp = true, .proxy = true},
                 "::1");
    net_parse(span_str("127.0.0.0/30"), &w.balancers[0]);
    net_parse(span_str("::1/128"), &w.balancers[1]);
    w.config.balancers_count = 2;
    w.config.limits.address_connections = 2;
    world_start(&w);
    uint16_t port = world_port(&w, 0, true, AF_INET);
    int fd = client("127.0.0.1", port, SOCK_STREAM);
    client_say(fd, "PROXY TCP4 198.51.100.7 192.0.2.1 4444 80\r\npe");
    ms_sleep(20);
    client_say(fd, "er\n");
    ok(client_hears(fd, "198.51.100.7 4444 192.0.2.1 80 127.0.0.1 0 \n"),
       "version 1, and a line behind it");
    int more = client("127.0.0.1", port, SOCK_STREAM);
    client_say(more, "PROXY TCP4 198.51.100.7 192.0.2.1 4445 80\r\nx\n");
    ok(client_hears(more, "<x>\n"), "another of that client");
    int third = client("127.0.0.1", port, SOCK_STREAM);
    client_say(third, "PROXY TCP4 198.51.100.7 192.0.2.1 4446 80\r\nx\n");
    ok(client_gone(third), "limits count the client, not the balancer");
    close(third);
    close(more);
    close(fd);

    struct ip src, dst;
    ip_parse(span_str("2001:db8::7"), &src);
    ip_parse(span_str("2001:db8::1"), &dst);
    uint8_t data[128];
    size_t n = proxy_write_v2(data, &src, 4444, &dst, 25, false);
    fd = client("::1", world_port(&w, 1, true, AF_INET6), SOCK_STREAM);
    for (size_t i = 0; i < n; i++) { /* a byte at a time */
        client_put(fd, data + i, 1);
        ms_sleep(1);
    }
    client_say(fd, "peer\n");
    ok(client_hears(fd, "2001:db8::7 4444 2001:db8::1 25 ::1 0 \n"),
       "version 2, IPv6, a byte at a time");
    close(fd);
    fd = client("127.0.0.1", port, SOCK_STREAM);
    n = 16;
    memcpy(data, "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", 16);
    client_put(fd, data, n);
    ok(client_closed(fd), "LOCAL is closed quietly");
    close(fd);
    is_int(w.counters->proxy_refused, 0);
    fd = client("127.0.0.1", port, SOCK_STREAM);
    client_say(fd, "peer\n");
    ok(client_gone(fd), "no header");
    close(fd);
    is_int(w.counters->proxy_refused, 1);
    fd = client_from("127.0.0.4", "127.0.0.1", port, SOCK_STREAM);
    ok(client_gone(fd), "a stranger");
    close(fd);
    is_int(w.counters->proxy_refused, 2);
    world_end(&w);
}

/* ---- storage ---- */

/* A record was asked to be durable. */
static bool takes_wanted(struct world *w)
{
    struct arena arena = {0};
    struct seen seen;
    bool good = world_next(w, &arena, &seen) && seen.head.wanted &&
                span_is(seen.ev.answer, "store") && span_is(seen.blob, "store");
    arena_free(&arena);
    return good;
}

static bool quiet(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, 100) == 0;
}

static void test_stored(void)
{
    struct world w;
    uint64_t woken;
    talk_world(&w, NET_HTTP);
    w.config.limits.stored_ms = 600;
    w.config.limits.idle_ms = 300;
    world_start(&w);
    int a = talk_client(&w), b = talk_client(&w), c = talk_client(&w);
    w.reader.shared->reader_sleeps = 1;
    client_say(a, "store\nafter\n");
    ok(takes_wanted(&w), "a record that somebody waits for");
    ok(read(w.setup.ring_event, &woken, sizeof woken) == sizeof woken, "the recorder is woken");
    ok(quiet(a), "no answer before it is stored, nor to what is behind it");
    client_say(b, "store\n");
    ok(takes_wanted(&w), "another's");
    client_say(c, "still\n");
    ok(client_hears(c, "<still>\n"), "others are answered meanwhile");
    world_store(&w);
    ok(client_hears(a, "stored\n<after>\n"), "stored, and on with what was behind it");
    ok(client_hears(b, "stored\n"), "both");
    int64_t before = clock_ms();
    client_say(a, "store\n");
    ok(client_hears(a, "failed\n"), "when nobody stores it the session is told");
    int64_t took = clock_ms() - before;
    ok(took >= 600 && took < 800, "in time, and idleness does not count");
    takes_wanted(&w);
    client_say(b, "store\n");
    takes_wanted(&w);
    close(b); /* gone while it waits */
    world_store(&w);
    client_say(a, "full\n");
    ok(client_hears(a, "room\n"), "there is room");
    w.reader.shared->storage_full = 1;
    client_say(a, "full\n");
    ok(client_hears(a, "full\n"), "there is none");
    close(a);
    close(c);
    world_end(&w);
}

static void test_full_ring(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    world_start(&w);
    int fd = talk_client(&w);
    for (int i = 0; i < 12000; i++)
        client_say(fd, "note\n");
    client_say(fd, "store\nend\n");
    ok(client_hears(fd, "lost\n<end>\n"), "a session is told that there is no room");
    struct arena arena = {0};
    struct seen seen;
    struct span r;
    unsigned n = 0;
    while (ring_next(&w.reader, &r) == 1)
        n++;
    ok(w.counters->dropped > 1000, "what did not fit is counted");
    is_int(n + w.counters->dropped, 12001);
    is_int(w.counters->recorded, n);
    ring_release(&w.reader, w.reader.at);
    client_say(fd, "note\nend\n");
    client_hears(fd, "<end>\n");
    ok(world_next(&w, &arena, &seen) && span_is(seen.ev.answer, "note"),
       "and on it goes with room");
    arena_free(&arena);
    close(fd);
    world_end(&w);
}

static void test_suppressed(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    w.config.limits.address_events = 3;
    world_start(&w);
    int fd = talk_client(&w);
    for (int i = 0; i < 50; i++)
        client_say(fd, "note\n");
    client_say(fd, "end\n");
    ok(client_hears(fd, "<end>\n"), "one that says too much is answered");
    ok(w.counters->recorded >= 3 && w.counters->recorded <= 6, "but not recorded beyond its rate");
    is_int(w.counters->recorded + w.counters->suppressed, 50);
    close(fd);
    world_end(&w);
}

/* ---- limits ---- */

static void test_deadlines(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    w.config.limits.head_ms = 300;
    w.config.limits.idle_ms = 600;
    w.config.limits.lifetime_ms = 1500;
    world_start(&w);
    int64_t before = clock_ms();
    int slow = talk_client(&w), idle = talk_client(&w), old = talk_client(&w);
    client_say(idle, "x\n");
    client_hears(idle, "<x>\n");
    client_say(old, "still\n");
    client_hears(old, "<still>\n");
    client_say(slow, "neve");
    ok(client_closed(slow) && clock_ms() - before >= 300 && clock_ms() - before < 500,
       "first words take too long");
    ok(ended(&w, "timeout", "neve"), "what there was is not lost");
    int64_t next = before;
    for (int i = 0; i < 20; i++) {
        if (idle >= 0 && clock_ms() - before > 550) {
            ok(client_closed(idle), "silence takes too long");
            int64_t took = clock_ms() - before;
            ok(took >= 600 && took < 850, "by its own limit");
            close(idle);
            idle = -1;
        }
        client_say(old, "still\n");
        if (!client_hears(old, "<still>\n"))
            break;
        next += 100;
        ms_sleep((int)(next - clock_ms()) > 0 ? (int)(next - clock_ms()) : 0);
        if (clock_ms() - before > 1450)
            break;
    }
    ok(client_gone(old), "life takes too long");
    int64_t took = clock_ms() - before;
    ok(took >= 1500 && took < 1800, "by its own limit");
    is_int(w.counters->timeouts, 3);
    close(slow);
    close(old);
    world_end(&w);
}

static void test_address_limit(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    w.config.limits.address_connections = 3;
    world_start(&w);
    uint16_t port = world_port(&w, 0, true, AF_INET);
    int fd[4];
    for (int i = 0; i < 3; i++) {
        fd[i] = client("127.0.0.1", port, SOCK_STREAM);
        client_say(fd[i], "x\n");
        client_hears(fd[i], "<x>\n");
    }
    fd[3] = client("127.0.0.1", port, SOCK_STREAM);
    ok(client_gone(fd[3]), "one too many of an address");
    int other = client_from("127.0.0.2", "127.0.0.1", port, SOCK_STREAM);
    client_say(other, "x\n");
    ok(client_hears(other, "<x>\n"), "others come in");
    close(fd[0]);
    wait_for(w.counters->connections == 3);
    close(fd[3]);
    fd[3] = client("127.0.0.1", port, SOCK_STREAM);
    client_say(fd[3], "x\n");
    ok(client_hears(fd[3], "<x>\n"), "again when one has left");
    is_int(w.counters->connections_limited, 1);
    for (int i = 1; i < 4; i++)
        close(fd[i]);
    close(other);
    world_end(&w);
}

/* More connections than may be: those that say nothing go first, the oldest of them first. */
static void test_eviction(void)
{
    struct world w;
    enum { MOST = 20 };
    int crowd[MOST * 3];
    talk_world(&w, NET_HTTP);
    w.config.limits.connections = MOST;
    world_start(&w);
    int good = talk_client(&w);
    client_say(good, "x\n");
    client_hears(good, "<x>\n");
    for (int i = 0; i < MOST * 3; i++) {
        crowd[i] = talk_client(&w);
        if (i == 0)
            client_say(crowd[i], "halfa");
    }
    int late = talk_client(&w);
    client_say(late, "y\n");
    ok(client_hears(late, "<y>\n"), "a crowd that says nothing keeps nobody out");
    client_say(good, "still\n");
    ok(client_hears(good, "<still>\n"), "nor does it push out who spoke");
    ok(w.counters->connections <= MOST, "the limit holds");
    ok(client_gone(crowd[0]) && client_gone(crowd[1]), "the oldest had to go");
    ok(quiet(crowd[MOST * 3 - 1]), "the latest is still there");
    ok(ended(&w, "limit", "halfa"), "what was begun is recorded");
    for (int i = 0; i < MOST * 3; i++)
        close(crowd[i]);
    close(good);
    close(late);
    world_end(&w);
}

static void test_descriptors(void)
{
    struct world w;
    int crowd[200];
    talk_world(&w, NET_HTTP);
    w.descriptors = 64;
    world_start(&w);
    for (int i = 0; i < 200; i++)
        crowd[i] = talk_client(&w);
    int late = talk_client(&w);
    client_say(late, "y\n");
    ok(client_hears(late, "<y>\n"), "when descriptors run out, others still come in");
    for (int i = 0; i < 200; i++)
        close(crowd[i]);
    close(late);
    world_end(&w);
}

static void test_memory(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    w.config.limits.memory_mib = 16;
    world_start(&w);
    int fd = talk_client(&w), other = talk_client(&w);
    client_say(fd, "big 33554432\n");
    is_int(wait_for(w.counters->connections_limited == 1), 1);
    client_say(other, "z\n");
    ok(client_hears(other, "<z>\n"), "who wants too much memory goes, others stay");
    ok(w.counters->memory_bytes < 100000, "and it is given back");
    close(fd);
    close(other);
    world_end(&w);
}

static long resident_kib(pid_t pid)
{
    char path[64];
    long pages = 0, all;
    sprintf(path, "/proc/%d/statm", (int)pid);
    FILE *f = fopen(path, "r");
    if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return pages * sysconf(_SC_PAGESIZE) / 1024;
}

#define CROWD 2000

static void test_crowd(void)
{
    struct world w;
    static int fd[CROWD];
    talk_world(&w, NET_HTTP);
    w.config.limits.address_connections = CROWD + 10;
    world_start(&w);
    fd[0] = talk_client(&w);
    client_say(fd[0], "x\n");
    client_hears(fd[0], "<x>\n");
    long before = resident_kib(w.pid);
    for (int i = 1; i < CROWD; i++)
        fd[i] = talk_client(&w);
    ok(wait_for(w.counters->connections == CROWD), "2,000 connections");
    long silent = resident_kib(w.pid);
    int heard = 0;
    for (int i = 0; i < CROWD; i++)
        client_say(fd[i], "x\n");
    for (int i = 0; i < CROWD; i++)
        heard += client_hears(fd[i], "<x>\n");
    is_int(heard, CROWD);
    long served = resident_kib(w.pid);
    printf("# bytes a connection: %ld silent, %ld served, %llu accounted\n",
           (silent - before) * 1024 / CROWD, (served - before) * 1024 / CROWD,
           (unsigned long long)w.counters->memory_bytes / CROWD);
    ok(w.counters->memory_bytes / CROWD < 1024, "less than 1 KiB each");
    for (int i = 0; i < CROWD; i++)
        close(fd[i]);
    ok(wait_for(w.counters->connections == 0), "and gone");
    world_end(&w);
}

/* ---- the supervisor's word ---- */

static void test_authority(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    world_start(&w);
    int fd = talk_client(&w);
    client_say(fd, "assets\n");
    ok(client_hears(fd, "1 assets\n"), "the first table");
    world_send_table(&w, world_table(7));
    int seven = 0;
    for (int i = 0; i < 100 && !seven; i++) {
        char got[32] = "";
        client_say(fd, "assets\n");
        ssize_t n = recv(fd, got, sizeof got - 1, 0);
        seven = n > 0 && strcmp(got, "7 assets\n") == 0;
        ms_sleep(5);
    }
    ok(seven, "a new one takes its place");
    FILE *bad = tmpfile();
    fputs("this is no table", bad);
    fflush(bad);
    world_send_table(&w, dup(fileno(bad)));
    fclose(bad);
    ms_sleep(50);
    client_say(fd, "assets\n");
    ok(client_hears(fd, "7 assets\n"), "a bad one does not");
    close(fd);
    world_end(&w);
}

/* Without a table nobody is answered, and nobody is turned away. */
static void test_no_authority(void)
{
    struct world w;
    struct link_message m;
    int fd, ends[2];
    struct err err = {0};
    talk_world(&w, NET_HTTP);
    w.setup.sockets_count = w.n_sockets;
    link_pair(ends, NULL);
    w.setup.link = ends[1];
    fflush(stdout);
    w.pid = fork();
    if (w.pid == 0) {
        close(ends[0]);
        exit(sensor_run(&w.setup, &err) < 0);
    }
    close(ends[1]);
    w.link = ends[0];
    fd = talk_client(&w);
    client_say(fd, "assets\n");
    ok(quiet(fd) && link_receive(w.link, &m, ends) == 0, "not ready");
    world_send_table(&w, world_table(2));
    ok(client_hears(fd, "2 assets\n"), "the first table lets clients in");
    ok(link_receive(w.link, &m, ends) == 1 && m.what == SENSOR_READY, "ready");
    close(fd);
    world_end(&w);
}

/* A reload: the sockets go to a successor, and with them who waits there. */
static void test_stop(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    world_start(&w);
    struct world old = w;
    int talking = talk_client(&w), pausing = talk_client(&w), stuck = talk_client(&w);
    client_say(talking, "x\n");
    client_hears(talking, "<x>\n");
    client_say(stuck, "hal");
    client_say(pausing, "pause 300\n");
    ms_sleep(50);
    world_say_stop(&old);
    ms_sleep(100);
    int fresh = talk_client(&w);
    client_say(fresh, "new\n");
    client_say(talking, "y\n");
    ok(client_hears(talking, "<y>\n"), "who is there is still answered");
    ok(client_hears(pausing, "woke\n"), "an answer on its way arrives");
    ok(quiet(fresh), "who comes now waits");
    ok(world_start(&w), "a successor");
    ok(client_hears(fresh, "<new>\n"), "which answers");
    int64_t before = clock_ms();
    is_int(world_wait(&old), 0, "the old one ends");
    ok(clock_ms() - before < 1200, "in time");
    ok(client_closed(talking) && client_gone(stuck), "and so do its connections");
    int stopped = 0;
    for (int i = 0; i < 3; i++) {
        struct arena arena = {0};
        struct seen seen;
        stopped += world_next(&w, &arena, &seen) && span_is(seen.ev.answer, "stopped");
        arena_free(&arena);
    }
    is_int(stopped, 3);
    close(talking);
    close(pausing);
    close(stuck);
    close(fresh);
    world_end(&w);
}

static void test_supervisor_dies(void)
{
    struct world w;
    talk_world(&w, NET_HTTP);
    world_start(&w);
    int fd = talk_client(&w);
    client_say(fd, "note\n");
    ms_sleep(20);
    shutdown(w.link, SHUT_RDWR);
    is_int(world_wait(&w), 0, "ends when its supervisor is gone");
    struct arena arena = {0};
    struct seen seen;
    ok(world_next(&w, &arena, &seen) && span_is(seen.ev.answer, "note"),
       "what it had seen is on the ring");
    ok(world_next(&w, &arena, &seen) && span_is(seen.ev.answer, "stopped"), "to the end");
    arena_free(&arena);
    close(fd);
    world_free(&w);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_datagrams();
    test_datagrams_proxied();
    test_talk();
    test_linger();
    test_greeting();
    test_pace();
    test_proxy();
    test_stored();
    test_full_ring();
    test_suppressed();
    test_deadlines();
    test_address_limit();
    test_eviction();
    test_descriptors();
    test_memory();
    test_crowd();
    test_authority();
    test_no_authority();
    test_stop();
    test_supervisor_dies();
    return tap_done();
}
