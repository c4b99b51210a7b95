#include "net/http_visitor.h"

#include "net/http_list.h"

/* What the headers say. */
struct traits {
    bool html;        /* Accept names HTML */
    bool language;    /* Accept-Language */
    bool compression; /* Accept-Encoding names gzip */
    bool upgrade;     /* Upgrade-Insecure-Requests */
    bool fetch;       /* Sec-Fetch-Dest */
    bool document;    /* ... of a page */
    bool script;      /* made by a script of a page */
};

/* Programs that say what they are: crawlers, scanners, libraries that put on a browser's name. */
static bool names_robot(struct span agent)
{
    static const char *const words[] = {"bot",    "crawl",    "spider", "scan", "http:",
                                        "https:", "headless", "python", "curl", "preview"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (http_has_word(agent, words[i]))
            return true;
    return false;
}

/* Every browser since about 2009. Bots' favourite, "Mozilla/4.0 (compatible; MSIE ...", is none:
 * those browsers never named HTML in Accept, so nothing could tell them from the bots. */
static bool is_browser_agent(struct span agent)
{
    return text_starts(agent, "mozilla/5.0 (") || text_starts(agent, "opera/9.");
}

static bool list_has(struct span list, const char *word)
{
    struct span member, value;
    for (struct cur c = cur_of(list); http_list_next(&c, &member);)
        if (http_list_quality(member, &value) > 0 && text_is(value, word))
            return true;
    return false;
}

static void take_header(const struct http_header *h, struct traits *t)
{
    switch (h->name.n) {
    case 6:
        if (text_starts(h->name, "accept"))
            t->html =
                list_has(h->value, "text/html") || list_has(h->value, "application/xhtml+xml");
        break;
    case 14:
        if (text_starts(h->name, "sec-fetch-dest")) {
            t->fetch = true;
            t->document = text_is(h->value, "document") || text_is(h->value, "iframe") ||
                          text_is(h->value, "frame");
        }
        break;
    case 15:
        if (text_starts(h->name, "accept-language"))
            t->language = h->value.n > 0;
        else if (text_starts(h->name, "accept-encoding"))
            t->compression = list_has(h->value, "gzip");
        break;
    case 16:
        if (text_starts(h->name, "x-requested-with"))
            t->script = true;
        break;
    case 25:
        if (text_starts(h->name, "upgrade-insecure-requests"))
            t->upgrade = span_is(h->value, "1");
        break;
    }
}

struct span http_visitor_path(const struct http_request *r)
{
    struct span t = r->target;
    if (t.n && *t.p != '/') {
        const uint8_t *at = memmem(t.p, t.n, "://", 3);
        if (!at)
            return span_of(t.p, 0);
        t = text_behind(t, (size_t)(at + 3 - t.p));
        t = text_behind(t, text_find(t, '/'));
    }
    t.n = text_find(t, '?');
    return t;
}

/* What browsers fetch of every host beside pages. */
static bool is_browser_errand(struct span path)
{
    return span_is(path, "/favicon.ico") || span_is(path, "/robots.txt") ||
           text_starts(path, "/apple-touch-icon");
}

enum http_visitor http_visitor_judge(const struct http_request *r)
{
    if (!(span_is(r->method, "GET") || span_is(r->method, "HEAD")) || r->anomalies ||
        r->content_length || r->chunked || !is_browser_agent(r->user_agent))
        return HTTP_VISITOR_NONE;
    struct traits t = {0};
    for (size_t i = 0; i < r->n_headers; i++)
        take_header(&r->header[i], &t);
    if (!t.language || !(t.compression || t.upgrade || t.fetch) || names_robot(r->user_agent))
        return HTTP_VISITOR_NONE;
    if (t.html && !t.script && (t.document || !t.fetch))
        return HTTP_VISITOR_PAGE;
    return t.fetch || is_browser_errand(http_visitor_path(r)) ? HTTP_VISITOR_FETCH
                                                              : HTTP_VISITOR_NONE;
}
