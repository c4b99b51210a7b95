/* Rules as text. */
#include <ctype.h>
#include <errno.h>
#include <xxhash.h>

#include "mail/template_impl.h"

const struct pattern_style pattern_bytes = {"\\s+", false};
/* rspamd keeps no-break spaces: U+00A0 in its UTF-8 patterns, C2 A0 in others. Text whose charset
 * was not declared, it does not convert: one letter is one byte or several. */
const struct pattern_style pattern_rspamd = {"[\\s\\xc2\\xa0]+", true};

enum rule_format rule_format_named(const char *name)
{
    for (enum rule_format f = 0; f < RULE_FORMATS; f++) {
        if (strcmp(name, rule_format_name(f)) == 0)
            return f;
    }
    return RULE_FORMATS;
}

const char *rule_format_name(enum rule_format f)
{
    static const char *const name[] = {"regex", "yara", "rspamd", "spamassassin", "hyperscan"};
    return name[f];
}

/* --- patterns --- */

/* Bytes with a meaning in patterns, between slashes, or in SpamAssassin's files (a comment; Perl's
 * arrays). */
static const char special[] = "\\^$.|?*+()[]{}/#@";

/* A letter here and there is beyond ASCII: what is left says enough. */
static bool is_mostly_ascii(struct span s)
{
    size_t beyond = 0;
    for (size_t i = 0; i < s.n; i++)
        beyond += s.p[i] >= 0x80;
    return beyond * 3 < s.n;
}

static void write_literal(struct span s, const struct pattern_style *style, struct buf *out)
{
    bool utf8 = style->utf8 && span_is_utf8(s), space = false;
    bool loose = style->utf8 && is_mostly_ascii(s);
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (template_is_space(c)) {
            if (!space)
                buf_str(out, style->space);
        } else if (c >= 0x80 && loose) {
            size_t n = 1;
            while (i + 1 < s.n && s.p[i + 1] >= 0x80)
                n++, i++;
            buf_printf(out, "[^\\x00-\\x7f]{1,%zu}", n);
        } else if (c >= 0x80 && utf8) {
            buf_byte(out, c);
        } else if (c < 0x20 || c >= 0x7f) {
            buf_printf(out, "\\x%02x", c);
        } else {
            if (strchr(special, c)) /* never NUL here */
                buf_byte(out, '\\');
            buf_byte(out, c);
        }
        space = template_is_space(c);
    }
}

static void write_field(const struct template_item *i, const struct pattern_style *style,
                        struct buf *out)
{
    if (i->closed) {
        buf_str(out, "(?:");
        for (unsigned k = 0; k < i->dicts; k++) {
            if (k)
                buf_byte(out, '|');
            write_literal(i->dict[k], style, out);
        }
        buf_byte(out, ')');
        return;
    }
    buf_str(out, field_class_pattern(i->class));
    if (i->least != i->most)
        buf_printf(out, "{%u,%u}", i->least, i->most);
    else if (i->least != 1)
        buf_printf(out, "{%u}", i->least);
}

static void write_items(const struct clause *c, const struct pattern_style *style, struct buf *out)
{
    for (unsigned i = 0; i < c->items; i++) {
        if (c->item[i].anchor)
            write_literal(c->item[i].text, style, out);
        else
            write_field(&c->item[i], style, out);
    }
}

void pattern_write(const struct clause *c, const struct pattern_style *style, struct buf *out)
{
    if (c->whole)
        buf_str(out, "^\\s*"); /* some engines keep white space at a header's ends */
    write_items(c, style, out);
    if (c->whole)
        buf_str(out, "\\s*$");
}

void pattern_write_text(const struct clause *c, struct buf *out)
{
    if (c->whole)
        buf_byte(out, '^');
    write_items(c, &pattern_bytes, out);
    if (c->whole)
        buf_str(out, "\\n");
}

/* --- regex --- */

/* Calls each() for every choice of `need` of n. */
static void choices(unsigned n, unsigned need, void (*each)(uint32_t set, void *ctx), void *ctx)
{
    for (uint32_t set = 0; set < 1u << n; set++) {
        if ((unsigned)__builtin_popcount(set) == need)
            each(set, ctx);
    }
}

struct joining {
    struct buf *out;
    const char *between, *front, *glue, *behind; /* of choices; around and within each */
    const char *item;                            /* format of one: takes a number */
    uint32_t base;
    bool any;
};

