#include "view/volume.h"

#include <errno.h>

#include "base/tap.h"
#include "base/utc.h"
#include "state/spam_impl.h"
#include "state/test_campaigns.h"

#define MAILS     4000
#define CAMPAIGNS 40
#define HOUR      (3600 * UTC_SECOND)

static char dir[] = "/tmp/ebb-volume-XXXXXX";
static struct fact facts[MAILS];
static uint64_t ids[CAMPAIGNS];

static int no_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    (void)ctx;
    (void)sha256;
    (void)out;
    return err_set(err, -ENOENT, "there are none");
}

static struct spam *open_empty(void)
{
    const struct spam_source none = {.blob = no_blob};
    struct spam *s = NULL;
    struct err err;
    is_int(spam_open(dir, &none, &s, &err), 0);
    return s;
}

/* Campaigns that are known, so that they can be merged. */
static void found_campaigns(struct spam *s)
{
    static struct made_mail made;
    uint64_t rng = 7;
    for (unsigned i = 0; i < CAMPAIGNS; i++) {
        struct made_source source = {.seed = made_mix(i), .own = 60, .hand = i};
        struct campaigns_proposal p;
        enum campaign_why why;
        made_mail(&source, &rng, &made);
        struct campaigns_mail m = {.index = 10 + i, .time = i, .bytes = 1, .mail = &made.mail};
        ids[i] = campaigns_add(s->campaigns, &m, &why, &p);
    }
}

static struct fact made_fact(uint64_t i, uint64_t *rng)
{
    struct fact f = {.index = 1000 + i,
                     .campaign =
                         made_next(rng) % 20 ? ids[made_next(rng) % CAMPAIGNS] : FACT_NO_CAMPAIGN,
                     .bytes = (uint32_t)(made_next(rng) % 5000),
                     .asn = (uint32_t)(made_next(rng) % 9),
                     .family = (uint16_t)(made_next(rng) % 4),
                     .sensor = (uint16_t)(made_next(rng) % 3),
                     .topic = (uint8_t)(made_next(rng) % TOPICS)};
    struct ip v4 = ip_from_v4(0xcb007100 + (uint32_t)(made_next(rng) % 200)), v6 = {0};
    v6.b[0] = 0x20;
    v6.b[7] = (uint8_t)(made_next(rng) % 50);
    unsigned sort = made_next(rng) % 10;
    f.source = sort == 0 ? 0 : fact_source(sort < 4 ? &v6 : &v4);
    /* 1969-12-28 to 1970-01-06, at the hour and a microsecond beside it, too */
    f.time = (int64_t)(made_next(rng) % (10 * 24)) * HOUR - 4 * UTC_DAY +
             (int64_t)(made_next(rng) % 3) - 1;
    if (made_next(rng) % 4)
        memcpy(f.country, made_next(rng) % 2 ? "DE" : "US", 2);
    for (unsigned b = 0; b < FACT_BRANDS && made_next(rng) % 2; b++)
        f.brand[b] = (uint16_t)(4 + (i + b) % 6);
    return f;
}

static struct spam *fill(void)
{
    static const char *const words[] = {"family-1", "family-2", "family-3", "b4", "b5",
                                        "b6",       "b7",       "b8",       "b9"};
    struct spam *s = open_empty();
    struct err err;
    uint64_t rng = 11;
    for (unsigned i = 0; i < 9; i++)
        is_int(names_number(&s->names, span_str(words[i])), i + 1);
    found_campaigns(s);
    for (unsigned i = 0; i < MAILS; i++) {
        facts[i] = made_fact(i, &rng);
        fact_add(s->facts, &facts[i]);
        if (i == MAILS / 2)
            is_int(spam_snapshot(s, &err), 0); /* half of them on disk */
    }
    is_int(campaigns_merge(s->campaigns, ids[3], ids[7]), 0);
    is_int(campaigns_merge(s->campaigns, ids[1], ids[3]), 0);
    is_int(campaigns_merge(s->campaigns, ids[20], ids[21]), 0);
    return s;
}

/* ---- the same, counted the slow way ---- */

static int64_t floor_to(int64_t t, int64_t unit)
{
    int64_t n = t / unit;
    while (n * unit > t)
        n--;
    return n;
}

