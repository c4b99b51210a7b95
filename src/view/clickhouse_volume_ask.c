/* What volumes are asked with: the filter, and which campaign one counts for. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_volume_impl.h"

#define PARTS_MAX 8000 /* campaigns of one that are named in a question */
#define CHAIN_MAX 1000000

/* ---- roots ---- */

static int see_root(void *ctx, const struct clickhouse_value *v)
{
    struct volume_roots *r = ctx;
    r->v = mem_room(r->v, r->n, &r->cap, sizeof *r->v);
    r->v[r->n++] = (struct volume_root){v[0].n, v[1].n, v[2].n, v[3].n};
    return 0;
}

/* The newest of one campaign first. */
static int by_campaign(const void *a, const void *b)
{
    const struct volume_root *x = a, *y = b;
    if (x->log != y->log)
        return x->log < y->log ? -1 : 1;
    if (x->campaign != y->campaign)
        return x->campaign < y->campaign ? -1 : 1;
    return (x->position < y->position) - (x->position > y->position);
}

static const struct volume_root *find(const struct volume_roots *r, uint64_t log, uint64_t campaign)
{
    size_t lo = 0, hi = r->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct volume_root *m = &r->v[mid];
        if (m->log == log && m->campaign == campaign)
            return m;
        if (m->log < log || (m->log == log && m->campaign < campaign))
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

uint64_t volume_roots_of(const struct volume_roots *r, uint64_t log, uint64_t campaign)
{
    const struct volume_root *at;
    for (size_t i = 0; i <= r->n && (at = find(r, log, campaign)) && at->root != campaign; i++)
        campaign = at->root;
    return campaign;
}

/* Each shard says all; of each campaign the newest is left. */
static void fold(struct volume_roots *r)
{
    size_t n = 0;
    if (r->n)
        qsort(r->v, r->n, sizeof *r->v, by_campaign);
    for (size_t i = 0; i < r->n; i++)
        if (!n || r->v[n - 1].log != r->v[i].log || r->v[n - 1].campaign != r->v[i].campaign)
            r->v[n++] = r->v[i];
    r->n = n;
}

int volume_roots_ask(const struct clickhouse_way *way, struct volume_roots *out, struct err *err)
{
    struct clickhouse_ask a;
    *out = (struct volume_roots){0};
    clickhouse_ask_begin(&a, way);
    clickhouse_ask_printf(&a,
                          "log, campaign, argMax(root, position), max(position) FROM "
                          "%s.campaign_roots_local GROUP BY log, campaign",
                          way->database);
    a.types = "8888";
    a.row = see_root;
    a.ctx = out;
    int rc = clickhouse_ask_rows(&a, err);
    if (rc == 0)
        fold(out);
    return rc;
}

void volume_roots_free(struct volume_roots *r)
{
    free(r->v);
    *r = (struct volume_roots){0};
}

/* ---- the question ---- */

int volume_ask_open(struct volume_ask *v, const struct clickhouse_way *way, struct names *names,
                    const struct volume_filter *f, struct err *err)
{
    *v = (struct volume_ask){.way = way, .names = names, .f = f};
    int rc = clickhouse_logs_ask(way, CLICKHOUSE_ALL, &v->logs, err);
    return rc < 0 ? rc : volume_roots_ask(way, &v->roots, err);
}

void volume_ask_close(struct volume_ask *v)
{
    clickhouse_logs_free(&v->logs);
    volume_roots_free(&v->roots);
}

/* FINAL: a mail that was sent twice is merged with itself while it is read. */
void volume_ask_from(const struct volume_ask *v, struct clickhouse_ask *a)
{
    clickhouse_ask_printf(a, " FROM %s.mails_local FINAL WHERE 1", v->way->database);
    if (v->f->since > INT64_MIN)
        clickhouse_ask_printf(a, " AND time >= toInt64(%lld)", (long long)v->f->since);
    if (v->f->until < INT64_MAX)
        clickhouse_ask_printf(a, " AND time < toInt64(%lld)", (long long)v->f->until);
    clickhouse_ask_days(a, v->f->since, v->f->until);
}

static void ask_text(struct clickhouse_ask *a, const char *before, struct span text,
                     const char *behind)
{
    clickhouse_ask_printf(a, " AND %s", before);
    clickhouse_ask_quote(a, text);
    clickhouse_ask_printf(a, "%s", behind);
}

/* The campaign that it counts for, and all others that do. */
static unsigned ask_parts(const struct volume_ask *v, struct clickhouse_ask *a, uint64_t log)
{
    uint64_t root = volume_roots_of(&v->roots, log, v->f->campaign);
    unsigned parts = 1;
    clickhouse_ask_printf(a, "%llu", (unsigned long long)root);
    for (size_t i = 0; i < v->roots.n && parts <= PARTS_MAX; i++) {
        const struct volume_root *r = &v->roots.v[i];
        if (r->log != log || r->campaign == root ||
            volume_roots_of(&v->roots, log, r->campaign) != root)
            continue;
        clickhouse_ask_printf(a, ", %llu", (unsigned long long)r->campaign);
        parts++;
    }
    return parts;
}

static int ask_campaign(const struct volume_ask *v, struct clickhouse_ask *a, struct err *err)
{
    unsigned parts = 0;
    clickhouse_ask_printf(a, " AND (0");
    for (size_t i = 0; i < v->logs.n; i++) {
        clickhouse_ask_printf(a, " OR (log = %llu AND campaign IN (",
                              (unsigned long long)v->logs.v[i].log);
        parts += ask_parts(v, a, v->logs.v[i].log);
        clickhouse_ask_printf(a, "))");
    }
    clickhouse_ask_printf(a, ")");
    return parts > PARTS_MAX ? err_set(err, -E2BIG, "a campaign of more than %d others", PARTS_MAX)
                             : 0;
}

int volume_ask_filter(const struct volume_ask *v, struct clickhouse_ask *a, struct err *err)
{
    const struct volume_filter *f = v->f;
    if (f->family.n)
        ask_text(a, "family = ", f->family, "");
    if (f->no_family)
        clickhouse_ask_printf(a, " AND family = ''");
    if (f->sensor.n)
        ask_text(a, "sensor = ", f->sensor, "");
    if (f->brand.n)
        ask_text(a, "has(brands, ", f->brand, ")");
    if (f->topic)
        clickhouse_ask_printf(a, " AND topic = %u", (unsigned)f->topic);
    if (f->asn)
        clickhouse_ask_printf(a, " AND asn = %u", (unsigned)f->asn);
    if (f->country[0])
        ask_text(a, "country = toFixedString(", span_of(f->country, 2), ", 2)");
    return f->campaign == VOLUME_ANY_CAMPAIGN ? 0 : ask_campaign(v, a, err);
}
