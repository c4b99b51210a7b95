/* Rows of a shard's answer: in pieces of any size; words in their place; the shard of an address.
 */
#include <errno.h>

#include "base/tap.h"
#include "view/clickhouse.h"
#include "view/clickhouse_rows.h"

struct seen {
    unsigned rows;
    uint64_t numbers;
    struct buf texts;
    int stop_at;
};

static int see(void *ctx, const struct clickhouse_value *v)
{
    struct seen *s = ctx;
    s->numbers += v[0].n;
    buf_span(&s->texts, v[1].s);
    return (int)++s->rows == s->stop_at ? 7 : 0;
}

static void put_row(struct buf *b, uint32_t n, const char *text)
{
    buf_byte(b, CLICKHOUSE_MARK);
    for (unsigned i = 0; i < 4; i++)
        buf_byte(b, (uint8_t)(n >> 8 * i));
    buf_byte(b, (uint8_t)strlen(text));
    buf_str(b, text);
}

static int feed(struct span bytes, size_t piece, struct seen *s, struct err *err)
{
    struct clickhouse_rows r;
    clickhouse_rows_init(&r, "4s", see, s);
    for (size_t at = 0; at < bytes.n; at += piece)
        if (clickhouse_rows_take(
                &r, span_of(bytes.p + at, bytes.n - at < piece ? bytes.n - at : piece)))
            break;
    int rc = clickhouse_rows_end(&r, err);
    clickhouse_rows_free(&r);
    return rc;
}

int main(void)
{
    struct buf b = {0};
    struct err err;
    put_row(&b, 1, "one");
    put_row(&b, 0x01020304, "");
    put_row(&b, 3, "three");
    bool same = true;
    for (size_t piece = 1; piece <= b.n; piece++) {
        struct seen s = {0};
        same &= feed(buf_as_span(&b), piece, &s, &err) == 0 && s.rows == 3 &&
                s.numbers == 0x01020304 + 4 && span_is(buf_as_span(&s.texts), "onethree");
        buf_free(&s.texts);
    }
    ok(same, "the same rows, however the answer is cut");

    struct seen stop = {.stop_at = 2};
    ok(feed(buf_as_span(&b), 5, &stop, &err) == 7 && stop.rows == 2, "row() can end it");
    buf_free(&stop.texts);

    struct seen cut = {0};
    ok(feed(span_of(b.p, b.n - 1), 4, &cut, &err) == -EBADMSG && cut.rows == 2,
       "an answer that ends within a row is none");
    buf_free(&cut.texts);

    buf_str(&b, "Code: 241, e.displayText() = DB::Exception");
    struct seen words = {0};
    ok(feed(buf_as_span(&b), 1000, &words, &err) == -EBADMSG && strstr(err.text, "Code: 241") &&
           words.rows == 3,
       "a server's words behind rows are no row, and are told");
    buf_free(&words.texts);

    b.n = 0;
    buf_put(&b, "\xeb\0\0\0\0\xff\xff\xff\xff\x0f", 10);
    struct seen huge = {0};
    ok(feed(buf_as_span(&b), 3, &huge, &err) == -EBADMSG && huge.rows == 0,
       "a text of four gigabytes is refused before it comes");
    buf_free(&huge.texts);
    buf_free(&b);
    return tap_done();
}
