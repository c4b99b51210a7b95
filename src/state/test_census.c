/* Census beside a model that counts by comparing everything with everything. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"
#include "state/census_impl.h"

#define EVENTS_MAX 400
#define ROWS_MAX   4000
#define LINE_MAX_  400

struct random {
    uint64_t s;
};
/* xorshift64* (Vigna 2016) */
static unsigned below(struct random *r, unsigned n)
{
    r->s ^= r->s >> 12;
    r->s ^= r->s << 25;
    r->s ^= r->s >> 27;
    return (unsigned)((r->s * 0x2545f4914f6cdd1du >> 33) % n);
}

/* A world: events, and those of them that count. */
struct world {
    struct event ev[EVENTS_MAX];
    bool counts[EVENTS_MAX];
    int32_t day[EVENTS_MAX];
    struct span family[EVENTS_MAX];
    size_t n;
    char words[64][200];
};

static const char *const families[] = {"", "rustock", "unknown", "cutwail", "a"};
static const char *const countries[] = {"", "DE", "US", "CN"};

static struct ip random_ip(struct random *r)
{
    if (below(r, 3))
        return ip_from_v4(0x0a000000 + below(r, 6) * 65537 + below(r, 3));
    struct ip ip = {{0x20, 0x01, 0x0d, 0xb8}};
    ip.b[7] = (uint8_t)below(r, 4);
    ip.b[15] = (uint8_t)(1 + below(r, 4));
    return ip;
}

/* Who announces an address depends on the data: three generations, one of which knows nothing of
 * some addresses; and now and then an event that says something else altogether. */
static void random_attr(struct random *r, struct event *ev)
{
    unsigned generation = below(r, 3), h = ev->src_ip.b[15] + ev->src_ip.b[13] + generation;
    bool v4 = ip_is_v4(&ev->src_ip);
    ev->asn = h % 4 ? 64496 + h % 3 : 0;
    ev->country = span_str(countries[h % 4]);
    if (generation < 2 || h % 2)
        ev->network =
            net_of(&ev->src_ip, (uint8_t)(v4 ? 16 + 8 * (generation & 1) : 32 + 16 * generation));
    if (below(r, 20) == 0)
        ev->asn = 64500 + below(r, 3);
}

static void random_world(struct world *w, struct random *r)
{
    *w = (struct world){.n = 1 + below(r, EVENTS_MAX)};
    for (unsigned i = 0; i < 64; i++)
        snprintf(w->words[i], sizeof w->words[i], "AS name %*u", i % 5 ? 2 : 150, i);
    unsigned span = 1 + below(r, 12), nfamilies = 1 + below(r, 5);
    for (size_t i = 0; i < w->n; i++) {
        struct event *ev = &w->ev[i];
        ev->kind = 1 + below(r, 6);
        ev->src_ip = random_ip(r);
        ev->family = span_str(families[below(r, nfamilies)]);
        ev->time = (15000 + below(r, span)) * UTC_DAY + below(r, 86400) * UTC_SECOND + 999999;
        random_attr(r, ev);
        if (below(r, 4))
            ev->as_name = span_str(w->words[below(r, 4) + 4 * (ev->asn % 7)]);
        unsigned odd = below(r, 30);
        if (odd == 0)
            ev->role = span_str("resolver");
        if (odd == 1)
            ev->role = span_str("unjudged");
        if (odd == 2)
            ev->src_ip = (struct ip){0};
        if (odd == 3)
            ev->kind = KIND_GAP;
        w->counts[i] = odd != 0 && odd != 2 && odd != 3;
        w->day[i] = utc_day(ev->time);
        w->family[i] = ev->family.n ? ev->family : span_str("unknown");
    }
}

/* What the model says. */
struct lines {
    char line[ROWS_MAX][LINE_MAX_];
    size_t n;
};

