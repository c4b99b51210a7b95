#include "web/totp.h"

#include <sodium.h>

#include "base/tap.h"

static const char rfc_secret[] = "12345678901234567890";

/* RFC 6238, appendix B: SHA-1, eight digits. */
static void test_rfc_6238(void)
{
    static const struct {
        int64_t time;
        uint32_t code;
    } rows[] = {{59, 94287082},         {1111111109, 7081804},  {1111111111, 14050471},
                {1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        is_int(totp_hotp(span_str(rfc_secret), (uint64_t)rows[i].time / TOTP_STEP_S, 8),
               rows[i].code);
}

/* RFC 4226, appendix D. */
static void test_rfc_4226(void)
{
    static const uint32_t codes[] = {755224, 287082, 359152, 969429, 338314,
                                     254676, 287922, 162583, 399871, 520489};
    for (uint64_t i = 0; i < 10; i++)
        is_int(totp_hotp(span_str(rfc_secret), i, 6), codes[i]);
}

static void test_check(void)
{
    struct span s = span_str(rfc_secret);
    uint64_t last = 0;
    ok(totp_check(s, span_str("287082"), 59, &last), "RFC 6238's first, six digits of it");
    is_int(last, 1);
    ok(!totp_check(s, span_str("287082"), 59, &last), "not twice");
    ok(!totp_check(s, span_str("755224"), 59, &last), "nor one of before");
    ok(totp_check(s, span_str("359152"), 59, &last), "a clock that is a little ahead");
    ok(!totp_check(s, span_str("338314"), 59, &last), "but not far");
    ok(!totp_check(s, span_str("36915"), 100, &last) && !totp_check(s, span_str(""), 100, &last) &&
       !totp_check(s, span_str("9694290"), 100, &last));
    ok(!totp_check(span_str(""), span_str("287082"), 59, &last));
}

static void test_base32(void)
{
    /* RFC 4648, 10, without the padding. */
    static const char *const rows[][2] = {{"f", "MY"},           {"fo", "MZXQ"},
                                          {"foo", "MZXW6"},      {"foob", "MZXW6YQ"},
                                          {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf to = {0}, back = {0};
        base32_put(&to, span_str(rows[i][0]));
        ok(span_is(buf_as_span(&to), rows[i][1]));
        ok(base32_decode(&back, span_str(rows[i][1])) && span_is(buf_as_span(&back), rows[i][0]));
        buf_free(&to);
        buf_free(&back);
    }
    static const char *const bad[] = {"", "M", "MZ=", "M1", "MZ", "MZXW6Y"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct buf back = {0};
        ok(!base32_decode(&back, span_str(bad[i])) && !back.n);
        buf_free(&back);
    }
}

static void test_uri(void)
{
    struct buf b = {0};
    totp_uri(&b, "a case", "rita@x", span_str("foobar"));
    buf_byte(&b, 0);
    is_str((const char *)b.p, "otpauth://totp/a%20case:rita%40x?secret=MZXW6YTBOI&issuer=a%20case");
    buf_free(&b);
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    test_rfc_6238();
    test_rfc_4226();
    test_check();
    test_base32();
    test_uri();
    return tap_done();
}
