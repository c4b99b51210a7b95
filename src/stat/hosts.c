#include "stat/hosts.h"

#include <string.h>

#include "base/mem.h"
#include "stat/hosts_impl.h"
#include "stat/rng.h"

#define SAMPLE_ADDRESSES 40000
#define SAMPLE_DAYS      256 /* of one address, from its first on */
#define SHARED_ASES      4   /* an id met in so many ASes on one day is no single host's */

const uint8_t hosts_lags[LAGS] = {1, 2, 3, 4, 5, 6, 8, 10, 14, 28};

static void tally_new(struct tally *t, unsigned days)
{
    t->met = mem_zeroed(days, sizeof *t->met);
    t->contacts = mem_zeroed(days, sizeof *t->contacts);
    t->back = mem_zeroed((size_t)days * days, sizeof *t->back);
}
static void tally_free(struct tally *t)
{
    free(t->met);
    free(t->contacts);
    free(t->back);
}
static void grid_new(struct grid *g, size_t n, unsigned days)
{
    g->n = n;
    g->met = mem_zeroed(n * days, sizeof *g->met);
    g->contacts = mem_zeroed(n * days, sizeof *g->contacts);
}
static void grid_free(struct grid *g)
{
    free(g->met);
    free(g->contacts);
}

struct hosts *hosts_begin(unsigned day_min, unsigned day_max, size_t ases, size_t countries)
{
    struct hosts *h = mem_zeroed(1, sizeof *h);
    h->first = day_min;
    h->days = day_max < day_min ? 1 : day_max - day_min + 1;
    if (h->days > HOSTS_DAYS_MAX)
        h->days = HOSTS_DAYS_MAX;
    tally_new(&h->address, h->days);
    grid_new(&h->as, ases, h->days);
    grid_new(&h->country, countries, h->days);
    h->pairs = mem_zeroed((ases + 1) * LAGS, sizeof *h->pairs);
    h->distinct = mem_zeroed(ases + 1, sizeof *h->distinct);
    h->sample.limit = h->id_sample.limit = UINT64_MAX;
    h->bits = mem_zeroed(h->days / 64 + 2, sizeof *h->bits);
    return h;
}

void hosts_free(struct hosts *h)
{
    if (!h)
        return;
    tally_free(&h->address);
    tally_free(&h->id);
    grid_free(&h->as);
    grid_free(&h->country);
    grid_free(&h->id_as);
    grid_free(&h->id_country);
    free(h->pairs);
    free(h->distinct);
    free(h->sample.rows);
    free(h->sample.pool);
    free(h->id_sample.rows);
    free(h->id_sample.pool);
    free(h->pending.met);
    free(h->pending.contacts);
    free(h->pending.rows);
    free(h->bits);
    free(h);
}

static uint64_t mixed(uint64_t key)
{
    struct rng r;
    rng_seed(&r, key);
    return rng_next(&r);
}

static int order_sampled(const void *a, const void *b)
{
    const struct sampled *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x->as < y->as ? -1 : x->as > y->as;
}

/* Keeps those with the least hashes: the same ones, however the rows were spread. */
static void sample_trim(struct sample *s)
{
    if (s->n)
        qsort(s->rows, s->n, sizeof *s->rows, order_sampled);
    if (s->n <= SAMPLE_ADDRESSES)
        return;
    struct sampled_day *pool = NULL;
    size_t n = 0, cap = 0;
    for (size_t i = 0; i < SAMPLE_ADDRESSES; i++) {
        struct sampled *r = &s->rows[i];
        for (uint32_t d = 0; d < r->n; d++) {
            pool = mem_room(pool, n + d, &cap, sizeof *pool);
            pool[n + d] = s->pool[r->at + d];
        }
        r->at = n;
        n += r->n;
    }
    free(s->pool);
    s->pool = pool;
    s->n_pool = n;
    s->cap_pool = cap;
    s->n = SAMPLE_ADDRESSES;
    s->limit = s->rows[s->n - 1].hash;
}

static void sample_row(struct sample *s, uint64_t hash, uint32_t as, const struct sampled_day *days,
                       size_t n)
{
    s->rows = mem_room(s->rows, s->n, &s->cap, sizeof *s->rows);
    s->rows[s->n++] = (struct sampled){hash, as, (uint32_t)n, s->n_pool};
    for (size_t i = 0; i < n; i++) {
        s->pool = mem_room(s->pool, s->n_pool, &s->cap_pool, sizeof *s->pool);
        s->pool[s->n_pool++] = days[i];
    }
    if (s->n >= 2 * SAMPLE_ADDRESSES)
        sample_trim(s);
}

