#include "view/volume.h"

#include <errno.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/utc.h"
#include "view/distinct.h"

#define HOUR (3600 * UTC_SECOND)
#define WAIT 16 /* facts on their way at once */

static const char *const by_names[VOLUME_BYS] = {
    "day", "hour", "family", "topic", "brand", "campaign", "country", "asn", "sensor",
};

const char *volume_by_name(enum volume_by by)
{
    return by_names[by];
}

enum volume_by volume_by_named(const char *name)
{
    unsigned i = 0;
    while (i < VOLUME_BYS && strcmp(by_names[i], name) != 0)
        i++;
    return (enum volume_by)i;
}

/* ---- campaigns ---- */

/* Campaigns by number, in the order in which facts name them. */
struct roots {
    const struct campaigns *campaigns;
    struct numbers ids; /* id + 1; tag: the number of the one that it counts for */
    uint64_t *id;       /* by number */
    size_t cap;
};
#define NO_ROOT UINT32_MAX

static uint32_t root_of(struct roots *r, uint64_t id)
{
    if (id == FACT_NO_CAMPAIGN)
        return NO_ROOT;
    uint32_t before = r->ids.n;
    const struct numbered *at = numbers_of(&r->ids, id + 1);
    if (r->ids.n == before)
        return at->tag;
    uint64_t root = campaigns_root(r->campaigns, id);
    r->id = mem_room(r->id, before, &r->cap, sizeof *r->id);
    r->id[before] = id;
    uint32_t number = root == id ? before : root_of(r, root);
    numbers_of(&r->ids, id + 1)->tag = number;
    return number;
}

static uint64_t root_id(const struct roots *r, uint32_t root)
{
    return root == NO_ROOT ? FACT_NO_CAMPAIGN : r->id[root];
}

static void roots_free(struct roots *r)
{
    numbers_free(&r->ids);
    free(r->id);
}

/* ---- filters ---- */

/* Names as numbers, looked up once. */
struct filter {
    const struct volume_filter *f;
    uint32_t root; /* of the campaign asked for */
    unsigned family, brand, sensor;
    bool nothing; /* a name that no mail has */
};

static unsigned name_of(struct spam *s, struct span name, bool *nothing)
{
    unsigned number = name.n ? spam_named(s, name) : 0;
    *nothing |= name.n && !number;
    return number;
}

static struct filter filter_of(struct spam *s, const struct volume_filter *f, struct roots *roots)
{
    struct filter out = {.f = f, .root = root_of(roots, f->campaign)};
    out.family = name_of(s, f->family, &out.nothing);
    out.brand = name_of(s, f->brand, &out.nothing);
    out.sensor = name_of(s, f->sensor, &out.nothing);
    return out;
}

static bool has_brand(const struct fact *fact, unsigned brand)
{
    for (unsigned i = 0; i < FACT_BRANDS; i++)
        if (fact->brand[i] == brand)
            return true;
    return false;
}

static bool is_in_time(const struct filter *x, const struct fact *fact)
{
    return fact->time >= x->f->since && fact->time < x->f->until;
}

/* Of those that are in time. */
static bool passes(const struct filter *x, const struct fact *fact, uint32_t root)
{
    const struct volume_filter *f = x->f;
    return !x->nothing && (!x->family || fact->family == x->family) &&
           (!f->no_family || !fact->family) && (!x->sensor || fact->sensor == x->sensor) &&
           (!x->brand || has_brand(fact, x->brand)) && (!f->topic || fact->topic == f->topic) &&
           (!f->asn || fact->asn == f->asn) &&
           (!f->country[0] || memcmp(f->country, fact->country, 2) == 0) &&
           (f->campaign == VOLUME_ANY_CAMPAIGN || root == x->root);
}

/* ---- groups ---- */

struct groups {
    enum volume_by by;
    struct volume_row *v;
    size_t n, cap;
    uint32_t *slot; /* place in v + 1 */
    size_t slots;
    uint32_t last; /* place of the row that was counted last */
    struct distinct campaigns, sources;
    struct numbers ipv6;
    uint64_t mails;
};

static uint32_t *slot_of(struct groups *g, uint64_t key)
{
    size_t i = XXH3_64bits(&key, sizeof key) & (g->slots - 1);
    while (g->slot[i] && g->v[g->slot[i] - 1].key != key)
        i = (i + 1) & (g->slots - 1);
    return &g->slot[i];
}

