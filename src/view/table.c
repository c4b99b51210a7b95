#include "view/table.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/json.h"
#include "view/display.h"

/* Text is aligned by as many rows as fit here; later rows keep those widths. */
#define TABLE_ALIGN_ROWS  2000
#define TABLE_ALIGN_BYTES (4u << 20)
#define TABLE_COLUMNS_MAX 64
#define TABLE_WIDTH_MAX   60  /* a longer cell pushes its own row aside, not everyone's */
#define TABLE_NUMBER_MAX  512 /* of a double, all digits written out */
#define TABLE_FLUSH       (64u << 10)
#define TABLE_GAP         2 /* spaces between columns */

struct table {
    enum table_shape shape;
    const struct table_column *columns;
    size_t ncolumns, at; /* the column that the next cell belongs to */
    FILE *out;
    bool escape; /* CSV that a terminal shows */
    bool failed;
    struct buf line; /* JSON and CSV: output; text: cells, each its length and bytes */
    struct json json;
    unsigned rows;  /* text: held in `line` */
    bool streaming; /* text: widths are settled */
    unsigned width[TABLE_COLUMNS_MAX];
};

static void flush_line(struct table *t)
{
    if (t->line.n && fwrite(t->line.p, 1, t->line.n, t->out) != t->line.n)
        t->failed = true;
    t->line.n = 0;
}

static bool shown(const struct table *t, size_t column)
{
    return t->columns[column].title != NULL;
}

/* A cell in text: kept, as its length and bytes, until the row's widths are known. */
static void text_cell(struct table *t, struct span s, bool outside)
{
    size_t start = t->line.n;
    buf_put(&t->line, &(uint32_t){0}, 4);
    if (outside)
        display_put(&t->line, s);
    else
        buf_span(&t->line, s);
    uint32_t n = (uint32_t)(t->line.n - start - 4);
    memcpy(t->line.p + start, &n, 4);
    unsigned width = display_width(span_of(t->line.p + start + 4, n));
    if (!t->streaming && width <= TABLE_WIDTH_MAX && width > t->width[t->at])
        t->width[t->at] = width;
}

static void csv_cell(struct table *t, struct span s)
{
    struct buf *b = &t->line;
    bool quote = false;
    for (size_t i = 0; i < s.n && !quote; i++)
        quote = s.p[i] == '"' || s.p[i] == ',' || s.p[i] == '\r' || s.p[i] == '\n';
    quote |= s.n && (s.p[0] == ' ' || s.p[s.n - 1] == ' ');
    if (quote)
        buf_byte(b, '"');
    for (size_t i = 0; quote && i < s.n; i++) {
        if (s.p[i] == '"')
            buf_byte(b, '"');
        buf_byte(b, s.p[i]);
    }
    if (quote)
        buf_byte(b, '"');
    else
        buf_span(b, s);
}

static void csv_value(struct table *t, struct span s)
{
    if (t->at)
        buf_byte(&t->line, ',');
    if (!t->escape) {
        csv_cell(t, s);
        return;
    }
    struct buf safe = {0};
    display_put(&safe, s);
    csv_cell(t, buf_as_span(&safe));
    buf_free(&safe);
}

/* Opens the row with its first cell. False: a cell too many, it is dropped. */
static bool cell(struct table *t)
{
    if (t->at >= t->ncolumns)
        return false;
    if (t->shape == TABLE_JSON) {
        if (t->at == 0)
            json_object(&t->json);
        json_key(&t->json, t->columns[t->at].key);
    }
    return true;
}

void table_text(struct table *t, struct span s)
{
    if (!cell(t))
        return;
    if (t->shape == TABLE_CSV)
        csv_value(t, s);
    else if (t->shape == TABLE_TEXT)
        text_cell(t, shown(t, t->at) ? s : (struct span){0}, true);
    else if (s.p)
        json_span(&t->json, s);
    else
        json_null(&t->json);
    t->at++;
}

void table_str(struct table *t, const char *s)
{
    table_text(t, span_str(s));
}

void table_empty(struct table *t)
{
    table_text(t, (struct span){0});
}

