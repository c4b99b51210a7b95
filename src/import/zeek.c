/* Zeek's conn, dns, http and smtp logs: tab-separated with their header lines (#separator,
 * #fields, ...), here, and as JSON lines, in zeek_json.c. A record is a line that is no header,
 * comment or empty line. */
#include "import/zeek.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cbor.h"

#define WORD_MAX       32 /* of #unset_field and the like */
#define FIELD_NAME_MAX 128

struct word {
    char text[WORD_MAX];
    size_t n;
};

struct tsv {
    struct zeek *z;
    char separator;
    struct word set_separator, empty_field, unset_field;
    enum zeek_log log;   /* of the lines below the header that was read last */
    enum zeek_log first; /* of the file */
    struct arena names;
    struct zeek_field fields[EVENT_FEED_CELLS_MAX]; /* in the order of their names */
    size_t column[EVENT_FEED_CELLS_MAX];            /* of fields[i] in the line */
    size_t n;                                       /* 0: no #fields yet */
    const char *why_none;                           /* what is wrong with lines under this header */
    bool foreign;                                   /* they are of a log that is not read */
};

static const char another_log[] = "of another log than the file's first";

int zeek_reject(struct zeek *z, const struct line *line, const char *why)
{
    z->counts->records++;
    z->counts->rejected++;
    z->sink->reject(z->sink->ctx, "line", line->number, line->offset, why);
    return 1;
}

int zeek_record(struct zeek *z, enum zeek_log log, const struct zeek_field *fields, size_t n,
                const struct line *line)
{
    const char *why = zeek_map(z, log, fields, n);
    if (why)
        return zeek_reject(z, line, why);
    z->ev.record = ++z->counts->records;
    int r = z->ev.record < z->sink->first_record ? 0 : z->sink->event(z->sink->ctx, &z->ev);
    return r < 0 ? r : 1;
}

int zeek_no_line(struct zeek *z, int r, const struct line *line, struct err *err)
{
    if (r == LINES_TOO_LONG)
        return zeek_reject(z, line, "the line is too long");
    if (r < 0)
        r = import_broke_off(z->src, z->sink, z->counts, "line", line->number, err);
    return r;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Undoes \xNN. Zeek writes a backslash in no other way. */
static struct span unescape(struct arena *a, struct span s)
{
    if (!s.n || !memchr(s.p, '\\', s.n))
        return s;
    uint8_t *out = arena_alloc(a, s.n);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        int high = -1, low = -1;
        if (s.n - i >= 4 && s.p[i] == '\\' && s.p[i + 1] == 'x') {
            high = hex_digit(s.p[i + 2]);
            low = hex_digit(s.p[i + 3]);
        }
        if (high >= 0 && low >= 0) {
            out[n++] = (uint8_t)(high << 4 | low);
            i += 3;
        } else {
            out[n++] = s.p[i];
        }
    }
    return span_of(out, n);
}

static void word_set(struct word *w, struct span s)
{
    w->n = s.n < sizeof w->text ? s.n : 0;
    if (w->n)
        memcpy(w->text, s.p, w->n);
}

static bool word_is(const struct word *w, struct span s)
{
    return w->n == s.n && (s.n == 0 || memcmp(w->text, s.p, s.n) == 0);
}

/* The next part of *rest up to the separator. */
static struct span part(struct span *rest, char separator)
{
    const uint8_t *end = rest->n ? memchr(rest->p, separator, rest->n) : NULL;
    struct span s = *rest;
    if (end) {
        s.n = (size_t)(end - rest->p);
        *rest = span_of(end + 1, rest->n - s.n - 1);
    } else {
        *rest = span_of(NULL, 0);
    }
    return s;
}

static int field_cmp(const void *a, const void *b)
{
    return cbor_key_cmp(((const struct zeek_field *)a)->name, ((const struct zeek_field *)b)->name);
}

static struct span copy_of(struct arena *a, struct span s)
{
    return span_of(arena_copy(a, s.p, s.n), s.n);
}

