#include "contact/gather_impl.h"

#include <errno.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/utc.h"
#include "contact/delegated.h"
#include "contact/objects.h"

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
    if (format == GATHER_RPSL || format == GATHER_ARIN)
        g->objects = objects_new(g, format == GATHER_ARIN);
    if (format == GATHER_DELEGATED)
        g->delegations = delegations_new(g);
    return g;
}

void gather_free(struct gather *g)
{
    if (!g)
        return;
    contact_rows_free(&g->rows);
    objects_free(g->objects);
    delegations_free(g->delegations);
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
    case GATHER_RPSL:
    case GATHER_ARIN:
        return objects_line(g->objects, line);
    case GATHER_DELEGATED:
        return delegations_line(g->delegations, line);
    case GATHER_FORMATS:
        break;
    }
    return -EINVAL;
}

int gather_file_end(struct gather *g, struct gather_counts *counts)
{
    if (g->format == GATHER_CSV)
        g->counts.rows = g->table->rows;
    int rc = g->objects ? objects_file_end(g->objects) : 0;
    *counts = g->counts;
    return rc;
}

int gather_finish(struct gather *g, struct buf *out, struct gather_totals *totals)
{
    int rc = g->objects       ? objects_resolve(g->objects)
             : g->delegations ? delegations_resolve(g->delegations)
                              : 0;
    if (rc == 0)
        g->totals.rows = contact_rows_write(&g->rows, g->format == GATHER_DELEGATED, out);
    *totals = g->totals;
    return rc;
}

/* ---- recognising ---- */

static bool begins(struct span s, const char *with)
{
    size_t n = strlen(with);
    return s.n >= n && span_ieq(span_of(s.p, n), span_of(with, n));
}

/* "source: RIPE # Filtered" somewhere in what was seen of a dump. */
static void find_source(struct span head, char out[GATHER_SOURCE_MAX + 1])
{
    static const char *const known[] = {"ripe", "apnic", "arin", "lacnic", "afrinic"};
    for (struct cur c = cur_of(head); cur_left(&c);) {
        struct span line = span_trim(cur_line(&c));
        if (!begins(line, "source:"))
            continue;
        struct span value = span_trim(span_of(line.p + 7, line.n - 7));
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            if (begins(value, known[i])) {
                snprintf(out, GATHER_SOURCE_MAX + 1, "%s", known[i]);
                return;
            }
    }
}

/* "inetnum:", "as-block:" ...: the first attribute of a dump. */
static bool probe_object(struct span line, struct span head, struct gather_kind *out)
{
    char name[RPSL_NAME_MAX];
    const uint8_t *colon = memchr(line.p, ':', line.n);
    size_t n = colon ? (size_t)(colon - line.p) : 0;
    bool arin = false;
    if (!n || n > sizeof name)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = line.p[i] | 0x20;
        if ((uint8_t)(c - 'a') >= 26 && (uint8_t)(c - '0') >= 10 && c != '-')
            return false;
        name[i] = (char)c;
    }
    find_source(head, out->source);
    bool known = objects_begin_with(span_of(name, n), &arin);
    out->format = arin ? GATHER_ARIN : GATHER_RPSL;
    if (arin)
        snprintf(out->source, sizeof out->source, "arin");
    return known || out->source[0]; /* of a class that has no contacts, but a registry's */
}

static bool probe_line(struct span line, struct span head, struct gather_kind *out)
{
    bool countries;
    *out = (struct gather_kind){0};
    if (delegations_probe(line, out->source)) {
        out->format = GATHER_DELEGATED;
        return true;
    }
    if (contact_table_probe(line, &countries)) {
        out->format = GATHER_CSV;
        snprintf(out->source, sizeof out->source, "%s", countries ? "cert" : "operator");
        return true;
    }
    return probe_object(line, head, out);
}

/* The first line that is no comment decides; what has zero bytes is no text at all. */
bool gather_recognise(struct span head, struct gather_kind *out)
{
    struct cur c = cur_of(head);
    if (head.n && memchr(head.p, 0, head.n))
        return false;
    while (cur_left(&c)) {
        struct span line = span_trim(cur_line(&c));
        if (line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
            line = span_of(line.p + 3, line.n - 3);
        if (line.n && line.p[0] != '#' && line.p[0] != '%')
            return probe_line(line, head, out);
    }
    return false;
}
