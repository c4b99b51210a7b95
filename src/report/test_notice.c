/* Notices' words: templates that are good and bad, values that try to be more than words, layouts,
 * mails. */
#include "base/tap.h"
#include "base/utc.h"
#include "report/notice_layout.h"
#include "report/notice_message.h"
#include "report/notice_template.h"
#include "wire/mime.h"

static bool says(struct buf *b, const char *want)
{
    bool good = span_is(buf_as_span(b), want);
    if (!good)
        printf("# %.*s\n", (int)b->n, b->p ? (const char *)b->p : "");
    buf_free(b);
    return good;
}

static struct notice_values some_values(void)
{
    static const struct span items[] = {{(const uint8_t *)"a.example", 9},
                                        {(const uint8_t *)"b.example", 9}};
    struct notice_values v = {.items = items, .n_items = 2};
    v.text[NOTICE_PARTY] = span_str("Tom & <Jerry>");
    v.text[NOTICE_COURT] = span_str("District Court");
    return v;
}

static const char *fault(const char *words, enum notice_form form)
{
    static struct err err;
    err.text[0] = 0;
    return notice_template_check(span_str(words), form, NULL, &err) == 0 ? "" : err.text;
}

static void test_check(void)
{
    is_str(fault("To {{party}},\r\n\t{{ court }}\n", NOTICE_TEXT), "");
    is_str(fault("a\n{{nonsense}}", NOTICE_TEXT), "line 2: there is no {{nonsense}}");
    is_str(fault("{{}}", NOTICE_TEXT), "line 1: there is no {{}}");
    is_str(fault("a\n\n{{party", NOTICE_TEXT), "line 3: {{ without }}");
    is_str(fault("{{party\n}}", NOTICE_TEXT), "line 1: {{ without }}");
    is_str(fault("a }} {{party}}", NOTICE_TEXT), "line 1: }} without {{");
    is_str(fault("{{assets}}{{party}}{{assets}}", NOTICE_TEXT),
           "line 1: more than one list in a line");
    is_str(fault(" \n\t\r\n", NOTICE_TEXT), "an empty template");
    is_str(fault("a\x01", NOTICE_TEXT), "line 1: a control character");
    is_str(fault("a\xc2\x85", NOTICE_TEXT), "line 1: a control character");
    is_str(fault("a\xe2\x80\xae", NOTICE_TEXT), "line 1: a character that forces direction");
    is_str(fault("a\xe2\x80\x8f", NOTICE_TEXT), "");
    is_str(fault("\xff", NOTICE_TEXT), "a template is UTF-8 without NUL");
    is_str(fault("<ScRiPt>", NOTICE_HTML), "line 1: a notice has no scripts");
    is_str(fault("<ScRiPt>", NOTICE_TEXT), "");
    bool used[NOTICE_VALUES];
    notice_template_check(span_str("{{party}} {{web}}"), NOTICE_TEXT, used, NULL);
    ok(used[NOTICE_PARTY] && used[NOTICE_WEB] && !used[NOTICE_COURT], "what it asks for");
    ok(notice_form_of(span_str("html")) == NOTICE_HTML &&
           notice_form_of(span_str("x")) == NOTICE_FORMS,
       "forms by name");
    for (unsigned i = 0; i < NOTICE_VALUES; i++)
        if (!notice_value_name((enum notice_value)i)[0] ||
            !notice_value_about((enum notice_value)i)[0])
            ok(0, "a value without a name");
}

