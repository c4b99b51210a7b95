/* Two parsers. csv_scan() marks commas and line ends outside of quotes for many rows at once, 64
 * bytes a step, by the parity of the quotes before them. A row in which every quote is the first
 * or the last byte of its cell is cut at those marks. Any other row (doubled quotes, line ends in
 * quotes, NULs, errors) is read again from its start by strict(), byte by byte. A row that keeps
 * the grammar ends at the same place for both. */
#include "import/csv.h"

#include <stdlib.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define FILL      (256u << 10) /* new bytes that a scan wants at least */
#define BLOCK     64
#define MARKS_MAX 4096 /* commas and line ends of one batch of rows */
#define ROWS_MAX  512

struct csv_marked {
    uint32_t marks;       /* number of marks up to its line end, that one included */
    uint32_t quotes, odd; /* quotes, and NULs or quoted line ends, up to there */
};

struct csv {
    struct source *src;
    struct cur piece; /* of the source, not yet in the buffer */
    int ended;        /* the source's last return value: 1, 0 at its end, negative */
    bool portable, started;
    bool skipping; /* a line that is too long has been reported: its rest is passed over */

    struct buf in; /* CSV_ROW_MAX + FILL and a line end at most; room for a block behind it */
    size_t at;     /* the next row begins here */
    uint64_t base; /* offset of in.p[0] in the source */
    uint64_t line; /* of the next row */

    /* A batch of rows as scanned: mark[] counts from in.p. */
    uint32_t mark[MARKS_MAX + BLOCK];
    struct csv_marked rows[ROWS_MAX + BLOCK];
    size_t n_rows, row;
    struct csv_marked before; /* the row before rows[row] */

    struct buf scratch; /* cells whose doubled quotes were undone */
    struct span cells[CSV_CELLS_MAX + 1];
};

struct csv *csv_open(struct source *src)
{
    struct csv *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->src = src;
    c->ended = 1;
    c->line = 1;
    return c;
}

void csv_close(struct csv *c)
{
    if (!c)
        return;
    buf_free(&c->in);
    buf_free(&c->scratch);
    free(c);
}

void csv_portable(struct csv *c)
{
    c->portable = true;
}

void csv_place(const struct csv *c, uint64_t *line, uint64_t *offset)
{
    *line = c->line;
    *offset = c->base + c->at;
}

/* Moves what is left to the front and reads on. The last line gets the line end it may lack. */
static void fill(struct csv *c)
{
    size_t left = c->in.n - c->at;
    if (left)
        memmove(c->in.p, c->in.p + c->at, left);
    c->base += c->at;
    c->at = 0;
    c->in.n = left;
    c->n_rows = c->row = 0;
    if (c->ended > 0)
        c->ended = source_fill(c->src, &c->piece, left + FILL, &c->in);
    if (c->ended == 0 && c->in.n && c->in.p[c->in.n - 1] != '\n')
        buf_byte(&c->in, '\n');
}

/* One bit a byte of the block. */
struct csv_masks {
    uint64_t quote, comma, newline, nul;
};

static struct csv_masks masks_portable(const uint8_t *p)
{
    struct csv_masks m = {0, 0, 0, 0};
    for (unsigned i = 0; i < BLOCK; i++) {
        m.quote |= (uint64_t)(p[i] == '"') << i;
        m.comma |= (uint64_t)(p[i] == ',') << i;
        m.newline |= (uint64_t)(p[i] == '\n') << i;
        m.nul |= (uint64_t)(p[i] == 0) << i;
    }
    return m;
}

/* Bit i: parity of the bits up to and including i. */
static inline uint64_t prefix_parity(uint64_t x)
{
    for (unsigned k = 1; k < 64; k <<= 1)
        x ^= x << k;
    return x;
}

static inline uint64_t below(unsigned bit)
{
    return ((uint64_t)1 << bit) - 1;
}

/* Marks a batch of rows from c->at on. A row that does not end in it is left for the next. Inlined
 * into its callers, so that each has it for its own instructions. */
