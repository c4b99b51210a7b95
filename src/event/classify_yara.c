#include "event/classify_yara.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <yara.h>

#include "base/log.h"
#include "event/classify.h"

#define RULES_MAX        10000
#define BOT_ID_CUT_MAX   1024
#define BOT_ID_LOOKS_MAX 64 /* matches looked at for the first one */

/* What a rule's meta says. */
struct rule {
    const YR_STRING *bot_id; /* NULL: none */
    struct span family, name;
    uint32_t skip, trim;
    uint8_t confidence; /* 0: a private rule */
};

struct ruleset {
    YR_COMPILER *compiler;
    YR_RULES *rules;
    YR_SCANNER *scanner;
    struct rule *rule; /* by index in rules->rules_table */
    unsigned n, n_public;
    bool initialized;
    struct err first; /* of a compilation */
    /* Variables that some rule file speaks of, and what the scanner's were set to last. */
    bool uses_number[VIEW_NUMBERS], uses_text[VIEW_TEXTS];
    uint64_t number[VIEW_NUMBERS];
    struct buf text[VIEW_TEXTS];
    /* Of the scan at hand. */
    const struct view *view;
    struct verdict *best;
    bool matched;
};

static int yara_error(struct err *err, const char *what, int code)
{
    return err_set(err, code == ERROR_INSUFFICIENT_MEMORY ? -ENOMEM : -EINVAL,
                   "%s: libyara error %d", what, code);
}

static int define_variables(struct ruleset *r, struct err *err)
{
    int rc = ERROR_SUCCESS;
    for (int i = 0; i < VIEW_NUMBERS && rc == ERROR_SUCCESS; i++)
        rc = yr_compiler_define_integer_variable(r->compiler, view_number_name[i], 0);
    for (int i = 0; i < VIEW_TEXTS && rc == ERROR_SUCCESS; i++)
        rc = yr_compiler_define_string_variable(r->compiler, view_text_name[i], "");
    return rc == ERROR_SUCCESS ? 0 : yara_error(err, "defining variables for rules", rc);
}

static void on_message(int level, const char *file, int line, const YR_RULE *rule,
                       const char *message, void *user)
{
    struct ruleset *r = user;
    if (level == YARA_ERROR_LEVEL_ERROR) {
        if (!r->first.code)
            err_set(&r->first, -EINVAL, "%s:%d: %s", file ? file : "?", line, message);
        return;
    }
    log_line(LOG_INFO, "rule warning", "file=\"%s\" line=%d why=\"%s\"", file ? file : "?", line,
             message);
}

int ruleset_open(struct ruleset **out, struct err *err)
{
    struct ruleset *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    int rc = yr_initialize();
    r->initialized = rc == ERROR_SUCCESS;
    if (rc == ERROR_SUCCESS)
        rc = yr_compiler_create(&r->compiler);
    if (rc != ERROR_SUCCESS) {
        ruleset_close(r);
        return yara_error(err, "rules", rc);
    }
    yr_compiler_set_callback(r->compiler, on_message, r);
    /* Without `include`, the files that we hash are all the files there are. */
    yr_compiler_set_include_callback(r->compiler, NULL, NULL, NULL);
    rc = define_variables(r, err);
    if (rc < 0)
        ruleset_close(r);
    else
        *out = r;
    return rc;
}

void ruleset_close(struct ruleset *r)
{
    if (!r)
        return;
    if (r->scanner)
        yr_scanner_destroy(r->scanner);
    if (r->rules)
        yr_rules_destroy(r->rules);
    if (r->compiler)
        yr_compiler_destroy(r->compiler);
    if (r->initialized)
        yr_finalize();
    for (int i = 0; i < VIEW_TEXTS; i++)
        buf_free(&r->text[i]);
    free(r->rule);
    free(r);
}

