#include "app/subject/subject_rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"

static struct span kept(struct arena *a, struct span s)
{
    return span_of(arena_copy(a, s.n ? (const void *)s.p : "", s.n), s.n);
}

const char *subject_row_name(enum subject_row_what what)
{
    static const char *const names[SUBJECT_ROWS] = {
        [SUBJECT_ROW_SUBJECT] = "subject", [SUBJECT_ROW_FACT] = "fact",
        [SUBJECT_ROW_LINK] = "link",       [SUBJECT_ROW_MERGE] = "merge",
        [SUBJECT_ROW_SPLIT] = "split",     [SUBJECT_ROW_WITHDRAWN] = "withdrawn",
    };
    return what < SUBJECT_ROWS ? names[what] : "";
}

struct gather {
    struct casedir *c;
    struct subject_rows *out;
    uint64_t subject, size;
    uint64_t root; /* what it was merged into then */
};

static struct subject_row *new_row(struct gather *g)
{
    struct subject_rows *rows = g->out;
    rows->row = mem_room(rows->row, rows->n, &rows->cap, sizeof *rows->row);
    rows->row[rows->n] = (struct subject_row){.asset = ASSET_KINDS};
    rows->row[rows->n].fact.observed = ACT_FOREVER;
    return &rows->row[rows->n++];
}

static int add_fact(void *ctx, const struct subject_fact *f)
{
    struct gather *g = ctx;
    struct arena *a = &g->out->arena;
    struct subject_row *row = new_row(g);
    row->what = SUBJECT_ROW_FACT;
    row->entry = f->entry;
    row->of = f->act.subject;
    row->fact = f->act;
    row->type = row->fact.type = kept(a, f->act.type);
    row->value = row->fact.value = kept(a, f->act.value);
    row->fact.entries = kept(a, f->act.entries);
    row->fact.document = kept(a, f->act.document);
    row->fact.sha256 = kept(a, f->act.sha256);
    row->fact.note = kept(a, f->act.note);
    row->recorded = f->recorded;
    row->account = kept(a, f->account);
    row->withdrawn = f->withdrawn;
    return 0;
}

/* An asset in the words of the command line. */
struct named {
    struct subject_row *row;
    char text[CASE_NAME_MAX + 16];
};

static int name_asset(void *ctx, const struct casebook_asset *a)
{
    struct named *n = ctx;
    if (a->list) {
        snprintf(n->text, sizeof n->text, "%.*s", (int)a->act.name.n, (const char *)a->act.name.p);
        return 1;
    }
    case_name_format(&a->act, n->text, sizeof n->text);
    n->row->asset = a->act.kind;
    return 1;
}

static int find_asset(struct gather *g, struct subject_row *row, struct named *n, struct err *err)
{
    struct casebook_clock clock = {utc_now(), 0};
    struct casebook_asset_query q = {.entry = row->link.asset};
    n->row = row;
    if (row->link.name.n) { /* one of a list; it is named after its bare domain */
        snprintf(n->text, sizeof n->text, "%.*s", (int)row->link.name.n,
                 (const char *)row->link.name.p);
        row->asset = ASSET_DOMAIN;
        return 0;
    }
    int rc = casebook_assets(g->c->casebook, &q, &clock, name_asset, n, err);
    return rc < 0 ? rc : 0;
}

/* A subject's name, behind some words. */
static void put_name(struct gather *g, const char *words, uint64_t subject, struct named *n)
{
    struct buf name = {0};
    subjects_name(g->c->pursuit, subject, &name);
    snprintf(n->text, sizeof n->text, "%s%.*s", words, (int)name.n,
             name.n ? (const char *)name.p : "");
    buf_free(&name);
}

static void describe_end(struct gather *g, struct subject_row *row, struct named *n)
{
    const struct act_link *l = &row->link;
    if (l->other) { /* seen from the other end, the name is the first one's */
        bool outward = subjects_root_at(g->c->pursuit, l->subject, g->size) == g->root;
        put_name(g, outward ? "" : "from ", outward ? l->other : l->subject, n);
    } else if (l->campaign) {
        snprintf(n->text, sizeof n->text, "campaign %llu", (unsigned long long)l->campaign);
    } else if (!n->text[0]) {
        snprintf(n->text, sizeof n->text, "asset %llu", (unsigned long long)l->asset);
    }
}

