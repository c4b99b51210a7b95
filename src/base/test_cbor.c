/* Known answers are those of RFC 8949, appendix A; the oracle is libcbor (MIT licence). */
#include "base/cbor.h"

#define cbor_type oracle_cbor_type /* both have an enum of that name */
#include <cbor.h>
#undef cbor_type

#include "base/digest.h"
#include "base/tap.h"

static struct buf out;

static void is_encoded(const char *want, int line)
{
    char hex[256];
    hex_encode(out.p, out.n, hex);
    if (!tap_check(strcmp(hex, want) == 0 && cbor_valid(buf_as_span(&out)), want, __FILE__, line,
                   "encodes"))
        printf("#   got %s\n#  want %s\n", hex, want);
    out.n = 0;
}
#define encodes(call, want) (call, is_encoded(want, __LINE__))

static void test_scalars(void)
{
    static const struct {
        uint64_t v;
        const char *hex;
    } uints[] = {
        {0, "00"},
        {1, "01"},
        {10, "0a"},
        {23, "17"},
        {24, "1818"},
        {25, "1819"},
        {100, "1864"},
        {1000, "1903e8"},
        {1000000, "1a000f4240"},
        {1000000000000, "1b000000e8d4a51000"},
        {UINT64_MAX, "1bffffffffffffffff"},
        /* the edges of each width */
        {255, "18ff"},
        {256, "190100"},
        {65535, "19ffff"},
        {65536, "1a00010000"},
        {4294967295, "1affffffff"},
        {4294967296, "1b0000000100000000"},
    };
    for (size_t i = 0; i < sizeof uints / sizeof *uints; i++)
        encodes(cbor_put_uint(&out, uints[i].v), uints[i].hex);
    encodes(cbor_put_int(&out, -1), "20");
    encodes(cbor_put_int(&out, -10), "29");
    encodes(cbor_put_int(&out, -100), "3863");
    encodes(cbor_put_int(&out, -1000), "3903e7");
    encodes(cbor_put_int(&out, INT64_MIN), "3b7fffffffffffffff");
    encodes(cbor_put_int(&out, INT64_MAX), "1b7fffffffffffffff");
    encodes(cbor_put_head(&out, CBOR_NEGINT, UINT64_MAX), "3bffffffffffffffff");
    encodes(cbor_put_bool(&out, false), "f4");
    encodes(cbor_put_bool(&out, true), "f5");
    encodes(cbor_put_head(&out, CBOR_SIMPLE, CBOR_NULL), "f6");
}

static void test_strings(void)
{
    encodes(cbor_put_bytes(&out, span_of("", 0)), "40");
    encodes(cbor_put_bytes(&out, span_of("\1\2\3\4", 4)), "4401020304");
    encodes(cbor_put_text(&out, span_str("")), "60");
    encodes(cbor_put_text(&out, span_str("a")), "6161");
    encodes(cbor_put_key(&out, "IETF"), "6449455446");
    encodes(cbor_put_text(&out, span_str("\"\\")), "62225c");
    encodes(cbor_put_text(&out, span_str("\xc3\xbc")), "62c3bc");
    encodes(cbor_put_text(&out, span_str("\xe6\xb0\xb4")), "63e6b0b4");
    encodes(cbor_put_text(&out, span_str("\xf0\x90\x85\x91")), "64f0908591");
    encodes(cbor_put_text(&out, span_str("\xff")), "41ff"); /* no UTF-8: bytes */
    encodes(cbor_put_text(&out, span_of("a\0", 2)), "426100");
}

