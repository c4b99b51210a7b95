#include "view/effect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utc.h"
#include "state/census.h"
#include "state/texts.h"

/* An infected address of a contact; its days are bits of effect_memory.days. */
struct watched {
    struct ip ip;
    uint32_t cluster;
    bool unknown_counts; /* judged a victim: also where no family is known */
};

struct effect_memory {
    struct texts contacts, groups;
    bool *treated;
    int32_t *zero; /* by cluster: its day 0 */
    struct watched *watched;
    size_t n, cap;
    uint64_t *days; /* `words` for each of them, from `low` on */
    size_t words;
    int32_t low;
    struct survival_unit *units;
    size_t n_units, cap_units;
};

struct work {
    const struct effect_source *from;
    const struct effect_options *o;
    struct effect *e;
    struct effect_memory *m;
    size_t cap_clusters;
    int32_t since; /* day */
};

/* ---- who takes part ---- */

static void add_contact(struct work *w, struct span contact, bool treated, int32_t zero)
{
    struct effect_memory *m = w->m;
    size_t n = m->contacts.n;
    if (texts_number(&m->contacts, contact) < n)
        return;
    if (n == w->cap_clusters) {
        w->cap_clusters = n ? 2 * n : 64;
        m->treated = mem_resize(m->treated, w->cap_clusters, sizeof *m->treated);
        m->zero = mem_resize(m->zero, w->cap_clusters, sizeof *m->zero);
        w->e->group = mem_resize(w->e->group, w->cap_clusters, sizeof *w->e->group);
    }
    m->treated[n] = treated;
    m->zero[n] = zero;
    w->e->group[n] = EFFECT_NO_GROUP;
    w->e->arm[treated].contacts++;
}

static int drawn(void *ctx, struct span contact, enum cleanup_arm arm)
{
    struct work *w = ctx;
    if (arm != CLEANUP_NO_TRIAL)
        add_contact(w, contact, arm == CLEANUP_TREATED, w->e->begin);
    return 0;
}

/* Without a trial: contacts from their first report on. A report tells of what was
 * seen until it was made (`cleanup send --at` says when). */
static int told(void *ctx, const struct cleanup_report *r)
{
    struct work *w = ctx;
    if (r->state == CLEANUP_SENT && !span_is(r->channel, CLEANUP_NOTICE))
        add_contact(w, r->contact, true, utc_day(r->until));
    return 0;
}

static bool while_it_ran(const struct effect *e, const struct cleanup_report *r)
{
    return !e->has_trial || (r->until >= e->trial.from && r->until < e->trial.until);
}

/* What the contacts got: the first report that was sent is what a group goes by. */
static int got(void *ctx, const struct cleanup_report *r)
{
    struct work *w = ctx;
    uint32_t c = texts_find(&w->m->contacts, r->contact);
    if (c == TEXTS_NONE || r->state != CLEANUP_SENT || span_is(r->channel, CLEANUP_NOTICE) ||
        !while_it_ran(w->e, r) ||
        w->e->group[c] != EFFECT_NO_GROUP)
        return 0;
    struct span by = w->o->by == EFFECT_BY_CHANNEL  ? r->channel
                     : w->o->by == EFFECT_BY_FORMAT ? r->format
                                                    : span_str("reports");
    w->e->group[c] = texts_number(&w->m->groups, by);
    w->e->arm[w->m->treated[c]].reached++;
    return 0;
}

