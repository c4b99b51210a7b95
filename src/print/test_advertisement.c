#include "print/advertisement.h"

#include <errno.h>

#include "base/tap.h"

static struct advertisement notice(struct span words)
{
    return (struct advertisement){
        .language = "ru",
        .heading = span_str("СУДЕБНОЕ ИЗВЕЩЕНИЕ"),
        .court = span_str("DISTRICT COURT\nWESTERN DISTRICT"),
        .parties = span_str("A,\nPlaintiff,\nv.\nJOHN DOES 1-11,\nDefendants."),
        .docket = span_str("No. 2:11-cv-00222"),
        .title = span_str("SUMMONS"),
        .parts = {{ADVERTISEMENT_WORDS, span_str("What"), words},
                  {ADVERTISEMENT_NAMES, span_str("Seized"),
                   span_str("one.example\ntwo.example\na-very-long-name-of-a-domain-that-does-not-"
                            "fit-into-a-narrow-column.example")},
                  {ADVERTISEMENT_BOX, span_str("Answer"), span_str("https://www.example.com/")}},
        .n = 3,
        .signature = span_str("Counsel"),
        .date = 1300266000000000,
    };
}

static struct advertisement_size size_of(const char *text)
{
    struct advertisement_size size = {0};
    ok(advertisement_size_of(span_str(text), &size, NULL) == 0, "a size");
    return size;
}

static void test_sizes(void)
{
    struct advertisement_size s;
    struct err err = {0};
    s = size_of("quarter page");
    ok(s.width == 170 && s.height == 277);
    s = size_of("120x200");
    ok(s.width == 120 && s.height == 200);
    ok(advertisement_size_of(span_str("third page"), &s, &err) == -EINVAL &&
           strstr(err.text, "\"quarter page\"") != NULL,
       "the names are said");
    static const char *const bad[] = {"",        "0x0",       "10x10", "9999x100",
                                      "-50x100", "100x100mm", "nan"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ok(advertisement_size_of(span_str(bad[i]), &s, &err) == -EINVAL, "not a size");
}

static void test_fit(void)
{
    struct advertisement_size quarter = size_of("quarter page"), small = size_of("60x80");
    struct advertisement_fit few, many;
    struct buf a = {0}, b = {0}, words = {0};
    struct err err = {0};
    struct advertisement n = notice(span_str("Few words."));
    ok(advertisement_put(&n, &quarter, &a, &few, &err) == 0);
    ok(advertisement_put(&n, &quarter, &b, NULL, &err) == 0 &&
           span_eq(buf_as_span(&a), buf_as_span(&b)),
       "the same bytes");
    ok(few.type == ADVERTISEMENT_TYPE_MAX, "few words are large");
    for (int i = 0; i < 120; i++)
        buf_str(&words, "Истец утверждает, что вы управляете сетью заражённых компьютеров. ");
    n = notice(buf_as_span(&words));
    b.n = 0;
    ok(advertisement_put(&n, &quarter, &b, &many, &err) == 0, "many words");
    ok(many.type < few.type && many.type >= ADVERTISEMENT_TYPE_MIN, "are smaller");
    b.n = 0;
    ok(advertisement_put(&n, &small, &b, NULL, &err) == -E2BIG && b.n == 0, "too many");
    ok(strstr(err.text, "% of the box") && strstr(err.text, "leave out some"), "it says how many");
    n.crop_marks = true;
    ok(advertisement_put(&n, &quarter, &b, NULL, &err) == 0, "with crop marks");
    buf_free(&a);
    buf_free(&b);
    buf_free(&words);
}

static void is_refused(struct advertisement n, int code, const char *words)
{
    struct advertisement_size quarter = size_of("quarter page");
    struct buf out = {0};
    struct err err = {0};
    is_int(advertisement_put(&n, &quarter, &out, NULL, &err), code);
    if (!ok(strstr(err.text, words) && out.n == 0, "it says why"))
        printf("#   %s\n", err.text);
    buf_free(&out);
}

static void test_refused(void)
{
    static char much[ADVERTISEMENT_TEXT_MAX + 1];
    memset(much, 'x', sizeof much);
    is_refused(notice(span_str("a\xe2\x80\xae"
                               "b")),
               -EILSEQ, "bidi");
    is_refused(notice(span_of("a\0b", 3)), -EILSEQ, "control");
    is_refused(notice(span_str("\xff")), -EILSEQ, "UTF-8");
    is_refused(notice(span_str("\xf0\x90\x8e\xa0")), -EILSEQ, "no font"); /* Old Persian */
    is_refused(notice(span_of(much, sizeof much)), -E2BIG, "kB");
    is_refused(notice(span_of(much, sizeof much / 2)), -E2BIG, "of the box");
    is_refused((struct advertisement){0}, -EINVAL, "no words");
    is_refused((struct advertisement){.n = ADVERTISEMENT_PARTS_MAX + 1}, -E2BIG, "parts");
    /* parts without words, or without heads */
    struct advertisement_size quarter = size_of("quarter page");
    struct buf out = {0};
    struct advertisement n = {.parts = {{ADVERTISEMENT_WORDS, {0}, {0}},
                                        {ADVERTISEMENT_NAMES, {0}, {0}},
                                        {ADVERTISEMENT_BOX, {0}, {0}},
                                        {ADVERTISEMENT_WORDS, span_str("Head"), {0}}},
                              .n = 4};
    ok(advertisement_put(&n, &quarter, &out, NULL, NULL) == 0, "empty parts");
    buf_free(&out);
}

int main(void)
{
    test_sizes();
    test_fit();
    test_refused();
    return tap_done();
}
