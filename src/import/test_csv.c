#include "import/csv.h"

#include "base/tap.h"

/* What came out, as text: "line@offset[cell|cell]" or "line@offset!why", one a line. */
static int csv_text(struct span data, size_t chunk, bool portable, struct buf *out)
{
    struct source *s;
    struct csv_row row;
    struct err err;
    out->n = 0;
    if (source_open_memory(data, "memory", &s, NULL) < 0)
        abort();
    source_set_chunk(s, chunk);
    struct csv *c = csv_open(s);
    if (portable)
        csv_portable(c);
    int r;
    while ((r = csv_next(c, &row, &err)) > 0) {
        buf_printf(out, "%llu@%llu", (unsigned long long)row.line, (unsigned long long)row.offset);
        if (r == CSV_BAD) {
            buf_printf(out, "!%s\n", row.why);
            continue;
        }
        buf_byte(out, '[');
        for (size_t i = 0; i < row.n; i++) {
            if (i)
                buf_byte(out, '|');
            buf_span(out, row.cells[i]);
        }
        buf_str(out, "]\n");
    }
    csv_close(c);
    source_close(s);
    return r;
}

static void gives(const char *input, const char *want)
{
    static const size_t chunk[] = {1, 2, 3, 64, SOURCE_CHUNK};
    struct buf got = {0};
    for (unsigned i = 0; i < 10; i++) {
        csv_text(span_str(input), chunk[i / 2], i % 2, &got);
        buf_byte(&got, 0);
        if (strcmp((char *)got.p, want) != 0)
            break;
    }
    is_str((char *)got.p, want);
    buf_free(&got);
}

static void test_grammar(void)
{
    gives("", "");
    gives("\n\r\n\n", "");
    gives("a", "1@0[a]\n");
    gives("a,b\n", "1@0[a|b]\n");
    gives(",\n", "1@0[|]\n");
    gives("\"\"\n", "1@0[]\n");
    gives("a,\"b\",3\r\nc,,\"\"\r\n", "1@0[a|b|3]\n2@9[c||]\n");
    gives("\xef\xbb\xbf\"a\",b\n", "1@3[a|b]\n");
    gives("\xef\xbb", "1@0[\xef\xbb]\n");
    gives("a\n\n\"b\"\n", "1@0[a]\n3@3[b]\n");
    gives("\"a\"\"b\",\"\"\"\",\"\"\"c\"\"\"\n", "1@0[a\"b|\"|\"c\"]\n");
    gives("\"a,b\",\"c\nd\r\ne\"\nf\n", "1@0[a,b|c\nd\r\ne]\n4@15[f]\n");
    gives("a\rb,c\r\r\n", "1@0[a\rb|c\r]\n");
    gives("\"a\"\r", "1@0[a]\n"); /* the last line's end may be missing, CR or not */
    gives("a,\"b\"", "1@0[a|b]\n");
}

static void test_bad_rows(void)
{
    gives("a\"b\nc\n", "1@0!a quote stands in a cell that does not begin with one\n2@4[c]\n");
    gives("\"a\"b\nc\n", "1@0!text follows a closing quote\n2@5[c]\n");
    gives("\"a\" \nc\n", "1@0!text follows a closing quote\n2@5[c]\n");
    gives("\"a\"\rb\nc\n", "1@0!text follows a closing quote\n2@6[c]\n");
    gives("\"a\nb\nc\n", "1@0!a quote is not closed\n2@3[b]\n3@5[c]\n");
    gives("1,\"a\n2,\"b\"\n3,\"c\"\n", "1@0!text follows a closing quote\n2@5[2|b]\n3@11[3|c]\n");
    gives("\"1\",\"a\n\"2\",\"b\"\n\"3\",\"c\"\n",
          "1@0!text follows a closing quote\n2@7[2|b]\n3@15[3|c]\n");
    gives("\"", "1@0!a quote is not closed\n");
    gives("x\n\"", "1@0[x]\n2@2!a quote is not closed\n");
    struct buf got = {0};
    csv_text(span_of("a\0,b\nc\n\"d\0\ne\"\n", 14), 3, false, &got);
    buf_byte(&got, 0);
    is_str((char *)got.p, "1@0!a NUL byte\n2@5[c]\n3@7!a NUL byte\n");
    buf_free(&got);
}

/* A second reading of the grammar in the header, as plain as can be: whole input in memory, a
 * state machine, no bounds. */
