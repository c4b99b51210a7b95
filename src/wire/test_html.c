/* HTML as mail has it: what is seen, what is not, what it links to. */
#include "wire/html.h"
#include "wire/html_scan.h"
#include "wire/test_span.h"

static struct arena arena;
static uint8_t *copies[1024]; /* of inputs: links point into them, so they are kept until the end */
static unsigned n_copies;

static struct html read_html(const char *text)
{
    struct html h;
    uint8_t *copy = exact(span_str(text));
    html_read(span_of(copy, strlen(text)), &arena, &h);
    if (n_copies == sizeof copies / sizeof *copies)
        abort();
    copies[n_copies++] = copy;
    return h;
}

static void seen_is(const char *html, const char *visible, const char *hidden)
{
    struct html h = read_html(html);
    bool good = span_is(h.visible, visible) && span_is(h.hidden, hidden);
    tap_check(good, "text as seen", __FILE__, __LINE__, "text as seen");
    if (!good)
        printf("#       of %s\n#  visible \"%.*s\"\n#     want \"%s\"\n#   hidden \"%.*s\"\n#     "
               "want \"%s\"\n",
               html, (int)h.visible.n, h.visible.p, visible, (int)h.hidden.n, h.hidden.p, hidden);
}

static void anomalies_are(const char *html, uint32_t want)
{
    struct html h = read_html(html);
    if (!tap_check(h.anomalies == want, html, __FILE__, __LINE__, "anomalies"))
        printf("#   got %#x, want %#x\n", h.anomalies, want);
}

static void test_text(void)
{
    seen_is("", "", "");
    seen_is("  plain  text \r\n here ", "plain text here", "");
    seen_is("a<b>b</b>c", "abc", "");
    seen_is("a<br>b<p>c<div>d</div>e<hr>f", "a\nb\nc\nd\ne\nf", "");
    seen_is("<table><tr><td>1<td>2<tr><td>3</td><td>4</td></table>5", "1 2\n3 4\n5", "");
    seen_is("<ul><li>x<li>y</ul>z", "x\ny\nz", "");
    seen_is("<pre>a  b\n c</pre>d\ne", "a b\nc\nd e", "");
    seen_is("<div style='white-space:pre'>a\nb</div>", "a\nb", "");
    seen_is("1 < 2 <3 <", "1 < 2 <3 <", "");
    seen_is("a<img src=x>b", "a b", "");
    seen_is("a\x01"
            "b\xc2\xa0"
            "c\xc3\xa9",
            "ab c\xc3\xa9", "");
    seen_is("<xmp><b>x</b>\ny</xmp>z", "<b>x</b>\ny\nz", "");
    seen_is("<plaintext><b>x</plaintext>", "<b>x</plaintext>", "");
    seen_is("a<script>if (a<b) document.write('</b>')</script>b", "ab", "");
    seen_is("a<style>p{color:red}</style>b<iframe>no</iframe>c", "ab c", "");
    seen_is("<a title='>'>x</a><a title=\">\" b>y", "xy", "");
    seen_is("<P ALIGN=left\n>x</P\n>y", "x\ny", "");
    seen_is("a</>b</ x>c<?xml version=1?>d<!DOCTYPE html>e", "abcde", "");
    seen_is("<", "<", "");
    seen_is("x<a", "x", "");
    seen_is("x<a href=\"y>z", "x", "");
}

