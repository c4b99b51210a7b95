/* Reading the casebook. */
#include <errno.h>
#include <stdio.h>

#include "base/utc.h"
#include "state/casebook_impl.h"

#define WARNINGS_MAX 1000 /* lines */

const char *casebook_state_name(enum casebook_state state)
{
    static const char *const names[CASEBOOK_STATES] = {
        [CASEBOOK_PLANNED] = "planned",   [CASEBOOK_OPEN] = "open",
        [CASEBOOK_EXPIRING] = "expiring", [CASEBOOK_EXPIRED] = "expired",
        [CASEBOOK_CLOSED] = "closed",     [CASEBOOK_RELEASED] = "released",
    };
    return state < CASEBOOK_STATES ? names[state] : "";
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool soon(int64_t end, const struct casebook_clock *clock)
{
    return end != CASEBOOK_FOREVER && end - clock->within <= clock->now;
}

/* Calls row() for each row of the statement; what it returns other than 0 ends it and is returned.
 */
static int each(struct casebook *cb, sqlite3_stmt *s, int (*row)(void *, sqlite3_stmt *), void *ctx,
                struct err *err)
{
    int rc = 0, step = SQLITE_DONE;
    if (!s)
        return -EIO;
    while (rc == 0 && (step = sqlite3_step(s)) == SQLITE_ROW)
        rc = row(ctx, s);
    if (rc == 0 && step != SQLITE_DONE)
        rc = casebook_fail(cb, err);
    sqlite3_finalize(s);
    return rc;
}

/* ---- orders ---- */

#define ORDER_COLUMNS                                                                              \
    "SELECT entry, id, court, docket, jurisdiction, document, sha256, from_time, until_time,"      \
    " scope, contact, note, closed, closed_why,"                                                   \
    " (SELECT count(*) FROM assets WHERE order_entry = o.entry AND released_entry = 0),"           \
    " (SELECT count(*) FROM lists WHERE order_entry = o.entry AND released_entry = 0)"             \
    " FROM orders o "

struct order_reader {
    const struct casebook_clock *clock;
    int (*row)(void *, const struct casebook_order *);
    void *ctx;
    bool any;
};

static enum casebook_state order_state(const struct casebook_order *o,
                                       const struct casebook_clock *clock)
{
    if (o->closed <= clock->now)
        return CASEBOOK_CLOSED;
    if (o->act.until <= clock->now)
        return CASEBOOK_EXPIRED;
    if (o->act.from > clock->now)
        return CASEBOOK_PLANNED;
    return soon(o->act.until, clock) ? CASEBOOK_EXPIRING : CASEBOOK_OPEN;
}

static int read_order(void *ctx, sqlite3_stmt *s)
{
    struct order_reader *r = ctx;
    struct casebook_order o = {
        .entry = (uint64_t)sqlite3_column_int64(s, 0),
        .act = {.id = sql_text(s, 1),
                .court = sql_text(s, 2),
                .docket = sql_text(s, 3),
                .jurisdiction = sql_text(s, 4),
                .document = sql_text(s, 5),
                .sha256 = sql_text(s, 6),
                .from = sqlite3_column_int64(s, 7),
                .until = sqlite3_column_int64(s, 8),
                .scope = sql_text(s, 9),
                .contact = sql_text(s, 10),
                .note = sql_text(s, 11)},
        .closed = sqlite3_column_int64(s, 12),
        .closed_why = sql_text(s, 13),
        .assets = (uint64_t)sqlite3_column_int64(s, 14),
        .lists = (uint64_t)sqlite3_column_int64(s, 15),
    };
    o.state = order_state(&o, r->clock);
    r->any = true;
    return r->row(r->ctx, &o);
}

int casebook_orders(struct casebook *cb, const struct casebook_clock *clock,
                    int (*row)(void *, const struct casebook_order *), void *ctx, struct err *err)
{
    struct order_reader r = {clock, row, ctx, false};
    return each(cb, casebook_prepare(cb, err, ORDER_COLUMNS "ORDER BY entry", ""), read_order, &r,
                err);
}

int casebook_order(struct casebook *cb, uint64_t entry, struct span id,
                   const struct casebook_clock *clock,
                   int (*row)(void *, const struct casebook_order *), void *ctx, struct err *err)
{
    struct order_reader r = {clock, row, ctx, false};
    sqlite3_stmt *s =
        entry ? casebook_prepare(cb, err, ORDER_COLUMNS "WHERE entry = ?", "i", (int64_t)entry)
              : casebook_prepare(cb, err,
                                 ORDER_COLUMNS
                                 "WHERE id = ? ORDER BY closed_entry <> 0, entry DESC LIMIT 1",
                                 "t", id);
    int rc = each(cb, s, read_order, &r, err);
    return rc ? rc : r.any;
}

/* ---- assets ---- */

struct asset_reader {
    struct casebook *cb;
    const struct casebook_asset_query *q;
    const struct casebook_clock *clock;
    int (*row)(void *, const struct casebook_asset *);
    void *ctx;
    struct err *err;
};

struct order_times {
    int64_t from, until, closed;
};

static void judge(struct casebook_asset *a, const struct order_times *o,
                  const struct casebook_clock *clock)
{
    int64_t now = clock->now;
    a->order_end = least(o->until, o->closed);
    a->end = least(least(a->act.until, a->released), a->order_end);
    if (a->released <= now)
        a->state = CASEBOOK_RELEASED;
    else if (o->closed <= now)
        a->state = CASEBOOK_CLOSED;
    else if (a->act.until <= now || o->until <= now)
        a->state = CASEBOOK_EXPIRED;
    else if (a->act.from > now || o->from > now)
        a->state = CASEBOOK_PLANNED;
    else
        a->state = soon(a->order_end, clock) || (!a->of_list && soon(a->act.until, clock)) ||
                           soon(a->act.registered_until, clock)
                       ? CASEBOOK_EXPIRING
                       : CASEBOOK_OPEN;
}

/* An order that is not there (erased) gives no authority. */
#define ORDER_TIMES                                                                                \
    " ifnull(o.id, ''), ifnull(o.from_time, 0), ifnull(o.until_time, 0), ifnull(o.closed, 0)"

static struct order_times read_times(sqlite3_stmt *s, int column)
{
    return (struct order_times){sqlite3_column_int64(s, column),
                                sqlite3_column_int64(s, column + 1),
                                sqlite3_column_int64(s, column + 2)};
}

static enum act_asset_kind kind_named(struct span name)
{
    int k = 0;
    while (k < ASSET_KINDS && !span_is(name, act_asset_kind_name((enum act_asset_kind)k)))
        k++;
    return (enum act_asset_kind)k;
}

static int read_asset(void *ctx, sqlite3_stmt *s)
{
    struct asset_reader *r = ctx;
    struct casebook_asset a = {
        .entry = (uint64_t)sqlite3_column_int64(s, 0),
        .names = 1,
        .act = {.order = (uint64_t)sqlite3_column_int64(s, 1),
                .kind = kind_named(sql_text(s, 2)),
                .name = sql_text(s, 3),
                .port = (uint16_t)sqlite3_column_int(s, 4),
                .transport = sql_text(s, 5),
                .family = sql_text(s, 6),
                .policy = sql_text(s, 7),
                .identify = sqlite3_column_int(s, 8),
                .from = sqlite3_column_int64(s, 9),
                .until = sqlite3_column_int64(s, 10),
                .registered_until = sqlite3_column_int64(s, 11),
                .registrar = sql_text(s, 12),
                .note = sql_text(s, 13)},
        .released = sqlite3_column_int64(s, 14),
        .released_why = sql_text(s, 15),
        .order = sql_text(s, 16),
    };
    struct order_times o = read_times(s, 17);
    if (r->q->kind && *r->q->kind != a.act.kind)
        return 0;
    judge(&a, &o, r->clock);
    return r->row(r->ctx, &a);
}

static int single_assets(struct asset_reader *r)
{
    const struct casebook_asset_query *q = r->q;
    sqlite3_stmt *s = casebook_prepare(
        r->cb, r->err,
        "SELECT a.entry, order_entry, kind, name, port, transport, family, policy, identify,"
        " a.from_time, a.until_time, registered_until, registrar, a.note, released, "
        "released_why," ORDER_TIMES " FROM assets a LEFT JOIN orders o ON o.entry = a.order_entry"
        " WHERE (?1 = 0 OR a.entry = ?1) AND (?2 = 0 OR order_entry = ?2)"
        " AND (?3 = '' OR name = ?3) AND (?4 = '' OR family = ?4) ORDER BY a.entry",
        "iitt", (int64_t)q->entry, (int64_t)q->order, q->name, q->family);
    return each(r->cb, s, read_asset, r, r->err);
}

static int read_list(void *ctx, sqlite3_stmt *s)
{
    struct asset_reader *r = ctx;
    struct casebook_asset a = {
        .entry = (uint64_t)sqlite3_column_int64(s, 0),
        .list = true,
        .act = {.order = (uint64_t)sqlite3_column_int64(s, 1),
                .name = sql_text(s, 2),
                .family = sql_text(s, 3),
                .policy = sql_text(s, 4),
                .identify = sqlite3_column_int(s, 5),
                .registrar = sql_text(s, 6),
                .note = sql_text(s, 7),
                .from = sqlite3_column_int64(s, 10),
                .until = sqlite3_column_int64(s, 11),
                .registered_until = CASEBOOK_FOREVER},
        .released = sqlite3_column_int64(s, 8),
        .released_why = sql_text(s, 9),
        .names = (uint64_t)sqlite3_column_int64(s, 12),
        .order = sql_text(s, 13),
    };
    struct order_times o = read_times(s, 14);
    judge(&a, &o, r->clock);
    return r->row(r->ctx, &a);
}

static int whole_lists(struct asset_reader *r)
{
    const struct casebook_asset_query *q = r->q;
    sqlite3_stmt *s = casebook_prepare(r->cb, r->err,
                                       "SELECT l.entry, order_entry, file, family, policy, "
                                       "identify, l.registrar, l.note, released,"
                                       " released_why, ifnull(min(d.from_time), l.from_time), "
                                       "ifnull(max(d.until_time), l.until_time),"
                                       " ifnull(sum(d.names), 0)," ORDER_TIMES
                                       " FROM lists l LEFT JOIN orders o ON o.entry = "
                                       "l.order_entry LEFT JOIN list_days d ON d.list = l.entry"
                                       " WHERE (?1 = 0 OR l.entry = ?1) AND (?2 = 0 OR order_entry "
                                       "= ?2) AND (?3 = '' OR family = ?3)"
                                       " GROUP BY l.entry ORDER BY l.entry",
                                       "iit", (int64_t)q->entry, (int64_t)q->order, q->family);
    return each(r->cb, s, read_list, r, r->err);
}

/* When one name of a list was released; CASEBOOK_FOREVER: it was not. */
static int64_t name_released(sqlite3_stmt *released, int64_t list, struct span name)
{
    sqlite3_reset(released);
    sqlite3_bind_int64(released, 1, list);
    sqlite3_bind_text64(released, 2, (const char *)name.p, name.n, SQLITE_STATIC, SQLITE_UTF8);
    return sqlite3_step(released) == SQLITE_ROW ? sqlite3_column_int64(released, 0)
                                                : CASEBOOK_FOREVER;
}

struct names_reader {
    struct asset_reader *r;
    sqlite3_stmt *released;
    bool any_released;
};

/* One name of the row that the statement stands at. */
static int give_name(struct names_reader *n, struct casebook_asset *a, const struct order_times *o,
                     struct span name, int64_t list_released)
{
    int64_t when = CASEBOOK_FOREVER;
    a->act.name = name;
    a->released_why = span_of(NULL, 0);
    if (n->any_released) {
        when = name_released(n->released, (int64_t)a->entry, name);
        if (when != CASEBOOK_FOREVER)
            a->released_why = sql_text(n->released, 1);
    }
    a->released = least(when, list_released);
    judge(a, o, n->r->clock);
    return n->r->row(n->r->ctx, a);
}

static int read_names(void *ctx, sqlite3_stmt *s)
{
    struct names_reader *n = ctx;
    struct casebook_asset a = {
        .entry = (uint64_t)sqlite3_column_int64(s, 0),
        .of_list = true,
        .names = 1,
        .act = {.order = (uint64_t)sqlite3_column_int64(s, 1),
                .family = sql_text(s, 2),
                .policy = sql_text(s, 3),
                .identify = sqlite3_column_int(s, 4),
                .from = sqlite3_column_int64(s, 6),
                .until = sqlite3_column_int64(s, 7),
                .registrar = sql_text(s, 8),
                .kind = sqlite3_column_int(s, 9) ? ASSET_WILDCARD : ASSET_DOMAIN,
                .registered_until = CASEBOOK_FOREVER},
        .order = sql_text(s, 11),
    };
    struct order_times o = read_times(s, 12);
    struct span text = sql_text(s, 10), want = n->r->q->name;
    int64_t list_released = sqlite3_column_int64(s, 5);
    if (n->r->q->kind && *n->r->q->kind != a.act.kind)
        return 0;
    int rc = 0;
    for (struct cur c = cur_of(text); rc == 0 && cur_left(&c);) {
        struct span name = cur_line(&c);
        if (!want.n || span_eq(want, name))
            rc = give_name(n, &a, &o, name, list_released);
    }
    return rc;
}

static int names_of_lists(struct asset_reader *r)
{
    const struct casebook_asset_query *q = r->q;
    struct names_reader n = {.r = r};
    n.released = casebook_prepare(
        r->cb, r->err, "SELECT released, why FROM list_released WHERE list = ? AND name = ?", "");
    sqlite3_stmt *any = casebook_prepare(r->cb, r->err, "SELECT 1 FROM list_released LIMIT 1", "");
    n.any_released = any && sqlite3_step(any) == SQLITE_ROW;
    sqlite3_finalize(any);
    /* The name is looked for in the days' text first, which SQLite does without giving it to us. */
    sqlite3_stmt *s =
        casebook_prepare(r->cb, r->err,
                         "SELECT l.entry, order_entry, family, policy, identify, released, "
                         "d.from_time, d.until_time,"
                         " d.registrar, d.wildcard, d.text," ORDER_TIMES
                         " FROM list_days d JOIN lists l ON l.entry = d.list LEFT JOIN orders o ON "
                         "o.entry = l.order_entry"
                         " WHERE (?1 = 0 OR l.entry = ?1) AND (?2 = 0 OR order_entry = ?2) AND (?3 "
                         "= '' OR family = ?3)"
                         " AND (?4 = '' OR instr(d.text, ?4)) ORDER BY d.rowid",
                         "iitt", (int64_t)q->entry, (int64_t)q->order, q->family, q->name);
    int rc = n.released ? each(r->cb, s, read_names, &n, r->err) : -EIO;
    sqlite3_finalize(n.released);
    return rc;
}

int casebook_assets(struct casebook *cb, const struct casebook_asset_query *q,
                    const struct casebook_clock *clock,
                    int (*row)(void *, const struct casebook_asset *), void *ctx, struct err *err)
{
    struct asset_reader r = {cb, q, clock, row, ctx, err};
    int rc = single_assets(&r);
    if (rc == 0 && (q->names || q->name.n))
        rc = names_of_lists(&r);
    else if (rc == 0 && !q->kind)
        rc = whole_lists(&r);
    return rc;
}

/* ---- days ---- */

struct days_reader {
    int (*row)(void *, const struct casebook_days *);
    void *ctx;
};

static int read_days(void *ctx, sqlite3_stmt *s)
{
    struct days_reader *r = ctx;
    struct casebook_days d = {
        .list = (uint64_t)sqlite3_column_int64(s, 0),
        .order = (uint64_t)sqlite3_column_int64(s, 1),
        .family = sql_text(s, 2),
        .policy = sql_text(s, 3),
        .identify = sqlite3_column_int(s, 4),
        .from = sqlite3_column_int64(s, 6),
        .until = sqlite3_column_int64(s, 7),
        .registrar = sql_text(s, 8),
        .tld = sql_text(s, 9),
        .wildcard = sqlite3_column_int(s, 10),
        .names = (uint64_t)sqlite3_column_int64(s, 11),
        .text = sql_text(s, 12),
    };
    struct order_times o = read_times(s, 14);
    int64_t released = sqlite3_column_int64(s, 5);
    d.in_from = most(d.from, o.from);
    d.in_until = least(least(d.until, released), least(o.until, o.closed));
    return r->row(r->ctx, &d);
}

int casebook_days(struct casebook *cb, uint64_t order, struct span family,
                  int (*row)(void *, const struct casebook_days *), void *ctx, struct err *err)
{
    struct days_reader r = {row, ctx};
    sqlite3_stmt *s = casebook_prepare(
        cb, err,
        "SELECT l.entry, order_entry, family, policy, identify, released, d.from_time, "
        "d.until_time,"
        " d.registrar, d.tld, d.wildcard, d.names, d.text," ORDER_TIMES
        " FROM list_days d JOIN lists l ON l.entry = d.list LEFT JOIN orders o ON o.entry = "
        "l.order_entry"
        " WHERE (?1 = 0 OR order_entry = ?1) AND (?2 = '' OR family = ?2) ORDER BY d.rowid",
        "it", (int64_t)order, family);
    return each(cb, s, read_days, &r, err);
}

struct released_reader {
    int (*row)(void *, uint64_t list, struct span name, int64_t when);
    void *ctx;
};

static int read_released(void *ctx, sqlite3_stmt *s)
{
    struct released_reader *r = ctx;
    return r->row(r->ctx, (uint64_t)sqlite3_column_int64(s, 0), sql_text(s, 1),
                  sqlite3_column_int64(s, 2));
}

int casebook_released_names(struct casebook *cb,
                            int (*row)(void *, uint64_t list, struct span name, int64_t when),
                            void *ctx, struct err *err)
{
    struct released_reader r = {row, ctx};
    return each(
        cb,
        casebook_prepare(cb, err,
                         "SELECT list, name, released FROM list_released ORDER BY list, name", ""),
        read_released, &r, err);
}

uint64_t casebook_list_with(struct casebook *cb, uint64_t order, const uint8_t sha256[SHA256_LEN])
{
    sqlite3_stmt *s = casebook_prepare(
        cb, NULL,
        "SELECT entry FROM lists WHERE order_entry = ? AND sha256 = ? AND released_entry = 0", "ib",
        (int64_t)order, span_of(sha256, SHA256_LEN));
    uint64_t entry = s && sqlite3_step(s) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
    sqlite3_finalize(s);
    return entry;
}

/* ---- what ends soon ---- */

struct warner {
    struct buf *out;
    const struct casebook_clock *clock;
    unsigned lines;
};

static void warn(struct warner *w, const char *what, struct span name, int64_t end)
{
    char date[UTC_TEXT_MAX];
    utc_format_date(end, date);
    if (w->lines++ >= WARNINGS_MAX)
        return;
    if (end > w->clock->now)
        buf_printf(w->out, "%s %.*s ends on %s, in %lld days\n", what, (int)name.n,
                   (const char *)name.p, date, (long long)((end - w->clock->now) / UTC_DAY));
    else
        buf_printf(w->out, "%s %.*s ended on %s\n", what, (int)name.n, (const char *)name.p, date);
}

static int warn_order(void *ctx, const struct casebook_order *o)
{
    struct warner *w = ctx;
    if (o->state == CASEBOOK_EXPIRING)
        warn(w, "order", o->act.id, o->act.until);
    return 0;
}

/* What ends with its order is the order's warning. */
static int warn_asset(void *ctx, const struct casebook_asset *a)
{
    struct warner *w = ctx;
    if (a->state != CASEBOOK_EXPIRING)
        return 0;
    if (a->act.until < a->order_end && soon(a->act.until, w->clock))
        warn(w, a->list ? "asset list" : "asset", a->act.name, a->act.until);
    if (soon(a->act.registered_until, w->clock))
        warn(w, "the registration of", a->act.name, a->act.registered_until);
    return 0;
}

void casebook_warnings(struct casebook *cb, int64_t now, unsigned days, struct buf *out)
{
    struct casebook_clock clock = {now, (int64_t)days * UTC_DAY};
    struct casebook_asset_query q = {0};
    struct warner w = {out, &clock, 0};
    casebook_orders(cb, &clock, warn_order, &w, NULL);
    casebook_assets(cb, &q, &clock, warn_asset, &w, NULL);
    if (w.lines > WARNINGS_MAX)
        buf_printf(out, "and %u more\n", w.lines - WARNINGS_MAX);
}
