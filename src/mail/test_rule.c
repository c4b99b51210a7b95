#include "mail/template_impl.h"

#include <errno.h>
#include <time.h>

#include "base/digest.h"
#include "base/tap.h"
#include "mail/test_grammar.h"
#include "wire/test_mime_mails.h"
#include "wire/text.h"

#define SAMPLES 12

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Mails with `text` on a line of their body and in their subject, and a number that changes. */
static void make_samples(struct arena *arena, struct span text, struct template_text *out,
                         unsigned n)
{
    struct buf b = {0};
    for (unsigned i = 0; i < n; i++) {
        out[i] = (struct template_text){.url = arena_alloc(arena, sizeof(struct span))};
        buf_printf(&b, "Quixotrol %u ", 1000 + i * 37);
        buf_span(&b, text);
        out[i].subject = grammar_keep(arena, &b);
        buf_str(&b,
                "Zymogenic Hammerfest\nSkelderskew Vortigan Mistlebrook Yarrowfast\nBlorptech ");
        buf_span(&b, text);
        buf_printf(&b, " Wurzelsepp %u\n\nnumber %u\n", i * 7919, i);
        out[i].body = grammar_keep(arena, &b);
        buf_printf(&b, "http://h%u.example/krakatau/xylophon.php?q=%u", i, i * 13);
        out[i].url[out[i].urls++] = grammar_keep(arena, &b);
        buf_str(&b, "Subject: x\r\n\r\n");
        buf_span(&b, out[i].body);
        out[i].raw = grammar_keep(arena, &b);
    }
    buf_free(&b);
}

/* Each byte and each pair of bytes that could mean something to an engine or its files. */
static void escaping(void)
{
    static const struct {
        const char *what;
        struct span text;
    } cases[] = {
        {"punctuation", {(const uint8_t *)"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", 32}},
        {"regex-like", {(const uint8_t *)"(?:a|b)* \\d{1,3} [^x]+$ ^y. \\Q\\E (?#c) (?i)", 44}},
        {"file syntax",
         {(const uint8_t *)"*/ // -- ]==] ]] } # /x /i \" \\n \\\" ' ${y} @z %s", 48}},
        {"UTF-8",
         {(const uint8_t *)"\xc3\xa9t\xc3\xa9 \xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82 "
                           "\xe2\x82\xac \xf0\x9f\x92\x8a",
          28}},
        {"bad UTF-8", {(const uint8_t *)"\xff\xfe\xc3 \x80 \xed\xa0\x80", 10}},
        {"NUL and controls", {(const uint8_t *)"\0 \1\2\3 \x1b[0m \x7f \0\0x", 15}},
        {"line ends", {(const uint8_t *)"a\nb\r\nc\n\nd\te", 11}},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
            struct arena arena = {0};
            struct template_text s[SAMPLES], other;
            struct template t;
            struct err err = {0};
            struct rule *rule = NULL;
            struct buf text = {0};
            make_samples(&arena, cases[i].text, s, SAMPLES);
            int rc = template_infer(s, SAMPLES, &arena, &t, &err);
            rc = rc ? rc : rule_write(&t, f, "campaign_7", NULL, &text, &err);
            rc = rc ? rc : rule_compile(&t, f, &rule, &err);
            bool all = rc == 0;
            for (unsigned k = 0; k < SAMPLES && rc == 0; k++)
                all = all && rule_match(rule, &s[k]) == 1;
            ok(all, "samples match");
            if (!all)
                printf("# %s as %s: %s\n%.*s\n", cases[i].what, rule_format_name(f), err.text,
                       (int)text.n, (const char *)text.p);
            ok(text.n && !memchr(text.p, 0, text.n), "no NUL in the file");
            make_samples(&arena, span_str("something else"), &other, 1);
            other.url = NULL;
            other.urls = 0;
            if (rc == 0 && cases[i].text.n > 20) /* else what is left may be enough for a match */
                is_int(rule_match(rule, &(struct template_text){.subject = other.subject}), 0);
            rule_free(rule);
            buf_free(&text);
            arena_free(&arena);
        }
    }
}

/* A pattern must match its anchor and nothing else: each ASCII byte alone is not another's pattern.
 */
