/* Saving: big-endian, what is empty left out; slots in their order. The index, the lists and the
 * roots are made again from what each slot says of them. */
#include "state/campaigns_impl.h"

#include <errno.h>

#include "base/mem.h"

#define VERSION 1

/* A terminated text, its length first. */
static void put_text(struct buf *b, const char *text)
{
    size_t n = strlen(text);
    buf_byte(b, (uint8_t)n);
    buf_put(b, text, n);
}

static bool get_text(struct cur *c, char *out, size_t size)
{
    uint8_t n;
    struct span s;
    if (!cur_u8(c, &n) || n >= size || !cur_take(c, n, &s) || (n && memchr(s.p, 0, n)))
        return false;
    memset(out, 0, size);
    if (n)
        memcpy(out, s.p, n);
    return true;
}

static void put_sketch(struct buf *b, const struct sketch *s)
{
    buf_be32(b, s->shingles);
    if (!s->shingles)
        return;
    uint8_t *p = buf_reserve(b, 2 * SKETCH_BINS);
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        be16_put(p + 2 * i, s->bin[i]);
    b->n += 2 * SKETCH_BINS;
}

static bool get_sketch(struct cur *c, struct sketch *s)
{
    struct span bins;
    memset(s, 0, sizeof *s);
    if (!cur_u32(c, &s->shingles))
        return false;
    if (!s->shingles)
        return true;
    if (!cur_take(c, 2 * SKETCH_BINS, &bins))
        return false;
    for (unsigned i = 0; i < SKETCH_BINS; i++)
        s->bin[i] = be16_get(bins.p + 2 * i);
    return true;
}

static void put_signs(struct buf *b, const struct signs *s)
{
    for (enum sign kind = 0; kind < SIGNS; kind++) {
        buf_byte(b, s->n[kind]);
        buf_byte(b, s->next[kind]);
        for (unsigned i = 0; i < s->n[kind]; i++)
            buf_be64(b, s->v[sign_at[kind] + i]);
    }
}

static bool get_signs(struct cur *c, struct signs *s)
{
    memset(s, 0, sizeof *s);
    for (enum sign kind = 0; kind < SIGNS; kind++) {
        unsigned max = sign_at[kind + 1] - sign_at[kind];
        if (!cur_u8(c, &s->n[kind]) || !cur_u8(c, &s->next[kind]) || s->n[kind] > max ||
            s->next[kind] >= max)
            return false;
        for (unsigned i = 0; i < s->n[kind]; i++)
            if (!cur_u64(c, &s->v[sign_at[kind] + i]))
                return false;
    }
    return true;
}

/* --- figures --- */

static void put_info(struct buf *b, const struct campaign *c)
{
    buf_be64(b, c->id);
    buf_be64(b, c->mails);
    buf_be64(b, c->bytes);
    buf_be64(b, (uint64_t)c->first_seen);
    buf_be64(b, (uint64_t)c->last_seen);
    put_text(b, c->subject);
    buf_be64(b, c->medoid);
    buf_byte(b, c->exemplars);
    for (unsigned i = 0; i < c->exemplars; i++)
        buf_be64(b, c->exemplar[i]);
    buf_byte(b, TOPICS);
    for (unsigned i = 0; i < TOPICS; i++)
        buf_be32(b, c->topic[i]);
    buf_be64(b, c->headers);
    buf_be64(b, c->message_id);
    buf_be64(b, c->dialect);
    buf_be32(b, c->image_only);
    buf_be32(b, c->hidden_text);
    buf_be32(b, c->disguised);
}

/* The tables fill from the front: the first that counts nothing ends them. */
static void put_tables(struct buf *b, const struct campaign *c)
{
    unsigned n = 0;
    while (n < CAMPAIGN_DOMAINS_MAX && c->domain[n].mails)
        n++;
    buf_byte(b, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        put_text(b, c->domain[i].name);
        buf_be64(b, c->domain[i].hash);
        buf_be32(b, c->domain[i].mails);
    }
    for (n = 0; n < CAMPAIGN_BRANDS_MAX && c->brand[n].mails;)
        n++;
    buf_byte(b, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        buf_be32(b, c->brand[i].brand);
        buf_be32(b, c->brand[i].mails);
    }
    for (n = 0; n < CAMPAIGN_FAMILIES_MAX && c->family[n].mails;)
        n++;
    buf_byte(b, (uint8_t)n);
    for (unsigned i = 0; i < n; i++) {
        put_text(b, c->family[i].name);
        buf_be32(b, c->family[i].mails);
    }
}

