/* /releases: everything that was published; /releases/{id}: one of them, with its figures. */
#include <stdio.h>

#include "app/public/progress_page.h"
#include "state/releases.h"

#define LISTED_MAX 500 /* newest ones; older ones are at their addresses still */

/* ---- all of them ---- */

static void put_state(struct face_view *v, bool withdrawn, uint64_t replaced_by)
{
    char by[24];
    snprintf(by, sizeof by, "%llu", (unsigned long long)replaced_by);
    words_put(v->out, v->words,
              withdrawn     ? "progress.state-withdrawn"
              : replaced_by ? "progress.state-corrected"
                            : "progress.state-published",
              by, NULL);
}

static int put_release(void *ctx, const struct release_entry *r)
{
    struct face_view *v = ctx;
    char entry[24];
    snprintf(entry, sizeof entry, "%llu", (unsigned long long)r->entry);
    buf_str(v->out, "<tr><th scope=\"row\"><a");
    html_attribute(v->out, "href", span_str(progress_address(v, "/releases/", r->entry, "").s));
    buf_byte(v->out, '>');
    words_put(v->out, v->words, "progress.release", entry, NULL);
    buf_str(v->out, "</a></th><td>");
    face_day(v, r->recorded);
    buf_str(v->out, "</td><td>");
    words_put(v->out, v->words, "progress.release-of", progress_date(v, utc_day(r->since)).s,
              progress_date(v, utc_day(r->until) - 1).s, NULL);
    buf_str(v->out, "</td><td>");
    put_state(v, r->withdrawn, r->replaced_by);
    buf_str(v->out, "</td><td><a");
    html_attribute(v->out, "href", span_str(progress_address(v, "/proof/", r->entry, "").s));
    buf_byte(v->out, '>');
    words_put(v->out, v->words, "progress.proof", NULL);
    buf_str(v->out, "</a></td></tr>\n");
    return 0;
}

void face_releases(struct face_view *v)
{
    struct err err;
    struct pursuit *p = v->face->c.pursuit;
    face_begin(v, "progress.releases");
    face_heading(v, "progress.releases", NULL);
    if (!p || !releases_last(p)) {
        face_paragraph(v, "progress.none");
    } else {
        face_paragraph(v, "progress.releases-lead");
        buf_str(v->out, "<div class=\"wide\"><table>\n<tbody>\n");
        releases_list(p, LISTED_MAX, put_release, v, &err);
        buf_str(v->out, "</tbody></table></div>\n");
    }
    face_end(v);
}

/* ---- one ---- */

static void put_standing(struct face_view *v, const struct progress *p)
{
    char by[24];
    if (p->withdrawn) {
        progress_say(v, " class=\"bad\"", "progress.withdrawn", "");
    } else if (p->replaced_by) {
        snprintf(by, sizeof by, "%llu", (unsigned long long)p->replaced_by);
        progress_say(v, " class=\"warn\"", "progress.corrected", by,
                     progress_address(v, "/releases/", p->replaced_by, "").s);
    }
}

static void put_fact(struct face_view *v, const char *key)
{
    buf_str(v->out, "<dt>");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</dt><dd>");
}

static void put_facts(struct face_view *v, const struct progress *p)
{
    buf_str(v->out, "<dl class=\"facts\">\n");
    put_fact(v, "progress.made");
    face_time(v, p->recorded);
    buf_str(v->out, "</dd>\n");
    put_fact(v, "progress.size");
    html_count(v->out, p->size);
    buf_str(v->out, "</dd>\n");
    put_fact(v, "progress.rule");
    buf_str(v->out, "<code>");
    html_str(v->out, p->rule);
    buf_str(v->out, "</code></dd>\n");
    if (p->replaces) {
        put_fact(v, "progress.corrects");
        buf_str(v->out, "<a");
        html_attribute(v->out, "href",
                       span_str(progress_address(v, "/releases/", p->replaces, "").s));
        buf_printf(v->out, ">%llu</a></dd>\n", (unsigned long long)p->replaces);
    }
    buf_str(v->out, "</dl>\n");
}

static void put_figures(struct face_view *v, const struct progress *p)
{
    const struct release_doc *d = &p->doc;
    face_section(v, d->has_takedown ? "progress.base" : "progress.base-plain", "base");
    progress_chart_base(v, d);
    progress_days(v, p);
    if (d->spam.there) {
        face_section(v, "progress.spam", "spam");
        progress_spam(v, d);
    }
    face_section(v, "progress.countries", "countries");
    progress_countries(v, d, false);
    face_section(v, "progress.families", "families");
    progress_families(v, d);
    progress_what(v, d);
}

void face_release(struct face_view *v)
{
    char entry[24];
    struct progress p;
    int rc = progress_load(v->face, v->id, &p);
    if (rc != 1) {
        face_problem(v, rc < 0 ? 503 : 404, rc < 0 ? "progress.unreadable" : "progress.missing");
        progress_free(&p);
        return;
    }
    snprintf(entry, sizeof entry, "%llu", (unsigned long long)p.entry);
    face_begin_with(v, "progress.release", entry);
    face_heading(v, "progress.release", entry);
    progress_say(v, " class=\"lead\"", "progress.release-of", progress_date(v, p.doc.since).s,
                 progress_date(v, p.doc.until - 1).s);
    put_standing(v, &p);
    put_facts(v, &p);
    progress_verify(v, &p);
    put_figures(v, &p);
    face_end(v);
    progress_free(&p);
}

/* The bytes whose SHA-256 is on the log. */
void face_release_json(struct face_view *v)
{
    struct progress p;
    int rc = progress_load(v->face, v->id, &p);
    v->reply->type = "application/json";
    if (rc == 1) {
        buf_span(v->out, buf_as_span(&p.bytes));
    } else {
        v->reply->status = rc < 0 ? 503 : 404;
        buf_str(v->out, rc < 0 ? "{\"error\":\"the figures cannot be read at the moment\"}\n"
                               : "{\"error\":\"there is no such release\"}\n");
    }
    progress_free(&p);
}
