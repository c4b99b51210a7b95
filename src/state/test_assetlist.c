#include "state/assetlist.h"

#include <errno.h>

#include "base/tap.h"
#include "base/utc.h"

#define DAY UTC_DAY
#define D16 1300233600000000ll /* 2011-03-16 */

/* Rows and rejects as text: "name from until registrar|" and "line: why|". */
struct seen {
    struct buf rows, rejects;
    struct assetlist_counts counts;
    int stop_after, rc;
};

static int keep_row(void *ctx, const struct assetlist_row *row)
{
    struct seen *s = ctx;
    char from[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
    utc_format_date(row->from, from);
    utc_format_date(row->until, until);
    buf_printf(&s->rows, "%s%.*s %s %s %.*s|", row->wildcard ? "*." : "", (int)row->name.n,
               (const char *)row->name.p, from, until, (int)row->registrar.n,
               row->registrar.n ? (const char *)row->registrar.p : "");
    return s->stop_after && --s->stop_after == 0 ? 7 : 0;
}

static void keep_reject(void *ctx, uint64_t line, const char *why)
{
    struct seen *s = ctx;
    buf_printf(&s->rejects, "%llu: %s|", (unsigned long long)line, why);
}

static const struct assetlist_row defaults = {
    .from = D16, .until = D16 + 10 * DAY, .registrar = {(const uint8_t *)"R", 1}};

static void read_span(struct seen *s, struct span text)
{
    struct assetlist_sink sink = {s, keep_row, keep_reject};
    struct err err;
    s->rows.n = s->rejects.n = 0;
    s->rc = assetlist_read(text, &defaults, &sink, &s->counts, &err);
    buf_byte(&s->rows, 0);
    buf_byte(&s->rejects, 0);
}

#define READS(text, want_rows, want_rejects)                                                       \
    do {                                                                                           \
        read_span(&s, span_of(text, sizeof(text) - 1));                                            \
        is_int(s.rc, 0);                                                                           \
        is_str((char *)s.rows.p, want_rows);                                                       \
        is_str((char *)s.rejects.p, want_rejects);                                                 \
    } while (0)

int main(void)
{
    struct seen s = {0};
    READS("", "", "");
    READS("a.example\nB.Example.\n",
          "a.example 2011-03-16 2011-03-26 R|b.example 2011-03-16 2011-03-26 R|", "");
    READS("a.example,2011-03-17,2011-03-18,Registrar Inc\n*.b.example,2011-03-17,,\n",
          "a.example 2011-03-17 2011-03-18 Registrar Inc|*.b.example 2011-03-17 2011-03-26 R|", "");
    READS("\xef\xbb\xbfname,from,until,registrar\r\na.example,2011-03-17,2011-03-18,\r\n# "
          "note\r\n\r\nb.example\r\n",
          "a.example 2011-03-17 2011-03-18 R|b.example 2011-03-16 2011-03-26 R|", "");
    READS("Registrar,what,Domain,Until,From\nX,1,a.example,2011-03-19,2011-03-17\n",
          "a.example 2011-03-17 2011-03-19 X|", "");
    READS("\"a.example\",\"2011-03-17\", \"2011-03-18\" ,\"He said \"\"no\"\", twice\"",
          "a.example 2011-03-17 2011-03-18 He said \"no\", twice|", "");
    READS("a.example,2011-03-17T06:00:00Z,2011-03-18T00:00:00+02:00\n",
          "a.example 2011-03-17 2011-03-17 R|", "");
    is_int(s.counts.rows, 1);
    READS("com\n192.0.2.1\na..b\nb\xc3\xbc.example\na b.example\nxn--bcher-kva.example\n",
          "xn--bcher-kva.example 2011-03-16 2011-03-26 R|",
          "1: a top-level domain is no asset|2: not a domain name|3: not a domain name|4: not a "
          "domain name|"
          "5: not a domain name|");
    is_int(s.counts.rejected, 5);
    READS("\xc3\xbc.example\n", "", "1: not a domain name (IDNs as A-labels: xn--...)|");
    READS("a.example,2011-02-30\na.example,,x\na.example,2011-03-18,2011-03-18\na.example,1800-01-"
          "01\n"
          "a.example,2011-03-16,2011-03-17,R,more\n",
          "",
          "1: from is no date|2: until is no date|3: it ends before it begins|4: from is no date|"
          "5: more columns than name, from, until and registrar|");
    READS("a.example,2011-03-27\n", "", "1: it ends before it begins|");
    READS("\"a.example\nb.example\n\"c.example\"x\n", "b.example 2011-03-16 2011-03-26 R|",
          "1: a quote that is not closed|3: something behind a quoted cell|");
    READS("a.example\nA.EXAMPLE.\n*.a.example\na.example,2011-03-17\na.example,,,Other\n",
          "a.example 2011-03-16 2011-03-26 R|*.a.example 2011-03-16 2011-03-26 R|a.example "
          "2011-03-17 2011-03-26 R|",
          "2: repeats an earlier row|5: repeats an earlier row|");
    READS("a.example\nname,from\n", "a.example 2011-03-16 2011-03-26 R|",
          "2: a top-level domain is no asset|");
    READS("a.example\0x\n\0\n", "", "1: not a domain name|2: not a domain name|");

    s.stop_after = 2;
    read_span(&s, span_str("a.example\nb.example\nc.example\n"));
    is_int(s.rc, 7);
    is_str((char *)s.rows.p,
           "a.example 2011-03-16 2011-03-26 R|b.example 2011-03-16 2011-03-26 R|");

    struct buf text = {0};
    for (int i = 0; i < ASSETLIST_LINE_MAX; i++)
        buf_byte(&text, 'a');
    buf_str(&text, ".example\nb.example\n");
    for (int i = 0; i < 100; i++)
        buf_byte(&text, ',');
    read_span(&s, buf_as_span(&text));
    is_str((char *)s.rejects.p, "1: a line that is too long|3: too many columns|");
    is_int(s.counts.rows, 1);
    text.n = 0;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < 5000; i++)
            buf_printf(&text, "n%d.example\n", i);
    read_span(&s, buf_as_span(&text));
    ok(s.counts.rows == 5000 && s.counts.rejected == 5000, "each row that repeats is found");
    buf_free(&text);
    buf_free(&s.rows);
    buf_free(&s.rejects);
    return tap_done();
}