static void more_slots(struct groups *g)
{
    g->slots = g->slots ? 2 * g->slots : 256;
    free(g->slot);
    g->slot = mem_zeroed(g->slots, sizeof *g->slot);
    for (size_t i = 0; i < g->n; i++)
        *slot_of(g, g->v[i].key) = (uint32_t)i + 1;
}

static uint32_t group(struct groups *g, uint64_t key)
{
    if (g->last < g->n && g->v[g->last].key == key)
        return g->last;
    if (2 * g->n >= g->slots)
        more_slots(g);
    uint32_t *slot = slot_of(g, key);
    if (!*slot) {
        g->v = mem_room(g->v, g->n, &g->cap, sizeof *g->v);
        g->v[g->n++] = (struct volume_row){.key = key, .first = INT64_MAX, .last = INT64_MIN};
        *slot = (uint32_t)g->n;
    }
    return g->last = *slot - 1;
}

static bool is_by_time(enum volume_by by)
{
    return by == VOLUME_BY_DAY || by == VOLUME_BY_HOUR;
}

/* IPv4 sources are below 2^33; the others get numbers. */
static uint64_t source_number(struct groups *g, uint64_t source)
{
    return source >> DISTINCT_VALUE_BITS ? numbers_of(&g->ipv6, source)->number : source;
}

static void count(struct groups *g, uint64_t key, const struct fact *f, uint32_t root)
{
    uint32_t at = group(g, key);
    struct volume_row *r = &g->v[at];
    r->mails++;
    r->bytes += f->bytes;
    r->first = f->time < r->first ? f->time : r->first;
    r->last = f->time > r->last ? f->time : r->last;
    if (root != NO_ROOT)
        distinct_put(&g->campaigns, at, root);
    if (f->source && !is_by_time(g->by))
        distinct_put(&g->sources, at, source_number(g, f->source));
}

static int64_t hour_of(int64_t t)
{
    return t / HOUR - (t % HOUR < 0);
}

static uint64_t country_key(const char c[2])
{
    return (uint64_t)(uint8_t)c[0] << 8 | (uint8_t)c[1];
}

static void count_brands(struct groups *g, const struct fact *f, uint32_t root)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FACT_BRANDS; i++) {
        if (f->brand[i]) {
            count(g, f->brand[i], f, root);
            n++;
        }
    }
    if (!n)
        count(g, 0, f, root);
}

static uint64_t key_of(enum volume_by by, const struct fact *f, uint32_t root)
{
    switch (by) {
    case VOLUME_BY_DAY:
        return (uint64_t)(int64_t)utc_day(f->time);
    case VOLUME_BY_HOUR:
        return (uint64_t)hour_of(f->time);
    case VOLUME_BY_FAMILY:
        return f->family;
    case VOLUME_BY_TOPIC:
        return f->topic;
    case VOLUME_BY_CAMPAIGN:
        return root; /* its id in the end */
    case VOLUME_BY_COUNTRY:
        return country_key(f->country);
    case VOLUME_BY_ASN:
        return f->asn;
    default:
        return f->sensor;
    }
}

static void take(struct groups *g, const struct fact *f, uint32_t root)
{
    g->mails++;
    if (g->by == VOLUME_BY_BRAND)
        count_brands(g, f, root);
    else
        count(g, key_of(g->by, f, root), f, root);
}

struct order {
    enum volume_by by;
    struct span (*name)(void *ctx, unsigned number);
    void *ctx;
};

static bool has_name(enum volume_by by)
{
    return by == VOLUME_BY_FAMILY || by == VOLUME_BY_BRAND || by == VOLUME_BY_SENSOR;
}

static int by_key(const struct volume_row *x, const struct volume_row *y, const struct order *o)
{
    int64_t p = (int64_t)x->key, q = (int64_t)y->key;
    if (has_name(o->by))
        return span_cmp(o->name(o->ctx, (unsigned)p), o->name(o->ctx, (unsigned)q));
    if (p != q || x->log == y->log)
        return (p > q) - (p < q);
    return span_cmp(o->name(o->ctx, (unsigned)x->log), o->name(o->ctx, (unsigned)y->log));
}