static void tally_row(struct tally *t, unsigned days, unsigned first, const struct hosts_row *r)
{
    size_t last = 0;
    for (size_t i = 0; i < r->n; i++) {
        unsigned d = r->days[i] - first;
        if (r->days[i] < first || d >= days)
            continue;
        t->met[d]++;
        t->contacts[d] += r->contacts[i];
        t->more += r->contacts[i] > 1;
        t->back[(size_t)d * days + last]++;
        last = d + 1;
    }
}

static void grid_row(struct grid *g, unsigned days, unsigned first, uint32_t segment,
                     const struct hosts_row *r)
{
    if (segment >= g->n)
        return;
    uint32_t *met = g->met + (size_t)segment * days;
    uint64_t *contacts = g->contacts + (size_t)segment * days;
    for (size_t i = 0; i < r->n; i++) {
        unsigned d = r->days[i] - first;
        if (r->days[i] < first || d >= days)
            continue;
        met[d]++;
        contacts[d] += r->contacts[i];
    }
}

/* Days met as bits; pairs of days at each lag are counted by shifting. True: some two days apart.
 */
static bool lag_row(struct hosts *h, const struct hosts_row *r)
{
    unsigned lo = UINT32_MAX, hi = 0;
    for (size_t i = 0; i < r->n; i++) {
        unsigned d = r->days[i] - h->first;
        if (r->days[i] < h->first || d >= h->days)
            continue;
        lo = d < lo ? d : lo;
        hi = d > hi ? d : hi;
        h->bits[d / 64] |= UINT64_C(1) << d % 64;
    }
    if (lo == UINT32_MAX)
        return false;
    size_t as = r->as < h->as.n ? r->as : h->as.n;
    uint64_t *pairs = h->pairs + as * LAGS;
    bool two = false;
    h->distinct[as]++;
    for (unsigned l = 0; l < LAGS && lo + hosts_lags[l] <= hi; l++) {
        unsigned k = hosts_lags[l], n = 0;
        for (unsigned w = lo / 64; w <= hi / 64; w++)
            n += (unsigned)__builtin_popcountll(h->bits[w] &
                                                (h->bits[w] >> k | h->bits[w + 1] << (64 - k)));
        pairs[l] += n;
        two |= n && k == 2;
    }
    memset(h->bits + lo / 64, 0, (hi / 64 - lo / 64 + 1) * sizeof *h->bits);
    return two;
}

static size_t sampled_days(const struct hosts *h, const struct hosts_row *r,
                           struct sampled_day *days)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n && n < SAMPLE_DAYS; i++) {
        unsigned d = r->days[i] - h->first;
        if (r->days[i] >= h->first && d < h->days)
            days[n++] =
                (struct sampled_day){(uint16_t)d, r->contacts[i],
                                     r->hours ? (uint8_t)__builtin_popcount(r->hours[i]) : 0};
    }
    return n;
}

void hosts_address(struct hosts *h, const struct hosts_row *r)
{
    tally_row(&h->address, h->days, h->first, r);
    grid_row(&h->as, h->days, h->first, r->as, r);
    grid_row(&h->country, h->days, h->first, r->country, r);
    if (!lag_row(h, r))
        return;
    uint64_t hash = mixed(r->key);
    if (hash > h->sample.limit)
        return;
    struct sampled_day days[SAMPLE_DAYS];
    size_t n = sampled_days(h, r, days);
    sample_row(&h->sample, hash, r->as < h->as.n ? r->as : (uint32_t)h->as.n, days, n);
}

static void id_begin(struct hosts *h)
{
    if (!h->id.met) {
        tally_new(&h->id, h->days);
        grid_new(&h->id_as, h->as.n, h->days);
        grid_new(&h->id_country, h->country.n, h->days);
        h->pending.met = mem_zeroed(h->days, sizeof *h->pending.met);
        h->pending.contacts = mem_zeroed(h->days, sizeof *h->pending.contacts);
    }
    h->pending.first = UINT32_MAX;
    h->pending.last = 0;
    h->pending.n_rows = 0;
}

/* Puts the rows of one id together; how often it was met in how many ASes tells whether it is one
 * host's. */
