#include "print/page.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"
#include "print/print.h"

static struct page_format format(void)
{
    struct page_format f = page_a4;
    f.title = "A test";
    f.language = "en";
    f.header = "Case 1";
    f.footer = "page %p of %n";
    f.date = 1300266000000000;
    return f;
}

/* ---- what Poppler reads back; nothing where it is not ---- */

static struct buf run(const char *command, struct span in)
{
    char path[] = "/tmp/ebb-test-XXXXXX", line[256];
    struct buf out = {0};
    int fd = mkstemp(path);
    if (fd < 0 || write(fd, in.p, in.n) != (ssize_t)in.n)
        abort();
    close(fd);
    snprintf(line, sizeof line, command, path);
    FILE *f = popen(line, "r");
    size_t n;
    while (f && (n = fread(buf_reserve(&out, 65536), 1, 65536, f)) > 0)
        out.n += n;
    if (!f || pclose(f) != 0)
        out.n = 0;
    unlink(path);
    return out;
}

static bool has_poppler(void)
{
    return system("pdftotext -v >/dev/null 2>&1") == 0;
}

/* Text as it was read, without blanks, line ends and page ends: what wrapping changes. */
static struct buf squeezed(struct span pdf)
{
    struct buf text = run("pdftotext -raw -nopgbrk %s -", pdf), out = {0};
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] > ' ')
            buf_byte(&out, text.p[i]);
    buf_free(&text);
    return out;
}

static bool has(const struct buf *text, const char *words)
{
    return text->n && memmem(text->p, text->n, words, strlen(words)) != NULL;
}

static unsigned count(const struct buf *text, const char *words)
{
    unsigned n = 0;
    size_t len = strlen(words);
    for (size_t i = 0; i + len <= text->n; i++)
        n += memcmp(text->p + i, words, len) == 0;
    return n;
}

static unsigned pages_of(const struct buf *pdf)
{
    struct buf info = run("pdfinfo %s", buf_as_span(pdf));
    const uint8_t *at = info.n ? memmem(info.p, info.n, "Pages:", 6) : NULL;
    unsigned n = at ? (unsigned)strtoul((const char *)at + 6, NULL, 10) : 0;
    buf_free(&info);
    return n;
}

/* ---- documents ---- */

static const struct page_columns columns = {.n = 3,
                                            .width = {1, 4, 3},
                                            .mono = {[2] = true},
                                            .right = {[0] = true},
                                            .title = {"No", "What", "Hash"}};

static void put_everything(struct page *p)
{
    page_heading(p, 1, span_str("Affidavit of service"));
    page_field(p, span_str("Court"), span_str("District Court"));
    page_heading(p, 2, span_str("Что было сделано"));
    for (int i = 0; i < 12; i++)
        page_item(p, span_str("1."),
                  span_str("The plaintiff says that the defendants control a "
                           "network of computers that others own."));
    page_rule(p);
    page_space(p, 5);
    page_text(p, &(struct page_style){.align = PAGE_JUSTIFY, .italic = true, .indent = 10},
              span_str("Повестка и извещение вручены."));
    page_table(p, &columns);
    for (int i = 0; i < 100; i++) {
        char n[16];
        snprintf(n, sizeof n, "row%03d", i);
        page_row(p, (struct span[]){span_str(n), span_str("a cell"), span_str("0123456789abcdef")});
    }
    page_table_end(p);
    page_break(p);
    page_signature(p, span_str("Name"));
}

static int make(struct buf *out, void (*put)(struct page *p), struct err *err)
{
    struct page_format f = format();
    struct page *p = page_open(&f);
    put(p);
    return page_close(p, out, err);
}