static int put_line(void *ctx, const struct census_row *r)
{
    struct lines *l = ctx;
    char ip[IP_TEXT_MAX], net[NET_TEXT_MAX] = "-";
    ip_format(&r->address, ip);
    if (r->network.set)
        net_format(&r->network, net);
    snprintf(l->line[l->n++], LINE_MAX_,
             "%d|%.*s|%u|%.*s|%.*s|%s|%s|%llu|%llu|%llu|%llu|%llu|%llu|%d|%d|%u", r->day,
             (int)r->family.n, r->family.p, r->asn, (int)r->as_name.n, r->as_name.p,
             (int)r->country.n, r->country.p, net, ip, (unsigned long long)r->addresses,
             (unsigned long long)r->ipv6, (unsigned long long)r->ipv6_64s,
             (unsigned long long)r->fresh, (unsigned long long)r->returning,
             (unsigned long long)r->gone, r->first_day, r->last_day, r->days);
    return 0;
}

static bool same_net(const struct net *a, const struct net *b)
{
    return a->set == b->set && (!a->set || (a->bits == b->bits && !memcmp(&a->ip, &b->ip, 16)));
}

/* Events i and j fall into one row. */
static bool same_key(const struct world *w, enum census_by by, size_t i, size_t j)
{
    const struct event *a = &w->ev[i], *b = &w->ev[j];
    if (!span_eq(w->family[i], w->family[j]))
        return false;
    switch (by) {
    case CENSUS_BY_DAY:
        return w->day[i] == w->day[j];
    case CENSUS_BY_COUNTRY:
        return span_eq(a->country, b->country);
    case CENSUS_BY_ASN:
        return a->asn == b->asn;
    case CENSUS_BY_NETWORK:
        return same_net(&a->network, &b->network);
    case CENSUS_BY_ADDRESS:
        return memcmp(&a->src_ip, &b->src_ip, 16) == 0;
    case CENSUS_BY_FAMILY:
        break;
    }
    return true;
}

static bool in_query(const struct world *w, const struct census_query *q, size_t i)
{
    return w->counts[i] && w->day[i] >= q->since && w->day[i] < q->until &&
           (q->family.n == 0 || span_eq(q->family, w->family[i]));
}

static bool seen_on(const struct world *w, size_t as, int32_t from, int32_t to)
{
    for (size_t i = 0; i < w->n; i++)
        if (w->counts[i] && same_key(w, CENSUS_BY_ADDRESS, i, as) && w->day[i] >= from &&
            w->day[i] <= to)
            return true;
    return false;
}

static const char *model_as_name(const struct world *w, uint64_t asn, struct span *out)
{
    *out = (struct span){0};
    for (size_t i = 0; i < w->n; i++)
        if (w->counts[i] && asn && w->ev[i].asn == asn && w->ev[i].as_name.n)
            *out = w->ev[i].as_name;
    return NULL;
}

/* Event j's attribution is to be shown rather than event i's. */
static bool shown_rather(const struct world *w, size_t j, size_t i)
{
    const struct event *a = &w->ev[j], *b = &w->ev[i];
    if (w->day[j] != w->day[i])
        return w->day[j] > w->day[i];
    if (a->network.set != b->network.set)
        return !a->network.set;
    if (a->network.set && memcmp(&a->network.ip, &b->network.ip, 16))
        return memcmp(&a->network.ip, &b->network.ip, 16) < 0;
    if (a->network.set && a->network.bits != b->network.bits)
        return a->network.bits < b->network.bits;
    if (a->asn != b->asn)
        return a->asn < b->asn;
    return span_cmp(a->country, b->country) < 0;
}

