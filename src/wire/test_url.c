/* URLs as mail has them: parsed, found in text, disguised, unwrapped, and their shapes. */
#include "wire/mime.h"
#include "wire/text.h"
#include "wire/url.h"
#include "wire/url_find.h"
#include "wire/url_plain.h"
#include "wire/test_span.h"

static struct arena arena;

static void print_url(const struct url *u, struct buf *b)
{
    buf_printf(b, "%.*s://", (int)u->scheme.n, u->scheme.p);
    if (u->userinfo.n)
        buf_printf(b, "%.*s@", (int)u->userinfo.n, u->userinfo.p);
    buf_span(b, u->host);
    if (u->port)
        buf_printf(b, ":%u", u->port);
    buf_span(b, u->path);
    if (u->query.n)
        buf_printf(b, "?%.*s", (int)u->query.n, u->query.p);
    if (u->fragment.n)
        buf_printf(b, "#%.*s", (int)u->fragment.n, u->fragment.p);
}

static void parses_as(const char *text, const char *want, uint32_t disguises)
{
    struct url u;
    struct buf got = {0};
    struct span s = span_str(text);
    uint8_t *copy = exact(s);
    if (url_parse(span_of(copy, s.n), &arena, &u) < 0)
        buf_str(&got, "none");
    else
        print_url(&u, &got);
    bool good =
        span_is(buf_as_span(&got), want) && (!strcmp(want, "none") || u.disguises == disguises);
    if (!tap_check(good, want, __FILE__, __LINE__, want))
        printf("#       of %s\n#   got %.*s %#x\n#  want %s %#x\n", text, (int)got.n, got.p,
               u.disguises, want, disguises);
    buf_free(&got);
    free(copy);
}

