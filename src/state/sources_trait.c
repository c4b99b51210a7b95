/* What an event says about who speaks: the way of speaking, the identity, the user agent. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "state/sources_impl.h"
#include "wire/text.h"

#define SHAPE_INPUT_MAX 256 /* bytes of a text that are looked at */
#define TOKEN_MAX       24  /* longer runs of letters and digits are no words */
#define TOKEN_MIXED     4   /* shorter ones with a digit in them may be */
#define NAME_MAX        255 /* of a name that is asked for */

/* A text with what varies left out: digits become one '#', and so do long and mixed runs. */
struct shape {
    uint8_t text[2 * SHAPE_INPUT_MAX];
    size_t n;
};

static void put(struct shape *o, uint8_t c)
{
    if (o->n < sizeof o->text)
        o->text[o->n++] = c;
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_word(uint8_t c)
{
    return is_digit(c) || (uint8_t)((c | 0x20) - 'a') < 26;
}

static void put_number(struct shape *o)
{
    if (!o->n || o->text[o->n - 1] != '#')
        put(o, '#');
}

static void put_token(struct shape *o, struct span t)
{
    bool digits = false;
    for (size_t i = 0; i < t.n; i++)
        digits |= is_digit(t.p[i]);
    if (t.n > TOKEN_MAX || (digits && t.n >= TOKEN_MIXED)) {
        put_number(o);
        return;
    }
    for (size_t i = 0; i < t.n; i++)
        if (is_digit(t.p[i]))
            put_number(o);
        else
            put(o, text_lower(t.p[i]));
}

static void put_words(struct shape *o, struct span s)
{
    size_t n = s.n < SHAPE_INPUT_MAX ? s.n : SHAPE_INPUT_MAX;
    for (size_t i = 0; i < n;) {
        size_t from = i;
        while (i < n && is_word(s.p[i]))
            i++;
        if (i > from)
            put_token(o, span_of(s.p + from, i - from));
        else
            put(o, s.p[i++]);
    }
}

/* Of a query the parameters' names. */
static void put_query(struct shape *o, struct span s)
{
    while (s.n) {
        size_t end = text_find(s, '&');
        struct span part = span_of(s.p, end);
        put(o, '&');
        put_words(o, span_of(part.p, text_find(part, '=')));
        s = end < s.n ? text_behind(s, end + 1) : span_of(NULL, 0);
    }
}

/* "GET /x HTTP/1.1" or "/x" as "/x": feeds have the request line. */
static struct span path_of(struct span target)
{
    size_t slash = text_find(target, '/'), blank = text_find(target, ' ');
    if (blank < slash && slash < target.n)
        target = text_behind(target, blank + 1);
    return span_of(target.p, text_find(target, ' '));
}

static bool asks_nothing(struct span path)
{
    static const char *const nothing[] = {"",
                                          "/",
                                          "/robots.txt",
                                          "/favicon.ico",
                                          "/sitemap.xml",
                                          "/index.html",
                                          "/.well-known/security.txt"};
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++)
        if (span_is(path, nothing[i]))
            return true;
    return false;
}

static bool is_address(struct span host)
{
    size_t colon = text_find(host, ':');
    struct ip ip;
    if (host.n && host.p[0] == '[')
        return true;
    return host.n && host.n <= IP_TEXT_MAX && is_digit(host.p[0]) &&
           ip_parse(span_of(host.p, colon), &ip);
}

static uint32_t hash32(const void *p, size_t n)
{
    return (uint32_t)XXH3_64bits(p, n);
}

static uint32_t digest_of(const struct shape *o, unsigned bits)
{
    return (hash32(o->text, o->n) & ~3u) | 4 | bits;
}

