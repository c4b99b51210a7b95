#include "view/clickhouse_rows.h"

#include <errno.h>
#include <stdlib.h>

/* Bytes of a value of this type; 0: it says so itself. */
static size_t width_of(char type)
{
    switch (type) {
    case '1':
        return 1;
    case '2':
    case 'c':
        return 2;
    case '4':
        return 4;
    case '8':
        return 8;
    case 'a':
        return 16;
    case 'h':
        return 36;
    default:
        return 0;
    }
}

void clickhouse_rows_init(struct clickhouse_rows *r, const char *types,
                          int (*row)(void *ctx, const struct clickhouse_value *v), void *ctx)
{
    *r = (struct clickhouse_rows){.types = types, .row = row, .ctx = ctx, .fixed = 1};
    if (strlen(types) > CLICKHOUSE_COLUMNS_MAX)
        abort();
    for (; *types && r->fixed; types++)
        r->fixed = *types == 's' ? 0 : r->fixed + width_of(*types);
}

/* LEB128, as ClickHouse writes lengths. 1 done, 0 more is needed, -1 malformed. */
static int take_length(struct cur *c, size_t *out)
{
    uint8_t b;
    *out = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (!cur_u8(c, &b))
            return 0;
        *out |= (size_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return *out <= CLICKHOUSE_STRING_MAX ? 1 : -1;
    }
    return -1;
}

static uint64_t little_endian(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static int take_value(struct cur *c, char type, struct clickhouse_value *v)
{
    size_t n = width_of(type);
    int rc = 1;
    if (!n)
        rc = take_length(c, &n);
    if (rc != 1)
        return rc;
    if (!cur_take(c, n, &v->s))
        return 0;
    v->n = type >= '1' && type <= '8' ? little_endian(v->s.p, n) : 0;
    return 1;
}

/* One row, whole: 1; 0: it has not come yet; -1: it is none. */
static int take_row(struct cur *c, const char *types, struct clickhouse_value *v)
{
    uint8_t mark;
    int rc = cur_u8(c, &mark) ? 1 : 0;
    if (rc == 1 && mark != CLICKHOUSE_MARK)
        return -1;
    for (; rc == 1 && *types; types++)
        rc = take_value(c, *types, v++);
    return rc;
}

/* What is there in the place of a row: a server's words, mostly. */
static int no_row(struct clickhouse_rows *r, const struct cur *at)
{
    size_t n = cur_left(at) < 200 ? cur_left(at) : 200;
    char words[201];
    for (size_t i = 0; i < n; i++)
        words[i] = at->p[i] >= 0x20 && at->p[i] < 0x7f ? (char)at->p[i] : '?';
    words[n] = 0;
    return err_set(&r->err, -EBADMSG, "its answer is no rows: %s", words);
}

/* Rows at the front of it; c is left at what is no whole row. */
static int take_rows(struct clickhouse_rows *r, struct cur *c)
{
    struct clickhouse_value v[CLICKHOUSE_COLUMNS_MAX];
    int rc = 0;
    while (rc == 0 && cur_left(c) >= (r->fixed ? r->fixed : 1)) {
        struct cur at = *c;
        int got = take_row(&at, r->types, v);
        if (got < 0)
            return no_row(r, c);
        if (!got)
            break;
        *c = at;
        r->n++;
        rc = r->row(r->ctx, v);
    }
    return rc;
}

int clickhouse_rows_take(void *rows, struct span piece)
{
    struct clickhouse_rows *r = rows;
    if (r->stopped)
        return r->stopped;
    if (r->rest.n) {
        buf_span(&r->rest, piece);
        piece = buf_as_span(&r->rest);
    }
    struct cur c = cur_of(piece);
    r->stopped = take_rows(r, &c);
    size_t left = cur_left(&c);
    if (r->rest.n)
        memmove(r->rest.p, c.p, left);
    else if (left)
        buf_put(&r->rest, c.p, left);
    r->rest.n = left;
    return r->stopped;
}

int clickhouse_rows_end(struct clickhouse_rows *r, struct err *err)
{
    if (!r->stopped && r->rest.n) {
        struct cur c = cur_of(buf_as_span(&r->rest));
        r->stopped = *c.p == CLICKHOUSE_MARK
                         ? err_set(&r->err, -EBADMSG, "its answer ends within a row")
                         : no_row(r, &c);
    }
    if (r->stopped == -EBADMSG && r->err.code)
        return err_set(err, r->stopped, "%s", r->err.text);
    return r->stopped;
}

void clickhouse_rows_free(struct clickhouse_rows *r)
{
    buf_free(&r->rest);
}