static inline __attribute__((always_inline)) void
scan_with(struct csv *c, struct csv_masks (*masks)(const uint8_t *))
{
    size_t marks = 0, rows = 0;
    uint32_t quotes = 0, odd = 0;
    uint64_t inside = 0; /* all ones when the block begins in quotes */
    for (size_t at = c->at; at < c->in.n && marks < MARKS_MAX && rows < ROWS_MAX; at += BLOCK) {
        struct csv_masks m = masks(c->in.p + at);
        uint64_t quoted = prefix_parity(m.quote) ^ inside;
        inside = (uint64_t)((int64_t)quoted >> 63);
        uint64_t ends = m.newline & ~quoted;
        uint64_t structure = (m.comma & ~quoted) | ends;
        uint64_t strange = m.nul | (m.newline & quoted);
        for (uint64_t bits = ends; bits; bits &= bits - 1) {
            uint64_t upto = below((unsigned)__builtin_ctzll(bits));
            c->rows[rows++] = (struct csv_marked){
                (uint32_t)marks + (uint32_t)__builtin_popcountll(structure & upto) + 1,
                quotes + (uint32_t)__builtin_popcountll(m.quote & upto),
                odd + (strange ? (uint32_t)__builtin_popcountll(strange & upto) : 0)};
        }
        uint32_t *mark = c->mark + marks;
        for (uint64_t bits = structure; bits; bits &= bits - 1)
            *mark++ = (uint32_t)at + (uint32_t)__builtin_ctzll(bits);
        marks = (size_t)(mark - c->mark);
        quotes += (uint32_t)__builtin_popcountll(m.quote);
        odd += strange ? (uint32_t)__builtin_popcountll(strange) : 0;
    }
    c->n_rows = rows;
    c->row = 0;
    c->before = (struct csv_marked){0, 0, 0};
}

static void scan_portable(struct csv *c)
{
    scan_with(c, masks_portable);
}

#if defined(__x86_64__)
#define AVX2 __attribute__((target("avx2,bmi,popcnt")))

AVX2 static inline uint64_t bits_equal(__m256i low, __m256i high, char ch)
{
    const __m256i want = _mm256_set1_epi8(ch);
    uint32_t l = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(low, want));
    uint32_t h = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(high, want));
    return (uint64_t)h << 32 | l;
}

AVX2 static inline struct csv_masks masks_avx2(const uint8_t *p)
{
    __m256i low = _mm256_loadu_si256((const __m256i *)(const void *)p);
    __m256i high = _mm256_loadu_si256((const __m256i *)(const void *)(p + 32));
    return (struct csv_masks){bits_equal(low, high, '"'), bits_equal(low, high, ','),
                              bits_equal(low, high, '\n'), bits_equal(low, high, 0)};
}

AVX2 static void scan_avx2(struct csv *c)
{
    scan_with(c, masks_avx2);
}
#endif

static void csv_scan(struct csv *c)
{
    memset(buf_reserve(&c->in, BLOCK), ' ', BLOCK); /* what the last block sees behind the end */
#if defined(__x86_64__)
    if (!c->portable && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("popcnt")) {
        scan_avx2(c);
        return;
    }
#endif
    scan_portable(c);
}

/* Cuts the marked row at its marks. False where the strict parser has to look. */
static bool cut(struct csv *c, const struct csv_marked *m, struct csv_row *row)
{
    uint32_t quoted = 0;
    const uint8_t *from = c->in.p + c->at;
    const uint32_t *mark = c->mark + c->before.marks, *last = c->mark + m->marks - 1;
    if (m->odd != c->before.odd || m->marks - c->before.marks > CSV_CELLS_MAX ||
        *last - c->at >= CSV_ROW_MAX)
        return false;
    struct span *cell = c->cells;
    for (; mark <= last; mark++) {
        const uint8_t *end = c->in.p + *mark, *next = end + 1;
        if (mark == last && end > from && end[-1] == '\r')
            end--;
        if (end > from && *from == '"') {
            if (end - from < 2 || end[-1] != '"')
                return false;
            quoted++;
            from++;
            end--;
        }
        *cell++ = span_of(from, (size_t)(end - from));
        from = next;
    }
    row->n = (size_t)(cell - c->cells);
    return m->quotes - c->before.quotes == 2 * quoted;
}

