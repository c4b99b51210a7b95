/* The metrics' text, by a parser of the format that is stricter than Prometheus' own, and the desk
 * as its clients see it. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/desk/desk.h"
#include "app/serve/metrics.h"
#include "app/serve/roles.h"
#include "base/link.h"
#include "base/tap.h"

#define CAPACITY (64u << 10)

void role_say(int link, enum role_message what, uint32_t number, const char *text)
{
    struct link_message m = {.what = what, .number = number};
    link_send(link, &m, -1);
}

/* ---- what the processes share, by hand ---- */

static struct serve_board board;
static struct net_counters counters[4];

static void *ring_new(void)
{
    void *ring = aligned_alloc(4096, (ring_memory(CAPACITY) + 4095) & ~(size_t)4095);
    if (!ring)
        abort();
    ring_format(ring, CAPACITY);
    return ring;
}

static struct serve_shared make_shared(void)
{
    struct serve_shared s = {.board = &board, .n_slots = 4, .ring_capacity = CAPACITY};
    for (unsigned i = 0; i < 4; i++)
        s.slot[i] = (struct serve_slot){.ring = ring_new(), .counters = &counters[i]};
    board = (struct serve_board){.supervisor = {.pid = 10, .since = 1500000},
                                 .recorder = {.pid = 11, .restarts = 2},
                                 .courier = {.pid = 0, .restarts = 7},
                                 .sensor = {{.pid = 20, .since = 1}, {.pid = 21, .restarts = 3}},
                                 .figures = {.log_size = 1234567890123,
                                             .events = 99,
                                             .commits = 8,
                                             .gaps = 1,
                                             .lost = 5,
                                             .assets = 6,
                                             .lag_us = 1234,
                                             .committed_at = 1700000000123456},
                                 .reloads = 4};
    counters[0] = (struct net_counters){.dns_queries = UINT64_MAX, .connections = 3};
    counters[1] = (struct net_counters){.dropped = 17};
    counters[2] = (struct net_counters){.recorded = 1}; /* runs no more, has counted */
    return s;
}

static void free_shared(struct serve_shared *s)
{
    for (unsigned i = 0; i < s->n_slots; i++)
        free(s->slot[i].ring);
}

/* ---- the format ---- */

#define FAMILIES_MAX 128
#define SAMPLES_MAX  2048

struct parsed {
    char family[FAMILIES_MAX][80];
    unsigned families;
    struct {
        char series[128];
        double value;
    } sample[SAMPLES_MAX];
    unsigned samples;
    const char *wrong;
};

static size_t name_length(const char *s)
{
    size_t n = 0;
    if (!isalpha((unsigned char)s[0]) && s[0] != '_' && s[0] != ':')
        return 0;
    while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == ':')
        n++;
    return n;
}

/* "{name="value",...}" with nothing to escape; its length, 0 when it is wrong. */
static size_t labels_length(const char *s)
{
    size_t n = 1;
    for (;;) {
        size_t name = name_length(s + n);
        if (!name || strncmp(s + n + name, "=\"", 2) != 0)
            return 0;
        n += name + 2;
        while (s[n] && s[n] != '"' && s[n] != '\\' && s[n] != '\n')
            n++;
        if (s[n++] != '"')
            return 0;
        if (s[n] == '}')
            return n + 1;
        if (s[n++] != ',')
            return 0;
    }
}

/* A metric family's name ends in _total when, and only when, it is a counter (OpenMetrics' rule).
 */
