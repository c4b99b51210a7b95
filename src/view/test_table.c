/* Table and display: what readers and scripts see, byte for byte. */
#include <math.h>
#include <unistd.h>

#include "base/tap.h"
#include "view/display.h"
#include "view/table.h"

static const struct table_column columns[] = {
    {"family", "family", TABLE_WORDS}, {"addresses", "addresses", TABLE_COUNT},
    {"asn", "as", TABLE_WORDS},        {"hidden", NULL, TABLE_COUNT},
    {"name", "name", TABLE_WORDS},     {0},
};

/* Runs fill() over a table and returns what it printed. */
static char *printed(enum table_shape shape, const struct table_column *cols,
                     void (*fill)(struct table *t))
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);
    struct table *t = table_open(shape, cols, f);
    fill(t);
    is_int(table_close(t), 0);
    fclose(f);
    return text;
}

static void check(enum table_shape shape, const struct table_column *cols,
                  void (*fill)(struct table *t), const char *want)
{
    char *got = printed(shape, cols, fill);
    is_str(got, want);
    free(got);
}

static void two_rows(struct table *t)
{
    table_str(t, "rustock");
    table_uint(t, 1601619);
    table_uint(t, 64496);
    table_int(t, -1234);
    table_str(t, "Example, \"Inc\"");
    table_row_end(t);
    table_str(t, "a");
    table_uint(t, 999);
    table_empty(t);
    table_row_end(t); /* the rest is empty */
}

static void nothing(struct table *t)
{
    (void)t;
}

static void test_shapes(void)
{
    check(TABLE_TEXT, columns, two_rows,
          "family   addresses  as     name\n"
          "rustock  1,601,619  64496  Example, \"Inc\"\n"
          "a              999\n");
    check(TABLE_CSV, columns, two_rows,
          "family,addresses,asn,hidden,name\r\n"
          "rustock,1601619,64496,-1234,\"Example, \"\"Inc\"\"\"\r\n"
          "a,999,,,\r\n");
    check(TABLE_JSON, columns, two_rows,
          "{\"family\":\"rustock\",\"addresses\":1601619,\"asn\":64496,\"hidden\":-1234,"
          "\"name\":\"Example, \\\"Inc\\\"\"}\n"
          "{\"family\":\"a\",\"addresses\":999,\"asn\":null,\"hidden\":null,\"name\":null}\n");
    check(TABLE_TEXT, columns, nothing, "family  addresses  as  name\n");
    check(TABLE_CSV, columns, nothing, "family,addresses,asn,hidden,name\r\n");
    check(TABLE_JSON, columns, nothing, "");
}

static const struct table_column numbers[] = {
    {"a", "a", TABLE_COUNT}, {"b", "b", TABLE_WORDS}, {0}};

static void number_rows(struct table *t)
{
    static const uint8_t bytes[] = {0x00, 0xab};
    table_int(t, INT64_MIN);
    table_uint(t, UINT64_MAX);
    table_row_end(t);
    table_double(t, -1234567.125, 2);
    table_double(t, NAN, 2);
    table_row_end(t);
    table_int(t, -100);
    table_bool(t, true);
    table_row_end(t);
    table_double(t, 0.5, 1);
    table_hex(t, bytes, 2);
    table_str(t, "a cell too many");
    table_row_end(t);
}

static void test_numbers(void)
{
    check(TABLE_TEXT, numbers, number_rows,
          "                         a  b\n"
          "-9,223,372,036,854,775,808  18446744073709551615\n"
          "             -1,234,567.12\n"
          "                      -100  true\n"
          "                       0.5  00ab\n");
    check(TABLE_CSV, numbers, number_rows,
          "a,b\r\n-9223372036854775808,18446744073709551615\r\n-1234567.12,\r\n-100,true\r\n"
          "0.5,00ab\r\n");
    check(TABLE_JSON, numbers, number_rows,
          "{\"a\":-9223372036854775808,\"b\":18446744073709551615}\n"
          "{\"a\":-1234567.12,\"b\":null}\n{\"a\":-100,\"b\":true}\n{\"a\":0.5,\"b\":\"00ab\"}\n");
}

static const struct table_column text_columns[] = {
    {"a", "a", TABLE_WORDS}, {"b", "b", TABLE_WORDS}, {0}};

static void hostile_rows(struct table *t)
{
    table_str(t, "\x1b[31mred\a");
    table_str(t, "x");
    table_row_end(t);
    table_str(t, "two\nlines\x7f");
    table_str(t, "\xc2\x9b"
                 "1m"); /* C1 CSI */
    table_row_end(t);
    table_str(t, "\xff\xc3");
    table_str(t, "\xe2\x80\xae"
                 "evil"); /* right-to-left override */
    table_row_end(t);
    table_text(t, span_of("n\0l", 3));
    table_str(t, "");
    table_row_end(t);
    table_str(t, "M\xc3\xbcnchen");
    table_str(t, "y");
    table_row_end(t);
    table_str(t, "\xe6\x9d\xb1\xe4\xba\xac"); /* two wide characters */
    table_str(t, "z");
    table_row_end(t);
}

