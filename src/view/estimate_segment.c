/* Hosts and decline by AS and by country. */
#include <math.h>
#include <pthread.h>

#include "base/mem.h"
#include "view/estimate_impl.h"

#define SEGMENT_DRAWS 200 /* of a segment's bootstrap */

struct ranked {
    uint32_t index;
    struct estimate_segment s;
};
struct segment_list {
    const struct estimate *e;
    enum hosts_kind kind;
    struct ranked *v;
    size_t n, at; /* at: the next in work */
    void (*work)(const struct segment_list *l, struct ranked *r, double *alive);
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
        l->n += r->s.addresses > 0;
    }
}

static void count_segment(const struct segment_list *l, struct ranked *r, double *alive)
{
    const struct estimate_work *w = l->e->work;
    (void)alive;
    hosts_segment(l->e->fit, l->kind, r->index, w->since, w->until, &r->s.hosts);
}

static void fit_segment(const struct segment_list *l, struct ranked *r, double *alive)
{
    const struct estimate_work *w = l->e->work;
    struct curve_series s = {
        .count = alive + (w->since - w->first), .weight = l->weight, .n = w->until - w->since + 1u};
    r->s.enough = r->s.hosts.alive_first.value >= ESTIMATE_SEGMENT_MIN;
    if (!r->s.enough)
        return;
    hosts_segment_alive(l->e->fit, l->kind, r->index, -1, alive);
    estimate_decline(&s, w->options->seed + r->index, SEGMENT_DRAWS, &r->s.decline);
}

static void *work_some(void *ctx)
{
    struct segment_list *l = ctx;
    double *alive = mem_zeroed(hosts_days(l->e->fit), sizeof *alive);
    for (;;) {
        pthread_mutex_lock(&l->lock);
        size_t i = l->at++;
        pthread_mutex_unlock(&l->lock);
        if (i >= l->n)
            break;
        l->work(l, &l->v[i], alive);
    }
    free(alive);
    return NULL;
}

/* Each segment is worked on by itself, so it does not matter by whom. */
static void work_all(struct segment_list *l,
                     void (*work)(const struct segment_list *l, struct ranked *r, double *alive))
{
    pthread_t threads[ESTIMATE_THREADS_MAX];
    unsigned n = l->e->work->threads;
    l->work = work;
    l->at = 0;
    pthread_mutex_init(&l->lock, NULL);
    for (unsigned i = 1; i < n; i++)
        if (pthread_create(&threads[i], NULL, work_some, l) != 0)
            n = i; /* a process that may start none does all by itself */
    work_some(l);
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
    work_all(&l, count_segment);
    if (l.n)
        qsort(l.v, l.n, sizeof *l.v, cmp_segment);
    if (limit && l.n > limit)
        l.n = limit;
    l.weight = mem_zeroed((size_t)(e->until - e->since), sizeof *l.weight);
    estimate_watched(e->work, e->fit, l.weight);
    work_all(&l, fit_segment);
    for (size_t i = 0; rc == 0 && i < l.n; i++)
        rc = each(ctx, &l.v[i].s);
    free(l.v);
    free(l.weight);
    return rc;
}

int estimate_segment_hosts(const struct estimate *e, enum hosts_kind kind, int32_t since,
                           int32_t until, int (*each)(void *ctx, const struct estimate_segment *s),
                           void *ctx)
{
    struct segment_list l = {.e = e, .kind = kind};
    int rc = 0;
    since = since < e->since ? e->since : since;
    until = until > e->until ? e->until : until;
    if (since >= until)
        return 0;
    list_segments(&l);
    for (size_t i = 0; rc == 0 && i < l.n; i++) {
        struct ranked *r = &l.v[i];
        hosts_segment(e->fit, kind, r->index, (unsigned)since, (unsigned)until - 1, &r->s.hosts);
        rc = each(ctx, &r->s);
    }
    free(l.v);
    return rc;
}
