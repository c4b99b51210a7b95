/* An asset list: whatever it is, rows are names with times that make sense, in the order of their
 * lines, and reading it again, or line by line, gives the same. */
#include "base/domain.h"
#include "must.h"
#include "state/assetlist.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct buf rows;
    uint64_t line, rejected;
};

static int row(void *ctx, const struct assetlist_row *r)
{
    struct seen *s = ctx;
    uint8_t again[DOMAIN_TEXT_MAX];
    must(r->line > s->line && r->from < r->until);
    s->line = r->line;
    must(domain_text(r->name, again) == r->name.n && memcmp(again, r->name.p, r->name.n) == 0);
    must(memchr(r->name.p, '.', r->name.n) != NULL);
    must(r->registrar.n <= ASSETLIST_LINE_MAX);
    buf_span(&s->rows, r->name);
    buf_put(&s->rows, &r->from, sizeof r->from);
    buf_put(&s->rows, &r->until, sizeof r->until);
    buf_byte(&s->rows, r->wildcard);
    buf_span(&s->rows, r->registrar);
    return 0;
}

static void reject(void *ctx, uint64_t line, const char *why)
{
    struct seen *s = ctx;
    must(line > 0 && why && *why);
    s->rejected++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct assetlist_row fallback = {.from = 1300233600000000, .until = INT64_MAX};
    struct assetlist_counts counts[2];
    struct seen seen[2] = {0};
    for (int i = 0; i < 2; i++) {
        struct assetlist_sink sink = {&seen[i], row, reject};
        must(assetlist_read(span_of(data, size), &fallback, &sink, &counts[i], NULL) == 0);
        must(seen[i].rejected == counts[i].rejected);
    }
    must(counts[0].rows == counts[1].rows && counts[0].rejected == counts[1].rejected);
    must(span_eq(buf_as_span(&seen[0].rows), buf_as_span(&seen[1].rows)));
    buf_free(&seen[0].rows);
    buf_free(&seen[1].rows);
    return 0;
}
