/* Views of leads: what is sealed, with the keys that are wrapped for who asks. Nothing is opened
 * here: that is done in the browser, by the account's own key (doc/leads.md). */
#include <errno.h>
#include <stdlib.h>

#include "app/desk/view.h"
#include "base/mem.h"
#include "event/event.h"
#include "lead/seal.h"
#include "lead/wrap.h"
#include "state/leads.h"
#include "state/reviews.h"

#define RINGS_MAX  4096 /* blobs of keys that were wrapped once more for one account */
#define WRAPS_MAX  16   /* of one thing for one account: any of them opens it */
#define THINGS_MAX 4096 /* of one lead */

struct thing {
    struct lead_sealed_entry sealed;
    struct buf wraps[WRAPS_MAX];
    unsigned n;
};

struct sealing {
    struct view *v;
    struct span account;
    struct thing *thing;
    size_t things, cap;
    uint8_t (*ring)[SHA256_LEN];
    size_t rings, rings_cap;
};

static int keep_thing(void *ctx, const struct lead_sealed_entry *s)
{
    struct sealing *g = ctx;
    g->thing = mem_room(g->thing, g->things, &g->cap, sizeof *g->thing);
    g->thing[g->things++] = (struct thing){.sealed = *s};
    return g->things == THINGS_MAX;
}

static int keep_ring(void *ctx, const uint8_t blob[SHA256_LEN])
{
    struct sealing *g = ctx;
    g->ring = mem_room(g->ring, g->rings, &g->rings_cap, sizeof *g->ring);
    memcpy(g->ring[g->rings++], blob, SHA256_LEN);
    return g->rings == RINGS_MAX;
}

static void add_wrap(struct thing *t, const struct wrap_row *row)
{
    if (t->n < WRAPS_MAX)
        buf_put(&t->wraps[t->n++], row->wrap, WRAP_LEN);
}

/* Those that came with it. A blob that is gone or damaged takes only its own rows with it. */
static void add_own(struct sealing *g, struct thing *t, struct buf *text)
{
    struct wrap_row row;
    text->n = 0;
    if (casedir_blob(&g->v->c, t->sealed.wraps, text, NULL) < 0)
        return;
    struct cur c = cur_of(buf_as_span(text));
    while (wrap_next(&c, false, &row, NULL) == 1)
        if (span_eq(row.account, g->account))
            add_wrap(t, &row);
}

/* Those of keys that were wrapped once more. */
static void add_ring(struct sealing *g, const uint8_t blob[SHA256_LEN], struct buf *text)
{
    struct wrap_row row;
    text->n = 0;
    if (casedir_blob(&g->v->c, blob, text, NULL) < 0)
        return;
    struct cur c = cur_of(buf_as_span(text));
    while (wrap_next(&c, true, &row, NULL) == 1)
        for (size_t i = 0; i < g->things; i++)
            if (g->thing[i].sealed.entry == row.entry && span_eq(row.account, g->account))
                add_wrap(&g->thing[i], &row);
}

static int gather(struct sealing *g, struct err *err)
{
    struct buf text = {0};
    int rc = leads_sealed(g->v->c.pursuit, g->v->ask->id, keep_thing, g, err);
    if (rc >= 0)
        rc = leads_wraps(g->v->c.pursuit, g->account, keep_ring, g, err);
    for (size_t i = 0; rc >= 0 && i < g->things; i++)
        add_own(g, &g->thing[i], &text);
    for (size_t i = 0; rc >= 0 && i < g->rings; i++)
        add_ring(g, g->ring[i], &text);
    buf_free(&text);
    return rc < 0 ? rc : 0;
}

/* ---- the answer ---- */

struct said {
    uint64_t entry, size;
    char what[32];
};

static int keep_said(void *ctx, const struct lead_message *m)
{
    struct said *s = ctx;
    if (m->entry != s->entry)
        return 0;
    s->size = m->size;
    snprintf(s->what, sizeof s->what, "%.*s", (int)m->what.n, (const char *)m->what.p);
    return 1;
}