static void test_entities(void)
{
    seen_is("&lt;&gt;&amp;&quot;&apos;&nbsp;x", "<>&\"' x", "");
    seen_is("&eacute;&Eacute;&euro;&hellip;&afr;",
            "\xc3\xa9\xc3\x89\xe2\x82\xac\xe2\x80\xa6\xf0\x9d\x94\x9e", "");
    seen_is("&#65;&#x42;&#X43;&#68 &#x45", "ABCD E", "");
    seen_is("&copy2007 &ampx &notit; &notin;",
            "\xc2\xa9"
            "2007 &x \xc2\xacit; \xe2\x88\x89",
            "");
    seen_is("&#128;&#150;&#x99;", "\xe2\x82\xac\xe2\x80\x93\xe2\x84\xa2", "");
    seen_is("&#0;&#xd800;&#x110000;&#99999999999;",
            "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", "");
    seen_is("AT&T & &; &# &#x &unknown; R&D", "AT&T & &; &# &#x &unknown; R&D", "");
    seen_is("a&#10;&#32;&nbsp; b", "a b", "");
    anomalies_are("AT&T &amp; &lt;", 0);
    anomalies_are("&unknown;", HTML_BAD_ENTITY);
    anomalies_are("&lt 1", HTML_BAD_ENTITY);
    anomalies_are("&#0;", HTML_BAD_ENTITY);
}

static void test_split(void)
{
    anomalies_are("v<b></b>iagra", HTML_SPLIT_WORDS);
    anomalies_are("via<!--x-->gra", HTML_SPLIT_WORDS);
    anomalies_are("via<xyzzy>gra", HTML_SPLIT_WORDS);
    anomalies_are("via</font>gra", HTML_SPLIT_WORDS);
    anomalies_are("vi<span style=display:none>q</span>agra", HTML_SPLIT_WORDS | HTML_HIDDEN_TEXT);
    anomalies_are("<b>D</b>rop caps", 0);
    anomalies_are("two <!--x-->words <b></b>here", 0);
    anomalies_are("two<br><!--x-->words", 0);
    anomalies_are("name<st1:place>s</st1:place>", 0);
    seen_is("via<!--x-->gra ci<b></b>al<xyz>is", "viagra cialis", "");
    seen_is("vi<span style=display:none>q</span>agra", "viagra", "q");
}

static void hidden_is(const char *style)
{
    char html[256];
    snprintf(html, sizeof html, "a<div style=\"%s\">b</div>c", style);
    seen_is(html, "a\nc", "b");
}

static void shown_is(const char *style)
{
    char html[256];
    snprintf(html, sizeof html, "a<div style=\"%s\">b</div>c", style);
    seen_is(html, "a\nb\nc", "");
}