static void test_nested(void)
{
    encodes(cbor_put_head(&out, CBOR_ARRAY, 0), "80");
    encodes(cbor_put_head(&out, CBOR_MAP, 0), "a0");
    cbor_put_head(&out, CBOR_ARRAY, 25);
    for (unsigned i = 1; i <= 25; i++)
        cbor_put_uint(&out, i);
    is_encoded("98190102030405060708090a0b0c0d0e0f101112131415161718181819", __LINE__);
    cbor_put_head(&out, CBOR_MAP, 2);
    cbor_put_key(&out, "a");
    cbor_put_uint(&out, 1);
    cbor_put_key(&out, "b");
    cbor_put_head(&out, CBOR_ARRAY, 2);
    cbor_put_uint(&out, 2);
    cbor_put_uint(&out, 3);
    is_encoded("a26161016162820203", __LINE__);
}

static size_t from_hex(const char *hex, uint8_t *bytes)
{
    size_t n = strlen(hex) / 2;
    if (!hex_decode(span_str(hex), bytes, n))
        abort();
    return n;
}

static void test_validity(void)
{
    static const char *const good[] = {"826161a161626163", "8301820203820405",
                                       "a56161614161626142616361436164614461656145",
                                       "a2616100626161f6", "a1600a"};
    static const char *const bad[] = {
        /* appendix A, outside of our subset */
        "c249010000000000000000",
        "f90000",
        "fb3ff199999999999a",
        "f7",
        "f0",
        "f8ff",
        "c074323031332d30332d32315432303a30343a30305a",
        "a201020304",
        "5f42010243030405ff",
        "7f657374726561646d696e67ff",
        "9fff",
        "bfff",
        /* 4.2.1: longer heads than needed */
        "1817",
        "190018",
        "1900ff",
        "1a0000ffff",
        "1b00000000ffffffff",
        "5801ff",
        "780161",
        "980101",
        "b80161610a",
        "f814",
        /* keys out of order, twice; no UTF-8 */
        "a2616201616102",
        "a2616101616102",
        "a262616100616100",
        "61ff",
        "a161ff00",
        "6100",
        /* cut off, too long, reserved */
        "",
        "18",
        "19ff",
        "41",
        "6261",
        "81",
        "a161",
        "a16161",
        "0000",
        "1c",
        "1f",
        "3c",
        "5f",
        "9bffffffffffffffff",
        "bbffffffffffffffff",
        "5bffffffffffffffff",
        "7bffffffffffffffff",
    };
    uint8_t bytes[64];
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        tap_check(cbor_valid(span_of(bytes, from_hex(good[i], bytes))), good[i], __FILE__, __LINE__,
                  "valid");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        tap_check(!cbor_valid(span_of(bytes, from_hex(bad[i], bytes))), bad[i], __FILE__, __LINE__,
                  "not valid");
}

static void test_depth(void)
{
    uint8_t bytes[CBOR_DEPTH_MAX + 2];
    memset(bytes, 0x81, sizeof bytes);
    bytes[CBOR_DEPTH_MAX] = 0;
    ok(cbor_valid(span_of(bytes, CBOR_DEPTH_MAX + 1)), "as deep as may be");
    struct cur c = cur_of(span_of(bytes, CBOR_DEPTH_MAX + 1));
    is_int(cbor_skip(&c), 1);
    is_int(cur_left(&c), 0);
    bytes[CBOR_DEPTH_MAX] = 0x81;
    bytes[CBOR_DEPTH_MAX + 1] = 0;
    ok(!cbor_valid(span_of(bytes, CBOR_DEPTH_MAX + 2)), "one deeper");
    c = cur_of(span_of(bytes, CBOR_DEPTH_MAX + 2));
    is_int(cbor_skip(&c), -1);
}