static void join_choice(uint32_t set, void *ctx)
{
    struct joining *j = ctx;
    bool first = true;
    if (j->any)
        buf_str(j->out, j->between);
    j->any = true;
    buf_str(j->out, j->front);
    for (unsigned i = 0; i < RULE_CLAUSES_MAX; i++) {
        if (!(set >> i & 1))
            continue;
        if (!first)
            buf_str(j->out, j->glue);
        first = false;
        buf_printf(j->out, "%s%u", j->item, j->base + i + 1);
    }
    buf_str(j->out, j->behind);
}

/* Each clause is looked for once, from the start; where some may lack, an empty group behind each
 * tells which are there, and at the end so many of the groups must be set. */
static void write_regex(const struct plan *p, struct buf *out)
{
    bool all = p->need == p->n;
    buf_str(out, "\\A");
    for (unsigned i = 0; i < p->n; i++) {
        struct clause c = p->clause[i];
        bool whole = c.whole;
        buf_str(out, all ? "(?=" : "(?=(?:");
        if (!whole)
            buf_str(out, "[\\s\\S]*?");
        c.whole = false;
        pattern_write_text(&c, out);
        if (whole)
            buf_str(out, "\\n");
        buf_str(out, all ? ")" : "())?)");
    }
    if (all)
        return;
    struct joining j = {
        .out = out, .between = "|", .front = "", .glue = "", .behind = "", .item = "\\"};
    buf_str(out, "(?:");
    choices(p->n, p->need, join_choice, &j);
    buf_byte(out, ')');
}

void rule_text(const struct template_text *t, struct buf *out)
{
    buf_span(out, t->subject);
    buf_str(out, "\n\n");
    buf_span(out, t->body);
    buf_str(out, "\n\n");
    for (unsigned i = 0; i < t->urls; i++) {
        buf_span(out, t->url[i]);
        buf_byte(out, '\n');
    }
}

/* --- hyperscan: lines as hscheck and hsbench read them --- */

/* Numbers of a name's expressions: its own behind digits at its end, else of its hash. */
static uint32_t first_number(const char *name)
{
    size_t n = strlen(name), digits = 0;
    uint64_t number = 0;
    while (digits < n && isdigit((unsigned char)name[n - 1 - digits]))
        digits++;
    for (size_t i = n - digits; i < n; i++)
        number = number * 10 + (uint64_t)(name[i] - '0');
    if (digits == 0 || digits > 15)
        number = XXH3_64bits(name, n);
    return (uint32_t)(number % (UINT32_MAX / 16)) * 16;
}

static void write_hyperscan(const struct plan *p, const char *name, struct buf *out)
{
    uint32_t base = first_number(name);
    for (unsigned i = 0; i < p->n; i++) {
        buf_printf(out, "%u:/", p->n == 1 ? base : base + i + 1);
        pattern_write_text(&p->clause[i], out);
        buf_str(out, p->n == 1 ? "/\n" : "/Q\n");
    }
    if (p->n == 1)
        return;
    struct joining j = {.out = out,
                        .between = "|",
                        .front = "(",
                        .glue = "&",
                        .behind = ")",
                        .item = "",
                        .base = base};
    buf_printf(out, "%u:/", base);
    choices(p->n, p->need, join_choice, &j);
    buf_str(out, "/C\n");
}

/* --- yara --- */

static void write_yara_string(struct span s, struct buf *out)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c < 0x20 || c >= 0x7f)
            buf_printf(out, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_byte(out, c);
    }
    buf_byte(out, '"');
}

static void write_yara(const struct plan *p, const char *name, const struct rule_measure *m,
                       struct buf *out)
{
    buf_printf(out, "rule %s\n{\n  meta:\n    description = \"spam campaign\"\n", name);
    if (m)
        buf_printf(out,
                   "    held_back = %llu\n    hits = %llu\n    ham = %llu\n    ham_hits = %llu\n",
                   (unsigned long long)m->held_back, (unsigned long long)m->hits,
                   (unsigned long long)m->ham, (unsigned long long)m->ham_hits);
    buf_str(out, "  strings:\n");
    for (unsigned i = 0; i < p->n; i++) {
        buf_printf(out, "    $s%u = ", i + 1);
        write_yara_string(p->clause[i].item->text, out);
        buf_byte(out, '\n');
    }
    buf_printf(out, "  condition:\n    %u of them\n}\n", p->need);
}