static void reference(struct span in, struct buf *out)
{
    size_t at = in.n >= 3 && memcmp(in.p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    unsigned line = 1;
    struct buf row = {0};
    out->n = 0;
    while (at < in.n) {
        enum { BEGIN, BARE, QUOTED, CLOSED, DONE } state = BEGIN;
        const char *why = NULL;
        size_t i = at, skip = in.p[at] == '\n' ? 1 : 0;
        unsigned lines = 0;
        bool nul = false;
        if (in.p[at] == '\r' && (at + 1 == in.n || in.p[at + 1] == '\n'))
            skip = at + 1 == in.n ? 1 : 2;
        if (skip) {
            at += skip;
            line++;
            continue;
        }
        row.n = 0;
        for (; state != DONE && !why; i++) {
            int c = i < in.n ? in.p[i] : -1, next = i + 1 < in.n ? in.p[i + 1] : -1;
            bool ends = c == '\n' || c == -1 || (c == '\r' && (next == '\n' || next == -1));
            nul |= c == 0;
            if (state == QUOTED) {
                if (c == -1)
                    why = "a quote is not closed";
                else if (c == '"' && next == '"')
                    buf_byte(&row, '"'), i++;
                else if (c == '"')
                    state = CLOSED;
                else
                    buf_byte(&row, (uint8_t)c);
                lines += c == '\n';
            } else if (ends) {
                i += c == '\r' && next == '\n';
                lines++;
                state = DONE;
            } else if (c == ',') {
                buf_byte(&row, '|');
                state = BEGIN;
            } else if (state == CLOSED) {
                why = "text follows a closing quote";
            } else if (c == '"' && state == BEGIN) {
                state = QUOTED;
            } else if (c == '"') {
                why = "a quote stands in a cell that does not begin with one";
            } else {
                state = BARE;
                buf_byte(&row, (uint8_t)c);
            }
        }
        if (nul && !why)
            why = "a NUL byte";
        buf_printf(out, "%u@%zu", line, at);
        if (why) {
            buf_printf(out, "!%s\n", why);
        } else {
            buf_byte(out, '[');
            buf_span(out, buf_as_span(&row));
            buf_str(out, "]\n");
        }
        if (why && state != DONE) {
            const uint8_t *newline = memchr(in.p + at, '\n', in.n - at);
            i = newline ? (size_t)(newline - in.p) + 1 : in.n;
            lines = 1;
        }
        at = i < in.n ? i : in.n;
        line += lines;
    }
    buf_free(&row);
}

static uint64_t seed = 88172645463325252u;

static unsigned random_below(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

/* Rows that begin well and then go wrong, so that all paths are met. */
static void random_text(struct buf *out)
{
    static const char *const piece[] = {"\"abc\",", "1,",   "\"\",",     ",",         "\"x\"\"y\",",
                                        "\n",       "\r\n", "\"a,b\"\n", "\"l\nm\",", "\"",
                                        "z",        "\r",   "\"q\"\r\n"};
    unsigned n = 1 + random_below(60);
    out->n = 0;
    for (unsigned i = 0; i < n; i++) {
        unsigned k = random_below(random_below(8) ? 8 : 13);
        buf_str(out, piece[k]);
        if (random_below(400) == 0)
            buf_byte(out, 0);
    }
}

static void test_reference(void)
{
    static const size_t chunk[] = {1, 5, 64, 100, SOURCE_CHUNK};
    struct buf in = {0}, want = {0}, got = {0};
    unsigned differ = 0;
    for (unsigned i = 0; i < 6000 && differ < 3; i++) {
        random_text(&in);
        reference(buf_as_span(&in), &want);
        csv_text(buf_as_span(&in), chunk[i % 5], random_below(2), &got);
        if (!span_eq(buf_as_span(&want), buf_as_span(&got))) {
            differ++;
            printf("# input: %.*s\n# want: %.*s\n# got: %.*s\n", (int)in.n, (char *)in.p,
                   (int)want.n, (char *)want.p, (int)got.n, (char *)got.p);
        }
    }
    is_int(differ, 0);
    buf_free(&in);
    buf_free(&want);
    buf_free(&got);
}

/* A writer, and what was written comes back. */
static void test_round_trip(void)
{
    static const char alphabet[] = "ab\",\n\r 1\xc3\xa4";
    struct buf text = {0}, want = {0}, got = {0};
    unsigned differ = 0;
    for (unsigned round = 0; round < 300; round++) {
        unsigned rows = 1 + random_below(40), columns = 2 + random_below(40);
        text.n = want.n = 0;
        for (unsigned y = 0; y < rows; y++) {
            for (unsigned x = 0; x < columns; x++) {
                unsigned n = random_below(3) ? random_below(12) : 0;
                bool quote = random_below(2);
                buf_str(&text, x ? "," : "");
                buf_str(&want, x ? "|" : "[");
                buf_str(&text, quote ? "\"" : "");
                for (unsigned i = 0; i < n; i++) {
                    char ch = alphabet[random_below(sizeof alphabet - 1)];
                    if (!quote && strchr("\",\n\r", ch))
                        ch = 'x';
                    if (ch == '"')
                        buf_byte(&text, '"');
                    buf_byte(&text, (uint8_t)ch);
                    buf_byte(&want, (uint8_t)ch);
                }
                buf_str(&text, quote ? "\"" : "");
            }
            buf_str(&text, random_below(2) ? "\r\n" : "\n");
            buf_str(&want, "]\n");
        }
        csv_text(buf_as_span(&text), 1 + random_below(5000), random_below(2), &got);
        /* without the places */
        struct buf plain = {0};
        const char *p = (char *)got.p, *end = p + got.n;
        for (bool begins = true; p < end; p++) {
            if (begins)
                p = memchr(p, '[', (size_t)(end - p));
            begins = p[0] == ']' && p + 1 < end && p[1] == '\n';
            buf_byte(&plain, (uint8_t)*p);
            if (begins)
                buf_byte(&plain, (uint8_t) * ++p);
        }
        differ += !span_eq(buf_as_span(&plain), buf_as_span(&want));
        buf_free(&plain);
    }
    is_int(differ, 0);
    buf_free(&text);
    buf_free(&want);
    buf_free(&got);
}

static void repeat(struct buf *b, char ch, size_t n)
{
    memset(buf_reserve(b, n), ch, n);
    b->n += n;
}

/* Rows around the bound, of few and of many cells, at every kind of chunk. */
static void test_bounds(void)
{
    struct buf in = {0}, got = {0};
    static const size_t chunk[] = {999, 4096, SOURCE_CHUNK};
    for (int over = 0; over < 2; over++) {
        for (int quoted = 0; quoted < 2; quoted++) {
            int good = 1;
            in.n = 0;
            buf_str(&in, quoted ? "a\n\"" : "a\n");
            repeat(&in, 'x', CSV_ROW_MAX - 1 - 2 * (size_t)quoted + (size_t)over);
            buf_str(&in, quoted ? "\"\nb,c\n" : "\nb,c\n");
            for (unsigned i = 0; i < 3; i++) {
                csv_text(buf_as_span(&in), chunk[i], i & 1, &got);
                buf_byte(&got, 0);
                const char *t = (char *)got.p;
                good &= strncmp(t, "1@0[a]\n2@2", 10) == 0 &&
                        strcmp(t + strlen(t) - 5, "b|c]\n") == 0 &&
                        (strstr(t, "2@2!the row is too long\n3@") != NULL) == over;
            }
            tap_check(good, "", __FILE__, __LINE__,
                      over ? "a row one byte too long" : "a row of the greatest length");
        }
    }

    in.n = 0;
    buf_str(&in, "a\n");
    repeat(&in, 'x', 10u << 20);
    buf_str(&in, "\nb\n");
    csv_text(buf_as_span(&in), SOURCE_CHUNK, false, &got);
    buf_byte(&got, 0);
    is_str((char *)got.p, "1@0[a]\n2@2!the row is too long\n3@10485763[b]\n");

    /* A quote left open before megabytes of rows costs its own row. */
    in.n = 0;
    buf_str(&in, "a,\"b\n");
    for (unsigned i = 0; i < 500000; i++)
        buf_str(&in, "c,d\n");
    csv_text(buf_as_span(&in), SOURCE_CHUNK, false, &got);
    size_t rows = 0;
    for (size_t i = 0; i < got.n; i++)
        rows += got.p[i] == '\n';
    is_int(rows, 500001);
    ok(memcmp(got.p, "1@0!the row is too long\n2@5[c|d]\n", 33) == 0);

    in.n = 0;
    repeat(&in, ',', CSV_CELLS_MAX - 1);
    buf_str(&in, "\n");
    repeat(&in, ',', CSV_CELLS_MAX);
    buf_str(&in, "\nb\n");
    csv_text(buf_as_span(&in), SOURCE_CHUNK, false, &got);
    ok(got.p[0] == '1' && memmem(got.p, got.n, "\n2@1024!too many cells\n3@2049[b]\n", 33),
       "as many cells as there may be, and one more");
    in.n = 0;
    repeat(&in, ',', 3u << 20);
    buf_str(&in, "\nb\n");
    csv_text(buf_as_span(&in), SOURCE_CHUNK, false, &got);
    buf_byte(&got, 0);
    is_str((char *)got.p, "1@0!the row is too long\n2@3145729[b]\n");
    buf_free(&in);
    buf_free(&got);
}

int main(void)
{
    test_grammar();
    test_bad_rows();
    test_reference();
    test_round_trip();
    test_bounds();
    return tap_done();
}