static void test_hidden(void)
{
    static const char *const hidden[] = {"display:none",
                                         "DISPLAY : None !important",
                                         "color:red;display:none",
                                         "display:/**/none",
                                         "/*x*/display:none",
                                         "visibility:hidden",
                                         "font-size:0",
                                         "font-size:1px",
                                         "font-size: 2pt;",
                                         "font:1px arial",
                                         "font:bold 0px/1.2 x",
                                         "font-size:0.1em",
                                         "font-size:5%",
                                         "color:white",
                                         "color:#fff",
                                         "color:#FFFFFE",
                                         "color:rgb(255, 250,255)",
                                         "color:fefefe",
                                         "color:transparent",
                                         "color:rgba(0,0,0,0)",
                                         "background:black",
                                         "background-color:#000",
                                         "background:#010101 none",
                                         "color:#336699;background:#346698",
                                         "opacity:0",
                                         "opacity:0.0",
                                         "text-indent:-9999px",
                                         "position:absolute;left:-5000px",
                                         "position:absolute;top:-999em",
                                         "margin-left:-9999px",
                                         "height:0;overflow:hidden",
                                         "max-height:0px;overflow:hidden",
                                         "width:1px;overflow:hidden",
                                         "mso-hide:all"};
    static const char *const shown[] = {"",
                                        "display:block",
                                        "color:#333",
                                        "color:red",
                                        "font-size:3px",
                                        "font-size:9pt",
                                        "font:12px x",
                                        "font-size:small",
                                        "font-size:200%",
                                        "color:#ddd",
                                        "color:#ffffcc",
                                        "opacity:.9",
                                        "height:0",
                                        "overflow:hidden",
                                        "left:-5000px",
                                        "background:url(x.gif) white;color:white",
                                        "color:nocolor",
                                        "background:url('data:a;color:white')",
                                        "margin-left:-20px",
                                        "text-indent:-18pt",
                                        "visibility:visible",
                                        "display",
                                        ":none",
                                        "display:none;display:block",
                                        "xdisplay:none",
                                        "font-family:none;color:",
                                        "width:0%;overflow:scroll"};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        hidden_is(hidden[i]);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        shown_is(shown[i]);
    seen_is("a<p hidden>b</p>c", "a\nc", "b");
    seen_is("<font color=white>x</font>y<font color=#FEFEFEFEF>z</font>", "y", "x z");
    seen_is("<font color=#FFFFFF1>yellow</font>", "yellow", "");
    seen_is("<font color=FFFFFE>x</font><font color=chucknorris>y</font>", "y", "x");
    seen_is("<body bgcolor=#000000 text=white>a<font color=black>b</font><font color=red>c", "ac",
            "b");
    seen_is("<body bgcolor=black>a<table bgcolor=white><tr><td>b</table>", "b", "a");
    seen_is(
        "<table><tr bgcolor=#102030><td><font color='#112233'>a</font><td bgcolor=white>b</table>",
        "b", "a");
    seen_is("<font color=white>a<a href=x>b</a></font>", "b", "a");
    seen_is("<body link=white>a<a href=x>b</a>", "a", "b");
    seen_is("<font size=1>a</font><font size=0>b</font><font size=-9>c</font>", "abc", "");
    seen_is("<div style=display:none>a<p style=display:block>b<font size=7>c</div>d", "d", "a\nbc");
    seen_is("<div style=visibility:hidden>a<b style=visibility:visible>b</b>c</div>", "b", "a c");
    seen_is("<span style=font-size:0>a<span style=font-size:12px>b</span>c</span>d", "bd", "a c");
    seen_is("<body><title>a</title>b<!-- some words here -->c<!-- x -->", "bc",
            "a\nsome words here");
    seen_is("<!-- <b>more</b> words -->a<!this is filler text>b<!--[if mso]>x<![endif]-->", "ab",
            "more words\nthis is filler text");
    seen_is("a<img alt='a picture'>b", "a b", "a picture");
    seen_is("a<noscript>b<img src=x></noscript>c", "a c", "b");
    seen_is("a<textarea>some words in a form</textarea>b", "a b", "some words in a form");
    seen_is("<style>.x{display:none}#y,p.z{color:#fff}</style>a<b class='q x'>b</b><i id=y>c</i><p "
            "class=z>d</p><i class=z>e",
            "a\ne", "bc\nd");
    seen_is("<style><!-- /* c */ @media print { .x{color:red} } td { font-size: 0 } "
            "a:hover{display:none}--></style>"
            "a<table><td>b<a href=x>c</a></table>",
            "a", "bc");
    seen_is("<style>.x{display:none}</style><p class=x style='display:block'>a", "a", "");
    seen_is("<style>body{background:#000}</style><body>a<font color=white>b", "b", "a");
    /* what was read before is what it was, but for new rules and other tags */
    seen_is("<i style='color:#fff'>a</i><b style='color:#fff'>b</b><b style='color:#f00'>c</b><b "
            "style='color:#fff'>d</b>",
            "c", "ab d");
    seen_is("<style>p.x{color:#fff}</style><p class=x>a</p><div class=x>b</div><p class=x>c</p>"
            "<style>.x{display:none}</style><p class=x>d</p><div class=x>e</div>",
            "b", "a\nc\nd\ne");
    seen_is("<style>.x{color:#fff}#y{color:#000}</style><i class=x id=y>a</i><i class=x>b</i><i "
            "class=x id=y>c</i><i class=x style='color:#000'>d</i><i style='color:#000'>e</i>",
            "acde", "b");
    anomalies_are("<font color=white>...</font>a", 0);
    anomalies_are("<font color=white>x</font>", HTML_HIDDEN_TEXT);
    anomalies_are("<title>x</title><noscript>y</noscript><!-- two words -->", 0);
    anomalies_are("<script>x</script>", HTML_SCRIPT);
    anomalies_are("<!-- x", HTML_UNCLOSED);
    anomalies_are("<style>x", HTML_UNCLOSED);
    anomalies_are("<b", HTML_UNCLOSED);
}

