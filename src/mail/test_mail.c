#include "mail/mail.h"

#include "base/json.h"
#include "base/tap.h"
#include "mail/mail_impl.h"
#include "wire/test_mime_mails.h"

static struct mail_reader *reader;
static struct arena arena;

/* ---- counting allocations ---- */

static uint64_t allocations;
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__)
#define COUNTS_ALLOCATIONS true
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *malloc(size_t n)
{
    allocations++;
    return __libc_malloc(n);
}
void *calloc(size_t n, size_t size)
{
    allocations++;
    return __libc_calloc(n, size);
}
void *realloc(void *p, size_t n)
{
    allocations++;
    return __libc_realloc(p, n);
}
#else
#define COUNTS_ALLOCATIONS false
#endif

/* ---- ---- */

static struct mail read_to(const char *text, const char *recipient)
{
    struct mail m;
    struct event ev = {.kind = KIND_SMTP};
    struct span to = span_str(recipient);
    ev.smtp.has = true;
    ev.smtp.rcpt_to = (struct span_list){&to, 1};
    mail_read(reader, span_str(text), *recipient ? &ev : NULL, &arena, &m);
    return m;
}

static bool has_text(struct span s, const char *what)
{
    return s.n && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

static const char *flags_of(const struct mail *m)
{
    static struct buf b;
    b.n = 0;
    mail_flag_words(m->flags, &b);
    buf_byte(&b, 0);
    return (const char *)b.p;
}

static void alternative(void)
{
    struct mail m =
        read_to("From: \"Best @ Pills\" <Sales@Pills.EXAMPLE>\r\nTo: Ann <ann.lee@mail.example>\r\n"
                "Subject: =?utf-8?q?Caf=C3=A9?= for ann.lee\r\nX-Virus-Scanned: by us\r\n"
                "Content-Type: multipart/alternative; boundary=\"b\"\r\n\r\n"
                "--b\r\nContent-Type: text/plain\r\n\r\nplain text here http://plain.example/\r\n"
                "--b\r\nContent-Type: multipart/related; boundary=c\r\n\r\n"
                "--c\r\nContent-Type: text/html\r\n\r\n"
                "<html><body>Buy <a href=\"http://shop.example.co.uk/a/1?x=2\">V1AGRA</a> for you and all of your friends "
                "<a href='http://shop.example.co.uk/a/1?x=2'>here</a> now"
                "<img src=\"http://img.example.com/p.gif\"><div style=\"display:none\">poison "
                "words from http://hid.example.net/ a book</div></body></html>\r\n"
                "--c\r\nContent-Type: application/octet-stream; "
                "name=p.bin\r\nContent-Transfer-Encoding: base64\r\n\r\nTVqQAAMAAAAEAAAA\r\n"
                "--c--\r\n--b--\r\n",
                "");
    ok(span_is(m.from_address, "sales@pills.example"));
    ok(span_is(m.subject, "Caf\xc3\xa9 for ann.lee"));
    ok(has_text(m.visible, "V1AGRA") && !has_text(m.visible, "plain") &&
       !has_text(m.visible, "poison"));
    ok(has_text(m.hidden, "poison"));
    is_int(m.subject_words.n, 3);
    is_int(m.subject_words.v[2].kind, WORD_RECIPIENT);
    ok(m.from_words.n >= 2 && m.hidden_words.n > 3);
    is_int(m.urls, 3);
    ok(span_is(m.url[0].domain, "example.co.uk") && !m.url[0].image && !m.url[0].hidden);
    ok(span_is(m.url[1].domain, "example.com") && m.url[1].image && !m.url[1].hidden);
    ok(span_is(m.url[2].domain, "example.net") && m.url[2].hidden);
    is_int(m.files, 1);
    is_int(m.file[0].kind, MAIL_FILE_PROGRAM);
    is_int(m.file[0].size, 12);
    is_str(flags_of(&m), "hidden-text disguised html program");
    ok(!has_text(m.headers.text, "X-Virus") && has_text(m.headers.text, "From To Subject"));
    ok(m.exact != 0);
    ok(m.dialect.hash == 0 && m.message_id.hash == 0);
}

/* An alternative whose last form shows nothing; parts that are shown together; what is saved is
 * not. */
static void views(void)
{
    struct mail m = read_to(
        "Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nonly this is seen\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n<html></html>\r\n--b--\r\n",
        "");
    ok(has_text(m.visible, "only this is seen"));
    m = read_to(
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none two\r\n"
        "--b\r\nContent-Type: text/html\r\n\r\n<p>three\r\n"
        "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nfour\r\n"
        "--b\r\nContent-Disposition: attachment; filename=notes.txt\r\n\r\nfive\r\n--b--\r\n",
        "");
    ok(has_text(m.visible, "one two") && has_text(m.visible, "three") &&
       has_text(m.visible, "four"));
    ok(!has_text(m.visible, "five"));
    is_int(m.words.n, 4);
    is_int(m.files, 1);
    ok(span_is(m.file[0].name, "notes.txt") && m.file[0].kind == MAIL_FILE_DOCUMENT);
    m = read_to("Subject: nothing\r\n\r\n", "");
    is_str(flags_of(&m), "no-text");
    m = read_to("", "");
    ok(m.visible.n == 0 && m.exact == 0 && m.urls == 0);
}

static void exact(void)
{
    struct mail a = read_to("To: x@y\r\nSubject: Hi bob12, order 55\r\n\r\nCheap watches for bob12 "
                            "at $19.95 with free shipping to your "
                            "door, see http://a.example.com/1 rmfdokq",
                            "bob12@mail.example");
    struct mail b = read_to("To: x@y\r\nSubject: hi Carla order 7\r\n\r\ncheap WATCHES for carla "
                            "at $149.00 with free\nshipping to your "
                            "door: see http://zzz.example.net/77?a=b",
                            "carla@mail.example");
    struct mail c = read_to("To: x@y\r\nSubject: hi Carla order 7\r\n\r\ncheap CLOCKS for carla at "
                            "$149.00 with free\nshipping to your "
                            "door: see http://zzz.example.net/77?a=b",
                            "carla@mail.example");
    ok(a.exact && a.exact == b.exact, "what differs in each mail is the same");
    ok(c.exact && c.exact != b.exact, "another word is not");
    ok(sketch_likeness(&a.sketch, &b.sketch) == 1);
    double j = sketch_likeness(&b.sketch, &c.sketch);
    ok(j > 0.4 && j < 0.95);
}

#define GIF "R0lGODlhQAAgAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"

static void pictures(void)
{
    static const char mail[] =
        "Subject: %s\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: "
        "text/html\r\n\r\n"
        "<img src=\"cid:1\">\r\n--b\r\nContent-Type: image/%s; name=\"a.%s\"\r\nContent-ID: <1>\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n";
    static const struct {
        const char *base64, *type;
        unsigned width, height;
    } images[] = {
        {GIF, "image/gif", 64, 32},
        {"iVBORw0KGgoAAAANSUhEUgAAAGQAAADICAYAAAA=", "image/png", 100, 200},
        {"Qk0AAAAAAAAAADYAAAAoAAAACgAAAPb///8BABgA", "image/bmp", 10, 10},
        {"/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAAQACADASIAAhEBAxEB", "image/jpeg", 32, 16},
        {"/9j/4AAQSkZJRgAB", "image/jpeg", 0, 0},
    };
    char text[2][1000];
    for (unsigned i = 0; i < sizeof images / sizeof *images; i++) {
        snprintf(text[0], sizeof text[0], mail, "a", "gif", "gif", images[i].base64);
        snprintf(text[1], sizeof text[1], mail, "quite another", "png", "png", images[i].base64);
        struct mail a = read_to(text[0], ""), b = read_to(text[1], "");
        is_int(a.files, 1);
        ok(span_is(a.file[0].type, images[i].type), "what the bytes say");
        is_int(a.file[0].width, images[i].width);
        is_int(a.file[0].height, images[i].height);
        ok(a.flags & MAIL_IMAGE_ONLY && a.exact && a.exact == b.exact, "the picture is the mail");
        is_int(a.urls, 0);
    }
}

static void addresses(void)
{
    static const char *const cases[][2] = {
        {"Ann <ANN@Example.com>", "ann@example.com"},
        {"ann@example.com", "ann@example.com"},
        {"\"bob@fake.example\" <ann@example.com>, carl@x", "ann@example.com"},
        {"ann@a.example, Bob <bob@b.example>", "ann@a.example"},
        {"Undisclosed recipients:;", ""},
        {"@", "@"},
        {"", ""},
        {"<<a@b>>", "a@b"},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span got = mail_address(span_str(cases[i][0]), &arena);
        is_str(arena_copy(&arena, got.p, got.n), cases[i][1]);
    }
}

static void strip(void)
{
    static const char *const names[] = {"X-Virus-*", "Status", NULL}, *const all[] = {"*", NULL};
    struct strip_list *l = strip_list_new(names);
    ok(strip_list_has(l, span_str("x-virus-scanned")) && strip_list_has(l, span_str("X-VIRUS-")));
    ok(strip_list_has(l, span_str("STATUS")) && !strip_list_has(l, span_str("Status2")));
    ok(!strip_list_has(l, span_str("X-Vir")) && !strip_list_has(l, span_str("")));
    strip_list_free(l);
    l = strip_list_new(all);
    ok(strip_list_has(l, span_str("Subject")));
    strip_list_free(l);
    l = strip_list_new(NULL);
    ok(!strip_list_has(l, span_str("Subject")));
    strip_list_free(l);
}

static bool within(struct span s, struct span of)
{
    return s.n == 0 || of.n == 0 || s.p < of.p || s.p >= of.p + of.n || s.p + s.n <= of.p + of.n;
}

/* What holds for any mail. */
static bool is_sane(const struct mail *m, struct span raw)
{
    bool good = m->urls <= MAIL_URLS_MAX && m->files <= MAIL_FILES_MAX &&
                m->visible.n <= MAIL_TEXT_MAX && within(m->visible, raw) &&
                m->words.n <= WORDS_MAX &&
                (m->sketch.shingles == 0) ==
                    (m->words.n + m->subject_words.n == m->words.random + m->subject_words.random);
    for (uint32_t i = 0; i < m->words.n; i++)
        good &= m->words.v[i].at + m->words.v[i].n <= m->words.text.n &&
                m->words.v[i].source + m->words.v[i].source_n <= m->visible.n;
    for (unsigned i = 0; i < m->urls; i++)
        good &= m->url[i].domain.n > 0 && m->url[i].domain.n <= m->url[i].url.host.n + 64;
    return good && m->topics.topic < TOPICS && m->brands.n <= BRANDS_FOUND_MAX;
}

static uint32_t random_state = 1;
static uint32_t next_random(uint32_t below)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)random_state * below >> 32);
}