/* What a browser makes of them (WHATWG URL; RFC 3986, 1.1.2 and 3). */
static void test_parse(void)
{
    parses_as("http://example.com/", "http://example.com/", 0);
    parses_as("HTTPS://Example.COM:443/A?B#C", "https://example.com/A?B#C", 0);
    parses_as("ftp://ftp.is.co.za/rfc/rfc1808.txt", "ftp://ftp.is.co.za/rfc/rfc1808.txt", 0);
    parses_as("http://www.ietf.org/rfc/rfc2396.txt", "http://www.ietf.org/rfc/rfc2396.txt", 0);
    parses_as("http://example.com:8042/over/there?name=ferret#nose",
              "http://example.com:8042/over/there?name=ferret#nose", 0);
    parses_as("http://example.com?q#f?g", "http://example.com?q#f?g", 0);
    parses_as("http://example.com#f", "http://example.com#f", 0);
    parses_as("http://example.com:/x", "http://example.com/x", 0);
    parses_as("http://example.com./x", "http://example.com/x", 0);
    parses_as("  http://example.com/a b  ", "http://example.com/a b", 0);
    parses_as("http://a_b.example.com/", "http://a_b.example.com/", 0);
    parses_as("http://localhost/x", "http://localhost/x", 0);
    parses_as("//example.com/x", "http://example.com/x", URL_NO_SCHEME);
    parses_as("www.example.org/x", "http://www.example.org/x", URL_NO_SCHEME);
    parses_as("example.com:8080/x", "http://example.com:8080/x", URL_NO_SCHEME);
    parses_as("http:example.com/x", "http://example.com/x", 0);
    parses_as("http:/example.com/x", "http://example.com/x", 0);
    parses_as("http:\\\\example.com\\x", "http://example.com\\x", URL_BACKSLASH);
    parses_as("http:///example.com/x", "http://example.com/x", 0);
    parses_as("ht\ntp://exam\r\n\tple.com/x", "http://example.com/x", URL_BACKSLASH);
    parses_as("http://user:pass@example.com/", "http://user:pass@example.com/", URL_USERINFO);
    parses_as("http://www.bank.example@evil.example/", "http://www.bank.example@evil.example/",
              URL_USERINFO);
    parses_as("http://a@b@c.example/", "http://a@b@c.example/", URL_USERINFO);
    parses_as("http://x.example/@y?z@w", "http://x.example/@y?z@w", 0);
    static const char *const none[] = {"",
                                       " ",
                                       "http://",
                                       "http:///",
                                       "mailto:a@example.com",
                                       "javascript:alert(1)",
                                       "cid:part1@x",
                                       "data:text/html,x",
                                       "file:///etc/passwd",
                                       "/path",
                                       "?query",
                                       "#fragment",
                                       "index.html",
                                       "foo/bar.html",
                                       "a@example.com",
                                       "http://a b.example/",
                                       "http://a<b.example/",
                                       "http://example.com:99999/",
                                       "http://example.com:8x/",
                                       "http://a..b/",
                                       "http://.example.com/",
                                       "http://256.1.1.1/",
                                       "http://1.2.3.4.5/",
                                       "http://0x100000000/",
                                       "http://[::1/",
                                       "http://[zz]/",
                                       "http://a%00b.example/",
                                       "http://%zz/",
                                       "http://\xff.example/",
                                       "tel:+1",
                                       "x",
                                       "http://@/",
                                       "about:blank",
                                       "skype:x?call"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        parses_as(none[i], "none", 0);
}

static void test_hosts(void)
{
    const uint32_t number = URL_ADDRESS | URL_NUMBER_HOST;
    parses_as("http://192.0.2.1/", "http://192.0.2.1/", URL_ADDRESS);
    parses_as("http://3221225985/", "http://192.0.2.1/", number);
    parses_as("http://0xC0000201/", "http://192.0.2.1/", number);
    parses_as("http://0300.0.2.1/", "http://192.0.2.1/", number);
    parses_as("http://192.0.513/", "http://192.0.2.1/", number);
    parses_as("http://192.513/", "http://192.0.2.1/", number);
    parses_as("http://0xc0.0x0.0x2.0x1./", "http://192.0.2.1/", number);
    parses_as("http://%31%39%32.0.2.1/", "http://192.0.2.1/", URL_ADDRESS | URL_ENCODED_HOST);
    parses_as("http://[2001:DB8::1]:8080/", "http://2001:db8::1:8080/", URL_ADDRESS);
    parses_as("http://ex%61mple.com/", "http://example.com/", URL_ENCODED_HOST);
    parses_as("http://example&#46;com/x#y", "http://example.com/x#y", URL_ENCODED_HOST);
    parses_as("http://b\xc3\xbc"
              "cher.example/",
              "http://xn--bcher-kva.example/", 0);
    parses_as("http://B\xc3\x9c"
              "CHER.example/",
              "http://xn--bcher-kva.example/", 0);
    parses_as("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example/", 0);
    parses_as("http://example\xe3\x80\x82"
              "com/",
              "http://example.com/", URL_ODD_DOTS);
    parses_as("http://example\xef\xbc\x8e"
              "com/",
              "http://example.com/", URL_ODD_DOTS);
    parses_as("http://\xef\xbd\x85xample.com/", "http://example.com/", 0);
    parses_as("http://exam\xe2\x80\x8bple.com/", "http://example.com/", URL_ODD_CHARS);
    parses_as("http://\xe2\x80\xae"
              "example.com/",
              "http://example.com/", URL_ODD_CHARS);
    parses_as("hxxp://example.com/", "http://example.com/", URL_DEFANGED);
    parses_as("hXXps://example[.]com/", "https://example.com/", URL_DEFANGED);
    parses_as("h**p://example(dot)com/x", "http://example.com/x", URL_DEFANGED);
    parses_as("http[:]//example{.}com/x", "http://example.com/x", URL_DEFANGED);
    parses_as("www . example . com", "http://www.example.com", URL_NO_SCHEME | URL_SPACED);
    parses_as("example dot com", "http://example.com", URL_NO_SCHEME | URL_SPACED);
    struct url u;
    ok(url_parse(span_str("http://0xc0000201/"), &arena, &u) == 0 && ip_v4(&u.ip) == 0xc0000201);
}

static void finds(const char *text, const char *want)
{
    struct url u[16];
    struct buf got = {0};
    struct span s = span_str(text);
    uint8_t *copy = exact(s);
    size_t n = url_find(span_of(copy, s.n), &arena, u, 16);
    for (size_t i = 0; i < n; i++) {
        print_url(&u[i], &got);
        buf_byte(&got, ' ');
    }
    if (!tap_check(span_is(buf_as_span(&got), want), want, __FILE__, __LINE__, want))
        printf("#       in %s\n#   got %.*s\n#  want %s\n", text, (int)got.n, got.p, want);
    buf_free(&got);
    free(copy);
}

static void test_find(void)
{
    finds("See http://example.com/x. Or (http://example.com/y), or <http://example.com/z>!",
          "http://example.com/x http://example.com/y http://example.com/z ");
    finds("http://example.com/a_(b) and (see http://example.com/c_(d)).",
          "http://example.com/a_(b) http://example.com/c_(d) ");
    finds("\"http://example.com/\" 'http://example.org/' [http://example.net/]",
          "http://example.com/ http://example.org/ http://example.net/ ");
    finds("visit www.example.org, or example.com/x or Example.NET now.",
          "http://www.example.org http://example.com/x http://example.net ");
    finds("mail a@example.com, john.doe@mail.example.org; <x.y@z.com>", "");
    finds("mailto:a@example.com", "");
    finds("e.g. 3.50 i.e. setup.exe and readme.txt, a.m. done.It was v1.2.3 at 10.0.0.1", "");
    finds("line\nhttp://example.com/abc\ndef", "http://example.com/abc ");
    finds("texthttp://example.com/", "http://example.com/ ");
    finds("http://example.com:8080/x http://user@example.com/",
          "http://example.com:8080/x http://user@example.com/ ");
    finds("http://[2001:db8::1]/x", "http://2001:db8::1/x ");
    finds("http://example.com,http://example.org", "http://example.com http://example.org ");
    finds("ftp://example.com/x file:///x gopher://example.com/x", "ftp://example.com/x ");
    finds("http://3221225985/x", "http://192.0.2.1/x ");
    finds("hxxp://example[.]com/x and example[.]org and bad(dot)com",
          "http://example.com/x http://example.org http://bad.com ");
    finds("go to www . example . com today", "http://www.example.com ");
    finds("go to example dot com today", "http://example.com ");
    finds("the end . Then on . And so", "");
    finds("a polka dot dress, dot to dot", "");
    finds("(domain.com) [a.b.example.co.uk]", "http://domain.com http://a.b.example.co.uk ");
    finds("\xe8\xae\xbf\xe9\x97\xaewww.example.com\xe6\x9f\xa5\xe7\x9c\x8b",
          "http://www.example.com ");
    finds("http://example.com\xe6\x9f\xa5\xe7\x9c\x8b", "http://example.com ");
    finds("b\xc3\xbc"
          "cher.de \xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.\xd1\x80\xd1\x84",
          "http://xn--bcher-kva.de http://xn--e1afmkfd.xn--p1ai ");
    finds("www\xe3\x80\x82"
          "example\xe3\x80\x82"
          "com",
          "http://www.example.com ");
    finds("http://ex\xe2\x80\x8b"
          "ample.com/",
          "http://example.com/ ");
    finds("http://example&#46;com/", "http://example.com/ ");
    finds("http://example.com\\x", "http://example.com\\x ");
    finds("http:// example.com", "http://example.com ");
    finds("http://", "");
    finds("", "");
    finds("://", "");
    finds("http://a", "http://a ");
    finds("a.com.", "http://a.com ");
    finds("\xe2\x80\x9chttp://example.com/x\xe2\x80\x9d", "http://example.com/x ");
}

static void test_redirect(void)
{
    finds("http://www.google.com/url?sa=t&q=http://evil.example/x&ei=1",
          "http://www.google.com/url?sa=t&q=http://evil.example/x&ei=1 http://evil.example/x ");
    finds("http://rds.yahoo.com/_ylt=A/SIG=1/**http%3A//evil.example/%3Fa=b",
          "http://rds.yahoo.com/_ylt=A/SIG=1/**http%3A//evil.example/%3Fa=b "
          "http://evil.example/?a=b ");
    finds("http://r.example/?http://evil.example/?a=1&b=2",
          "http://r.example/?http://evil.example/?a=1&b=2 http://evil.example/?a=1&b=2 ");
    finds("http://r.example/"
          "r?url=http%3A%2F%2Fs.example%2Fr%3Fu%3Dhttp%253A%252F%252Fevil.example%252F",
          "http://r.example/"
          "r?url=http%3A%2F%2Fs.example%2Fr%3Fu%3Dhttp%253A%252F%252Fevil.example%252F "
          "http://s.example/r?u=http%3A%2F%2Fevil.example%2F http://evil.example/ ");
    finds("http://r.example/?redirect=www.example.com",
          "http://r.example/?redirect=www.example.com http://www.example.com ");
    finds("http://r.example/?ref=http://example.com/ http://r.example/a/httpd",
          "http://r.example/?ref=http://example.com/ http://r.example/a/httpd ");
    finds("http://a.example/http://b.example/http://c.example/http://d.example/http://e.example/"
          "http://f.example/",
          "http://a.example/http://b.example/http://c.example/http://d.example/http://e.example/"
          "http://f.example/ "
          "http://b.example/http://c.example/http://d.example/http://e.example/http://f.example/ "
          "http://c.example/http://d.example/http://e.example/http://f.example/ "
          "http://d.example/http://e.example/http://f.example/ ");
}

static void shape_is(const char *text, const char *want)
{
    struct url u;
    struct buf got = {0};
    if (url_parse(span_str(text), &arena, &u) == 0)
        url_shape(&u, &got);
    is_span(buf_as_span(&got), want);
    buf_free(&got);
}

static uint32_t random_next(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void random_text(char *out, size_t n, const char *alphabet, uint32_t *seed)
{
    for (size_t i = 0; i < n; i++)
        out[i] = alphabet[random_next(seed) % strlen(alphabet)];
    out[n] = 0;
}

/* How many of 1,000 URLs of one campaign have its commonest shape's text. */
static unsigned stable(const char *alphabet, size_t length, const char *shape)
{
    uint32_t seed = 1;
    unsigned same = 0;
    for (unsigned i = 0; i < 1000; i++) {
        char id[64], host[16], text[256];
        struct url u;
        struct buf got = {0};
        random_text(host, 8, "abcdefghij", &seed);
        random_text(id, length, alphabet, &seed);
        snprintf(text, sizeof text, "http://%s.%s/shop/%s.html?id=%u&u=%s", host,
                 i & 1 ? "com" : "cn", id, random_next(&seed) % 100000, id);
        if (url_parse(span_str(text), &arena, &u) == 0)
            url_shape(&u, &got);
        same += span_is(buf_as_span(&got), shape);
        buf_free(&got);
    }
    return same;
}

static void test_shape(void)
{
    shape_is("http://example.com/rx/9f3a.php?id=123", "/a/x.php?a=0");
    shape_is("http://other.example/qq/77b1.php?id=9", "/a/x.php?a=0");
    shape_is("http://example.com", "/");
    shape_is("http://example.com/", "/");
    shape_is("http://example.com?x", "/?a");
    shape_is("http://example.com/cheap-blue-pills-online/", "/a-a/");
    shape_is("http://example.com/cheap-pills/", "/a-a/");
    shape_is("http://example.com/2007/04/12/x.html", "/0/0/0/a.html");
    shape_is("http://example.com/a1b2/XyZwQ", "/x/x");
    shape_is("http://example.com/bcdfghjk/%41%42", "/x/x");
    shape_is("http://example.com/?a=1&b=2&c=", "/?a=0&a=0&a=");
    shape_is("http://example.com//x", "//a");
    const char *hex = "0123456789abcdef", *base36 = "0123456789abcdefghijklmnopqrstuvwxyz";
    ok(stable(hex, 16, "/a/x.html?a=0&a=x") >= 990);
    ok(stable(base36, 12, "/a/x.html?a=0&a=x") >= 950);
    ok(stable("0123456789", 6, "/a/0.html?a=0&a=0") == 1000);
    ok(stable("ab-cde", 1, "/a/a.html?a=0&a=a") > 700);
}

/* The vector loop finds the places that the bytewise one does. */
static void test_places(void)
{
    static const char alphabet[] = "abdot.. :/\\[({})]\xe3\x80\x82\xef\xbc\x8e\xbd\xa1";
    uint32_t seed = 3;
    unsigned wrong = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char text[100];
        random_text(text, round % 90, alphabet, &seed);
        struct span s = span_str(text);
        uint8_t *copy = exact(s);
        s.p = copy;
        for (size_t i = 0; i <= s.n; i++) {
            size_t at = url_next(s, i);
            wrong += at != url_next_bytewise(s, i);
            wrong += vector_is_on() && at != url_next_avx2(s, i);
            i = at;
        }
        free(copy);
    }
    is_int(wrong, 0);
}

/* The loops over usual URLs do what the bytewise ones do. */
static void test_plain_loops(void)
{
    static const char alphabet[] = "aB09-/?#%&=tTpPwW.;<>\"` \t\x7f\xc2\xa0";
    uint32_t seed = 5;
    unsigned wrong = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char text[100];
        struct url_marks a = {0}, b = {0};
        random_text(text, round % 90, alphabet + (round & 1 ? 0 : 3), &seed);
        struct span s = span_str(text);
        uint8_t *copy = exact(s);
        s.p = copy;
        bool good = url_marks(s, &a), same = good == url_marks_bytewise(s, &b);
        wrong += !same || (good && (a.query != b.query || a.fragment != b.fragment));
        wrong += url_may_hold(s) != url_may_hold_bytewise(s);
        for (size_t i = 0; i < s.n; i += 7)
            wrong += url_next_end(s.p, i, s.n) != url_next_end_bytewise(s.p, i, s.n);
        free(copy);
    }
    is_int(wrong, 0);
}

