/* What was seized, for the public: one by one, without what a list keeps beside its names. */
#include <stdio.h>

#include "app/public/orders.h"
#include "base/log.h"
#include "base/mem.h"

#define NAME_MAX_ 300

/* A name of a list that was released by itself. */
struct freed {
    uint64_t list;
    struct span name;
    int64_t when;
};

struct names {
    struct face *f;
    const struct notice_party *party;
    uint64_t order, skip, most, total;
    void (*each)(void *ctx, const struct public_name *n);
    void *ctx;
    struct arena arena;
    struct freed *freed; /* by list and name, as the casebook gives them */
    size_t n_freed, cap_freed;
};

/* A party's assets are entries with blanks between them; without any it has all of the order's. */
static bool is_of_party(const struct notice_party *p, uint64_t entry)
{
    struct cur c = cur_of(p ? p->act.assets : span_of(NULL, 0));
    bool any = false;
    while (cur_left(&c)) {
        uint64_t v = 0;
        bool digits = false;
        for (; cur_left(&c) && *c.p >= '0' && *c.p <= '9'; c.p++, digits = true)
            v = v * 10 + (uint64_t)(*c.p - '0');
        any |= digits;
        if (digits && v == entry)
            return true;
        if (cur_left(&c))
            c.p++;
    }
    return !any;
}

static void give(struct names *n, const struct public_name *name)
{
    if (n->total >= n->skip && n->total - n->skip < n->most)
        n->each(n->ctx, name);
    n->total++;
}

/* ---- single assets ---- */

static struct span text_of(const struct act_asset *a, char out[NAME_MAX_])
{
    int n = (int)(a->name.n < NAME_MAX_ - 32 ? a->name.n : NAME_MAX_ - 32);
    const char *name = a->name.n ? (const char *)a->name.p : "";
    int len = snprintf(out, NAME_MAX_, "%s%.*s", a->kind == ASSET_WILDCARD ? "*." : "", n, name);
    if (a->port)
        len += snprintf(out + len, (size_t)(NAME_MAX_ - len), ":%u", a->port);
    if (a->port && a->transport.n && a->transport.n < 8)
        len += snprintf(out + len, (size_t)(NAME_MAX_ - len), "/%.*s", (int)a->transport.n,
                        (const char *)a->transport.p);
    return span_of(out, (size_t)len);
}

static int take_asset(void *ctx, const struct casebook_asset *a)
{
    struct names *n = ctx;
    char text[NAME_MAX_];
    if (a->list || a->state == CASEBOOK_PLANNED || a->end <= a->act.from ||
        !is_of_party(n->party, a->entry))
        return 0;
    struct public_name name = {.name = text_of(&a->act, text),
                               .kind = act_asset_kind_name(a->act.kind),
                               .from = a->act.from,
                               .until = a->end};
    give(n, &name);
    return 0;
}

/* ---- lists ---- */

static int take_freed(void *ctx, uint64_t list, struct span name, int64_t when)
{
    struct names *n = ctx;
    n->freed = mem_room(n->freed, n->n_freed, &n->cap_freed, sizeof *n->freed);
    n->freed[n->n_freed++] =
        (struct freed){list, span_of(arena_copy(&n->arena, name.p, name.n), name.n), when};
    return 0;
}

static int cmp_freed(const void *x, const void *y)
{
    const struct freed *a = x, *b = y;
    return a->list != b->list ? (a->list > b->list ? 1 : -1) : span_cmp(a->name, b->name);
}

static int64_t released(const struct names *n, uint64_t list, struct span name)
{
    struct freed key = {list, name, 0}, *found = NULL;
    if (n->n_freed)
        found = bsearch(&key, n->freed, n->n_freed, sizeof key, cmp_freed);
    return found ? found->when : CASEBOOK_FOREVER;
}

/* Names to come are not told: who reads of them could be first. */
static int take_days(void *ctx, const struct casebook_days *d)
{
    struct names *n = ctx;
    if (d->in_from > n->f->now || d->in_until <= d->in_from || !is_of_party(n->party, d->list))
        return 0;
    if (n->total + d->names <= n->skip || n->total >= n->skip + n->most) {
        n->total += d->names; /* none of them is asked for */
        return 0;
    }
    struct cur c = cur_of(d->text);
    while (cur_left(&c)) {
        char text[NAME_MAX_];
        struct span line = cur_line(&c);
        int64_t freed = released(n, d->list, line);
        int len = snprintf(text, sizeof text, "%s%.*s", d->wildcard ? "*." : "",
                           (int)(line.n < 256 ? line.n : 256), line.n ? (const char *)line.p : "");
        struct public_name name = {.name = span_of(text, (size_t)len),
                                   .kind = d->wildcard ? "wildcard" : "domain",
                                   .from = d->in_from,
                                   .until = freed < d->in_until ? freed : d->in_until};
        give(n, &name);
    }
    return 0;
}

uint64_t public_names(struct face *f, const struct casebook_order *o, const struct notice_party *p,
                      uint64_t skip, uint64_t most,
                      void (*each)(void *ctx, const struct public_name *n), void *ctx)
{
    struct names n = {.f = f,
                      .party = p,
                      .order = o->entry,
                      .skip = skip,
                      .most = most,
                      .each = each,
                      .ctx = ctx};
    struct casebook_asset_query q = {.order = o->entry};
    struct casebook_clock clock = {f->now, 0};
    struct span any = {0};
    struct err err = {0};
    arena_init(&n.arena);
    int rc = casebook_assets(f->c.casebook, &q, &clock, take_asset, &n, &err);
    if (rc >= 0)
        rc = casebook_released_names(f->c.casebook, take_freed, &n, &err);
    if (rc >= 0)
        rc = casebook_days(f->c.casebook, o->entry, any, take_days, &n, &err);
    if (rc < 0)
        log_line(LOG_ERROR, "public: assets cannot be read", "why=\"%s\"", err.text);
    arena_free(&n.arena);
    free(n.freed);
    return n.total;
}
