/* What the targets of registries' files share: all lines to a gather, twice, and a table that reads
 * as a table. */
#pragma once

#include "contact/gather.h"
#include "must.h"

static void see_reject(void *ctx, uint64_t line, const char *why)
{
    must(line > 0 && why && *why);
    ++*(uint64_t *)ctx;
}

static int see_row(void *ctx, const struct contact_row *row)
{
    must(row->match != CONTACT_NETWORK || contact_network_ok(&row->network));
    must(!row->mail.n || row->mail.n <= MAILBOX_MAX);
    return 0;
}

static void gather_once(enum gather_format format, struct span text, struct buf *out)
{
    uint64_t rejects = 0;
    struct gather_sink sink = {&rejects, see_reject};
    struct gather_counts counts;
    struct gather_totals totals;
    struct gather *g = gather_new(format, "ripe", &sink);
    gather_file(g);
    for (struct cur c = cur_of(text); cur_left(&c);)
        must(gather_line(g, cur_line(&c)) == 0);
    must(gather_file_end(g, &counts) == 0 && counts.rejected == rejects);
    must(gather_finish(g, out, &totals) == 0);
    gather_free(g);
    static struct contact_table t;
    t = (struct contact_table){.row = see_row, .strict = true};
    must(contact_table_text(&t, buf_as_span(out)) == 0);
    must(t.rows == totals.rows && t.rejected == 0);
}

static void gather_twice(enum gather_format format, struct span text)
{
    struct buf first = {0}, second = {0};
    gather_once(format, text, &first);
    gather_once(format, text, &second);
    must(span_eq(buf_as_span(&first), buf_as_span(&second)));
    buf_free(&first);
    buf_free(&second);
}
