#include "app/review/review_known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/review/review_seen.h"
#include "base/ip.h"
#include "base/utc.h"
#include "event/event.h"
#include "state/leads.h"

#define CLAIMS_MAX 100000 /* facts of one lead */

const char *known_how_name(enum known_how how)
{
    static const char *const names[] = {"fact", "earlier lead", "asset", "event", "link"};
    return names[how];
}

/* ---- when it was said ---- */

/* The newest message of the informant's among the entries that a fact names; else the lead. */
static uint64_t said_at(struct pursuit *p, uint64_t lead, struct span entries)
{
    uint64_t best = lead;
    for (size_t i = 0; i < entries.n;) {
        uint64_t v = 0;
        size_t from = i;
        while (i < entries.n && entries.p[i] >= '0' && entries.p[i] <= '9' && i - from < 18)
            v = v * 10 + (uint64_t)(entries.p[i++] - '0');
        if (i > from && v > best &&
            sql_int(pursuit_sql(p), 0,
                    "SELECT 1 FROM lead_messages WHERE entry=? AND lead=? AND account=''", "ii",
                    (int64_t)v, (int64_t)lead) == 1)
            best = v;
        while (i < entries.n && (i == from || entries.p[i] < '0' || entries.p[i] > '9'))
            i++;
    }
    return best;
}

/* ---- the claims of a lead ---- */

struct claims {
    struct pursuit *p;
    uint64_t lead, only; /* only: this one; 0: all */
    int (*each)(void *ctx, const struct known_claim *claim);
    void *ctx;
};

static int give(struct claims *g, struct known_claim *claim, uint64_t subject)
{
    struct buf name = {0};
    subjects_name(g->p, subject, &name);
    claim->subject = buf_as_span(&name);
    int rc = g->each(g->ctx, claim);
    buf_free(&name);
    return rc;
}

static int each_fact(void *ctx, const struct subject_fact *f)
{
    struct claims *g = ctx;
    struct known_claim claim = {.entry = f->entry,
                                .position = said_at(g->p, g->lead, f->act.entries),
                                .type = f->act.type,
                                .value = f->act.value,
                                .withdrawn = f->withdrawn};
    return g->only && g->only != f->entry ? 0 : give(g, &claim, f->act.subject);
}

static int each_link(void *ctx, const struct subject_link *l)
{
    struct claims *g = ctx;
    struct known_claim claim = {.entry = l->entry,
                                .position = said_at(g->p, g->lead, l->act.entries),
                                .link = true,
                                .type = span_str("link"),
                                .value = l->act.relation,
                                .withdrawn = l->withdrawn};
    return give(g, &claim, l->act.subject);
}

static int links_of_lead(struct claims *g, struct err *err)
{
    const struct sql *db = pursuit_sql(g->p);
    sqlite3_stmt *s = sql_prepare(
        db, err, "SELECT entry FROM links WHERE lead=?1 AND (?2=0 OR entry=?2) ORDER BY entry",
        "ii", (int64_t)g->lead, (int64_t)g->only);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        rc = subjects_link(g->p, (uint64_t)sqlite3_column_int64(s, 0), each_link, g, err);
        rc = rc < 0 ? rc : 0;
    }
    sqlite3_finalize(s);
    return rc;
}

static int claims_of(struct claims *g, struct err *err)
{
    int rc = subjects_facts_of_lead(g->p, g->lead, each_fact, g, err);
    return rc == 0 ? links_of_lead(g, err) : rc;
}

int known_claims(struct casedir *c, uint64_t lead,
                 int (*each)(void *ctx, const struct known_claim *claim), void *ctx,
                 struct err *err)
{
    struct claims g = {c->pursuit, lead, 0, each, ctx};
    return claims_of(&g, err);
}

/* ---- what was known ---- */

struct looking {
    struct casedir *c;
    uint64_t lead, position, entry;
    int (*each)(void *ctx, const struct known *k);
    void *ctx;
};

static int earlier_fact(void *ctx, const struct subject_fact *f)
{
    struct looking *g = ctx;
    bool before = f->entry < g->position;
    bool lead_before = f->act.lead && f->act.lead < g->position;
    if (f->act.lead == g->lead || f->entry == g->entry || (!before && !lead_before))
        return 0; /* the informant's own words, or later ones */
    struct known k = {.how = before ? KNOWN_FACT : KNOWN_LEAD,
                      .entry = f->entry,
                      .lead = f->act.lead,
                      .time = f->recorded,
                      .account = f->account,
                      .value = f->act.value,
                      .note = f->act.note,
                      .withdrawn = f->withdrawn};
    return g->each(g->ctx, &k);
}

