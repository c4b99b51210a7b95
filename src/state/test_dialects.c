#include "state/dialects.h"

#include <errno.h>

#include "base/tap.h"

static void see(struct dialects *d, uint64_t index, const char *smtp, const char *headers,
                const char *id, const char *family)
{
    struct dialects_mail m = {.index = index, .time = (int64_t)index * 1000};
    m.sign[DIALECT_SMTP] = span_str(smtp);
    m.sign[DIALECT_HEADERS] = span_str(headers);
    m.sign[DIALECT_MESSAGE_ID] = span_str(id);
    m.family = span_str(family);
    dialects_add(d, &m);
}

static struct dialect_verdict judge(const struct dialects *d, const char *smtp, const char *headers,
                                    const char *id)
{
    struct span sign[DIALECT_SIGNS] = {span_str(smtp), span_str(headers), span_str(id)};
    struct dialect_verdict v;
    dialects_judge(d, sign, DIALECT_THRESHOLD, &v);
    return v;
}

static void test_learning(void)
{
    struct dialects *d = dialects_new();
    struct dialect_verdict v;
    see(d, 1, "HELO x", "From,To", "<d8>", "rustock");
    v = judge(d, "HELO x", "From,To", "<d8>");
    is_str(v.family, ""); /* one lesson is none */
    for (uint64_t i = 2; i <= 10; i++)
        see(d, i, "HELO x", "From,To", "<d8>", i % 2 ? "rustock" : "");
    v = judge(d, "HELO x", "From,To", "<d8>");
    is_str(v.family, "rustock");
    ok(v.confidence >= 95, "three signs agree");
    is_int(v.n, 3);
    is_int(v.evidence[0].lessons, 5);
    v = judge(d, "HELO x", "", "");
    is_str(v.family, ""); /* one sign alone does not do */
    is_int(v.confidence, DIALECT_ALONE);
    v = judge(d, "HELO x", "From,To", "");
    is_str(v.family, "rustock");
    ok(v.confidence > 80, "two do");
    v = judge(d, "EHLO y", "", "");
    is_str(v.family, "");
    is_int(v.confidence, 0);
    dialects_free(d);
}

static void test_abstains(void)
{
    struct dialects *d = dialects_new();
    struct dialect_verdict v;
    for (uint64_t i = 1; i <= 20; i++)
        see(d, i, "HELO x", "", "", i % 2 ? "rustock" : "mega-d");
    v = judge(d, "HELO x", "", "");
    is_str(v.family, ""); /* two speak like this */
    ok(v.confidence < DIALECT_THRESHOLD && v.confidence > 30);
    for (uint64_t i = 1; i <= 1000; i++)
        see(d, 100 + i, "EHLO outlook", "", "", i <= 6 ? "rustock" : "");
    v = judge(d, "EHLO outlook", "", "");
    is_str(v.family, ""); /* a program that everybody uses */
    dialects_free(d);
}

static void test_names(void)
{
    struct dialects *d = dialects_new();
    dialects_name(d, DIALECT_HEADERS, span_str("From,To,X"), span_str("mailer 7"),
                  span_str("cutwail"));
    const struct dialect *x = dialects_find(d, DIALECT_HEADERS, span_str("From,To,X"));
    ok(x && x->mails == 0, "one that was not seen yet can be named");
    is_str(x ? x->name : NULL, "mailer 7");
    ok(!dialects_find(d, DIALECT_SMTP, span_str("From,To,X")), "a sign of another sort");
    struct dialect_verdict v = judge(d, "", "From,To,X", "");
    is_str(v.family, "cutwail"); /* somebody's word is enough */
    is_int(dialects_numbered(d, 1)->number, 1);
    ok(!dialects_numbered(d, 2));
    dialects_name(d, DIALECT_SMTP, span_str(""), span_str("x"), span_str("y"));
    is_int(dialects_count(d), 1);
    dialects_free(d);
}

static void test_saving(void)
{
    struct dialects *d = dialects_new(), *e = dialects_new();
    struct buf a = {0}, b = {0};
    for (uint64_t i = 1; i <= 500; i++) {
        char smtp[32], id[32];
        snprintf(smtp, sizeof smtp, "HELO %d", (int)(i % 37));
        snprintf(id, sizeof id, "<%d@x>", (int)(i % 11));
        see(d, i, smtp, i % 3 ? "From,To" : "", id, i % 5 ? "" : i % 2 ? "rustock" : "grum");
    }
    dialects_save(d, &a);
    is_int(dialects_load(e, buf_as_span(&a)), 0);
    dialects_save(e, &b);
    ok(span_eq(buf_as_span(&a), buf_as_span(&b)), "as it was saved");
    see(d, 600, "HELO 3", "From,To", "<3@x>", "grum");
    see(e, 600, "HELO 3", "From,To", "<3@x>", "grum");
    a.n = b.n = 0;
    dialects_save(d, &a);
    dialects_save(e, &b);
    ok(span_eq(buf_as_span(&a), buf_as_span(&b)), "and it goes on the same");
    int taken = 0;
    for (size_t n = 0; n < a.n; n++) {
        struct dialects *f = dialects_new();
        taken += dialects_load(f, span_of(a.p, n)) == 0;
        dialects_free(f);
    }
    is_int(taken, 0); /* no cut-off one is */
    dialects_free(d);
    dialects_free(e);
    buf_free(&a);
    buf_free(&b);
}

static void test_bounded(void)
{
    struct dialects *d = dialects_new();
    char text[64];
    for (uint64_t i = 1; i <= 3 * DIALECTS_MAX; i++) {
        snprintf(text, sizeof text, "HELO %llu", (unsigned long long)i);
        see(d, i, i % 10 ? text : "HELO often", "", "", "");
    }
    ok(dialects_count(d) <= DIALECTS_MAX, "no more than DIALECTS_MAX of a sign");
    const struct dialect *x = dialects_find(d, DIALECT_SMTP, span_str("HELO often"));
    ok(x && x->mails == 3 * DIALECTS_MAX / 10, "the one seen often is still there");
    uint32_t before = 0;
    bool ascending = true;
    for (uint32_t i = 0; i < dialects_count(d); i++) {
        ascending &= dialects_at(d, i)->number > before;
        before = dialects_at(d, i)->number;
    }
    ok(ascending, "numbers stay in order");
    dialects_free(d);
}

static void test_odd_texts(void)
{
    struct dialects *d = dialects_new();
    char text[GRAMMAR_TEXT_MAX + 100];
    memset(text, 'x', sizeof text);
    struct dialects_mail m = {.index = 1};
    m.sign[DIALECT_SMTP] = span_of(text, sizeof text);
    m.sign[DIALECT_HEADERS] = span_of("a\0b", 3);
    m.sign[DIALECT_MESSAGE_ID] = span_of("\0b", 2);
    is_int(dialects_add(d, &m), 1);
    is_int(dialects_add(d, &m), 1);
    is_int(dialects_count(d), 2);
    dialects_free(d);
}

int main(void)
{
    test_learning();
    test_abstains();
    test_names();
    test_saving();
    test_bounded();
    test_odd_texts();
    return tap_done();
}