void hosts_flush(struct hosts *h)
{
    struct pending_id *p = &h->pending;
    if (!p->any)
        return;
    p->any = false;
    if (p->first > p->last)
        return;
    bool shared = false;
    for (unsigned d = p->first; d <= p->last; d++)
        shared |= p->met[d] >= SHARED_ASES;
    struct sampled_day days[SAMPLE_DAYS];
    size_t n = 0, last = 0;
    for (unsigned d = p->first; d <= p->last; d++) {
        if (p->met[d] && !shared) {
            h->id.met[d]++;
            h->id.contacts[d] += p->contacts[d];
            h->id.more += p->contacts[d] > 1;
            h->id.back[(size_t)d * h->days + last]++;
            last = d + 1;
            if (n < SAMPLE_DAYS)
                days[n++] = (struct sampled_day){
                    (uint16_t)d,
                    p->contacts[d] < UINT16_MAX ? (uint16_t)p->contacts[d] : UINT16_MAX, 0};
        }
        p->met[d] = 0;
        p->contacts[d] = 0;
    }
    for (size_t i = 0; i + 3 < p->n_rows && !shared; i += 4) {
        uint32_t as = p->rows[i], country = p->rows[i + 1], d = p->rows[i + 2];
        if (as < h->id_as.n) {
            h->id_as.met[(size_t)as * h->days + d]++;
            h->id_as.contacts[(size_t)as * h->days + d] += p->rows[i + 3];
        }
        if (country < h->id_country.n) {
            h->id_country.met[(size_t)country * h->days + d]++;
            h->id_country.contacts[(size_t)country * h->days + d] += p->rows[i + 3];
        }
    }
    h->shared_ids += shared;
    bool two = false;
    for (size_t i = 1; i < n; i++)
        two |= days[i].day - days[i - 1].day == 2 || (i > 1 && days[i].day - days[i - 2].day == 2);
    uint64_t hash = mixed(p->key);
    if (two && hash <= h->id_sample.limit)
        sample_row(&h->id_sample, hash, 0, days, n);
}

void hosts_bot(struct hosts *h, const struct hosts_row *r)
{
    struct pending_id *p = &h->pending;
    if (!p->any || p->key != r->key) {
        hosts_flush(h);
        id_begin(h);
        p->key = r->key;
        p->any = true;
    }
    for (size_t i = 0; i < r->n; i++) {
        unsigned d = r->days[i] - h->first;
        if (r->days[i] < h->first || d >= h->days)
            continue;
        p->met[d]++;
        p->contacts[d] += r->contacts[i];
        p->first = d < p->first ? d : p->first;
        p->last = d > p->last ? d : p->last;
        for (int k = 0; k < 4; k++) {
            uint32_t v[4] = {r->as, r->country, d, r->contacts[i]};
            p->rows = mem_room(p->rows, p->n_rows, &p->cap_rows, sizeof *p->rows);
            p->rows[p->n_rows++] = v[k];
        }
    }
}

static void add_u64(uint64_t *a, const uint64_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] += b[i];
}
static void add_u32(uint32_t *a, const uint32_t *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        a[i] += b[i];
}
static void tally_add(struct tally *a, const struct tally *b, unsigned days)
{
    add_u64(a->met, b->met, days);
    add_u64(a->contacts, b->contacts, days);
    add_u32(a->back, b->back, (size_t)days * days);
    a->more += b->more;
}
static void grid_add(struct grid *a, const struct grid *b, unsigned days)
{
    add_u32(a->met, b->met, a->n * days);
    add_u64(a->contacts, b->contacts, a->n * days);
}
static void sample_add(struct sample *a, const struct sample *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (b->rows[i].hash <= a->limit)
            sample_row(a, b->rows[i].hash, b->rows[i].as, b->pool + b->rows[i].at, b->rows[i].n);
}

void hosts_merge(struct hosts *into, struct hosts *from)
{
    hosts_flush(into);
    hosts_flush(from);
    tally_add(&into->address, &from->address, into->days);
    grid_add(&into->as, &from->as, into->days);
    grid_add(&into->country, &from->country, into->days);
    if (from->id.met) {
        id_begin(into);
        tally_add(&into->id, &from->id, into->days);
        grid_add(&into->id_as, &from->id_as, into->days);
        grid_add(&into->id_country, &from->id_country, into->days);
    }
    add_u64(into->pairs, from->pairs, (into->as.n + 1) * LAGS);
    add_u64(into->distinct, from->distinct, into->as.n + 1);
    sample_add(&into->sample, &from->sample);
    sample_add(&into->id_sample, &from->id_sample);
    into->shared_ids += from->shared_ids;
}

void hosts_sample_sort(struct hosts *h)
{
    sample_trim(&h->sample);
    sample_trim(&h->id_sample);
}

uint64_t hosts_distinct(const struct tally *t, unsigned days, unsigned since, unsigned until)
{
    uint64_t n = 0;
    for (unsigned d = since; t->back && d <= until && d < days; d++)
        for (unsigned last = 0; last <= since && last < days; last++)
            n += t->back[(size_t)d * days + last];
    return n;
}
