/* The view of activity beside a model that keeps everything in a list. */
#include <errno.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"
#include "state/activity_impl.h"
#include "state/census.h"

#define EVENTS_MAX 600
#define CELLS_MAX  (2 * EVENTS_MAX)
#define WORLDS     60

static uint64_t state = 88172645463325252u;
/* xorshift64* (Vigna 2016) */
static unsigned below(unsigned n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * 0x2545f4914f6cdd1du >> 33) % n);
}

static const char *const families[] = {"rustock", "", "unknown", "cutwail", "a"};
static const char *const bots[] = {"a", "b", "{F2B7A2D1}", "c"};
static const char *const countries[] = {"", "DE", "US", "XXX"};
static const char *const counts[] = {"1", "7", "0", "x", "99999999999999", "", "40000"};
static const struct feed_cell no_cells[] = {
    {{(const uint8_t *)"tag", 3}, {(const uint8_t *)"5", 1}}};

struct world {
    struct event ev[EVENTS_MAX];
    struct feed_cell cells[EVENTS_MAX][2];
    size_t n;
};

static struct ip random_ip(void)
{
    if (below(3))
        return ip_from_v4((below(2) ? 0x0a000000 : 0xfffffff0) + below(6) * 3);
    struct ip ip = {{0x20, 0x01, 0x0d, 0xb8}};
    ip.b[7] = (uint8_t)below(3);
    ip.b[15] = (uint8_t)(1 + below(3));
    return ip;
}

static void random_world(struct world *w)
{
    *w = (struct world){.n = 1 + below(EVENTS_MAX)};
    unsigned span = 1 + below(20);
    for (size_t i = 0; i < w->n; i++) {
        struct event *ev = &w->ev[i];
        ev->kind = (enum event_kind)(1 + below(6));
        ev->time = (15000 + below(span)) * UTC_DAY + below(86400) * UTC_SECOND;
        if (below(40) == 0)
            ev->time = below(2) ? -1 : 65535 * UTC_DAY + below(86400) * UTC_SECOND;
        ev->src_ip = random_ip();
        ev->family = span_str(families[below(5)]);
        ev->asn = below(3) ? 64500 + below(2) : below(2) ? 0 : UINT64_MAX;
        ev->country = span_str(countries[below(4)]);
        if (below(2))
            ev->bot_id = span_str(bots[below(4)]);
        if (below(20) == 0)
            ev->role = span_str(below(2) ? "resolver" : "visitor");
        if (below(30) == 0)
            ev->src_ip = (struct ip){0};
        if (below(9) == 0)
            ev->family_source = span_str("address");
        if (below(4) == 0) {
            ev->feed.has = true;
            w->cells[i][0] = no_cells[0];
            w->cells[i][1] = (struct feed_cell){span_str("count"), span_str(counts[below(7)])};
            ev->feed.cells = w->cells[i];
            ev->feed.n = 1 + below(2);
        }
    }
}

/* One line a family, key and day. */
struct cell {
    char family[16], key[80];
    uint8_t order[32]; /* sorts as the rows are to */
    bool bot;
    uint16_t day;
    uint32_t contacts, hours;
};
struct cells {
    struct cell v[CELLS_MAX];
    size_t n;
};

static int cmp_cell(const void *x, const void *y)
{
    const struct cell *a = x, *b = y;
    int c = (int)a->bot - (int)b->bot;
    if (c == 0)
        c = strcmp(a->family, b->family);
    if (c == 0)
        c = memcmp(a->order, b->order, sizeof a->order);
    return c ? c : a->day - b->day;
}

static void order_ip(uint8_t *order, const struct ip *ip)
{
    order[0] = !ip_is_v4(ip);
    memcpy(order + 1, ip->b, 16);
}

static void model_add(struct cells *l, struct cell *c)
{
    for (size_t i = 0; i < l->n; i++)
        if (cmp_cell(&l->v[i], c) == 0) {
            l->v[i].contacts += c->contacts;
            if (l->v[i].contacts > ACTIVITY_CONTACTS_MAX)
                l->v[i].contacts = ACTIVITY_CONTACTS_MAX;
            l->v[i].hours |= c->hours;
            return;
        }
    l->v[l->n++] = *c;
}

static void bot_key_text(struct cell *c, uint64_t hash, uint32_t asn, const char country[2],
                         uint32_t source)
{
    snprintf(c->key, sizeof c->key, "%016llx %u %02x%02x %08x", (unsigned long long)hash, asn,
             (unsigned)country[0], (unsigned)country[1], source);
    be64_put(c->order, hash);
    be32_put(c->order + 8, asn);
    memcpy(c->order + 12, country, 2);
    be32_put(c->order + 14, source);
}