/* --- spamassassin --- */

static void write_spamassassin(const struct plan *p, const char *name, struct buf *out)
{
    for (unsigned i = 0; i < p->n; i++) {
        const struct clause *c = &p->clause[i];
        if (c->place == TEMPLATE_BODY)
            buf_printf(out, "body     __%s_%u /", name, i + 1);
        else if (c->place == TEMPLATE_URL)
            buf_printf(out, "uri      __%s_%u /", name, i + 1);
        else
            buf_printf(out, "header   __%s_%u %s =~ /", name, i + 1,
                       c->place == TEMPLATE_SUBJECT ? "Subject" : c->header);
        pattern_write(c, &pattern_bytes, out);
        buf_str(out, "/\n");
    }
    buf_printf(out, "meta     %s (", name);
    for (unsigned i = 0; i < p->n; i++)
        buf_printf(out, "%s__%s_%u", i ? " + " : "", name, i + 1);
    buf_printf(out, ") >= %u\ndescribe %s Spam campaign\nscore    %s 5\n", p->need, name, name);
}

/* --- rspamd: Lua for rspamd.local.lua --- */

static void write_rspamd(const struct plan *p, const char *name, struct buf *out)
{
    bool all = p->need == p->n;
    buf_printf(out, "config['regexp']['%s'] = {\n  re = [==[", name);
    for (unsigned i = 0; i < p->n; i++) {
        const struct clause *c = &p->clause[i];
        if (i)
            buf_str(out, all ? " & " : " + ");
        if (c->place == TEMPLATE_SUBJECT || c->place == TEMPLATE_HEADER)
            buf_printf(out, "%s=", c->header ? c->header : "Subject");
        buf_byte(out, '/');
        pattern_write(c, &pattern_rspamd, out);
        buf_str(out, c->place == TEMPLATE_BODY  ? "/{sa_body}"
                     : c->place == TEMPLATE_URL ? "/{url}"
                                                : "/{header}");
    }
    if (!all)
        buf_printf(out, " >= %u", p->need);
    buf_str(out,
            "]==],\n  score = 5.0,\n  description = 'Spam campaign',\n  group = 'campaigns',\n}\n");
}

/* --- all --- */

static bool is_name(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > RULE_NAME_MAX || !isalpha((unsigned char)*name))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    }
    return true;
}

static void write_comment(enum rule_format format, const char *name, const struct rule_measure *m,
                          struct buf *out)
{
    const char *mark = format == RULE_YARA ? "//" : format == RULE_RSPAMD ? "--" : "#";
    buf_printf(out, "%s %s", mark, name);
    if (m && m->held_back)
        buf_printf(out, ": matches %llu of %llu other mails of its campaign",
                   (unsigned long long)m->hits, (unsigned long long)m->held_back);
    if (m && m->ham)
        buf_printf(out, "%s %llu of %llu ham mails", m->held_back ? "," : ": matches",
                   (unsigned long long)m->ham_hits, (unsigned long long)m->ham);
    buf_byte(out, '\n');
}

int rule_write_plan(const struct plan *p, enum rule_format format, const char *name,
                    const struct rule_measure *measure, struct buf *out, struct err *err)
{
    if (!is_name(name))
        return err_set(err, -EINVAL,
                       "%s: a rule's name is a letter, then letters, digits and _, at most %d",
                       name, RULE_NAME_MAX);
    write_comment(format, name, measure, out);
    switch (format) {
    case RULE_REGEX:
        write_regex(p, out);
        buf_byte(out, '\n');
        break;
    case RULE_YARA:
        write_yara(p, name, measure, out);
        break;
    case RULE_RSPAMD:
        write_rspamd(p, name, out);
        break;
    case RULE_SPAMASSASSIN:
        write_spamassassin(p, name, out);
        break;
    case RULE_HYPERSCAN:
        write_hyperscan(p, name, out);
        break;
    case RULE_FORMATS:
        return err_set(err, -EINVAL, "%s: no such format", name);
    }
    return 0;
}

int rule_write(const struct template *t, enum rule_format format, const char *name,
               const struct rule_measure *measure, struct buf *out, struct err *err)
{
    struct plan plan;
    int rc = plan_make(t, format, &plan, err);
    if (rc == 0)
        rc = rule_write_plan(&plan, format, name, measure, out, err);
    plan_free(&plan);
    return rc;
}