static bool get_info(struct cur *c, struct campaign *o)
{
    uint64_t first, last;
    uint8_t topics;
    memset(o, 0, sizeof *o);
    if (!cur_u64(c, &o->id) || !cur_u64(c, &o->mails) || !cur_u64(c, &o->bytes) ||
        !cur_u64(c, &first) || !cur_u64(c, &last) || !get_text(c, o->subject, sizeof o->subject) ||
        !cur_u64(c, &o->medoid) || !cur_u8(c, &o->exemplars) ||
        o->exemplars > CAMPAIGN_EXEMPLARS_MAX)
        return false;
    o->first_seen = (int64_t)first;
    o->last_seen = (int64_t)last;
    for (unsigned i = 0; i < o->exemplars; i++)
        if (!cur_u64(c, &o->exemplar[i]))
            return false;
    if (!cur_u8(c, &topics) || topics != TOPICS)
        return false;
    for (unsigned i = 0; i < TOPICS; i++)
        if (!cur_u32(c, &o->topic[i]))
            return false;
    return cur_u64(c, &o->headers) && cur_u64(c, &o->message_id) && cur_u64(c, &o->dialect) &&
           cur_u32(c, &o->image_only) && cur_u32(c, &o->hidden_text) && cur_u32(c, &o->disguised);
}

static bool get_tables(struct cur *c, struct campaign *o)
{
    uint8_t n;
    uint32_t brand;
    if (!cur_u8(c, &n) || n > CAMPAIGN_DOMAINS_MAX)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!get_text(c, o->domain[i].name, CAMPAIGN_DOMAIN_MAX) ||
            !cur_u64(c, &o->domain[i].hash) || !cur_u32(c, &o->domain[i].mails) ||
            !o->domain[i].mails)
            return false;
    if (!cur_u8(c, &n) || n > CAMPAIGN_BRANDS_MAX)
        return false;
    for (unsigned i = 0; i < n; i++) {
        if (!cur_u32(c, &brand) || brand > UINT16_MAX || !cur_u32(c, &o->brand[i].mails) ||
            !o->brand[i].mails)
            return false;
        o->brand[i].brand = (uint16_t)brand;
    }
    if (!cur_u8(c, &n) || n > CAMPAIGN_FAMILIES_MAX)
        return false;
    for (unsigned i = 0; i < n; i++)
        if (!get_text(c, o->family[i].name, sizeof o->family[i].name) ||
            !cur_u32(c, &o->family[i].mails) || !o->family[i].mails)
            return false;
    return true;
}

void campaign_encode(const struct campaign *c, struct buf *out)
{
    put_info(out, c);
    put_tables(out, c);
}

bool campaign_decode(struct cur *c, struct campaign *out)
{
    return get_info(c, out) && get_tables(c, out);
}

/* --- slots --- */

static void put_more(struct buf *b, const struct slot_more *s)
{
    buf_byte(b, s->list);
    buf_be64(b, s->touched);
    buf_be64(b, s->seen);
    buf_byte(b, s->members);
    for (unsigned i = 0; i < s->members; i++) {
        put_sketch(b, &s->member[i].sketch);
        buf_be64(b, s->member[i].index);
        buf_be64(b, s->member[i].headers);
        buf_be64(b, s->member[i].message_id);
        buf_be64(b, s->member[i].dialect);
        put_text(b, s->member[i].subject);
    }
}

static bool get_more(struct cur *c, struct slot_more *s)
{
    memset(s, 0, sizeof *s);
    if (!cur_u8(c, &s->list) || s->list >= LISTS || !cur_u64(c, &s->touched) ||
        !cur_u64(c, &s->seen) || s->seen < 1 || s->seen > UINT64_MAX / 2 ||
        !cur_u8(c, &s->members) || s->members > MEMBERS || s->members >= s->seen ||
        (s->members < MEMBERS && s->seen != s->members + 1u))
        return false;
    for (unsigned i = 0; i < s->members; i++) {
        struct member *m = &s->member[i];
        if (!get_sketch(c, &m->sketch) || !cur_u64(c, &m->index) || !cur_u64(c, &m->headers) ||
            !cur_u64(c, &m->message_id) || !cur_u64(c, &m->dialect) ||
            !get_text(c, m->subject, sizeof m->subject))
            return false;
    }
    return true;
}