static void literal(void)
{
    unsigned wrong = 0;
    for (unsigned c = 1; c < 256; c++) {
        uint8_t text[3] = {'a', (uint8_t)c, 'b'};
        struct template_item item = {.anchor = true, .text = span_of(text, 3)};
        struct clause clause = {.place = TEMPLATE_BODY, .item = &item, .items = 1};
        struct buf p = {0};
        pattern_write(&clause, &pattern_bytes, &p);
        for (size_t i = 0; i < p.n; i++)
            wrong += p.p[i] < 0x20 || p.p[i] >= 0x7f ||
                     (p.p[i] == '/' && (i == 0 || p.p[i - 1] != '\\')) ||
                     (p.p[i] == '#' && p.p[i - 1] != '\\');
        buf_free(&p);
    }
    is_int(wrong, 0);
}

static void names(void)
{
    struct arena arena = {0};
    struct template_text s[SAMPLES];
    struct template t;
    struct err err;
    struct buf out = {0};
    struct rule_measure m = {100, 99, 3573, 0};
    char longest[RULE_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[RULE_NAME_MAX + 1] = 0;
    make_samples(&arena, span_str("text"), s, SAMPLES);
    is_int(template_infer(s, SAMPLES, &arena, &t, &err), 0);
    static const char *const bad[] = {"", "1a", "_a", "a b", "a-b", "a\nb", "a'"};
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(rule_write(&t, RULE_YARA, bad[i], NULL, &out, &err), -EINVAL);
    is_int(rule_write(&t, RULE_YARA, longest, NULL, &out, &err), -EINVAL);
    is_int(out.n, 0);
    longest[RULE_NAME_MAX] = 0;
    is_int(rule_write(&t, RULE_YARA, longest, NULL, &out, &err), 0);
    for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
        out.n = 0;
        is_int(rule_write(&t, f, "campaign_7", &m, &out, &err), 0);
        ok(memmem(out.p, out.n, "99 of 100", 9) && memmem(out.p, out.n, "0 of 3573", 9),
           "tells what was measured");
        is_int(rule_format_named(rule_format_name(f)), f);
    }
    is_int(rule_format_named("sieve"), RULE_FORMATS);
    buf_free(&out);
    arena_free(&arena);
}

/* YARA sees what was sent; the others do not care. */
static void encoded(void)
{
    struct arena arena = {0};
    struct template_text s[SAMPLES];
    struct template t;
    struct err err;
    struct buf out = {0};
    make_samples(&arena, span_str("text"), s, SAMPLES);
    struct buf b = {0};
    for (unsigned i = 0; i < SAMPLES; i++) {
        buf_str(&b, "Subject: =?utf-8?b?");
        base64_encode(&b, s[i].subject);
        buf_str(&b, "?=\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        for (unsigned k = 0; k < i; k++) /* shifts what follows */
            buf_byte(&b, (uint8_t)('a' + k));
        base64_encode(&b, s[i].body);
        s[i].raw = grammar_keep(&arena, &b);
    }
    buf_free(&b);
    is_int(template_infer(s, SAMPLES, &arena, &t, &err), 0);
    is_int(rule_write(&t, RULE_YARA, "campaign_7", NULL, &out, &err), -ENODATA);
    ok(strstr(err.text, "literal") != NULL, "says why");
    is_int(out.n, 0);
    is_int(rule_write(&t, RULE_SPAMASSASSIN, "campaign_7", NULL, &out, &err), 0);
    buf_free(&out);
    arena_free(&arena);
}

/* Of 8 clauses 6 are needed: what each format's count makes of mails that lack some. */
static void counting(void)
{
    static const char *const line[8] = {
        "Quixotrol Zymogenic Hammerfest",    "Blorptech Wurzelsepp Krakatau",
        "Xylophonic Brimstane Quorndon",     "Fizzwhistle Plunderbund Oxymandry",
        "Grubnorth Skelderskew Vortigan",    "Mistlebrook Yarrowfast Jumblekin",
        "Dwindlemere Crankshift Nobblewick", "Trundlehive Ploverghast Sweetumber"};
    struct arena arena = {0};
    struct template_text s[SAMPLES];
    struct template t;
    struct err err;
    for (unsigned i = 0; i < SAMPLES; i++) {
        struct buf b = {0};
        for (unsigned k = 0; k < 8; k++)
            buf_printf(&b, "%s\n%u\n\n", line[k], i * 31 + k);
        s[i] = (struct template_text){.body = grammar_keep(&arena, &b)};
        buf_str(&b, "Subject: y\n\n");
        buf_span(&b, s[i].body);
        s[i].raw = grammar_keep(&arena, &b);
        buf_free(&b);
    }
    is_int(template_infer(s, SAMPLES, &arena, &t, &err), 0);
    for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
        struct rule *r = NULL;
        unsigned wrong = 0;
        is_int(rule_compile(&t, f, &r, &err), 0);
        for (unsigned set = 0; set < 256; set++) {
            struct buf b = {0};
            for (unsigned k = 0; k < 8; k++)
                if (set >> k & 1)
                    buf_printf(&b, "%s\n%u\n\n", line[k], set);
            struct template_text x = {.body = buf_as_span(&b), .raw = buf_as_span(&b)};
            wrong += rule_match(r, &x) != (__builtin_popcount(set) >= 6);
            buf_free(&b);
        }
        is_int(wrong, 0);
        rule_free(r);
    }
    arena_free(&arena);
}