static void test_same_bytes(void)
{
    struct buf a = {0}, b = {0}, other = {0};
    struct err err;
    ok(make(&a, put_everything, &err) == 0 && make(&b, put_everything, &err) == 0);
    ok(a.n > 500 && memcmp(a.p, "%PDF-1.5", 8) == 0, "a PDF");
    ok(span_eq(buf_as_span(&a), buf_as_span(&b)), "the same calls give the same bytes");

    /* another process, with other addresses, and a font cache of its own */
    char path[] = "/tmp/ebb-test-XXXXXX", line[64];
    if (!mkdtemp(path))
        abort();
    int fds[2];
    if (pipe(fds) < 0)
        abort();
    if (fork() == 0) {
        setenv("XDG_CACHE_HOME", path, 1);
        dup2(fds[1], 1);
        close(fds[0]);
        close(fds[1]);
        execl("/proc/self/exe", "test_page", "print", NULL);
        _exit(127);
    }
    close(fds[1]);
    ssize_t n;
    while ((n = read(fds[0], buf_reserve(&other, 65536), 65536)) > 0)
        other.n += (size_t)n;
    close(fds[0]);
    wait(NULL);
    snprintf(line, sizeof line, "rm -rf %s", path);
    ok(system(line) == 0 && span_eq(buf_as_span(&a), buf_as_span(&other)),
       "in another process, too");

    if (has_poppler()) {
        struct buf text = squeezed(buf_as_span(&a));
        unsigned pages = pages_of(&a);
        char last[32];
        snprintf(last, sizeof last, "page%uof%u", pages, pages);
        ok(has(&text, "Affidavitofservice") && has(&text, "Чтобылосделано") &&
               has(&text, "Повесткаиизвещениевручены.") && has(&text, "DistrictCourt"),
           "words are there, in two scripts");
        ok(pages >= 3 && has(&text, last), "pages are counted");
        ok(count(&text, "Case1") == pages, "each has its head");
        bool rows = true;
        for (int i = 0; i < 100; i++) {
            snprintf(last, sizeof last, "row%03dacell0123456789abcdef", i);
            rows &= count(&text, last) == 1;
        }
        ok(rows, "every row is there once");
        ok(count(&text, "NoWhatHash") >= 2, "each page of a table has its titles");
        struct buf fonts = run("pdffonts %s", buf_as_span(&a));
        ok(fonts.n && !memmem(fonts.p, fonts.n, " no  no", 7) && has(&fonts, "yes yes"),
           "fonts are embedded");
        buf_free(&fonts);
        buf_free(&text);
    } else {
        tap_skip("what a reader sees", "no poppler-utils");
    }
    buf_free(&a);
    buf_free(&b);
    buf_free(&other);
}

/* ---- long things ---- */

#define LONG 60000

static void put_long(struct page *p)
{
    static char word[LONG + 1];
    memset(word, 'q', LONG);
    page_text(p, NULL, span_of(word, LONG));
    memset(word, 'w', LONG);
    page_table(p, &columns);
    page_row(p, (struct span[]){span_str("1"), span_of(word, LONG), span_str("END")});
    page_row(p, (struct span[]){span_str("2"), span_str("short"), span_str("ok")});
    page_table_end(p);
    memset(word, 'z', LONG);
    page_field(p, span_of(word, 3000), span_str("behind a long label"));
    page_heading(p, 2, span_of(word, 8000));
    page_item(p, span_of(word, 100), span_of(word, LONG));
    page_signature(p, span_of(word, 20000));
}

static unsigned letters(const struct buf *text, char c)
{
    unsigned n = 0;
    for (size_t i = 0; i < text->n; i++)
        n += text->p[i] == (uint8_t)c;
    return n;
}

static void test_long(void)
{
    struct buf out = {0};
    struct err err;
    ok(make(&out, put_long, &err) == 0, "words longer than pages");
    if (has_poppler()) {
        struct buf text = squeezed(buf_as_span(&out));
        is_int(letters(&text, 'q'), LONG);
        is_int(letters(&text, 'w'), LONG);
        is_int(letters(&text, 'z'), 3000 + 8000 + 100 + LONG + 20000);
        ok(has(&text, "END") && has(&text, "short") && has(&text, "behindalonglabel"));
        ok(!has(&text, "-"), "no hyphens are made up");
        buf_free(&text);
    }
    buf_free(&out);
}

/* ---- hostile text ---- */

static void is_clean(const char *in, size_t n, const char *want)
{
    struct buf out = {0};
    print_clean(&out, span_of(in, n));
    buf_byte(&out, 0);
    is_str((const char *)out.p, want);
    buf_free(&out);
}

#define BAD "\xef\xbf\xbd"

static void test_clean(void)
{
    is_clean("a\tb\r\nc\rd", 8, "a b\nc" BAD "d");
    is_clean("\0x\x1b[31m\x7f", 8, BAD "x" BAD "[31m" BAD);
    is_clean("\xff\xc3(", 3, BAD BAD "(");
    is_clean("\xed\xa0\x80", 3, BAD BAD BAD);
    is_clean("\xe2\x80\xaegpj.exe", 10, BAD "gpj.exe");                          /* RLO */
    is_clean("\xe2\x81\xa6x\xe2\x81\xa9", 7, BAD "x" BAD);                       /* isolates */
    is_clean("a\xe2\x80\x8b\xe2\x80\x8d", 7, "a" BAD BAD);                       /* zero width */
    is_clean("\xd8\xa8\xe2\x80\x8c\xd8\xa8", 7, "\xd8\xa8\xe2\x80\x8c\xd8\xa8"); /* Persian */
    is_clean("\xc2\x85\xe2\x80\xa8", 5, BAD BAD); /* NEL, line separator */
    is_clean("\xf3\xa0\x81\x81", 4, BAD);         /* tags */
    is_clean("<b>&amp;</b>", 12, "<b>&amp;</b>");
    struct buf marks = {0}, out = {0};
    buf_byte(&marks, 'a');
    for (int i = 0; i < 1000; i++)
        buf_str(&marks, "\xcc\x81");
    print_clean(&out, buf_as_span(&marks));
    is_int(count(&out, "\xcc\x81"), PRINT_MARKS_MAX);
    is_int(count(&out, BAD), 1000 - PRINT_MARKS_MAX);
    marks.n = out.n = 0;
    for (unsigned i = 0; i < 3 * PRINT_LINE_MAX; i++)
        buf_str(&marks, i % 100 ? "я" : " ");
    print_clean(&out, buf_as_span(&marks));
    is_int(count(&out, "я"), 3 * PRINT_LINE_MAX - (3 * PRINT_LINE_MAX + 99) / 100);
    ok(span_is_utf8(buf_as_span(&out)) && letters(&out, '\n') >= 5, "a line that is too long");
    buf_free(&marks);
    buf_free(&out);
}