static void test_fill(void)
{
    struct notice_values v = some_values();
    struct buf out = {0};
    struct err err;
    ok(notice_template_fill(span_str("To {{party}}\r\n - {{assets}}\nEnd"), NOTICE_TEXT, &v, &out,
                            &err) == 0 &&
           says(&out, "To Tom & <Jerry>\n - a.example\n - b.example\nEnd\n"),
       "text: a line an item");
    ok(notice_template_fill(span_str("<p title=\"{{party}}\">{{party}}</p>\n<li>{{assets}}</li>"),
                            NOTICE_HTML, &v, &out, &err) == 0 &&
           says(&out, "<p title=\"Tom &amp; &lt;Jerry&gt;\">Tom &amp; &lt;Jerry&gt;</p>\n"
                      "<li>a.example</li>\n<li>b.example</li>\n"),
       "HTML: values are escaped");
    v.text[NOTICE_PARTY] = span_str("a\r\nBcc: x\x1b[0m\xe2\x80\xae'\"");
    ok(notice_template_fill(span_str("{{party}}"), NOTICE_HTML, &v, &out, &err) == 0 &&
           says(&out, "a\xef\xbf\xbd\xef\xbf\xbd"
                      "Bcc: x\xef\xbf\xbd[0m\xef\xbf\xbd&#39;&quot;\n"),
       "controls and overrides are shown as what they are");
    v.text[NOTICE_PARTY] = span_str("{{court}}");
    ok(notice_template_fill(span_str("{{party}}"), NOTICE_TEXT, &v, &out, &err) == 0 &&
           says(&out, "{{court}}\n"),
       "a value is no template");
    v.text[NOTICE_PARTY] = span_str("\xff\xfe");
    ok(notice_template_fill(span_str("{{party}}"), NOTICE_TEXT, &v, &out, &err) == 0 &&
           says(&out, "\xef\xbf\xbd\n"),
       "nor what is not UTF-8");
    buf_str(&out, "before");
    ok(notice_template_fill(span_str("a\nb {{web}}"), NOTICE_TEXT, &v, &out, &err) == -61, "hole");
    ok(strstr(err.text, "line 2: {{web}} is not known") && out.n == 6,
       "is an error, and nothing out");
    v.n_items = 0;
    ok(notice_template_fill(span_str("{{assets}}"), NOTICE_TEXT, &v, &out, &err) == -61,
       "an empty list is a hole, too");
    v = some_values();
    struct buf big = {0};
    for (int i = 0; i < 13000; i++)
        buf_str(&big, "{{court}} {{party}}\n");
    struct span *items = calloc(NOTICE_ITEMS_MAX + 1, sizeof *items);
    for (size_t i = 0; i <= NOTICE_ITEMS_MAX; i++)
        items[i] = span_str("nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn.example");
    v.items = items;
    v.n_items = NOTICE_ITEMS_MAX;
    ok(notice_template_fill(
           span_str("{{assets}}\n{{assets}}\n{{assets}}\n{{assets}}\n{{assets}}\n"), NOTICE_TEXT,
           &v, &out, &err) == -27,
       "more than NOTICE_OUTPUT_MAX");
    v.n_items++;
    ok(notice_template_fill(span_str("{{party}}"), NOTICE_TEXT, &v, &out, &err) == -27,
       "more than NOTICE_ITEMS_MAX");
    ok(notice_template_check(buf_as_span(&big), NOTICE_TEXT, NULL, NULL) == 0 ||
           big.n > NOTICE_TEMPLATE_MAX,
       "long, and good");
    free(items);
    buf_free(&big);
    buf_free(&out);
}

static int collect(void *ctx, struct span words, bool line)
{
    buf_printf(ctx, "%s%.*s|", line ? "-" : "", (int)words.n, (const char *)words.p);
    return 0;
}