static unsigned model_contacts(const struct event *ev)
{
    if (!ev->feed.has || ev->feed.n < 2)
        return 1;
    struct span v = ev->feed.cells[1].value;
    return span_is(v, "7") ? 7 : span_is(v, "40000") ? 40000 : v.n > 10 ? 65535 : 1;
}

static uint64_t test_hash(struct span s)
{
    return XXH3_64bits(s.p, s.n) >> 16;
}

static void model(const struct world *w, struct cells *out)
{
    out->n = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct event *ev = &w->ev[i];
        struct cell c = {0};
        struct span family = ev->family.n ? ev->family : span_str("unknown");
        if (span_is(ev->role, "resolver") || span_is(ev->role, "visitor") || ev->time < 0 ||
            !ip_is_set(&ev->src_ip))
            continue;
        if (ev->kind == KIND_SMTP && ev->family_source.n)
            family = span_str("unknown");
        snprintf(c.family, sizeof c.family, "%.*s", (int)family.n, family.p);
        c.day = (uint16_t)(ev->time / UTC_DAY);
        c.hours = 1u << ev->time % UTC_DAY / (3600 * UTC_SECOND);
        c.contacts = model_contacts(ev);
        ip_format(&ev->src_ip, c.key);
        order_ip(c.order, &ev->src_ip);
        model_add(out, &c);
        if (!ev->bot_id.n)
            continue;
        char country[2] = {0};
        if (ev->country.n == 2)
            memcpy(country, ev->country.p, 2);
        c.bot = true;
        memset(c.order, 0, sizeof c.order);
        bot_key_text(&c, test_hash(ev->bot_id), ev->asn > UINT32_MAX ? 0 : (uint32_t)ev->asn,
                     country, activity_source(&ev->src_ip));
        model_add(out, &c);
    }
    qsort(out->v, out->n, sizeof *out->v, cmp_cell);
}

struct taking {
    struct cells *out;
    bool bots;
};

static int take(void *ctx, const struct activity_row *r)
{
    struct taking *t = ctx;
    for (size_t i = 0; i < r->n && t->out->n < CELLS_MAX; i++) {
        struct cell *c = &t->out->v[t->out->n++];
        *c = (struct cell){.bot = t->bots,
                           .day = r->days[i].day,
                           .contacts = r->days[i].contacts,
                           .hours = r->days[i].hours};
        snprintf(c->family, sizeof c->family, "%.*s", (int)r->family.n, r->family.p);
        if (t->bots) {
            bot_key_text(c, r->bot, r->asn, r->country, r->source);
        } else {
            ip_format(&r->ip, c->key);
            order_ip(c->order, &r->ip);
        }
    }
    return 0;
}

static int read_all(struct activity *a, struct span family, struct cells *out)
{
    struct taking t = {out, false};
    out->n = 0;
    int rc = activity_rows(a, ACTIVITY_ADDRESSES, family, take, &t, NULL);
    t.bots = true;
    return rc < 0 ? rc : activity_rows(a, ACTIVITY_BOTS, family, take, &t, NULL);
}

static bool same(const struct cells *a, const struct cells *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++) {
        const struct cell *x = &a->v[i], *y = &b->v[i];
        if (cmp_cell(x, y) || strcmp(x->key, y->key) || x->contacts != y->contacts ||
            x->hours != y->hours) {
            printf("# %s %s %u: %u %x, want %s %s %u: %u %x\n", x->family, x->key, x->day,
                   x->contacts, x->hours, y->family, y->key, y->day, y->contacts, y->hours);
            return false;
        }
    }
    return true;
}

struct totals {
    const struct cells *want;
    size_t at;
    bool good;
};

static int check_family(void *ctx, const struct activity_family *f)
{
    struct totals *t = ctx;
    struct activity_family w = {.day_min = UINT16_MAX};
    for (size_t i = 0; i < t->want->n; i++) {
        const struct cell *c = &t->want->v[i];
        if (!span_is(f->name, c->family))
            continue;
        *(c->bot ? &w.bot_days : &w.address_days) += 1;
        *(c->bot ? &w.bot_contacts : &w.contacts) += c->contacts;
        w.day_min = c->day < w.day_min ? c->day : w.day_min;
        w.day_max = c->day > w.day_max ? c->day : w.day_max;
    }
    t->at++;
    t->good &= w.address_days && w.address_days == f->address_days && w.contacts == f->contacts &&
               w.bot_days == f->bot_days && w.bot_contacts == f->bot_contacts &&
               w.day_min == f->day_min && w.day_max == f->day_max;
    return 0;
}

