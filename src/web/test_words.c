/* The words' machinery, and the catalogues themselves: every language has every key with the same
 * places, and every key that a source names is there. */
#include "web/words.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>

#include "base/file.h"
#include "base/tap.h"
#include "web/words_impl.h"

#define SOURCE_MAX (1u << 20)

static struct buf out;

static const char *done(void)
{
    buf_byte(&out, 0);
    return (const char *)out.p;
}

/* ---- the machinery, with a catalogue of its own ---- */

static const struct words_entry entries[] = {
    {"a.args", "%2 before %1, and 100%"},
    {"a.bad", "[a](b) [x] ** *a* [open](%1"},
    {"a.link", "See [the **log** of %2](%1) & more"},
    {"a.strong", "It **is <so>**"},
};
static const struct words own = {"xx", entries, sizeof entries / sizeof *entries};

#define PUT(...)   (out.n = 0, words_put(&out, &own, __VA_ARGS__, NULL), done())
#define PLAIN(...) (out.n = 0, words_plain(&out, &own, __VA_ARGS__, NULL), done())

static void test_fill(void)
{
    is_str(PUT("a.args", "<1>", "two"), "two before &lt;1&gt;, and 100%");
    is_str(PLAIN("a.args", "<1>", "two"), "two before <1>, and 100%");
    is_str(PUT("a.args", "one"), " before one, and 100%");
    is_str(PUT("a.strong"), "It <strong>is &lt;so&gt;</strong>");
    is_str(PLAIN("a.strong"), "It is <so>");
    is_str(PUT("a.link", "/log?a=1&b=2", "\"x\""),
           "See <a href=\"/log?a=1&amp;b=2\">the <strong>log</strong> of &quot;x&quot;</a> &amp; "
           "more");
    is_str(PUT("a.link", "https://x.example/", "x"),
           "See <a href=\"https://x.example/\" rel=\"noreferrer\">the <strong>log</strong> of "
           "x</a> &amp; more");
    const char *const bad[] = {"javascript:alert(1)",
                               "//evil.example/",
                               "/\\evil.example",
                               "data:text/html,x",
                               "JavaScript:x",
                               "",
                               " /x",
                               "vbscript:x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_str(PUT("a.link", bad[i], "x"), "See the <strong>log</strong> of x &amp; more");
    is_str(PUT("a.bad", "/x"), "[a](b) [x] ** *a* [open](/x");
    is_str(PUT("a.none"), "a.none");
    is_str(PUT("a.args", "\xd7\x90", "b"), "b before <bdi>\xd7\x90</bdi>, and 100%");
    is_str(PUT("a.args",
               "1\xe2\x80\xaf"
               "000",
               "\xd0\x96"),
           "\xd0\x96 before 1\xe2\x80\xaf"
           "000, and 100%");
    ok(words_have(&own, "a.link") && !words_have(&own, "a.lin") && !words_have(&own, "a.linkx"));
    /* what an argument says is no markup */
    is_str(PUT("a.args", "[x](%1) **y** %2", "z"), "z before [x](%1) **y** %2, and 100%");
}

/* ---- languages ---- */

static const char *negotiated(const char *accept, char *const *languages)
{
    return words_language(words_negotiated(span_str(accept), languages));
}

static void test_languages(void)
{
    char *const all[] = {"en", "ru", "ar", NULL}, *const two[] = {"ru", "en", NULL},
                *const odd[] = {"xx", "ar", NULL}, *const none[] = {"xx", NULL};
    const struct {
        const char *accept;
        char *const *languages;
        const char *want;
    } cases[] = {
        {"", all, "en"},
        {"ru", all, "ru"},
        {"ru-RU,ru;q=0.9,en-US;q=0.8,en;q=0.7", all, "ru"},
        {"RU-ru", all, "ru"},
        {"de,ar;q=0.5", all, "ar"},
        {"de", all, "en"},
        {"de", two, "ru"},
        {"en;q=0.2, ru;q=0.8", all, "ru"},
        {"en;q=0, *", all, "ru"},
        {"*", two, "ru"},
        {"ar", two, "ru"},
        {"ru;q=0", two, "ru"},
        {"ru;q=0, *;q=0.1", two, "en"},
        {"en, ru", all, "en"},
        {"ru, en", all, "ru"},
        {"ru;q=2, en", all, "en"},
        {"ru;q=0.9999, en;q=0.1", all, "en"},
        {"ru;q=x,ar", all, "ar"},
        {"ru;q=", all, "en"},
        {", ,;q=1,,ru", all, "ru"},
        {"ru_RU", all, "en"},
        {"zh-Hant-x-ru, ar-EG", all, "ar"},
        {"en", odd, "ar"},
        {"ru", none, "en"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        is_str(negotiated(cases[i].accept, cases[i].languages), cases[i].want);
    ok(words_in(span_str("ru-RU")) == words_in(span_str("ru")) && words_in(span_str("RU")));
    ok(words_in(span_str("r")) == NULL && words_in(span_of(NULL, 0)) == NULL &&
       words_in(span_str("-ru")) == NULL);
    ok(words_rtl(words_in(span_str("ar"))) && !words_rtl(words_in(span_str("ru"))));
    is_str(words_name(words_in(span_str("ru"))), "Русский");
    struct buf many = {0};
    for (int i = 0; i < 5000; i++)
        buf_str(&many, "de;q=0.1,");
    buf_str(&many, "ru");
    is_str(words_language(words_negotiated(buf_as_span(&many), all)), "en"); /* too far behind */
    buf_free(&many);
}

/* ---- the catalogues ---- */

/* The places of a text: a bit for each of %1 ... %9; links; strong words. */
static unsigned places(const char *text)
{
    unsigned bits = 0, links = 0, strong = 0;
    for (const char *p = text; *p; p++) {
        if (p[0] == '%' && p[1] >= '1' && p[1] <= '9')
            bits |= 1u << (p[1] - '1');
        links += p[0] == ']' && p[1] == '(';
        strong += p[0] == '*' && p[1] == '*';
    }
    return bits | links << 12 | strong << 20;
}

static void test_catalogues(void)
{
    const struct words *first = words_in(span_str("en"));
    ok(first && first->n > 100);
    for (const struct words *w = words_table; w->language; w++) {
        int missing = 0;
        for (const struct words *o = words_table; o->language; o++)
            for (size_t i = 0; i < o->n; i++)
                if (!words_have(w, o->entries[i].key) && ++missing)
                    printf("# %s has no %s\n", w->language, o->entries[i].key);
        ok(missing == 0, "a language has every key");
        int odd = 0;
        for (size_t i = 0; i < w->n; i++) {
            const char *text = w->entries[i].text;
            if (!text[0] || !span_is_utf8(span_str(text)) ||
                places(text) != places(words_raw(first, w->entries[i].key))) {
                printf("# %s: %s has other places, or nothing\n", w->language, w->entries[i].key);
                odd++;
            }
        }
        ok(odd == 0, "with the same places");
    }
}

/* ---- what sources name ---- */

static bool is_topic(const char *topic, size_t n)
{
    const struct words *en = words_in(span_str("en"));
    for (size_t i = 0; i < en->n; i++)
        if (strncmp(en->entries[i].key, topic, n) == 0 && en->entries[i].key[n] == '.')
            return true;
    return false;
}

/* "topic.key" within quotes: letters as a key has them, a catalogue's topic before the first dot. A
 * string with a conversion in it ("check.%s.title") is made up at run time: its parts are not known
 * here. */
static int check_source(struct span text, const char *path)
{
    const struct words *en = words_in(span_str("en"));
    int missing = 0;
    for (size_t i = 0; i + 1 < text.n; i++) {
        char key[128];
        size_t n = 0, dot = 0;
        if (text.p[i] != '"')
            continue;
        for (size_t k = i + 1; k < text.n && n < sizeof key - 1; k++, n++) {
            uint8_t c = text.p[k];
            if (!islower(c) && !isdigit(c) && c != '.' && c != '-' && c != '_')
                break;
            if (c == '.' && !dot)
                dot = n;
            key[n] = (char)c;
        }
        key[n] = 0;
        if (!dot || i + 1 + n >= text.n || text.p[i + 1 + n] != '"' || key[n - 1] == '.' ||
            strcmp(key + dot, ".js") == 0 || strcmp(key + dot, ".css") == 0 || !is_topic(key, dot))
            continue;
        if (!words_have(en, key)) {
            printf("# %s names %s, which no catalogue has\n", path, key);
            missing++;
        }
        i += n + 1;
    }
    return missing;
}

static void test_sources(void)
{
    const char *root = getenv("EBB_SOURCE_ROOT");
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    struct err err;
    int missing = 0, files = 0;
    DIR *dir = root && file_path(path, &err, "%s/src/app/public", root) == 0 ? opendir(path) : NULL;
    if (!dir) {
        tap_skip("keys that sources name", "EBB_SOURCE_ROOT is not set");
        return;
    }
    for (struct dirent *d; (d = readdir(dir));) {
        size_t n = strlen(d->d_name);
        if (n < 3 || strcmp(d->d_name + n - 2, ".c") != 0)
            continue;
        text.n = 0;
        if (file_path(path, &err, "%s/src/app/public/%s", root, d->d_name) == 0 &&
            file_read(path, SOURCE_MAX, &text, &err) == 0) {
            missing += check_source(buf_as_span(&text), d->d_name);
            files++;
        }
    }
    closedir(dir);
    buf_free(&text);
    ok(files >= 5 && missing == 0, "every key that a source names is there");
}

int main(void)
{
    test_fill();
    test_languages();
    test_catalogues();
    test_sources();
    buf_free(&out);
    return tap_done();
}