/* #fields: names and their order. */
static void header_fields(struct tsv *t, struct span rest)
{
    size_t n = 0;
    t->n = 0;
    t->why_none = t->foreign ? another_log : NULL;
    arena_reset(&t->names);
    if (t->foreign)
        return;
    for (bool more = true; more; n++) {
        more = rest.n && memchr(rest.p, t->separator, rest.n);
        struct span name = unescape(&t->names, part(&rest, t->separator));
        if (n == EVENT_FEED_CELLS_MAX - 1)
            t->why_none = "too many fields in the #fields line above";
        else if (!name.n || name.n > FIELD_NAME_MAX || !span_is_utf8(name))
            t->why_none = "a field without usable name in the #fields line above";
        if (t->why_none)
            return;
        /* the list's length holds the column while the fields are put in order */
        t->fields[n] = (struct zeek_field){.name = copy_of(&t->names, name), .list = {NULL, n}};
    }
    qsort(t->fields, n, sizeof *t->fields, field_cmp);
    enum zeek_log guess = ZEEK_NONE;
    for (size_t i = 0; i < n; i++) {
        if (i && span_eq(t->fields[i].name, t->fields[i - 1].name))
            t->why_none = "two fields of one name in the #fields line above";
        enum zeek_log log = zeek_log_of_field(t->fields[i].name);
        guess = log ? log : guess;
    }
    if (t->log == ZEEK_NONE)
        t->log = guess;
    for (size_t i = 0; i < n; i++) {
        t->column[i] = t->fields[i].list.n;
        t->fields[i].list.n = 0;
        t->fields[i].target = zeek_target_of(t->log, t->fields[i].name);
    }
    t->n = t->why_none ? 0 : n;
}

static int header_separator(struct tsv *t, struct span value, const struct line *line,
                            struct err *err)
{
    struct span s = unescape(&t->z->arena, value);
    if (s.n != 1 || s.p[0] == '#' || s.p[0] == '\\')
        return err_set(err, -EINVAL, "%s: #separator is no single character (line %llu)",
                       source_name(t->z->src), (unsigned long long)line->number);
    t->separator = (char)s.p[0];
    t->log = ZEEK_NONE;
    t->foreign = false;
    return 0;
}

/* The lines below are of no log that is read: the whole file's error when nothing came before. */
static int header_foreign(struct tsv *t, const char *what, struct span value,
                          const struct line *line, struct err *err)
{
    t->foreign = true;
    t->n = 0;
    t->why_none = another_log;
    if (t->first != ZEEK_NONE)
        return 0;
    return err_set(err, -EINVAL,
                   "%s: %s%.*s: only conn, dns, http and smtp logs are read (line %llu)",
                   source_name(t->z->src), what, (int)(value.n < 64 ? value.n : 64),
                   value.n ? (const char *)value.p : "", (unsigned long long)line->number);
}

/* A header line, by its first word. */
static int header(struct tsv *t, const struct line *line, struct err *err)
{
    static const char separator[] = "#separator ";
    struct span rest = line->text;
    size_t n = sizeof separator - 1;
    if (rest.n > n && memcmp(rest.p, separator, n) == 0)
        return header_separator(t, span_of(rest.p + n, rest.n - n), line, err);
    struct span word = part(&rest, t->separator);
    if (span_is(word, "#set_separator")) {
        word_set(&t->set_separator, unescape(&t->z->arena, rest));
    } else if (span_is(word, "#empty_field")) {
        word_set(&t->empty_field, rest);
    } else if (span_is(word, "#unset_field")) {
        word_set(&t->unset_field, rest);
    } else if (span_is(word, "#path")) {
        t->foreign = false;
        t->log = zeek_log_named(rest);
        if (t->log == ZEEK_NONE)
            return header_foreign(t, "#path ", rest, line, err);
    } else if (span_is(word, "#fields")) {
        header_fields(t, rest);
        if (t->log == ZEEK_NONE && !t->why_none)
            return header_foreign(t, "#fields of another log", span_of(NULL, 0), line, err);
        if (t->first == ZEEK_NONE)
            t->first = t->log;
    }
    return 0;
}