static int add_link(void *ctx, const struct subject_link *l)
{
    struct gather *g = ctx;
    struct arena *a = &g->out->arena;
    struct subject_row *row = new_row(g);
    struct named n = {0};
    row->what = SUBJECT_ROW_LINK;
    row->entry = l->entry;
    row->of = l->act.subject;
    row->link = l->act;
    row->type = row->link.relation = kept(a, l->act.relation);
    row->link.name = kept(a, l->act.name);
    row->fact.lead = l->act.lead;
    row->fact.confidence = l->act.confidence;
    row->fact.entries = kept(a, l->act.entries);
    row->fact.document = kept(a, l->act.document);
    row->fact.sha256 = kept(a, l->act.sha256);
    row->fact.note = kept(a, l->act.note);
    row->recorded = l->recorded;
    row->account = kept(a, l->account);
    row->withdrawn = l->withdrawn;
    if (l->act.asset && !l->act.other)
        find_asset(g, row, &n, NULL);
    describe_end(g, row, &n);
    row->value = kept(a, span_str(n.text));
    return 0;
}

/* A merge that was taken back within the time is two rows. */
static int add_merge(void *ctx, const struct subject_merge *m)
{
    struct gather *g = ctx;
    struct arena *a = &g->out->arena;
    struct named n = {0};
    put_name(g, "", m->other, &n);
    struct span name = kept(a, span_str(n.text));
    for (int split = 0; split < 2; split++) {
        uint64_t entry = split ? m->split : m->entry;
        if (entry >= g->size)
            continue;
        struct subject_row *row = new_row(g);
        row->what = split ? SUBJECT_ROW_SPLIT : SUBJECT_ROW_MERGE;
        row->entry = entry;
        row->of = m->into;
        row->value = name;
        row->fact.note = kept(a, split ? m->split_why : m->why);
        row->recorded = split ? m->split_recorded : m->recorded;
        row->account = kept(a, split ? m->split_account : m->account);
    }
    return 0;
}

static int add_subject(void *ctx, const struct subject_plain *s)
{
    struct gather *g = ctx;
    struct arena *a = &g->out->arena;
    struct pursuit_acted acted;
    char account[PURSUIT_NAME_MAX];
    struct subject_row *row = new_row(g);
    row->what = SUBJECT_ROW_SUBJECT;
    row->entry = row->of = s->entry;
    row->type = kept(a, s->kind);
    row->value = kept(a, s->name);
    row->fact.note = kept(a, s->note);
    row->recorded = s->recorded;
    if (pursuit_acted(g->c->pursuit, s->entry, &acted, account, NULL) == 1)
        row->account = kept(a, acted.account);
    return 0;
}

/* The acts that took back what is in the rows. */
static void add_withdrawals(struct gather *g)
{
    for (size_t i = 0, n = g->out->n; i < n; i++) {
        struct subject_row of = g->out->row[i];
        struct subject_withdrawal w;
        if (!of.withdrawn || subjects_withdrawal(g->c->pursuit, of.entry, &w) != 1)
            continue;
        struct subject_row *row = new_row(g);
        row->what = SUBJECT_ROW_WITHDRAWN;
        row->entry = w.entry;
        row->of = of.of;
        row->type = of.type;
        row->value = of.value;
        row->fact.note = kept(&g->out->arena, span_str(w.why));
        row->recorded = w.recorded;
        row->account = kept(&g->out->arena, span_str(w.account));
    }
}

static int by_entry(const void *a, const void *b)
{
    const struct subject_row *x = a, *y = b;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

int subject_rows_gather(struct casedir *c, uint64_t subject, uint64_t size, bool all,
                        struct subject_rows *out, struct err *err)
{
    struct gather g = {c, out, subject, size, subjects_root_at(c->pursuit, subject, size)};
    *out = (struct subject_rows){0};
    arena_init(&out->arena);
    int rc = subjects_members(c->pursuit, subject, size, add_subject, &g, err);
    if (rc == 0)
        rc = subjects_facts(c->pursuit, subject, size, all, add_fact, &g, err);
    if (rc == 0)
        rc = subjects_links(c->pursuit, subject, size, all, add_link, &g, err);
    if (rc == 0)
        rc = subjects_merges(c->pursuit, subject, add_merge, &g, err);
    add_withdrawals(&g);
    if (out->n)
        qsort(out->row, out->n, sizeof *out->row, by_entry);
    return rc;
}

void subject_rows_free(struct subject_rows *rows)
{
    free(rows->row);
    arena_free(&rows->arena);
}
