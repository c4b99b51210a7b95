#include "state/casebook.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/event.h"

#define DAY UTC_DAY
#define D16 1300233600000000ll /* 2011-03-16 */

static char dir[] = "/tmp/ebb-casebook-XXXXXX";
static const char calendar[] = "name,from,until,registrar\n"
                               "a.example,2011-03-16,2011-03-17,R1\n"
                               "b.example,2011-03-16,2011-03-17,R1\n"
                               "c.test,2011-03-17,2011-03-18,R2\n"
                               "*.w.example,2011-03-16,2011-03-17,R1\n"
                               "bad name,,,\n"
                               "whole.example,,,\n";

static int get_blob(void *ctx, const uint8_t digest[SHA256_LEN], struct buf *out, struct err *err)
{
    uint8_t want[SHA256_LEN];
    sha256(calendar, sizeof calendar - 1, want);
    if (memcmp(want, digest, SHA256_LEN) != 0)
        return err_set(err, -ENOENT, "no such blob");
    buf_put(out, calendar, sizeof calendar - 1);
    return 0;
}

static struct casebook *book(void)
{
    struct casebook *cb = NULL;
    struct err err;
    is_int(casebook_open(dir, &(struct casebook_blobs){get_blob, NULL}, &cb, &err), 0);
    return cb;
}

/* ---- a log ---- */

static struct entry {
    uint8_t kind;
    struct buf payload;
} entries[64];
static uint64_t n_entries = 1;

static struct buf *add(uint8_t kind)
{
    entries[n_entries].kind = kind;
    return &entries[n_entries++].payload;
}

static void make_log(void)
{
    uint8_t digest[SHA256_LEN], gone[SHA256_LEN] = {1};
    sha256(calendar, sizeof calendar - 1, digest);
    act_order(add(KIND_ORDER), &(struct act_order){.id = span_str("one"),
                                                   .court = span_str("Court"),
                                                   .from = D16 - 10 * DAY,
                                                   .until = D16 + 20 * DAY});
    act_order(
        add(KIND_ORDER),
        &(struct act_order){.id = span_str("two"), .from = D16 - 10 * DAY, .until = ACT_FOREVER});
    struct act_asset a = {.order = 1,
                          .kind = ASSET_DOMAIN,
                          .name = span_str("single.example"),
                          .family = span_str("fam"),
                          .policy = span_str("quiet"),
                          .identify = true,
                          .from = D16,
                          .until = ACT_FOREVER,
                          .registered_until = D16 + 3 * DAY};
    act_asset(add(KIND_ASSET), &a); /* 3 */
    a = (struct act_asset){.order = 2,
                           .kind = ASSET_ADDRESS,
                           .name = span_str("192.0.2.1"),
                           .port = 25,
                           .transport = span_str("tcp"),
                           .from = D16,
                           .until = D16 + 5 * DAY,
                           .registered_until = ACT_FOREVER};
    act_asset(add(KIND_ASSET), &a);      /* 4 */
    act_asset_list(add(KIND_ASSET_LIST), /* 5 */
                   &(struct act_asset_list){.order = 1,
                                            .file = span_str("days.csv"),
                                            .sha256 = span_of(digest, SHA256_LEN),
                                            .family = span_str("dga"),
                                            .from = ACT_FOREVER,
                                            .until = ACT_FOREVER,
                                            .rows = 5,
                                            .rejected = 1});
    act_asset_released(add(KIND_ASSET_RELEASED), /* 6 */
                       &(struct act_asset_released){5, span_str("b.example"), span_str("a mistake"),
                                                    D16 + DAY / 2});
    act_asset_released(
        add(KIND_ASSET_RELEASED), /* 7 */
        &(struct act_asset_released){4, {NULL, 0}, span_str("given back"), D16 + DAY});
    act_asset_list(add(KIND_ASSET_LIST), /* 8 */
                   &(struct act_asset_list){.order = 2,
                                            .file = span_str("gone.csv"),
                                            .sha256 = span_of(gone, SHA256_LEN),
                                            .from = ACT_FOREVER,
                                            .until = ACT_FOREVER});
    buf_str(add(KIND_ORDER), "not CBOR"); /* 9: passed over */
}

static void feed(struct casebook *cb, uint64_t until)
{
    for (uint64_t i = casebook_position(cb) ? casebook_position(cb) : 1; i < until; i++)
        casebook_act(cb, entries[i].kind, i, D16 + (int64_t)i, buf_as_span(&entries[i].payload));
    casebook_advance(cb, until);
}

/* ---- rows as text ---- */

static struct buf text;

static int put_order(void *ctx, const struct casebook_order *o)
{
    (void)ctx;
    buf_printf(&text, "%llu %.*s %s a%llu l%llu|", (unsigned long long)o->entry, (int)o->act.id.n,
               (const char *)o->act.id.p, casebook_state_name(o->state),
               (unsigned long long)o->assets, (unsigned long long)o->lists);
    return 0;
}