/* Elements end where they should, also without end tags. */
static void test_nesting(void)
{
    seen_is("<table><tr><td style=display:none>a<td>b<tr><td>c</table>", "b\nc", "a");
    seen_is("<p style=display:none>a<p>b", "b", "a");
    seen_is("<ul><li style=display:none>a<li>b</ul>", "b", "a");
    seen_is("<font color=white>a<table><tr><td>b</font>c</table>d</font>e", "e", "a\nbc\nd");
    seen_is("<b><i style=display:none>a</b>b", "b", "a");
    seen_is("<div style=display:none>a</p></span></td>b</div>c", "c", "a\nb");
    struct buf deep = {0};
    for (unsigned i = 0; i < 100; i++)
        buf_str(&deep, "<div>");
    buf_str(&deep, "<div style=display:none>");
    buf_str(&deep, "a");
    for (unsigned i = 0; i < 101; i++)
        buf_str(&deep, "</div>");
    buf_str(&deep, "<p style=display:none>b</p>c");
    buf_byte(&deep, 0);
    seen_is((char *)deep.p, "a\nc", "b"); /* too deep for a style of its own; the rest is right */
    buf_free(&deep);
}

static void links_are(const char *html, const char *want)
{
    struct html h = read_html(html);
    struct buf got = {0};
    for (unsigned i = 0; i < h.links; i++)
        buf_printf(&got, "%c%s:%.*s ", "AIFRO"[h.link[i].kind], h.link[i].hidden ? "-" : "",
                   (int)h.link[i].url.n, h.link[i].url.p);
    if (!tap_check(span_is(buf_as_span(&got), want), html, __FILE__, __LINE__, "links"))
        printf("#   got \"%.*s\"\n#  want \"%s\"\n", (int)got.n, got.p, want);
    buf_free(&got);
}

static void test_links(void)
{
    links_are("<a href=http://x/?a=1&amp;b=2&copy=3>t</a>", "A:http://x/?a=1&b=2&copy=3 ");
    links_are("<A HREF = ' x y '>t</A><img SRC=\"z\"/>", "A:x y I:z ");
    links_are("<form action=f><iframe src=g></iframe><area href=h><link href=i><body background=j>",
              "F:f R:g A:h O:i I:j ");
    links_are("<a href=x></a><a href=y><img src=z></a><a href=w><font color=white>t</font></a>",
              "A-:x A:y I:z A-:w ");
    links_are("<div style=display:none><a href=x>t</a><img src=y></div>", "A-:x I-:y ");
    links_are("<img src=x width=1 height=1><img src=y width=1 height=50>", "I-:x I:y ");
    links_are("<span style=font-size:0><a href=x><img src=y></a></span>", "A:x I:y ");
    links_are("<meta http-equiv=refresh content='0; URL=http://x/'>", "O:http://x/ ");
    links_are("<a href='' href=x>t</a><a name=x>", "");
    links_are("<a href=x href=y>t", "A:x ");
    struct html h = read_html("<base href='http://b/'><base href=c><img><img src=x>");
    is_span(h.base, "http://b/");
    is_int(h.images, 2);
    struct buf many = {0};
    for (unsigned i = 0; i < HTML_LINKS_MAX + 10; i++)
        buf_printf(&many, "<a href=%u>x</a>", i);
    html_read(buf_as_span(&many), &arena, &h);
    is_int(h.links, HTML_LINKS_MAX);
    ok(h.anomalies & HTML_CUT);
    is_span(h.link[HTML_LINKS_MAX - 1].url, "255");
    buf_free(&many);
}

