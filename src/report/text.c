#include "report/text.h"

#include <stdio.h>

#include "base/utc.h"
#include "report/row.h"

#define COLUMNS_WRAP   76
#define OPERATOR_MAX   300 /* bytes kept of who reports */
#define SUBJECT_KINDS  3   /* families named in a subject */
#define INDENT_ADDRESS 4

enum language {
#define LANGUAGE(symbol, tag, name) LANGUAGE_##symbol,
#define TEXT(symbol, ...)
#include "report/text.def"
#undef LANGUAGE
#undef TEXT
    LANGUAGES
};

enum words {
#define LANGUAGE(symbol, tag, name)
#define TEXT(symbol, ...) WORDS_##symbol,
#include "report/text.def"
#undef LANGUAGE
#undef TEXT
    WORDS
};

static const char *const tags[] = {
#define LANGUAGE(symbol, tag, name) tag,
#define TEXT(symbol, ...)
#include "report/text.def"
#undef LANGUAGE
#undef TEXT
};

static const char languages[] =
#define LANGUAGE(symbol, tag, name) name ", "
#define TEXT(symbol, ...)
#include "report/text.def"
#undef LANGUAGE
#undef TEXT
    ;

static const char *const texts[WORDS][LANGUAGES] = {
#define LANGUAGE(symbol, tag, name)
#define TEXT(symbol, ...) [WORDS_##symbol] = {__VA_ARGS__},
#include "report/text.def"
#undef LANGUAGE
#undef TEXT
};

/* What {words} stand for. */
struct value {
    const char *name;
    struct span words;
};

struct writer {
    struct arena *arena;
    const struct report *r;
    const struct text_form *form;
    struct buf *out;
    unsigned language;
    size_t count[3]; /* rows by report_what */
    bool spam;
    struct span org, name, mail, web, phone, page, case_name, id, log;
};

/* "de", "de-AT": by the first two letters. */
static unsigned language_of(const struct report *r)
{
    struct span l = span_of(r->language.p, r->language.n < 2 ? r->language.n : 2);
    bool whole = r->language.n <= 2 || r->language.p[2] == '-' || r->language.p[2] == '_';
    for (unsigned i = 0; i < LANGUAGES; i++)
        if (whole && span_ieq(l, span_str(tags[i])))
            return i;
    return LANGUAGE_EN;
}

const char *text_language(const struct report *r)
{
    return tags[language_of(r)];
}

static struct writer writer_of(struct arena *arena, const struct report *r, struct buf *out)
{
    const struct report_from *f = r->from;
    struct writer w = {.arena = arena, .r = r, .out = out, .language = language_of(r)};
    for (size_t i = 0; i < r->n; i++) {
        w.count[r->rows[i].what]++;
        w.spam |= r->rows[i].what != REPORT_GONE && row_is_spam(&r->rows[i]);
    }
    w.org = words_clean(arena, f->org.n ? f->org : f->name, OPERATOR_MAX);
    w.name = words_clean(arena, f->name, OPERATOR_MAX);
    w.mail = words_clean(arena, f->mail, OPERATOR_MAX);
    w.web = words_clean(arena, f->web, OPERATOR_MAX);
    w.phone = words_clean(arena, f->phone, OPERATOR_MAX);
    w.page = words_clean(arena, f->page, OPERATOR_MAX);
    w.case_name = words_clean(arena, f->case_name, OPERATOR_MAX);
    w.id = words_clean(arena, r->id, OPERATOR_MAX);
    w.log = words_clean(arena, r->log_origin, OPERATOR_MAX);
    return w;
}

static const char *words(const struct writer *w, enum words which)
{
    return texts[which][w->language];
}

/* Our words with the values filled in; a name that has none stays as it is. */
static void fill(struct buf *out, const char *text, const struct value *values, size_t n)
{
    for (const char *p = text; *p;) {
        size_t run = strcspn(p, "{");
        buf_put(out, p, run);
        p += run;
        const char *end = *p ? strchr(p, '}') : NULL;
        if (!end)
            continue;
        for (size_t i = 0; i < n; i++)
            if (span_is(span_of(p + 1, (size_t)(end - p - 1)), values[i].name))
                buf_span(out, values[i].words);
        p = end + 1;
    }
}

static struct span number(const struct writer *w, uint64_t n)
{
    struct buf b = {0};
    number_put(&b, n);
    struct span s = span_of(arena_copy(w->arena, b.p, b.n), b.n);
    buf_free(&b);
    return s;
}

