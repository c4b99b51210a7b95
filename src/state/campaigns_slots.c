/* Slots: founding, joining, retiring; which member is the medoid. */
#include "state/campaigns_impl.h"

/* A campaign has about 36 keys in the index, which has places for two to three times as many: a
 * line that runs over loses a key, and a sign has but one. */
#define INDEX_ROOM_MIN 4096 /* campaigns that it is made for at first */
#define INDEX_ENTRIES  112
/* Of all slots, single mails may take at least this share: where they are more, the oldest of them
 * gives way, else the campaign that was quiet longest does. Without it a flood of single mails
 * would push campaigns out, or campaigns leave no room for new ones to show themselves. */
#define SINGLES_SHARE 4
#define TOUCH_SHARE   8

void slots_room(struct campaigns *c)
{
    if (c->room)
        return;
    c->room = c->live_max;
    c->slot = pages_new(c->room, sizeof *c->slot);
    c->info = pages_new(c->room, sizeof *c->info);
    c->more = pages_new(c->room, sizeof *c->more);
    c->root = pages_new(c->room, sizeof *c->root);
    c->hits = pages_new(c->room, sizeof *c->hits);
}

/* Four times as many lines take each line's entries apart, so all of them have a place again. */
bool slots_index_room(struct campaigns *c, uint32_t live)
{
    uint32_t room = c->index_room ? c->index_room : INDEX_ROOM_MIN;
    while (room < live)
        room *= 4;
    room = room < c->live_max ? room : c->live_max;
    if (room == c->index_room)
        return true;
    c->index_room = room;
    index_free(&c->index);
    index_init(&c->index, (size_t)room * INDEX_ENTRIES);
    bool good = true;
    for (uint32_t i = 0; i < c->live; i++)
        good = slots_restore(c, i) && good;
    return good;
}

/* --- lists --- */

void slots_link(struct campaigns *c, uint32_t slot)
{
    struct slot_more *s = &c->more[slot];
    struct slot_ends *l = &c->list[s->list];
    s->newer = NO_SLOT;
    s->older = l->newest;
    if (l->newest != NO_SLOT)
        c->more[l->newest].newer = slot;
    else
        l->oldest = slot;
    l->newest = slot;
    l->n++;
}

static void unlink_slot(struct campaigns *c, uint32_t slot)
{
    struct slot_more *s = &c->more[slot];
    struct slot_ends *l = &c->list[s->list];
    if (s->newer != NO_SLOT)
        c->more[s->newer].older = s->older;
    else
        l->newest = s->older;
    if (s->older != NO_SLOT)
        c->more[s->older].newer = s->newer;
    else
        l->oldest = s->newer;
    l->n--;
}

void slots_list(struct campaigns *c, uint32_t slot, enum slot_list list)
{
    unlink_slot(c, slot);
    c->more[slot].list = (uint8_t)list;
    c->more[slot].touched = ++c->clock;
    slots_link(c, slot);
}

/* One that was touched lately is left where it is: the order needs no more precision, and relinking
 * costs three cache misses. */
void slots_touch(struct campaigns *c, uint32_t slot, enum slot_list list)
{
    if (c->more[slot].list != list || c->clock - c->more[slot].touched >= c->live_max / TOUCH_SHARE)
        slots_list(c, slot, list);
}

/* --- keys in the index --- */

static void band_all(struct campaigns *c, uint32_t slot)
{
    struct slot *s = &c->slot[slot];
    s->banded = 0;
    if (!s->sketch.shingles)
        return;
    for (unsigned i = 0; i < BANDS; i++)
        index_prefetch(&c->index, band_key(&s->sketch, i));
    for (unsigned i = 0; i < BANDS; i++)
        if (index_put(&c->index, band_key(&s->sketch, i), (uint16_t)slot))
            s->banded |= 1ull << i;
}

static void unband(struct campaigns *c, uint32_t slot)
{
    struct slot *s = &c->slot[slot];
    for (unsigned i = 0; i < BANDS; i++)
        if (s->banded >> i & 1)
            index_prefetch(&c->index, band_key(&s->sketch, i));
    for (unsigned i = 0; i < BANDS; i++)
        if (s->banded >> i & 1)
            index_drop(&c->index, band_key(&s->sketch, i), (uint16_t)slot);
    s->banded = 0;
}

static bool put_sign(struct campaigns *c, uint32_t slot, enum sign kind, unsigned at)
{
    struct slot *s = &c->slot[slot];
    if (!index_put(&c->index, sign_key(kind, s->signs.v[at]), (uint16_t)slot))
        return false;
    s->keyed |= 1ull << at;
    return true;
}