static void test_find(void)
{
    uint8_t bytes[64];
    /* {"a": 1, "b": [2, 3], "cc": "x"} */
    size_t n = from_hex("a3616101616282020362636361"
                        "78",
                        bytes);
    struct cur c = cur_of(span_of(bytes, n)), v;
    struct cbor_item it;
    is_int(cbor_find(c, "a", &v), 1);
    ok(cbor_get(&v, &it) == 1 && it.type == CBOR_UINT && it.n == 1);
    is_int(cbor_find(c, "b", &v), 1);
    ok(cbor_get(&v, &it) == 1 && it.type == CBOR_ARRAY && it.n == 2);
    is_int(cbor_find(c, "cc", &v), 1);
    ok(cbor_get(&v, &it) == 1 && it.type == CBOR_TEXT && span_is(it.s, "x"));
    is_int(cbor_find(c, "c", &v), 0);
    is_int(cbor_find(c, "", &v), 0);
    is_int(cbor_find(cur_of(span_of(bytes, n - 1)), "d", &v), -1);
    is_int(cbor_find(cur_of(span_of("\x81\0", 2)), "a", &v), -1);
    is_int(cbor_find(cur_of(span_of("", 0)), "a", &v), -1);
    is_int(cbor_find(cur_of(span_of("\xa1\0\0", 3)), "a", &v), -1);
    ok(cbor_key_cmp(span_str("b"), span_str("aa")) < 0);
    ok(cbor_key_cmp(span_str("ab"), span_str("aa")) > 0);
    ok(cbor_key_cmp(span_str("aa"), span_str("aa")) == 0);
}

static uint64_t next(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void random_item(uint64_t *x, unsigned depth)
{
    static const char keys[][4] = {"a", "b", "aa", "ab", "ccc"};
    uint64_t v = next(x) >> next(x) % 64;
    switch (next(x) % (depth < 4 ? 7 : 5)) {
    case 0:
        cbor_put_uint(&out, v);
        break;
    case 1:
        cbor_put_int(&out, (int64_t)v);
        break;
    case 2:
        cbor_put_bytes(&out, span_of(&v, v % 9));
        break;
    case 3:
        cbor_put_text(&out, span_of(&v, v % 9));
        break;
    case 4:
        cbor_put_bool(&out, v & 1);
        break;
    case 5:
        cbor_put_head(&out, CBOR_ARRAY, v % 30);
        for (unsigned i = 0; i < v % 30; i++)
            random_item(x, depth + 2);
        break;
    default:
        cbor_put_head(&out, CBOR_MAP, v % 6);
        for (unsigned i = 0; i < v % 6; i++) {
            cbor_put_key(&out, keys[i]);
            random_item(x, depth + 1);
        }
    }
}

/* Does libcbor read the bytes, all of them, and write them the same again? */
static bool oracle_agrees(struct span s)
{
    struct cbor_load_result result;
    cbor_item_t *item = cbor_load(s.p, s.n, &result);
    unsigned char *again = NULL;
    size_t size = 0, n = item ? cbor_serialize_alloc(item, &again, &size) : 0;
    bool same = item && result.error.code == CBOR_ERR_NONE && result.read == s.n &&
                span_eq(span_of(again, n), s);
    free(again);
    if (item)
        cbor_decref(&item);
    return same;
}

static void test_oracle(void)
{
    uint64_t x = 88172645463325252u;
    unsigned invalid = 0, differ = 0, accepted = 0, refused = 0;
    for (unsigned i = 0; i < 20000; i++) {
        out.n = 0;
        random_item(&x, 0);
        invalid += !cbor_valid(buf_as_span(&out));
        differ += !oracle_agrees(buf_as_span(&out));
        struct cur c = cur_of(buf_as_span(&out));
        invalid += cbor_skip(&c) != 1 || cur_left(&c);
        /* what still is valid with bytes changed must be so to the oracle */
        for (unsigned changes = 1 + next(&x) % 3; changes; changes--)
            out.p[next(&x) % out.n] = (uint8_t)next(&x);
        bool valid = cbor_valid(buf_as_span(&out));
        accepted += valid;
        refused += valid && !oracle_agrees(buf_as_span(&out));
    }
    is_int(invalid, 0);
    is_int(differ, 0);
    ok(accepted > 1000, "enough mutations are valid");
    is_int(refused, 0);
}

int main(void)
{
    test_scalars();
    test_strings();
    test_nested();
    test_validity();
    test_depth();
    test_find();
    test_oracle();
    buf_free(&out);
    return tap_done();
}
