#include "mail/template.h"

#include <errno.h>
#include <time.h>

#include "base/tap.h"
#include "mail/test_grammar.h"

static struct template_text texts(const char *subject, const char *body)
{
    return (struct template_text){.subject = span_str(subject), .body = span_str(body)};
}

static void is_printed(const struct template *t, const char *want)
{
    struct buf b = {0};
    template_print(t, &b);
    buf_byte(&b, 0);
    is_str((const char *)b.p, want);
    buf_free(&b);
}

/* --- what is made of a few mails --- */

static void small(void)
{
    struct arena arena = {0};
    struct template t;
    struct err err;
    struct template_text s[12];
    char body[12][200], subject[12][100];
    static const char *const name[] = {"Ann", "Bernadette", "Christoph"};
    for (unsigned i = 0; i < 12; i++) {
        snprintf(subject[i], sizeof subject[i], "Invoice %u from Zymogenic", 10000 + i * 7919);
        snprintf(body[i], sizeof body[i],
                 "Dear %s,\n\nyour Quixotrol parcel %c%c%c waits at Hammerfest.\nPay %u Euro to "
                 "Blorptech.%s",
                 name[i % 3], 'a' + (int)i, 'b' + (int)i, 'c' + (int)i, 10 + i * 60,
                 i % 2 ? "\n\nA long offer that some of the mails have and some have not." : "");
        s[i] = texts(subject[i], body[i]);
    }
    is_int(template_infer(s, 12, &arena, &t, &err), 0);
    is_int(t.samples, 12);
    is_int(t.used, 0xfff);
    is_printed(&t, "template of 12 mails, 114 bits\n"
                   "subject\n"
                   "  \"Invoice \"\n"
                   "  <digits 5>\n"
                   "  \" from Zymogenic\"\n"
                   "body\n"
                   "  \"Dear \"\n"
                   "  <\"Ann\"|\"Bernadette\"|\"Christoph\">\n"
                   "  \",\\nyour Quixotrol parcel \"\n"
                   "  <letters 3>\n"
                   "  \" waits at Hammerfest.\\nPay \"\n"
                   "  <digits 1-7>\n"
                   "  \" Euro to Blorptech.\"\n"
                   "  <any 0-216>\n");
    arena_free(&arena);
}

static void too_little(void)
{
    struct arena arena = {0};
    struct template t;
    struct err err;
    struct template_text s[8];
    s[0] = s[1] =
        texts("Quixotrol Zymogenic Blorptech", "Hammerfest Xylophonic Krakatau Wurzelsepp");
    is_int(template_infer(s, 2, &arena, &t, &err), -ENODATA);
    ok(strstr(err.text, "too few") != NULL, "says why");
    is_int(template_infer(s, 0, &arena, &t, NULL), -ENODATA);
    for (unsigned i = 0; i < 8; i++)
        s[i] = texts("Hello", "Dear customer,\n\nclick here to unsubscribe from this mailing list. "
                              "All rights reserved.\n");
    is_int(template_infer(s, 8, &arena, &t, &err), -ENODATA);
    ok(strstr(err.text, "too little") != NULL, "what all mails have makes no template: %s");
    for (unsigned i = 0; i < 8; i++)
        s[i] = texts("", "");
    is_int(template_infer(s, 8, &arena, &t, &err), -ENODATA);
    struct grammar_random r = {7};
    for (unsigned i = 0; i < 8; i++)
        grammar_mail(&r, &grammar_ham, &arena, &s[i]);
    is_int(template_infer(s, 8, &arena, &t, &err), -ENODATA);
    arena_free(&arena);
}

/* Strays among the samples: other campaigns' mails, and ham. */
static void strays(void)
{
    struct arena arena = {0};
    struct template t;
    struct err err;
    struct template_text s[30];
    struct grammar_random r = {11};
    uint64_t own = 0;
    for (unsigned i = 0; i < 30; i++) {
        bool stray = i % 7 == 0;
        own |= stray ? 0 : UINT64_C(1) << i;
        grammar_mail(&r,
                     !stray  ? &grammar_campaigns[0]
                     : i % 2 ? &grammar_campaigns[1]
                             : &grammar_ham,
                     &arena, &s[i]);
    }
    is_int(template_infer(s, 30, &arena, &t, &err), 0);
    ok(t.used == own, "strays are left out, and no others");
    is_int(t.samples, __builtin_popcountll(own));
    arena_free(&arena);
}

/* --- unseen mails of generated campaigns, and other mail --- */

#define LEARN  30
#define UNSEEN 1000
#define OTHERS 1000

static unsigned matches(const struct template *t, enum rule_format f,
                        const struct grammar_source *g, uint64_t seed, unsigned n)
{
    struct arena arena = {0};
    struct grammar_random r = {seed};
    struct rule *rule;
    unsigned hits = 0;
    if (rule_compile(t, f, &rule, NULL) < 0)
        return UINT32_MAX;
    for (unsigned i = 0; i < n; i++) {
        struct template_text mail;
        grammar_mail(&r, g, &arena, &mail);
        hits += rule_match(rule, &mail) == 1;
        arena_reset(&arena);
    }
    rule_free(rule);
    arena_free(&arena);
    return hits;
}

