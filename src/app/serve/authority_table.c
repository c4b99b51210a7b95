#include "app/serve/authority_table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/domain.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/authority.h"

_Static_assert((int)ASSET_DOMAIN == AUTHORITY_DOMAIN && (int)ASSET_WILDCARD == AUTHORITY_WILDCARD &&
                   (int)ASSET_ADDRESS == AUTHORITY_ADDRESS &&
                   (int)ASSET_NETWORK == AUTHORITY_NETWORK && (int)ASSET_PORT == AUTHORITY_PORT,
               "the log's kinds are the table's");

struct maker {
    struct authority_builder *b;
    struct casebook *casebook;
    int64_t now;
    uint64_t *order; /* entries, in the order of their numbers, which is the log's */
    size_t orders, orders_cap;
    struct released {
        uint64_t list;
        struct span name; /* in texts, by offset until all are there */
        size_t at;
    } * released; /* by list and name */
    size_t n_released, released_cap;
    struct buf texts;
    uint64_t assets;
    struct err *err;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- orders ---- */

static int add_order(void *ctx, const struct casebook_order *o)
{
    struct maker *m = ctx;
    if (o->state == CASEBOOK_CLOSED || o->state == CASEBOOK_EXPIRED)
        return 0;
    struct authority_order order = {.index = o->entry,
                                    .id = o->act.id,
                                    .court = o->act.court,
                                    .docket = o->act.docket,
                                    .jurisdiction = o->act.jurisdiction,
                                    .scope = o->act.scope,
                                    .contact = o->act.contact,
                                    .from = o->act.from,
                                    .until = least(o->act.until, o->closed)};
    authority_builder_order(m->b, &order);
    m->order = mem_room(m->order, m->orders, &m->orders_cap, sizeof *m->order);
    m->order[m->orders++] = o->entry;
    return 0;
}

/* False: there is no such order, or it is not in force any more. */
static bool order_number(const struct maker *m, uint64_t entry, uint32_t *out)
{
    size_t low = 0, high = m->orders;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (m->order[mid] < entry)
            low = mid + 1;
        else
            high = mid;
    }
    *out = (uint32_t)low;
    return low < m->orders && m->order[low] == entry;
}

/* ---- assets ---- */

/* One that makes no sense (a later version's) is passed over; a table that is full is not. */
static int add(struct maker *m, const struct authority_asset *a)
{
    struct err why;
    int rc = authority_builder_asset(m->b, a, &why);
    if (rc == -EINVAL) {
        log_line(LOG_WARN, "an asset that nothing can be answered for", "entry=%llu why=\"%s\"",
                 (unsigned long long)a->index, why.text);
        return 0;
    }
    m->assets += rc == 0;
    return rc < 0 ? err_set(m->err, rc, "%s", why.text) : 0;
}

static bool read_net(const struct act_asset *act, struct net *out)
{
    struct ip ip;
    if (act->kind == ASSET_NETWORK)
        return net_parse(act->name, out);
    if (!ip_parse(act->name, &ip))
        return false;
    *out = net_of(&ip, ip_is_v4(&ip) ? 32 : 128);
    return true;
}

static int add_asset(void *ctx, const struct casebook_asset *a)
{
    struct maker *m = ctx;
    uint8_t wire[DOMAIN_WIRE_MAX];
    struct authority_asset asset = {
        .index = a->entry,
        .kind = (enum authority_kind)a->act.kind,
        .port = a->act.port,
        .transport = span_is(a->act.transport, "tcp")   ? AUTHORITY_TCP
                     : span_is(a->act.transport, "udp") ? AUTHORITY_UDP
                                                        : AUTHORITY_ANY,
        .from = a->act.from,
        .until = least(a->act.until, a->released),
        .family = a->act.family,
        .policy = a->act.policy,
        .identify = a->act.identify,
    };
    if (a->list || asset.until <= m->now || !order_number(m, a->act.order, &asset.order))
        return 0;
    if (a->act.kind == ASSET_DOMAIN || a->act.kind == ASSET_WILDCARD)
        asset.name = span_of(wire, domain_wire(a->act.name, wire));
    else if (a->act.kind != ASSET_PORT && !read_net(&a->act, &asset.net))
        asset.net.set = false;
    return add(m, &asset);
}

/* ---- lists ---- */

static int keep_released(void *ctx, uint64_t list, struct span name, int64_t when)
{
    struct maker *m = ctx;
    if (when > m->now)
        return 0;
    m->released = mem_room(m->released, m->n_released, &m->released_cap, sizeof *m->released);
    m->released[m->n_released++] = (struct released){list, {NULL, name.n}, m->texts.n};
    buf_span(&m->texts, name);
    return 0;
}

static bool is_released(const struct maker *m, uint64_t list, struct span name)
{
    size_t low = 0, high = m->n_released;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct released *r = &m->released[mid];
        int c = r->list != list ? (r->list < list ? -1 : 1) : span_cmp(r->name, name);
        if (c == 0)
            return true;
        if (c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

static int add_days(void *ctx, const struct casebook_days *d)
{
    struct maker *m = ctx;
    uint8_t wire[DOMAIN_WIRE_MAX];
    struct authority_asset asset = {.index = d->list,
                                    .kind = d->wildcard ? AUTHORITY_WILDCARD : AUTHORITY_DOMAIN,
                                    .from = d->in_from,
                                    .until = d->in_until,
                                    .family = d->family,
                                    .policy = d->policy,
                                    .identify = d->identify};
    if (d->in_until <= m->now || !order_number(m, d->order, &asset.order))
        return 0;
    int rc = 0;
    for (struct cur c = cur_of(d->text); rc == 0 && cur_left(&c);) {
        struct span name = cur_line(&c);
        if (m->n_released && is_released(m, d->list, name))
            continue;
        asset.name = span_of(wire, domain_wire(name, wire));
        rc = add(m, &asset);
    }
    return rc;
}

static int add_all(struct maker *m)
{
    struct casebook_clock clock = {m->now, 0};
    struct casebook_asset_query q = {0};
    int rc = casebook_orders(m->casebook, &clock, add_order, m, m->err);
    if (rc == 0)
        rc = casebook_assets(m->casebook, &q, &clock, add_asset, m, m->err);
    if (rc == 0)
        rc = casebook_released_names(m->casebook, keep_released, m, m->err);
    for (size_t i = 0; i < m->n_released; i++)
        m->released[i].name.p = m->texts.p + m->released[i].at;
    return rc == 0 ? casebook_days(m->casebook, 0, span_str(""), add_days, m, m->err) : rc;
}

int authority_table_build(struct casebook *casebook, int64_t now, int *fd, uint64_t *assets,
                          struct err *err)
{
    struct maker m = {.b = authority_builder_new(), .casebook = casebook, .now = now, .err = err};
    int rc = add_all(&m);
    if (rc == 0)
        rc = authority_builder_finish(m.b, fd, err);
    *assets = m.assets;
    authority_builder_free(m.b);
    free(m.order);
    free(m.released);
    buf_free(&m.texts);
    return rc;
}