static void test_hostile(void)
{
    check(TABLE_TEXT, text_columns, hostile_rows,
          "a                 b\n"
          "\\x1b[31mred\\x07   x\n"
          "two\\x0alines\\x7f  \\u{009b}1m\n"
          "\\xff\\xc3          \\u{202e}evil\n"
          "n\\x00l\n"
          "M\xc3\xbcnchen           y\n"
          "\xe6\x9d\xb1\xe4\xba\xac              z\n");
    /* in a file, CSV has the bytes as they are */
    char *csv = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&csv, &n);
    struct table *t = table_open(TABLE_CSV, text_columns, f);
    hostile_rows(t);
    table_close(t);
    fclose(f);
    static const char want[] = "a,b\r\n\x1b[31mred\a,x\r\n\"two\nlines\x7f\",\xc2\x9b"
                               "1m\r\n\xff\xc3,\xe2\x80\xae"
                               "evil\r\nn\0l,\r\nM\xc3\xbcnchen,y\r\n"
                               "\xe6\x9d\xb1\xe4\xba\xac,z\r\n";
    ok(n == sizeof want - 1 && memcmp(csv, want, n) == 0, "CSV keeps bytes");
    free(csv);
}

static void quoted_rows(struct table *t)
{
    static const char *const cells[] = {"\"", "a,b", "a\rb", " a", "a ", "a b"};
    for (size_t i = 0; i < 6; i += 2) {
        table_str(t, cells[i]);
        table_str(t, cells[i + 1]);
        table_row_end(t);
    }
}

static void test_quoting(void)
{
    check(TABLE_CSV, text_columns, quoted_rows,
          "a,b\r\n\"\"\"\",\"a,b\"\r\n\"a\rb\",\" a\"\r\n\"a \",a b\r\n");
}

static void many_rows(struct table *t)
{
    char text[64];
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(text, sizeof text, "%s%u", i == 99999 ? "much longer than all before " : "", i);
        table_str(t, text);
        table_str(t, "x");
        table_row_end(t);
    }
}

static void long_cell(struct table *t)
{
    char text[101] = {0};
    memset(text, 'l', 100);
    table_str(t, text);
    table_str(t, "x");
    table_row_end(t);
    table_str(t, "short");
    table_str(t, "y");
    table_row_end(t);
}

static void test_streaming(void)
{
    char *got = printed(TABLE_TEXT, text_columns, many_rows);
    size_t lines = 0;
    for (char *p = got; (p = strchr(p, '\n')); p++)
        lines++;
    is_int(lines, 100001);
    ok(strncmp(got, "a     b\n0     x\n", 16) == 0, "aligned by the first rows");
    ok(strstr(got, "\n50000  x\n") != NULL && strstr(got, " before 99999  x\n") != NULL,
       "later rows keep the widths, or run over");
    free(got);
    got = printed(TABLE_TEXT, text_columns, long_cell);
    ok(strstr(got, "\nshort  y\n") && strstr(got, "lll  x\n"), "one long cell does not widen all");
    free(got);
}

/* A full device is reported. */
static void test_failure(void)
{
    FILE *f = fopen("/dev/full", "w");
    if (!f) {
        tap_skip("output that fails", "no /dev/full");
        return;
    }
    for (int shape = TABLE_TEXT; shape <= TABLE_JSON; shape++) {
        struct table *t = table_open((enum table_shape)shape, text_columns, f);
        many_rows(t);
        is_int(table_close(t), -1);
        clearerr(f);
    }
    fclose(f);
}

/* Whatever bytes come in, what goes out is UTF-8 without controls, as wide as it says at least. */
static void test_any_bytes(void)
{
    uint64_t s = 12345;
    unsigned bad = 0;
    struct buf out = {0};
    for (unsigned round = 0; round < 20000; round++) {
        uint8_t in[24];
        for (size_t i = 0; i < sizeof in; i++) {
            s = s * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
            in[i] = (uint8_t)(s >> 56);
            if (i && in[i - 1] >= 0xc0 && s >> 40 & 1)
                in[i] = (uint8_t)(0x80 | (in[i] & 0x3f)); /* make sequences likelier */
        }
        out.n = 0;
        display_put(&out, span_of(in, sizeof in));
        bad += !span_is_utf8(buf_as_span(&out));
        for (size_t i = 0; i < out.n; i++)
            bad += out.p[i] < 0x20 || out.p[i] == 0x7f || (out.p[i] == 0xc2 && out.p[i + 1] < 0xa0);
    }
    is_int(bad, 0);
    buf_free(&out);
    is_int(display_width(span_str("abc")), 3);
    is_int(display_width(span_str("e\xcc\x81")), 1);                /* combining acute accent */
    is_int(display_width(span_str("\xf0\x9f\x90\x87")), 2);         /* U+1F407 */
    is_int(display_width(span_str("\xed\x95\x9c")), 2);             /* Hangul */
    is_int(display_width(span_str("\xd0\xa0\xd0\xbe\xd1\x81")), 3); /* Cyrillic */
}

int main(void)
{
    test_shapes();
    test_numbers();
    test_hostile();
    test_quoting();
    test_streaming();
    test_failure();
    test_any_bytes();
    return tap_done();
}
