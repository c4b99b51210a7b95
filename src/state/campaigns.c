#include "state/campaigns_impl.h"

#include <stdio.h>

#include "base/mem.h"

/* Candidates that are compared: those with most bands in common. Any more share a fragment at most.
 */
#define CANDIDATES_MAX 16
/* Bands that are looked at first, and the likeness (thousandths) with which that is all: a campaign
 * that is any more like it would hardly have been missed. */
#define BANDS_FIRST   12
#define LIKE_SURE     650
#define COMPARE_AHEAD 4 /* candidates that are fetched together; those behind seldom have to be */

const char *campaign_why_name(enum campaign_why why)
{
    static const char *const name[] = {"founded", "exact", "like", "evidence", "act"};
    return (unsigned)why < sizeof name / sizeof *name ? name[why] : "unknown";
}

struct campaigns *campaigns_new(const struct campaigns_hooks *hooks)
{
    struct campaigns *c = mem_zeroed(1, sizeof *c);
    if (hooks)
        c->hooks = *hooks;
    for (unsigned i = 0; i < LISTS; i++)
        c->list[i] = (struct slot_ends){NO_SLOT, NO_SLOT, 0};
    campaigns_set_live_max(c, CAMPAIGNS_LIVE_MAX);
    return c;
}

void campaigns_free(struct campaigns *c)
{
    if (!c)
        return;
    pages_free(c->slot, c->room, sizeof *c->slot);
    pages_free(c->info, c->room, sizeof *c->info);
    pages_free(c->more, c->room, sizeof *c->more);
    pages_free(c->root, c->room, sizeof *c->root);
    pages_free(c->hits, c->room, sizeof *c->hits);
    free(c->merge);
    index_free(&c->index);
    idmap_free(&c->by_id);
    idmap_free(&c->merged);
    free(c);
}

void campaigns_set_live_max(struct campaigns *c, uint32_t max)
{
    if (c->room)
        abort();
    c->live_max = max < 1 ? 1 : max > CAMPAIGNS_LIVE_MAX ? CAMPAIGNS_LIVE_MAX : max;
}

/* --- candidates --- */

struct candidates {
    uint16_t slot[BANDS * INDEX_SAME + SIGN_VALUES * INDEX_SAME];
    unsigned n;
};

static void take_hits(struct campaigns *c, struct candidates *k, const uint16_t *slot, unsigned n,
                      uint8_t weight)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t *hits = &c->hits[slot[i]];
        if (*hits == 0)
            k->slot[k->n++] = slot[i];
        *hits = *hits > 255 - weight ? 255 : (uint8_t)(*hits + weight);
    }
}

static void find_by_bands(struct campaigns *c, const uint64_t *key, unsigned from, unsigned to,
                          struct candidates *k)
{
    uint16_t slot[INDEX_SAME];
    bool common;
    for (unsigned i = from; i < to; i++)
        take_hits(c, k, slot, index_get(&c->index, key[i], slot, &common), 1);
}

#define SIGN_HITS 4 /* a sign in common counts as that many bands */

/* Returns the bits of those signs that are common. */
static uint64_t find_by_signs(struct campaigns *c, const struct signs *s, struct candidates *k)
{
    uint64_t common = 0;
    uint16_t slot[INDEX_SAME];
    bool is_common;
    for (enum sign kind = 0; kind < SIGNS_INDEXED; kind++)
        for (unsigned i = 0; i < s->n[kind]; i++) {
            unsigned at = sign_at[kind] + i,
                     n = index_get(&c->index, sign_key(kind, s->v[at]), slot, &is_common);
            if (is_common && kind != SIGN_EXACT)
                common |= 1ull << at;
            else
                take_hits(c, k, slot, n, SIGN_HITS);
        }
    return common;
}

/* The CANDIDATES_MAX with most hits, of equal ones the lower slots, to the front; hits are cleared.
 * What is left does not depend on the order in which they came. */
