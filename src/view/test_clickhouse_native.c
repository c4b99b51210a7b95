/* Rows of the cluster's tables: which columns an event makes, what is sent once, blocks and frames.
 */
#include <zstd.h>

#include "base/mem.h"
#include "base/tap.h"
#include "base/utc.h"
#include "view/clickhouse_cells.h"
#include "view/clickhouse_native.h"

static uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];

static void make(struct event *ev, struct entry *e, uint64_t index, uint32_t v4, int64_t day)
{
    *ev = (struct event){.kind = KIND_HTTP, .time = day * UTC_DAY + 5};
    ev->src_ip = ip_from_v4(v4);
    ev->asn = 64500;
    ev->as_name = span_str("Example Net");
    ev->country = span_str("DE");
    ev->family = span_str("fam");
    ev->bot_id = span_str("bot-1");
    *e = (struct entry){.index = index, .payload = span_str("payload"), .leaf = leaf, .salt = salt};
}

static void put(struct clickhouse_batch *b, uint64_t index, uint32_t v4, int64_t day)
{
    struct event ev;
    struct entry e;
    struct clickhouse_row r;
    make(&ev, &e, index, v4, day);
    clickhouse_row_of(&e, &ev, span_str("sensor"), &r);
    clickhouse_batch_event(b, &r);
    clickhouse_batch_sighting(b, &r);
    clickhouse_batch_bot(b, &r);
}

static const struct clickhouse_block *table(struct clickhouse_batch *b, const char *name)
{
    const struct clickhouse_block *t;
    for (unsigned i = 0; (t = clickhouse_batch_part(b, i)); i++)
        if (strcmp(t->table, name) == 0)
            return t;
    return NULL;
}

static void test_once(void)
{
    struct clickhouse_batch *b = clickhouse_batch_new(1, false, 1000);
    uint64_t days;
    put(b, 10, 0x01020304, 19000);
    put(b, 11, 0x01020304, 19000);
    put(b, 12, 0x01020304, 19001);
    put(b, 13, 0x01020305, 19000);
    is_int(clickhouse_batch_events(b), 4);
    is_int(table(b, "sightings")->rows, 2);
    memcpy(&days, table(b, "sightings")->column[8].p, 8);
    ok(days == (1ull << (19000 % 64) | 1ull << (19001 % 64)), "two days are two bits of one row");
    is_int(table(b, "bots")->rows, 1);
    is_int(table(b, "as_names")->rows, 1);
    is_int(clickhouse_cell_number(span_of(table(b, "as_names")->column[2].p, 8)), 13);
    clickhouse_batch_next(b);
    put(b, 14, 0x01020304, 19001);
    ok(!table(b, "sightings") && !table(b, "bots"), "what was sent is not sent again");
    put(b, 15, 0x01020304, 19002);
    is_int(table(b, "sightings")->rows, 1);
    clickhouse_batch_next(b);
    clickhouse_batch_forget(b);
    put(b, 16, 0x01020304, 19001);
    is_int(table(b, "sightings")->rows, 1);
    clickhouse_batch_free(b);
}

static void test_uncounted(void)
{
    struct event ev;
    struct entry e;
    struct clickhouse_row r;
    make(&ev, &e, 1, 1, 19000);
    ev.role = span_str("resolver");
    ev.asn = 1ull << 32;
    clickhouse_row_of(&e, &ev, span_str(""), &r);
    ok(!r.counts && !r.bot && r.family.n == 0 && r.asn == 0, "a resolver counts nowhere");
    ev.role = (struct span){0};
    ev.time = -5 * UTC_DAY;
    clickhouse_row_of(&e, &ev, span_str(""), &r);
    ok(!r.counts && r.day == 0, "nor does a time before 1970");
    ev.src_ip = (struct ip){0};
    clickhouse_row_of(&e, &ev, span_str(""), &r);
    ok(r.source == 0, "no address is source 0");
}

/* A row as a server gives it back is cells that equal what was sent. */
static void test_cells(void)
{
    struct clickhouse_batch *b = clickhouse_batch_new(7, false, 1000);
    struct span cell[CLICKHOUSE_COLUMNS_MAX];
    struct buf row = {0};
    put(b, 10, 0x01020304, 19000);
    const struct clickhouse_block *t = table(b, "events");
    for (unsigned i = 0; i < t->n; i++)
        buf_span(&row, buf_as_span(&t->column[i]));
    for (size_t n = 0; n < row.n; n++) {
        struct cur c = cur_of(span_of(row.p, n));
        if (clickhouse_cells(t, &c, cell) != 0 || c.p != row.p)
            ok(0, "half a row is none");
    }
    struct cur c = cur_of(buf_as_span(&row));
    ok(clickhouse_cells(t, &c, cell) == 1 && !cur_left(&c), "a row is read");
    ok(span_is(clickhouse_cell_text(cell[clickhouse_column(t, "payload")]), "payload"),
       "its payload");
    is_int(clickhouse_cell_number(cell[clickhouse_column(t, "entry")]), 10);
    uint8_t *bad = row.p + 8 + 8 + 2 + 8 + 1;
    memset(bad, 0xff, 6);
    c = cur_of(buf_as_span(&row));
    is_int(clickhouse_cells(t, &c, cell), -1);
    buf_free(&row);
    clickhouse_batch_free(b);
}

static void test_frames(void)
{
    struct clickhouse_batch *b = clickhouse_batch_new(7, false, 1000);
    struct clickhouse_frames *f = clickhouse_frames_new(1);
    struct buf stage = {0}, plain = {0};
    for (unsigned i = 0; i < 20000; i++)
        put(b, i, 0x01020304 + i, 19000);
    const struct clickhouse_block *t = table(b, "events");
    size_t bound = clickhouse_block_bound(t);
    uint8_t *out = mem_resize(NULL, bound, 1);
    size_t n = clickhouse_block_pack(t, f, &stage, out), at = 0;
    ok(n <= bound, "within its bound");
    while (at + 25 <= n) {
        uint32_t packed, raw;
        memcpy(&packed, out + at + 17, 4);
        memcpy(&raw, out + at + 21, 4);
        if (out[at + 16] != 0x90 || raw > CLICKHOUSE_FRAME_DATA)
            break;
        size_t got = ZSTD_decompress(buf_reserve(&plain, raw), raw, out + at + 25, packed - 9);
        if (got != raw)
            break;
        plain.n += raw;
        at += 16 + packed;
    }
    ok(at == n, "frames follow each other to the end");
    ok(plain.n > clickhouse_block_bytes(t) && plain.p[0] == t->n, "and have all columns");
    ok(memcmp(plain.p + 4, "\3log\6UInt64", 11) == 0, "with name and type");
    free(out);
    buf_free(&stage);
    buf_free(&plain);
    clickhouse_frames_free(f);
    clickhouse_batch_free(b);
}

int main(void)
{
    test_once();
    test_uncounted();
    test_cells();
    test_frames();
    return tap_done();
}
