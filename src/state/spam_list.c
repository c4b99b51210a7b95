/* The list of all campaigns: those in memory, and those that were retired, merged ones folded into
 * the one that they count for. */
#include "base/mem.h"
#include "state/spam_impl.h"

struct list {
    struct campaign *v;
    size_t n, cap;
    const struct campaigns *campaigns;
    bool all;
    uint64_t root; /* not all: those that count for this one */
};

static void add(struct list *l, const struct campaign *c)
{
    if (!l->all && campaigns_root(l->campaigns, c->id) != l->root)
        return;
    l->v = mem_room(l->v, l->n, &l->cap, sizeof *l->v);
    l->v[l->n++] = *c;
}

/* Whole campaigns of a piece of the file. */
static int read_retired(void *ctx, struct span bytes, size_t *used)
{
    struct cur c = cur_of(bytes);
    struct campaign one;
    for (*used = 0; cur_left(&c); *used = bytes.n - cur_left(&c)) {
        if (!campaign_decode(&c, &one))
            return 0; /* cut off: it comes again with the next piece */
        add(ctx, &one);
    }
    return 0;
}

static int collect(struct spam *s, struct list *l, struct err *err)
{
    int rc = tail_each(s->retired, read_retired, l, err);
    for (uint32_t i = 0; rc == 0 && i < campaigns_live(s->campaigns); i++)
        add(l, campaigns_at(s->campaigns, i));
    return rc;
}

/* ---- folding ---- */

/* One of a campaign's tables of names: entries with their mails, those without mails free. */
struct tally {
    uint8_t *v;
    unsigned max;
    size_t size, mails; /* of an entry; where its mails stand in it */
    bool (*same)(const void *a, const void *b);
};
#define TALLY_ENTRY_MAX 64

static bool same_domain(const void *a, const void *b)
{
    const struct campaign_domain *x = a, *y = b;
    return x->hash == y->hash;
}

static bool same_brand(const void *a, const void *b)
{
    const struct campaign_brand *x = a, *y = b;
    return x->brand == y->brand;
}

static bool same_family(const void *a, const void *b)
{
    const struct campaign_family *x = a, *y = b;
    return strcmp(x->name, y->name) == 0;
}

static uint32_t *tally_mails(const struct tally *t, unsigned i)
{
    return (uint32_t *)(t->v + i * t->size + t->mails);
}

static void tally_swap(const struct tally *t, unsigned i, unsigned j)
{
    uint8_t entry[TALLY_ENTRY_MAX];
    memcpy(entry, t->v + i * t->size, t->size);
    memcpy(t->v + i * t->size, t->v + j * t->size, t->size);
    memcpy(t->v + j * t->size, entry, t->size);
}

/* Adds an entry's mails to a table with most mails first; where it is full, the least one gives way
 * to one with more. */
static void tally_add(const struct tally *t, const uint8_t *entry)
{
    uint32_t mails;
    unsigned at = 0;
    memcpy(&mails, entry + t->mails, sizeof mails);
    while (at < t->max && *tally_mails(t, at) && !t->same(t->v + at * t->size, entry))
        at++;
    if (at == t->max && *tally_mails(t, --at) >= mails)
        return;
    if (*tally_mails(t, at) && t->same(t->v + at * t->size, entry))
        *tally_mails(t, at) += mails;
    else
        memcpy(t->v + at * t->size, entry, t->size);
    for (; at && *tally_mails(t, at) > *tally_mails(t, at - 1); at--)
        tally_swap(t, at, at - 1);
}

static void tally_all(const struct tally *to, const struct tally *from)
{
    for (unsigned i = 0; i < from->max && *tally_mails(from, i); i++)
        tally_add(to, from->v + i * from->size);
}

enum { TALLIES = 3 };
#define TALLY(table, type, is_same)                                                                \
    (struct tally)                                                                                 \
    {                                                                                              \
        (uint8_t *)(table), sizeof(table) / sizeof *(table), sizeof *(table),                      \
            offsetof(type, mails), is_same                                                         \
    }

