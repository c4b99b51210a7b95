/* Rules, run by the engines that they are written for, on what these would see of a mail. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <hs/hs.h>
#include <pcre2.h>
#include <stdlib.h>
#include <yara.h>

#include "mail/template_impl.h"
#include "wire/text.h"

/* Several times what 8 clauses cost that are each looked for in all of the longest text. */
#define MATCH_LIMIT 20000000u
/* Of compiled patterns: each byte looked through takes some. */
#define STACK_LEAST (32u << 10)
#define STACK_MOST  (32u << 20)
#define PARAGRAPH_MAX                                                                              \
    2048 /* SpamAssassin's MAX_BODY_LINE_LENGTH: longer ones are cut at a space                    \
          */
#define SCAN_SECONDS  10
#define MEASURED_NAME "measured_1" /* what a rule is called while it is measured */

struct rule {
    enum rule_format format;
    struct plan plan;
    struct buf text;                    /* what the engine sees, made anew for each mail */
    pcre2_code *code[RULE_CLAUSES_MAX]; /* one for RULE_REGEX */
    pcre2_match_data *match;
    pcre2_match_context *limits;
    pcre2_jit_stack *stack;
    YR_RULES *yara;
    bool yara_ready;
    hs_database_t *hs;
    hs_scratch_t *scratch;
};

/* --- PCRE2 --- */

static int compile_pattern(struct rule *r, unsigned i, struct span pattern, struct err *err)
{
    int code;
    PCRE2_SIZE at;
    r->code[i] = pcre2_compile(pattern.p, pattern.n, 0, &code, &at, NULL);
    if (!r->code[i]) {
        PCRE2_UCHAR text[128];
        pcre2_get_error_message(code, text, sizeof text);
        return err_set(err, -EINVAL, "rule: PCRE2: %s (at %zu)", (const char *)text, (size_t)at);
    }
    pcre2_jit_compile(r->code[i], PCRE2_JIT_COMPLETE); /* without, it is interpreted */
    return 0;
}

static int pcre_open(struct rule *r)
{
    r->match = pcre2_match_data_create(RULE_CLAUSES_MAX + 1, NULL);
    r->limits = pcre2_match_context_create(NULL);
    r->stack = pcre2_jit_stack_create(STACK_LEAST, STACK_MOST, NULL);
    if (!r->match || !r->limits || !r->stack)
        return -ENOMEM;
    pcre2_jit_stack_assign(r->limits, NULL, r->stack);
    pcre2_set_match_limit(r->limits, MATCH_LIMIT);
    return 0;
}

static int pattern_match(const struct rule *r, unsigned i, struct span text)
{
    const uint8_t *p = text.n ? text.p : (const uint8_t *)"";
    int rc = pcre2_match(r->code[i], p, text.n, 0, 0, r->match, r->limits);
    return rc >= 0 ? 1 : rc == PCRE2_ERROR_NOMATCH ? 0 : -E2BIG;
}

static int compile_clauses(struct rule *r, const struct pattern_style *style, struct err *err)
{
    int rc = pcre_open(r);
    struct buf pattern = {0};
    for (unsigned i = 0; i < r->plan.n && rc == 0; i++) {
        pattern.n = 0;
        pattern_write(&r->plan.clause[i], style, &pattern);
        rc = compile_pattern(r, i, buf_as_span(&pattern), err);
    }
    buf_free(&pattern);
    return rc;
}

/* The exported rule's last line. */
static int compile_regex(struct rule *r, struct span text, struct err *err)
{
    struct cur c = cur_of(text);
    struct span line = {NULL, 0};
    int rc = pcre_open(r);
    while (cur_left(&c))
        line = cur_line(&c);
    return rc < 0 ? rc : compile_pattern(r, 0, line, err);
}

static int match_any_url(const struct rule *r, unsigned i, const struct template_text *t)
{
    int rc = 0;
    for (unsigned u = 0; u < t->urls && rc == 0; u++)
        rc = pattern_match(r, i, t->url[u]);
    return rc;
}

static void flatten(struct span s, struct buf *out)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!template_is_space(s.p[i]))
            buf_byte(out, s.p[i]);
        else if (i == 0 || !template_is_space(s.p[i - 1]))
            buf_byte(out, ' ');
    }
}

/* rspamd's sa_body: the subject, then the text without line ends. */
static int match_flat(struct rule *r, unsigned i, const struct template_text *t)
{
    int rc = pattern_match(r, i, t->subject);
    return rc ? rc : pattern_match(r, i, buf_as_span(&r->text));
}