/* Cut anywhere, and with bytes changed: always something, and nothing outside. */
static void hostile(void)
{
    static const char text[] =
        "From: a@b\r\nSubject: =?utf-8?b?VmlhZ3Jh?= \xd0\xb0\r\nContent-Type: "
        "multipart/alternative; boundary=b\r\n\r\n"
        "--b\r\nContent-Type: text/html; charset=iso-2022-jp\r\nContent-Transfer-Encoding: "
        "quoted-printable\r\n\r\n"
        "<p style=3D\"font-size:1px\">hi =E4=B8=AD</p> <a "
        "href=3D\"http://0x7f.1/%41?u=3Dhttp://x.example/\">v.i.a.g.r.a</a>\r\n"
        "--b\r\nContent-Type: image/jpeg\r\nContent-Transfer-Encoding: "
        "base64\r\n\r\n/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCAAQACADASIA\r\n--b--\r\n";
    bool good = true;
    struct mail m;
    for (size_t n = 0; n < sizeof text; n++) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, text, n);
        arena_reset(&arena);
        mail_read(reader, span_of(copy, n), NULL, &arena, &m);
        good &= is_sane(&m, span_of(copy, n));
        free(copy);
    }
    uint8_t changed[sizeof text];
    for (unsigned round = 0; round < 3000; round++) {
        memcpy(changed, text, sizeof text);
        for (unsigned i = 0; i < 8; i++)
            changed[next_random(sizeof text)] = (uint8_t)next_random(256);
        arena_reset(&arena);
        mail_read(reader, span_of(changed, sizeof changed), NULL, &arena, &m);
        good &= is_sane(&m, span_of(changed, sizeof changed));
    }
    ok(good, "3600 broken mails are read");
}

