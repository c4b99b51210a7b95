#include "sim/truth_count.h"

#include <errno.h>
#include <stdlib.h>

#include "sim/checkin.h"

static bool allocate(struct truth *t)
{
    uint32_t n_ases = t->m->s->ases_count;
    t->sets = calloc(t->n_sets, sizeof *t->sets);
    t->set_days = calloc((size_t)t->n_days * t->n_sets, sizeof *t->set_days);
    t->set_weeks = calloc((size_t)t->n_weeks * t->n_sets, sizeof *t->set_weeks);
    t->set_all = calloc(t->n_sets, sizeof *t->set_all);
    t->days = calloc(t->n_days, sizeof *t->days);
    t->week_hosts = calloc(t->n_weeks, sizeof *t->week_hosts);
    t->as_weeks = calloc((size_t)t->n_weeks * n_ases, sizeof *t->as_weeks);
    t->as_all = calloc(n_ases, sizeof *t->as_all);
    t->host_week = calloc(t->m->n_hosts, sizeof *t->host_week);
    if (!t->sets || !t->set_days || !t->set_weeks || !t->set_all || !t->days || !t->week_hosts ||
        !t->as_weeks || !t->as_all || !t->host_week)
        return false;
    for (unsigned i = 0; i < t->n_sets; i++) {
        struct truth_set *s = &t->sets[i];
        uint64_t **bits[] = {&s->today, &s->yesterday, &s->week, &s->ever};
        for (size_t k = 0; k < sizeof bits / sizeof *bits; k++)
            if (!(*bits[k] = calloc(t->words, sizeof(uint64_t))))
                return false;
    }
    return true;
}

int truth_new(const struct model *m, uint32_t days, struct truth **out, struct err *err)
{
    struct truth *t = calloc(1, sizeof *t);
    *out = NULL;
    if (t) {
        t->m = m;
        t->n_days = days;
        t->n_weeks = (days + 6) / 7;
        t->n_sets = m->s->families_count > 1 ? 1 + m->s->families_count : 1;
        t->words = m->pool->n / 64 + 1;
    }
    if (!t || !allocate(t)) {
        truth_free(t);
        return err_set(err, -ENOMEM, "truth: no memory for %u days", days);
    }
    *out = t;
    return 0;
}

void truth_free(struct truth *t)
{
    if (!t)
        return;
    for (unsigned i = 0; t->sets && i < t->n_sets; i++) {
        free(t->sets[i].today);
        free(t->sets[i].yesterday);
        free(t->sets[i].week);
        free(t->sets[i].ever);
    }
    free(t->sets);
    free(t->set_days);
    free(t->set_weeks);
    free(t->set_all);
    free(t->days);
    free(t->week_hosts);
    free(t->as_weeks);
    free(t->as_all);
    free(t->host_week);
    free(t);
}

/* Sets the bit; true when it was clear. */
static bool mark(uint64_t *bits, uint32_t i)
{
    uint64_t bit = 1ull << (i % 64), *word = &bits[i / 64];
    bool fresh = !(*word & bit);
    *word |= bit;
    return fresh;
}

static void count_address(struct truth *t, unsigned set, uint32_t day,
                          const struct model_checkin *c)
{
    struct truth_set *s = &t->sets[set];
    struct truth_addresses *d = &t->set_days[(size_t)day * t->n_sets + set].by[c->role];
    struct truth_addresses *w = &t->set_weeks[(size_t)(day / 7) * t->n_sets + set].by[c->role];
    struct truth_addresses *all = &t->set_all[set].by[c->role];
    const struct pool_net *net = &t->m->pool->nets[c->net];
    d->checkins++;
    w->checkins++;
    all->checkins++;
    if (!mark(s->today, c->address))
        return;
    d->seen++;
    d->ipv6 += net->v6;
    bool infected = set == 0 && c->role == MODEL_INFECTED;
    if (mark(s->week, c->address)) {
        w->seen++;
        w->ipv6 += net->v6;
        if (infected)
            t->as_weeks[(size_t)(day / 7) * t->m->s->ases_count + net->group]++;
    }
    if (mark(s->ever, c->address)) {
        d->fresh++;
        all->seen++;
        all->ipv6 += net->v6;
        if (infected)
            t->as_all[net->group]++;
    }
}

static void count_gone(struct truth *t, unsigned set, uint32_t day)
{
    const struct truth_set *s = &t->sets[set];
    const struct pool *p = t->m->pool;
    size_t upto[MODEL_ROLES] = {p->first_scanner / 64, p->first_sandbox / 64, t->words};
    size_t i = 0;
    for (int role = 0; role < MODEL_ROLES; role++) {
        uint32_t gone = 0;
        for (; i < upto[role]; i++)
            gone += (uint32_t)__builtin_popcountll(s->yesterday[i] & ~s->today[i]);
        t->set_days[(size_t)day * t->n_sets + set].by[role].gone = gone;
    }
}

static void next_day(struct truth *t, uint32_t day)
{
    for (unsigned i = 0; i < t->n_sets; i++) {
        struct truth_set *s = &t->sets[i];
        uint64_t *old = s->yesterday;
        s->yesterday = s->today;
        s->today = old;
        memset(s->today, 0, t->words * sizeof *s->today);
        if (day % 7 == 0)
            memset(s->week, 0, t->words * sizeof *s->week);
    }
}

void truth_day(struct truth *t, const struct model_day *model, const struct model_checkin *checkins,
               size_t n)
{
    uint32_t day = model->day;
    struct truth_day_row *row = &t->days[day];
    next_day(t, day);
    row->model = *model;
    for (size_t i = 0; i < n; i++) {
        const struct model_checkin *c = &checkins[i];
        count_address(t, 0, day, c);
        if (t->n_sets > 1)
            count_address(t, 1 + c->family, day, c);
        if (checkin_in_feed(t->m, c))
            *(t->m->pool->nets[c->net].v6 ? &row->rows6 : &row->rows) += 1;
        if (c->role != MODEL_INFECTED)
            continue;
        uint16_t *last = &t->host_week[c->whom], week = (uint16_t)(day / 7 + 1);
        t->hosts_seen += *last == 0;
        t->week_hosts[day / 7] += *last != week;
        *last = week;
    }
    for (unsigned i = 0; i < t->n_sets; i++)
        count_gone(t, i, day);
    t->done = day + 1;
}