static bool same_url(const struct url *a, const struct url *b)
{
    return span_eq(a->scheme, b->scheme) && span_eq(a->userinfo, b->userinfo) &&
           span_eq(a->host, b->host) && span_eq(a->path, b->path) && span_eq(a->query, b->query) &&
           span_eq(a->fragment, b->fragment) && a->port == b->port &&
           a->disguises == b->disguises && a->text.n == b->text.n &&
           memcmp(&a->ip, &b->ip, sizeof a->ip) == 0;
}

/* A scheme in capitals takes the long way round: to the same results. */
static void test_plain(void)
{
    static const char alphabet[] = "aab.c.com/?#:@%41 .\\.&=-_9x[]()\n\t\xc2\xa0\xe3\x80\x82,;!\"<";
    static struct url a[16], b[16];
    uint32_t seed = 7;
    unsigned wrong = 0, parsed = 0, found = 0;
    for (unsigned round = 0; round < 60000; round++) {
        char text[256], tail[100], capital[256];
        random_text(tail, round % 60, alphabet, &seed);
        snprintf(text, sizeof text, "xx http%s://%s%s", round & 1 ? "s" : "",
                 round & 2   ? "www.ab-c.com"
                 : round & 4 ? "x.net/"
                             : "",
                 tail);
        memcpy(capital, text, sizeof text);
        capital[4] = 'T';
        struct span s = span_str(text), c = span_str(capital);
        size_t n = url_find(s, &arena, a, 16);
        wrong += n != url_find(c, &arena, b, 16);
        for (size_t i = 0; i < n; i++)
            wrong += !same_url(&a[i], &b[i]) || a[i].text.p - s.p != b[i].text.p - c.p;
        found += n > 0;
        int rc = url_parse(text_behind(s, 3), &arena, a);
        wrong += rc != url_parse(text_behind(c, 3), &arena, b) || (rc == 0 && !same_url(a, b));
        parsed += rc == 0;
        arena_reset(&arena);
    }
    is_int(wrong, 0);
    ok(parsed > 20000 && found > 20000);
}