static void model_fill(const struct world *w, const struct census_query *q, size_t i,
                       struct census_row *row)
{
    size_t show = i;
    bool net_row = q->by == CENSUS_BY_NETWORK, address_row = q->by == CENSUS_BY_ADDRESS;
    row->first_day = INT32_MAX;
    row->last_day = INT32_MIN;
    for (size_t j = 0; j < w->n; j++) {
        if (!in_query(w, q, j) || !same_key(w, q->by, i, j))
            continue;
        bool first = true, first64 = true, first_day = true;
        for (size_t k = 0; k < j; k++) {
            if (!in_query(w, q, k) || !same_key(w, q->by, i, k))
                continue;
            first &= !same_key(w, CENSUS_BY_ADDRESS, j, k);
            first64 &=
                memcmp(&w->ev[j].src_ip, &w->ev[k].src_ip, 8) != 0 || ip_is_v4(&w->ev[k].src_ip);
            first_day &= w->day[j] != w->day[k];
        }
        bool v6 = !ip_is_v4(&w->ev[j].src_ip);
        row->addresses += first;
        row->ipv6 += first && v6;
        row->ipv6_64s += first64 && v6;
        row->days += first_day && address_row;
        if (q->by == CENSUS_BY_DAY && first) {
            row->fresh += !seen_on(w, j, 0, w->day[j] - 1);
            row->returning += seen_on(w, j, 0, w->day[j] - 1);
        }
        row->first_day = w->day[j] < row->first_day ? w->day[j] : row->first_day;
        row->last_day = w->day[j] > row->last_day ? w->day[j] : row->last_day;
        show = shown_rather(w, j, show) ? j : show;
    }
    const struct event *ev = &w->ev[show];
    if (q->by == CENSUS_BY_COUNTRY || address_row || (net_row && ev->network.set))
        row->country = ev->country;
    if (q->by == CENSUS_BY_ASN || address_row || (net_row && ev->network.set)) {
        row->asn = (uint32_t)ev->asn;
        model_as_name(w, ev->asn, &row->as_name);
    }
    if (net_row || address_row)
        row->network = ev->network;
}

static void model_gone(const struct world *w, const struct census_query *q, size_t i,
                       struct census_row *row)
{
    if (q->by != CENSUS_BY_DAY)
        return;
    for (size_t j = 0; j < w->n; j++) {
        bool first =
            w->counts[j] && w->day[j] == row->day - 1 && span_eq(w->family[i], w->family[j]);
        for (size_t k = 0; k < j && first; k++)
            first = !(w->counts[k] && w->day[k] == row->day - 1 &&
                      same_key(w, CENSUS_BY_ADDRESS, j, k));
        row->gone += first && !seen_on(w, j, row->day, row->day);
    }
}

static int cmp_net(const struct net *a, const struct net *b)
{
    if (a->set != b->set)
        return a->set - b->set;
    int c = a->set ? memcmp(&a->ip, &b->ip, 16) : 0;
    return c ? c : a->bits - b->bits;
}

static int cmp_rows(const void *x, const void *y, void *ctx)
{
    const struct census_row *a = x, *b = y;
    enum census_by by = *(const enum census_by *)ctx;
    int c = 0;
    if (by == CENSUS_BY_ADDRESS) {
        bool a4 = ip_is_v4(&a->address), b4 = ip_is_v4(&b->address);
        c = span_cmp(a->family, b->family);
        return c ? c : a4 != b4 ? b4 - a4 : memcmp(&a->address, &b->address, 16);
    }
    if (by != CENSUS_BY_DAY && a->addresses != b->addresses)
        return a->addresses > b->addresses ? -1 : 1;
    if (by == CENSUS_BY_DAY)
        c = a->day - b->day;
    if (by == CENSUS_BY_COUNTRY)
        c = span_cmp(a->country, b->country);
    if (by == CENSUS_BY_ASN)
        c = (a->asn > b->asn) - (a->asn < b->asn);
    if (by == CENSUS_BY_NETWORK)
        c = cmp_net(&a->network, &b->network);
    return c ? c : span_cmp(a->family, b->family);
}

static void model(const struct world *w, const struct census_query *q, struct lines *out)
{
    static struct census_row rows[ROWS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        bool first = in_query(w, q, i);
        for (size_t j = 0; j < i && first; j++)
            first = !(in_query(w, q, j) && same_key(w, q->by, i, j));
        if (!first)
            continue;
        struct census_row *row = &rows[n++];
        *row = (struct census_row){.family = w->family[i]};
        row->day = q->by == CENSUS_BY_DAY ? w->day[i] : 0;
        if (q->by == CENSUS_BY_ADDRESS)
            row->address = w->ev[i].src_ip;
        model_fill(w, q, i, row);
        model_gone(w, q, i, row);
    }
    enum census_by by = q->by;
    qsort_r(rows, n, sizeof *rows, cmp_rows, &by);
    out->n = 0;
    for (size_t i = 0; i < n; i++)
        put_line(out, &rows[i]);
}

