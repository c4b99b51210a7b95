/* The notice pages: orders, what was seized, papers, dates, how to be heard. An address for each
 * notice that was put up on the web, for good. */
#include <stdio.h>

#include "app/public/notice_page.h"
#include "event/act.h"
#include "wire/html.h"

#define NAMES_SHOWN    100
#define TEXT_SHOWN_MAX (256u << 10) /* of a notice that are shown within the page */

/* ---- all of them: /notices ---- */

static void put_path(struct face_view *v, uint64_t entry, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "/notices/%llu%s%s", (unsigned long long)entry, *name ? "/" : "",
             name);
    face_href(v, path);
}

/* "Русский" for "ru"; else the tag as it is. */
static void put_language(struct face_view *v, struct span tag)
{
    const struct words *w = words_in(tag);
    if (!w) {
        face_outside(v, tag);
        return;
    }
    buf_printf(v->out, "<span lang=\"%s\">", words_language(w));
    html_str(v->out, words_name(w));
    buf_str(v->out, "</span>");
}

static void put_line(struct face_view *v, const struct notice *n, const struct public_posting *p)
{
    buf_str(v->out, "<li><a href=\"");
    put_path(v, n->at.entry, "");
    buf_str(v->out, "\">");
    words_put(v->out, v->words, "notices.of", NULL);
    buf_byte(v->out, ' ');
    face_day(v, p->since);
    buf_str(v->out, "</a>");
    if (n->act.language.n) {
        buf_str(v->out, " \xc2\xb7 ");
        put_language(v, n->act.language);
    }
    if (p->withdrawn) {
        buf_str(v->out, " \xc2\xb7 ");
        words_put(v->out, v->words, "notices.withdrawn-short", NULL);
    }
    buf_str(v->out, "</li>\n");
}

static void put_order(void *ctx, const struct public_order *o)
{
    struct face_view *v = ctx;
    const struct notice_book *b = public_book(v->face);
    struct public_posting posting;
    buf_str(v->out, "<section class=\"card\">\n<h2>");
    face_outside(v, o->order.act.docket.n ? o->order.act.docket : o->order.act.id);
    buf_str(v->out, "</h2>\n<p>");
    face_outside(v, o->order.act.court);
    buf_str(v->out, " \xc2\xb7 ");
    words_put(v->out, v->words, notice_state_key(&o->order), NULL);
    buf_str(v->out, "</p>\n<ul>\n");
    for (size_t i = b->n_notices; i-- > 0;)
        if (b->notices[i].act.order == o->order.entry && public_notice(b, &b->notices[i], &posting))
            put_line(v, &b->notices[i], &posting);
    buf_str(v->out, "</ul>\n</section>\n");
}

void face_notices(struct face_view *v)
{
    struct buf list = {0}, *out = v->out;
    face_begin(v, "notices.title");
    face_heading(v, "notices.title", NULL);
    buf_str(out, "<p class=\"lead\">");
    words_put(out, v->words, "notices.lead", NULL);
    buf_str(out, "</p>\n");
    v->out = &list;
    int rc = public_orders(v->face, put_order, v);
    v->out = out;
    if (rc < 0) { /* which is not the same as that there are none */
        buf_free(&list);
        face_problem(v, 503, "site.problem.failed");
        return;
    }
    if (list.n)
        buf_span(out, buf_as_span(&list));
    else
        face_paragraph(v, "notices.none");
    buf_free(&list);
    face_end(v);
}

/* ---- one: /notices/{id} ---- */

const char *notice_state_key(const struct casebook_order *o)
{
    switch (o->state) {
    case CASEBOOK_PLANNED:
        return "notices.state-planned";
    case CASEBOOK_EXPIRED:
        return "notices.state-expired";
    case CASEBOOK_CLOSED:
        return "notices.state-closed";
    default:
        return "notices.state-open";
    }
}

static void put_term(struct face_view *v, const char *key)
{
    buf_str(v->out, "<dt>");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</dt><dd>");
}

static void put_fact(struct face_view *v, const char *key, struct span value)
{
    if (!value.n)
        return;
    put_term(v, key);
    face_outside(v, value);
    buf_str(v->out, "</dd>\n");
}

static void put_day_fact(struct face_view *v, const char *key, int64_t day)
{
    if (day == ACT_FOREVER)
        return;
    put_term(v, key);
    if (day % UTC_DAY)
        face_time(v, day);
    else
        face_day(v, day);
    buf_str(v->out, "</dd>\n");
}