/* SpamAssassin's body: the subject, then each paragraph without line ends, long ones cut. */
static int match_paragraphs(struct rule *r, unsigned i, const struct template_text *t)
{
    int rc = pattern_match(r, i, t->subject);
    struct span rest = t->body;
    while (rest.n && rc == 0) {
        const uint8_t *end = memmem(rest.p, rest.n, "\n\n", 2);
        struct span paragraph = span_of(rest.p, end ? (size_t)(end - rest.p) : rest.n);
        rest = text_behind(rest, end ? paragraph.n + 2 : paragraph.n);
        r->text.n = 0;
        flatten(paragraph, &r->text);
        for (struct span p = buf_as_span(&r->text); p.n && rc == 0;) {
            size_t n = p.n;
            if (n > PARAGRAPH_MAX) {
                const uint8_t *space = memrchr(p.p, ' ', PARAGRAPH_MAX);
                n = space ? (size_t)(space + 1 - p.p) : PARAGRAPH_MAX;
            }
            rc = pattern_match(r, i, span_of(p.p, n));
            p = text_behind(p, n);
        }
    }
    return rc;
}

static int match_clause(struct rule *r, unsigned i, const struct template_text *t)
{
    const struct clause *c = &r->plan.clause[i];
    switch (c->place) {
    case TEMPLATE_SUBJECT:
        return pattern_match(r, i, t->subject);
    case TEMPLATE_HEADER:
        return pattern_match(r, i, strcmp(c->header, "From") == 0 ? t->from : t->message_id);
    case TEMPLATE_URL:
        return match_any_url(r, i, t);
    default:
        return r->format == RULE_RSPAMD ? match_flat(r, i, t) : match_paragraphs(r, i, t);
    }
}

static int match_clauses(struct rule *r, const struct template_text *t)
{
    unsigned have = 0;
    r->text.n = 0;
    if (r->format == RULE_RSPAMD)
        flatten(t->body, &r->text);
    for (unsigned i = 0; i < r->plan.n && have < r->plan.need; i++) {
        if (have + (r->plan.n - i) < r->plan.need)
            return 0;
        int rc = match_clause(r, i, t);
        if (rc < 0)
            return rc;
        have += rc > 0;
    }
    return have >= r->plan.need;
}

/* --- YARA --- */

static void yara_message(int level, const char *file, int line, const YR_RULE *rule,
                         const char *message, void *user)
{
    struct err *err = user;
    if (level == YARA_ERROR_LEVEL_ERROR)
        err_set(err, -EINVAL, "rule: YARA: line %d: %s", line, message);
}

static int compile_yara(struct rule *r, const char *text, struct err *err)
{
    YR_COMPILER *compiler;
    struct err own = {0};
    r->yara_ready = yr_initialize() == ERROR_SUCCESS;
    if (!r->yara_ready || yr_compiler_create(&compiler) != ERROR_SUCCESS)
        return err_set(err, -ENOMEM, "rule: YARA does not start");
    yr_compiler_set_callback(compiler, yara_message, &own);
    int rc = yr_compiler_add_string(compiler, text, NULL) == 0 ? 0 : -EINVAL;
    if (rc == 0 && yr_compiler_get_rules(compiler, &r->yara) != ERROR_SUCCESS)
        rc = -ENOMEM;
    yr_compiler_destroy(compiler);
    return rc < 0 ? err_set(err, rc, "%s", own.code ? own.text : "rule: YARA does not compile it")
                  : 0;
}

static int yara_matched(YR_SCAN_CONTEXT *context, int message, void *data, void *user)
{
    *(bool *)user = *(bool *)user || message == CALLBACK_MSG_RULE_MATCHING;
    return CALLBACK_CONTINUE;
}

static int match_yara(struct rule *r, const struct template_text *t)
{
    bool matched = false;
    int rc = yr_rules_scan_mem(r->yara, t->raw.n ? t->raw.p : (const uint8_t *)"", t->raw.n,
                               SCAN_FLAGS_FAST_MODE, yara_matched, &matched, SCAN_SECONDS);
    return rc == ERROR_SUCCESS ? matched : -EIO;
}

/* --- hyperscan --- */

#define LINES_MAX (RULE_CLAUSES_MAX + 1)

struct hs_lines {
    const char *pattern[LINES_MAX];
    unsigned flags[LINES_MAX], id[LINES_MAX], n;
};