static struct span_list set_of(struct tsv *t, struct span value)
{
    struct arena *a = &t->z->arena;
    char separator = t->set_separator.n == 1 ? t->set_separator.text[0] : ',';
    size_t n = 1;
    for (size_t i = 0; i < value.n; i++)
        n += value.p[i] == (uint8_t)separator;
    struct span *v = arena_alloc(a, n * sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = unescape(a, part(&value, separator));
    return (struct span_list){v, n};
}

/* 1, or the sink's negative. */
static int data_line(struct tsv *t, const struct line *line)
{
    struct span cells[EVENT_FEED_CELLS_MAX], rest = line->text;
    if (t->n == 0)
        return zeek_reject(t->z, line, t->why_none ? t->why_none : "no #fields line above");
    if (t->log != t->first)
        return zeek_reject(t->z, line, another_log);
    if (memchr(rest.p, 0, rest.n))
        return zeek_reject(t->z, line, "a NUL byte");
    size_t n = 0;
    for (bool more = true; more; n++) {
        more = rest.n && memchr(rest.p, t->separator, rest.n);
        struct span s = part(&rest, t->separator);
        if (n < t->n)
            cells[n] = s;
    }
    if (n != t->n) {
        struct err text;
        err_set(&text, -EINVAL, "%zu cells, #fields has %zu", n, t->n);
        return zeek_reject(t->z, line, text.text);
    }
    for (size_t i = 0; i < n; i++) {
        struct span s = cells[t->column[i]];
        if (word_is(&t->unset_field, s) || word_is(&t->empty_field, s))
            s.n = 0;
        t->fields[i].value = unescape(&t->z->arena, s);
        if (t->fields[i].target == ZEEK_RCPTTO)
            t->fields[i].list = s.n ? set_of(t, s) : (struct span_list){NULL, 0};
    }
    return zeek_record(t->z, t->log, t->fields, n, line);
}

int zeek_run_tsv(struct zeek *z, const struct line *first, struct err *err)
{
    struct tsv *t = calloc(1, sizeof *t);
    if (!t)
        return err_set(err, -ENOMEM, "%s: out of memory", source_name(z->src));
    t->z = z;
    t->separator = '\t';
    word_set(&t->set_separator, span_str(","));
    word_set(&t->empty_field, span_str("(empty)"));
    word_set(&t->unset_field, span_str("-"));
    struct line line = *first;
    int r = LINES_LINE;
    for (;;) {
        arena_reset(&z->arena);
        if (r != LINES_LINE)
            r = zeek_no_line(z, r, &line, err);
        else if (line.text.n && line.text.p[0] == '#')
            r = header(t, &line, err) < 0 ? -EINVAL : 1;
        else if (line.text.n)
            r = data_line(t, &line);
        if (r <= 0)
            break;
        r = lines_next(z->lines, &line, err);
    }
    arena_free(&t->names);
    free(t);
    return r;
}

static int zeek_run(struct source *src, const struct import_sink *sink,
                    struct import_counts *counts, struct err *err)
{
    *counts = (struct import_counts){0};
    struct zeek *z = calloc(1, sizeof *z);
    struct lines *lines = lines_open(src);
    struct line line;
    int r = -ENOMEM;
    if (!z || !lines) {
        err_set(err, r, "%s: out of memory", source_name(src));
        goto out;
    }
    z->src = src;
    z->sink = sink;
    z->counts = counts;
    z->lines = lines;
    do { /* the first line that is not empty decides between the notations */
        r = lines_next(lines, &line, err);
        if (r != LINES_LINE)
            r = zeek_no_line(z, r, &line, err);
        else if (line.text.n)
            break;
    } while (r > 0);
    if (r == 0 && counts->records == 0)
        r = err_set(err, -EINVAL, "%s: no log line", source_name(src));
    else if (r > 0 && line.text.p[0] == '{')
        r = zeek_run_json(z, &line, err);
    else if (r > 0)
        r = zeek_run_tsv(z, &line, err);
out:
    lines_close(lines);
    if (z)
        arena_free(&z->arena);
    free(z);
    return r;
}

static bool head_has(struct span head, const char *word)
{
    return head.p && head.n && memmem(head.p, head.n, word, strlen(word)) != NULL;
}

static int zeek_probe(struct span head)
{
    size_t i = 0;
    if (!head.p)
        return 0;
    while (i < head.n && (head.p[i] == '\n' || head.p[i] == '\r'))
        i++;
    head = span_of(head.p + i, head.n - i);
    if (head.n > 10 && memcmp(head.p, "#separator", 10) == 0)
        return 100;
    if (head.n > 7 && memcmp(head.p, "#fields", 7) == 0)
        return 90;
    if (!head.n || head.p[0] != '{' || !head_has(head, "\"ts\""))
        return 0;
    return head_has(head, "\"id.orig_h\"") || head_has(head, "\"uid\"") ? 90 : 0;
}

const struct import_format import_zeek = {
    .name = "zeek",
    .about = "Zeek's conn, dns, http and smtp logs (TSV or JSON lines)",
    .probe = zeek_probe,
    .run = zeek_run,
};