static void tallies_of(struct campaign *c, struct tally out[TALLIES])
{
    _Static_assert(sizeof *c->domain <= TALLY_ENTRY_MAX && sizeof *c->family <= TALLY_ENTRY_MAX &&
                       sizeof *c->brand <= TALLY_ENTRY_MAX,
                   "room for an entry");
    out[0] = TALLY(c->domain, struct campaign_domain, same_domain);
    out[1] = TALLY(c->brand, struct campaign_brand, same_brand);
    out[2] = TALLY(c->family, struct campaign_family, same_family);
}

static void add_tables(struct campaign *to, const struct campaign *c)
{
    struct campaign from = *c;
    struct tally a[TALLIES], b[TALLIES];
    tallies_of(to, a);
    tallies_of(&from, b);
    for (unsigned i = 0; i < TALLIES; i++)
        tally_all(&a[i], &b[i]);
}

/* A campaign counts in whatever order things came; a list has most mails first. */
static void order_tables(struct campaign *c)
{
    struct campaign ordered = *c;
    memset(ordered.domain, 0, sizeof ordered.domain);
    memset(ordered.brand, 0, sizeof ordered.brand);
    memset(ordered.family, 0, sizeof ordered.family);
    add_tables(&ordered, c);
    *c = ordered;
}

static void fold(struct campaign *to, const struct campaign *c)
{
    to->mails += c->mails;
    to->bytes += c->bytes;
    to->first_seen = c->first_seen < to->first_seen ? c->first_seen : to->first_seen;
    to->last_seen = c->last_seen > to->last_seen ? c->last_seen : to->last_seen;
    for (unsigned i = 0; i < TOPICS; i++)
        to->topic[i] += c->topic[i];
    for (unsigned i = 0; i < c->exemplars && to->exemplars < CAMPAIGN_EXEMPLARS_MAX; i++)
        to->exemplar[to->exemplars++] = c->exemplar[i];
    to->image_only += c->image_only;
    to->hidden_text += c->hidden_text;
    to->disguised += c->disguised;
    add_tables(to, c);
}

static int by_id(const void *a, const void *b)
{
    const struct campaign *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_mails(const void *a, const void *b)
{
    const struct campaign *x = a, *y = b;
    return x->mails != y->mails ? (x->mails < y->mails) - (x->mails > y->mails) : by_id(a, b);
}

/* Into the root where that is in the list; one whose root is gone stands for itself. */
static void fold_all(const struct spam *s, struct list *l)
{
    size_t kept = 0;
    qsort(l->v, l->n, sizeof *l->v, by_id);
    for (size_t i = 0; i < l->n; i++) {
        const struct campaign key = {.id = campaigns_root(s->campaigns, l->v[i].id)};
        struct campaign *root =
            key.id == l->v[i].id ? NULL : bsearch(&key, l->v, l->n, sizeof key, by_id);
        if (root) {
            fold(root, &l->v[i]);
            l->v[i].mails = 0; /* not in the list for itself */
        }
    }
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i].mails)
            l->v[kept++] = l->v[i];
    l->n = kept;
}

/* What is to be listed, folded and in order. */
static int make(struct spam *s, struct list *l, struct err *err)
{
    l->campaigns = s->campaigns;
    int rc = collect(s, l, err);
    if (rc < 0) {
        free(l->v);
        return rc;
    }
    for (size_t i = 0; i < l->n; i++)
        order_tables(&l->v[i]);
    if (l->n) {
        fold_all(s, l);
        qsort(l->v, l->n, sizeof *l->v, by_mails);
    }
    return 0;
}

int spam_list(struct spam *s, struct campaign **out, size_t *n, struct err *err)
{
    struct list l = {.all = true};
    int rc = make(s, &l, err);
    if (rc == 0) {
        *out = l.v;
        *n = l.n;
    }
    return rc;
}

int spam_find(struct spam *s, uint64_t id, struct campaign *out, struct err *err)
{
    struct list l = {.root = campaigns_root(s->campaigns, id)};
    int rc = make(s, &l, err);
    if (rc < 0)
        return rc;
    if (l.n)
        *out = l.v[0]; /* the root with all that counts for it */
    rc = l.n > 0;
    free(l.v);
    return rc;
}