static const char *parse_family(struct parsed *p, const char *line, const char *next,
                                const char *type)
{
    size_t n = name_length(line + 7);
    char name[80];
    if (!n || n >= sizeof name || line[7 + n] != ' ' || !line[8 + n])
        return "HELP";
    snprintf(name, sizeof name, "%.*s", (int)n, line + 7);
    if (strncmp(next, "# TYPE ", 7) != 0 || strncmp(next + 7, name, n) != 0 || next[7 + n] != ' ')
        return "no TYPE behind HELP";
    bool counter = strcmp(next + 8 + n, "counter") == 0,
         total = n > 6 && strcmp(name + n - 6, "_total") == 0;
    if (!counter && strcmp(next + 8 + n, "gauge") != 0)
        return "another type";
    if (counter != total)
        return "a counter is called _total, and nothing else is";
    for (unsigned i = 0; i < p->families; i++)
        if (strcmp(p->family[i], name) == 0)
            return "a family occurs twice";
    if (p->families == FAMILIES_MAX)
        return "too many families";
    snprintf(p->family[p->families++], sizeof p->family[0], "%s", name);
    return NULL;
}

static const char *parse_sample(struct parsed *p, const char *line)
{
    size_t n = name_length(line), labels = line[n] == '{' ? labels_length(line + n) : 0;
    if (!n || !p->families || strlen(p->family[p->families - 1]) != n ||
        strncmp(p->family[p->families - 1], line, n) != 0)
        return "a sample outside its family";
    if (line[n] == '{' && !labels)
        return "labels";
    n += labels;
    char *end;
    if (line[n] != ' ' || isspace((unsigned char)line[n + 1]))
        return "one space before the value";
    if (p->samples == SAMPLES_MAX || n >= sizeof p->sample[0].series)
        return "too many samples";
    p->sample[p->samples].value = strtod(line + n + 1, &end);
    if (*end || end == line + n + 1)
        return "value";
    snprintf(p->sample[p->samples].series, sizeof p->sample[0].series, "%.*s", (int)n, line);
    for (unsigned i = 0; i < p->samples; i++)
        if (strcmp(p->sample[i].series, p->sample[p->samples].series) == 0)
            return "a series occurs twice";
    p->samples++;
    return NULL;
}

static void parse(struct parsed *p, struct buf *text)
{
    memset(p, 0, sizeof *p);
    if (!text->n || text->p[text->n - 1] != '\n') {
        p->wrong = "no line feed at the end";
        return;
    }
    buf_byte(text, 0);
    text->n--;
    for (char *line = (char *)text->p, *end; *line && !p->wrong; line = end + 1) {
        end = strchr(line, '\n');
        *end = 0;
        if (strncmp(line, "# HELP ", 7) == 0) {
            char *next = end + 1, *type = strchr(next, '\n');
            if (!type) {
                p->wrong = "no TYPE";
                return;
            }
            *type = 0;
            p->wrong = parse_family(p, line, next, type);
            end = type;
        } else {
            p->wrong = parse_sample(p, line);
        }
        if (p->wrong)
            printf("# %s: %s\n", p->wrong, line);
    }
}

static double sample(const struct parsed *p, const char *series)
{
    for (unsigned i = 0; i < p->samples; i++)
        if (strcmp(p->sample[i].series, series) == 0)
            return p->sample[i].value;
    printf("# no %s\n", series);
    return -1;
}

/* That the parser can say no. */
static void test_parser(void)
{
    static const char *const bad[] = {
        "",
        "x 1",
        "x 1\n",
        "# HELP x_total h\nx_total 1\n",
        "# HELP x_total h\n# TYPE x_total gauge\nx_total 1\n",
        "# HELP x h\n# TYPE x counter\nx 1\n",
        "# HELP x h\n# TYPE y gauge\nx 1\n",
        "# HELP x h\n# TYPE x gauge\nx  1\n",
        "# HELP x h\n# TYPE x gauge\nx 1 \n",
        "# HELP x h\n# TYPE x gauge\nx{a=1} 1\n",
        "# HELP x h\n# TYPE x gauge\nx{} 1\n",
        "# HELP x h\n# TYPE x gauge\nx 1\nx 2\n",
        "# HELP x h\n# TYPE x gauge\nx -\n",
        "# HELP x h\n# TYPE x gauge\nx 1\n# HELP x h\n# TYPE x gauge\n",
    };
    static struct parsed p;
    unsigned passed = 0;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf b = {0};
        buf_str(&b, bad[i]);
        parse(&p, &b);
        passed += !p.wrong;
        buf_free(&b);
    }
    is_int(passed, 0);
}