/* Columns of UTF-8 text: characters, which is right for what is written here. */
static size_t width(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* A paragraph: words between blanks, wrapped; `first` begins it, later lines are indented alike. */
static void wrap(struct buf *out, const char *first, struct span text)
{
    size_t indent = strlen(first), column = indent;
    bool begun = false;
    buf_str(out, first);
    for (size_t i = 0; i < text.n;) {
        size_t end = i;
        while (end < text.n && text.p[end] != ' ')
            end++;
        struct span word = span_of(text.p + i, end - i);
        i = end + (end < text.n);
        if (!word.n)
            continue;
        size_t w = width(word);
        if (begun && column + 1 + w > COLUMNS_WRAP) {
            buf_byte(out, '\n');
            for (size_t k = 0; k < indent; k++)
                buf_byte(out, ' ');
            column = indent;
        } else if (begun) {
            buf_byte(out, ' ');
            column++;
        }
        buf_span(out, word);
        column += w;
        begun = true;
    }
    buf_byte(out, '\n');
}

static void paragraph_as(struct writer *w, const char *first, enum words which,
                         const struct value *values, size_t n)
{
    struct buf b = {0};
    fill(&b, words(w, which), values, n);
    wrap(w->out, first, buf_as_span(&b));
    buf_free(&b);
}

#define VALUES(...)                                                                                \
    (const struct value[]){__VA_ARGS__},                                                           \
        sizeof((const struct value[]){__VA_ARGS__}) / sizeof(struct value)

static void paragraph(struct writer *w, enum words which, const struct value *values, size_t n)
{
    paragraph_as(w, "", which, values, n);
    buf_byte(w->out, '\n');
}

/* Facts: labels and values, aligned. */

struct fact {
    enum words label;
    struct span value;
};

static void facts_put(struct writer *w, const struct fact *facts, size_t n)
{
    size_t widest = 0;
    for (size_t i = 0; i < n; i++) {
        size_t k = width(span_str(words(w, facts[i].label)));
        widest = facts[i].value.n && k > widest ? k : widest;
    }
    /* French has a (hard) blank before its colons */
    const char *colon = w->language == LANGUAGE_FR ? "\xc2\xa0:" : ":";
    for (size_t i = 0; i < n; i++) {
        if (!facts[i].value.n)
            continue;
        struct span label = span_str(words(w, facts[i].label));
        buf_str(w->out, "  ");
        buf_span(w->out, label);
        buf_str(w->out, colon);
        for (size_t k = width(label); k < widest + 2; k++)
            buf_byte(w->out, ' ');
        buf_span(w->out, facts[i].value);
        buf_byte(w->out, '\n');
    }
    buf_byte(w->out, '\n');
}

static struct span period(const struct writer *w)
{
    char from[TIME_SECONDS_MAX], to[TIME_SECONDS_MAX], text[64];
    if (!w->r->since && !w->r->until)
        return span_of(NULL, 0);
    time_format(w->r->since, from);
    time_format(w->r->until, to);
    int n = snprintf(text, sizeof text, "%.16s - %.16s", from, to);
    return span_of(arena_copy(w->arena, text, (size_t)n), (size_t)n);
}

static struct span count_or_none(const struct writer *w, uint64_t n)
{
    return n ? number(w, n) : span_of(NULL, 0);
}

static void facts(struct writer *w)
{
    const struct fact all[] = {
        {WORDS_FACT_CASE, w->case_name},
        {WORDS_FACT_PERIOD, period(w)},
        {WORDS_FACT_NEW, count_or_none(w, w->count[REPORT_NEW])},
        {WORDS_FACT_BACK, count_or_none(w, w->count[REPORT_RETURNING])},
        {WORDS_FACT_GONE, count_or_none(w, w->count[REPORT_GONE])},
        {WORDS_FACT_STILL, count_or_none(w, w->r->still)},
        {WORDS_FACT_REPORT, w->id},
    };
    facts_put(w, all, sizeof all / sizeof *all);
}

/* Tables. */

#define CELL_MAX 160

enum { TABLE_COLUMNS = 7 };
static const enum words titles[TABLE_COLUMNS] = {
    WORDS_COLUMN_ADDRESS, WORDS_COLUMN_PORT,     WORDS_COLUMN_TIME,  WORDS_COLUMN_TO,
    WORDS_COLUMN_FIRST,   WORDS_COLUMN_CONTACTS, WORDS_COLUMN_FAMILY};
static const bool to_the_right[TABLE_COLUMNS] = {[1] = true, [5] = true};

struct cells {
    struct span cell[TABLE_COLUMNS];
    char address[IP_TEXT_MAX], time[TIME_SECONDS_MAX], to[ROW_END_MAX + 8], first[UTC_TEXT_MAX];
};

static struct span malware(struct writer *w, const struct report_row *row)
{
    struct span family = row_family(w->arena, row);
    if (!family.n)
        family = span_str(words(w, WORDS_UNKNOWN));
    if (!row_is_spam(row) || row->what == REPORT_GONE)
        return family;
    struct buf b = {0};
    fill(&b, words(w, WORDS_SPAM), VALUES({"family", family}));
    struct span s = span_of(arena_copy(w->arena, b.p, b.n), b.n);
    buf_free(&b);
    return s;
}

/* "198.51.100.7:80/tcp"; empty when the sinkhole's address is not known. */
static size_t destination(struct writer *w, const struct report_row *row, char *out)
{
    if (!ip_is_set(&row->dst_ip))
        return 0;
    size_t n = end_format(&row->dst_ip, row->dst_port, out);
    struct span t = words_clean(w->arena, row->transport, 7);
    if (t.n) {
        out[n++] = '/';
        memcpy(out + n, t.p, t.n);
        n += t.n;
    }
    return n;
}

static void cells_of(struct writer *w, const struct report_row *row, struct cells *c)
{
    c->cell[0] = span_of(c->address, ip_format(&row->ip, c->address));
    c->cell[1] = row->src_port ? number(w, row->src_port) : span_of(NULL, 0);
    time_format(row->time, c->time);
    c->cell[2] = span_str(c->time);
    c->cell[3] = span_of(c->to, destination(w, row, c->to));
    c->cell[4] = span_of(c->first, utc_format_date(row_first(row), c->first));
    c->cell[5] = number(w, row->contacts);
    c->cell[6] = malware(w, row);
}

static void widen(const struct cells *c, size_t widths[TABLE_COLUMNS])
{
    for (unsigned i = 0; i < TABLE_COLUMNS; i++) {
        size_t k = width(c->cell[i]);
        widths[i] = k > widths[i] ? k : widths[i];
    }
}

static void pad(struct buf *out, size_t n)
{
    memset(buf_reserve(out, n), ' ', n);
    out->n += n;
}

/* A column that has nothing in it is left out: its width is 0. */
static void line(struct writer *w, const struct cells *c, const size_t widths[TABLE_COLUMNS])
{
    pad(w->out, 1);
    for (unsigned i = 0; i < TABLE_COLUMNS; i++) {
        if (!widths[i])
            continue;
        size_t room = widths[i] - width(c->cell[i]);
        pad(w->out, 1 + (to_the_right[i] ? room : 0));
        buf_span(w->out, c->cell[i]);
        if (i + 1 < TABLE_COLUMNS)
            pad(w->out, 1 + (to_the_right[i] ? 0 : room));
    }
    while (w->out->n && w->out->p[w->out->n - 1] == ' ')
        w->out->n--;
    buf_byte(w->out, '\n');
}

/* Calls for the rows that are shown. */
static void rows_of(struct writer *w, enum report_what what,
                    void (*each)(struct writer *w, const struct cells *c, size_t *widths),
                    size_t *widths)
{
    size_t shown = 0;
    struct cells c;
    for (size_t i = 0; i < w->r->n && shown < w->form->rows_max; i++) {
        if (w->r->rows[i].what != what)
            continue;
        shown++;
        cells_of(w, &w->r->rows[i], &c);
        each(w, &c, widths);
    }
}

static void each_widen(struct writer *w, const struct cells *c, size_t *widths)
{
    widen(c, widths);
}

static void each_line(struct writer *w, const struct cells *c, size_t *widths)
{
    line(w, c, widths);
}

static void table(struct writer *w, enum report_what what, enum words head, enum words about)
{
    if (!w->count[what])
        return;
    paragraph(w, head, VALUES({"n", number(w, w->count[what])}));
    if (about != WORDS)
        paragraph(w, about, NULL, 0);
    size_t widths[TABLE_COLUMNS] = {0};
    rows_of(w, what, each_widen, widths);
    struct cells c = {0};
    for (unsigned i = 0; i < TABLE_COLUMNS; i++)
        c.cell[i] = widths[i] ? span_str(words(w, titles[i])) : span_of(NULL, 0);
    widen(&c, widths);
    line(w, &c, widths);
    rows_of(w, what, each_line, widths);
    buf_byte(w->out, '\n');
    if (w->count[what] > w->form->rows_max)
        paragraph(w, WORDS_MORE, VALUES({"n", number(w, w->form->rows_max)}));
}

/* The rest. */

static void to_do(struct writer *w)
{
    enum words steps[5];
    unsigned n = 0;
    steps[n++] = WORDS_TODO_FIND;
    steps[n++] = w->page.n ? WORDS_TODO_TELL_PAGE : WORDS_TODO_TELL;
    steps[n++] = WORDS_TODO_CLEAN;
    if (w->spam)
        steps[n++] = WORDS_TODO_SPAM;
    steps[n++] = WORDS_TODO_BLOCK;
    paragraph(w, WORDS_HEAD_TODO, NULL, 0);
    for (unsigned i = 0; i < n; i++) {
        char first[16];
        snprintf(first, sizeof first, "  %u. ", i + 1);
        paragraph_as(w, first, steps[i], VALUES({"page", w->page}));
    }
    buf_byte(w->out, '\n');
}

static void address_line(struct writer *w, struct span s)
{
    if (!s.n)
        return;
    pad(w->out, INDENT_ADDRESS);
    buf_span(w->out, s);
    buf_byte(w->out, '\n');
}

static void questions(struct writer *w)
{
    paragraph(w, WORDS_HEAD_ASK, NULL, 0);
    paragraph(w, WORDS_ASK, VALUES({"id", w->id}));
    address_line(w, w->name);
    if (!span_eq(w->org, w->name))
        address_line(w, w->org);
    address_line(w, w->mail);
    address_line(w, w->phone);
    address_line(w, w->web);
    buf_byte(w->out, '\n');
    if (w->form->attached)
        paragraph(w, WORDS_ATTACHED, VALUES({"format", span_str(w->form->attached)}));
    paragraph(w, WORDS_FORMATS, VALUES({"languages", span_of(languages, sizeof languages - 3)}));
    if (w->log.n)
        paragraph(w, WORDS_EVIDENCE, VALUES({"log", w->log}));
    paragraph(w, WORDS_SHARE, NULL, 0);
}

void text_put(struct arena *arena, const struct report *r, const struct text_form *form,
              struct buf *out)
{
    struct writer w = writer_of(arena, r, out);
    w.form = form;
    bool infected = w.count[REPORT_NEW] || w.count[REPORT_RETURNING] || r->still;
    paragraph(&w, WORDS_GREETING, NULL, 0);
    paragraph(&w, infected ? WORDS_INTRO : WORDS_INTRO_GONE, VALUES({"org", w.org}));
    if (w.page.n)
        paragraph(&w, WORDS_AUTHORITY, VALUES({"page", w.page}));
    facts(&w);
    table(&w, REPORT_NEW, WORDS_HEAD_NEW, WORDS);
    table(&w, REPORT_RETURNING, WORDS_HEAD_BACK, WORDS_ABOUT_BACK);
    if (infected && r->n)
        paragraph(&w, WORDS_COLUMNS, NULL, 0);
    if (infected)
        to_do(&w);
    table(&w, REPORT_GONE, WORDS_HEAD_GONE, WORDS_ABOUT_GONE);
    questions(&w);
    paragraph_as(&w, "", WORDS_REGARDS, NULL, 0);
    wrap(out, "", w.name);
    if (!span_eq(w.org, w.name))
        wrap(out, "", w.org);
}

/* The subject: the case, what it is, counts, families. */

static void subject_count(struct writer *w, enum words which, uint64_t n, const char **between)
{
    if (!n)
        return;
    buf_str(w->out, *between);
    fill(w->out, words(w, which), VALUES({"n", number(w, n)}));
    *between = ", ";
}

static void subject_families(struct writer *w)
{
    struct span seen[SUBJECT_KINDS];
    size_t n = 0;
    bool more = false;
    for (size_t i = 0; i < w->r->n && !more; i++) {
        struct span f = row_family(w->arena, &w->r->rows[i]);
        bool known = !f.n;
        for (size_t k = 0; k < n && !known; k++)
            known = span_eq(seen[k], f);
        if (known)
            continue;
        if (n == SUBJECT_KINDS)
            more = true;
        else
            seen[n++] = f;
    }
    for (size_t k = 0; k < n; k++) {
        buf_str(w->out, k ? ", " : " (");
        buf_span(w->out, seen[k]);
    }
    if (n)
        buf_str(w->out, more ? ", ...)" : ")");
}

void text_subject(struct arena *arena, const struct report *r, struct buf *out)
{
    struct writer w = writer_of(arena, r, out);
    if (w.case_name.n) {
        buf_byte(out, '[');
        buf_span(out, w.case_name);
        buf_str(out, "] ");
    }
    buf_str(out, words(&w, WORDS_SUBJECT));
    const char *between = w.language == LANGUAGE_FR ? "\xc2\xa0: " : ": ";
    subject_count(&w, WORDS_SUBJECT_NEW, w.count[REPORT_NEW], &between);
    subject_count(&w, WORDS_SUBJECT_BACK, w.count[REPORT_RETURNING], &between);
    subject_count(&w, WORDS_SUBJECT_GONE, w.count[REPORT_GONE], &between);
    subject_count(&w, WORDS_SUBJECT_STILL, r->still, &between);
    subject_families(&w);
}