static void drop_sign(struct campaigns *c, uint32_t slot, enum sign kind, unsigned at)
{
    struct slot *s = &c->slot[slot];
    if (s->keyed >> at & 1)
        index_drop(&c->index, sign_key(kind, s->signs.v[at]), (uint16_t)slot);
    s->keyed &= ~(1ull << at);
}

static void key_all(struct campaigns *c, uint32_t slot)
{
    struct slot *s = &c->slot[slot];
    s->keyed = 0;
    for (enum sign kind = 0; kind < SIGNS_INDEXED; kind++)
        for (unsigned i = 0; i < s->signs.n[kind]; i++)
            put_sign(c, slot, kind, sign_at[kind] + i);
}

static void unkey(struct campaigns *c, uint32_t slot)
{
    struct slot *s = &c->slot[slot];
    for (enum sign kind = 0; kind < SIGNS_INDEXED; kind++)
        for (unsigned i = 0; i < s->signs.n[kind]; i++)
            drop_sign(c, slot, kind, sign_at[kind] + i);
}

bool slots_restore(struct campaigns *c, uint32_t slot)
{
    struct slot *s = &c->slot[slot];
    for (unsigned i = 0; i < BANDS; i++)
        if (s->banded >> i & 1 && !index_put(&c->index, band_key(&s->sketch, i), (uint16_t)slot))
            return false;
    for (enum sign kind = 0; kind < SIGNS_INDEXED; kind++)
        for (unsigned i = sign_at[kind]; i < (unsigned)sign_at[kind] + s->signs.n[kind]; i++)
            if (s->keyed >> i & 1 && !put_sign(c, slot, kind, i))
                return false;
    return true;
}

/* --- founding and retiring --- */

/* All of its cache lines at once: nobody has looked at it for long. */
static void fetch(const void *p, size_t n)
{
    for (size_t i = 0; i < n; i += CACHE_LINE)
        __builtin_prefetch((const char *)p + i, 1);
}

static uint32_t retire(struct campaigns *c)
{
    bool single = c->list[LIST_SINGLE].n &&
                  (c->list[LIST_SINGLE].n >= c->live_max / SINGLES_SHARE || !c->list[LIST_MANY].n);
    uint32_t slot = c->list[single ? LIST_SINGLE : LIST_MANY].oldest;
    fetch(&c->slot[slot], sizeof *c->slot);
    fetch(&c->info[slot], sizeof *c->info);
    fetch(&c->more[slot], offsetof(struct slot_more, member));
    unband(c, slot);
    unkey(c, slot);
    unlink_slot(c, slot);
    idmap_drop(&c->by_id, c->info[slot].id);
    if (c->root[slot] != slot)
        c->more[c->root[slot]].children--;
    for (uint32_t i = 0; i < c->live && c->more[slot].children; i++)
        if (c->root[i] == slot && i != slot) {
            c->root[i] = i;
            c->more[slot].children--;
        }
    if (c->hooks.retired)
        c->hooks.retired(c->hooks.ctx, &c->info[slot]);
    return slot;
}

static void describe(struct campaign *info, const struct campaigns_mail *m)
{
    *info = (struct campaign){.id = m->index,
                              .medoid = m->index,
                              .headers = m->mail->headers.hash,
                              .message_id = m->mail->message_id.hash,
                              .dialect = m->mail->dialect.hash};
    figures_subject(m->mail->subject, info->subject);
}

uint32_t slots_found(struct campaigns *c, const struct campaigns_mail *m, const struct signs *signs)
{
    uint32_t slot;
    if (c->live >= c->live_max) {
        slot = retire(c);
    } else {
        slots_room(c);
        slots_index_room(c, c->live + 1);
        slot = c->live++;
    }
    c->slot[slot].sketch = m->mail->sketch;
    c->slot[slot].signs = *signs;
    for (enum sign kind = 0; kind < SIGNS; kind++) /* saved: nothing left over may show */
        for (unsigned i = sign_at[kind] + signs->n[kind]; i < sign_at[kind + 1]; i++)
            c->slot[slot].signs.v[i] = 0;
    describe(&c->info[slot], m);
    c->more[slot].members = 0;
    c->more[slot].children = 0;
    c->more[slot].seen = 1;
    c->more[slot].list = LIST_SINGLE;
    c->more[slot].touched = ++c->clock;
    c->root[slot] = slot;
    slots_link(c, slot);
    idmap_set(&c->by_id, m->index, slot);
    band_all(c, slot);
    key_all(c, slot);
    return slot;
}