/* Hostile text takes time in proportion, and no more room than was given. */
static void test_hostile(void)
{
    static const char *const pieces[] = {"http://",
                                         "a.",
                                         ".",
                                         "a . ",
                                         "a dot ",
                                         "http://a",
                                         "http://a..b/",
                                         "http://a:99999/",
                                         "(.",
                                         "[.]a",
                                         "\xe3\x80\x82",
                                         "www.",
                                         "a@",
                                         "http:/",
                                         "a.com",
                                         "a.com ",
                                         "http://a.com/?u=http://",
                                         "/http:/-",
                                         "http://[",
                                         "&#46;",
                                         "http://a@",
                                         "\xc3\xbc.",
                                         "))))",
                                         "http://x/))))",
                                         " . a.b.c"};
    struct buf big = {0};
    struct url u[64];
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        big.n = 0;
        while (big.n < 1u << 18)
            buf_str(&big, pieces[i]);
        ok(url_find(buf_as_span(&big), &arena, u, 64) <= 64, "hostile text");
        arena_reset(&arena);
        url_parse(buf_as_span(&big), &arena, u);
    }
    ok(url_find(span_str("a.com b.com c.com"), &arena, u, 2) == 2);
    ok(url_find(span_str("a.com b.com c.com"), &arena, u, 0) == 0);
    buf_free(&big);
}

int main(void)
{
    test_parse();
    test_hosts();
    test_find();
    test_redirect();
    test_shape();
    test_places();
    test_plain_loops();
    test_plain();
    mime_decode_scalar(true);
    test_find();
    test_hostile();
    arena_free(&arena);
    return tap_done();
}