/* A quoted cell from behind its first quote. Its end (behind the last quote), or NULL. */
static const uint8_t *strict_quoted(const uint8_t *p, const uint8_t *end, struct buf *scratch,
                                    struct span *cell)
{
    const uint8_t *from = p;
    const uint8_t *copy = NULL; /* set at the first doubled quote */
    for (;;) {
        const uint8_t *quote = p < end ? memchr(p, '"', (size_t)(end - p)) : NULL;
        if (!quote)
            return NULL;
        bool doubled = quote + 1 < end && quote[1] == '"';
        if (copy || doubled) {
            size_t n = (size_t)(quote - p) + doubled; /* with one of the two quotes */
            if (!copy)
                copy = scratch->p + scratch->n;
            buf_put(scratch, p, n);
        }
        if (!doubled) {
            *cell = copy ? span_of(copy, (size_t)(scratch->p + scratch->n - copy))
                         : span_of(from, (size_t)(quote - from));
            return quote + 1;
        }
        p = quote + 2;
    }
}

/* One cell at p, up to the comma or line feed behind it, which is where it leaves *end_of_cell. 1;
 * 0 when the bytes end before that, -1 and why. */
static int strict_cell(const uint8_t *p, const uint8_t *end, struct buf *scratch, struct span *cell,
                       const uint8_t **end_of_cell, const char **why)
{
    if (p < end && *p == '"') {
        p = strict_quoted(p + 1, end, scratch, cell);
        *why = "a quote is not closed";
        if (p && p < end && *p == '\r' && (p + 1 == end || p[1] == '\n'))
            p++;
        if (!p || p == end)
            return 0;
        *why = "text follows a closing quote";
        *end_of_cell = p;
        return *p == ',' || *p == '\n' ? 1 : -1;
    }
    const uint8_t *from = p;
    *why = "a quote stands in a cell that does not begin with one";
    while (p < end && *p != ',' && *p != '\n')
        if (*p++ == '"')
            return -1;
    size_t n = (size_t)(p - from);
    if (p < end && *p == '\n' && n && from[n - 1] == '\r')
        n--;
    *cell = span_of(from, n);
    *end_of_cell = p;
    *why = "the row has no end";
    return p < end;
}

/* Reads the row at c->at byte by byte, CSV_ROW_MAX at most. Its length with the line end; or 0
 * with why, or with *more when the bytes at hand do not decide. */
static size_t strict(struct csv *c, struct csv_row *row, bool *more)
{
    size_t limit = c->in.n - c->at;
    bool too_long = limit > CSV_ROW_MAX || (limit == CSV_ROW_MAX && c->ended > 0);
    limit = limit < CSV_ROW_MAX ? limit : CSV_ROW_MAX;
    const uint8_t *start = c->in.p + c->at, *end = start + limit, *p = start;
    c->scratch.n = 0;
    buf_reserve(&c->scratch, limit); /* so that it does not move below the cells */
    *more = false;
    row->n = 0;
    do {
        struct span cell;
        int r = strict_cell(p, end, &c->scratch, &cell, &p, &row->why);
        if (r == 0 && too_long)
            row->why = "the row is too long";
        if (r == 0 && !too_long)
            *more = c->ended > 0;
        if (r <= 0)
            return 0;
        if (row->n < CSV_CELLS_MAX)
            c->cells[row->n] = cell;
        row->n++;
    } while (*p++ != '\n');
    row->why = row->n > CSV_CELLS_MAX                  ? "too many cells"
               : memchr(start, 0, (size_t)(p - start)) ? "a NUL byte"
                                                       : NULL;
    return (size_t)(p - start);
}