static bool totals_hold(struct activity *a, const struct cells *want)
{
    struct totals t = {want, 0, true};
    return activity_families(a, check_family, &t, NULL) == 0 && t.good && (t.at || !want->n);
}

static char dir[] = "/tmp/ebb-activity-XXXXXX";

static void drop(void)
{
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/activity", dir);
    unlink(path);
}

static void file_bytes(struct buf *out)
{
    char path[FILE_PATH_MAX];
    out->n = 0;
    file_path(path, NULL, "%s/activity", dir);
    file_read(path, 64u << 20, out, NULL);
}

/* In another order, with snapshots and restarts in between, the bytes are the same. */
static bool restarts_make_no_difference(const struct world *w, const struct buf *want)
{
    struct activity *a;
    struct buf got = {0};
    unsigned shift = below((unsigned)w->n);
    drop();
    activity_open(dir, &a, NULL);
    for (size_t i = 0; i < w->n; i++) {
        activity_add(a, &w->ev[(i + shift) % w->n]);
        if (below(150) == 0)
            activity_snapshot(a, NULL);
        if (below(150) == 0 && activity_snapshot(a, NULL) == 0) {
            activity_close(a);
            activity_open(dir, &a, NULL);
        }
    }
    activity_advance(a, w->n);
    activity_snapshot(a, NULL);
    activity_close(a);
    file_bytes(&got);
    bool good = span_eq(buf_as_span(&got), buf_as_span(want));
    buf_free(&got);
    return good;
}

static void test_worlds(void)
{
    static struct world w;
    static struct cells want, got;
    int rows = 0, totals = 0, saved = 0, restarts = 0, one = 0;
    for (unsigned i = 0; i < WORLDS; i++) {
        struct activity *a;
        struct buf bytes = {0};
        random_world(&w);
        model(&w, &want);
        drop();
        activity_open(dir, &a, NULL);
        for (size_t k = 0; k < w.n; k++)
            activity_add(a, &w.ev[k]);
        activity_advance(a, w.n);
        rows += read_all(a, (struct span){0}, &got) == 0 && same(&got, &want);
        totals += totals_hold(a, &want);
        activity_snapshot(a, NULL);
        saved += read_all(a, (struct span){0}, &got) == 0 && same(&got, &want) &&
                 totals_hold(a, &want) && activity_position(a) == w.n;
        read_all(a, span_str("cutwail"), &got);
        size_t other = 0;
        for (size_t k = 0; k < want.n; k++)
            other += strcmp(want.v[k].family, "cutwail") != 0;
        one += got.n == want.n - other;
        activity_close(a);
        file_bytes(&bytes);
        restarts += restarts_make_no_difference(&w, &bytes);
        buf_free(&bytes);
    }
    is_int(rows, WORLDS);
    is_int(totals, WORLDS);
    is_int(saved, WORLDS);
    is_int(one, WORLDS);
    is_int(restarts, WORLDS);
}

/* Enough for many runs and a merge of them. */
static void test_many(void)
{
    struct activity *a;
    struct event ev = {.kind = KIND_HTTP, .family = span_str("f"), .bot_id = span_str("id")};
    uint64_t n = 17 * (TOUCHES_MAX + 1);
    drop();
    activity_open(dir, &a, NULL);
    for (uint64_t i = 0; i < n; i++) {
        ev.src_ip = ip_from_v4((uint32_t)(i * 2654435761u) % 50021);
        ev.time = 15000 * UTC_DAY + (int64_t)(i % 24) * 3600 * UTC_SECOND;
        activity_add(a, &ev);
    }
    static struct cells got;
    struct taking t = {&got, true};
    ev.src_ip = ip_from_v4(1u << 31);
    ev.bot_id = span_str("other");
    ev.family = span_str("g");
    for (unsigned i = 0; i < 70000; i++) {
        ev.time = 15000 * UTC_DAY + (int64_t)(i % 24) * 3600 * UTC_SECOND;
        activity_add(a, &ev);
    }
    is_int(activity_rows(a, ACTIVITY_BOTS, span_str("g"), take, &t, NULL), 0);
    is_int(got.n, 1);
    is_int(got.v[0].contacts, ACTIVITY_CONTACTS_MAX);
    is_int(got.v[0].hours, 0xffffff);
    ok(a->nruns < 8, "runs are merged");
    is_int(activity_snapshot(a, NULL), 0);
    got.n = 0;
    is_int(activity_rows(a, ACTIVITY_ADDRESSES, span_str("none"), take, &t, NULL), 0);
    is_int(got.n, 0);
    activity_close(a);
}