void campaigns_save(const struct campaigns *c, struct buf *out)
{
    buf_byte(out, VERSION);
    buf_be32(out, c->live_max);
    buf_be64(out, c->clock);
    buf_be32(out, c->live);
    for (uint32_t i = 0; i < c->live; i++) {
        campaign_encode(&c->info[i], out);
        put_sketch(out, &c->slot[i].sketch);
        put_signs(out, &c->slot[i].signs);
        buf_be64(out, c->slot[i].banded);
        buf_be64(out, c->slot[i].keyed);
        put_more(out, &c->more[i]);
    }
    buf_be64(out, c->merges);
    for (size_t i = 0; i < c->merges; i++) {
        buf_be64(out, c->merge[i].into);
        buf_be64(out, c->merge[i].from);
        buf_byte(out, c->merge[i].split);
    }
}

/* --- loading --- */

/* The bits that may be set for the values that are there. */
static uint64_t keyed_bits(const struct signs *s)
{
    uint64_t bits = 0;
    for (enum sign kind = 0; kind < SIGNS_INDEXED; kind++)
        bits |= ((1ull << s->n[kind]) - 1) << sign_at[kind];
    return bits;
}

static bool get_slot(struct campaigns *c, struct cur *in)
{
    uint32_t i = c->live, other;
    struct slot *s = &c->slot[i];
    if (!campaign_decode(in, &c->info[i]) || !get_sketch(in, &s->sketch) ||
        !get_signs(in, &s->signs) || !cur_u64(in, &s->banded) || !cur_u64(in, &s->keyed) ||
        !get_more(in, &c->more[i]))
        return false;
    if (idmap_get(&c->by_id, c->info[i].id, &other) || (s->keyed & ~keyed_bits(&s->signs)) ||
        (BANDS < 64 && s->banded >> BANDS) || (s->banded && !s->sketch.shingles))
        return false;
    idmap_set(&c->by_id, c->info[i].id, i);
    c->root[i] = i;
    c->live++;
    return slots_restore(c, i);
}

struct touch {
    uint64_t touched;
    uint32_t slot;
};

static int cmp_touch(const void *x, const void *y)
{
    const struct touch *a = x, *b = y;
    return (a->touched > b->touched) - (a->touched < b->touched);
}

/* The lists, in the order in which they were touched. */
static bool link_all(struct campaigns *c)
{
    struct touch *t = mem_resize(NULL, c->live, sizeof *t);
    bool good = true;
    for (uint32_t i = 0; i < c->live; i++)
        t[i] = (struct touch){c->more[i].touched, i};
    qsort(t, c->live, sizeof *t, cmp_touch);
    for (uint32_t i = 0; i < c->live; i++) {
        good = good && (i == 0 || t[i - 1].touched < t[i].touched) && t[i].touched <= c->clock;
        slots_link(c, t[i].slot);
    }
    free(t);
    return good;
}

/* Merges go from root to root, so they have no circles when they are said again one by one; what
 * was split is not in force. */
static bool get_merges(struct campaigns *c, struct cur *in)
{
    uint64_t n;
    if (!cur_u64(in, &n) || n != cur_left(in) / 17 || cur_left(in) % 17)
        return false;
    for (uint64_t i = 0; i < n; i++) {
        struct merge m;
        uint32_t at;
        cur_u64(in, &m.into);
        cur_u64(in, &m.from);
        cur_u8(in, &m.split);
        if (m.split > 1 || m.into == m.from)
            return false;
        c->merge = mem_room(c->merge, c->merges, &c->merges_cap, sizeof *c->merge);
        c->merge[c->merges++] = m;
        if (m.split)
            continue;
        if (idmap_get(&c->merged, m.from, &at) || campaigns_root(c, m.into) == m.from)
            return false;
        idmap_set(&c->merged, m.from, (uint32_t)(c->merges - 1));
    }
    merge_roots(c);
    return true;
}

int campaigns_load(struct campaigns *c, struct span bytes)
{
    struct cur in = cur_of(bytes);
    uint8_t version;
    uint32_t max, live;
    if (!cur_u8(&in, &version) || version != VERSION || !cur_u32(&in, &max) || max < 1 ||
        max > CAMPAIGNS_LIVE_MAX || !cur_u64(&in, &c->clock) || c->clock > UINT64_MAX / 2 ||
        !cur_u32(&in, &live) || live > max)
        return -EBADMSG;
    if (max != c->live_max)
        campaigns_set_live_max(c, max);
    slots_room(c);
    slots_index_room(c, live);
    for (uint32_t i = 0; i < live; i++)
        if (!get_slot(c, &in))
            return -EBADMSG;
    return link_all(c) && get_merges(c, &in) ? 0 : -EBADMSG;
}
