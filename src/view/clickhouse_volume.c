/* Volumes by group. Servers count by group; which campaigns a group has comes as a list, because
 * campaigns lie on all shards. */
#include "view/clickhouse_volume.h"

#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_volume_impl.h"

#define MERGED_AT_ONCE 2000 /* campaigns whose sources are asked for together */

/* What a server counted of one group; by campaign, the group is (log, campaign). */
struct group_part {
    uint64_t log;
    struct volume_row row;
};

/* Groups and what they have: a campaign, or a source. */
struct member {
    uint64_t group, log, value;
};
struct members {
    struct member *v;
    size_t n, cap;
};

struct counting {
    struct volume_ask ask;
    enum volume_by by;
    struct group_part *v;
    size_t n, cap;
    struct members members;
    uint64_t mails;
};

/* ---- lists without doubles ---- */

static int by_member(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    if (x->group != y->group)
        return x->group < y->group ? -1 : 1;
    if (x->log != y->log)
        return x->log < y->log ? -1 : 1;
    return (x->value > y->value) - (x->value < y->value);
}

static void members_fold(struct members *m)
{
    size_t n = 0;
    if (m->n)
        qsort(m->v, m->n, sizeof *m->v, by_member);
    for (size_t i = 0; i < m->n; i++)
        if (!n || by_member(&m->v[n - 1], &m->v[i]) != 0)
            m->v[n++] = m->v[i];
    m->n = n;
}

static void members_add(struct members *m, struct member x)
{
    if (m->n == m->cap) {
        members_fold(m);
        if (m->n > m->cap / 2 || !m->cap)
            m->v = mem_resize(m->v, m->cap = m->cap ? 2 * m->cap : 1024, sizeof *m->v);
    }
    m->v[m->n++] = x;
}

/* How many a group has; they are folded. */
static uint64_t members_of(const struct members *m, uint64_t group)
{
    size_t lo = 0, hi = m->n, n = 0;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (m->v[mid].group < group)
            lo = mid + 1;
        else
            hi = mid;
    }
    while (lo + n < m->n && m->v[lo + n].group == group)
        n++;
    return n;
}

/* ---- the group as a column ---- */

static const char *group_sql(enum volume_by by)
{
    switch (by) {
    case VOLUME_BY_DAY:
        return "toUInt64(" VOLUME_DAY_SQL ") AS g";
    case VOLUME_BY_HOUR:
        return "toUInt64(" VOLUME_HOUR_SQL ") AS g";
    case VOLUME_BY_FAMILY:
        return "family AS g";
    case VOLUME_BY_TOPIC:
        return "toUInt64(topic) AS g";
    case VOLUME_BY_BRAND:
        return "arrayJoin(if(empty(brands), [''], brands)) AS g";
    case VOLUME_BY_CAMPAIGN:
        return "campaign AS g";
    case VOLUME_BY_COUNTRY:
        return "toString(country) AS g";
    case VOLUME_BY_ASN:
        return "toUInt64(asn) AS g";
    default:
        return "sensor AS g";
    }
}

static bool is_by_name(enum volume_by by)
{
    return by == VOLUME_BY_FAMILY || by == VOLUME_BY_BRAND || by == VOLUME_BY_SENSOR;
}

static char group_type(enum volume_by by)
{
    return is_by_name(by) || by == VOLUME_BY_COUNTRY ? 's' : '8';
}

static uint64_t key_of(struct counting *c, uint64_t log, const struct clickhouse_value *g)
{
    if (is_by_name(c->by))
        return names_number(c->ask.names, g->s);
    if (c->by == VOLUME_BY_COUNTRY)
        return g->s.n == 2 ? (uint64_t)g->s.p[0] << 8 | g->s.p[1] : 0;
    if (c->by == VOLUME_BY_CAMPAIGN && g->n != FACT_NO_CAMPAIGN)
        return volume_roots_of(&c->ask.roots, log, g->n);
    return g->n;
}

/* ---- counts ---- */

/* group, log, mails, bytes, first, last, sources */
static int see_part(void *ctx, const struct clickhouse_value *v)
{
    struct counting *c = ctx;
    c->v = mem_room(c->v, c->n, &c->cap, sizeof *c->v);
    struct group_part *p = &c->v[c->n++];
    bool none = c->by == VOLUME_BY_CAMPAIGN && v[0].n == FACT_NO_CAMPAIGN;
    *p = (struct group_part){.log = none ? 0 : v[1].n,
                             .row = {.key = key_of(c, v[1].n, &v[0]),
                                     .mails = v[2].n,
                                     .bytes = v[3].n,
                                     .first = (int64_t)v[4].n,
                                     .last = (int64_t)v[5].n,
                                     .sources = v[6].n}};
    return 0;
}