static void generated(void)
{
    for (unsigned c = 0; c < GRAMMAR_CAMPAIGNS; c++) {
        unsigned worst = UNSEEN, others = 0, compiled = 0;
        for (uint64_t seed = 1; seed <= 5; seed++) {
            struct arena arena = {0};
            struct template t;
            struct err err = {0};
            struct template_text s[LEARN];
            struct grammar_random r = {seed * 1000 + c};
            for (unsigned i = 0; i < LEARN; i++)
                grammar_mail(&r, &grammar_campaigns[c], &arena, &s[i]);
            if (template_infer(s, LEARN, &arena, &t, &err) < 0) {
                ok(false, "campaign has a template");
                printf("# %s\n", err.text);
                continue;
            }
            if (seed == 1 && getenv("SHOW")) {
                struct buf b = {0};
                template_print(&t, &b);
                for (enum rule_format f = 0; f < RULE_FORMATS; f++)
                    rule_write(&t, f, "campaign_17", NULL, &b, &err);
                fwrite(b.p, 1, b.n, stdout);
                buf_free(&b);
            }
            for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
                unsigned hits = matches(&t, f, &grammar_campaigns[c], seed * 7777, UNSEEN);
                if (hits == UINT32_MAX)
                    continue;
                compiled++;
                worst = hits < worst ? hits : worst;
                if (hits < UNSEEN)
                    printf("# campaign %u seed %u %s: %u of %u\n", c, (unsigned)seed,
                           rule_format_name(f), hits, UNSEEN);
                others += matches(&t, f, &grammar_ham, seed * 31, OTHERS);
                for (unsigned o = 0; o < GRAMMAR_CAMPAIGNS; o++)
                    others += o == c ? 0 : matches(&t, f, &grammar_campaigns[o], seed * 37, 100);
            }
            arena_free(&arena);
        }
        printf("# campaign %u: %u rules, at worst %u of %u unseen mails, %u others\n", c, compiled,
               worst, UNSEEN, others);
        ok(worst >= UNSEEN * 99 / 100, "99 %% of the campaign's unseen mails match");
        is_int(others, 0);
        ok(compiled >= (c == 2 ? 10 : 25), "formats have a rule"); /* 2: hardly any text */
    }
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void speed(void)
{
    struct arena arena = {0};
    struct template t;
    struct template_text s[TEMPLATE_SAMPLES_MAX];
    struct grammar_random r = {5};
    struct grammar_source g = grammar_campaigns[0];
    g.body = "Express Drug Mart, Quixotrol {N} {n5} Blorptech\n{t600} Hammerfest {t100}\n";
    for (unsigned i = 0; i < TEMPLATE_SAMPLES_MAX; i++)
        grammar_mail(&r, &g, &arena, &s[i]);
    double start = cpu_seconds();
    is_int(template_infer(s, TEMPLATE_SAMPLES_MAX, &arena, &t, NULL), 0);
    double took = cpu_seconds() - start;
    printf("# %u samples of %zu bytes: %.1f ms\n", TEMPLATE_SAMPLES_MAX, s[0].body.n, took * 1e3);
    ok(took < 5, "in well under a second (several under a sanitizer)");
    arena_free(&arena);
}

/* Texts that are made to be slow: one token over and over, all different, alternating. */
static void hostile(void)
{
    struct arena arena = {0};
    struct template t;
    struct template_text s[TEMPLATE_SAMPLES_MAX];
    double start = cpu_seconds();
    for (unsigned kind = 0; kind < 4; kind++) {
        for (unsigned i = 0; i < TEMPLATE_SAMPLES_MAX; i++) {
            struct buf b = {0};
            struct grammar_random r = {kind == 1 ? 1 : i};
            for (unsigned k = 0; k < 5000; k++) {
                if (kind == 0)
                    buf_str(&b, "aa ");
                else if (kind == 3)
                    buf_byte(&b, (uint8_t)grammar_next(&r));
                else
                    buf_printf(&b, "w%u ", kind == 1 ? k : grammar_below(&r, 3));
            }
            s[i] = (struct template_text){.body = grammar_keep(&arena, &b)};
            s[i].raw = s[i].subject = s[i].body;
            buf_free(&b);
        }
        template_infer(s, TEMPLATE_SAMPLES_MAX, &arena, &t, NULL);
    }
    double took = cpu_seconds() - start;
    printf("# hostile texts: %.1f s\n", took);
    ok(took < 60, "bounded");
    arena_free(&arena);
}

static void text_of(void)
{
    struct arena arena = {0};
    struct template_text t;
    struct mime_header header[] = {{span_str("message-id"), span_str("<a@b>")}};
    struct mime_part part = {.parent = -1, .headers = 1};
    struct mail_url url[2] = {
        {.url = {.scheme = span_str("http"),
                 .host = span_str("a.example"),
                 .path = span_str("/x"),
                 .query = span_str("?y=1")}},
        {.url = {.scheme = span_str("https"), .host = span_str("b.example"), .port = 81}},
    };
    struct mail m = {.mime = {.header = header, .headers = 1, .part = &part, .parts = 1},
                     .subject = span_str("  a \t b\r\n c "),
                     .visible = span_str("\n x\xc2\xa0\xc2\xa0y \n z \r\n \n\n w\n"),
                     .url = url,
                     .urls = 2};
    template_text_of(&m, span_str("raw"), &arena, &t);
    ok(span_is(t.subject, "a b c"));
    ok(span_is(t.body, "x y\nz\n\nw"));
    ok(span_is(t.message_id, "<a@b>"));
    is_int(t.urls, 2);
    ok(span_is(t.url[0], "http://a.example/x?y=1"));
    ok(span_is(t.url[1], "https://b.example:81/"));
    arena_free(&arena);
}

int main(void)
{
    text_of();
    small();
    too_little();
    strays();
    generated();
    speed();
    hostile();
    return tap_done();
}
