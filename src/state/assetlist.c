#include "state/assetlist.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/domain.h"
#include "base/utc.h"

enum column {
    COLUMN_NAME,
    COLUMN_FROM,
    COLUMN_UNTIL,
    COLUMN_REGISTRAR,
    COLUMNS,
    COLUMN_NONE = COLUMNS
};

/* Rows that were seen, to find those that repeat. A slot has a row's place behind the first byte,
 * and above it some bits of its hash, so that only rows that are equal are looked at. */
struct seen {
    uint64_t *slot;
    size_t n, cap; /* cap is a power of two */
    struct buf rows;
    uint64_t seed;
};
#define SEEN_PLACE ((1ull << 40) - 1)

/* A time's text, and what it says: a list says the same ones again and again. */
struct time_cell {
    uint8_t text[32];
    size_t n;
    int64_t value;
};

struct reader {
    const struct assetlist_row *fallback;
    const struct assetlist_sink *sink;
    struct assetlist_counts *counts;
    struct span cell[ASSETLIST_CELLS_MAX];
    size_t cells;
    enum column column[ASSETLIST_CELLS_MAX]; /* what the heading says */
    bool heading, any;                       /* there was one; there was any row */
    struct buf unquoted;
    struct time_cell last[2];
    struct seen seen;
    uint8_t name[DOMAIN_TEXT_MAX];
};

/* ---- cells ---- */

/* A quoted cell; `at` is behind its opening quote, then behind its closing one. */
static bool take_quoted(struct reader *r, struct span line, size_t *at, struct span *out)
{
    size_t begin = r->unquoted.n;
    for (size_t i = *at; i < line.n; i++) {
        if (line.p[i] == '"') {
            if (i + 1 < line.n && line.p[i + 1] == '"') {
                i++;
            } else {
                *out = span_of(r->unquoted.p + begin, r->unquoted.n - begin);
                *at = i + 1;
                return true;
            }
        }
        r->unquoted.p[r->unquoted.n++] = line.p[i]; /* the buffer has room for a line */
    }
    return false;
}

/* NULL, or what is wrong with the line. */
static const char *split(struct reader *r, struct span line)
{
    r->cells = 0;
    r->unquoted.n = 0;
    for (size_t at = 0;; at++) {
        if (r->cells == ASSETLIST_CELLS_MAX)
            return "too many columns";
        struct span *cell = &r->cell[r->cells++];
        while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
            at++;
        if (at < line.n && line.p[at] == '"') {
            at++;
            if (!take_quoted(r, line, &at, cell))
                return "a quote that is not closed";
            while (at < line.n && (line.p[at] == ' ' || line.p[at] == '\t'))
                at++;
            if (at < line.n && line.p[at] != ',')
                return "something behind a quoted cell";
        } else {
            const uint8_t *comma = at < line.n ? memchr(line.p + at, ',', line.n - at) : NULL;
            size_t end = comma ? (size_t)(comma - line.p) : line.n;
            *cell = span_trim(span_of(line.p + at, end - at));
            at = end;
        }
        if (at >= line.n)
            return NULL;
    }
}

/* ---- the heading ---- */