static int by_order(const void *a, const void *b, void *ctx)
{
    const struct volume_row *x = a, *y = b;
    const struct order *o = ctx;
    if (is_by_time(o->by) || x->mails == y->mails)
        return by_key(x, y, o);
    return x->mails > y->mails ? -1 : 1;
}

void volume_order(struct volume *v, enum volume_by by,
                  struct span (*name)(void *ctx, unsigned number), void *ctx)
{
    struct order o = {by, name, ctx};
    if (v->n)
        qsort_r(v->v, v->n, sizeof *v->v, by_order, &o);
}

static struct span name_in(void *ctx, unsigned number)
{
    return number ? spam_name(ctx, number) : span_of("", 0);
}

static void groups_free(struct groups *g)
{
    free(g->v);
    free(g->slot);
    distinct_free(&g->campaigns);
    distinct_free(&g->sources);
    numbers_free(&g->ipv6);
}

/* The rows go over to the caller. */
static struct volume groups_end(struct groups *g, const struct roots *roots, struct spam *s)
{
    struct volume out = {g->v, g->n, g->mails};
    for (uint32_t i = 0; i < g->n; i++) {
        g->v[i].campaigns = distinct_count(&g->campaigns, i);
        g->v[i].sources = distinct_count(&g->sources, i);
        if (g->by == VOLUME_BY_CAMPAIGN)
            g->v[i].key = root_id(roots, (uint32_t)g->v[i].key);
    }
    volume_order(&out, g->by, name_in, s);
    g->v = NULL;
    return out;
}

void volume_free(struct volume *v)
{
    free(v->v);
    *v = (struct volume){0};
}

/* ---- hours ---- */

/* Days that there is room for; it moves and grows as facts come, in any order of time. */
struct window {
    int32_t from;
    uint32_t days;
    int32_t first, last; /* with mail */
    bool too_long;
};

struct hours {
    struct volume_hours *out;
    uint16_t place[UINT16_MAX + 1]; /* a sensor's place in *out + 1 */
};

static void hours_move(struct volume_hours *o, const struct window *old, const struct window *w)
{
    for (unsigned i = 0; i < o->sensors; i++) {
        uint32_t *moved = mem_zeroed((size_t)w->days * 24, sizeof *moved);
        memcpy(moved + (size_t)(old->from - w->from) * 24, o->mails[i],
               (size_t)old->days * 24 * sizeof *moved);
        free(o->mails[i]);
        o->mails[i] = moved;
    }
}

/* Says that the day has mail. False when the range is too long with it. */
static bool window_see(struct window *w, int32_t day)
{
    w->first = day < w->first ? day : w->first;
    w->last = day > w->last ? day : w->last;
    w->too_long = (int64_t)w->last - w->first >= VOLUME_DAYS_MAX;
    return !w->too_long;
}

/* Room for the first and last day, and half as much again where it was short. */
static struct window window_grown(const struct window *w)
{
    int32_t slack = (int32_t)w->days / 2 + 32, from = w->from, end = w->from + (int32_t)w->days;
    struct window out = *w;
    if (!w->days)
        from = end = w->first;
    from = w->first < from ? w->first - slack : from;
    end = w->last >= end ? w->last + 1 + slack : end;
    out.from = from;
    out.days = (uint32_t)(end - from);
    return out;
}

static uint32_t *sensor_hours(struct hours *h, uint16_t sensor, uint32_t days)
{
    struct volume_hours *o = h->out;
    if (!h->place[sensor]) {
        if (o->sensors == VOLUME_SENSORS_MAX)
            return NULL;
        o->sensor[o->sensors] = sensor;
        o->mails[o->sensors] = mem_zeroed((size_t)days * 24, sizeof **o->mails);
        h->place[sensor] = (uint16_t)++o->sensors;
    }
    return o->mails[h->place[sensor] - 1];
}

static void take_hour(struct hours *h, const struct window *w, const struct fact *f)
{
    uint32_t *mails = sensor_hours(h, f->sensor, w->days);
    if (mails)
        mails[hour_of(f->time) - (int64_t)w->from * 24]++;
    else
        h->out->more_sensors = true;
}

/* To the days that have mail. */
static void hours_end(struct volume_hours *o, const struct window *w)
{
    if (w->first > w->last)
        return;
    o->first_day = w->first;
    o->days = (uint32_t)(w->last - w->first) + 1;
    for (unsigned i = 0; i < o->sensors; i++)
        memmove(o->mails[i], o->mails[i] + (size_t)(w->first - w->from) * 24,
                (size_t)o->days * 24 * sizeof **o->mails);
}