static bool agrees(struct census *c, const struct world *w, const struct census_query *q)
{
    static struct lines got, want;
    struct err err = {0};
    got.n = 0;
    int rc = census_rows(c, q, put_line, &got, &err);
    model(w, q, &want);
    for (size_t i = 0; i < got.n || i < want.n; i++) {
        const char *g = i < got.n ? got.line[i] : "(none)",
                   *m = i < want.n ? want.line[i] : "(none)";
        if (strcmp(g, m) != 0) {
            printf("# by %d days %d-%d family '%.*s' row %zu\n#  got %s\n# want %s\n", q->by,
                   q->since, q->until, (int)q->family.n, q->family.p, i, g, m);
            return false;
        }
    }
    return rc == 0;
}

static bool agrees_all(struct census *c, const struct world *w, struct random *r)
{
    for (enum census_by by = CENSUS_BY_DAY; by <= CENSUS_BY_ADDRESS; by++) {
        struct census_query q = {.by = by, .since = INT32_MIN, .until = INT32_MAX};
        if (!agrees(c, w, &q))
            return false;
        q.since = 14998 + (int32_t)below(r, 8);
        q.until = q.since + (int32_t)below(r, 8);
        q.family = span_str(families[below(r, 5)]);
        if (!agrees(c, w, &q))
            return false;
    }
    return true;
}

static char dir[64];

static void start(void)
{
    char path[100];
    snprintf(path, sizeof path, "%s/census", dir);
    unlink(path);
}

static struct census *open_it(void)
{
    struct census *c;
    struct err err;
    if (census_open(dir, &c, &err) < 0) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return c;
}

static bool read_snapshot(struct buf *out)
{
    char path[100];
    struct err err;
    snprintf(path, sizeof path, "%s/census", dir);
    out->n = 0;
    return file_read(path, 1u << 30, out, &err) == 0;
}

/* How often a census is settled, snapshotted and opened anew while it is built, in 1/1000. */
struct habit {
    unsigned settle, snapshot, reopen;
};

static struct census *build(const struct world *w, struct random *r, struct habit h)
{
    start();
    struct census *c = open_it();
    for (size_t i = 0; i < w->n; i++) {
        census_add(c, &w->ev[i]);
        census_advance(c, i + 1);
        if (below(r, 1000) < h.settle)
            census_settle(c);
        if (below(r, 1000) < h.snapshot)
            census_snapshot(c, NULL);
        if (below(r, 1000) < h.reopen) {
            census_snapshot(c, NULL);
            census_close(c);
            c = open_it();
            if (census_position(c) != i + 1)
                i = (size_t)census_position(c) - 1; /* shows as a difference */
        }
    }
    return c;
}

static void shuffle(struct world *w, struct random *r)
{
    for (size_t i = w->n; i-- > 1;) {
        size_t j = below(r, (unsigned)i + 1);
        struct event ev = w->ev[i];
        w->ev[i] = w->ev[j];
        w->ev[j] = ev;
    }
}