static enum column column_of(struct span name)
{
    static const struct {
        const char *name;
        enum column column;
    } words[] = {{"name", COLUMN_NAME},
                 {"domain", COLUMN_NAME},
                 {"from", COLUMN_FROM},
                 {"until", COLUMN_UNTIL},
                 {"registrar", COLUMN_REGISTRAR}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (span_ieq(name, span_str(words[i].name)))
            return words[i].column;
    return COLUMN_NONE;
}

/* A host name of one label is no asset, so a heading cannot be taken for a row. */
static bool take_heading(struct reader *r)
{
    bool name = false;
    for (size_t i = 0; i < r->cells; i++)
        name |= column_of(r->cell[i]) == COLUMN_NAME;
    if (!name)
        return false;
    for (size_t i = 0; i < ASSETLIST_CELLS_MAX; i++)
        r->column[i] = i < r->cells ? column_of(r->cell[i]) : COLUMN_NONE;
    return r->heading = true;
}

/* ---- rows that repeat ---- */

#define SEEN_HEAD (2 * sizeof(int64_t) + 2)

static uint64_t *seen_slot(struct seen *s, struct span row, uint64_t *bits)
{
    uint64_t hash = XXH3_64bits_withSeed(row.p, row.n, s->seed);
    size_t i = hash & (s->cap - 1);
    *bits = hash & ~SEEN_PLACE;
    for (; s->slot[i]; i = (i + 1) & (s->cap - 1)) {
        if ((s->slot[i] & ~SEEN_PLACE) != *bits)
            continue;
        const uint8_t *p = s->rows.p + (s->slot[i] & SEEN_PLACE) - 1;
        if (p[0] == row.p[0] && memcmp(p, row.p, row.n) == 0)
            break;
    }
    return &s->slot[i];
}

static void seen_grow(struct seen *s, size_t cap)
{
    uint64_t bits;
    free(s->slot);
    s->cap = cap;
    s->slot = calloc(cap, sizeof *s->slot);
    if (!s->slot)
        abort();
    for (size_t at = 0; at < s->rows.n;) {
        struct span row = span_of(s->rows.p + at, SEEN_HEAD + s->rows.p[at]);
        uint64_t *slot = seen_slot(s, row, &bits);
        *slot = bits | (at + 1);
        at += row.n;
    }
}

/* False when the row was there before. A row begins with its name's length: rows that are equal in
 * that byte have the same size. */
static bool seen_add(struct seen *s, const struct assetlist_row *row)
{
    uint8_t key[SEEN_HEAD + DOMAIN_TEXT_MAX] = {(uint8_t)row->name.n, row->wildcard};
    memcpy(key + 2, &row->from, sizeof row->from);
    memcpy(key + 2 + sizeof row->from, &row->until, sizeof row->until);
    memcpy(key + SEEN_HEAD, row->name.p, row->name.n);
    if (2 * s->n >= s->cap)
        seen_grow(s, 2 * s->cap);
    struct span k = span_of(key, SEEN_HEAD + row->name.n);
    uint64_t bits, *slot = seen_slot(s, k, &bits);
    if (*slot)
        return false;
    *slot = bits | (s->rows.n + 1);
    buf_span(&s->rows, k);
    s->n++;
    return true;
}

/* ---- rows ---- */

static bool take_time(struct time_cell *last, struct span text, int64_t fallback, int64_t *out)
{
    *out = fallback;
    if (!text.n)
        return true;
    if (text.n != last->n || memcmp(text.p, last->text, text.n) != 0) {
        last->n = 0;
        if (text.n > sizeof last->text || !utc_parse(text, &last->value))
            return false;
        memcpy(last->text, text.p, text.n);
        last->n = text.n;
    }
    *out = last->value;
    return *out >= UTC_EVENT_MIN && *out <= UTC_EVENT_MAX;
}

static const char *take_name(struct reader *r, struct span text, struct assetlist_row *row)
{
    row->wildcard = text.n > 2 && text.p[0] == '*' && text.p[1] == '.';
    if (row->wildcard)
        text = span_of(text.p + 2, text.n - 2);
    size_t n = domain_text(text, r->name);
    if (!n)
        return text.n && text.p[0] >= 0x80 ? "not a domain name (IDNs as A-labels: xn--...)"
                                           : "not a domain name";
    row->name = span_of(r->name, n);
    return memchr(r->name, '.', n) ? NULL : "a top-level domain is no asset";
}

/* NULL, or why the row is none. */
static const char *take_cells(struct reader *r, struct assetlist_row *row)
{
    struct span value[COLUMNS + 1] = {0};
    if (!r->heading && r->cells > COLUMNS)
        return "more columns than name, from, until and registrar";
    for (size_t i = 0; i < r->cells; i++)
        value[r->heading ? r->column[i] : (enum column)i] = r->cell[i];
    const char *why = take_name(r, value[COLUMN_NAME], row);
    if (why)
        return why;
    if (!take_time(&r->last[0], value[COLUMN_FROM], r->fallback->from, &row->from))
        return "from is no date";
    if (!take_time(&r->last[1], value[COLUMN_UNTIL], r->fallback->until, &row->until))
        return "until is no date";
    if (row->from >= row->until)
        return "it ends before it begins";
    row->registrar = value[COLUMN_REGISTRAR].n ? value[COLUMN_REGISTRAR] : r->fallback->registrar;
    return seen_add(&r->seen, row) ? NULL : "repeats an earlier row";
}

static int take_line(struct reader *r, struct span line, uint64_t number, struct err *err)
{
    struct assetlist_row row = {.line = number};
    line = span_trim(line);
    if (!line.n || line.p[0] == '#')
        return 0;
    const char *why = line.n > ASSETLIST_LINE_MAX ? "a line that is too long" : split(r, line);
    bool first = !r->any;
    r->any = true;
    if (!why && first && take_heading(r))
        return 0;
    if (!why)
        why = take_cells(r, &row);
    if (why) {
        r->counts->rejected++;
        if (r->sink->reject)
            r->sink->reject(r->sink->ctx, number, why);
        return 0;
    }
    if (r->counts->rows++ == ASSETLIST_ROWS_MAX)
        return err_set(err, -E2BIG, "an asset list of more than %u rows", ASSETLIST_ROWS_MAX);
    return r->sink->row(r->sink->ctx, &row);
}

int assetlist_read(struct span file, const struct assetlist_row *fallback,
                   const struct assetlist_sink *sink, struct assetlist_counts *counts,
                   struct err *err)
{
    struct reader r = {.fallback = fallback, .sink = sink, .counts = counts};
    uint64_t number = 0;
    int rc = 0;
    *counts = (struct assetlist_counts){0};
    if (file.n >= 3 && memcmp(file.p, "\xef\xbb\xbf", 3) == 0)
        file = span_of(file.p + 3, file.n - 3);
    if (getrandom(&r.seen.seed, sizeof r.seen.seed, 0) < 0)
        return err_errno(err, "getrandom");
    buf_reserve(&r.unquoted, ASSETLIST_LINE_MAX);
    size_t cap = 1024;
    while (cap < file.n / 16 && cap < 1u << 21)
        cap *= 2;
    seen_grow(&r.seen, cap);
    for (size_t at = 0; rc == 0 && at < file.n;) {
        const uint8_t *newline = memchr(file.p + at, '\n', file.n - at);
        size_t end = newline ? (size_t)(newline - file.p) : file.n;
        rc = take_line(&r, span_of(file.p + at, end - at), ++number, err);
        at = end + 1;
    }
    free(r.seen.slot);
    buf_free(&r.seen.rows);
    buf_free(&r.unquoted);
    return rc;
}