static int stop(void *ctx, const struct activity_row *r)
{
    ++*(int *)ctx;
    return r->n ? 7 : -1;
}

static void small_case(void)
{
    struct activity *a;
    drop();
    activity_open(dir, &a, NULL);
    for (unsigned i = 0; i < 300; i++) {
        struct event ev = {.kind = KIND_DNS, .bot_id = span_of(&i, i % 3)};
        ev.src_ip = ip_from_v4(1 + i * i % 50);
        ev.time = (15000 + i % 7) * UTC_DAY;
        activity_add(a, &ev);
    }
    int rows = 0;
    is_int(activity_rows(a, ACTIVITY_ADDRESSES, (struct span){0}, stop, &rows, NULL), 7,
           "row() ends it");
    is_int(rows, 1);
    activity_advance(a, 300);
    activity_snapshot(a, NULL);
    activity_close(a);
}

/* Without waiting for the disk. */
static void put_file(const char *path, const uint8_t *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(p, 1, n, f) != n || fclose(f) != 0)
        abort();
}

/* Each byte changed, and each cut: found, dropped, and the view starts anew. */
static void test_damage(void)
{
    char path[FILE_PATH_MAX];
    struct buf good = {0};
    size_t found = 0, cut = 0;
    small_case();
    file_bytes(&good);
    file_path(path, NULL, "%s/activity", dir);
    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < good.n; i++) {
        struct activity *a;
        good.p[i] ^= (uint8_t)(1u << i % 8);
        put_file(path, good.p, good.n);
        good.p[i] ^= (uint8_t)(1u << i % 8);
        found += activity_open(dir, &a, NULL) == 0 && activity_position(a) == 0 && !a->map;
        activity_close(a);
        put_file(path, good.p, i);
        cut += activity_open(dir, &a, NULL) == 0 && activity_position(a) == 0 && !a->map;
        activity_close(a);
    }
    is_int(found, good.n);
    is_int(cut, good.n);
    buf_free(&good);
}

/* Damage that the checksum does not find (it was made to hold) is no more than wrong. */
static void test_forged(void)
{
    struct buf b = {0};
    static struct cells got;
    size_t refused = 0, read = 0;
    small_case();
    file_bytes(&b);
    for (unsigned i = 0; i < 20000; i++) {
        struct activity a = {.dir = dir};
        size_t at = below((unsigned)b.n - 8);
        uint8_t was = b.p[at];
        b.p[at] = (uint8_t)below(256);
        be64_put(b.p + b.n - 8, activity_file_checksum(span_of(b.p, b.n - 8)));
        if (activity_file_read(buf_as_span(&b), &a.position, &a.families, &a.base, NULL) < 0 ||
            read_all(&a, (struct span){0}, &got) < 0)
            refused++;
        else
            read++;
        b.p[at] = was;
        activity_run_free(&a.base);
        dict_free(&a.families);
        free(a.runs);
        touches_free(&a.touches);
    }
    ok(refused > 1000 && read > 1000, "forged snapshots are refused, or read as what they are");
    buf_free(&b);
}

/* doc/census.md's example. */
static void test_form(void)
{
    struct buf b = {0};
    struct activity_writer w;
    const struct activity_day days[] = {{15002, 1, 1u << 5}, {15004, 3, 1u << 23 | 1}};
    const uint8_t v4[] = {0x8a, 0x80, 0x80, 0x50, 1, 2 * (2 * 24 + 5), 2 * 1 + 1, 1, 0x80, 0, 1};
    activity_begin(&w, &b, SORT_V4, 15000);
    activity_put(&w, &(struct activity_key){0, 0x0a00000a}, days, 2);
    ok(b.n == sizeof v4 && memcmp(b.p, v4, b.n) == 0, "a row worked out by hand");
    is_int(w.set.contacts, 4);
    buf_free(&b);
}

int main(void)
{
    if (!mkdtemp(dir))
        return EXIT_FAILURE;
    log_set_level(LOG_ERROR);
    test_form();
    test_worlds();
    test_many();
    test_damage();
    test_forged();
    drop();
    rmdir(dir);
    return tap_done();
}