static void test_metrics(void)
{
    static struct parsed p;
    struct serve_shared s = make_shared();
    struct buf out = {0};
    struct ring w = ring_writer(s.slot[1].ring, CAPACITY);
    ok(ring_reserve(&w, 100) != NULL);
    ring_push(&w, 100);
    ring_publish(&w);
    uint64_t depth = ring_depth(&w);
    ((struct ring_shared *)s.slot[0].ring)->head = UINT64_MAX / 2; /* a sensor gone wild */
    metrics_put(&out, &s);
    parse(&p, &out);
    ok(p.wrong == NULL, "text format 0.0.4");
    is_int((long long)sample(&p, "ebb_build_info{version=\"" EBB_VERSION "\"}"), 1);
    ok(sample(&p, "ebb_start_timestamp_seconds") == 1.5);
    is_int((long long)sample(&p, "ebb_reloads_total"), 4);
    is_int((long long)sample(&p, "ebb_role_up{role=\"recorder\"}"), 1);
    is_int((long long)sample(&p, "ebb_role_up{role=\"courier\"}"), 0);
    is_int((long long)sample(&p, "ebb_role_restarts_total{role=\"courier\"}"), 7);
    ok(sample(&p, "ebb_log_entries") == 1234567890123.0);
    is_int((long long)sample(&p, "ebb_recorder_events_total"), 99);
    is_int((long long)sample(&p, "ebb_recorder_lost_total"), 5);
    ok(sample(&p, "ebb_recorder_lag_seconds") == 0.001234);
    ok(sample(&p, "ebb_recorder_last_commit_timestamp_seconds") == 1700000000.123456);
    is_int((long long)sample(&p, "ebb_storage_full"), 0);
    is_int((long long)sample(&p, "ebb_sensor_up{sensor=\"1\"}"), 1);
    is_int((long long)sample(&p, "ebb_sensor_up{sensor=\"2\"}"), 0);
    is_int((long long)sample(&p, "ebb_sensor_restarts_total{sensor=\"1\"}"), 3);
    is_int((long long)sample(&p, "ebb_ring_depth_bytes{sensor=\"1\"}"), (long long)depth);
    is_int((long long)sample(&p, "ebb_ring_depth_bytes{sensor=\"0\"}"), CAPACITY);
    is_int((long long)sample(&p, "ebb_ring_capacity_bytes{sensor=\"1\"}"), CAPACITY);
    ok(sample(&p, "ebb_sensor_dns_queries_total{sensor=\"0\"}") == (double)UINT64_MAX);
    is_int((long long)sample(&p, "ebb_sensor_connections{sensor=\"0\"}"), 3);
    is_int((long long)sample(&p, "ebb_sensor_dropped_total{sensor=\"1\"}"), 17);
    unsigned named = 0, all = 0, unused = 0;
#define COUNTER(name, help)                                                                        \
    all += 3;                                                                                      \
    for (unsigned i = 0; i < 3; i++) {                                                             \
        char series[128];                                                                          \
        snprintf(series, sizeof series, "ebb_sensor_" #name "_total{sensor=\"%u\"}", i);           \
        named += sample(&p, series) >= 0;                                                          \
    }
#include "net/counters.def"
    is_int(named, all);
    for (unsigned i = 0; i < p.samples; i++)
        unused += strstr(p.sample[i].series, "sensor=\"3\"") != NULL;
    is_int(unused, 0);
    buf_free(&out);
    free_shared(&s);
}

static void test_ready(void)
{
    struct serve_shared s = make_shared();
    struct buf out = {0};
    is_int(metrics_not_ready(&out, &s), 0);
    is_int(out.n, 0);
    board.figures.storage_full = 1;
    board.recorder.pid = 0;
    board.sensor[0].pid = 0;
    is_int(metrics_not_ready(&out, &s), 2);
    board.sensor[1].pid = 0;
    is_int(metrics_not_ready(&out, &s), 3);
    buf_free(&out);
    free_shared(&s);
}

/* ---- the process ---- */

static int listener(struct sockaddr_in *at)
{
    socklen_t n = sizeof *at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    *at = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)at, n) < 0 || listen(fd, 64) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &n) < 0)
        abort();
    return fd;
}

