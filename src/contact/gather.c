#include "contact/gather_impl.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/utc.h"

const char *gather_format_name(enum gather_format format)
{
    static const char *const names[] = {"csv", "rpsl", "arin", "delegated"};
    return (unsigned)format < GATHER_FORMATS ? names[format] : NULL;
}

void gather_reject(struct gather *g, uint64_t line, const char *why)
{
    g->counts.rejected++;
    if (g->sink.reject)
        g->sink.reject(g->sink.ctx, line, why);
}

void gather_made(struct gather *g, struct span text)
{
    char date[11] = "";
    int64_t made;
    if (text.n >= 10 && text.p[4] == '-')
        memcpy(date, text.p, 10);
    else if (text.n >= 8 && !memchr(text.p, '-', 8))
        snprintf(date, sizeof date, "%.4s-%.2s-%.2s", (const char *)text.p,
                 (const char *)text.p + 4, (const char *)text.p + 6);
    if (!utc_parse(span_str(date), &made) || made < UTC_EVENT_MIN || made > utc_now() + UTC_DAY)
        return;
    g->counts.made = made > g->counts.made ? made : g->counts.made;
}

/* ---- an operator's table ---- */

static int csv_row(void *ctx, const struct contact_row *row)
{
    struct gather *g = ctx;
    return contact_rows_add(&g->rows, row);
}

static void csv_reject(void *ctx, uint64_t line, const char *why)
{
    gather_reject(ctx, line, why);
}

static void csv_begin(struct gather *g)
{
    if (!g->table)
        g->table = mem_zeroed(1, sizeof *g->table);
    *g->table = (struct contact_table){.row = csv_row, .reject = csv_reject, .ctx = g};
}

/* ---- all formats ---- */

struct gather *gather_new(enum gather_format format, const char *source,
                          const struct gather_sink *sink)
{
    struct gather *g = mem_zeroed(1, sizeof *g);
    g->format = format;
    snprintf(g->source, sizeof g->source, "%s", source);
    g->sink = *sink;
    return g;
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    contact_rows_free(&g->rows);
    free(g->table);
    free(g);
}

void gather_file(struct gather *g)
{
    g->counts = (struct gather_counts){0};
    g->line = 0;
    if (g->format == GATHER_CSV)
        csv_begin(g);
}

int gather_line(struct gather *g, struct span line)
{
    g->line++;
    if (line.n > GATHER_LINE_MAX)
        line.n = GATHER_LINE_MAX;
    switch (g->format) {
    case GATHER_CSV:
        return contact_table_line(g->table, line);
    default:
        return -ENOSYS;
    }
}

int gather_file_end(struct gather *g, struct gather_counts *counts)
{
    if (g->format == GATHER_CSV)
        g->counts.rows = g->table->rows;
    *counts = g->counts;
    return 0;
}

int gather_finish(struct gather *g, struct buf *out, struct gather_totals *totals)
{
    g->totals.rows = contact_rows_write(&g->rows, g->format == GATHER_DELEGATED, out);
    *totals = g->totals;
    return 0;
}

/* ---- recognising ---- */

bool gather_recognise(struct span head, struct gather_kind *out)
{
    struct cur c = cur_of(head);
    bool countries;
    *out = (struct gather_kind){.format = GATHER_CSV};
    while (cur_left(&c)) {
        struct span line = span_trim(cur_line(&c));
        if (!line.n || line.p[0] == '#' || line.p[0] == '%')
            continue;
        if (!contact_table_probe(line, &countries))
            return false;
        snprintf(out->source, sizeof out->source, "%s", countries ? "cert" : "operator");
        return true;
    }
    return false;
}