static bool is_by_time(enum volume_by by)
{
    return by == VOLUME_BY_DAY || by == VOLUME_BY_HOUR;
}

static int ask_counts(struct counting *c, struct err *err)
{
    bool campaign = c->by == VOLUME_BY_CAMPAIGN;
    char types[] = {group_type(c->by), '8', '8', '8', '8', '8', '8', 0};
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, c->ask.way);
    clickhouse_ask_printf(
        &a, "%s, %s AS l, count(), sum(bytes), toUInt64(min(time)), toUInt64(max(time)), %s",
        group_sql(c->by), campaign ? "log" : "toUInt64(0)",
        is_by_time(c->by) ? "toUInt64(0)" : "uniqExactIf(source, source != 0)");
    volume_ask_from(&c->ask, &a);
    int rc = volume_ask_filter(&c->ask, &a, err);
    clickhouse_ask_printf(&a, " GROUP BY g%s", campaign ? ", l" : "");
    a.types = types;
    a.row = see_part;
    a.ctx = c;
    if (rc == 0)
        return clickhouse_ask_rows(&a, err);
    buf_free(&a.sql);
    return rc;
}

static int by_group(const void *a, const void *b)
{
    const struct group_part *x = a, *y = b;
    if (x->row.key != y->row.key)
        return x->row.key < y->row.key ? -1 : 1;
    return (x->log > y->log) - (x->log < y->log);
}

static void row_add(struct volume_row *a, const struct volume_row *b)
{
    a->mails += b->mails;
    a->bytes += b->bytes;
    a->sources += b->sources;
    a->first = b->first < a->first ? b->first : a->first;
    a->last = b->last > a->last ? b->last : a->last;
}

/* A source is on one shard, so sources add up; but for those of merged campaigns. */
static void fold_parts(struct counting *c)
{
    size_t n = 0;
    if (c->n)
        qsort(c->v, c->n, sizeof *c->v, by_group);
    for (size_t i = 0; i < c->n; i++) {
        c->mails += c->v[i].row.mails;
        if (n && by_group(&c->v[n - 1], &c->v[i]) == 0)
            row_add(&c->v[n - 1].row, &c->v[i].row);
        else
            c->v[n++] = c->v[i];
    }
    c->n = n;
}

static int see_mails(void *ctx, const struct clickhouse_value *v)
{
    *(uint64_t *)ctx += v->n;
    return 0;
}

/* A mail with two brands is in two groups. */
static int ask_mails(struct counting *c, struct err *err)
{
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, c->ask.way);
    clickhouse_ask_printf(&a, "count()");
    volume_ask_from(&c->ask, &a);
    int rc = volume_ask_filter(&c->ask, &a, err);
    a.types = "8";
    a.row = see_mails;
    a.ctx = &c->mails;
    c->mails = 0;
    if (rc == 0)
        return clickhouse_ask_rows(&a, err);
    buf_free(&a.sql);
    return rc;
}

/* ---- campaigns of a group ---- */

/* group, log, campaign */
static int see_campaign(void *ctx, const struct clickhouse_value *v)
{
    struct counting *c = ctx;
    uint64_t root = volume_roots_of(&c->ask.roots, v[1].n, v[2].n);
    members_add(&c->members, (struct member){key_of(c, v[1].n, &v[0]), v[1].n, root});
    return 0;
}

static int ask_campaigns(struct counting *c, struct err *err)
{
    char types[] = {group_type(c->by), '8', '8', 0};
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, c->ask.way);
    clickhouse_ask_printf(&a, "%s, log, campaign", group_sql(c->by));
    volume_ask_from(&c->ask, &a);
    clickhouse_ask_printf(&a, " AND campaign != %llu", (unsigned long long)FACT_NO_CAMPAIGN);
    int rc = volume_ask_filter(&c->ask, &a, err);
    clickhouse_ask_printf(&a, " GROUP BY g, log, campaign");
    a.types = types;
    a.row = see_campaign;
    a.ctx = c;
    if (rc == 0)
        rc = clickhouse_ask_rows(&a, err);
    buf_free(&a.sql);
    if (rc)
        return rc;
    members_fold(&c->members);
    for (size_t i = 0; i < c->n; i++)
        c->v[i].row.campaigns = members_of(&c->members, c->v[i].row.key);
    return 0;
}

/* ---- sources of merged campaigns ---- */