static uint64_t count_lines(const uint8_t *p, size_t n)
{
    uint64_t lines = 0;
    for (const uint8_t *end = p + n; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
        lines++;
    return lines;
}

/* Goes to the line behind the one that the bad row began on. */
static void resume(struct csv *c)
{
    const uint8_t *from = c->in.p + c->at;
    const uint8_t *newline = memchr(from, '\n', c->in.n - c->at);
    if (newline) {
        c->at = (size_t)(newline + 1 - c->in.p);
        c->line++;
    } else {
        c->at = c->in.n;
        c->skipping = true;
    }
}

/* The row at c->at by the strict parser; when it was the batch's next, its mark says whether the
 * batch still holds. */
static int strict_row(struct csv *c, struct csv_row *row, bool *more)
{
    size_t n = strict(c, row, more);
    if (*more)
        return CSV_BAD;
    size_t begun = c->at;
    if (n) {
        c->line += count_lines(c->in.p + c->at, n);
        c->at += n;
    } else {
        resume(c);
    }
    if (c->row < c->n_rows) {
        const struct csv_marked *m = &c->rows[c->row];
        c->before = *m;
        c->row = c->at == (size_t)c->mark[m->marks - 1] + 1 ? c->row + 1 : c->n_rows;
    }
    row->offset = c->base + begun;
    return row->why ? CSV_BAD : CSV_ROW;
}

static void pass_rest_of_line(struct csv *c)
{
    const uint8_t *newline = memchr(c->in.p + c->at, '\n', c->in.n - c->at);
    c->at = newline ? (size_t)(newline + 1 - c->in.p) : c->in.n;
    if (newline) {
        c->skipping = false;
        c->line++;
    }
}

static bool pass_empty_line(struct csv *c)
{
    const uint8_t *p = c->in.p + c->at;
    size_t left = c->in.n - c->at;
    size_t n = left && p[0] == '\n' ? 1 : left > 1 && p[0] == '\r' && p[1] == '\n' ? 2 : 0;
    if (!n)
        return false;
    c->at += n;
    c->line++;
    if (c->row < c->n_rows)
        c->before = c->rows[c->row++];
    return true;
}

static int at_end(struct csv *c, struct err *err)
{
    return c->ended < 0 ? source_stream_error(c->src, err) : CSV_END;
}

int csv_next(struct csv *c, struct csv_row *row, struct err *err)
{
    row->cells = c->cells;
    if (!c->started) {
        static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
        c->started = true;
        fill(c);
        c->at = c->in.n >= 3 && memcmp(c->in.p, mark, 3) == 0 ? 3 : 0;
    }
    for (;;) {
        if (c->row == c->n_rows || c->skipping) {
            if (c->at == c->in.n && c->ended > 0)
                fill(c);
            if (c->at == c->in.n)
                return at_end(c, err);
            if (c->skipping) {
                pass_rest_of_line(c);
                c->n_rows = c->row = 0;
                continue;
            }
            csv_scan(c);
            if (c->ended < 0 && c->n_rows == 0 && !memchr(c->in.p + c->at, '\n', c->in.n - c->at))
                return at_end(c, err);
        }
        if (pass_empty_line(c))
            continue;
        row->line = c->line;
        row->why = NULL;
        row->plain = false;
        if (c->row < c->n_rows) {
            const struct csv_marked *m = &c->rows[c->row];
            if (cut(c, m, row)) {
                size_t end = (size_t)c->mark[m->marks - 1];
                row->offset = c->base + c->at;
                row->plain = span_is_plain(span_of(c->in.p + c->at, end - c->at));
                c->at = end + 1;
                c->line++;
                c->before = *m;
                c->row++;
                return CSV_ROW;
            }
        }
        bool more;
        int r = strict_row(c, row, &more);
        if (!more)
            return r;
        fill(c);
    }
}