static int earlier_asset(void *ctx, const struct casebook_asset *a)
{
    struct looking *g = ctx;
    if (a->entry >= g->position)
        return 0;
    struct known k = {.how = KNOWN_ASSET,
                      .entry = a->entry,
                      .time = a->act.from,
                      .value = a->act.name,
                      .note = a->act.note,
                      .withdrawn = a->state == CASEBOOK_RELEASED};
    return g->each(g->ctx, &k);
}

/* A domain or address, as it is, or the domain of a mail address. */
static int look_at_assets(struct looking *g, struct span type, struct span normal, struct err *err)
{
    struct casebook_asset_query q = {.name = normal};
    if (!span_is(type, "domain") && !span_is(type, "address"))
        return 0;
    return casebook_assets(g->c->casebook, &q, &(struct casebook_clock){utc_now(), 0},
                           earlier_asset, g, err);
}

static int seen(void *ctx, const struct seen *s)
{
    struct looking *g = ctx;
    struct known k = {.how = KNOWN_EVENT,
                      .entry = s->entry,
                      .time = s->time,
                      .value = s->value,
                      .note = span_str(event_kind_name(s->kind))};
    return g->each(g->ctx, &k);
}

struct said {
    struct buf type, value;
    uint64_t position;
    bool found, link;
};

static int keep_said(void *ctx, const struct known_claim *claim)
{
    struct said *s = ctx;
    s->found = true;
    s->link = claim->link;
    s->position = claim->position;
    buf_span(&s->type, claim->type);
    buf_span(&s->value, claim->value);
    return 0;
}

static int look_for_value(struct looking *g, const struct said *said, bool events, uint64_t *unread,
                          struct err *err)
{
    struct span type = buf_as_span(&said->type);
    struct buf normal = {0};
    facts_normal(type, buf_as_span(&said->value), &normal);
    int rc = subjects_known_before(g->c->pursuit, type, buf_as_span(&said->value), INT64_MAX,
                                   earlier_fact, g, err);
    if (rc == 0)
        rc = look_at_assets(g, type, buf_as_span(&normal), err);
    if (rc == 0 && events)
        rc = seen_before(g->c->journal, type, buf_as_span(&normal), g->position, KNOWN_ENTRIES_MAX,
                         seen, g, unread, err);
    buf_free(&normal);
    return rc;
}

static int earlier_link(void *ctx, const struct subject_link *l)
{
    struct looking *g = ctx;
    bool before = l->entry < g->position;
    bool lead_before = l->act.lead && l->act.lead < g->position;
    if (l->act.lead == g->lead || (!before && !lead_before))
        return 0;
    struct known k = {.how = before ? KNOWN_LINK : KNOWN_LEAD,
                      .entry = l->entry,
                      .lead = l->act.lead,
                      .time = l->recorded,
                      .account = l->account,
                      .value = l->act.relation,
                      .note = l->act.note,
                      .withdrawn = l->withdrawn};
    return g->each(g->ctx, &k);
}

/* Links between the same two, whichever way round. */
static int look_for_link(struct looking *g, struct err *err)
{
    const struct sql *db = pursuit_sql(g->c->pursuit);
    sqlite3_stmt *s = sql_prepare(
        db, err,
        "SELECT l.entry FROM links me JOIN links l ON (l.subject=me.subject AND l.other=me.other"
        " AND l.asset=me.asset AND l.name=me.name AND l.campaign=me.campaign)"
        " OR (me.other<>0 AND l.subject=me.other AND l.other=me.subject)"
        " WHERE me.entry=? AND l.entry<>me.entry ORDER BY l.entry",
        "i", (int64_t)g->entry);
    int rc = s ? 0 : -EIO;
    while (rc == 0 && (rc = sql_step(db, s, err)) == 1) {
        rc = subjects_link(g->c->pursuit, (uint64_t)sqlite3_column_int64(s, 0), earlier_link, g,
                           err);
        rc = rc < 0 ? rc : 0;
    }
    sqlite3_finalize(s);
    return rc;
}

int known_before(struct casedir *c, uint64_t lead, uint64_t entry, bool events,
                 int (*each)(void *ctx, const struct known *k), void *ctx, uint64_t *unread,
                 struct err *err)
{
    struct said said = {0};
    struct claims g = {c->pursuit, lead, entry, keep_said, &said};
    struct looking l = {c, lead, 0, entry, each, ctx};
    uint64_t passed = 0;
    int rc = claims_of(&g, err);
    if (rc == 0 && !said.found)
        rc = err_set(err, -ENOENT, "fact %llu was not drawn from lead %llu",
                     (unsigned long long)entry, (unsigned long long)lead);
    l.position = said.position;
    if (rc == 0)
        rc = said.link ? look_for_link(&l, err)
                       : look_for_value(&l, &said, events, unread ? unread : &passed, err);
    buf_free(&said.type);
    buf_free(&said.value);
    return rc;
}