static bool passes(const struct spam *s, const struct volume_filter *f, const struct fact *x)
{
    bool brand = !f->brand.n;
    for (unsigned i = 0; i < FACT_BRANDS; i++)
        brand |= x->brand[i] && span_eq(spam_name(s, x->brand[i]), f->brand);
    return brand && x->time >= f->since && x->time < f->until &&
           (!f->family.n || span_eq(spam_name(s, x->family), f->family)) &&
           (!f->no_family || x->family == 0) &&
           (!f->sensor.n || span_eq(spam_name(s, x->sensor), f->sensor)) &&
           (!f->topic || x->topic == f->topic) && (!f->asn || x->asn == f->asn) &&
           (!f->country[0] || (x->country[0] == f->country[0] && x->country[1] == f->country[1])) &&
           (f->campaign == VOLUME_ANY_CAMPAIGN ||
            campaigns_root(s->campaigns, x->campaign) == campaigns_root(s->campaigns, f->campaign));
}

static unsigned keys_of(const struct spam *s, enum volume_by by, const struct fact *x,
                        uint64_t key[FACT_BRANDS])
{
    unsigned n = 0;
    switch (by) {
    case VOLUME_BY_DAY:
        key[0] = (uint64_t)floor_to(x->time, UTC_DAY);
        return 1;
    case VOLUME_BY_HOUR:
        key[0] = (uint64_t)floor_to(x->time, HOUR);
        return 1;
    case VOLUME_BY_FAMILY:
        key[0] = x->family;
        return 1;
    case VOLUME_BY_TOPIC:
        key[0] = x->topic;
        return 1;
    case VOLUME_BY_CAMPAIGN:
        key[0] = campaigns_root(s->campaigns, x->campaign);
        return 1;
    case VOLUME_BY_COUNTRY:
        key[0] = (uint64_t)x->country[0] * 256 + (uint64_t)x->country[1];
        return 1;
    case VOLUME_BY_ASN:
        key[0] = x->asn;
        return 1;
    case VOLUME_BY_SENSOR:
        key[0] = x->sensor;
        return 1;
    default:
        for (unsigned i = 0; i < FACT_BRANDS; i++)
            if (x->brand[i])
                key[n++] = x->brand[i];
        if (!n)
            key[n++] = 0;
        return n;
    }
}

static bool put_new(uint64_t *seen, size_t *n, uint64_t value)
{
    for (size_t i = 0; i < *n; i++)
        if (seen[i] == value)
            return false;
    seen[(*n)++] = value;
    return true;
}

static struct volume_row slow_row(const struct spam *s, enum volume_by by,
                                  const struct volume_filter *f, uint64_t key)
{
    static uint64_t campaigns[MAILS], sources[MAILS];
    struct volume_row r = {.key = key, .first = INT64_MAX, .last = INT64_MIN};
    uint64_t keys[FACT_BRANDS];
    size_t n_campaigns = 0, n_sources = 0;
    for (unsigned i = 0; i < MAILS; i++) {
        const struct fact *x = &facts[i];
        unsigned n = passes(s, f, x) ? keys_of(s, by, x, keys) : 0;
        for (unsigned k = 0; k < n; k++) {
            if (keys[k] != key)
                continue;
            r.mails++;
            r.bytes += x->bytes;
            r.first = x->time < r.first ? x->time : r.first;
            r.last = x->time > r.last ? x->time : r.last;
            if (x->campaign != FACT_NO_CAMPAIGN)
                r.campaigns +=
                    put_new(campaigns, &n_campaigns, campaigns_root(s->campaigns, x->campaign));
            if (x->source && by != VOLUME_BY_DAY && by != VOLUME_BY_HOUR)
                r.sources += put_new(sources, &n_sources, x->source);
        }
    }
    return r;
}

static struct span name_of(struct spam *s, uint64_t key)
{
    return key ? spam_name(s, (unsigned)key) : span_of("", 0);
}

static bool is_ordered(struct spam *s, enum volume_by by, const struct volume_row *a,
                       const struct volume_row *b)
{
    bool named = by == VOLUME_BY_FAMILY || by == VOLUME_BY_BRAND || by == VOLUME_BY_SENSOR;
    bool before = named ? span_cmp(name_of(s, a->key), name_of(s, b->key)) < 0
                        : (int64_t)a->key < (int64_t)b->key;
    if (by == VOLUME_BY_DAY || by == VOLUME_BY_HOUR)
        return before;
    return a->mails > b->mails || (a->mails == b->mails && before);
}

/* Every row right, none missing, in order, and the total. */
static bool agrees(struct spam *s, enum volume_by by, const struct volume_filter *f)
{
    struct volume v;
    struct err err;
    uint64_t keys[FACT_BRANDS], mails = 0, in_rows = 0, of_rows = 0;
    if (volume_rows(s, by, f, &v, &err) != 0)
        return false;
    for (unsigned i = 0; i < MAILS; i++) {
        if (!passes(s, f, &facts[i]))
            continue;
        mails++;
        in_rows += keys_of(s, by, &facts[i], keys);
    }
    bool good = v.mails == mails;
    for (size_t i = 0; i < v.n; i++) {
        struct volume_row r = slow_row(s, by, f, v.v[i].key);
        good &= memcmp(&r, &v.v[i], sizeof r) == 0;
        good &= i == 0 || is_ordered(s, by, &v.v[i - 1], &v.v[i]);
        of_rows += v.v[i].mails;
    }
    volume_free(&v);
    return good && of_rows == in_rows;
}

