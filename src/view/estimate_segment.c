/* Hosts and decline by AS and by country. */
#include <math.h>
#include <pthread.h>

#include "base/mem.h"
#include "view/estimate_impl.h"

#define SEGMENT_DRAWS 200 /* of a segment's bootstrap */
/* Thousands of segments over half a year: a point a week is as good as one a day, and a seventh of
 * the work. Shorter ranges have too few weeks. */
#define WEEK      7
#define WEEKS_MIN 20

struct segment_list {
    const struct estimate *e;
    enum hosts_kind kind;
    struct ranked {
        uint32_t index;
        struct estimate_segment s;
    } * v;
    size_t n, at; /* at: the next to be fitted */
    double *weight;
    pthread_mutex_t lock;
};

static void name_segment(const struct segment_list *l, uint32_t index, struct estimate_segment *s)
{
    const struct estimate_work *w = l->e->work;
    uint8_t country[2];
    if (l->kind == HOSTS_AS) {
        s->asn = w->ases.values[index];
        s->addresses = w->as_addresses[index];
        return;
    }
    be16_put(country, (uint16_t)w->countries.values[index]);
    memcpy(s->country, country, sizeof country);
    s->addresses = w->country_addresses[index];
}

static int cmp_segment(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    double i = a->s.hosts.seen.value, j = b->s.hosts.seen.value;
    if (i != j)
        return i > j ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

static void list_segments(struct segment_list *l)
{
    const struct estimate_work *w = l->e->work;
    size_t n = l->kind == HOSTS_AS ? w->ases.n : w->countries.n;
    l->v = mem_zeroed(n, sizeof *l->v);
    for (uint32_t i = 0; i < n; i++) {
        struct ranked *r = &l->v[l->n];
        *r = (struct ranked){.index = i};
        name_segment(l, i, &r->s);
        if (r->s.addresses == 0)
            continue;
        hosts_segment(l->e->fit, l->kind, i, w->since, w->until, &r->s.hosts);
        l->n++;
    }
    if (l->n)
        qsort(l->v, l->n, sizeof *l->v, cmp_segment);
}

/* A thread's own: the segment's days, and its weeks. */
struct room {
    double *alive, *t, *count, *weight;
};

static void room_make(struct room *r, size_t days)
{
    r->alive = mem_zeroed(4 * days, sizeof *r->alive);
    r->t = r->alive + days;
    r->count = r->alive + 2 * days;
    r->weight = r->alive + 3 * days;
}

/* Means of weeks, on the mean of their days. Returns how many. */
static size_t by_week(const double *count, const double *weight, size_t n, struct room *r)
{
    size_t weeks = (n + WEEK - 1) / WEEK;
    for (size_t i = 0; i < weeks; i++) {
        double sum = 0, days = 0, at = 0;
        for (size_t k = i * WEEK; k < n && k < (i + 1) * WEEK; k++) {
            if (weight[k] <= 0)
                continue;
            sum += count[k];
            at += (double)k;
            days++;
        }
        r->t[i] = days > 0 ? at / days : (double)(i * WEEK);
        r->count[i] = days > 0 ? sum / days : 0;
        r->weight[i] = days;
    }
    return weeks;
}

static void fit_segment(const struct segment_list *l, struct ranked *r, struct room *room)
{
    const struct estimate_work *w = l->e->work;
    size_t n = w->until - w->since + 1u;
    const double *alive = room->alive + (w->since - w->first);
    struct curve_series s = {.count = alive, .weight = l->weight, .n = n};
    r->s.enough = r->s.hosts.alive_first.value >= ESTIMATE_SEGMENT_MIN;
    if (!r->s.enough)
        return;
    hosts_segment_alive(l->e->fit, l->kind, r->index, -1, room->alive);
    if (n >= WEEKS_MIN * WEEK) {
        s.n = by_week(alive, l->weight, n, room);
        s.t = room->t;
        s.count = room->count;
        s.weight = room->weight;
    }
    estimate_decline(&s, w->options->seed + r->index, SEGMENT_DRAWS, &r->s.decline);
}

static void *fit_some(void *ctx)
{
    struct segment_list *l = ctx;
    struct room room;
    room_make(&room, hosts_days(l->e->fit));
    for (;;) {
        pthread_mutex_lock(&l->lock);
        size_t i = l->at++;
        pthread_mutex_unlock(&l->lock);
        if (i >= l->n)
            break;
        fit_segment(l, &l->v[i], &room);
    }
    free(room.alive);
    return NULL;
}

/* Each segment is fitted by itself, so it does not matter who does it. */
static void fit_all(struct segment_list *l)
{
    pthread_t threads[ESTIMATE_THREADS_MAX];
    unsigned n = l->e->work->threads;
    pthread_mutex_init(&l->lock, NULL);
    for (unsigned i = 1; i < n; i++)
        if (pthread_create(&threads[i], NULL, fit_some, l) != 0)
            abort();
    fit_some(l);
    for (unsigned i = 1; i < n; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&l->lock);
}

int estimate_segments(const struct estimate *e, enum hosts_kind kind, size_t limit,
                      int (*each)(void *ctx, const struct estimate_segment *s), void *ctx)
{
    struct segment_list l = {.e = e, .kind = kind};
    int rc = 0;
    list_segments(&l);
    if (limit && l.n > limit)
        l.n = limit;
    l.weight = mem_zeroed((size_t)(e->until - e->since), sizeof *l.weight);
    estimate_watched(e->work, e->fit, l.weight);
    fit_all(&l);
    for (size_t i = 0; rc == 0 && i < l.n; i++)
        rc = each(ctx, &l.v[i].s);
    free(l.v);
    free(l.weight);
    return rc;
}
