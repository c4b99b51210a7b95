/* The metrics' text, by a parser of the format that is stricter than Prometheus' own. */
#include <ctype.h>
#include <stdlib.h>

#include "app/serve/metrics.h"
#include "base/tap.h"

#define CAPACITY (64u << 10)

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

int main(void)
{
    test_parser();
    test_metrics();
    test_ready();
    return tap_done();
}