static void put_hostile(struct page *p)
{
    struct buf all = {0};
    for (int i = 0; i < 4; i++)
        for (int c = 0; c < 256; c++)
            buf_byte(&all, (uint8_t)(i & 1 ? c : 255 - c));
    page_heading(p, 0, buf_as_span(&all));
    page_heading(p, 99, span_str(""));
    page_text(
        p,
        &(struct page_style){
            .size = 1e9, .before = -5, .after = 1e9, .indent = 1e9, .align = (enum page_align)77},
        buf_as_span(&all));
    page_item(p, buf_as_span(&all), span_str(""));
    page_text(p, NULL, span_str("<span foreground='white'>hidden</span> /Title (x) %PDF endobj"));
    page_text(p, NULL, span_of(NULL, 0));
    page_table(p, &columns);
    page_row(p, (struct span[]){buf_as_span(&all), buf_as_span(&all), {0}});
    page_table(p, &columns); /* without an end of the first, and without rows */
    buf_free(&all);
}

static void test_hostile(void)
{
    struct buf out = {0};
    struct err err;
    ok(make(&out, put_hostile, &err) == 0, "any bytes");
    if (has_poppler()) {
        struct buf text = squeezed(buf_as_span(&out));
        ok(has(&text, "<spanforeground='white'>hidden</span>"), "markup is shown, not read");
        buf_free(&text);
    }
    buf_free(&out);
}

/* ---- limits ---- */

static void put_pages(struct page *p)
{
    for (unsigned i = 0; i <= PAGE_PAGES_MAX; i++) {
        page_text(p, NULL, span_str("x"));
        page_break(p);
    }
}

static void put_blocks(struct page *p)
{
    for (unsigned i = 0; i <= PAGE_BLOCKS_MAX; i++)
        page_rule(p);
}

static void put_bytes(struct page *p)
{
    static char text[1 << 20];
    memset(text, 'x', sizeof text);
    for (unsigned i = 0; i <= PAGE_TEXT_MAX >> 20; i++)
        page_text(p, NULL, span_of(text, sizeof text));
}

static void put_no_table(struct page *p)
{
    page_row(p, (struct span[]){{0}, {0}, {0}});
}

static void put_no_columns(struct page *p)
{
    page_table(p, &(struct page_columns){.n = PAGE_COLUMNS_MAX + 1});
}

static void is_refused(void (*put)(struct page *p), int code, const char *words)
{
    struct buf out = {0};
    struct err err = {0};
    buf_str(&out, "before");
    is_int(make(&out, put, &err), code);
    ok(strstr(err.text, words) != NULL && out.n == 6, "it says why, and adds nothing");
    buf_free(&out);
}

static void test_limits(void)
{
    is_refused(put_pages, -E2BIG, "pages");
    is_refused(put_blocks, -E2BIG, "paragraphs");
    is_refused(put_bytes, -E2BIG, "MB of text");
    is_refused(put_no_table, -EINVAL, "outside");
    is_refused(put_no_columns, -EINVAL, "columns");
    struct page_format f = format();
    struct buf out = {0};
    struct err err;
    f.left = 150;
    ok(page_close(page_open(&f), &out, &err) == -EINVAL && out.n == 0, "no room");
    f = format();
    ok(page_close(page_open(&f), NULL, NULL) == 0, "given up");
    ok(page_close(page_open(&f), &out, &err) == 0 && out.n > 0, "a page without anything");
    buf_free(&out);
}

int main(int argc, char **argv)
{
    struct err err;
    if (argc == 2 && strcmp(argv[1], "print") == 0) {
        struct buf out = {0};
        int rc = make(&out, put_everything, &err);
        fwrite(out.p, 1, out.n, stdout);
        buf_free(&out);
        return rc != 0;
    }
    test_same_bytes();
    test_long();
    test_clean();
    test_hostile();
    test_limits();
    return tap_done();
}