static uint32_t http_shape(const struct event *ev, uint32_t *path, uint32_t *name)
{
    struct shape o = {.n = 0};
    struct span target = ev->http.target, whole = path_of(target);
    size_t query = text_find(whole, '?');
    if (!target.n && !ev->http.method.n && !ev->http.host.n && !ev->http.user_agent.n)
        return 0;
    bool by_address = target.n && (!ev->http.host.n || is_address(ev->http.host));
    put_words(&o, span_of(whole.p, query));
    *path = target.n ? hash32(o.text, o.n) : 0;
    *name = ev->http.host.n && !is_address(ev->http.host) ? hash32(ev->http.host.p, ev->http.host.n)
                                                          : 0;
    if (query < whole.n)
        put_query(&o, text_behind(whole, query + 1));
    put(&o, ' ');
    put_words(&o, ev->http.method);
    put(&o, by_address ? '@' : '.');
    return digest_of(&o, (target.n && asks_nothing(whole) ? SOURCES_ASKS_NOTHING : 0) |
                             (by_address ? SOURCES_BY_ADDRESS : 0));
}

static size_t lower(uint8_t out[NAME_MAX], struct span s)
{
    size_t n = s.n < NAME_MAX ? s.n : NAME_MAX;
    for (size_t i = 0; i < n; i++)
        out[i] = text_lower(s.p[i]);
    return n;
}

static uint32_t dns_shape(const struct event *ev, uint32_t *name)
{
    struct shape o = {.n = 0};
    uint8_t text[NAME_MAX];
    struct span qname = span_of(text, lower(text, ev->dns.qname));
    *name = hash32(qname.p, qname.n);
    put(&o, '?');
    put_words(&o, qname);
    return digest_of(&o, 0);
}

/* The first word of what was sent; bytes that are no text say only that. */
static uint32_t raw_shape(const struct event *ev)
{
    struct shape o = {.n = 0};
    struct span s = ev->raw.client;
    size_t n = 0;
    put(&o, '!');
    while (n < s.n && n < TOKEN_MAX && s.p[n] > ' ' && s.p[n] < 0x7f)
        n++;
    if (n)
        put_words(&o, span_of(s.p, n));
    else if (s.n)
        put(&o, '*');
    return digest_of(&o, 0);
}

static uint32_t smtp_shape(const struct event *ev)
{
    struct shape o = {.n = 0};
    put(&o, '>');
    put_words(&o, ev->smtp.helo);
    return digest_of(&o, 0);
}

uint32_t sources_shape(const struct event *ev, uint32_t *path, uint32_t *name)
{
    *path = *name = 0;
    if (ev->http.has)
        return http_shape(ev, path, name);
    if (ev->dns.has)
        return dns_shape(ev, name);
    if (ev->smtp.has)
        return smtp_shape(ev);
    return ev->raw.has ? raw_shape(ev) : 0;
}

static uint64_t hash_id(struct span s, uint64_t seed)
{
    uint64_t h = s.n ? XXH3_64bits_withSeed(s.p, s.n, seed) : 0;
    return s.n && !h ? 1 : h;
}

uint64_t sources_identity(const struct event *ev, uint32_t family)
{
    uint8_t text[NAME_MAX];
    if (ev->bot_id.n)
        return hash_id(ev->bot_id, family);
    if (ev->http.has)
        return hash_id(ev->http.target, family);
    if (ev->dns.has)
        return hash_id(span_of(text, lower(text, ev->dns.qname)), family);
    if (ev->smtp.has)
        return hash_id(ev->smtp.helo, family);
    return ev->raw.has ? hash_id(ev->raw.client, family) : 0;
}

static const struct {
    const char *word;
    unsigned is;
} words[] = {
#define AGENT(word, is) {word, SOURCES_AGENT_##is},
#include "state/sources_agents.def"
};

static bool has_word(struct span s, const char *word)
{
    for (; s.n >= strlen(word); s = text_behind(s, 1))
        if (text_starts(s, word))
            return true;
    return false;
}

unsigned sources_agent_is(struct span agent)
{
    unsigned is = 0;
    if (agent.n > SHAPE_INPUT_MAX)
        agent.n = SHAPE_INPUT_MAX;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!(is & words[i].is) && has_word(agent, words[i].word))
            is |= words[i].is;
    return is;
}
