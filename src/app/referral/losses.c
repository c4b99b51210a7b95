#include "app/referral/losses.h"

#include <errno.h>

#include "base/mem.h"

enum { WHAT, AMOUNT, CURRENCY, SOURCE, CELLS };
static const char *const titles[CELLS] = {"what", "amount", "currency", "source"};

/* Cells are kept by offset while the text grows. */
struct reading {
    struct losses *l;
    struct cur in;
    unsigned line; /* from 1 */
    struct {
        size_t at, n;
    } cell[CELLS];
    struct {
        size_t what, n_what, currency, n_currency, source, n_source;
    } * places; /* one a row */
    size_t cap_places;
};

static bool is_control(uint8_t c)
{
    return c < 0x20 || c == 0x7f;
}

/* Up to the comma or the line's end, which is not taken. */
static int read_cell(struct reading *r, unsigned i, struct err *err)
{
    struct buf *out = &r->l->text;
    bool quoted = cur_left(&r->in) && *r->in.p == '"', closed = !quoted;
    r->cell[i].at = out->n;
    r->in.p += quoted;
    while (cur_left(&r->in)) {
        uint8_t c = *r->in.p;
        if (quoted && c == '"') {
            if (cur_left(&r->in) < 2 || r->in.p[1] != '"') {
                r->in.p++;
                closed = true;
                break;
            }
            r->in.p++;
        } else if (!quoted && (c == ',' || c == '\n' || c == '\r')) {
            break;
        } else if (is_control(c) || (!quoted && c == '"')) {
            return err_set(err, -EINVAL, "losses: line %u: %s in %s", r->line,
                           c == '"' ? "a quote" : "a control character", titles[i]);
        }
        buf_byte(out, c);
        r->in.p++;
        if (out->n - r->cell[i].at > LOSSES_CELL_MAX)
            return err_set(err, -E2BIG, "losses: line %u: %s is over %u bytes", r->line, titles[i],
                           LOSSES_CELL_MAX);
    }
    r->cell[i].n = out->n - r->cell[i].at;
    return closed ? 0
                  : err_set(err, -EINVAL, "losses: line %u: a quote that does not end", r->line);
}

/* A line's cells, and its end. */
static int read_line(struct reading *r, struct err *err)
{
    r->line++;
    for (unsigned i = 0; i < CELLS; i++) {
        int rc = read_cell(r, i, err);
        if (rc < 0)
            return rc;
        bool comma = cur_left(&r->in) && *r->in.p == ',';
        if (comma != (i + 1 < CELLS))
            return err_set(err, -EINVAL,
                           "losses: line %u: wants %u cells: what,amount,currency,source", r->line,
                           CELLS);
        r->in.p += comma;
    }
    if (cur_left(&r->in) >= 2 && r->in.p[0] == '\r' && r->in.p[1] == '\n')
        r->in.p++;
    if (cur_left(&r->in) && *r->in.p++ != '\n')
        return err_set(err, -EINVAL, "losses: line %u: something stands behind the last cell",
                       r->line);
    return 0;
}

static struct span cell(const struct reading *r, unsigned i)
{
    return span_of(r->l->text.p + r->cell[i].at, r->cell[i].n);
}

static int check_title(const struct reading *r, struct err *err)
{
    for (unsigned i = 0; i < CELLS; i++)
        if (!span_is(cell(r, i), titles[i]))
            return err_set(err, -EINVAL,
                           "losses: the first line is not \"what,amount,currency,source\"");
    return 0;
}

static int add_row(struct reading *r, struct err *err)
{
    struct losses *l = r->l;
    struct loss row;
    struct err why;
    for (unsigned i = 0; i < CELLS; i++)
        if (!span_trim(cell(r, i)).n)
            return err_set(err, -EINVAL, "losses: line %u: %s is empty", r->line, titles[i]);
    if (l->n >= LOSSES_ROWS_MAX)
        return err_set(err, -E2BIG, "losses: more than %u rows", LOSSES_ROWS_MAX);
    int rc = money_parse(cell(r, AMOUNT), cell(r, CURRENCY), &row.amount, &why);
    if (rc < 0)
        return err_set(err, rc, "losses: line %u: %s", r->line, why.text);
    row.what = span_of(NULL, r->cell[WHAT].n); /* the text may move yet: see settle() */
    l->rows = mem_room(l->rows, l->n, &l->cap, sizeof *l->rows);
    r->places = mem_room(r->places, l->n, &r->cap_places, sizeof *r->places);
    r->places[l->n].what = r->cell[WHAT].at;
    r->places[l->n].n_what = r->cell[WHAT].n;
    r->places[l->n].currency = r->cell[CURRENCY].at;
    r->places[l->n].n_currency = r->cell[CURRENCY].n;
    r->places[l->n].source = r->cell[SOURCE].at;
    r->places[l->n].n_source = r->cell[SOURCE].n;
    l->rows[l->n++] = row;
    return 0;
}

static int add_total(struct losses *l, const struct loss *row, struct err *err)
{
    unsigned i = 0;
    while (i < l->n_totals && !span_eq(l->totals[i].currency, row->currency))
        i++;
    if (i == LOSSES_CURRENCIES_MAX)
        return err_set(err, -E2BIG, "losses: more than %u currencies", LOSSES_CURRENCIES_MAX);
    if (i == l->n_totals)
        l->totals[l->n_totals++] = (struct losses_total){.currency = row->currency};
    l->totals[i].rows++;
    if (__builtin_add_overflow(l->totals[i].amount, row->amount, &l->totals[i].amount))
        return err_set(err, -ERANGE, "losses: the total of %.*s overflows", (int)row->currency.n,
                       (const char *)row->currency.p);
    return 0;
}

/* The text will not move any more: rows point into it. */
static int settle(struct reading *r, struct err *err)
{
    struct losses *l = r->l;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < l->n; i++) {
        l->rows[i].what = span_of(l->text.p + r->places[i].what, r->places[i].n_what);
        l->rows[i].currency = span_of(l->text.p + r->places[i].currency, r->places[i].n_currency);
        l->rows[i].source = span_of(l->text.p + r->places[i].source, r->places[i].n_source);
        rc = add_total(l, &l->rows[i], err);
    }
    return rc;
}

int losses_parse(struct span file, struct losses *out, struct err *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* that spreadsheets put first */
    struct reading r = {.l = out, .in = cur_of(file)};
    *out = (struct losses){0};
    if (file.n > LOSSES_FILE_MAX)
        return err_set(err, -E2BIG, "losses: over %u MiB", LOSSES_FILE_MAX >> 20);
    if (!span_is_utf8(file))
        return err_set(err, -EINVAL, "losses: not UTF-8");
    if (file.n >= 3 && memcmp(file.p, mark, 3) == 0)
        r.in.p += 3;
    int rc = read_line(&r, err);
    if (rc == 0)
        rc = check_title(&r, err);
    while (rc == 0 && cur_left(&r.in)) {
        rc = read_line(&r, err);
        if (rc == 0)
            rc = add_row(&r, err);
    }
    if (rc == 0 && !out->n)
        rc = err_set(err, -EINVAL, "losses: no rows");
    if (rc == 0)
        rc = settle(&r, err);
    free(r.places);
    return rc;
}

void losses_free(struct losses *l)
{
    buf_free(&l->text);
    free(l->rows);
    *l = (struct losses){0};
}
