#include "state/checkins.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/fact.h"
#include "state/names.h"

#define SAME_DAY 95
#define NEAR     80
#define OTHER    20 /* less for each other family at the address */

struct checkin {
    uint64_t source;      /* fact_source; 0: free */
    uint16_t family;      /* number of its name */
    uint16_t first, last; /* days */
};

struct checkins {
    struct names families;
    struct checkin *v; /* open addressing: an address's families stand in one run of places */
    size_t size, n;
    bool full; /* said so */
};

static size_t place_of(const struct checkins *c, uint64_t source)
{
    return XXH3_64bits(&source, sizeof source) & (c->size - 1);
}

/* Its place, or the free one where it belongs. */
static struct checkin *find(struct checkins *c, uint64_t source, uint16_t family)
{
    size_t i = place_of(c, source);
    while (c->v[i].source && (c->v[i].source != source || c->v[i].family != family))
        i = (i + 1) & (c->size - 1);
    return &c->v[i];
}

static void grow(struct checkins *c)
{
    struct checkins bigger = {.size = c->size ? 2 * c->size : 1024};
    bigger.v = mem_zeroed(bigger.size, sizeof *bigger.v);
    for (size_t i = 0; i < c->size; i++)
        if (c->v[i].source)
            *find(&bigger, c->v[i].source, c->v[i].family) = c->v[i];
    free(c->v);
    c->v = bigger.v;
    c->size = bigger.size;
}

static void say_full(struct checkins *c)
{
    if (!c->full)
        log_line(LOG_WARN, "too many check-ins to know them all", "most=%u", CHECKINS_MAX);
    c->full = true;
}

static void put(struct checkins *c, const struct checkin *x)
{
    struct checkin *at = find(c, x->source, x->family);
    if (at->source) {
        at->first = x->first < at->first ? x->first : at->first;
        at->last = x->last > at->last ? x->last : at->last;
        return;
    }
    if (c->n == CHECKINS_MAX) {
        say_full(c);
        return;
    }
    *at = *x;
    c->n++;
    if (3 * c->n > 2 * c->size)
        grow(c);
}

static uint16_t day16(int32_t day)
{
    return day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (uint16_t)day;
}

static void take(struct checkins *c, struct span family, const struct ip *ip, int32_t first,
                 int32_t last)
{
    if (!family.n || span_is(family, CENSUS_FAMILY_UNKNOWN) || !ip_is_set(ip))
        return;
    struct checkin x = {fact_source(ip), (uint16_t)names_number(&c->families, family), day16(first),
                        day16(last)};
    if (x.family)
        put(c, &x);
}

static int take_row(void *ctx, const struct census_row *row)
{
    take(ctx, row->family, &row->address, row->first_day, row->last_day);
    return 0;
}

int checkins_new(struct census *census, struct checkins **out, struct err *err)
{
    const struct census_query all = {
        .by = CENSUS_BY_ADDRESS, .since = INT32_MIN, .until = INT32_MAX};
    struct checkins *c = mem_zeroed(1, sizeof *c);
    grow(c);
    int rc = census_rows(census, &all, take_row, c, err);
    if (rc < 0)
        checkins_free(c);
    else
        *out = c;
    return rc;
}

void checkins_free(struct checkins *c)
{
    names_free(&c->families);
    free(c->v);
    free(c);
}

void checkins_add(struct checkins *c, const struct event *ev)
{
    if (ev->kind == KIND_SMTP || !ev->family.n || event_is_of_others(ev))
        return;
    take(c, ev->family, &ev->src_ip, utc_day(ev->time), utc_day(ev->time));
}

/* Days between a day and a range; 0 within it. */
static int32_t distance(const struct checkin *x, int32_t day)
{
    return day < x->first ? x->first - day : day > x->last ? day - x->last : 0;
}

/* Where both are as near the name decides: it must not depend on what came in which order. */
static bool is_nearer(const struct checkins *c, const struct checkin *x, const struct checkin *y,
                      int32_t day)
{
    int32_t a = distance(x, day), b = distance(y, day);
    return a < b || (a == b && span_cmp(names_text(&c->families, x->family),
                                        names_text(&c->families, y->family)) < 0);
}

struct span checkins_find(const struct checkins *c, const struct ip *ip, int64_t time,
                          unsigned *confidence)
{
    uint64_t source = fact_source(ip);
    const struct checkin *best = NULL;
    int32_t day = utc_day(time);
    unsigned others = 0;
    if (!source)
        return span_of(NULL, 0);
    for (size_t i = place_of(c, source); c->v[i].source; i = (i + 1) & (c->size - 1)) {
        const struct checkin *x = &c->v[i];
        if (x->source != source || distance(x, day) > CHECKINS_DAYS)
            continue;
        others += best != NULL;
        if (!best || is_nearer(c, x, best, day))
            best = x;
    }
    if (!best)
        return span_of(NULL, 0);
    unsigned sure = distance(best, day) == 0 ? SAME_DAY : NEAR;
    *confidence = sure > others * OTHER ? sure - others * OTHER : 1;
    return names_text(&c->families, best->family);
}