static void no_allocations(void)
{
    static const char text[] =
        "From: a@b.example\r\nTo: c@d.example\r\nSubject: =?utf-8?q?V=C3=ADagra?=\r\nContent-Type: "
        "text/html\r\n\r\n"
        "<p>Buy caf\xc3\xa9 <a href=\"http://www.example.com/a?b=1\">here</a> "
        "http://x.example.org/ v1agra 12 a b c d";
    struct mail m;
    if (!COUNTS_ALLOCATIONS) {
        tap_skip("a mail allocates nothing", "a sanitizer has malloc");
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        arena_reset(&arena);
        mail_read(reader, span_str(text), NULL, &arena, &m);
    }
    uint64_t before = allocations;
    for (unsigned i = 0; i < 100; i++) {
        arena_reset(&arena);
        mail_read(reader, span_str(text), NULL, &arena, &m);
    }
    is_int(allocations - before, 0);
}

/* The real mails: read twice, the same; and how little of ham is called random. */
static void real_mails(void)
{
    enum { MAILS = 3000, RANDOM_PER_MILLE = 10 };
    struct mails mails;
    uint64_t words = 0, random = 0, most = 0;
    if (mails_open(&mails) != 0) {
        tap_skip("real mails", "no " MAILS_FILE);
        return;
    }
    bool good = true;
    for (size_t i = 0; i < mails.n && i < MAILS; i++) {
        struct mail a, b;
        struct arena second = {0};
        arena_reset(&arena);
        mail_read(reader, mails.mail[i], NULL, &arena, &a);
        good &= is_sane(&a, mails.mail[i]);
        words += a.words.n;
        random += a.words.random;
        if (i % 10 == 0) {
            mail_read(reader, mails.mail[i], NULL, &second, &b);
            good &= a.exact == b.exact && a.headers.hash == b.headers.hash && a.urls == b.urls &&
                    memcmp(&a.sketch, &b.sketch, sizeof a.sketch) == 0;
        }
        arena_free(&second);
    }
    ok(good, "each is read, and the same each time");
    if (COUNTS_ALLOCATIONS) {
        for (unsigned round = 0; round < 2; round++) {
            most = allocations;
            for (size_t i = 0; i < 500 && i < mails.n; i++) {
                struct mail m;
                arena_reset(&arena);
                mail_read(reader, mails.mail[i], NULL, &arena, &m);
            }
            most = allocations - most;
        }
        printf("# %llu allocations for 500 mails (libidn2's, of host names beyond ASCII)\n",
               (unsigned long long)most);
        ok(most < 1500, "hardly anything is allocated");
    }
    printf("# %llu words, %.2f%% random\n", (unsigned long long)words,
           100 * (double)random / (double)words);
    ok(random * 1000 < words * RANDOM_PER_MILLE, "few words are called random");
    mails_close(&mails);
}

int main(void)
{
    static const char *const names[] = {"X-Virus-*", "X-Miltered", "X-UUID", "Status", NULL};
    struct mail_options options = {getenv("EBB_RULES"), names}, wrong = {"/nonexistent", NULL};
    struct err err;
    struct mail_reader *none = NULL;
    ok(mail_reader_open(&wrong, &none, &err) < 0 && !none, "rules that are not there");
    if (mail_reader_open(&options, &reader, &err) < 0) {
        ok(false, "rules");
        printf("# %s\n", err.text);
        return tap_done();
    }
    alternative();
    views();
    exact();
    pictures();
    addresses();
    strip();
    hostile();
    no_allocations();
    real_mails();
    mail_reader_close(reader);
    arena_free(&arena);
    return tap_done();
}