static int take_part(struct work *w, struct err *err)
{
    struct effect *e = w->e;
    e->has_trial = cleanup_trial(w->from->cleanup, w->o->trial, &e->trial);
    if (!e->has_trial && w->o->trial.n)
        return err_set(err, -ENOENT, "no such trial (%.*s)", (int)w->o->trial.n,
                       (const char *)w->o->trial.p);
    if (e->has_trial) {
        e->begin = utc_day(e->trial.from);
        cleanup_trial_rows(w->from->cleanup, e->trial.entry, drawn, w);
    } else {
        cleanup_reports(w->from->cleanup, told, w);
        if (!w->m->contacts.n)
            return err_set(err, -ENODATA, "there is no trial, and nobody was told anything");
        e->begin = w->m->zero[0];
        for (size_t c = 1; c < w->m->contacts.n; c++)
            e->begin = w->m->zero[c] < e->begin ? w->m->zero[c] : e->begin;
    }
    cleanup_reports(w->from->cleanup, got, w);
    return 0;
}

/* ---- which addresses are theirs ---- */

static bool of_family(const struct work *w, struct span family)
{
    return !w->o->family.n || span_eq(w->o->family, family);
}

/* All sources of an address; the first that has a contact in the trial decides whose it is. */
static int watch(void *ctx, const struct source *rows, size_t n, const struct judgement *j)
{
    struct work *w = ctx;
    struct effect_memory *m = w->m;
    struct span mail;
    if (!judged_counts(j->role))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (!of_family(w, rows[i].family) || !judge_is_infection(j, &rows[i]) ||
            !w->from->contact(w->from->ctx, &rows[i], &mail))
            continue;
        uint32_t c = texts_find(&m->contacts, mail);
        if (c == TEXTS_NONE)
            continue;
        m->watched = mem_room(m->watched, m->n, &m->cap, sizeof *m->watched);
        m->watched[m->n++] = (struct watched){rows[i].ip, c, j->role == JUDGED_VICTIM};
        break;
    }
    return 0;
}

static int by_ip(const void *a, const void *b)
{
    return memcmp(&((const struct watched *)a)->ip, &((const struct watched *)b)->ip,
                  sizeof(struct ip));
}

/* ---- on which days they were seen ---- */

static int last_day(void *ctx, const struct activity_family *f)
{
    int32_t *last = ctx;
    *last = f->day_max > *last ? f->day_max : *last;
    return 0;
}

static int seen(void *ctx, const struct activity_row *row)
{
    struct work *w = ctx;
    struct effect_memory *m = w->m;
    struct watched key = {.ip = row->ip};
    const struct watched *at = bsearch(&key, m->watched, m->n, sizeof *at, by_ip);
    if (!at || (span_is(row->family, CENSUS_FAMILY_UNKNOWN) && !at->unknown_counts))
        return 0;
    uint64_t *days = m->days + (size_t)(at - m->watched) * m->words;
    for (size_t i = 0; i < row->n; i++) {
        int32_t day = row->days[i].day;
        if (day >= w->since && day >= m->low && day <= w->e->data_end)
            days[(day - m->low) / 64] |= 1ull << (day - m->low) % 64;
    }
    return 0;
}

static int look_at_days(struct work *w, struct err *err)
{
    struct effect_memory *m = w->m;
    struct effect *e = w->e;
    int32_t gone = (int32_t)w->o->gone_days;
    int rc = activity_families(w->from->activity, last_day, &e->data_end, err);
    if (rc < 0)
        return rc;
    if (w->o->until != INT64_MAX && utc_day(w->o->until - 1) < e->data_end)
        e->data_end = utc_day(w->o->until - 1);
    m->low = e->begin - gone;
    if (e->data_end > m->low + EFFECT_DAYS_MAX)
        e->data_end = m->low + EFFECT_DAYS_MAX;
    e->end = e->data_end - gone + 1;
    if (e->has_trial && utc_day(e->trial.until) < e->end)
        e->end = utc_day(e->trial.until);
    m->words = e->data_end >= m->low ? (size_t)(e->data_end - m->low) / 64 + 1 : 1;
    m->days = mem_zeroed(m->n * m->words, sizeof *m->days);
    qsort(m->watched, m->n, sizeof *m->watched, by_ip);
    return activity_rows(w->from->activity, ACTIVITY_ADDRESSES, w->o->family, seen, w, err);
}

/* ---- lifetimes ---- */