/* Digits with a comma after each third from the right, up to the decimal point. */
static size_t group_thousands(const char *digits, size_t n, char *out)
{
    size_t at = 0, whole = 0;
    if (n && digits[0] == '-')
        out[at++] = *digits++, n--;
    while (whole < n && digits[whole] >= '0' && digits[whole] <= '9')
        whole++;
    for (size_t i = 0; i < n; i++) {
        if (i && i < whole && (whole - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    return at;
}

static void number(struct table *t, const char *digits, size_t n)
{
    char grouped[TABLE_NUMBER_MAX * 4 / 3 + 2];
    if (!cell(t))
        return;
    if (t->shape == TABLE_CSV) {
        csv_value(t, span_of(digits, n));
    } else if (t->shape == TABLE_JSON) {
        buf_put(&t->line, digits, n);
        t->json.comma = true;
    } else {
        bool group = t->columns[t->at].kind == TABLE_COUNT;
        text_cell(
            t, group ? span_of(grouped, group_thousands(digits, n, grouped)) : span_of(digits, n),
            false);
    }
    t->at++;
}

void table_uint(struct table *t, uint64_t v)
{
    char text[24];
    number(t, text, (size_t)snprintf(text, sizeof text, "%llu", (unsigned long long)v));
}

void table_int(struct table *t, int64_t v)
{
    char text[24];
    number(t, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)v));
}

void table_double(struct table *t, double v, int decimals)
{
    char text[TABLE_NUMBER_MAX];
    int n = isfinite(v) ? snprintf(text, sizeof text, "%.*f", decimals, v) : -1;
    if (n < 0 || n >= (int)sizeof text)
        table_empty(t);
    else
        number(t, text, (size_t)n);
}

void table_bool(struct table *t, bool v)
{
    if (t->shape != TABLE_JSON) {
        table_str(t, v ? "true" : "false");
    } else if (cell(t)) {
        json_bool(&t->json, v);
        t->at++;
    }
}

static void joined(struct table *t, const struct span *v, size_t n)
{
    struct buf text = {0};
    for (size_t i = 0; i < n; i++) {
        if (i)
            buf_str(&text, ", ");
        buf_span(&text, v[i]);
    }
    table_text(t, text.n ? buf_as_span(&text) : span_of("", 0));
    buf_free(&text);
}

void table_list(struct table *t, const struct span *v, size_t n)
{
    if (t->shape != TABLE_JSON) {
        joined(t, v, n);
    } else if (cell(t)) {
        json_array(&t->json);
        for (size_t i = 0; i < n; i++)
            json_span(&t->json, v[i]);
        json_array_end(&t->json);
        t->at++;
    }
}

void table_hex(struct table *t, const uint8_t *p, size_t n)
{
    struct buf text = {0};
    char *at = (char *)buf_reserve(&text, 2 * n + 1);
    hex_encode(p, n, at);
    table_text(t, span_of(at, 2 * n));
    buf_free(&text);
}

/* Prints one row of kept cells and returns where the next begins. A space is owed before a cell
 * that follows, so that lines have none at their end. */
static const uint8_t *print_row(struct table *t, const uint8_t *p)
{
    size_t owed = 0;
    for (size_t i = 0; i < t->ncolumns; i++) {
        uint32_t n;
        memcpy(&n, p, 4);
        struct span s = span_of(p + 4, n);
        p += 4 + n;
        if (!shown(t, i))
            continue;
        unsigned width = display_width(s);
        size_t pad = width < t->width[i] ? t->width[i] - width : 0;
        bool right = t->columns[i].kind != TABLE_WORDS;
        if (s.n) {
            fprintf(t->out, "%*s", (int)(owed + (right ? pad : 0)), "");
            fwrite(s.p, 1, s.n, t->out);
            owed = (right ? 0 : pad) + TABLE_GAP;
        } else {
            owed += pad + TABLE_GAP;
        }
    }
    if (putc('\n', t->out) == EOF || ferror(t->out))
        t->failed = true;
    return p;
}

static void print_kept(struct table *t)
{
    const uint8_t *p = t->line.p, *end = p + t->line.n;
    while (p < end)
        p = print_row(t, p);
    t->line.n = 0;
    t->streaming = true;
}

static void heading(struct table *t)
{
    for (t->at = 0; t->at < t->ncolumns; t->at++) {
        if (t->shape == TABLE_CSV)
            csv_value(t, span_str(t->columns[t->at].key));
        else
            text_cell(t, span_str(t->columns[t->at].title), false);
    }
    table_row_end(t);
}

struct table *table_open(enum table_shape shape, const struct table_column *columns, FILE *out)
{
    struct table *t = calloc(1, sizeof *t);
    if (!t)
        abort();
    t->shape = shape;
    t->columns = columns;
    t->out = out;
    t->json = json_to(&t->line);
    t->escape = shape == TABLE_CSV && fileno(out) >= 0 && isatty(fileno(out));
    while (t->ncolumns < TABLE_COLUMNS_MAX && columns[t->ncolumns].key)
        t->ncolumns++;
    if (shape != TABLE_JSON)
        heading(t);
    return t;
}

void table_index(struct table *t, uint64_t index)
{
    if (index)
        table_uint(t, index);
    else
        table_empty(t);
}

void table_words(struct table *t, struct span s)
{
    if (s.n)
        table_text(t, s);
    else
        table_empty(t);
}

void table_digest(struct table *t, struct span digest)
{
    if (digest.n)
        table_hex(t, digest.p, digest.n);
    else
        table_empty(t);
}

void table_row_end(struct table *t)
{
    while (t->at < t->ncolumns)
        table_empty(t);
    t->at = 0;
    if (t->shape == TABLE_TEXT) {
        if (t->streaming || ++t->rows > TABLE_ALIGN_ROWS || t->line.n > TABLE_ALIGN_BYTES)
            print_kept(t);
        return;
    }
    if (t->shape == TABLE_JSON) {
        json_object_end(&t->json);
        json_newline(&t->json);
    } else {
        buf_put(&t->line, "\r\n", 2);
    }
    if (t->line.n >= TABLE_FLUSH)
        flush_line(t);
}

int table_close(struct table *t)
{
    if (t->shape == TABLE_TEXT)
        print_kept(t);
    else
        flush_line(t);
    if (fflush(t->out) != 0 || ferror(t->out))
        t->failed = true;
    int rc = t->failed ? -1 : 0;
    buf_free(&t->line);
    free(t);
    return rc;
}
