/* What lies below a notice: its papers, the names as CSV, its page's snapshots. */
#include <stdio.h>

#include "app/public/notice_page.h"
#include "state/pages.h"

/* ---- papers ---- */

struct wanted {
    struct span name;
    struct notice_paper paper;
    bool found;
};

static void find_paper(void *ctx, const struct notice_paper *paper)
{
    struct wanted *w = ctx;
    if (!span_is(w->name, paper->name))
        return;
    w->paper = *paper;
    w->found = true;
}

/* True when it was answered. */
static bool answer_paper(struct notice_page *p)
{
    struct face_view *v = p->v;
    struct wanted w = {.name = v->name};
    notice_papers(p, find_paper, &w);
    if (!w.found || notice_paper_bytes(v->face, w.paper.sha256, v->out) < 0) {
        v->out->n = 0;
        return false;
    }
    v->reply->type = w.paper.type;
    if (!w.paper.shown)
        snprintf(v->reply->attachment, sizeof v->reply->attachment, "%s", w.paper.name);
    return true;
}

/* ---- names-K.csv ---- */

static void put_day_cell(struct buf *out, int64_t time)
{
    char text[UTC_TEXT_MAX];
    if (time != CASEBOOK_FOREVER)
        buf_put(out, text, utc_format(time, text));
}

/* RFC 4180. A name begins with no character that a spreadsheet takes for a formula, as it is a host
 * name, an address or "*."; commas and quotes are no part of it either, and are quoted all the
 * same. */
static void put_row(void *ctx, const struct public_name *n)
{
    struct buf *out = ctx;
    buf_byte(out, '"');
    for (size_t i = 0; i < n->name.n; i++) {
        if (n->name.p[i] == '"')
            buf_byte(out, '"');
        if (n->name.p[i] >= ' ' && n->name.p[i] != 0x7f)
            buf_byte(out, n->name.p[i]);
    }
    buf_printf(out, "\",%s,", n->kind);
    put_day_cell(out, n->from);
    buf_byte(out, ',');
    put_day_cell(out, n->until);
    buf_str(out, "\r\n");
}

static bool number_of(struct span name, const char *before, const char *behind, uint64_t *out)
{
    size_t b = strlen(before), e = strlen(behind);
    *out = 0;
    if (name.n <= b + e || name.n > b + e + 9 || memcmp(name.p, before, b) != 0 ||
        memcmp(name.p + name.n - e, behind, e) != 0 || name.p[b] == '0')
        return false;
    for (size_t i = b; i < name.n - e; i++) {
        if (name.p[i] < '0' || name.p[i] > '9')
            return false;
        *out = *out * 10 + (uint64_t)(name.p[i] - '0');
    }
    return true;
}

static bool answer_names(struct notice_page *p)
{
    struct face_view *v = p->v;
    uint64_t k;
    if (p->posting.withdrawn || !number_of(v->name, "names-", ".csv", &k))
        return false;
    uint64_t skip = (k - 1) * PUBLIC_NAMES_FILE;
    buf_str(v->out, "name,kind,from,until\r\n");
    if (public_names(v->face, &p->order, p->party, skip, PUBLIC_NAMES_FILE, put_row, v->out) <=
        skip) {
        v->out->n = 0;
        return false;
    }
    v->reply->type = "text/csv; charset=utf-8";
    snprintf(v->reply->attachment, sizeof v->reply->attachment, "%.*s", (int)v->name.n,
             (const char *)v->name.p);
    return true;
}

/* ---- snapshots ---- */

static int put_snapshot(void *ctx, const struct page_snapshot *s)
{
    struct face_view *v = ctx;
    const struct words *w = words_in(s->language);
    char hex[SHA256_HEX_MAX], path[48];
    hex_encode(s->sha256.p, s->sha256.n == SHA256_LEN ? SHA256_LEN : 0, hex);
    snprintf(path, sizeof path, "/proof/%llu", (unsigned long long)s->entry);
    buf_str(v->out, "<tr><td>");
    face_time(v, s->time);
    buf_str(v->out, "</td><td>");
    if (w)
        html_str(v->out, words_name(w));
    else
        face_outside(v, s->language);
    buf_str(v->out, "</td><td><a href=\"");
    face_href(v, path);
    buf_printf(v->out, "\">%llu</a></td><td><code class=\"digest\">%s</code></td></tr>\n",
               (unsigned long long)s->entry, hex);
    return 0;
}

static void put_snapshots(struct notice_page *p)
{
    struct face_view *v = p->v;
    static const char *const heads[] = {"notices.snapshot-when", "notices.language",
                                        "notices.snapshot-entry", "notices.digest"};
    char path[48], back[96];
    struct err err;
    struct buf href = {0}, *out = v->out;
    snprintf(path, sizeof path, "/notices/%llu", (unsigned long long)v->id);
    face_begin(v, "notices.snapshots");
    face_heading(v, "notices.snapshots", NULL);
    v->out = &href;
    face_href(v, path);
    buf_byte(&href, 0);
    v->out = out;
    snprintf(back, sizeof back, "%s", (const char *)href.p);
    buf_free(&href);
    buf_str(out, "<p>");
    words_put(out, v->words, "notices.snapshots-about", back, NULL);
    buf_str(out, "</p>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"");
    html_str(out, words_raw(v->words, "notices.snapshots"));
    buf_str(out, "\"><table>\n<thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        buf_str(out, "<th scope=\"col\">");
        words_put(out, v->words, heads[i], NULL);
        buf_str(out, "</th>");
    }
    buf_str(out, "</tr></thead>\n<tbody>\n");
    pages_snapshots(v->face->c.pursuit, span_str(path), put_snapshot, v, &err);
    buf_str(out, "</tbody>\n</table></div>\n");
    face_end(v);
}

void face_notice_document(struct face_view *v)
{
    struct notice_page p;
    bool there = notice_page_open(v, &p);
    if (there && span_is(v->name, "snapshots"))
        put_snapshots(&p);
    else if (!there || (!answer_paper(&p) && !answer_names(&p)))
        notice_page_missing(v);
    notice_page_close(&p);
}