void volume_hours_free(struct volume_hours *h)
{
    for (unsigned i = 0; i < h->sensors; i++)
        free(h->mails[i]);
    memset(h, 0, sizeof *h);
}

/* ---- the walk ---- */

struct walk {
    struct filter filter;
    struct roots roots;
    struct groups *groups;        /* NULL: no rows are wanted */
    struct hours *all, *filtered; /* NULL: no hours */
    struct window window;
    struct fact wait[WAIT]; /* while what they name comes from memory */
    unsigned waiting;
};

static void walk_begin(struct walk *w, struct spam *s, const struct volume_filter *f)
{
    memset(w, 0, sizeof *w);
    w->roots.campaigns = spam_campaigns(s);
    w->filter = filter_of(s, f, &w->roots);
    w->window.first = INT32_MAX;
    w->window.last = INT32_MIN;
}

static bool make_room(struct walk *w, int32_t day)
{
    struct window old = w->window;
    if (!window_see(&w->window, day))
        return false;
    if (day < old.from || day - old.from >= (int64_t)old.days) {
        w->window = window_grown(&w->window);
        hours_move(w->all->out, &old, &w->window);
        hours_move(w->filtered->out, &old, &w->window);
    }
    return true;
}

/* False: it goes no further. */
static bool take_fact(struct walk *w, const struct fact *f)
{
    if (w->all) {
        if (!make_room(w, utc_day(f->time)))
            return false;
        take_hour(w->all, &w->window, f);
    }
    uint32_t root = root_of(&w->roots, f->campaign);
    if (!passes(&w->filter, f, root))
        return true;
    if (w->filtered)
        take_hour(w->filtered, &w->window, f);
    if (w->groups)
        take(w->groups, f, root);
    return true;
}

static int take_waiting(struct walk *w)
{
    unsigned n = w->waiting;
    w->waiting = 0;
    for (unsigned i = 0; i < n; i++)
        if (!take_fact(w, &w->wait[i]))
            return 1;
    return 0;
}

static int see(void *ctx, const struct fact *f)
{
    struct walk *w = ctx;
    if (!is_in_time(&w->filter, f))
        return 0;
    numbers_prefetch(&w->roots.ids, f->campaign + 1);
    w->wait[w->waiting++] = *f;
    return w->waiting == WAIT ? take_waiting(w) : 0;
}

static int walk(struct walk *w, struct spam *s, struct err *err)
{
    int rc = spam_facts(s, see, w, err);
    if (rc == 0)
        rc = take_waiting(w);
    if (!w->window.too_long)
        return rc;
    return err_set(err, -E2BIG, "mails of more than %d days: narrow it with --since and --until",
                   VOLUME_DAYS_MAX);
}

int volume_rows(struct spam *s, enum volume_by by, const struct volume_filter *f,
                struct volume *out, struct err *err)
{
    struct groups g = {.by = by};
    struct walk w;
    walk_begin(&w, s, f);
    w.groups = &g;
    int rc = walk(&w, s, err);
    *out = rc == 0 ? groups_end(&g, &w.roots, s) : (struct volume){0};
    groups_free(&g);
    roots_free(&w.roots);
    return rc;
}

int volume_hours(struct spam *s, const struct volume_filter *f, struct volume_hours *all,
                 struct volume_hours *filtered, struct volume *days, struct err *err)
{
    struct groups g = {.by = VOLUME_BY_DAY};
    struct hours *h = mem_zeroed(2, sizeof *h);
    struct walk w;
    memset(all, 0, sizeof *all);
    memset(filtered, 0, sizeof *filtered);
    h[0].out = all;
    h[1].out = filtered;
    walk_begin(&w, s, f);
    w.all = &h[0];
    w.filtered = &h[1];
    w.groups = days ? &g : NULL;
    int rc = walk(&w, s, err);
    free(h);
    if (rc == 0) {
        hours_end(all, &w.window);
        hours_end(filtered, &w.window);
    }
    if (days)
        *days = rc == 0 ? groups_end(&g, &w.roots, s) : (struct volume){0};
    groups_free(&g);
    roots_free(&w.roots);
    if (rc < 0) {
        volume_hours_free(all);
        volume_hours_free(filtered);
    }
    return rc;
}