/* --- joining --- */

/* Where each mail is different, its exact hash is worth little: once there are as many as are kept,
 * one mail in so many replaces one. What comes again and again is learnt all the same. */
#define EXACT_EVERY 8

static void learn_sign(struct campaigns *c, uint32_t slot, enum sign kind, uint64_t value)
{
    struct signs *s = &c->slot[slot].signs;
    unsigned max = sign_at[kind + 1] - sign_at[kind];
    if (signs_has(s, kind, value) || kind == SIGN_LOOK || /* or looks would drift */
        (kind == SIGN_EXACT && s->n[kind] == max && c->more[slot].seen % EXACT_EVERY))
        return;
    unsigned at = sign_at[kind] + (s->n[kind] < max ? s->n[kind] : s->next[kind]);
    if (kind < SIGNS_INDEXED) {
        if (s->n[kind] == max)
            drop_sign(c, slot, kind, at);
        s->v[at] = value;
        put_sign(c, slot, kind, at);
    }
    s->v[at] = value;
    if (s->n[kind] < max)
        s->n[kind]++;
    else
        s->next[kind] = (uint8_t)((s->next[kind] + 1) % max);
}

static void member_of(const struct campaigns_mail *m, struct member *out)
{
    out->sketch = m->mail->sketch;
    out->index = m->index;
    out->headers = m->mail->headers.hash;
    out->message_id = m->mail->message_id.hash;
    out->dialect = m->mail->dialect.hash;
    figures_subject(m->mail->subject, out->subject);
}

/* A fair sample of the members (Vitter's algorithm R), the medoid apart. Chance does not hang on
 * log indexes, so the same mails give the same campaigns whatever else is on the log. */
static void sample(struct campaigns *c, uint32_t slot, const struct campaigns_mail *m)
{
    struct slot_more *s = &c->more[slot];
    if (s->members < MEMBERS) {
        member_of(m, &s->member[s->members++]);
        return;
    }
    uint64_t place = sign_key(SIGNS, s->seen) % (s->seen - 1);
    if (place < MEMBERS)
        member_of(m, &s->member[place]);
}

static const struct sketch *sketch_at(const struct campaigns *c, uint32_t slot, unsigned i)
{
    return i ? &c->more[slot].member[i - 1].sketch : &c->slot[slot].sketch;
}

/* The one that is most like the others; 0, the medoid there is, when none is more so. */
static unsigned most_like(const struct campaigns *c, uint32_t slot)
{
    unsigned n = c->more[slot].members + 1u, best = 0, best_sum = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned sum = 0;
        for (unsigned k = 0; k < n; k++)
            sum += i == k ? 0 : sketch_bins_same(sketch_at(c, slot, i), sketch_at(c, slot, k));
        if (sum > best_sum) {
            best = i;
            best_sum = sum;
        }
    }
    return best;
}

static void change_medoid(struct campaigns *c, uint32_t slot, struct member *to)
{
    struct campaign *info = &c->info[slot];
    struct member was = {.sketch = c->slot[slot].sketch,
                         .index = info->medoid,
                         .headers = info->headers,
                         .message_id = info->message_id,
                         .dialect = info->dialect};
    memcpy(was.subject, info->subject, sizeof was.subject);
    unband(c, slot);
    c->slot[slot].sketch = to->sketch;
    info->medoid = to->index;
    info->headers = to->headers;
    info->message_id = to->message_id;
    info->dialect = to->dialect;
    memcpy(info->subject, to->subject, sizeof was.subject);
    *to = was;
    band_all(c, slot);
}

/* With the 4th mail, the 16th, the 64th... the medoid is chosen again. */
static bool is_election(uint64_t n)
{
    return n >= MEMBERS + 1 && (n & (n - 1)) == 0 && (__builtin_ctzll(n) & 1) == 0;
}

void slots_join(struct campaigns *c, uint32_t slot, const struct campaigns_mail *m,
                const struct signs *signs)
{
    c->more[slot].seen++;
    for (enum sign kind = 0; kind < SIGNS; kind++)
        for (unsigned i = 0; i < signs->n[kind]; i++)
            learn_sign(c, slot, kind, signs->v[sign_at[kind] + i]);
    sample(c, slot, m);
    if (is_election(c->more[slot].seen)) {
        unsigned best = most_like(c, slot);
        if (best)
            change_medoid(c, slot, &c->more[slot].member[best - 1]);
    }
    slots_touch(c, slot, LIST_MANY);
    if (c->root[slot] != slot)
        slots_touch(c, c->root[slot], LIST_MANY);
}
