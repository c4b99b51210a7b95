/* The list of all campaigns: those in memory, and those that were retired, merged ones folded into the
 * one that they count for. */
#include <errno.h>

#include "base/mem.h"
#include "state/spam_impl.h"

struct list {
    struct campaign *v;
    size_t n, cap;
};

static void add(struct list *l, const struct campaign *c)
{
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

/* Adds a count to a table of (key, mails) that is kept by mails; the least gives way. */
#define FOLD(table, max, same, value)                                                              \
    do {                                                                                           \
        unsigned at_ = 0;                                                                          \
        while (at_ < (max) && (table)[at_].mails && !(same))                                       \
            at_++;                                                                                 \
        if (at_ == (max) && (table)[at_ - 1].mails < (value).mails)                                \
            (table)[--at_] = (value);                                                              \
        else if (at_ < (max) && (table)[at_].mails)                                                \
            (table)[at_].mails += (value).mails;                                                   \
        else if (at_ < (max))                                                                      \
            (table)[at_] = (value);                                                                \
        for (; at_ > 0 && at_ < (max) && (table)[at_].mails > (table)[at_ - 1].mails; at_--) {     \
            __typeof__((table)[0]) swap_ = (table)[at_];                                           \
            (table)[at_] = (table)[at_ - 1];                                                       \
            (table)[at_ - 1] = swap_;                                                              \
        }                                                                                          \
    } while (0)

static void fold_tables(struct campaign *to, const struct campaign *c)
{
    for (unsigned i = 0; i < CAMPAIGN_DOMAINS_MAX && c->domain[i].mails; i++)
        FOLD(to->domain, CAMPAIGN_DOMAINS_MAX, to->domain[at_].hash == c->domain[i].hash,
             c->domain[i]);
    for (unsigned i = 0; i < CAMPAIGN_BRANDS_MAX && c->brand[i].mails; i++)
        FOLD(to->brand, CAMPAIGN_BRANDS_MAX, to->brand[at_].brand == c->brand[i].brand, c->brand[i]);
    for (unsigned i = 0; i < CAMPAIGN_FAMILIES_MAX && c->family[i].mails; i++)
        FOLD(to->family, CAMPAIGN_FAMILIES_MAX,
             strcmp(to->family[at_].name, c->family[i].name) == 0, c->family[i]);
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
    fold_tables(to, c);
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

int spam_list(struct spam *s, struct campaign **out, size_t *n, struct err *err)
{
    struct list l = {.n = 0};
    int rc = collect(s, &l, err);
    if (rc < 0) {
        free(l.v);
        return rc;
    }
    if (l.n) {
        fold_all(s, &l);
        qsort(l.v, l.n, sizeof *l.v, by_mails);
    }
    *out = l.v;
    *n = l.n;
    return 0;
}

int spam_find(struct spam *s, uint64_t id, struct campaign *out, struct err *err)
{
    struct campaign *list;
    size_t n, at = 0;
    int rc = spam_list(s, &list, &n, err);
    if (rc < 0)
        return rc;
    id = campaigns_root(s->campaigns, id);
    while (at < n && list[at].id != id)
        at++;
    if (at < n)
        *out = list[at];
    free(list);
    return at < n;
}