static void choose(struct campaigns *c, struct candidates *k)
{
    unsigned kept = 0;
    uint32_t rank[CANDIDATES_MAX]; /* descending: hits, then 65535 - slot */
    for (unsigned i = 0; i < k->n; i++) {
        uint32_t r = (uint32_t)c->hits[k->slot[i]] << 16 | (0xffffu - k->slot[i]);
        c->hits[k->slot[i]] = 0;
        unsigned at = kept;
        if (kept == CANDIDATES_MAX) {
            if (r < rank[kept - 1])
                continue;
            at--;
        } else {
            kept++;
        }
        for (; at && rank[at - 1] < r; at--)
            rank[at] = rank[at - 1];
        rank[at] = r;
    }
    k->n = kept;
    for (unsigned i = 0; i < kept; i++)
        k->slot[i] = (uint16_t)(0xffffu - (rank[i] & 0xffffu));
}

/* --- placing --- */

struct place {
    uint32_t slot, second; /* the best and the next best that fit */
    struct fit fit, second_fit;
};

static bool better(const struct campaigns *c, const struct fit *f, uint32_t slot,
                   const struct fit *than, uint32_t than_slot)
{
    if (than_slot == NO_SLOT || f->points != than->points)
        return than_slot == NO_SLOT || f->points > than->points;
    return c->info[slot].id < c->info[than_slot].id;
}

static void consider(const struct campaigns *c, uint32_t slot, const struct fit *f, struct place *p)
{
    if (f->points < FIT_POINTS)
        return;
    if (better(c, f, slot, &p->fit, p->slot)) {
        p->second = p->slot;
        p->second_fit = p->fit;
        p->slot = slot;
        p->fit = *f;
    } else if (better(c, f, slot, &p->second_fit, p->second)) {
        p->second = slot;
        p->second_fit = *f;
    }
}

static void compare(struct campaigns *c, const struct sketch *sketch, const struct signs *signs,
                    uint64_t common, struct candidates *k, struct place *p)
{
    choose(c, k);
    for (unsigned i = 0; i < k->n; i++) {
        struct fit f;
        if (i % COMPARE_AHEAD == 0) {
            if (p->fit.likeness >= LIKE_SURE)
                return;
            for (unsigned j = i; j < k->n && j < i + COMPARE_AHEAD; j++)
                for (size_t b = 0; b < sizeof(struct slot); b += CACHE_LINE)
                    __builtin_prefetch((const char *)&c->slot[k->slot[j]] + b);
        }
        fit_judge(sketch, signs, common, &c->slot[k->slot[i]], &c->more[k->slot[i]], &f);
        consider(c, k->slot[i], &f, p);
    }
}

/* First by a part of the bands: most mails are so like their campaign that these lead to it, and
 * the others, each a cache miss, need not be looked at. */
static void place(struct campaigns *c, const struct sketch *sketch, const struct signs *signs,
                  struct place *p)
{
    struct candidates k;
    uint64_t key[BANDS];
    unsigned bands = sketch->shingles ? BANDS : 0, first = bands ? BANDS_FIRST : 0;
    k.n = 0;
    *p = (struct place){.slot = NO_SLOT, .second = NO_SLOT};
    if (!c->live)
        return;
    for (unsigned i = 0; i < first; i++)
        index_prefetch(&c->index, key[i] = band_key(sketch, i));
    uint64_t common = find_by_signs(c, signs, &k);
    find_by_bands(c, key, 0, first, &k);
    compare(c, sketch, signs, common, &k, p);
    if (!bands || p->fit.likeness >= LIKE_SURE)
        return;
    for (unsigned i = first; i < bands; i++)
        index_prefetch(&c->index, key[i] = band_key(sketch, i));
    k.n = 0;
    *p = (struct place){.slot = NO_SLOT, .second = NO_SLOT};
    find_by_signs(c, signs, &k);
    find_by_bands(c, key, 0, bands, &k);
    compare(c, sketch, signs, common, &k, p);
}

/* A campaign that has had an equal mail; not asked for scant ones, of which many are equal by
 * chance. */
