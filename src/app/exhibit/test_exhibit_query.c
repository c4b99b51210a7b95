/* Queries in words, and lists of entries. */
#include <errno.h>

#include "app/exhibit/exhibit_query.h"
#include "base/tap.h"
#include "base/utc.h"

static struct exhibit_query q;

static int parse(const char *text)
{
    struct err err;
    return exhibit_query_parse(span_str(text), &q, &err);
}

static void test_query(void)
{
    is_int(parse("family=rustock country=DE,asn=3320 src=192.0.2.0/24 kind=dns limit=100 from=7"),
           0);
    is_str(q.q.family, "rustock");
    ok(span_is(q.q.country, "DE"));
    is_int(q.q.asn, 3320);
    ok(q.q.src.set);
    is_int(q.q.kind, KIND_DNS);
    is_int(q.q.limit, 100);
    is_int(q.q.from_index, 7);
    ok(q.q.since == INT64_MIN && q.q.until == INT64_MAX);
    is_int(parse("since=2011-03-16 until=2011-03-17T12:00:00Z sensor=\"a b\" protocol=http"), 0);
    is_int(q.q.until - q.q.since, 36 * 3600 * UTC_SECOND);
    ok(span_is(q.q.sensor, "a b"));
    ok(span_is(q.q.protocol, "http"));
    is_int(parse("family="), 0); /* of none */
    is_str(q.q.family, "");
    is_int(parse("family=\"\" asn=1"), 0);
}

static void test_bad_query(void)
{
    static const char *const bad[] = {
        "",
        " ",
        "family",
        "=x",
        "family rustock",
        "x=1",
        "asn=",
        "asn=-1",
        "asn=1x",
        "asn=99999999999999999999999",
        "limit=0",
        "kind=order",
        "kind=none",
        "src=",
        "src=1.2.3",
        "since=x",
        "since=1900-01-01",
        "since=2011-03-16 until=2011-03-16",
        "sensor=\"a",
        "asn=1 asn=2",
        "family=a family=a",
        "\xff=1",
        "country=",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(parse(bad[i]), -EINVAL);
    char long_one[EXHIBIT_QUERY_MAX + 8];
    memset(long_one, 'a', sizeof long_one);
    memcpy(long_one, "family=", 7);
    long_one[EXHIBIT_QUERY_MAX] = 0;
    is_int(parse(long_one), -EINVAL);
    long_one[EXHIBIT_QUERY_MAX - 1] = 0;
    is_int(parse(long_one), 0);
}

static int entries(const char *text, size_t max, uint64_t *first, uint64_t *last, size_t *n)
{
    uint64_t *v = NULL;
    struct err err;
    *n = 0;
    int rc = exhibit_entries_parse(span_str(text), max, &v, n, &err);
    *first = *n ? v[0] : 0;
    *last = *n ? v[*n - 1] : 0;
    free(v);
    return rc;
}

static void test_entries(void)
{
    uint64_t first, last;
    size_t n;
    is_int(entries("12 80-84, 3", 10, &first, &last, &n), 0);
    is_int(n, 7);
    is_int(first, 12);
    is_int(last, 3);
    is_int(entries("", 10, &first, &last, &n), 0);
    is_int(n, 0);
    is_int(entries("0-9", 10, &first, &last, &n), 0);
    is_int(entries("0-10", 10, &first, &last, &n), -E2BIG);
    is_int(entries("0-5 0-5", 10, &first, &last, &n), -E2BIG);
    is_int(entries("0-18446744073709551615", 10, &first, &last, &n), -E2BIG);
    is_int(entries("18446744073709551615", 10, &first, &last, &n), 0);
    ok(first == UINT64_MAX);
    static const char *const bad[] = {
        "a", "1-", "-1", "2-1", "1-2-3", "1;2", "18446744073709551616", "0x1"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(entries(bad[i], 10, &first, &last, &n), -EINVAL);
}

int main(void)
{
    test_query();
    test_bad_query();
    test_entries();
    return tap_done();
}