#define EVERYTHING .since = INT64_MIN, .until = INT64_MAX, .campaign = VOLUME_ANY_CAMPAIGN

static void test_groups(struct spam *s)
{
    const struct volume_filter filters[] = {
        {EVERYTHING},
        {.since = -UTC_DAY, .until = 2 * UTC_DAY, .campaign = VOLUME_ANY_CAMPAIGN},
        {EVERYTHING, .family = span_str("family-2")},
        {EVERYTHING, .no_family = true},
        {EVERYTHING, .brand = span_str("b5")},
        {EVERYTHING, .sensor = span_str("family-1")}, /* a name is a name */
        {EVERYTHING, .topic = TOPIC_PHARMACY},
        {EVERYTHING, .country = "DE"},
        {EVERYTHING, .asn = 3},
        {.since = INT64_MIN, .until = INT64_MAX, .campaign = ids[7]}, /* merged, twice */
        {.since = INT64_MIN, .until = INT64_MAX, .campaign = ids[1]},
        {.since = INT64_MIN, .until = INT64_MAX, .campaign = 999999}, /* there is none */
        {EVERYTHING, .country = "US", .brand = span_str("b4"), .family = span_str("family-1")},
        {EVERYTHING, .brand = span_str("nobody")},
    };
    for (enum volume_by by = 0; by < VOLUME_BYS; by++)
        for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
            char name[32];
            snprintf(name, sizeof name, "by %s, filter %zu", volume_by_name(by), i);
            tap_check(agrees(s, by, &filters[i]), "rows", __FILE__, __LINE__, name);
        }
}

static void test_names(void)
{
    for (enum volume_by by = 0; by < VOLUME_BYS; by++)
        is_int(volume_by_named(volume_by_name(by)), by);
    is_int(volume_by_named("moon"), VOLUME_BYS);
    is_int(volume_by_named(""), VOLUME_BYS);
}

/* ---- hours ---- */

static unsigned mails_in(const struct volume_hours *h, uint16_t sensor, int64_t hour)
{
    for (unsigned i = 0; i < h->sensors; i++)
        if (h->sensor[i] == sensor)
            return h->mails[i][hour - (int64_t)h->first_day * 24];
    return 0;
}

static void test_hours(struct spam *s)
{
    const struct volume_filter f = {.since = -3 * UTC_DAY,
                                    .until = 5 * UTC_DAY,
                                    .campaign = VOLUME_ANY_CAMPAIGN,
                                    .country = "DE"};
    const struct volume_filter any = {
        .since = f.since, .until = f.until, .campaign = VOLUME_ANY_CAMPAIGN};
    struct volume_hours all, some;
    struct volume days, rows;
    struct err err;
    bool good = true;
    is_int(volume_hours(s, &f, &all, &some, &days, &err), 0);
    is_int(all.first_day, -3);
    is_int(all.days, 8);
    is_int(some.first_day, -3);
    is_int(some.days, 8);
    ok(all.sensors == 3 && some.sensors == 3 && !all.more_sensors);
    for (int64_t hour = -3 * 24; hour < 5 * 24; hour++)
        for (uint16_t sensor = 0; sensor < 3; sensor++) {
            unsigned want_all = 0, want = 0;
            for (unsigned i = 0; i < MAILS; i++) {
                const struct fact *x = &facts[i];
                if (floor_to(x->time, HOUR) != hour || x->sensor != sensor)
                    continue;
                want_all += passes(s, &any, x);
                want += passes(s, &f, x);
            }
            good &= mails_in(&all, sensor, hour) == want_all;
            good &= mails_in(&some, sensor, hour) == want;
        }
    ok(good, "every hour of every sensor");
    is_int(volume_rows(s, VOLUME_BY_DAY, &f, &rows, &err), 0);
    ok(rows.n == days.n && rows.mails == days.mails &&
           memcmp(rows.v, days.v, rows.n * sizeof *rows.v) == 0,
       "the rows by day are those of the other function");
    volume_free(&rows);
    volume_free(&days);
    volume_hours_free(&all);
    volume_hours_free(&some);
    is_int(all.sensors, 0);
}

static void add(struct spam *s, int64_t time, uint16_t sensor)
{
    const struct fact f = {.time = time, .sensor = sensor, .campaign = FACT_NO_CAMPAIGN};
    fact_add(s->facts, &f);
}