static void note_variables(struct ruleset *r, struct span text)
{
    for (int i = 0; i < VIEW_NUMBERS; i++)
        r->uses_number[i] |=
            memmem(text.p, text.n, view_number_name[i], strlen(view_number_name[i])) != NULL;
    for (int i = 0; i < VIEW_TEXTS; i++)
        r->uses_text[i] |=
            memmem(text.p, text.n, view_text_name[i], strlen(view_text_name[i])) != NULL;
}

int ruleset_add(struct ruleset *r, const char *path, struct span text, struct err *err)
{
    if (text.n == 0)
        return 0;
    note_variables(r, text);
    FILE *f = fmemopen((void *)text.p, text.n, "r");
    if (!f)
        return err_errno(err, "%s", path);
    int errors = yr_compiler_add_file(r->compiler, f, path, path);
    fclose(f);
    if (errors == 0)
        return 0;
    if (r->first.code)
        return err_set(err, r->first.code, "%s", r->first.text);
    return err_set(err, -EINVAL, "%s: does not compile", path);
}

/* Meta */

static const YR_META *meta_find(const YR_RULE *rule, const char *name)
{
    const YR_META *m;
    yr_rule_metas_foreach(rule, m) if (strcmp(m->identifier, name) == 0) return m;
    return NULL;
}

/* A text of the meta; NULL when it is missing, empty or no text. */
static const char *meta_text(const YR_RULE *rule, const char *name)
{
    const YR_META *m = meta_find(rule, name);
    return m && m->type == META_TYPE_STRING && m->string && m->string[0] ? m->string : NULL;
}

/* A number of the meta, `absent` when it is not there; -1 when it is no number from 0 to max. */
static int64_t meta_number(const YR_RULE *rule, const char *name, int64_t max, int64_t absent)
{
    const YR_META *m = meta_find(rule, name);
    if (!m)
        return absent;
    return m->type == META_TYPE_INTEGER && m->integer >= 0 && m->integer <= max ? m->integer : -1;
}

static bool is_family(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)s[i] < 0x21 || s[i] == 0x7f || (s[i] >= 'A' && s[i] <= 'Z'))
            return false;
    return n <= CLASSIFY_WORD_MAX && span_is_utf8(span_str(s));
}

static const char *read_bot_id(const YR_RULE *rule, struct rule *out)
{
    const YR_STRING *s;
    int64_t skip = meta_number(rule, "bot_id_skip", BOT_ID_CUT_MAX, 0);
    int64_t trim = meta_number(rule, "bot_id_trim", BOT_ID_CUT_MAX, 0);
    if (skip < 0 || trim < 0)
        return "bot_id_skip and bot_id_trim are numbers of bytes, 0 to 1024";
    out->skip = (uint32_t)skip;
    out->trim = (uint32_t)trim;
    if (!meta_find(rule, "bot_id"))
        return skip || trim ? "bot_id_skip or bot_id_trim without bot_id" : NULL;
    const char *id = meta_text(rule, "bot_id");
    if (!id)
        return "bot_id names one of the rule's strings, as \"$id\"";
    yr_rule_strings_foreach(rule, s) if (strcmp(s->identifier, id) == 0)
    {
        if (STRING_IS_PRIVATE(s) || STRING_IS_CHAIN_PART(s))
            return "bot_id names a string that is private or has a gap of over 200 bytes";
        out->bot_id = s;
        return NULL;
    }
    return "bot_id names a string that the rule does not have";
}

static const char *read_meta(const YR_RULE *rule, struct rule *out)
{
    const char *family = meta_text(rule, "family");
    int64_t confidence = meta_number(rule, "confidence", 100, -1);
    if (!family || !is_family(family))
        return "meta needs family: a name in lower case, without spaces";
    if (confidence < 1)
        return "meta needs confidence: a number from 1 to 100";
    if (!meta_text(rule, "source"))
        return "meta needs source: where the facts are from";
    if (meta_find(rule, "description") && !meta_text(rule, "description"))
        return "description is a text";
    out->family = span_str(family);
    out->confidence = (uint8_t)confidence;
    return read_bot_id(rule, out);
}

