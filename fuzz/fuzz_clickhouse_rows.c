/* What a shard answers, in pieces: the first byte says how the rows are laid out, the second how
 * long the pieces are. However it is cut, the rows are the same. */
#include "must.h"

#include <errno.h>

#include "view/clickhouse_rows.h"

static const char *const layouts[] = {
    "1", "8s", "s8", "1428", "1a28", "sa4ca128", "818ssa2a24ssssa1as", "s88888ss", "hs"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    const char *types;
    uint64_t rows, sum;
};

static int see(void *ctx, const struct clickhouse_value *v)
{
    struct seen *s = ctx;
    s->rows++;
    for (size_t i = 0; s->types[i]; i++) {
        must(v[i].s.n <= CLICKHOUSE_STRING_MAX);
        s->sum = s->sum * 31 + v[i].n + v[i].s.n;
        for (size_t k = 0; k < v[i].s.n; k++)
            s->sum = s->sum * 31 + v[i].s.p[k];
    }
    return 0;
}

static int run(struct span bytes, size_t piece, struct seen *seen)
{
    struct clickhouse_rows rows;
    struct err err;
    clickhouse_rows_init(&rows, seen->types, see, seen);
    for (size_t at = 0; at < bytes.n; at += piece) {
        size_t n = bytes.n - at < piece ? bytes.n - at : piece;
        if (clickhouse_rows_take(&rows, span_of(bytes.p + at, n)))
            break;
    }
    int rc = clickhouse_rows_end(&rows, &err);
    must(rc == 0 || rc == -EBADMSG);
    must(rows.n == seen->rows);
    clickhouse_rows_free(&rows);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    const char *types = layouts[data[0] % (sizeof layouts / sizeof *layouts)];
    struct seen whole = {.types = types}, cut = {.types = types};
    struct span bytes = span_of(data + 2, size - 2);
    int a = run(bytes, bytes.n ? bytes.n : 1, &whole);
    int b = run(bytes, (size_t)data[1] + 1, &cut);
    must((a == 0) == (b == 0) && whole.rows == cut.rows && whole.sum == cut.sum);
    return 0;
}
