/* Charsets of mail to UTF-8. */
#include "wire/charset.h"

#include "base/tap.h"
#include "wire/mime.h"
#include "wire/mime_vector.h"

#define BYTES(text) span_of(text, sizeof(text) - 1)

static struct charset_set *set;
static struct arena arena;

static void check(const char *label, struct span in, int want, const char *text)
{
    struct span out;
    int rc = charset_to_utf8(set, span_str(label), in, &arena, &out);
    if (!tap_int(rc, want, label, __FILE__, __LINE__))
        printf("# of %s\n", text);
    is_str(arena_copy(&arena, out.p, out.n), text);
    ok(charset_is_utf8(out), "well-formed");
}

static void in_place(const char *label, struct span in)
{
    struct span out;
    is_int(charset_to_utf8(set, span_str(label), in, &arena, &out), 0);
    ok(out.p == in.p && out.n == in.n, "itself");
}

static void test_ours(void)
{
    in_place("utf-8", BYTES("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"));
    in_place("", BYTES("gr\xc3\xbc\xc3\x9f"));
    in_place("US-ASCII", BYTES("plain"));
    in_place("iso-8859-1", BYTES("plain"));
    in_place("koi8-r", BYTES("plain"));
    in_place("iso-2022-jp", BYTES("plain"));
    in_place("gb2312", BYTES("plain ~ \\"));
    in_place("Shift_JIS", BYTES("plain ~ \\"));
    in_place("utf-8", BYTES("a\0b"));
    in_place("", BYTES(""));
    check("iso-8859-1", BYTES("gr\xfc\xdf \x93x\x94 \x80"), 0, "grüß “x” €");
    check("Latin1", BYTES("\xe9"), 0, "é");
    check("cp1252", BYTES("\x80\x81"), 0, "€\xc2\x81");
    check("us-ascii", BYTES("\xe9t\xe9"), 2, "été");
    check("us-ascii", BYTES("\xc3\xa9"), 2, "é");
    check("", BYTES("\xe9t\xe9"), 0, "été");
    check("no-such-thing", BYTES("\xe9"), 1, "é");
    check("no-such-thing", BYTES("e"), 1, "e");
    check("%CHARSET", BYTES("\xc3\xa9"), 1, "é");
    check("utf-8", BYTES("a\xc3(\xe2\x82z\xff\xed\xa0\x80"), 2,
          "a\uFFFD(\uFFFDz\uFFFD\uFFFD\uFFFD\uFFFD");
    check("UTF8", BYTES("\xf0\x9f\x98"), 2, "\uFFFD");
    check("utf-8", BYTES("\xc0\xaf\xf4\x90\x80\x80"), 2, "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD");
}

static void test_tables(void)
{
    check("koi8-r", BYTES("\xf0\xd2\xc9\xd7\xc5\xd4 abcdefghijk \xf0"), 0, "Привет abcdefghijk П");
    check("windows-1251", BYTES("\xcf\xf0\xe8\xe2\xe5\xf2"), 0, "Привет");
    check("CP-1251", BYTES("\xcf"), 0, "П");
    check("win1251", BYTES("\xcf"), 0, "П");
    check("windows-1250", BYTES("\xb9\xe6"), 0, "ąć");
    check("iso-8859-2", BYTES("\xb1\xe6"), 0, "ąć");
    check("iso-8859-15", BYTES("\xa4"), 0, "€");
    check("iso-8859-9", BYTES("\xfd\x80"), 0, "ı€");
    check("windows-1253", BYTES("\xe1\xe2"), 0, "αβ");
    check("iso-8859-7", BYTES("\xe1\xe2"), 0, "αβ");
    check("iso-8859-8-i", BYTES("\xe0"), 0, "א");
    check("windows-1256", BYTES("\xc7"), 0, "ا");
    check("tis-620", BYTES("\xa1"), 0, "ก");
    check("koi8-u", BYTES("\xa4"), 0, "є");
    check("ibm866", BYTES("\x8f"), 0, "П");
    check("iso-8859-6", BYTES("\xa1"), 2, "\uFFFD");
    check("ibm037", BYTES("\xc1\x82\x40"), 0, "Ab ");
}

