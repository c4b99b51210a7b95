/* View of the case's dates: orders, assets, registrations, hearings, deadlines, days in print. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/case/case_name.h"
#include "app/desk/view.h"
#include "base/mem.h"
#include "state/accounts.h"
#include "state/notices.h"
#include "state/rewards.h"

#define BACK_DAYS  90
#define AHEAD_DAYS 400
#define ITEMS_MAX  20000

struct item {
    int64_t date;
    const char *what;
    const char *page, *part;
    struct span text, state;
    uint64_t entry, count;
};

struct calendar {
    struct view *v;
    struct arena arena;
    struct notice_book book;
    int64_t since, until, now;
    struct item *item;
    size_t n, cap;
};

static void add(struct calendar *k, const struct item *i)
{
    if (i->date < k->since || i->date >= k->until || k->n == ITEMS_MAX)
        return;
    k->item = mem_room(k->item, k->n, &k->cap, sizeof *k->item);
    k->item[k->n++] = *i;
}

static struct span kept(struct calendar *k, struct span s)
{
    char *p = arena_alloc(&k->arena, s.n ? s.n : 1);
    if (s.n)
        memcpy(p, s.p, s.n);
    return span_of(p, s.n);
}

static int take_order(void *ctx, const struct casebook_order *o)
{
    struct calendar *k = ctx;
    struct item i = {.page = "case",
                     .part = "orders",
                     .text = kept(k, o->act.id),
                     .state = span_str(casebook_state_name(o->state)),
                     .entry = o->entry,
                     .count = o->assets + o->lists};
    i.what = "order-from";
    i.date = o->act.from;
    add(k, &i);
    i.what = "order-until";
    i.date = o->closed != CASEBOOK_FOREVER && o->closed < o->act.until ? o->closed : o->act.until;
    add(k, &i);
    return 0;
}

static int take_asset(void *ctx, const struct casebook_asset *a)
{
    struct calendar *k = ctx;
    char name[CASE_NAME_MAX + 16];
    if (a->state == CASEBOOK_RELEASED)
        return 0;
    case_name_format(&a->act, name, sizeof name);
    struct item i = {.page = "case",
                     .part = "assets",
                     .state = span_str(casebook_state_name(a->state)),
                     .entry = a->entry,
                     .count = a->names,
                     .what = "asset-until",
                     .date = a->act.until};
    bool own_end = a->act.until < a->order_end;
    if (!own_end && a->act.registered_until == CASEBOOK_FOREVER)
        return 0;
    i.text = kept(k, a->list ? a->act.name : span_str(name));
    if (own_end)
        add(k, &i);
    i.what = "registration";
    i.date = a->act.registered_until;
    add(k, &i);
    return 0;
}

static int take_account(void *ctx, const struct account *a)
{
    struct calendar *k = ctx;
    if (a->roles)
        add(k, &(struct item){.page = "case",
                              .part = "accounts",
                              .text = kept(k, span_str(a->name)),
                              .entry = a->entry,
                              .what = "account-until",
                              .date = a->until});
    return 0;
}

static int take_offer(void *ctx, const struct reward_offer *o)
{
    struct calendar *k = ctx;
    if (!o->withdrawn)
        add(k, &(struct item){.page = "leads",
                              .part = "reward",
                              .text = kept(k, o->name),
                              .entry = o->entry,
                              .what = "offer-until",
                              .date = o->until});
    return 0;
}

static void take_hearings(struct calendar *k)
{
    const struct notice_book *b = &k->book;
    for (size_t n = 0; n < b->n_hearings; n++) {
        const struct notice_hearing *h = &b->hearings[n];
        struct item i = {.page = "case",
                         .part = "hearings",
                         .text = h->act.place,
                         .entry = h->at.entry,
                         .what = "hearing",
                         .date = h->act.when};
        if (h->at.withdrawn)
            continue;
        add(k, &i);
        i.what = "deadline";
        i.date = h->act.deadline;
        add(k, &i);
    }
}

static void take_runs(struct calendar *k)
{
    const struct notice_book *b = &k->book;
    for (size_t n = 0; n < b->n_runs; n++) {
        size_t days;
        if (b->runs[n].at.withdrawn)
            continue;
        const struct notice_day *d = notice_run_days(b, &b->runs[n], k->now, &k->arena, &days);
        for (size_t i = 0; i < days; i++)
            add(k, &(struct item){.page = "case",
                                  .part = "notices",
                                  .text = b->runs[n].act.outlet,
                                  .state = span_str(notice_day_name(d[i].state)),
                                  .entry = b->runs[n].at.entry,
                                  .what = "insertion",
                                  .date = d[i].when != ACT_FOREVER ? d[i].when : d[i].planned});
    }
}

static int by_date(const void *a, const void *b)
{
    const struct item *x = a, *y = b;
    if (x->date != y->date)
        return x->date < y->date ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

static int gather(struct calendar *k, struct err *err)
{
    struct casebook_clock clock = {k->now, 14 * UTC_DAY};
    struct casebook_asset_query all = {0};
    int rc = notices_read(k->v->c.pursuit, &k->book, err);
    if (rc >= 0)
        rc = casebook_orders(k->v->c.casebook, &clock, take_order, k, err);
    if (rc >= 0)
        rc = casebook_assets(k->v->c.casebook, &all, &clock, take_asset, k, err);
    if (rc >= 0)
        rc = casebook_accounts(k->v->c.casebook, take_account, k, err);
    if (rc >= 0)
        rc = rewards_offers(k->v->c.pursuit, take_offer, k, err);
    if (rc < 0)
        return rc;
    take_hearings(k);
    take_runs(k);
    if (k->n)
        qsort(k->item, k->n, sizeof *k->item, by_date);
    return 0;
}

static void put_item(struct json *j, const struct item *i)
{
    char entry[24];
    snprintf(entry, sizeof entry, "%llu", (unsigned long long)i->entry);
    json_object(j);
    view_when(j, "date", i->date);
    view_str(j, "what", i->what);
    json_key(j, "text");
    json_span(j, i->text);
    view_text(j, "state", i->state);
    view_index(j, "entry", i->entry);
    view_index(j, "count", i->count);
    view_target(j, i->page, i->part, entry);
    json_object_end(j);
}

int view_calendar(struct view *v, struct err *err)
{
    struct calendar k = {.v = v, .now = utc_now()};
    arena_init(&k.arena);
    int rc = view_time(v, "since", k.now - BACK_DAYS * UTC_DAY, &k.since, err);
    if (rc == 0)
        rc = view_time(v, "until", k.now + AHEAD_DAYS * UTC_DAY, &k.until, err);
    if (rc == 0)
        rc = view_open(v, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = gather(&k, err);
    if (rc == 0) {
        view_begin(v);
        json_key(&v->j, "items");
        json_array(&v->j);
        for (size_t i = 0; i < k.n; i++)
            put_item(&v->j, &k.item[i]);
        json_array_end(&v->j);
        view_end(v);
    }
    notice_book_free(&k.book);
    arena_free(&k.arena);
    free(k.item);
    return rc;
}