/* The first day from `at` on that it was seen; -1: none. Days count from `low`. */
static int32_t next_day(const struct effect_memory *m, const uint64_t *days, int32_t at)
{
    for (size_t word = (size_t)at / 64; word < m->words; word++) {
        uint64_t bits = days[word];
        if (word == (size_t)at / 64)
            bits &= ~0ull << at % 64;
        if (bits)
            return (int32_t)(word * 64) + __builtin_ctzll(bits);
    }
    return -1;
}

/* One spell, in days since 1970; false when nothing of it is watched. */
static bool add_spell(struct work *w, uint32_t cluster, int32_t first, int32_t last)
{
    struct effect_memory *m = w->m;
    int32_t zero = m->zero[cluster], end = w->e->end - zero;
    struct survival_unit u = {.entry = first > zero ? first - zero : 0,
                              .end = last + 1 - zero,
                              .cluster = cluster,
                              .event = true};
    if (u.end > end) {
        u.end = end;
        u.event = false;
    }
    if (u.entry >= u.end)
        return false;
    m->units = mem_room(m->units, m->n_units, &m->cap_units, sizeof *m->units);
    m->units[m->n_units++] = u;
    struct effect_arm *arm = &w->e->arm[m->treated[cluster]];
    arm->spells++;
    arm->cleaned += u.event;
    return true;
}

static void add_spells(struct work *w, size_t i)
{
    const struct effect_memory *m = w->m;
    const uint64_t *days = m->days + i * m->words;
    uint32_t cluster = m->watched[i].cluster;
    int32_t first = next_day(m, days, 0), last = first;
    bool any = false;
    while (first >= 0) {
        int32_t next = next_day(m, days, last + 1);
        if (next >= 0 && next <= last + (int32_t)w->o->gone_days) {
            last = next;
            continue;
        }
        any |= add_spell(w, cluster, m->low + first, m->low + last);
        first = last = next;
    }
    w->e->arm[m->treated[cluster]].addresses += any;
}

int effect_of(const struct effect_source *from, const struct effect_options *o, struct effect *out,
              struct err *err)
{
    *out = (struct effect){.memory = mem_zeroed(1, sizeof *out->memory)};
    struct work w = {.from = from, .o = o, .e = out, .m = out->memory, .since = INT32_MIN};
    if (o->since != INT64_MIN)
        w.since = utc_day(o->since);
    int rc = take_part(&w, err);
    if (rc == 0 && (rc = judge_all(from->judge, from->sources, watch, &w)) < 0)
        rc = err_set(err, rc, "the sources of the case cannot be read");
    if (rc == 0)
        rc = look_at_days(&w, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < w.m->n; i++)
        add_spells(&w, i);
    out->survival = (struct survival){w.m->units, w.m->n_units, w.m->treated, w.m->contacts.n};
    out->n_groups = w.m->groups.n;
    out->groups = mem_zeroed(out->n_groups, sizeof *out->groups);
    for (uint32_t g = 0; g < out->n_groups; g++)
        out->groups[g] = texts_at(&w.m->groups, g);
    return 0;
}

void effect_free(struct effect *e)
{
    struct effect_memory *m = e->memory;
    free(e->group);
    free(e->groups);
    if (m) {
        texts_free(&m->contacts);
        texts_free(&m->groups);
        free(m->treated);
        free(m->zero);
        free(m->watched);
        free(m->days);
        free(m->units);
    }
    free(m);
    *e = (struct effect){0};
}

void effect_pick(const struct effect *e, const bool *treated, const bool *others,
                 struct survival *out)
{
    struct survival_unit *units = mem_zeroed(e->survival.n, sizeof *units);
    size_t n = 0;
    for (size_t i = 0; i < e->survival.n; i++)
        if (!others || !others[e->survival.units[i].cluster])
            units[n++] = e->survival.units[i];
    *out = (struct survival){units, n, treated, e->survival.clusters};
}