/* log, campaign, source */
static int see_source(void *ctx, const struct clickhouse_value *v)
{
    struct counting *c = ctx;
    const struct group_part key = {.log = v[0].n,
                                   .row.key = volume_roots_of(&c->ask.roots, v[0].n, v[1].n)};
    const struct group_part *at = bsearch(&key, c->v, c->n, sizeof *c->v, by_group);
    if (at)
        members_add(&c->members, (struct member){(uint64_t)(at - c->v), 0, v[2].n});
    return 0;
}

static int ask_sources(struct counting *c, const struct volume_root *v, size_t n, struct err *err)
{
    const char *between = "";
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, c->ask.way);
    clickhouse_ask_printf(&a, "log, campaign, source");
    volume_ask_from(&c->ask, &a);
    clickhouse_ask_printf(&a, " AND source != 0 AND (log, campaign) IN (");
    for (size_t i = 0; i < n; i++, between = ", ") {
        clickhouse_ask_printf(&a, "%s(%llu, %llu)", between, (unsigned long long)v[i].log,
                              (unsigned long long)v[i].campaign);
    }
    clickhouse_ask_printf(&a, ")");
    int rc = volume_ask_filter(&c->ask, &a, err);
    clickhouse_ask_printf(&a, " GROUP BY log, campaign, source");
    a.types = "888";
    a.row = see_source;
    a.ctx = c;
    if (rc == 0)
        return clickhouse_ask_rows(&a, err);
    buf_free(&a.sql);
    return rc;
}

/* All campaigns that something was merged into or away from: their sources, by name. */
static struct volume_root *merged(const struct volume_roots *roots, size_t *n)
{
    struct volume_root *list = mem_resize(NULL, 2 * roots->n, sizeof *list);
    *n = 0;
    for (size_t i = 0; i < roots->n; i++) {
        struct volume_root r = roots->v[i];
        uint64_t root = volume_roots_of(roots, r.log, r.campaign);
        if (root == r.campaign)
            continue;
        list[(*n)++] = r;
        r.campaign = root;
        list[(*n)++] = r;
    }
    return list;
}

static int count_merged_sources(struct counting *c, struct err *err)
{
    size_t n;
    int rc = 0;
    struct volume_root *list = merged(&c->ask.roots, &n);
    for (size_t i = 0; rc == 0 && i < n; i += MERGED_AT_ONCE)
        rc = ask_sources(c, list + i, n - i < MERGED_AT_ONCE ? n - i : MERGED_AT_ONCE, err);
    if (rc == 0)
        members_fold(&c->members);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct group_part key = {
            .log = list[i].log,
            .row.key = volume_roots_of(&c->ask.roots, list[i].log, list[i].campaign)};
        struct group_part *at = bsearch(&key, c->v, c->n, sizeof *c->v, by_group);
        if (at)
            at->row.sources = members_of(&c->members, (uint64_t)(at - c->v));
    }
    free(list);
    return rc;
}

static int count_campaigns(struct counting *c, struct err *err)
{
    for (size_t i = 0; i < c->n; i++) {
        const struct clickhouse_log_row *log = clickhouse_logs_find(&c->ask.logs, c->v[i].log);
        c->v[i].row.campaigns = c->v[i].row.key != FACT_NO_CAMPAIGN;
        c->v[i].row.log = log ? names_number(c->ask.names, buf_as_span(&log->origin)) : 0;
    }
    return count_merged_sources(c, err);
}

/* ---- rows ---- */

static struct span name_of(void *ctx, unsigned number)
{
    return number ? names_text(ctx, number) : span_of("", 0);
}

static void give(struct counting *c, struct volume *out)
{
    out->v = mem_resize(NULL, c->n, sizeof *out->v);
    out->n = c->n;
    out->mails = c->mails;
    for (size_t i = 0; i < c->n; i++)
        out->v[i] = c->v[i].row;
    volume_order(out, c->by, name_of, c->ask.names);
}

static int count(struct counting *c, struct err *err)
{
    int rc = ask_counts(c, err);
    if (rc)
        return rc;
    fold_parts(c);
    rc = c->by == VOLUME_BY_CAMPAIGN ? count_campaigns(c, err) : ask_campaigns(c, err);
    return rc == 0 && c->by == VOLUME_BY_BRAND ? ask_mails(c, err) : rc;
}

int clickhouse_volume(const struct clickhouse_way *way, struct names *names, enum volume_by by,
                      const struct volume_filter *f, struct volume *out, struct err *err)
{
    struct counting c = {.by = by};
    *out = (struct volume){0};
    int rc = volume_ask_open(&c.ask, way, names, f, err);
    if (rc == 0)
        rc = count(&c, err);
    if (rc == 0)
        give(&c, out);
    volume_ask_close(&c.ask);
    free(c.v);
    free(c.members.v);
    return rc;
}