static int connect_to(const struct sockaddr_in *at)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (fd < 0 || connect(fd, (const struct sockaddr *)at, sizeof *at) < 0)
        abort();
    return fd;
}

static void read_all(int fd, struct buf *out)
{
    ssize_t n;
    while ((n = read(fd, buf_reserve(out, 4096), 4096)) > 0)
        out->n += (size_t)n;
    buf_byte(out, 0);
    out->n--;
}

/* Sends the request and reads until the other side closes. */
static struct buf ask(const struct sockaddr_in *at, const char *request)
{
    struct buf out = {0};
    int fd = connect_to(at);
    if (write(fd, request, strlen(request)) < 0)
        abort();
    read_all(fd, &out);
    close(fd);
    return out;
}

#define CLOSE " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static bool answers(const struct sockaddr_in *at, const char *request, const char *status,
                    const char *has)
{
    struct buf out = ask(at, request);
    bool good =
        strncmp((char *)out.p, status, strlen(status)) == 0 && (!has || strstr((char *)out.p, has));
    if (!good)
        printf("# %.200s\n", out.p);
    buf_free(&out);
    return good;
}

static pid_t start(const struct serve_shared *s, int fd, int *link)
{
    int ends[2];
    if (link_pair(ends, NULL) < 0)
        abort();
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = {0};
        struct desk_setup setup = {.listen_fd = fd, .link = ends[1], .shared = s};
        close(ends[0]);
        int rc = desk_run(&setup, &err);
        if (rc < 0)
            printf("# %s\n", err.text);
        _exit(rc < 0 ? 1 : 0);
    }
    close(ends[1]);
    *link = ends[0];
    struct pollfd p = {.fd = *link, .events = POLLIN};
    struct link_message m = {0};
    int got;
    poll(&p, 1, 5000);
    ok(link_receive(*link, &m, &got) == 1 && m.what == ROLE_READY, "says that it is ready");
    return pid;
}

static int ended(pid_t pid)
{
    int status = -1;
    for (unsigned i = 0; i < 500; i++) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return -1;
}