static void test_model(void)
{
    static struct world w;
    unsigned plain = 0, settled = 0, restarted = 0, same = 0, shuffled = 0, seeds = 100;
    struct buf first = {0}, second = {0};
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct random r = {seed * 0x9e3779b97f4a7c15u};
        random_world(&w, &r);
        struct census *c = build(&w, &r, (struct habit){0, 0, 0});
        plain += agrees_all(c, &w, &r);
        bool good = census_snapshot(c, NULL) == 0 && agrees_all(c, &w, &r) && read_snapshot(&first);
        census_close(c);
        c = build(&w, &r, (struct habit){200, 0, 0});
        settled += agrees_all(c, &w, &r) && good;
        census_snapshot(c, NULL);
        good = read_snapshot(&second) && span_eq(buf_as_span(&first), buf_as_span(&second));
        census_close(c);
        c = build(&w, &r, (struct habit){60, 5, 10});
        restarted += agrees_all(c, &w, &r) && census_position(c) == w.n;
        census_snapshot(c, NULL);
        same +=
            good && read_snapshot(&second) && span_eq(buf_as_span(&first), buf_as_span(&second));
        census_close(c);

        /* in another order only the AS names may differ: with none the bytes are the same */
        for (size_t i = 0; i < w.n; i++)
            w.ev[i].as_name = (struct span){0};
        c = build(&w, &r, (struct habit){30, 0, 0});
        census_snapshot(c, NULL);
        read_snapshot(&first);
        census_close(c);
        shuffle(&w, &r);
        c = build(&w, &r, (struct habit){60, 5, 10});
        census_snapshot(c, NULL);
        shuffled += read_snapshot(&second) && span_eq(buf_as_span(&first), buf_as_span(&second));
        census_close(c);
    }
    is_int(plain, seeds);
    is_int(settled, seeds);
    is_int(restarted, seeds);
    is_int(same, seeds);
    is_int(shuffled, seeds);
    buf_free(&first);
    buf_free(&second);
}

static struct event sighting(const char *ip, const char *day, const char *family)
{
    struct event ev = {.kind = KIND_FEED, .family = span_str(family)};
    if (!ip_parse(span_str(ip), &ev.src_ip) || !utc_parse(span_str(day), &ev.time))
        exit(1);
    return ev;
}

struct kept {
    struct census_row row[8];
    size_t n;
};
static int keep_row(void *ctx, const struct census_row *r)
{
    struct kept *k = ctx;
    k->row[k->n++] = *r;
    return k->n == 8;
}

/* Small enough to see at a glance; the later day is imported first. */
static void test_by_hand(void)
{
    start();
    struct census *c = open_it();
    struct kept k = {0};
    static const struct {
        const char *ip, *day;
    } seen[] = {
        {"192.0.2.1", "2011-03-18"},           {"192.0.2.3", "2011-03-18"},
        {"2001:db8::1", "2011-03-18"},         {"2001:db8::2", "2011-03-18"},
        {"192.0.2.1", "2011-03-16T00:00:00Z"}, {"192.0.2.2", "2011-03-17T23:59:59.999999Z"},
        {"192.0.2.1", "2011-03-17"},           {"192.0.2.1", "2011-03-17"},
        {"::ffff:192.0.2.1", "2011-03-17"},
    };
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
        struct event ev = sighting(seen[i].ip, seen[i].day, "rustock");
        census_add(c, &ev);
    }
    struct census_query q = {.by = CENSUS_BY_DAY, .since = 15049, .until = 15052}; /* 16-18 March */
    census_rows(c, &q, keep_row, &k, NULL);
    is_int(k.n, 3);
    is_int(k.row[0].day, 15049);
    is_int(k.row[0].addresses, 1);
    is_int(k.row[0].fresh, 1);
    is_int(k.row[1].addresses, 2);
    is_int(k.row[1].fresh, 1);
    is_int(k.row[1].returning, 1);
    is_int(k.row[1].gone, 0);
    is_int(k.row[2].addresses, 4);
    is_int(k.row[2].fresh, 3);
    is_int(k.row[2].returning, 1);
    is_int(k.row[2].gone, 1);
    is_int(k.row[2].ipv6, 2);
    is_int(k.row[2].ipv6_64s, 1);

    k.n = 0; /* what was seen before the range still is no news in it */
    q.since = 15051;
    census_rows(c, &q, keep_row, &k, NULL);
    ok(k.n == 1 && k.row[0].fresh == 3 && k.row[0].gone == 1, "fresh and gone look past the range");
    k.n = 0;
    q = (struct census_query){.by = CENSUS_BY_ADDRESS, .since = 0, .until = 65536};
    census_rows(c, &q, keep_row, &k, NULL);
    ok(k.n == 5 && k.row[0].days == 3 && k.row[0].first_day == 15049 && k.row[0].last_day == 15051,
       "an address with its days");
    k.n = 0;
    q.until = q.since;
    ok(census_rows(c, &q, keep_row, &k, NULL) == 0 && k.n == 0, "an empty range has no rows");
    census_close(c);
}

