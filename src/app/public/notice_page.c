/* What a notice's page and files are made of: which papers belong to it, and no others. */
#include "app/public/notice_page.h"

#include <stdio.h>

#include "base/log.h"

#define PAPER_MAX (32u << 20)

/* ---- one notice ---- */

static int keep_order(void *ctx, const struct casebook_order *o)
{
    struct notice_page *p = ctx;
    p->order = *o;
    struct span *const texts[] = {&p->order.act.id,       &p->order.act.court,
                                  &p->order.act.docket,   &p->order.act.jurisdiction,
                                  &p->order.act.document, &p->order.act.sha256,
                                  &p->order.act.scope,    &p->order.act.contact};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = span_of(arena_copy(&p->arena, texts[i]->p, texts[i]->n), texts[i]->n);
    p->order.act.note = p->order.closed_why = span_of(NULL, 0); /* not for the public */
    return 0;
}

bool notice_page_open(struct face_view *v, struct notice_page *out)
{
    struct casebook_clock clock = {v->face->now, 0};
    struct err err;
    *out = (struct notice_page){.v = v, .book = public_book(v->face)};
    arena_init(&out->arena);
    out->notice = public_notice_at(out->book, v->id, &out->posting);
    if (!out->notice)
        return false;
    out->party = notice_party_at(out->book, out->notice->act.party);
    return casebook_order(v->face->c.casebook, out->notice->act.order, span_of(NULL, 0), &clock,
                          keep_order, out, &err) == 1;
}

void notice_page_close(struct notice_page *p)
{
    arena_free(&p->arena);
}

void notice_page_missing(struct face_view *v)
{
    bool readable = public_book(v->face) != NULL;
    face_problem(v, readable ? 404 : 503,
                 readable ? "site.problem.missing" : "site.problem.failed");
}

/* ---- papers ---- */

static const struct kind {
    const char *media, *ending, *type;
    bool shown;
} kinds[] = {{"application/pdf", ".pdf", "application/pdf", true},
             {"text/html", ".html", "text/html; charset=utf-8", true},
             {"text/plain", ".txt", "text/plain; charset=utf-8", true},
             {"image/png", ".png", "image/png", true},
             {"image/jpeg", ".jpg", "image/jpeg", true},
             {"", ".bin", "application/octet-stream", false}};
#define KINDS (sizeof kinds / sizeof *kinds)

static const struct kind *kind_of_media(struct span media)
{
    size_t i = 0;
    while (i < KINDS - 1 && !span_is(media, kinds[i].media))
        i++;
    return &kinds[i];
}

static const struct kind *kind_of_file(struct span name)
{
    for (size_t i = 0; i < KINDS - 1; i++) {
        size_t n = strlen(kinds[i].ending);
        if (name.n > n && span_ieq(span_of(name.p + name.n - n, n), span_str(kinds[i].ending)))
            return &kinds[i];
    }
    return &kinds[KINDS - 1];
}

static struct notice_paper paper(const struct kind *k, const char *stem, const char *title,
                                 struct span sha256)
{
    struct notice_paper p = {.title = title, .sha256 = sha256, .type = k->type, .shown = k->shown};
    snprintf(p.name, sizeof p.name, "%s%s", stem, k->ending);
    return p;
}

/* A run that has begun, of all parties or of this one. */
static bool is_printed(const struct notice_page *p, const struct notice_run *r)
{
    return !r->at.withdrawn && r->act.order == p->order.entry && r->n_days &&
           r->days[0] <= p->v->face->now && (!r->act.party || r->act.party == p->notice->act.party);
}

void notice_papers(struct notice_page *p, void (*each)(void *ctx, const struct notice_paper *paper),
                   void *ctx)
{
    const struct act_notice *n = &p->notice->act;
    struct notice_paper out;
    char stem[40];
    if (p->posting.withdrawn)
        return;
    if (n->sha256.n == SHA256_LEN) {
        out = paper(kind_of_media(n->media), "notice", "notices.paper-notice", n->sha256);
        out.language = n->language;
        each(ctx, &out);
    }
    if (p->order.act.sha256.n == SHA256_LEN) {
        out = paper(kind_of_file(p->order.act.document), "order", "notices.paper-order",
                    p->order.act.sha256);
        out.about = p->order.act.document;
        each(ctx, &out);
    }
    for (size_t i = 0; i < p->book->n_runs; i++) {
        const struct notice_run *r = &p->book->runs[i];
        if (!is_printed(p, r) || r->act.sha256.n != SHA256_LEN)
            continue;
        snprintf(stem, sizeof stem, "print-%llu", (unsigned long long)r->at.entry);
        out = paper(&kinds[0], stem, "notices.paper-print", r->act.sha256);
        out.about = r->act.outlet;
        out.language = r->act.language;
        each(ctx, &out);
    }
}

int notice_paper_bytes(struct face *f, struct span sha256, struct buf *out)
{
    struct err err;
    int rc = sha256.n == SHA256_LEN ? casedir_blob(&f->c, sha256.p, out, &err) : -1;
    if (rc == 0 && out->n > PAPER_MAX)
        rc = -1;
    if (rc < 0)
        log_line(LOG_WARN, "public: a paper cannot be read", "why=\"%s\"",
                 sha256.n == SHA256_LEN && out->n <= PAPER_MAX ? err.text : "too large");
    return rc;
}

void notice_runs(struct notice_page *p)
{
    struct face_view *v = p->v;
    bool any = false;
    for (size_t i = 0; i < p->book->n_runs; i++) {
        const struct notice_run *r = &p->book->runs[i];
        if (!is_printed(p, r))
            continue;
        if (!any) {
            face_section(v, "notices.printed", "printed");
            buf_str(v->out, "<ul>\n");
        }
        any = true;
        buf_str(v->out, "<li>");
        face_outside(v, r->act.outlet);
        if (r->act.place.n) {
            buf_str(v->out, ", ");
            face_outside(v, r->act.place);
        }
        buf_str(v->out, ": ");
        face_day(v, r->days[0]);
        if (r->n_days > 1) {
            buf_str(v->out, " \xe2\x80\x93 ");
            face_day(v, r->days[r->n_days - 1]);
        }
        buf_str(v->out, "</li>\n");
    }
    buf_str(v->out, any ? "</ul>\n" : "");
}