static void put_facts(struct notice_page *p)
{
    struct face_view *v = p->v;
    char path[64];
    buf_str(v->out, "<dl class=\"facts\">\n");
    put_fact(v, "notices.court", p->order.act.court);
    put_fact(v, "notices.docket", p->order.act.docket);
    put_fact(v, "notices.jurisdiction", p->order.act.jurisdiction);
    put_fact(v, "notices.scope", p->order.act.scope);
    put_term(v, "notices.state");
    words_put(v->out, v->words, notice_state_key(&p->order), NULL);
    buf_str(v->out, "</dd>\n");
    put_day_fact(v, "notices.from", p->order.act.from);
    put_day_fact(v, "notices.until", p->order.act.until);
    put_day_fact(v, "notices.closed", p->order.closed);
    put_day_fact(v, "notices.posted", p->posting.since);
    put_term(v, "notices.address");
    buf_str(v->out, "<code class=\"address\">");
    snprintf(path, sizeof path, "/notices/%llu", (unsigned long long)v->id);
    face_permalink(v, path);
    buf_str(v->out, "</code></dd>\n</dl>\n");
}

/* ---- being heard ---- */

static void put_ways(struct face_view *v)
{
    const struct config *c = v->face->config;
    if (!c->cleanup.from.mail[0] && !c->cleanup.from.phone[0])
        return;
    buf_str(v->out, "<p>");
    words_put(v->out, v->words, "notices.counsel", NULL);
    if (c->cleanup.from.mail[0]) {
        struct buf url = {0};
        buf_printf(&url, "mailto:%s", c->cleanup.from.mail);
        buf_str(v->out, " <a");
        html_attribute(v->out, "href", buf_as_span(&url));
        buf_byte(v->out, '>');
        face_outside(v, span_str(c->cleanup.from.mail));
        buf_str(v->out, "</a>");
        buf_free(&url);
    }
    if (c->cleanup.from.phone[0]) {
        buf_str(v->out, c->cleanup.from.mail[0] ? ", " : " ");
        face_phone(v, c->cleanup.from.phone);
    }
    buf_str(v->out, "</p>\n");
}

static void put_hearing(struct notice_page *p)
{
    struct face_view *v = p->v;
    const struct notice_hearing *h = notice_hearing_of(p->book, p->order.entry);
    face_section(v, "notices.heard", "heard");
    face_paragraph(v, "notices.heard-how");
    if (h) {
        buf_str(v->out, "<dl class=\"facts\">\n");
        put_day_fact(v, "notices.deadline", h->act.deadline);
        put_day_fact(v, "notices.hearing", h->act.when);
        put_fact(v, "notices.place", h->act.place);
        buf_str(v->out, "</dl>\n");
        face_paragraph(v, "notices.default");
    } else {
        face_paragraph(v, "notices.no-hearing");
    }
    put_ways(v);
}

/* ---- what was seized ---- */

static void put_name(void *ctx, const struct public_name *n)
{
    struct face_view *v = ctx;
    buf_str(v->out, "<li><code>");
    html_text(v->out, n->name);
    buf_str(v->out, "</code>");
    if (n->until <= v->face->now) {
        buf_byte(v->out, ' ');
        words_put(v->out, v->words, "notices.name-over", NULL);
    }
    buf_str(v->out, "</li>\n");
}

static void put_names(struct notice_page *p)
{
    struct face_view *v = p->v;
    struct buf list = {0}, *out = v->out, count = {0};
    v->out = &list;
    uint64_t n = public_names(v->face, &p->order, p->party, 0, NAMES_SHOWN, put_name, v);
    v->out = out;
    face_section(v, "notices.seized", "seized");
    html_count(&count, n);
    buf_byte(&count, 0);
    buf_str(out, "<p>");
    words_put(out, v->words, n ? "notices.seized-count" : "notices.seized-none",
              (const char *)count.p, NULL);
    if (n > NAMES_SHOWN) {
        buf_byte(out, ' ');
        words_put(out, v->words, "notices.seized-first", NULL);
    }
    buf_str(out, "</p>\n");
    if (n) {
        buf_str(out, "<ul class=\"names\">\n");
        buf_span(out, buf_as_span(&list));
        buf_str(out, "</ul>\n<p>");
        words_put(out, v->words, "notices.download", NULL);
    }
    for (uint64_t at = 0, k = 1; at < n; at += PUBLIC_NAMES_FILE, k++) {
        char name[48];
        snprintf(name, sizeof name, "names-%llu.csv", (unsigned long long)k);
        buf_str(out, " <a download href=\"");
        put_path(v, v->id, name);
        buf_printf(out, "\">%s</a>", name);
    }
    buf_str(out, n ? "</p>\n" : "");
    buf_free(&list);
    buf_free(&count);
}

/* ---- papers ---- */

