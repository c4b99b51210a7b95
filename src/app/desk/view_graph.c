/* View of the case's subjects as a graph. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/case/case_name.h"
#include "app/desk/view.h"
#include "base/mem.h"
#include "state/subjects.h"

#define NODES_MAX 20000 /* more than a page can draw; the first by entry */
#define EDGES_MAX 50000
#define ID_MAX    (CASE_NAME_MAX + 32)

struct node {
    char id[ID_MAX];
};

struct drawing {
    struct view *v;
    struct node *node; /* of assets and campaigns, which links name; sorted */
    size_t nodes, cap;
    size_t subjects, edges;
    struct buf edge_text;
    struct json edge;
};

static int put_subject(void *ctx, const struct subject *s)
{
    struct drawing *g = ctx;
    struct json *j = &g->v->j;
    char id[32];
    if (s->into)
        return 0;
    snprintf(id, sizeof id, "s%llu", (unsigned long long)s->entry);
    json_object(j);
    view_str(j, "id", id);
    view_str(j, "kind", "subject");
    view_index(j, "entry", s->entry);
    view_text(j, "name", s->name);
    view_text(j, "type", s->kind);
    view_uint(j, "facts", s->facts);
    json_object_end(j);
    return ++g->subjects == NODES_MAX;
}

/* True the first time. */
static bool is_new(struct drawing *g, const char *id)
{
    size_t low = 0, high = g->nodes;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(g->node[middle].id, id);
        if (order == 0)
            return false;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    g->node = mem_room(g->node, g->nodes, &g->cap, sizeof *g->node);
    memmove(g->node + low + 1, g->node + low, (g->nodes - low) * sizeof *g->node);
    snprintf(g->node[low].id, ID_MAX, "%s", id);
    g->nodes++;
    return true;
}

static void put_node(struct drawing *g, const char *id, const char *kind, uint64_t entry,
                     const char *name, const char *type)
{
    struct json *j = &g->v->j;
    json_object(j);
    view_str(j, "id", id);
    view_str(j, "kind", kind);
    view_index(j, "entry", entry);
    view_str(j, "name", name);
    view_str(j, "type", type);
    view_uint(j, "facts", 0);
    json_object_end(j);
}

struct named {
    char name[CASE_NAME_MAX + 16];
    const char *type;
};

static int keep_asset(void *ctx, const struct casebook_asset *a)
{
    struct named *n = ctx;
    if (a->list)
        snprintf(n->name, sizeof n->name, "%.*s", (int)a->act.name.n, (const char *)a->act.name.p);
    else
        case_name_format(&a->act, n->name, sizeof n->name);
    n->type = a->list ? "list" : act_asset_kind_name(a->act.kind);
    return 1;
}

/* The other end of a link: its id, and its node where there is none yet. */
static void other_end(struct drawing *g, const struct act_link *l, char id[ID_MAX])
{
    struct named n = {.name = ""};
    if (l->other) {
        uint64_t root = subjects_root_at(g->v->c.pursuit, l->other, UINT64_MAX);
        snprintf(id, ID_MAX, "s%llu", (unsigned long long)root);
        return;
    }
    if (l->campaign) {
        snprintf(id, ID_MAX, "c%llu", (unsigned long long)l->campaign);
        snprintf(n.name, sizeof n.name, "campaign %llu", (unsigned long long)l->campaign);
        if (is_new(g, id))
            put_node(g, id, "campaign", l->campaign, n.name, NULL);
        return;
    }
    struct casebook_asset_query q = {.entry = l->asset};
    struct casebook_clock clock = {utc_now(), 0};
    casebook_assets(g->v->c.casebook, &q, &clock, keep_asset, &n, NULL);
    if (l->name.n && l->name.n < sizeof n.name)
        snprintf(n.name, sizeof n.name, "%.*s", (int)l->name.n, (const char *)l->name.p);
    snprintf(id, ID_MAX, "a%llu%s%s", (unsigned long long)l->asset, l->name.n ? ":" : "",
             l->name.n ? n.name : "");
    if (is_new(g, id))
        put_node(g, id, "asset", l->asset, n.name[0] ? n.name : "?", n.type);
}

static int put_link(void *ctx, const struct subject_link *l)
{
    struct drawing *g = ctx;
    struct json *j = &g->edge;
    char from[32], to[ID_MAX];
    uint64_t root = subjects_root_at(g->v->c.pursuit, l->act.subject, UINT64_MAX);
    snprintf(from, sizeof from, "s%llu", (unsigned long long)root);
    other_end(g, &l->act, to);
    json_object(j);
    view_str(j, "from", from);
    view_str(j, "to", to);
    json_key(j, "relation");
    json_span(j, l->act.relation);
    view_uint(j, "entry", l->entry);
    view_uint(j, "confidence", l->act.confidence);
    view_index(j, "lead", view_reads_leads(g->v) ? l->act.lead : 0);
    view_text(j, "document", l->act.document);
    json_object_end(j);
    return ++g->edges == EDGES_MAX;
}

int view_graph(struct view *v, struct err *err)
{
    struct drawing g = {.v = v};
    int rc = view_open(v, VIEW_PURSUIT, err);
    if (rc < 0)
        return rc;
    g.edge = json_to(&g.edge_text);
    json_array(&g.edge);
    view_begin(v);
    json_key(&v->j, "nodes");
    json_array(&v->j);
    rc = subjects_list(v->c.pursuit, put_subject, &g, err);
    if (rc >= 0)
        rc = subjects_links(v->c.pursuit, 0, UINT64_MAX, false, put_link, &g, err);
    json_array_end(&v->j);
    json_array_end(&g.edge);
    json_key(&v->j, "edges");
    buf_span(&v->out, buf_as_span(&g.edge_text));
    v->j.comma = true;
    view_end(v);
    buf_free(&g.edge_text);
    free(g.node);
    return rc < 0 ? rc : 0;
}