static int name_cmp(const void *a, const void *b)
{
    return span_cmp((*(const struct rule *const *)a)->name, (*(const struct rule *const *)b)->name);
}

/* A verdict names its rule alone, so one name may be there once in all files. */
static int check_names(const struct ruleset *r, struct err *err)
{
    const struct rule **by_name = malloc((r->n + 1) * sizeof *by_name);
    if (!by_name)
        abort();
    unsigned n = 0;
    for (unsigned i = 0; i < r->n; i++)
        if (r->rule[i].confidence)
            by_name[n++] = &r->rule[i];
    qsort(by_name, n, sizeof *by_name, name_cmp);
    int rc = 0;
    for (unsigned i = 1; i < n && rc == 0; i++)
        if (span_eq(by_name[i]->name, by_name[i - 1]->name)) {
            const YR_RULE *a = &r->rules->rules_table[by_name[i - 1] - r->rule];
            const YR_RULE *b = &r->rules->rules_table[by_name[i] - r->rule];
            rc = err_set(err, -EINVAL, "%s: rule %s: is in %s too", b->ns->name, b->identifier,
                         a->ns->name);
        }
    free(by_name);
    return rc;
}

static int on_scan(YR_SCAN_CONTEXT *context, int message, void *data, void *user);

static int make_scanner(struct ruleset *r, struct err *err)
{
    int rc = yr_scanner_create(r->rules, &r->scanner);
    if (rc != ERROR_SUCCESS)
        return yara_error(err, "rules", rc);
    /* libyara 4.2 looks whether it got memory for some of these only, and writes to all. */
    const YR_SCANNER *made = r->scanner;
    if (!made->rule_matches_flags || !made->ns_unsatisfied_flags || !made->strings_temp_disabled ||
        (r->rules->num_strings && (!made->matches || !made->unconfirmed_matches)))
        return yara_error(err, "rules", ERROR_INSUFFICIENT_MEMORY);
    yr_scanner_set_callback(r->scanner, on_scan, r);
    yr_scanner_set_timeout(r->scanner, CLASSIFY_TIMEOUT);
    /* Views are memory of ours: no need for libyara's own handlers of SIGSEGV and SIGBUS. */
    yr_scanner_set_flags(r->scanner, SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
    return 0;
}

int ruleset_ready(struct ruleset *r, struct err *err)
{
    int rc = yr_compiler_get_rules(r->compiler, &r->rules);
    if (rc != ERROR_SUCCESS)
        return yara_error(err, "rules", rc);
    const YR_RULE *rule;
    yr_rules_foreach(r->rules, rule) r->n++;
    if (r->n > RULES_MAX)
        return err_set(err, -EFBIG, "rules: more than %d", RULES_MAX);
    r->rule = calloc(r->n + 1, sizeof *r->rule);
    if (!r->rule)
        abort();
    for (unsigned i = 0; i < r->n; i++) {
        rule = &r->rules->rules_table[i];
        r->rule[i].name = span_str(rule->identifier);
        if (RULE_IS_PRIVATE(rule))
            continue;
        const char *why = read_meta(rule, &r->rule[i]);
        if (why)
            return err_set(err, -EINVAL, "%s: rule %s: %s", rule->ns->name, rule->identifier, why);
        r->n_public++;
    }
    rc = check_names(r, err);
    if (rc < 0)
        return rc;
    return r->n_public ? make_scanner(r, err) : 0;
}

unsigned ruleset_size(const struct ruleset *r)
{
    return r->n_public;
}

/* Scanning */

/* The match that begins first, with what the meta says cut off. libyara keeps its matches at
 * addresses that are not aligned, so they are copied before they are looked at. */
static struct span find_bot_id(const struct ruleset *r, YR_SCAN_CONTEXT *context,
                               const struct rule *rule)
{
    const struct span none = {0};
    uint64_t at = UINT64_MAX, n = 0, cut = (uint64_t)rule->skip + rule->trim;
    if (!rule->bot_id)
        return none;
    const void *p = context->matches[rule->bot_id->idx].head;
    for (unsigned looks = 0; p && looks < BOT_ID_LOOKS_MAX; looks++) {
        YR_MATCH m;
        memcpy(&m, p, sizeof m);
        if ((uint64_t)(m.base + m.offset) < at) {
            at = (uint64_t)(m.base + m.offset);
            n = m.match_length > 0 ? (uint64_t)m.match_length : 0;
        }
        p = m.next;
    }
    if (at > r->view->bytes.n || n > r->view->bytes.n - at || n <= cut ||
        n - cut > CLASSIFY_BOT_ID_MAX)
        return none;
    return span_of(r->view->bytes.p + at + rule->skip, n - cut);
}

static int on_scan(YR_SCAN_CONTEXT *context, int message, void *data, void *user)
{
    struct ruleset *r = user;
    if (message != CALLBACK_MSG_RULE_MATCHING)
        return CALLBACK_CONTINUE; /* too many matches: the rule judges by those it has */
    const struct rule *rule = &r->rule[(const YR_RULE *)data - r->rules->rules_table];
    struct verdict *best = r->best;
    if (!rule->confidence || (r->matched && (rule->confidence < best->confidence ||
                                             (rule->confidence == best->confidence &&
                                              span_cmp(rule->name, best->rule) > 0))))
        return CALLBACK_CONTINUE;
    *best =
        (struct verdict){rule->name, rule->family, find_bot_id(r, context, rule), rule->confidence};
    r->matched = true;
    return CALLBACK_CONTINUE;
}

static int set_text(struct ruleset *r, int i, struct span s)
{
    struct buf *last = &r->text[i];
    if (last->n == s.n + 1 && memcmp(last->p, s.p ? s.p : (const uint8_t *)"", s.n) == 0)
        return ERROR_SUCCESS;
    last->n = 0;
    buf_span(last, s);
    buf_byte(last, 0);
    struct span clean = s;
    char copy[CLASSIFY_TEXT_MAX + 1];
    if (s.n && memchr(s.p, 0, s.n)) { /* libyara takes a C string: NULs would end it */
        for (size_t k = 0; k < s.n; k++)
            copy[k] = s.p[k] ? (char)s.p[k] : 1;
        copy[s.n] = 0;
        clean = span_of(copy, s.n);
    } else {
        clean = span_of(last->p, s.n);
    }
    return yr_scanner_define_string_variable(r->scanner, view_text_name[i], (const char *)clean.p);
}

static int set_variables(struct ruleset *r, const struct view *v)
{
    int rc = ERROR_SUCCESS;
    for (int i = 0; i < VIEW_NUMBERS && rc == ERROR_SUCCESS; i++) {
        if (!r->uses_number[i] || r->number[i] == v->number[i])
            continue;
        r->number[i] = v->number[i];
        rc = yr_scanner_define_integer_variable(r->scanner, view_number_name[i],
                                                v->number[i] < INT64_MAX ? (int64_t)v->number[i]
                                                                         : INT64_MAX);
    }
    for (int i = 0; i < VIEW_TEXTS && rc == ERROR_SUCCESS; i++)
        if (r->uses_text[i])
            rc = set_text(r, i, v->text[i]);
    return rc;
}

int ruleset_scan(struct ruleset *r, const struct view *v, struct verdict *out)
{
    if (!r->scanner)
        return 0;
    r->view = v;
    r->best = out;
    r->matched = false;
    int rc = set_variables(r, v);
    if (rc == ERROR_SUCCESS)
        rc = yr_scanner_scan_mem(r->scanner, v->bytes.p ? v->bytes.p : (const uint8_t *)"",
                                 v->bytes.n);
    if (rc != ERROR_SUCCESS)
        return -1;
    return r->matched;
}
