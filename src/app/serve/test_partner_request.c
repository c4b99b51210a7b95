/* What partners' requests may say, and what they may not. */
#include "app/serve/partner_request.h"

#include "base/tap.h"
#include "base/utc.h"

static const char *put(struct partner_request *r, const char *key, const char *value)
{
    return partner_request_put(r, span_str(key), span_str(value));
}

static void test_good(void)
{
    struct partner_request r;
    partner_request_init(&r);
    ok(partner_request_check(&r) == NULL);
    ok(r.since == INT64_MIN && r.until == INT64_MAX && r.limit == PARTNER_ROWS_DEFAULT &&
       r.format == PARTNER_CSV && !r.family.n && !r.has_after);
    partner_request_init(&r);
    ok(!put(&r, "since", "2011-03-16") && !put(&r, "until", "2011-03-17T12:00:00+02:00") &&
       !put(&r, "family", "rustock \xc3\xa9") && !put(&r, "after", "18446744073709551615") &&
       !put(&r, "limit", "1000000") && !put(&r, "format", "json"));
    ok(partner_request_check(&r) == NULL);
    ok(r.until - r.since == UTC_DAY + 10 * 3600 * UTC_SECOND);
    ok(r.after == UINT64_MAX && r.has_after && r.limit == 1000000 && r.format == PARTNER_JSON);
    ok(span_is(r.family, "rustock \xc3\xa9"));
    partner_request_init(&r);
    ok(!put(&r, "after", "0") && r.has_after && !put(&r, "format", "stix"));
    ok(!partner_request_check(&r) && r.limit == PARTNER_ROWS_MAX_STIX);
}

static void test_bad(void)
{
    static const char *const bad[][2] = {
        {"since", ""},
        {"since", "yesterday"},
        {"since", "2011-02-30"},
        {"since", "0000-01-01"},
        {"until", "2101-01-01"},
        {"until", "1989-12-31"},
        {"family", ""},
        {"family", "\xff"},
        {"after", ""},
        {"after", "-1"},
        {"after", "18446744073709551616"},
        {"after", "1x"},
        {"after", "000000000000000000001"},
        {"limit", "0"},
        {"limit", "1000001"},
        {"limit", " 1"},
        {"limit", ""},
        {"format", ""},
        {"format", "xml"},
        {"format", "CSV"},
        {"", ""},
        {"asn", "1"},
        {"Since", "2011-03-16"},
        {"token", "x"},
    };
    struct partner_request r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        partner_request_init(&r);
        if (!ok(put(&r, bad[i][0], bad[i][1]) != NULL))
            printf("# %s=%s\n", bad[i][0], bad[i][1]);
    }
    char name[130];
    memset(name, 'x', sizeof name);
    partner_request_init(&r);
    ok(partner_request_put(&r, span_str("family"), span_of(name, 129)) != NULL);
    partner_request_init(&r);
    ok(!put(&r, "limit", "5") && put(&r, "limit", "5"), "twice");
    partner_request_init(&r);
    ok(!put(&r, "since", "2011-03-16") && !put(&r, "until", "2011-03-16") &&
       partner_request_check(&r) != NULL);
    partner_request_init(&r);
    ok(!put(&r, "format", "stix") && !put(&r, "limit", "10001") && partner_request_check(&r));
}

static void test_files(void)
{
    int64_t day = 0;
    ok(partner_request_file(span_str("/v1/files/2011-03-16.csv"), &day) && day == 15049 * UTC_DAY);
    static const char *const bad[] = {"/v1/files/2011-03-16.json",
                                      "/v1/files/2011-3-16.csv",
                                      "/v1/files/2011-02-30.csv",
                                      "/v1/files/2011-03-16.csv/",
                                      "/v1/files/..",
                                      "",
                                      "/v1/files/XXXXXXXXXX.csv",
                                      "/v1/files/1900-01-01.csv"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(!partner_request_file(span_str(bad[i]), &day));
}

static void test_tokens(void)
{
    uint8_t random[PARTNER_TOKEN_BYTES], digest[SHA256_LEN], want[SHA256_LEN];
    char text[PARTNER_TOKEN_TEXT], header[200];
    for (unsigned i = 0; i < sizeof random; i++)
        random[i] = (uint8_t)(i * 8 + 3);
    partner_token_text(random, text);
    /* python3: base64.urlsafe_b64encode(bytes(i * 8 + 3 for i in range(32))) */
    ok(memcmp(text, "AwsTGyMrMztDS1NbY2tze4OLk5ujq7O7w8vT2-Pr8_s", PARTNER_TOKEN_TEXT) == 0);
    sha256(text, PARTNER_TOKEN_TEXT, want);
    snprintf(header, sizeof header, "Bearer %.43s", text);
    ok(partner_request_token(span_str(header), digest) && memcmp(digest, want, SHA256_LEN) == 0);
    snprintf(header, sizeof header, "bearer   %.43s ", text);
    ok(partner_request_token(span_str(header), digest) && memcmp(digest, want, SHA256_LEN) == 0);
    static const char *const bad[] = {
        "Bearer %.42s",  "Bearer %.43sx", "Basic %.43s", "%.43s", "Bearer%.43s",
        "Bearer %.42s=", "Bearer %.42s ", "Bearer ",     "",      "Bearer %.40s, x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(header, sizeof header, bad[i], text);
#pragma GCC diagnostic pop
        ok(!partner_request_token(span_str(header), digest));
    }
}

int main(void)
{
    test_good();
    test_bad();
    test_files();
    test_tokens();
    return tap_done();
}