/* The vector loops and the bytewise ones agree. */
static void test_scan(void)
{
    static const char alphabet[] = "ab  <&\n\x01\xc2\xa0>/=\t\f\rxyzefghijklmnopqrstuvwxyz";
    uint8_t in[80], a[128], b[128];
    unsigned seed = 7, wrong = 0;
    for (unsigned round = 0; round < 20000; round++) {
        size_t n = 1 + round % sizeof in;
        for (size_t i = 0; i < n; i++) {
            seed = seed * 1103515245 + 12345;
            in[i] = (uint8_t)alphabet[(seed >> 16) % (round & 1 ? sizeof alphabet - 1 : 3)];
        }
        uint8_t *copy = exact(span_of(in, n)), *wa = a, *wb = b;
        const uint8_t *x = html_copy(&wa, copy, copy + n),
                      *y = html_copy_bytewise(&wb, copy, copy + n);
        /* the vectors may stop early at a space, and never late */
        wrong += x > y || (x < y && *x != ' ') || memcmp(a, b, (size_t)(wa - a)) != 0 ||
                 wa - a != x - copy;
        wrong += html_find(copy, copy + n, '<') != html_find_bytewise(copy, copy + n, '<');
        unsigned kinds_a = 0, kinds_b = 0;
        const uint8_t *end = copy + n;
        wrong += html_name_end(copy, end) != html_name_end_bytewise(copy, end);
        wrong += html_attr_end(copy, end) != html_attr_end_bytewise(copy, end);
        wrong += html_value_end(copy, end) != html_value_end_bytewise(copy, end);
        for (x = copy; x < end; x++)
            if ((y = html_blank(x, end, &kinds_a)) != html_blank_bytewise(x, end, &kinds_b) ||
                kinds_a != kinds_b)
                wrong++;
            else
                x = y;
        free(copy);
    }
    is_int(wrong, 0);
}

/* Hostile input takes time in proportion to its length, and the limits hold. */
static void test_hostile(void)
{
    static const char *const pieces[] = {"<",
                                         "<a ",
                                         "<a href='",
                                         "<!--",
                                         "<!-- --",
                                         "&",
                                         "&#",
                                         "</b>",
                                         "<b>",
                                         "<td>",
                                         "<table>",
                                         "<a class='x x x x x x x x x x'>",
                                         "<style>.x{",
                                         "<style>.x{color:red}",
                                         "<div style='a:b;",
                                         "<style>a{a:(;",
                                         "a:(;",
                                         "<style>a{b:c}</style>",
                                         "<title>",
                                         "</title",
                                         "<font color=#",
                                         "<p><li><td><font>",
                                         "<b a a a a",
                                         "<svg/>",
                                         "<!x>",
                                         "<div></table>"};
    struct buf big = {0};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct html h;
        big.n = 0;
        while (big.n < HTML_INPUT_MAX + 100)
            buf_str(&big, pieces[i]);
        html_read(buf_as_span(&big), &arena, &h);
        ok(h.visible.n <= HTML_INPUT_MAX && h.hidden.n <= HTML_INPUT_MAX &&
               (h.anomalies & HTML_CUT),
           "hostile input");
        arena_reset(&arena);
    }
    big.n = 0;
    while (big.n < HTML_INPUT_MAX + 10)
        buf_str(&big, "\xe2\x82\xac");
    struct html h;
    html_read(buf_as_span(&big), &arena, &h);
    ok(span_is_utf8(h.visible) && h.visible.n == HTML_INPUT_MAX / 3 * 3);
    buf_free(&big);
}

int main(void)
{
    test_text();
    test_entities();
    test_split();
    test_hidden();
    test_nesting();
    test_links();
    test_scan();
    test_hostile();
    arena_free(&arena);
    while (n_copies)
        free(copies[--n_copies]);
    return tap_done();
}