static int stop_row(void *ctx, const struct census_row *r)
{
    ++*(int *)ctx;
    return 7;
}

static void test_edges(void)
{
    start();
    struct census *c = open_it();
    struct kept k = {0};
    struct event ev = sighting("192.0.2.1", "2011-03-16", "x");
    ev.asn = 1ull << 32 | 5;
    ev.country = span_str("Germany");
    ev.as_name = span_str("nobody");
    census_add(c, &ev);
    ev.time = -1;
    census_add(c, &ev);
    ev.time = INT64_MAX;
    census_add(c, &ev);
    ev.time = 65535 * UTC_DAY;
    census_add(c, &ev);
    struct census_query q = {.by = CENSUS_BY_ASN, .since = 0, .until = INT32_MAX};
    census_rows(c, &q, keep_row, &k, NULL);
    ok(k.n == 1 && k.row[0].asn == 0 && k.row[0].as_name.n == 0 && k.row[0].first_day == 15049 &&
           k.row[0].last_day == 65535,
       "an AS number out of range is unknown, a time out of range is not counted");
    k.n = 0;
    q.by = CENSUS_BY_COUNTRY;
    census_rows(c, &q, keep_row, &k, NULL);
    ok(k.n == 1 && k.row[0].country.n == 0, "a country that is no code is unknown");
    int calls = 0;
    for (q.by = CENSUS_BY_DAY; q.by <= CENSUS_BY_ADDRESS; q.by++)
        is_int(census_rows(c, &q, stop_row, &calls, NULL), 7);
    is_int(calls, 6);
    census_close(c);

    c = open_it(); /* nothing in it */
    ok(census_position(c) == 0 && census_snapshot(c, NULL) == 0, "an empty census");
    k.n = 0;
    ok(census_rows(c, &q, keep_row, &k, NULL) == 0 && k.n == 0, "has no rows");
    census_close(c);
}

/* Many runs and merges: more sightings than are held pending. */
static void test_large(void)
{
    static uint8_t seen[4][1 << 16];
    struct random r = {5};
    uint64_t want[4] = {0}, got[4] = {0};
    start();
    struct census *c = open_it();
    struct event ev = sighting("10.0.0.0", "2011-03-16", "large");
    for (unsigned i = 0; i < 3000000; i++) {
        unsigned day = below(&r, 4), host = below(&r, 1 << 16);
        ev.src_ip = ip_from_v4(0x0a000000 + host * 9);
        ev.asn = host % 100;
        ev.time = (15049 + (int64_t)day) * UTC_DAY;
        census_add(c, &ev);
        want[day] += !seen[day][host];
        seen[day][host] = 1;
    }
    struct kept k = {0};
    struct census_query q = {.by = CENSUS_BY_DAY, .since = 15049, .until = 15053};
    census_rows(c, &q, keep_row, &k, NULL);
    for (size_t i = 0; i < k.n && i < 4; i++)
        got[i] = k.row[i].addresses;
    ok(k.n == 4 && memcmp(got, want, sizeof got) == 0, "three million events");
    ok(census_pending_bytes(c) < 40u << 20, "held in bounded memory");
    ok(census_snapshot(c, NULL) == 0 && census_pending_bytes(c) < 30u << 20, "snapshot taken");
    k.n = 0;
    census_rows(c, &q, keep_row, &k, NULL);
    ok(k.n == 4 && k.row[3].addresses == want[3] && k.row[0].fresh == want[0], "and read");
    census_close(c);
}

static void write_snapshot(const void *p, size_t n)
{
    char path[100];
    snprintf(path, sizeof path, "%s/census", dir);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || file_write_all(fd, p, n) < 0)
        exit(1);
    close(fd);
}

/* Opens what is there: true when it was dropped and nothing of it is left. */
static bool dropped(void)
{
    struct kept k = {0};
    struct census *c = open_it();
    struct census_query q = {.by = CENSUS_BY_FAMILY, .since = 0, .until = 65536};
    bool gone = census_position(c) == 0 && census_rows(c, &q, keep_row, &k, NULL) == 0 && k.n == 0;
    census_close(c);
    return gone;
}

