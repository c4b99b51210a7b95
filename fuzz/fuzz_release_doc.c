/* A release's document, as a blob on a hostile log may have it: what is read is within limits, and
 * a release that is made after it publishes nothing small. */
#include "app/release/release_choose.c"
#include "app/release/release_doc_read.c"
#include "app/release/release_rows.c"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct release_count counted(const char *key, uint64_t n)
{
    struct release_count c = {.n = {{n, n, n}, {n, n, n}, {n, n, n}}};
    snprintf(c.key, sizeof c.key, "%s", key);
    return c;
}

static void check_rows(const struct release_rows *rows, const struct release_rule *rule)
{
    for (size_t i = 0; i < rows->n; i++)
        must(!rows->v[i].shown || rows->v[i].n[0].value + rule->round >= rule->minimum ||
             rows->v[i].n[0].value > 0);
}

/* The next one, of a case with a small country and a small day. */
static void make_next(struct release_doc *last)
{
    struct release_count days[] = {counted("2011-03-16", 500), counted("2011-03-17", 3)};
    struct release_count countries[] = {counted("DE", 400), counted("FR", 60), counted("LI", 3)};
    struct release_count families[] = {counted("a", 460), counted("b", 3)};
    struct release_figures f = {.days = {days, 2, 2},
                                .countries = {countries, 3, 3},
                                .families = {families, 2, 2},
                                .range = {{503, 500, 510}, {503, 503, 503}},
                                .week = {{463, 460, 470}, {463, 463, 463}}};
    struct release_doc next = {.rule = {10, 10}, .since = last->since};
    release_choose(&f, &(struct release_past){last, 1}, &next);
    must(!next.days.v[1].shown);
    const struct release_row *few = release_rows_find(&next.countries, "LI");
    must(few && !few->shown);
    must(!release_rows_find(&next.families, "b"));
    must(next.families_suppressed >= 1);
    check_rows(&next.countries, &next.rule);
    release_doc_free(&next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct release_doc d;
    struct err err;
    if (release_doc_read(span_of(data, size), &d, &err) == 0) {
        must(d.days.n <= RELEASE_ROWS_MAX && d.countries.n <= RELEASE_ROWS_MAX);
        must(d.families.n <= RELEASE_ROWS_MAX && d.spam.n <= RELEASE_ROWS_MAX);
        make_next(&d);
    }
    release_doc_free(&d);
    return 0;
}