static void test_pages(const struct sockaddr_in *at)
{
    static struct parsed p;
    struct buf out = ask(at, "GET /metrics" CLOSE);
    char *body = strstr((char *)out.p, "\r\n\r\n");
    ok(strncmp((char *)out.p, "HTTP/1.1 200 ", 13) == 0);
    ok(strstr((char *)out.p, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n") != NULL);
    ok(strstr((char *)out.p, "Content-Security-Policy: default-src 'none'") != NULL);
    struct buf text = {0};
    buf_str(&text, body ? body + 4 : "");
    parse(&p, &text);
    ok(p.wrong == NULL && p.samples > 50, "metrics over HTTP");
    buf_free(&text);
    buf_free(&out);
    out = ask(at, "HEAD /metrics" CLOSE);
    body = strstr((char *)out.p, "\r\n\r\n");
    ok(strncmp((char *)out.p, "HTTP/1.1 200 ", 13) == 0 && body && !body[4], "HEAD has no body");
    buf_free(&out);
    ok(answers(at, "GET /" CLOSE, "HTTP/1.1 200 ", "<th scope=\"row\">recorder</th>"));
    ok(answers(at, "GET /healthz" CLOSE, "HTTP/1.1 200 ", "\r\n\r\nok\n"));
    ok(answers(at, "GET /readyz" CLOSE, "HTTP/1.1 200 ", "\r\n\r\nready\n"));
    ok(answers(at, "GET /metrics?x=1" CLOSE, "HTTP/1.1 200 ", NULL));
    ok(answers(at, "GET /../etc/passwd" CLOSE, "HTTP/1.1 404 ", NULL));
    ok(answers(at, "GET /metrics/" CLOSE, "HTTP/1.1 404 ", NULL));
    ok(answers(at, "DELETE /metrics" CLOSE, "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n"));
    ok(answers(at, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 405 ",
               NULL));
    ok(answers(at, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999999\r\n\r\n",
               "HTTP/1.1 405 ", NULL));
    ok(answers(at, "GET /metrics HTTP/1.1\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 ", NULL));
    ok(answers(at, "GET /healthz HTTP/1.0\r\n\r\n", "HTTP/1.", "ok\n"));
}

static void test_keep_alive(const struct sockaddr_in *at)
{
    static const char twice[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz" CLOSE;
    struct buf out = ask(at, twice);
    char *second = strstr((char *)out.p + 1, "HTTP/1.1 200 ");
    ok(second != NULL && strstr(second, "\r\n\r\nok\n") != NULL, "two requests on one connection");
    buf_free(&out);
    out = ask(at, "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    ok(out.n == 0, "a GET with a body is shown the door");
    buf_free(&out);
}

static void test_limits(const struct sockaddr_in *at)
{
    struct buf big = {0};
    buf_str(&big, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
    for (unsigned i = 0; i < 1000; i++)
        buf_printf(&big, "X-%u: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", i);
    buf_str(&big, "Connection: close\r\n\r\n");
    buf_byte(&big, 0);
    struct buf out = {0};
    int fd = connect_to(at);
    (void)!send(fd, big.p, big.n - 1, MSG_NOSIGNAL);
    read_all(fd, &out);
    ok(!out.n || strncmp((char *)out.p, "HTTP/1.1 4", 10) == 0, "too long a request");
    close(fd);
    buf_free(&out);
    buf_free(&big);
    int held[40];
    unsigned shut = 0;
    for (unsigned i = 0; i < 40; i++)
        held[i] = connect_to(at);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    for (unsigned i = 0; i < 40; i++) {
        char byte;
        shut += recv(held[i], &byte, 1, MSG_DONTWAIT) == 0;
    }
    is_int(shut, 8); /* 32 of one address are kept */
    for (unsigned i = 0; i < 40; i++)
        close(held[i]);
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
    ok(answers(at, "GET /healthz" CLOSE, "HTTP/1.1 200 ", NULL), "and then others come in again");
    static const char *const rubbish[] = {
        "\r\n\r\n\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "GET\r\n\r\n",      "GET / HTTP/9.9\r\n\r\n",
        ": : :\r\n\r\n",    "GET /\x80\xff HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++) {
        fd = connect_to(at);
        (void)!send(fd, rubbish[i], strlen(rubbish[i]), MSG_NOSIGNAL);
        shutdown(fd, SHUT_WR);
        read_all(fd, &out);
        close(fd);
    }
    buf_free(&out);
    ok(answers(at, "GET /healthz" CLOSE, "HTTP/1.1 200 ", NULL), "after rubbish");
}

static void test_desk(void)
{
    struct serve_shared s = make_shared();
    struct sockaddr_in at;
    int fd = listener(&at), link;
    pid_t pid = start(&s, fd, &link);
    test_pages(&at);
    test_keep_alive(&at);
    test_limits(&at);
    role_say(link, ROLE_STOP, 0, NULL);
    is_int(ended(pid), 0);
    close(link);
    board.recorder.pid = 0;
    pid = start(&s, fd, &link); /* on the same listener, which the first has not shut */
    ok(answers(&at, "GET /readyz" CLOSE, "HTTP/1.1 503 ", "the recorder does not run\n"));
    close(link); /* the supervisor is gone */
    is_int(ended(pid), 0);
    close(fd);
    pid = start(&s, -1, &link); /* none configured */
    role_say(link, ROLE_STOP, 0, NULL);
    is_int(ended(pid), 0);
    close(link);
    free_shared(&s);
}

int main(void)
{
    test_parser();
    test_metrics();
    test_ready();
    fflush(stdout);
    test_desk();
    return tap_done();
}
