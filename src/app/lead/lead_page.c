#include "app/lead/lead_page.h"

#include <sodium.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/display.h"

static const struct table_column columns[] = {{"entry", "entry", TABLE_ID},
                                              {"time", "day", TABLE_WORDS},
                                              {"from", "from", TABLE_WORDS},
                                              {"what", "what", TABLE_WORDS},
                                              {"text", "text", TABLE_WORDS},
                                              {"contact", "contact", TABLE_WORDS},
                                              {"language", NULL, TABLE_WORDS},
                                              {"offer", NULL, TABLE_ID},
                                              {"files", "files", TABLE_WORDS},
                                              {"sizes", NULL, TABLE_WORDS},
                                              {"written", "written", TABLE_WORDS},
                                              {"unread", "not read", TABLE_WORDS},
                                              {0}};

struct lead_page {
    enum table_shape shape;
    struct table *t; /* NULL: text, which is printed as it comes */
};

struct lead_page *lead_page_open(const struct cli *cli)
{
    struct lead_page *p = mem_zeroed(1, sizeof *p);
    p->shape = cli_shape(cli);
    if (p->shape != TABLE_TEXT)
        p->t = table_open(p->shape, columns, stdout);
    return p;
}

/* ---- files ---- */

/* Names as they were given, and as they were written. */
struct names {
    size_t n, n_written;
    struct span given[SEAL_FILES_MAX], sizes[SEAL_FILES_MAX], written[SEAL_FILES_MAX];
    struct buf digits, written_text[SEAL_FILES_MAX];
};

static void on_written(void *ctx, unsigned file, const char *name)
{
    struct names *n = ctx;
    buf_str(&n->written_text[file], name);
    n->written[file] = buf_as_span(&n->written_text[file]);
    n->n_written = file + 1;
}

static int gather(const struct lead_said *s, struct names *n, struct err *err)
{
    if (!s->open)
        return 0;
    const struct seal_manifest *m = unseal_manifest(s->open->reader);
    for (n->n = 0; n->n < m->n_files; n->n++)
        n->given[n->n] = m->files[n->n].name;
    buf_reserve(&n->digits, SEAL_FILES_MAX * 24); /* it does not move below */
    for (size_t i = 0; i < n->n; i++) {
        size_t from = n->digits.n;
        buf_printf(&n->digits, "%llu", (unsigned long long)m->files[i].size);
        n->sizes[i] = span_of(n->digits.p + from, n->digits.n - from);
    }
    return s->folder ? lead_folder_write(s->folder, s->open, s->prefix, on_written, n, err) : 0;
}

/* ---- as text ---- */

static void put_line(struct span line, const char *before)
{
    struct buf b = {0};
    display_put(&b, line);
    printf("%s%.*s\n", before, (int)b.n, (const char *)b.p);
    if (b.p)
        sodium_memzero(b.p, b.cap);
    buf_free(&b);
}

/* Each line behind a bar: what somebody wrote cannot be taken for what ebb says. */
static void put_text(struct span text)
{
    struct cur c = cur_of(text);
    while (cur_left(&c)) {
        struct span line = cur_line(&c);
        if (line.n && line.p[line.n - 1] == '\r')
            line.n--;
        put_line(line, "  | ");
    }
}

static void put_heading(const struct lead_said *s)
{
    char day[UTC_TEXT_MAX];
    unsigned n = utc_format_date(s->time, day);
    printf("%.*s %llu, %.*s, from %.*s", (int)s->what.n, (const char *)s->what.p,
           (unsigned long long)s->entry, (int)n, day, (int)s->from.n, (const char *)s->from.p);
    if (s->offer)
        printf(", of offer %llu", (unsigned long long)s->offer);
    printf("\n");
}

static void put_as_text(const struct lead_said *s, const struct names *n)
{
    put_heading(s);
    if (s->unread.n)
        put_line(s->unread, "  not read: ");
    if (!s->open)
        return;
    const struct seal_manifest *m = unseal_manifest(s->open->reader);
    put_text(m->text);
    if (m->language.n)
        put_line(m->language, "  language: ");
    if (m->contact.n) {
        printf("  contact:\n");
        put_text(m->contact);
    }
    for (size_t i = 0; i < n->n; i++) {
        printf("  file of %llu bytes:", (unsigned long long)m->files[i].size);
        put_line(n->given[i], " ");
        if (i < n->n_written)
            printf("    written: %s/%.*s\n", s->folder->path, (int)n->written[i].n,
                   (const char *)n->written[i].p);
    }
}

/* ---- as rows ---- */

static void put_as_row(struct table *t, const struct lead_said *s, const struct names *n)
{
    static const struct seal_manifest none;
    const struct seal_manifest *m = s->open ? unseal_manifest(s->open->reader) : &none;
    char day[UTC_TEXT_MAX];
    table_uint(t, s->entry);
    table_text(t, span_of(day, utc_format_date(s->time, day)));
    table_text(t, s->from);
    table_text(t, s->what);
    table_text(t, m->text);
    table_text(t, m->contact);
    table_text(t, m->language);
    if (s->offer)
        table_uint(t, s->offer);
    else
        table_empty(t);
    table_list(t, n->given, n->n);
    table_list(t, n->sizes, n->n);
    table_list(t, n->written, n->n_written);
    table_text(t, s->unread);
    table_row_end(t);
}

int lead_page_put(struct lead_page *p, const struct lead_said *s, struct err *err)
{
    struct names *n = mem_zeroed(1, sizeof *n);
    int rc = gather(s, n, err);
    if (rc == 0 && p->t)
        put_as_row(p->t, s, n);
    else if (rc == 0)
        put_as_text(s, n);
    buf_free(&n->digits);
    for (size_t i = 0; i < n->n_written; i++)
        buf_free(&n->written_text[i]);
    free(n);
    return rc;
}

int lead_page_close(struct lead_page *p)
{
    int rc = p->t ? table_close(p->t) : fflush(stdout) == 0 && !ferror(stdout) ? 0 : -1;
    free(p);
    return rc;
}