/* Texts made to be slow to match. */
static void hostile(void)
{
    struct arena arena = {0};
    struct template_text s[30];
    struct template t;
    struct grammar_random r = {3};
    for (unsigned c = 0; c < GRAMMAR_CAMPAIGNS; c++) {
        for (unsigned i = 0; i < 30; i++)
            grammar_mail(&r, &grammar_campaigns[c], &arena, &s[i]);
        if (template_infer(s, 30, &arena, &t, NULL) < 0)
            continue;
        struct buf b[4] = {{0}, {0}, {0}, {0}};
        while (b[0].n < TEMPLATE_TEXT_MAX) {
            buf_byte(&b[0], ' ');
            buf_byte(&b[1], 'a');
            if (b[2].n < TEMPLATE_TEXT_MAX / 2)
                buf_str(&b[2], "Dear \n");
            if (b[3].n < TEMPLATE_TEXT_MAX)
                buf_span(&b[3], text_behind(s[0].body, s[0].body.n / 3));
        }
        buf_span(&b[2], text_behind(s[0].body, s[0].body.n / 2));
        while (b[2].n < TEMPLATE_TEXT_MAX)
            buf_str(&b[2], "1111111");
        for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
            struct rule *rule;
            if (rule_compile(&t, f, &rule, NULL) < 0)
                continue;
            double start = cpu_seconds();
            unsigned failed = 0;
            for (unsigned i = 0; i < 4; i++) {
                struct span x = buf_as_span(&b[i]);
                struct template_text text = {.subject = x,
                                             .body = x,
                                             .raw = x,
                                             .from = x,
                                             .message_id = x,
                                             .url = &x,
                                             .urls = 1};
                int rc = rule_match(rule, &text);
                if (rc < 0)
                    printf("# campaign %u, %s, text %u: %d\n", c, rule_format_name(f), i, rc);
                failed += rc < 0;
            }
            ok(cpu_seconds() - start < 5, "four hostile texts of 64 KB take no more than moments");
            is_int(failed, 0);
            rule_free(rule);
        }
        for (unsigned i = 0; i < 4; i++)
            buf_free(&b[i]);
    }
    arena_free(&arena);
}

/* --- real mail --- */

#define GROUP_MIN 24
#define GROUPS    25

struct real {
    struct mails mails;
    bool *ham;
    struct template_text *text;
    uint64_t *group; /* hash of its subject's first words; 0 for ham */
    struct arena arena;
};

static bool read_labels(struct real *r)
{
    char path[4096], name[64], label[16];
    const char *root = getenv("EBB_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/../shared/data/mail/labels.tsv", root ? root : ".");
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    r->ham = mem_zeroed(r->mails.n, sizeof *r->ham);
    unsigned number;
    while (fscanf(f, "%63s %15s", name, label) == 2) {
        if (sscanf(name, "%u.eml", &number) == 1 && number >= 1 && number <= r->mails.n)
            r->ham[number - 1] = strcmp(label, "ham") == 0;
    }
    fclose(f);
    return true;
}

/* Spam of one kind and subject. A crude way of finding campaigns, but not ours. */
static uint64_t group_of(const struct mail *m)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    if (m->subject.n < 8)
        return 0;
    for (size_t i = 0; i < m->subject.n && i < 24; i++)
        h = (h ^ (m->subject.p[i] >= '0' && m->subject.p[i] <= '9' ? '0' : m->subject.p[i])) *
            1099511628211u;
    return h;
}