/* "id:/pattern/flags" */
static bool hs_line(struct span line, struct arena *arena, struct hs_lines *out)
{
    size_t colon = text_find(line, ':'), end = line.n;
    uint64_t id;
    if (line.n == 0 || *line.p == '#' || out->n == LINES_MAX)
        return false;
    while (end > 0 && line.p[end - 1] != '/')
        end--;
    if (!text_number(span_of(line.p, colon), &id) || end < colon + 3)
        return false;
    out->pattern[out->n] = arena_copy(arena, line.p + colon + 2, end - 1 - (colon + 2));
    out->flags[out->n] = 0;
    for (; end < line.n; end++)
        out->flags[out->n] |= line.p[end] == 'C' ? HS_FLAG_COMBINATION : HS_FLAG_QUIET;
    out->id[out->n++] = (unsigned)id;
    return true;
}

static int compile_hyperscan(struct rule *r, struct span text, struct err *err)
{
    struct hs_lines lines = {.n = 0};
    struct arena arena;
    hs_compile_error_t *error = NULL;
    arena_init(&arena);
    for (struct cur c = cur_of(text); cur_left(&c);)
        hs_line(cur_line(&c), &arena, &lines);
    int rc = 0;
    if (hs_compile_multi(lines.pattern, lines.flags, lines.id, lines.n, HS_MODE_BLOCK, NULL, &r->hs,
                         &error) != HS_SUCCESS)
        rc = err_set(err, -EINVAL, "rule: hyperscan: %s (expression %d)", error->message,
                     error->expression);
    else if (hs_alloc_scratch(r->hs, &r->scratch) != HS_SUCCESS)
        rc = err_set(err, -ENOMEM, "rule: hyperscan: no memory");
    hs_free_compile_error(error);
    arena_free(&arena);
    return rc;
}

static int hs_matched(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
                      void *user)
{
    *(bool *)user = true;
    return 1; /* enough */
}

static int match_hyperscan(struct rule *r)
{
    bool matched = false;
    hs_error_t rc = hs_scan(r->hs, (const char *)r->text.p, (unsigned)r->text.n, 0, r->scratch,
                            hs_matched, &matched);
    return rc == HS_SUCCESS || rc == HS_SCAN_TERMINATED ? matched : -EIO;
}

/* --- all --- */

static int compile(struct rule *r, struct err *err)
{
    struct buf text = {0};
    int rc = rule_write_plan(&r->plan, r->format, MEASURED_NAME, NULL, &text, err);
    buf_byte(&text, 0);
    struct span written = span_of(text.p, text.n - 1);
    if (rc == 0)
        rc = r->format == RULE_REGEX          ? compile_regex(r, written, err)
             : r->format == RULE_YARA         ? compile_yara(r, (const char *)text.p, err)
             : r->format == RULE_HYPERSCAN    ? compile_hyperscan(r, written, err)
             : r->format == RULE_SPAMASSASSIN ? compile_clauses(r, &pattern_bytes, err)
                                              : compile_clauses(r, &pattern_rspamd, err);
    buf_free(&text);
    return rc;
}

int rule_compile(const struct template *t, enum rule_format format, struct rule **out,
                 struct err *err)
{
    struct rule *r = mem_zeroed(1, sizeof *r);
    r->format = format;
    int rc = plan_make(t, format, &r->plan, err);
    if (rc == 0)
        rc = compile(r, err);
    *out = r;
    if (rc < 0) {
        rule_free(r);
        *out = NULL;
    }
    return rc;
}

int rule_match(struct rule *r, const struct template_text *text)
{
    switch (r->format) {
    case RULE_YARA:
        return match_yara(r, text);
    case RULE_REGEX:
    case RULE_HYPERSCAN:
        r->text.n = 0;
        rule_text(text, &r->text);
        return r->format == RULE_REGEX ? pattern_match(r, 0, buf_as_span(&r->text))
                                       : match_hyperscan(r);
    default:
        return match_clauses(r, text);
    }
}

void rule_free(struct rule *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < RULE_CLAUSES_MAX; i++)
        pcre2_code_free(r->code[i]);
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->limits);
    pcre2_jit_stack_free(r->stack);
    if (r->yara)
        yr_rules_destroy(r->yara);
    if (r->yara_ready)
        yr_finalize();
    hs_free_scratch(r->scratch);
    hs_free_database(r->hs);
    buf_free(&r->text);
    plan_free(&r->plan);
    free(r);
}