static int put_thing(struct sealing *g, const struct thing *t, const struct lead *lead,
                     struct err *err)
{
    struct json *j = &g->v->j;
    struct pursuit_acted acted = {.time = INT64_MAX};
    struct said said = {.entry = t->sealed.entry, .size = lead->size};
    char name[PURSUIT_NAME_MAX] = "";
    struct buf list = {0};
    int rc = pursuit_acted(g->v->c.pursuit, t->sealed.entry, &acted, name, err);
    if (rc >= 0 && t->sealed.kind == KIND_LEAD_MESSAGE)
        rc = leads_messages(g->v->c.pursuit, lead->entry, keep_said, &said, err);
    if (rc < 0 || casedir_blob(&g->v->c, t->sealed.content, &list, NULL) < 0) {
        buf_free(&list);
        return rc < 0 ? rc : 0; /* it was deleted, or is damaged: the others are there */
    }
    json_object(j);
    view_uint(j, "entry", t->sealed.entry);
    view_str(j, "kind", event_kind_name(t->sealed.kind));
    view_str(j, "what", said.what);
    view_text(j, "account", acted.account);
    view_when(j, "day", acted.time);
    view_uint(j, "size", t->sealed.kind == KIND_LEAD_REVIEW ? list.n : said.size);
    view_digest(j, "content", span_of(t->sealed.content, SHA256_LEN));
    view_base64(j, "list", buf_as_span(&list));
    json_key(j, "wraps");
    json_array(j);
    for (unsigned i = 0; i < t->n; i++)
        view_put_base64(j, buf_as_span(&t->wraps[i]));
    json_array_end(j);
    json_object_end(j);
    buf_free(&list);
    return 0;
}

int view_sealed(struct view *v, struct err *err)
{
    struct sealing g = {.v = v, .account = span_str(v->ask->account)};
    struct lead lead;
    int rc = view_open(v, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = leads_get(v->c.pursuit, v->ask->id, &lead, err);
    if (rc == 0)
        rc = err_set(err, -ENOENT, "no such lead (%llu)", (unsigned long long)v->ask->id);
    if (rc < 0)
        return rc;
    bool conflict = reviews_conflict(v->c.pursuit, lead.entry, g.account);
    rc = conflict ? 0 : gather(&g, err);
    json_object(&v->j);
    view_uint(&v->j, "lead", lead.entry);
    view_str(&v->j, "account", v->ask->account);
    view_bool(&v->j, "conflict", conflict);
    view_digest(&v->j, "commitment", span_of(lead.commitment, SHA256_LEN));
    json_key(&v->j, "entries");
    json_array(&v->j);
    for (size_t i = 0; rc == 0 && i < g.things; i++)
        rc = put_thing(&g, &g.thing[i], &lead, err);
    json_array_end(&v->j);
    view_end(v);
    for (size_t i = 0; i < g.things; i++)
        for (unsigned w = 0; w < g.thing[i].n; w++)
            buf_free(&g.thing[i].wraps[w]);
    free(g.thing);
    free(g.ring);
    return rc;
}

/* ---- parts ---- */

struct looking {
    struct view *v;
    bool found;
    struct buf list;
};

/* A part of something that the account may read. */
static int look_at(void *ctx, const struct lead_sealed_entry *s)
{
    struct looking *g = ctx;
    const uint8_t *digests;
    size_t n;
    g->list.n = 0;
    if (casedir_blob(&g->v->c, s->content, &g->list, NULL) < 0 ||
        seal_parts(buf_as_span(&g->list), &digests, &n, NULL) < 0)
        return 0;
    for (size_t i = 0; i < n && !g->found; i++)
        g->found = memcmp(digests + i * SHA256_LEN, g->v->ask->sha256, SHA256_LEN) == 0 &&
                   !reviews_conflict(g->v->c.pursuit, s->lead, span_str(g->v->ask->account));
    return g->found;
}

int view_blob(struct view *v, struct err *err)
{
    struct looking g = {.v = v};
    uint64_t lead;
    int rc = view_number(v, "lead", 0, INT64_MAX, &lead, err);
    if (rc == 0)
        rc = view_open(v, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = leads_sealed(v->c.pursuit, lead, look_at, &g, err);
    buf_free(&g.list);
    if (rc >= 0 && !g.found)
        rc = err_set(err, -ENOENT, "nothing sealed of leads has such a part");
    return rc < 0 ? rc : casedir_blob(&v->c, v->ask->sha256, &v->out, err);
}