static uint64_t sum(const struct volume_hours *h)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < h->sensors; i++)
        for (uint32_t k = 0; k < h->days * 24; k++)
            n += h->mails[i][k];
    return n;
}

static void test_empty(void)
{
    const struct volume_filter f = {EVERYTHING};
    struct spam *s = open_empty();
    struct volume v;
    struct volume_hours a, b;
    struct err err;
    is_int(volume_rows(s, VOLUME_BY_BRAND, &f, &v, &err), 0);
    ok(v.n == 0 && v.mails == 0);
    volume_free(&v);
    is_int(volume_hours(s, &f, &a, &b, &v, &err), 0);
    ok(a.days == 0 && b.days == 0 && a.sensors == 0 && v.n == 0);
    volume_free(&v);
    volume_hours_free(&a);
    volume_hours_free(&b);
    spam_close(s);
}

static void test_many_sensors(void)
{
    const struct volume_filter f = {EVERYTHING};
    struct spam *s = open_empty();
    struct volume_hours a, b;
    struct err err;
    for (unsigned i = 0; i < 3 * VOLUME_SENSORS_MAX; i++)
        add(s, (int64_t)i * HOUR, (uint16_t)(65535 - i % (VOLUME_SENSORS_MAX + 2)));
    is_int(volume_hours(s, &f, &a, &b, NULL, &err), 0);
    is_int(a.sensors, VOLUME_SENSORS_MAX);
    ok(a.more_sensors && b.more_sensors, "there are others, too");
    is_int(a.sensor[0], 65535);
    is_int(sum(&a), 3 * VOLUME_SENSORS_MAX - 4); /* two sensors' mails, twice */
    is_int(a.days, 32);
    volume_hours_free(&a);
    volume_hours_free(&b);
    spam_close(s);
}

/* Facts in any order of time: what was counted moves along as the days grow on both sides. */
static void test_any_order(void)
{
    const struct volume_filter f = {EVERYTHING};
    struct spam *s = open_empty();
    struct volume_hours a, b;
    struct err err;
    for (int32_t i = 0; i < 3000; i++)
        add(s, (int64_t)(i % 2 ? 15000 + i : 15000 - i) * UTC_DAY + (i % 24) * HOUR, 1);
    is_int(volume_hours(s, &f, &a, &b, NULL, &err), 0);
    is_int(a.first_day, 15000 - 2998);
    is_int(a.days, 2998 + 2999 + 1);
    is_int(sum(&a), 3000);
    bool good = true;
    for (int32_t i = 0; i < 3000; i++)
        good &= mails_in(&a, 1, (int64_t)(i % 2 ? 15000 + i : 15000 - i) * 24 + i % 24) == 1;
    ok(good, "each where it belongs");
    volume_hours_free(&a);
    volume_hours_free(&b);
    spam_close(s);
}

static void test_too_long(void)
{
    const struct volume_filter f = {EVERYTHING},
                               less = {.since = INT64_MIN,
                                       .until = (int64_t)VOLUME_DAYS_MAX * UTC_DAY,
                                       .campaign = VOLUME_ANY_CAMPAIGN};
    struct spam *s = open_empty();
    struct volume_hours a, b;
    struct volume v;
    struct err err;
    add(s, 0, 1);
    add(s, (int64_t)VOLUME_DAYS_MAX * UTC_DAY, 2);
    add(s, (int64_t)VOLUME_DAYS_MAX * UTC_DAY - 1, 2);
    is_int(volume_hours(s, &f, &a, &b, &v, &err), -E2BIG);
    ok(strstr(err.text, "--since") && v.n == 0 && a.sensors == 0);
    is_int(volume_hours(s, &less, &a, &b, NULL, &err), 0);
    is_int(a.days, VOLUME_DAYS_MAX);
    is_int(sum(&a), 2);
    volume_hours_free(&a);
    volume_hours_free(&b);
    add(s, INT64_MIN, 3);
    add(s, INT64_MAX - 1, 3);
    is_int(volume_hours(s, &f, &a, &b, NULL, &err), -E2BIG);
    is_int(volume_rows(s, VOLUME_BY_HOUR, &f, &v, &err), 0); /* rows have no limit */
    is_int(v.n, 5);
    ok(v.v[0].first == INT64_MIN && v.v[4].last == INT64_MAX - 1);
    volume_free(&v);
    spam_close(s);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    test_names();
    test_empty();
    test_many_sensors();
    test_any_order();
    test_too_long();
    struct spam *s = fill();
    test_groups(s);
    test_hours(s);
    spam_close(s);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    is_int(system(command), 0);
    return tap_done();
}