static void test_icu(void)
{
    check("gb2312", BYTES("\xc4\xe3\xba\xc3 ok"), 0, "你好 ok");
    check("GBK", BYTES("\x87\xd6"), 0, "囍");
    check("gb18030", BYTES("\x81\x30\x81\x30\xc4\xe3"), 0, "\xc2\x80你");
    check("big5", BYTES("\xa7\x41\xa6\x6e"), 0, "你好");
    check("shift_jis", BYTES("\x82\xb1\x82\xf1\xb1"), 0, "こんｱ");
    check("euc-jp", BYTES("\xa4\xb3\xa4\xf3"), 0, "こん");
    check("euc-kr", BYTES("\xb0\xa1"), 0, "가");
    check("ks_c_5601-1987", BYTES("\x8c\x63"), 0, "똠");
    check("iso-2022-jp", BYTES("\x1b$B$3$s\x1b(B!"), 0, "こん!");
    check("iso-2022-kr", BYTES("\x1b$)C\x0e\x30\x21\x0f!"), 0, "가!");
    check("iso-2022-jp", BYTES("\x82\xb1\x82\xf1"), 2, "こん");
    check("hz-gb-2312", BYTES("~{Dc:C~}!"), 0, "你好!");
    check("utf-7", BYTES("+AOQ-bc"), 0, "äbc");
    check("unicode-1-1-utf-7", BYTES("+AOQ-bc"), 0, "äbc");
    check("utf-16", BYTES("\xff\xfe\x61\0\x3d\xd8\0\xde"), 0, "a😀");
    check("utf-16le", BYTES("\x3d\xd8\x61\0"), 2, "\uFFFDa");
    check("utf-16be", BYTES("\0a\0"), 2, "a\uFFFD");
    check("utf-32be", BYTES("\0\1\xf6\0"), 0, "😀");
    check("gb2312", BYTES("\xff\xc4"), 2, "\uFFFD\uFFFD");
    check("gb2312", BYTES("\xc4"), 2, "\uFFFD");
    check("big5*en", BYTES("\xa7\x41"), 0, "你");
}

/* Labels are cached by what is left of them; a set meets any number of them. */
static void test_labels(void)
{
    char label[200];
    struct span out;
    bool good = true;
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(label, sizeof label, "x-%u-%u", i, i * i);
        good = good && charset_to_utf8(set, span_str(label), BYTES("\xe9"), &arena, &out) == 1;
    }
    ok(good, "20,000 unknown labels");
    memset(label, 'a', sizeof label);
    is_int(charset_to_utf8(set, span_of(label, sizeof label), BYTES("\xe9"), &arena, &out), 1);
    check("K O I 8 - R", BYTES("\xf0"), 0, "П");
    check("../../../etc/passwd", BYTES("a"), 1, "a");
    check("koi8-r", BYTES("\xf0"), 0, "П");
    check("windows-1251", BYTES("\xcf"), 0, "П");
}

/* Long texts: what is a converter's and what is ours, around the pivot's and the vectors' edges. */
static void test_long(void)
{
    struct span out;
    struct buf in = {0};
    bool good = true;
    for (size_t n = 1; n < 5000; n += 61) {
        in.n = 0;
        for (size_t i = 0; i < n; i++)
            buf_put(&in, i % 3 ? "\xc4\xe3" : "ab", 2);
        good = good && charset_to_utf8(set, span_str("gbk"), buf_as_span(&in), &arena, &out) == 0;
        good = good && out.n == (n + 2) / 3 * 2 + (n - (n + 2) / 3) * 3 && charset_is_utf8(out);
        good =
            good && charset_to_utf8(set, span_str("koi8-r"), buf_as_span(&in), &arena, &out) == 0;
        good = good && out.n == (n + 2) / 3 * 2 + (n - (n + 2) / 3) * 4 && charset_is_utf8(out);
    }
    ok(good, "long texts");
    in.n = 0;
    for (size_t i = 0; i < 3000; i++)
        buf_put(&in, "\x81\x30\x81\x30", 4);
    is_int(charset_to_utf8(set, span_str("gb18030"), buf_as_span(&in), &arena, &out), 0);
    is_int(out.n, 6000);
    buf_free(&in);
}

int main(void)
{
    set = charset_open();
    test_ours();
    test_tables();
    test_icu();
    test_labels();
    test_long();
    mime_decode_scalar(true);
    test_ours();
    test_tables();
    charset_close(set);
    charset_close(NULL);
    arena_free(&arena);
    return tap_done();
}