static void test_layout(void)
{
    struct span subject, body;
    struct arena arena = {0};
    struct notice_layout l;
    struct err err;
    struct buf out = {0};
    notice_text_split(span_str("Subject:  A b \n\nTo you\n"), &subject, &body);
    ok(span_is(subject, "A b") && span_is(body, "To you\n"), "a text's subject");
    notice_text_split(span_str("To you\n"), &subject, &body);
    ok(!subject.n && span_is(body, "To you\n"), "or none");
    notice_text_split(span_str("subject:"), &subject, &body);
    ok(!subject.n && !body.n, "or an empty one");
    notice_paragraphs(span_str("This line is as long as lines of this text are ever written here\n"
                               "and goes on.\n\n  item\n- item\nCourt: x\nDocket: y\n"),
                      collect, &out);
    ok(says(&out, "This line is as long as lines of this text are ever written here and goes on.|"
                  "-item|-- item|Court: x\nDocket: y|"),
       "paragraphs are joined where they were wrapped");
    ok(notice_layout(
           span_str("Heading: H\r\nCourt: A\ncourt: B\n\nwords\nof it\n[names] N\na\n\nb\n"
                    "[box] B\none\ntwo\n[words]\nX: y\n"),
           &arena, &l, &err) == 0,
       "an advertisement");
    ok(span_is(l.heading, "H") && span_is(l.court, "A\nB") && l.n == 4, "its fields and parts");
    ok(l.part[0].kind == NOTICE_PART_WORDS && !l.part[0].head.n, "words in front");
    ok(span_is(l.part[1].words, "a\nb") && span_is(l.part[1].head, "N"), "names");
    ok(span_is(l.part[2].words, "one\ntwo") && span_is(l.part[3].words, "X: y"), "box, words");
    ok(notice_layout(span_str("[frame]\n"), &arena, &l, &err) == -22 &&
           strcmp(err.text, "line 1: a part is [words], [names] or [box]") == 0,
       "another part");
    arena_free(&arena);
}

static void test_message(void)
{
    struct notice_message m = {.from_name = span_str("Example \"Counsel\""),
                               .from = span_str("notice@ebb.example"),
                               .to_name = span_str("ООО\r\nBcc: x@y.example"),
                               .to = span_str("a@b.example"),
                               .subject = span_str("Извещение\r\nBcc: x@y.example"),
                               .message_id = span_str("notice-1@ebb.example"),
                               .date = 1000000 * UTC_SECOND,
                               .language = "ru",
                               .text = span_str("Текст\nFrom here\n"),
                               .html = span_str("<p>Текст</p>\n")};
    struct buf out = {0};
    struct arena arena = {0};
    struct mime_scanner *scanner = mime_scanner_new();
    struct mime mime;
    struct err err;
    ok(notice_message(&m, &out, &err) == 0, "a mail");
    mime_scan(scanner, buf_as_span(&out), &arena, &mime);
    ok(mime.anomalies == 0 && mime.parts == 3, "of two parts");
    ok(!mime_header(&mime, 0, "Bcc") &&
           span_is(mime_header(&mime, 0, "To")->value, "a@b.example") == 0,
       "without headers of others' making");
    ok(span_is(span_trim(mime.part[1].body), "Текст\r\nFrom here\r\n") ||
           memmem(mime.part[1].body.p, mime.part[1].body.n, "Текст", 10),
       "its text");
    buf_free(&out);
    m.to = span_str("a@b.example\r\nx");
    ok(notice_message(&m, &out, &err) == -22 && out.n == 0, "an address that is none");
    m.to = span_str("a@b.example");
    m.message_id = span_str("notice-1@");
    ok(notice_message(&m, &out, &err) == -22 && out.n == 0, "an id that is none");
    ok(notice_language_is_good(span_str("pt-BR")) &&
           notice_language_is_good(span_str("zh-Hans-CN")),
       "languages");
    ok(!notice_language_is_good(span_str("")) && !notice_language_is_good(span_str("e")) &&
           !notice_language_is_good(span_str("en-")) &&
           !notice_language_is_good(span_str("en_US")) &&
           !notice_language_is_good(span_str("abcdefghi")) &&
           !notice_language_is_good(span_str("1a")),
       "and what is none");
    mime_scanner_free(scanner);
    arena_free(&arena);
}

int main(void)
{
    test_check();
    test_fill();
    test_layout();
    test_message();
    return tap_done();
}
