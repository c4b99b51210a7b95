/* Judging: the tests' verdicts, and who may say otherwise. */
#include "state/judge.h"

#include <math.h>
#include <stdio.h>

#include "base/mem.h"
#include "state/judge_impl.h"

static const char *const role_names[JUDGED_ROLES] = {
    [JUDGED_UNJUDGED] = "unjudged",     [JUDGED_VICTIM] = "victim",
    [JUDGED_SCANNER] = "scanner",       [JUDGED_SANDBOX] = "sandbox",
    [JUDGED_RESEARCHER] = "researcher", [JUDGED_RESOLVER] = "resolver",
    [JUDGED_PROXY] = "proxy",           [JUDGED_OTHER] = "other",
};

const char *judged_name(enum judged role)
{
    return role < JUDGED_ROLES ? role_names[role] : NULL;
}

int judged_of_name(struct span name)
{
    for (int r = 0; r < JUDGED_ROLES; r++)
        if (span_is(name, role_names[r]))
            return r;
    return -1;
}

static const struct test {
    const char *name;
    enum judged role;
    unsigned weight;
    double threshold;
    const char *unit, *about;
} tests[TESTS] = {
#define TEST(symbol, name, role, weight, threshold, unit, says)                                    \
    {name, JUDGED_##role, weight, threshold, unit, says},
#include "state/judge_tests.def"
};
_Static_assert(TESTS < JUDGE_TESTS_MAX, "one place is the operator's known range's");

struct judge {
    const struct judge_known *known;
    struct judge_nets ranges;
    struct judgements *view;
    struct norms norms;
};

const char *judge_rules(void)
{
    static char hex[SHA256_HEX_MAX];
    uint8_t digest[SHA256_LEN];
    struct buf text = {0};
    if (hex[0])
        return hex;
    buf_printf(&text, "%d\n", JUDGE_ENOUGH);
    for (int i = 0; i < TESTS; i++)
        buf_printf(&text, "%s %s %u %g\n", tests[i].name, role_names[tests[i].role],
                   tests[i].weight, tests[i].threshold);
    sha256(text.p, text.n, digest);
    buf_free(&text);
    hex_encode(digest, 8, hex);
    return hex;
}

int judge_new(const struct judge_known *known, size_t n, struct judgements *overruled,
              struct judge **out)
{
    struct judge *j = mem_zeroed(1, sizeof *j);
    struct judge_net *v = mem_resize(NULL, n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (struct judge_net){known[i].network, (uint32_t)i};
    judge_nets_make(&j->ranges, v, n);
    j->known = known;
    j->view = overruled;
    *out = j;
    return 0;
}

void judge_free(struct judge *j)
{
    if (!j)
        return;
    judge_nets_free(&j->ranges);
    norms_free(&j->norms);
    free(j);
}

void judge_learn(struct judge *j, struct sources *s)
{
    norms_learn(&j->norms, s);
}

/* ---- one address ---- */

static struct judge_vote vote_of(int test, double value)
{
    const struct test *t = &tests[test];
    return (struct judge_vote){t->name,      t->role, t->weight, value,
                               t->threshold, t->unit, t->about,  value >= t->threshold};
}

unsigned judge_measure(struct judge *j, const struct source *rows, size_t n,
                       struct judge_vote out[JUDGE_TESTS_MAX])
{
    double values[TESTS];
    judge_facts(&j->norms, rows, n, values);
    for (int i = 0; i < TESTS; i++)
        out[i] = vote_of(i, values[i]);
    return TESTS;
}

/* Who is first where several roles have enough: what is no victim before what is; a scanner before
 * a sandbox, because what speaks for itself is no sample. */
static const enum judged precedence[] = {JUDGED_RESOLVER, JUDGED_OTHER, JUDGED_SCANNER,
                                         JUDGED_SANDBOX,  JUDGED_PROXY, JUDGED_VICTIM};

static enum judged weigh(const double values[TESTS])
{
    unsigned weight[JUDGED_ROLES] = {0};
    for (int i = 0; i < TESTS; i++)
        if (values[i] >= tests[i].threshold)
            weight[tests[i].role] += tests[i].weight;
    for (size_t i = 0; i < sizeof precedence / sizeof *precedence; i++)
        if (weight[precedence[i]] >= JUDGE_ENOUGH)
            return precedence[i];
    return JUDGED_UNJUDGED;
}

static void add_votes(struct judgement *out, const double values[TESTS], enum judged role,
                      bool deciding)
{
    for (int i = 0; i < TESTS; i++)
        if (values[i] >= tests[i].threshold && (tests[i].role == role) == deciding)
            out->tests[out->n++] = vote_of(i, values[i]);
}

static void by_tests(struct judge *j, const struct source *rows, size_t n, struct judgement *out)
{
    double values[TESTS];
    judge_facts(&j->norms, rows, n, values);
    out->role = weigh(values);
    add_votes(out, values, out->role, true);
    add_votes(out, values, out->role, false);
}

static bool by_known(struct judge *j, const struct ip *ip, struct judgement *out)
{
    int64_t at = judge_nets_find(&j->ranges, ip);
    if (at < 0)
        return false;
    out->role = j->known[at].role;
    out->why = j->known[at].why;
    out->tests[out->n++] = (struct judge_vote){
        "known-range", out->role, JUDGE_ENOUGH, 1, 1, "ranges", "the operator knows the network",
        true};
    return true;
}

void judge_address(struct judge *j, const struct source *rows, size_t n, struct judgement *out)
{
    struct judge_overruling o;
    out->role = JUDGED_UNJUDGED;
    out->overruled = false;
    out->entry = 0;
    out->n = 0;
    out->by = out->why = span_of(NULL, 0);
    if (!by_known(j, &rows[0].ip, out))
        by_tests(j, rows, n, out);
    out->tests_say = out->role;
    if (j->view && judgements_overruled(j->view, &rows[0].ip, &o)) {
        out->role = o.role;
        out->overruled = true;
        out->entry = o.entry;
        out->by = o.by;
        out->why = o.why;
    } else if (j->view) {
        uint64_t entry;
        if (judgements_logged(j->view, &rows[0].ip, &entry) == out->role)
            out->entry = entry;
    }
}

/* ---- all ---- */

static int gather(void *ctx, const struct source *row)
{
    struct judge_rows *g = ctx;
    int rc = 0;
    if (g->n && memcmp(&g->v[0].ip, &row->ip, sizeof row->ip) != 0) {
        rc = g->each(g->ctx, g->v, g->n);
        g->n = 0;
    }
    g->v = mem_room(g->v, g->n, &g->cap, sizeof *g->v);
    g->v[g->n++] = *row;
    return rc;
}

int judge_rows_over(struct sources *s, struct judge_rows *g)
{
    int rc = sources_rows(s, gather, g);
    if (rc == 0 && g->n)
        rc = g->each(g->ctx, g->v, g->n);
    free(g->v);
    g->v = NULL;
    g->n = g->cap = 0;
    return rc;
}

struct all {
    struct judge *judge;
    int (*each)(void *ctx, const struct source *rows, size_t n, const struct judgement *judgement);
    void *ctx;
    struct judgement judgement;
};

static int judge_one(void *ctx, const struct source *rows, size_t n)
{
    struct all *a = ctx;
    judge_address(a->judge, rows, n, &a->judgement);
    return a->each(a->ctx, rows, n, &a->judgement);
}

int judge_all(struct judge *j, struct sources *s,
              int (*each)(void *ctx, const struct source *rows, size_t n,
                          const struct judgement *judgement),
              void *ctx)
{
    struct all a = {.judge = j, .each = each, .ctx = ctx};
    struct judge_rows g = {.each = judge_one, .ctx = &a};
    if (!j->norms.learned)
        judge_learn(j, s);
    return judge_rows_over(s, &g);
}

struct excluded {
    struct ip *v;
    size_t n, cap;
};

static int exclude(void *ctx, const struct source *rows, size_t n, const struct judgement *g)
{
    struct excluded *e = ctx;
    if (judged_counts(g->role))
        return 0;
    e->v = mem_room(e->v, e->n, &e->cap, sizeof *e->v);
    e->v[e->n++] = rows[0].ip;
    return 0;
}

int judge_excluded(struct judge *j, struct sources *s, struct ip **out, size_t *n)
{
    struct excluded e = {0};
    int rc = judge_all(j, s, exclude, &e);
    *out = e.v;
    *n = e.n;
    return rc;
}