static uint32_t equal_one(const struct campaigns *c, const struct campaigns_mail *m,
                          const struct signs *s)
{
    uint16_t slot[INDEX_SAME];
    uint32_t best = NO_SLOT;
    bool common;
    if (!c->live || !s->n[SIGN_EXACT] || (m->mail->exact && m->mail->sketch.shingles < SCANT))
        return best;
    uint64_t exact = s->v[sign_at[SIGN_EXACT]];
    unsigned n = index_get(&c->index, sign_key(SIGN_EXACT, exact), slot, &common);
    for (unsigned i = 0; i < n; i++)
        if (signs_has(&c->slot[slot[i]].signs, SIGN_EXACT, exact) &&
            (best == NO_SLOT || c->info[slot[i]].id < c->info[best].id))
            best = slot[i];
    return best;
}

/* --- proposals --- */

static void say_why(const struct campaigns *c, const struct place *p, const struct fit *f,
                    struct campaigns_proposal *out)
{
    const struct signs *a = &c->slot[p->slot].signs;
    const struct campaign *b = &c->info[p->second];
    const char *domain = NULL;
    for (unsigned i = 0; i < CAMPAIGN_DOMAINS_MAX && !domain && f->same[SIGN_DOMAIN]; i++)
        if (b->domain[i].mails && signs_has(a, SIGN_DOMAIN, b->domain[i].hash))
            domain = b->domain[i].name;
    snprintf(out->why, sizeof out->why, "medoids %u.%02u alike%s%s%s", f->likeness / 1000,
             f->likeness % 1000 / 10, f->same[SIGN_FILE] ? ", same file" : "",
             domain ? ", same domain " : "", domain ? domain : "");
}

static void propose(const struct campaigns *c, const struct place *p,
                    struct campaigns_proposal *out)
{
    uint64_t a = campaigns_root(c, c->info[p->slot].id);
    uint64_t b = campaigns_root(c, c->info[p->second].id);
    struct fit f;
    if (a == b || merge_is_split(c, a, b))
        return;
    const struct slot *second = &c->slot[p->second];
    fit_judge(&second->sketch, &second->signs, signs_common(c, &second->signs), &c->slot[p->slot],
              &c->more[p->slot], &f);
    if (f.points < FIT_POINTS)
        return;
    out->into = a < b ? a : b;
    out->from = a < b ? b : a;
    say_why(c, p, &f, out);
}

/* --- adding --- */

uint64_t campaigns_add(struct campaigns *c, const struct campaigns_mail *m, enum campaign_why *why,
                       struct campaigns_proposal *proposal)
{
    struct signs signs;
    struct place p;
    *proposal = (struct campaigns_proposal){0};
    signs_of(m->mail, &signs);
    uint32_t slot = equal_one(c, m, &signs);
    *why = CAMPAIGN_EXACT;
    if (slot == NO_SLOT) {
        place(c, &m->mail->sketch, &signs, &p);
        slot = p.slot;
        *why = p.fit.exact ? CAMPAIGN_EXACT : p.fit.by_text ? CAMPAIGN_LIKE : CAMPAIGN_EVIDENCE;
        if (p.second != NO_SLOT)
            propose(c, &p, proposal);
    }
    if (slot == NO_SLOT) {
        slot = slots_found(c, m, &signs);
        *why = CAMPAIGN_FOUNDED;
    } else {
        slots_join(c, slot, m, &signs);
    }
    figures_count(&c->info[slot], m);
    return c->info[slot].id;
}

/* --- reading --- */

uint32_t campaigns_live(const struct campaigns *c)
{
    return c->live;
}

const struct campaign *campaigns_at(const struct campaigns *c, uint32_t i)
{
    return &c->info[i];
}

const struct campaign *campaigns_find(const struct campaigns *c, uint64_t id)
{
    uint32_t slot;
    return idmap_get(&c->by_id, id, &slot) ? &c->info[slot] : NULL;
}

size_t campaigns_memory(const struct campaigns *c)
{
    size_t slot = sizeof *c->slot + sizeof *c->info + sizeof *c->more + sizeof *c->root + 1;
    return sizeof *c + c->live * slot + c->index.lines * INDEX_WAYS * sizeof *c->index.line +
           (c->by_id.size + c->merged.size) * sizeof *c->by_id.v + c->merges_cap * sizeof *c->merge;
}
