/* What is counted and how, and how to check a release with other people's tools. */
#include <stdio.h>

#include "app/public/progress_page.h"

static void put_item(struct face_view *v, const char *key, uint64_t n)
{
    buf_str(v->out, "<li>");
    words_put(v->out, v->words, key, progress_count(n).s, NULL);
    buf_str(v->out, "</li>\n");
}

void progress_what(struct face_view *v, const struct release_doc *d)
{
    face_section(v, "progress.what", "what");
    buf_str(v->out, "<ul class=\"what\">\n");
    put_item(v, "progress.what.infected", 0);
    put_item(v, "progress.what.hosts", 0);
    put_item(v, "progress.what.addresses", 0);
    put_item(v, "progress.what.countries", 0);
    put_item(v, "progress.what.families", 0);
    if (d->spam.there)
        put_item(v, "progress.what.spam", 0);
    put_item(v, "progress.what.suppressed", d->rule.minimum);
    put_item(v, "progress.what.rounded", d->rule.round);
    put_item(v, "progress.what.kept", d->rule.minimum);
    buf_str(v->out, "</ul>\n");
}

/* A command; `site` is put before paths. */
static void put_commands(struct face_view *v, const char *site, uint64_t entry)
{
    unsigned long long n = entry;
    struct buf out = {0};
    face_paragraph(v, "progress.verify-figures");
    buf_printf(&out, "curl -s %s/releases/%llu.json | sha256sum", site, n);
    buf_str(v->out, "<pre><code>");
    html_text(v->out, buf_as_span(&out));
    buf_str(v->out, "</code></pre>\n");
    face_paragraph(v, "progress.verify-proof");
    out.n = 0;
    buf_printf(&out,
               "curl -s %s/log/vkey > vkey\n"
               "curl -s %s/proof/%llu > release.tlog-proof\n"
               "sed -n 's/^extra //p' release.tlog-proof | base64 -d > extra\n"
               "head -c 68 extra > leaf\n"
               "tail -c +69 extra | head -c 16 > salt\n"
               "tail -c +85 extra > payload",
               site, site, n);
    buf_str(v->out, "<pre><code>");
    html_text(v->out, buf_as_span(&out));
    buf_str(v->out, "</code></pre>\n");
    face_paragraph(v, "progress.verify-leaf");
    buf_str(v->out, "<pre><code>cat salt payload | sha256sum\n"
                    "tail -c 32 leaf | od -An -tx1 | tr -d &#39; \\n&#39;</code></pre>\n");
    buf_free(&out);
}

static void put_fact(struct face_view *v, const char *key, const char *path, const char *text)
{
    buf_str(v->out, "<dt>");
    words_put(v->out, v->words, key, NULL);
    buf_str(v->out, "</dt><dd>");
    if (path) {
        buf_str(v->out, "<a");
        html_attribute(v->out, "href", span_str(path));
        buf_byte(v->out, '>');
    }
    buf_str(v->out, "<code class=\"digest\">");
    html_str(v->out, text);
    buf_str(v->out, path ? "</code></a></dd>\n" : "</code></dd>\n");
}

void progress_verify(struct face_view *v, const struct progress *p)
{
    char hex[SHA256_HEX_MAX], path[64], entry[24];
    const char *site = v->face->config->web.public_url;
    face_section(v, "progress.verify", "verify");
    face_paragraph(v, "progress.verify-lead");
    buf_str(v->out, "<dl class=\"facts\">\n");
    snprintf(entry, sizeof entry, "%llu", (unsigned long long)p->entry);
    put_fact(v, "progress.entry", progress_address(v, "/releases/", p->entry, "").s, entry);
    hex_encode(p->sha256, SHA256_LEN, hex);
    put_fact(v, "progress.digest", NULL, hex);
    snprintf(path, sizeof path, "/releases/%llu.json", (unsigned long long)p->entry);
    put_fact(v, "progress.json", path, path);
    snprintf(path, sizeof path, "/proof/%llu", (unsigned long long)p->entry);
    put_fact(v, "progress.proof", path, path);
    buf_str(v->out, "</dl>\n<details>\n<summary>");
    words_put(v->out, v->words, "progress.verify-more", NULL);
    buf_str(v->out, "</summary>\n");
    put_commands(v, site[0] ? site : "https://SITE", p->entry);
    buf_str(v->out, "</details>\n<p><a href=\"");
    face_href(v, "/releases");
    buf_str(v->out, "\">");
    words_put(v->out, v->words, "progress.all-releases", NULL);
    buf_str(v->out, "</a></p>\n");
}
