#include "wire/url.h"

#include "wire/text.h"
#include "wire/url_internal.h"
#include "wire/url_plain.h"

#define PORT_MAX    65535
#define TARGETS_MAX 4 /* places of one URL where another may be that are tried */

static struct span trim(struct span s)
{
    while (s.n && *s.p <= ' ')
        s = text_behind(s, 1);
    while (s.n && s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

static bool is_slash(uint8_t c)
{
    return c == '/' || c == '\\';
}

/* Without the tabs and line ends that browsers pass over. */
static struct span without_breaks(struct span s, struct arena *arena, uint32_t *bits)
{
    size_t i = 0, w = 0;
    while (i < s.n && s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n')
        i++;
    if (i == s.n)
        return s;
    *bits |= URL_BACKSLASH;
    uint8_t *out = arena_alloc(arena, s.n);
    for (i = 0; i < s.n; i++)
        if (s.p[i] != '\t' && s.p[i] != '\r' && s.p[i] != '\n')
            out[w++] = s.p[i];
    return span_of(out, w);
}

bool url_scheme(struct span name, struct span *plain, uint32_t *bits)
{
    static const char http[] = "http", https[] = "https", ftp[] = "ftp";
    if (name.n == 3 && text_lower(name.p[0]) == 'f' && text_lower(name.p[2]) == 'p') {
        uint8_t c = text_lower(name.p[1]);
        if (c != 't' && c != 'x' && c != '*')
            return false;
        *bits |= c == 't' ? 0 : URL_DEFANGED;
        *plain = span_str(ftp);
        return true;
    }
    if ((name.n != 4 && name.n != 5) || text_lower(name.p[0]) != 'h' ||
        text_lower(name.p[3]) != 'p' || (name.n == 5 && text_lower(name.p[4]) != 's'))
        return false;
    for (unsigned i = 1; i <= 2; i++) {
        uint8_t c = text_lower(name.p[i]);
        if (c != 't' && c != 'x' && c != '*')
            return false;
        *bits |= c == 't' ? 0 : URL_DEFANGED;
    }
    *plain = span_str(name.n == 5 ? https : http);
    return true;
}

static bool is_scheme_byte(uint8_t c)
{
    uint8_t lower = text_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.' || c == '*';
}

/* "[:]//", "[://]": the colon's length with its brackets, slashes left. */
static size_t colon_length(struct span s, uint32_t *bits)
{
    if (s.n && *s.p == ':')
        return 1;
    if (s.n >= 3 && s.p[0] == '[' && s.p[1] == ':' && s.p[2] == ']') {
        *bits |= URL_DEFANGED;
        return 3;
    }
    if (s.n >= 5 && memcmp(s.p, "[://]", 5) == 0) {
        *bits |= URL_DEFANGED;
        return 5;
    }
    return 0;
}

/* The scheme off the text's front. -1: one that we do not follow. */
static int take_scheme(struct span *text, struct url *out)
{
    size_t n = 0, colon;
    uint32_t bits = 0;
    while (n < text->n && is_scheme_byte(text->p[n]))
        n++;
    struct span name = span_of(text->p, n), rest = text_behind(*text, n);
    colon = colon_length(rest, &bits);
    if (n && colon && url_scheme(name, &out->scheme, &bits)) {
        out->disguises |= bits;
        *text = text_behind(rest, colon);
    } else if (n && colon && !memchr(name.p, '.', n) &&
               !(rest.n > 1 && rest.p[1] >= '0' && rest.p[1] <= '9')) {
        return -1;
    } else {
        static const char http[] = "http";
        out->scheme = span_str(http);
        out->disguises |= URL_NO_SCHEME;
        if (text->n >= 2 ? !is_slash(text->p[0]) != !is_slash(text->p[1]) && is_slash(text->p[0])
                         : text->n == 0)
            return -1; /* "/path" */
    }
    for (; text->n && is_slash(*text->p); *text = text_behind(*text, 1))
        if (*text->p == '\\')
            out->disguises |= URL_BACKSLASH;
    return 0;
}

/* Where the host and what goes with it ends. */
static size_t authority_length(struct span s)
{
    size_t i = 0;
    for (; i < s.n && !is_slash(s.p[i]) && s.p[i] != '?'; i++)
        if (s.p[i] == '#' && !(i && s.p[i - 1] == '&')) /* "&#46;" is no fragment */
            break;
    return i;
}

/* Off its end; 0 where none is given. */
static int take_port(struct span *host, struct url *out)
{
    const uint8_t *colon = memrchr(host->p, ':', host->n),
                  *bracket = memrchr(host->p, ']', host->n);
    uint64_t port = 0;
    if (!colon || (bracket && bracket > colon))
        return 0;
    struct span digits = text_behind(*host, (size_t)(colon + 1 - host->p));
    if (digits.n && (!text_number(digits, &port) || port > PORT_MAX))
        return -1;
    host->n = (size_t)(colon - host->p);
    if ((port == 80 && span_is(out->scheme, "http")) ||
        (port == 443 && span_is(out->scheme, "https")) ||
        (port == 21 && span_is(out->scheme, "ftp")))
        port = 0;
    out->port = (uint16_t)port;
    return 0;
}

static void take_rest(struct span rest, struct url *out)
{
    size_t hash = text_find(rest, '#');
    if (hash < rest.n)
        out->fragment = text_behind(rest, hash + 1);
    rest.n = hash;
    size_t mark = text_find(rest, '?');
    if (mark < rest.n)
        out->query = text_behind(rest, mark + 1);
    out->path = span_of(rest.p, mark);
    if (mark && *rest.p == '\\')
        out->disguises |= URL_BACKSLASH;
}

/* The usual kind, without any disguise: "http://www.example.com/path?query". False when it is of
 * another, or only may be: nothing is set then. */
static bool parse_plain(struct span text, struct url *out)
{
    static const char http[] = "http", https[] = "https";
    size_t scheme = text.n < URL_PLAIN_MIN ? 0 : url_plain_scheme(text.p);
    if (!scheme)
        return false;
    struct span rest = text_behind(text, scheme);
    struct span host = span_of(rest.p, url_plain_host(rest));
    rest = text_behind(rest, host.n);
    if (!host.n || (rest.n && *rest.p != '/' && *rest.p != '?' && *rest.p != '#'))
        return false;
    struct url_marks marks;
    if (!url_marks(rest, &marks)) /* line ends or the like */
        return false;
    out->scheme = scheme == sizeof http + 2 ? span_of(http, sizeof http - 1)
                                            : span_of(https, sizeof https - 1);
    out->host = host;
    if (marks.fragment < rest.n)
        out->fragment = text_behind(rest, marks.fragment + 1);
    if (marks.query < marks.fragment)
        out->query = span_of(rest.p + marks.query + 1, marks.fragment - marks.query - 1);
    out->path = span_of(rest.p, marks.query < marks.fragment ? marks.query : marks.fragment);
    return true;
}

int url_parse(struct span text, struct arena *arena, struct url *out)
{
    memset(out, 0, sizeof *out);
    text = trim(text);
    if (text.n > URL_MAX)
        text.n = URL_MAX;
    out->text = text;
    if (parse_plain(text, out))
        return 0;
    text = without_breaks(text, arena, &out->disguises);
    if (text.n == 0 || take_scheme(&text, out) < 0 || text.n == 0)
        return -1;
    struct span host = span_of(text.p, authority_length(text));
    take_rest(text_behind(text, host.n), out);
    if (host.n == 0 || !host.p)
        return -1;
    const uint8_t *at = memrchr(host.p, '@', host.n);
    if (at) {
        if (out->disguises & URL_NO_SCHEME)
            return -1; /* a mail address */
        out->userinfo = span_of(host.p, (size_t)(at - host.p));
        host = text_behind(host, out->userinfo.n + 1);
        out->disguises |= URL_USERINFO;
    }
    if (host.n == 0 || take_port(&host, out) < 0 || url_host(host, arena, out) < 0)
        return -1;
    if ((out->disguises & URL_NO_SCHEME) && url_tld_of(out->host) == URL_TLD_NONE)
        return -1;
    return 0;
}

/* Redirectors. */

static bool leads_on(struct span name)
{
    static const char *const names[] = {"url",         "u",
                                        "q",           "target",
                                        "redirect",    "redirect_url",
                                        "redirecturl", "redirect_uri",
                                        "redir",       "dest",
                                        "goto",        "go",
                                        "link",        "to",
                                        "out",         "href",
                                        "r",           "rd",
                                        "next",        "rurl",
                                        "return",      "returnurl",
                                        "continue",    "adurl",
                                        "destination", "location",
                                        "loc",         "forward",
                                        "fwd",         "l",
                                        "ref_url",     "jump",
                                        "site",        "page",
                                        "uri",         "dl",
                                        "murl",        "durl",
                                        "u1",          NULL};
    if (text_starts(name, "amp;"))
        name = text_behind(name, 4);
    for (const char *const *n = names; *n; n++)
        if (text_is(name, *n))
            return true;
    return false;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct span percent_decoded(struct span s, struct arena *arena)
{
    if (!s.n || !memchr(s.p, '%', s.n))
        return s;
    uint8_t *out = arena_alloc(arena, s.n);
    size_t w = 0;
    for (size_t i = 0; i < s.n; i++) {
        bool escape = s.p[i] == '%' && s.n - i >= 3 && hex_value(s.p[i + 1]) >= 0 &&
                      hex_value(s.p[i + 2]) >= 0;
        out[w++] = escape ? (uint8_t)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2])) : s.p[i];
        i += escape ? 2 : 0;
    }
    return span_of(out, w);
}

/* An absolute URL begins here: "http://", "https%3A%2F%2F". */
static bool is_absolute(struct span s, bool *encoded)
{
    if (!text_starts(s, "http"))
        return false;
    s = text_behind(s, 4);
    if (s.n && text_lower(*s.p) == 's')
        s = text_behind(s, 1);
    *encoded = text_starts(s, "%3a");
    if (!*encoded && !(s.n && *s.p == ':'))
        return false;
    s = text_behind(s, *encoded ? 3 : 1);
    return text_starts(s, "/") || text_starts(s, "%2f") || text_starts(s, "%5c");
}

static int follow(struct span s, bool encoded, struct arena *arena, struct url *out)
{
    struct span where = s;
    if (url_parse(encoded ? percent_decoded(s, arena) : s, arena, out) < 0)
        return -1;
    out->text = where;
    out->disguises |= URL_REDIRECT;
    return 0;
}

/* "/url/http://...", "/rd..*http://...": the rest is the target, its query too. */
static int redirect_in_path(const struct url *u, struct arena *arena, struct url *out)
{
    const uint8_t *end = u->fragment.n ? u->fragment.p + u->fragment.n
                         : u->query.n  ? u->query.p + u->query.n
                                       : u->path.p + u->path.n;
    unsigned tries = 0;
    for (size_t i = 1; i < u->path.n && tries < TARGETS_MAX; i++) {
        bool encoded;
        uint8_t before = u->path.p[i - 1];
        if ((u->path.p[i] | 0x20) != 'h' ||
            (before != '/' && before != '*' && before != '=' && before != ';'))
            continue;
        struct span rest = span_of(u->path.p + i, (size_t)(end - u->path.p) - i);
        if (!is_absolute(rest, &encoded))
            continue;
        if (follow(rest, encoded, arena, out) == 0)
            return 0;
        tries++;
    }
    return -1;
}

static int redirect_in_query(const struct url *u, struct arena *arena, struct url *out)
{
    struct span rest = u->query;
    for (unsigned tries = 0; rest.n && tries < TARGETS_MAX;) {
        bool encoded = false;
        struct span pair = span_of(rest.p, text_find(rest, '&')), target = {NULL, 0};
        size_t equals = text_find(pair, '=');
        struct span value = equals < pair.n ? text_behind(pair, equals + 1) : pair;
        if (is_absolute(pair, &encoded)) /* "?http://...": the target has the whole query */
            target = encoded ? pair : rest;
        else if (equals < pair.n && leads_on(span_of(pair.p, equals)) &&
                 (is_absolute(value, &encoded) || text_starts(value, "www.")))
            target = value;
        if (target.n && follow(target, true, arena, out) == 0)
            return 0;
        tries += target.n > 0;
        rest = text_behind(rest, pair.n + (pair.n < rest.n));
    }
    return -1;
}

int url_redirect(const struct url *u, struct arena *arena, struct url *out)
{
    if (!url_may_hold(u->path) && !url_may_hold(u->query))
        return -1;
    if (redirect_in_path(u, arena, out) == 0)
        return 0;
    return redirect_in_query(u, arena, out);
}
