#include "web/html.h"

#include "base/tap.h"

static struct buf out;

static const char *text(const char *s, size_t n)
{
    out.n = 0;
    html_text(&out, span_of(s, n));
    buf_byte(&out, 0);
    return (const char *)out.p;
}
#define TEXT(s) text(s, sizeof s - 1)

static void test_text(void)
{
    is_str(TEXT("<script>alert('x' & \"y\")</script>"),
           "&lt;script&gt;alert(&#39;x&#39; &amp; &quot;y&quot;)&lt;/script&gt;");
    is_str(TEXT("Привет, عالم \xf0\x9f\x98\x80"), "Привет, عالم \xf0\x9f\x98\x80");
    is_str(TEXT("a\tb\nc"), "a\tb\nc");
    is_str(TEXT("\r\x1b[31m\x7f"), "\xef\xbf\xbd\xef\xbf\xbd[31m\xef\xbf\xbd");
    is_str(TEXT("a\0b"), "a\xef\xbf\xbd"
                         "b");
    /* C1, RLO, RLI, LS, BOM, a tag, no character */
    is_str(
        TEXT(
            "\xc2\x85\xe2\x80\xae\xe2\x81\xa7\xe2\x80\xa8\xef\xbb\xbf\xf3\xa0\x81\x81\xef\xbf\xbf"),
        "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is_str(TEXT("\xe2\x80\x8d"), "\xe2\x80\x8d"); /* joiners are letters' own */
    /* overlong, surrogate, beyond, cut, a lone continuation */
    is_str(TEXT("\xc0\xbc"), "\xef\xbf\xbd\xef\xbf\xbd");
    is_str(TEXT("\xe0\x80\xbc"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is_str(TEXT("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is_str(TEXT("\xf4\x90\x80\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    is_str(TEXT("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
    is_str(TEXT("\x80<"), "\xef\xbf\xbd&lt;");
    is_str(TEXT(""), "");
}

/* Whatever the bytes are, what comes out is UTF-8 without a character of markup. */
static void test_any(void)
{
    uint32_t seed = 1;
    bool good = true;
    for (int round = 0; round < 20000 && good; round++) {
        char in[24];
        size_t n = 0;
        for (; n < sizeof in; n++) {
            seed = seed * 1664525u + 1013904223u;
            in[n] = (char)(seed >> 24);
        }
        const char *got = text(in, n);
        good = span_is_utf8(span_str(got)) && !strpbrk(got, "<>\"'");
    }
    ok(good, "any bytes");
}

static void test_rest(void)
{
    out.n = 0;
    html_attribute(&out, "href", span_str("/x?a=1&b=\" onclick=\"alert(1)"));
    buf_byte(&out, 0);
    is_str((const char *)out.p, " href=\"/x?a=1&amp;b=&quot; onclick=&quot;alert(1)\"");
    const struct {
        uint64_t n;
        const char *want;
    } counts[] = {{0, "0"},
                  {999, "999"},
                  {1000, "1\xe2\x80\xaf"
                         "000"},
                  {1600000, "1\xe2\x80\xaf"
                            "600\xe2\x80\xaf"
                            "000"}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        out.n = 0;
        html_count(&out, counts[i].n);
        buf_byte(&out, 0);
        is_str((const char *)out.p, counts[i].want);
    }
    out.n = 0;
    html_url_part(&out, span_of("a-Z_0.~/?#%\0\xff", 13));
    buf_byte(&out, 0);
    is_str((const char *)out.p, "a-Z_0.~%2F%3F%23%25%00%FF");
}

int main(void)
{
    test_text();
    test_any();
    test_rest();
    buf_free(&out);
    return tap_done();
}