static int put_asset(void *ctx, const struct casebook_asset *a)
{
    (void)ctx;
    buf_printf(&text, "%llu %s%.*s n%llu %s %s|", (unsigned long long)a->entry,
               a->list      ? "list "
               : a->of_list ? "of "
                            : "",
               (int)a->act.name.n, (const char *)a->act.name.p, (unsigned long long)a->names,
               a->list ? "-" : act_asset_kind_name(a->act.kind), casebook_state_name(a->state));
    return 0;
}

static int put_days(void *ctx, const struct casebook_days *d)
{
    char from[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
    (void)ctx;
    utc_format_date(d->in_from, from);
    utc_format_date(d->in_until, until);
    buf_printf(&text, "%llu %s %s %.*s %.*s%s n%llu|", (unsigned long long)d->list, from, until,
               (int)d->registrar.n, d->registrar.n ? (const char *)d->registrar.p : "",
               (int)d->tld.n, (const char *)d->tld.p, d->wildcard ? " *" : "",
               (unsigned long long)d->names);
    return 0;
}

static const char *done(int rc)
{
    if (rc < 0)
        buf_str(&text, "failed");
    buf_byte(&text, 0);
    text.n = 0;
    return (const char *)text.p;
}

static const char *orders(struct casebook *cb, int64_t now)
{
    return done(
        casebook_orders(cb, &(struct casebook_clock){now, 14 * DAY}, put_order, NULL, NULL));
}

static const char *assets(struct casebook *cb, int64_t now, struct casebook_asset_query q)
{
    return done(
        casebook_assets(cb, &q, &(struct casebook_clock){now, 2 * DAY}, put_asset, NULL, NULL));
}

static const char *warnings(struct casebook *cb, int64_t now, unsigned days)
{
    casebook_warnings(cb, now, days, &text);
    return done(0);
}

static void test_orders(struct casebook *cb)
{
    struct casebook_clock clock = {D16, DAY};
    is_str(orders(cb, D16), "1 one open a1 l1|2 two open a0 l1|");
    is_str(orders(cb, D16 + 6 * DAY), "1 one expiring a1 l1|2 two open a0 l1|");
    is_str(orders(cb, D16 + 20 * DAY), "1 one expired a1 l1|2 two open a0 l1|");
    is_str(orders(cb, D16 - 11 * DAY), "1 one planned a1 l1|2 two planned a0 l1|");
    is_int(casebook_order(cb, 0, span_str("two"), &clock, put_order, NULL, NULL), 1);
    is_int(casebook_order(cb, 0, span_str("three"), &clock, put_order, NULL, NULL), 0);
    is_int(casebook_order(cb, 1, span_str(""), &clock, put_order, NULL, NULL), 1);
    is_str(done(0), "2 two open a0 l1|1 one open a1 l1|");
}

static void test_assets(struct casebook *cb)
{
    struct casebook_asset_query q = {0};
    is_str(assets(cb, D16, q),
           "3 single.example n1 domain open|4 192.0.2.1 n1 address open|5 list days.csv n5 - open|"
           "8 list gone.csv n0 - open|");
    is_str(assets(cb, D16 + DAY, q), "3 single.example n1 domain expiring|4 192.0.2.1 n1 address "
                                     "released|5 list days.csv n5 - open|"
                                     "8 list gone.csv n0 - open|");
    is_str(assets(cb, D16 + 20 * DAY, q), "3 single.example n1 domain expired|4 192.0.2.1 n1 "
                                          "address released|5 list days.csv n5 - expired|"
                                          "8 list gone.csv n0 - open|");
    q.names = true;
    is_str(assets(cb, D16, q), "3 single.example n1 domain open|4 192.0.2.1 n1 address open|5 of "
                               "whole.example n1 domain open|"
                               "5 of a.example n1 domain open|5 of b.example n1 domain open|5 of "
                               "w.example n1 wildcard open|"
                               "5 of c.test n1 domain planned|");
    q = (struct casebook_asset_query){.name = span_str("b.example")};
    is_str(assets(cb, D16, q), "5 of b.example n1 domain open|");
    is_str(assets(cb, D16 + DAY / 2, q), "5 of b.example n1 domain released|");
    q.name = span_str(".example"); /* not a name of the list, though its text has it */
    is_str(assets(cb, D16, q), "");
    q = (struct casebook_asset_query){.family = span_str("fam")};
    is_str(assets(cb, D16, q), "3 single.example n1 domain open|");
    q = (struct casebook_asset_query){.order = 2};
    is_str(assets(cb, D16, q), "4 192.0.2.1 n1 address open|8 list gone.csv n0 - open|");
    q = (struct casebook_asset_query){.entry = 5};
    is_str(assets(cb, D16, q), "5 list days.csv n5 - open|");
}

static void test_days(struct casebook *cb)
{
    uint8_t digest[SHA256_LEN];
    sha256(calendar, sizeof calendar - 1, digest);
    is_str(done(casebook_days(cb, 0, span_str(""), put_days, NULL, NULL)),
           "5 2011-03-06 2011-04-05  example n1|5 2011-03-16 2011-03-17 R1 example n2|"
           "5 2011-03-16 2011-03-17 R1 example * n1|5 2011-03-17 2011-03-18 R2 test n1|");
    is_str(done(casebook_days(cb, 2, span_str(""), put_days, NULL, NULL)), "");
    is_int(casebook_list_with(cb, 1, digest), 5);
    is_int(casebook_list_with(cb, 2, digest), 0);
}

static void test_warnings(struct casebook *cb)
{
    is_str(warnings(cb, D16, 4),
           "the registration of single.example ends on 2011-03-19, in 3 days\n");
    is_str(warnings(cb, D16, 5),
           "the registration of single.example ends on 2011-03-19, in 3 days\n"
           "asset 192.0.2.1 ends on 2011-03-21, in 5 days\n");
    is_str(warnings(cb, D16 + 19 * DAY, 2),
           "order one ends on 2011-04-05, in 1 days\n"
           "the registration of single.example ended on 2011-03-19\n");
}

static void dump(struct casebook *cb, struct buf *out)
{
    struct casebook_asset_query q = {.names = true};
    buf_str(out, orders(cb, D16));
    buf_str(out, assets(cb, D16 + DAY, q));
    buf_str(out, done(casebook_days(cb, 0, span_str(""), put_days, NULL, NULL)));
}

static void test_snapshot(void)
{
    struct buf once = {0}, twice = {0};
    struct casebook *cb = book();
    is_int(casebook_position(cb), 0);
    feed(cb, 5);
    is_int(casebook_snapshot(cb, NULL), 0);
    casebook_close(cb);
    cb = book();
    is_int(casebook_position(cb), 5);
    feed(cb, n_entries);
    dump(cb, &once);
    is_int(casebook_snapshot(cb, NULL), 0);
    casebook_advance(cb, 5000000000ull);
    is_int(casebook_snapshot(cb, NULL), 0);
    casebook_close(cb);
    cb = book();
    ok(casebook_position(cb) == 5000000000ull, "a position alone is saved");
    dump(cb, &twice);
    ok(span_eq(buf_as_span(&once), buf_as_span(&twice)), "what was saved is what is read");
    casebook_close(cb);

    char path[FILE_PATH_MAX];
    struct buf file = {0}, cut = {0};
    file_path(path, NULL, "%s/casebook", dir);
    file_read(path, 1u << 30, &file, NULL);
    static const size_t lengths[] = {0, 10, 71, 100, 4096, 5000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        file_replace(path, span_of(file.p, lengths[i]), 0644, NULL);
        cb = book();
        is_int(casebook_position(cb), 0);
        is_str(orders(cb, D16), "");
        casebook_close(cb);
    }
    for (size_t i = 0; i < file.n; i += 97) { /* damage: dropped, or read; never worse */
        file.p[i] ^= 0xff;
        file_replace(path, buf_as_span(&file), 0644, NULL);
        file.p[i] ^= 0xff;
        if (casebook_open(dir, &(struct casebook_blobs){get_blob, NULL}, &cb, NULL) == 0) {
            dump(cb, &cut);
            cut.n = 0;
            casebook_close(cb);
        }
    }
    unlink(path);
    buf_free(&file);
    buf_free(&cut);
    buf_free(&once);
    buf_free(&twice);
}

static void test_closing(void)
{
    struct casebook *cb = book();
    struct buf p = {0};
    feed(cb, n_entries);
    act_order_closed(
        &p, &(struct act_order_closed){1, span_str("one"), span_str("lifted"), D16 + 2 * DAY});
    casebook_act(cb, KIND_ORDER_CLOSED, 20, D16, buf_as_span(&p));
    is_str(orders(cb, D16 + DAY), "1 one open a1 l1|2 two open a0 l1|");
    is_str(orders(cb, D16 + 2 * DAY), "1 one closed a1 l1|2 two open a0 l1|");
    is_str(assets(cb, D16 + 2 * DAY, (struct casebook_asset_query){.order = 1}),
           "3 single.example n1 domain closed|5 list days.csv n5 - closed|");
    is_str(done(casebook_days(cb, 0, span_str(""), put_days, NULL, NULL)),
           "5 2011-03-06 2011-03-18  example n1|5 2011-03-16 2011-03-17 R1 example n2|"
           "5 2011-03-16 2011-03-17 R1 example * n1|5 2011-03-17 2011-03-18 R2 test n1|");
    casebook_close(cb);
    buf_free(&p);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    make_log();
    struct casebook *cb = book();
    feed(cb, n_entries);
    test_orders(cb);
    test_assets(cb);
    test_days(cb);
    test_warnings(cb);
    casebook_close(cb);
    test_snapshot();
    test_closing();
    rmdir(dir);
    buf_free(&text);
    for (uint64_t i = 0; i < n_entries; i++)
        buf_free(&entries[i].payload);
    return tap_done();
}
