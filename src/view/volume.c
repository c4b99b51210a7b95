#include "view/volume.h"

#include <errno.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/utc.h"

#define HOUR (3600 * UTC_SECOND)

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

/* ---- filters ---- */

/* Names as numbers, looked up once. */
struct filter {
    const struct volume_filter *f;
    const struct campaigns *campaigns;
    uint64_t campaign; /* that it counts for */
    unsigned family, brand, sensor;
    bool nothing; /* a name that no mail has */
};

static unsigned name_of(struct spam *s, struct span name, bool *nothing)
{
    unsigned number = name.n ? spam_named(s, name) : 0;
    *nothing |= name.n && !number;
    return number;
}

static struct filter filter_of(struct spam *s, const struct volume_filter *f)
{
    struct filter out = {.f = f, .campaigns = spam_campaigns(s), .campaign = f->campaign};
    if (f->campaign != VOLUME_ANY_CAMPAIGN)
        out.campaign = campaigns_root(out.campaigns, f->campaign);
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

static bool passes(const struct filter *x, const struct fact *fact, uint64_t campaign)
{
    const struct volume_filter *f = x->f;
    return !x->nothing && fact->time >= f->since && fact->time < f->until &&
           (!x->family || fact->family == x->family) && (!f->no_family || !fact->family) &&
           (!x->sensor || fact->sensor == x->sensor) && (!x->brand || has_brand(fact, x->brand)) &&
           (!f->topic || fact->topic == f->topic) && (!f->asn || fact->asn == f->asn) &&
           (!f->country[0] || memcmp(f->country, fact->country, 2) == 0) &&
           (f->campaign == VOLUME_ANY_CAMPAIGN || campaign == x->campaign);
}

/* ---- groups ---- */

/* Distinct pairs: open addressing, doubled when it is half full. */
struct pairs {
    struct pair {
        uint64_t a, b;
        bool used;
    } * v;
    size_t size, n;
};

static bool pairs_put(struct pairs *p, uint64_t a, uint64_t b)
{
    if (2 * p->n >= p->size) {
        struct pairs bigger = {.size = p->size ? 2 * p->size : 1024};
        bigger.v = mem_zeroed(bigger.size, sizeof *bigger.v);
        for (size_t i = 0; i < p->size; i++)
            if (p->v[i].used)
                pairs_put(&bigger, p->v[i].a, p->v[i].b);
        free(p->v);
        *p = bigger;
    }
    const uint64_t key[2] = {a, b};
    size_t i = XXH3_64bits(key, sizeof key) & (p->size - 1);
    for (; p->v[i].used; i = (i + 1) & (p->size - 1))
        if (p->v[i].a == a && p->v[i].b == b)
            return false;
    p->v[i] = (struct pair){a, b, true};
    p->n++;
    return true;
}

struct groups {
    struct volume_row *v;
    size_t n, cap;
    uint32_t *slot; /* place in v + 1 */
    size_t slots;
    struct pairs campaigns, sources;
    struct filter filter;
    enum volume_by by;
    uint64_t last_id, last_root; /* mails of a campaign often come together */
};

static uint32_t *slot_of(struct groups *g, uint64_t key)
{
    size_t i = XXH3_64bits(&key, sizeof key) & (g->slots - 1);
    while (g->slot[i] && g->v[g->slot[i] - 1].key != key)
        i = (i + 1) & (g->slots - 1);
    return &g->slot[i];
}

static struct volume_row *group(struct groups *g, uint64_t key)
{
    if (2 * g->n >= g->slots) {
        g->slots = g->slots ? 2 * g->slots : 256;
        free(g->slot);
        g->slot = mem_zeroed(g->slots, sizeof *g->slot);
        for (size_t i = 0; i < g->n; i++)
            *slot_of(g, g->v[i].key) = (uint32_t)i + 1;
    }
    uint32_t *slot = slot_of(g, key);
    if (!*slot) {
        g->v = mem_room(g->v, g->n, &g->cap, sizeof *g->v);
        g->v[g->n++] = (struct volume_row){.key = key, .first = INT64_MAX, .last = INT64_MIN};
        *slot = (uint32_t)g->n;
    }
    return &g->v[*slot - 1];
}

static uint64_t root_of(struct groups *g, uint64_t id)
{
    if (id == FACT_NO_CAMPAIGN)
        return id;
    if (id != g->last_id) {
        g->last_root = campaigns_root(g->filter.campaigns, id);
        g->last_id = id;
    }
    return g->last_root;
}

static void count(struct groups *g, uint64_t key, const struct fact *f, uint64_t campaign)
{
    struct volume_row *r = group(g, key);
    r->mails++;
    r->bytes += f->bytes;
    r->first = f->time < r->first ? f->time : r->first;
    r->last = f->time > r->last ? f->time : r->last;
    if (campaign != FACT_NO_CAMPAIGN)
        r->campaigns += pairs_put(&g->campaigns, key, campaign);
    if (f->source && g->by != VOLUME_BY_DAY && g->by != VOLUME_BY_HOUR)
        r->sources += pairs_put(&g->sources, key, f->source);
}

static int64_t hour_of(int64_t t)
{
    return t / HOUR - (t % HOUR < 0);
}

static uint64_t country_key(const char c[2])
{
    return (uint64_t)(uint8_t)c[0] << 8 | (uint8_t)c[1];
}

static void count_brands(struct groups *g, const struct fact *f, uint64_t campaign)
{
    unsigned n = 0;
    for (unsigned i = 0; i < FACT_BRANDS; i++) {
        if (f->brand[i]) {
            count(g, f->brand[i], f, campaign);
            n++;
        }
    }
    if (!n)
        count(g, 0, f, campaign);
}

static int take(void *ctx, const struct fact *f)
{
    struct groups *g = ctx;
    uint64_t campaign = root_of(g, f->campaign);
    if (!passes(&g->filter, f, campaign))
        return 0;
    switch (g->by) {
    case VOLUME_BY_DAY:
        count(g, (uint64_t)(int64_t)utc_day(f->time), f, campaign);
        break;
    case VOLUME_BY_HOUR:
        count(g, (uint64_t)hour_of(f->time), f, campaign);
        break;
    case VOLUME_BY_FAMILY:
        count(g, f->family, f, campaign);
        break;
    case VOLUME_BY_TOPIC:
        count(g, f->topic, f, campaign);
        break;
    case VOLUME_BY_BRAND:
        count_brands(g, f, campaign);
        break;
    case VOLUME_BY_CAMPAIGN:
        count(g, campaign, f, campaign);
        break;
    case VOLUME_BY_COUNTRY:
        count(g, country_key(f->country), f, campaign);
        break;
    case VOLUME_BY_ASN:
        count(g, f->asn, f, campaign);
        break;
    default:
        count(g, f->sensor, f, campaign);
    }
    return 0;
}

static int by_key(const void *a, const void *b)
{
    const struct volume_row *x = a, *y = b;
    int64_t p = (int64_t)x->key, q = (int64_t)y->key;
    return (p > q) - (p < q);
}

static int by_mails(const void *a, const void *b)
{
    const struct volume_row *x = a, *y = b;
    return x->mails != y->mails ? (x->mails < y->mails) - (x->mails > y->mails) : by_key(a, b);
}

int volume_rows(struct spam *s, enum volume_by by, const struct volume_filter *f,
                struct volume_row **rows, size_t *n, struct err *err)
{
    struct groups g = {.by = by, .filter = filter_of(s, f), .last_id = FACT_NO_CAMPAIGN};
    int rc = spam_facts(s, take, &g, err);
    bool by_time = by == VOLUME_BY_DAY || by == VOLUME_BY_HOUR;
    if (rc == 0 && g.n)
        qsort(g.v, g.n, sizeof *g.v, by_time ? by_key : by_mails);
    free(g.slot);
    free(g.campaigns.v);
    free(g.sources.v);
    if (rc < 0)
        free(g.v);
    *rows = rc < 0 ? NULL : g.v;
    *n = rc < 0 ? 0 : g.n;
    return rc;
}

/* ---- hours ---- */

struct hours {
    struct volume_hours *out;
    struct groups g; /* for its filter and roots */
    int32_t first, last;
};

static int see_day(void *ctx, const struct fact *f)
{
    struct hours *h = ctx;
    int32_t day = utc_day(f->time);
    if (f->time < h->g.filter.f->since || f->time >= h->g.filter.f->until)
        return 0;
    h->first = day < h->first ? day : h->first;
    h->last = day > h->last ? day : h->last;
    return 0;
}

static uint32_t *sensor_hours(struct volume_hours *o, uint16_t sensor)
{
    unsigned i = 0;
    while (i < o->sensors && o->sensor[i] != sensor)
        i++;
    if (i == o->sensors) {
        if (i == VOLUME_SENSORS_MAX)
            return NULL;
        o->sensor[i] = sensor;
        o->mails[i] = mem_zeroed((size_t)o->days * 24, sizeof **o->mails);
        o->sensors++;
    }
    return o->mails[i];
}

static int take_hour(void *ctx, const struct fact *f)
{
    struct hours *h = ctx;
    struct volume_hours *o = h->out;
    if (!passes(&h->g.filter, f, root_of(&h->g, f->campaign)))
        return 0;
    int64_t at = hour_of(f->time) - (int64_t)o->first_day * 24;
    uint32_t *mails = sensor_hours(o, f->sensor);
    if (!mails)
        o->more_sensors = true;
    else if (at >= 0 && at < (int64_t)o->days * 24)
        mails[at]++;
    return 0;
}

int volume_hours(struct spam *s, const struct volume_filter *f, struct volume_hours *out,
                 struct err *err)
{
    struct hours h = {.out = out, .first = INT32_MAX, .last = INT32_MIN};
    h.g.filter = filter_of(s, f);
    h.g.last_id = FACT_NO_CAMPAIGN;
    memset(out, 0, sizeof *out);
    int rc = spam_facts(s, see_day, &h, err);
    if (rc < 0 || h.first > h.last)
        return rc;
    if ((int64_t)h.last - h.first >= VOLUME_DAYS_MAX)
        return err_set(err, -E2BIG,
                       "mails of more than %d days: narrow it with --since and --until",
                       VOLUME_DAYS_MAX);
    out->first_day = h.first;
    out->days = (uint32_t)(h.last - h.first) + 1;
    rc = spam_facts(s, take_hour, &h, err);
    if (rc < 0)
        volume_hours_free(out);
    return rc;
}

void volume_hours_free(struct volume_hours *h)
{
    for (unsigned i = 0; i < h->sensors; i++)
        free(h->mails[i]);
    memset(h, 0, sizeof *h);
}