static void small_snapshot(struct buf *out)
{
    static struct world w;
    struct random r = {11};
    random_world(&w, &r);
    w.n = 60;
    struct census *c = build(&w, &r, (struct habit){0, 0, 0});
    census_snapshot(c, NULL);
    census_close(c);
    read_snapshot(out);
}

static void test_damage(void)
{
    struct buf b = {0};
    size_t flips = 0, cuts = 0, n;
    small_snapshot(&b);
    n = b.n;
    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < n; i++) {
        uint8_t was = b.p[i];
        b.p[i] ^= (uint8_t)(1u << i % 8);
        write_snapshot(b.p, n);
        flips += dropped();
        b.p[i] = was;
        write_snapshot(b.p, i);
        cuts += dropped();
    }
    is_int(flips, n);
    is_int(cuts, n);
    buf_byte(&b, 0);
    write_snapshot(b.p, b.n);
    ok(dropped(), "a byte too many");
    write_snapshot(b.p, n);
    ok(!dropped(), "the undamaged one is taken");
    log_set_level(LOG_WARN);
    buf_free(&b);
}

/* The warning reaches standard error. */
static void test_warning(void)
{
    char path[100];
    struct buf b = {0};
    struct err err;
    snprintf(path, sizeof path, "%s/stderr", dir);
    int keep = dup(STDERR_FILENO), fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(fd, STDERR_FILENO);
    static const char later[] = "ebb census\r\n\0\0\0\2 and what a later version needs";
    write_snapshot(later, sizeof later);
    bool gone = dropped();
    dup2(keep, STDERR_FILENO);
    close(fd);
    close(keep);
    file_read(path, 1u << 20, &b, &err);
    buf_byte(&b, 0);
    ok(gone && strstr((char *)b.p, "level=warn what=\"census snapshot dropped") &&
           strstr((char *)b.p, "version 2, this program writes 1"),
       "a later version's snapshot is dropped with a warning");
    buf_free(&b);
    unlink(path);
}

static void test_files(void)
{
    char path[100], blocked[120];
    struct err err = {0};
    struct census *c = NULL;
    struct kept k = {0};
    start();
    snprintf(path, sizeof path, "%s/census", dir);
    mkdir(path, 0700);
    ok(census_open(dir, &c, &err) < 0 && c == NULL && strstr(err.text, path),
       "a folder in its place is an error that names it");
    rmdir(path);

    write_snapshot("", 0);
    log_set_level(LOG_ERROR);
    ok(dropped(), "an empty file");
    log_set_level(LOG_WARN);
    snprintf(blocked, sizeof blocked, "%s/census/below", dir);
    ok(census_open(blocked, &c, &err) < 0, "a file where a folder should be");
    start();

    struct event ev = sighting("192.0.2.1", "2011-03-16", "x");
    c = open_it();
    census_add(c, &ev);
    census_advance(c, 5);
    snprintf(blocked, sizeof blocked, "%s/census.tmp", dir);
    mkdir(blocked, 0700);
    err.text[0] = 0;
    ok(census_snapshot(c, &err) < 0 && strstr(err.text, blocked),
       "a snapshot that fails says where");
    rmdir(blocked);
    struct census_query q = {.by = CENSUS_BY_DAY, .since = 0, .until = 65536};
    census_rows(c, &q, keep_row, &k, NULL);
    ok(k.n == 1 && k.row[0].addresses == 1 && census_position(c) == 5, "and nothing is lost by it");
    is_int(census_snapshot(c, NULL), 0);
    census_close(c);
    c = open_it();
    is_int(census_position(c), 5);
    census_close(c);
}

int main(void)
{
    snprintf(dir, sizeof dir, "%s/ebb-census-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return 1;
    test_by_hand();
    test_edges();
    test_model();
    test_large();
    test_damage();
    test_warning();
    test_files();
    start();
    rmdir(dir);
    return tap_done();
}
