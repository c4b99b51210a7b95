/* A mail's URLs, each once: what can be clicked on, what stands in the text, pictures, and what is
 * hidden. */
#define XXH_INLINE_ALL /* short inputs */
#include <xxhash.h>

#include "mail/mail_impl.h"
#include "wire/text.h"

#define CID_PREFIX    "cid:" /* a picture within the mail */
#define REDIRECTS_MAX 2

struct gathering {
    struct mail_reader *r;
    struct arena *arena;
    struct mail *out;
    uint64_t seen[MAIL_URLS_MAX], link[MAIL_URLS_MAX];
    unsigned links;
};

/* What is fetched to be looked at, not clicked on. */
static bool is_picture(const struct html_link *link)
{
    return link->kind == HTML_IMAGE || link->kind == HTML_OTHER;
}

/* Of path and query. */
static uint64_t place_key(const struct gathering *g, const struct url *u)
{
    uint64_t key = (uint64_t)(uintptr_t)g->r;
    if (u->path.n)
        key = XXH3_64bits_withSeed(u->path.p, u->path.n, key);
    if (u->query.n)
        key = XXH3_64bits_withSeed(u->query.p, u->query.n, key ^ 1);
    return key;
}

static struct span domain_of(struct gathering *g, const struct url *u)
{
    if (!(u->disguises & URL_ADDRESS))
        return domains_registered(g->r->domains, u->host);
    char *text = arena_alloc(g->arena, IP_TEXT_MAX);
    return span_of(text, ip_format(&u->ip, text));
}

static uint64_t shape_of(struct gathering *g, const struct url *u, uint64_t place)
{
    struct shape_known *k = &g->r->shapes[place >> (64 - SHAPES_BITS)];
    if (k->of == place)
        return k->shape;
    g->r->shape.n = 0;
    url_shape(u, &g->r->shape);
    k->of = place;
    k->shape = g->r->shape.n ? XXH3_64bits(g->r->shape.p, g->r->shape.n) : 0;
    return k->shape;
}

static void add(struct gathering *g, const struct url *u, bool image, bool hidden)
{
    struct mail *m = g->out;
    if (!u->host.n)
        return;
    uint64_t place = place_key(g, u);
    uint64_t key = XXH3_64bits_withSeed(u->host.p, u->host.n, place ^ (uint64_t)u->port << 48);
    for (unsigned i = 0; i < m->urls; i++) {
        if (g->seen[i] != key)
            continue;
        m->url[i].image &= image; /* where it is seen most plainly counts */
        m->url[i].hidden &= hidden;
        return;
    }
    if (m->urls == MAIL_URLS_MAX) {
        m->flags |= MAIL_CUT;
        return;
    }
    g->seen[m->urls] = key;
    struct mail_url *v = &m->url[m->urls++];
    *v = (struct mail_url){.url = *u, .domain = domain_of(g, u), .image = image, .hidden = hidden};
    v->domain_hash = XXH3_64bits(v->domain.p, v->domain.n);
    v->shape_hash = shape_of(g, u, place);
}

static void add_text(struct gathering *g, struct span text, bool hidden)
{
    struct url found[MAIL_URLS_MAX];
    if (text.n > MAIL_TEXT_MAX)
        text.n = MAIL_TEXT_MAX;
    size_t n = url_find(text, g->arena, found, MAIL_URLS_MAX);
    if (n > MAIL_URLS_MAX) {
        g->out->flags |= MAIL_CUT;
        n = MAIL_URLS_MAX;
    }
    for (size_t i = 0; i < n; i++)
        add(g, &found[i], false, hidden);
}

/* The same link again, which nearly half of all are. */
static bool is_again(struct gathering *g, const struct html_link *link, bool image)
{
    uint64_t raw = XXH3_64bits_withSeed(link->url.p, link->url.n, image);
    for (unsigned i = 0; i < g->links; i++)
        if (g->link[i] == raw)
            return true;
    if (g->links < MAIL_URLS_MAX)
        g->link[g->links++] = raw;
    return false;
}

/* Itself, and where it redirects to. */
static void add_link(struct gathering *g, const struct html_link *link)
{
    struct url u, target;
    bool image = is_picture(link);
    if (text_starts(link->url, CID_PREFIX) || is_again(g, link, image) ||
        url_parse(link->url, g->arena, &u) < 0)
        return;
    add(g, &u, image, link->hidden);
    for (unsigned i = 0; i < REDIRECTS_MAX && url_redirect(&u, g->arena, &target) == 0; i++) {
        add(g, &target, image, link->hidden);
        u = target;
    }
}

static void add_links(struct gathering *g, const struct mail_view *v, bool image, bool hidden)
{
    for (unsigned i = 0; i < v->n; i++) {
        if (!v->is_html[i])
            continue;
        for (unsigned k = 0; k < v->html[i].links; k++) {
            const struct html_link *link = &v->html[i].link[k];
            if (is_picture(link) == image && link->hidden == hidden)
                add_link(g, link);
        }
    }
}

void mail_read_urls(struct mail_reader *r, const struct mail_view *v, struct arena *arena,
                    struct mail *out)
{
    struct gathering g;
    g.r = r;
    g.arena = arena;
    g.out = out;
    g.links = 0;
    out->url = arena_alloc(arena, MAIL_URLS_MAX * sizeof *out->url);
    add_links(&g, v, false, false);
    add_text(&g, out->subject, false);
    add_text(&g, out->visible, false);
    add_links(&g, v, true, false);
    add_links(&g, v, false, true);
    add_links(&g, v, true, true);
    add_text(&g, out->hidden, true);
}