static void put_paper(void *ctx, const struct notice_paper *paper)
{
    struct face_view *v = ctx;
    char hex[SHA256_HEX_MAX];
    hex_encode(paper->sha256.p, SHA256_LEN, hex);
    buf_str(v->out, "<tr><th scope=\"row\"><a href=\"");
    put_path(v, v->id, paper->name);
    buf_str(v->out, "\">");
    words_put(v->out, v->words, paper->title, NULL);
    buf_str(v->out, "</a>");
    if (paper->about.n) {
        buf_byte(v->out, ' ');
        face_outside(v, paper->about);
    }
    buf_str(v->out, "</th><td>");
    if (paper->language.n)
        put_language(v, paper->language);
    buf_printf(v->out, "</td><td><code class=\"digest\">%s</code></td></tr>\n", hex);
}

static void put_papers(struct notice_page *p)
{
    struct face_view *v = p->v;
    static const char *const heads[] = {"notices.paper", "notices.language", "notices.digest"};
    face_section(v, "notices.papers", "papers");
    face_paragraph(v, "notices.papers-about");
    buf_str(v->out, "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                    "aria-labelledby=\"papers\"><table>\n<thead><tr>");
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        buf_str(v->out, "<th scope=\"col\">");
        words_put(v->out, v->words, heads[i], NULL);
        buf_str(v->out, "</th>");
    }
    buf_str(v->out, "</tr></thead>\n<tbody>\n");
    notice_papers(p, put_paper, v);
    buf_str(v->out, "</tbody>\n</table></div>\n");
}

/* What its reader sees of the notice itself, as text; where it is a PDF or the like, nothing. */
static void put_words(struct notice_page *p)
{
    struct face_view *v = p->v;
    struct buf bytes = {0};
    struct arena arena;
    struct html read = {0};
    bool is_html = span_is(p->notice->act.media, "text/html");
    arena_init(&arena);
    if ((is_html || span_is(p->notice->act.media, "text/plain")) &&
        notice_paper_bytes(v->face, p->notice->act.sha256, &bytes) == 0 &&
        bytes.n <= TEXT_SHOWN_MAX) {
        if (is_html)
            html_read(buf_as_span(&bytes), &arena, &read);
        else
            read.visible = buf_as_span(&bytes);
    }
    if (read.visible.n) {
        const struct words *w = words_in(p->notice->act.language);
        face_section(v, "notices.words", "words");
        buf_str(v->out, "<div class=\"words\"");
        if (w)
            buf_printf(v->out, " lang=\"%s\" dir=\"%s\"", words_language(w),
                       words_rtl(w) ? "rtl" : "ltr");
        buf_byte(v->out, '>');
        html_text(v->out, read.visible);
        buf_str(v->out, "</div>\n");
    }
    arena_free(&arena);
    buf_free(&bytes);
}

static void put_proof(struct notice_page *p)
{
    struct face_view *v = p->v;
    char entry[24], proof[48];
    struct buf snapshots = {0}, *out = v->out;
    snprintf(entry, sizeof entry, "%llu", (unsigned long long)v->id);
    snprintf(proof, sizeof proof, "/proof/%s", entry);
    face_section(v, "notices.proof", "proof");
    v->out = &snapshots;
    put_path(v, v->id, "snapshots");
    buf_byte(&snapshots, 0);
    v->out = out;
    buf_str(out, "<p>");
    words_put(out, v->words, "notices.proof-how", entry, proof, (const char *)snapshots.p, NULL);
    buf_str(out, "</p>\n");
    buf_free(&snapshots);
}

static void put_over(struct notice_page *p)
{
    bool over = p->order.state == CASEBOOK_CLOSED || p->order.state == CASEBOOK_EXPIRED;
    if (!over && !p->posting.withdrawn)
        return;
    buf_str(p->v->out, "<p class=\"note\"><strong>");
    words_put(p->v->out, p->v->words, p->posting.withdrawn ? "notices.withdrawn" : "notices.over",
              NULL);
    buf_str(p->v->out, "</strong></p>\n");
}

static void put_notice(struct notice_page *p)
{
    struct face_view *v = p->v;
    struct buf title = {0};
    buf_span(&title, p->order.act.docket.n ? p->order.act.docket : p->order.act.id);
    buf_byte(&title, 0);
    face_begin_with(v, "notices.one", (const char *)title.p);
    face_heading(v, "notices.one", (const char *)title.p);
    buf_free(&title);
    put_over(p);
    if (!p->posting.withdrawn) {
        buf_str(v->out, "<p class=\"lead\">");
        words_put(v->out, v->words, "notices.one-lead", NULL);
        buf_str(v->out, "</p>\n");
        put_facts(p);
        put_hearing(p);
        put_names(p);
        put_papers(p);
        notice_runs(p);
        put_words(p);
    }
    put_proof(p);
    face_end(v);
}

void face_notice(struct face_view *v)
{
    struct notice_page p;
    if (notice_page_open(v, &p))
        put_notice(&p);
    else
        notice_page_missing(v);
    notice_page_close(&p);
}