static bool real_open(struct real *r)
{
    static const char *const strip[] = {"X-Miltered",     "X-Virus-*", "X-UUID", "Status",
                                        "Content-Length", "Lines",     NULL};
    struct mail_options options = {.strip = strip};
    struct mail_reader *reader;
    *r = (struct real){.ham = NULL};
    if (mails_open(&r->mails) < 0 || !read_labels(r) ||
        mail_reader_open(&options, &reader, NULL) < 0)
        return false;
    r->text = mem_zeroed(r->mails.n, sizeof *r->text);
    r->group = mem_zeroed(r->mails.n, sizeof *r->group);
    for (size_t i = 0; i < r->mails.n; i++) {
        struct mail m;
        mail_read(reader, r->mails.mail[i], NULL, &r->arena, &m);
        template_text_of(&m, r->mails.mail[i], &r->arena, &r->text[i]);
        r->group[i] = r->ham[i] ? 0 : group_of(&m);
    }
    mail_reader_close(reader);
    return true;
}

struct tally {
    unsigned templates, rules[RULE_FORMATS], held[RULE_FORMATS], hits[RULE_FORMATS],
        ham[RULE_FORMATS];
};

static void measure(const struct real *r, const struct template *t, const uint32_t *held,
                    unsigned n, struct tally *tally)
{
    for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
        struct rule *rule;
        unsigned ham = 0, hits = 0;
        if (rule_compile(t, f, &rule, NULL) < 0)
            continue;
        for (unsigned i = 0; i < n; i++)
            hits += rule_match(rule, &r->text[held[i]]) == 1;
        for (size_t i = 0; i < r->mails.n; i++)
            ham += r->ham[i] && rule_match(rule, &r->text[i]) == 1;
        tally->rules[f]++;
        tally->held[f] += n;
        tally->hits[f] += hits;
        tally->ham[f] += ham;
        rule_free(rule);
    }
}

/* Half of a group teaches, the other half is held back. */
static bool measure_group(const struct real *r, uint64_t group, struct tally *tally)
{
    struct template_text learn[TEMPLATE_SAMPLES_MAX];
    uint32_t *held = mem_zeroed(r->mails.n, sizeof *held);
    struct template t;
    struct arena arena = {0};
    unsigned n = 0, learnt = 0, seen = 0;
    for (size_t i = 0; i < r->mails.n; i++) {
        if (r->group[i] != group)
            continue;
        if (seen++ % 2 == 0 && learnt < TEMPLATE_SAMPLES_MAX)
            learn[learnt++] = r->text[i];
        else
            held[n++] = (uint32_t)i;
        r->group[i] = 0; /* done */
    }
    bool big = seen >= GROUP_MIN;
    if (big && template_infer(learn, learnt, &arena, &t, NULL) == 0 && t.samples == learnt) {
        tally->templates++;
        measure(r, &t, held, n, tally);
    }
    free(held);
    arena_free(&arena);
    return big;
}

static void real_mails(void)
{
    struct real r;
    struct tally tally = {0};
    if (!real_open(&r)) {
        tap_skip("rules on real mail", "../shared/data/mail is not there");
        mails_close(&r.mails);
        free(r.ham);
        return;
    }
    unsigned groups = 0, ham = 0;
    for (size_t i = 0; i < r.mails.n; i++)
        ham += r.ham[i];
    for (size_t i = 0; i < r.mails.n && groups < GROUPS; i++)
        groups += r.group[i] && measure_group(&r, r.group[i], &tally);
    printf("# %u groups of mails with one subject, %u with a template of all of them\n", groups,
           tally.templates);
    ok(tally.templates >= 8, "templates are found");
    for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
        printf("# %s: %u rules, %u of %u held-back mails, %u of %u ham\n", rule_format_name(f),
               tally.rules[f], tally.hits[f], tally.held[f], tally.ham[f], ham);
        ok(tally.hits[f] * 100 >= tally.held[f] * 99, "99 %% of held-back mails match");
        is_int(tally.ham[f], 0);
    }
    mails_close(&r.mails);
    free(r.ham);
    free(r.text);
    free(r.group);
    arena_free(&r.arena);
}

int main(void)
{
    escaping();
    literal();
    names();
    encoded();
    counting();
    hostile();
    real_mails();
    return tap_done();
}
