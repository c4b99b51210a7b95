#include "web/web_text.h"

#include "web/web.h"
#include "wire/text.h"

#define TARGET_MAX 8192

/* ---- the target ---- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = text_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-encoding taken off, and "+" for a blank in a query. False when it is malformed. */
static bool decode(struct span s, bool query, struct arena *arena, struct span *out)
{
    char *to = arena_alloc(arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '%') {
            int high = i + 1 < s.n ? hex_digit(s.p[i + 1]) : -1;
            int low = i + 2 < s.n ? hex_digit(s.p[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = (uint8_t)(high << 4 | low);
            i += 2;
        } else if (c == '+' && query) {
            c = ' ';
        }
        to[n++] = (char)c;
    }
    to[n] = 0;
    *out = span_of(to, n);
    return span_is_utf8(*out); /* which has no NUL */
}

static bool has_controls(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] == 0x7f)
            return true;
    return false;
}

/* No segment that leads elsewhere, nothing that another program might take for a separator. */
static bool path_is_good(struct span path)
{
    size_t begun = 1;
    if (!path.n || path.p[0] != '/' || has_controls(path) || memchr(path.p, '\\', path.n))
        return false;
    for (size_t i = 1; i <= path.n; i++) {
        if (i < path.n && path.p[i] != '/')
            continue;
        struct span segment = span_of(path.p + begun, i - begun);
        if (span_is(segment, ".") || span_is(segment, ".."))
            return false;
        begun = i + 1;
    }
    return true;
}

static bool take_parameter(struct span pair, struct arena *arena, struct web_target *out)
{
    size_t equals = text_find(pair, '=');
    struct span name, value = span_of("", 0);
    if (!pair.n)
        return true;
    if (out->parameters == WEB_PARAMETERS_MAX ||
        !decode(span_of(pair.p, equals), true, arena, &name) || has_controls(name))
        return false;
    if (equals < pair.n && !decode(text_behind(pair, equals + 1), true, arena, &value))
        return false;
    out->parameter[out->parameters++] = (struct web_parameter){(const char *)name.p, value};
    return true;
}

static bool take_query(struct span query, struct arena *arena, struct web_target *out)
{
    while (query.n) {
        size_t n = text_find(query, '&');
        if (!take_parameter(span_of(query.p, n), arena, out))
            return false;
        query = text_behind(query, n < query.n ? n + 1 : n);
    }
    return true;
}

/* Behind "http://host"; false when it is no such form. */
static bool pass_authority(struct span *s)
{
    size_t scheme = text_starts(*s, "http://") ? 7 : text_starts(*s, "https://") ? 8 : 0;
    if (!scheme)
        return false;
    *s = text_behind(*s, scheme);
    while (s->n && *s->p != '/' && *s->p != '?')
        *s = text_behind(*s, 1);
    return s->n && *s->p == '/';
}

unsigned web_target_parse(const char *raw, struct arena *arena, struct web_target *out)
{
    struct span s = span_str(raw), path;
    out->path = "/";
    out->parameters = 0;
    if (s.n > TARGET_MAX)
        return 414;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] >= 0x7f)
            return 400;
    if ((!s.n || *s.p != '/') && !pass_authority(&s))
        return 400;
    size_t n = text_find(s, '?');
    if (!decode(span_of(s.p, n), false, arena, &path) || !path_is_good(path))
        return 400;
    if (path.n >= WEB_PATH_MAX)
        return 414;
    out->path = (const char *)path.p;
    return take_query(text_behind(s, n < s.n ? n + 1 : n), arena, out) ? 0 : 400;
}

/* ---- headers ---- */

/* The part before the separator; moves behind it. Quoted strings (RFC 9110, 5.6.4) are whole. */
static struct span next_part(struct span *s, uint8_t separator)
{
    bool quoted = false;
    size_t i = 0;
    for (; i < s->n && (quoted || s->p[i] != separator); i++) {
        if (quoted && s->p[i] == '\\')
            i++;
        else if (s->p[i] == '"')
            quoted = !quoted;
    }
    i = i < s->n ? i : s->n;
    struct span part = span_trim(span_of(s->p, i));
    *s = text_behind(*s, i < s->n ? i + 1 : i);
    return part;
}

struct span web_text_cookie(struct span header, const char *name)
{
    while (header.n) {
        size_t n = text_find(header, ';');
        struct span pair = span_trim(span_of(header.p, n));
        header = text_behind(header, n < header.n ? n + 1 : n);
        size_t equals = text_find(pair, '=');
        if (equals < pair.n && span_is(span_of(pair.p, equals), name))
            return text_behind(pair, equals + 1);
    }
    return (struct span){0};
}

bool web_text_matches(struct span if_none_match, const char *etag)
{
    if (!etag[0])
        return false;
    while (if_none_match.n) {
        struct span tag = next_part(&if_none_match, ',');
        if (span_is(tag, "*"))
            return true;
        if (tag.n > 2 && tag.p[0] == 'W' && tag.p[1] == '/')
            tag = text_behind(tag, 2);
        if (tag.n < 2 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"')
            continue;
        tag = span_of(tag.p + 1, tag.n - 2);
        if (tag.n > 3 && memcmp(tag.p + tag.n - 3, "-gz", 3) == 0)
            tag.n -= 3;
        if (span_is(tag, etag))
            return true;
    }
    return false;
}

/* "q=0", "q=0.0" ...: not wanted. */
static bool is_refused(struct span parameters)
{
    while (parameters.n) {
        struct span p = next_part(&parameters, ';');
        if (!text_starts(p, "q="))
            continue;
        for (size_t i = 2; i < p.n; i++)
            if (p.p[i] != '0' && p.p[i] != '.')
                return false;
        return true;
    }
    return false;
}

bool web_text_takes_gzip(struct span accept)
{
    bool any = false;
    while (accept.n) {
        struct span part = next_part(&accept, ',');
        struct span coding = next_part(&part, ';');
        if (text_is(coding, "gzip") || text_is(coding, "x-gzip"))
            return !is_refused(part);
        if (span_is(coding, "*"))
            any = !is_refused(part);
    }
    return any;
}

/* ---- forwarded addresses ---- */

/* "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]", "[2001:db8::1]:80", "2001:db8::1"; quotes around
 * it are taken off. "unknown" and obfuscated names (RFC 7239, 6) are none. */
static bool node_parse(struct span s, struct ip *ip, uint16_t *port)
{
    uint64_t number = 0;
    struct span behind = {0};
    if (s.n >= 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = span_of(s.p + 1, s.n - 2);
    if (s.n && s.p[0] == '[') {
        size_t end = text_find(s, ']');
        if (end == s.n)
            return false;
        behind = text_behind(s, end + 1);
        s = span_of(s.p + 1, end - 1);
        if (text_find(s, ':') == s.n)
            return false;
    } else if (text_find(s, '.') < s.n) {
        size_t colon = text_find(s, ':');
        behind = text_behind(s, colon);
        s.n = colon;
    }
    if (behind.n && (behind.p[0] != ':' || !text_number(text_behind(behind, 1), &number) ||
                     number > UINT16_MAX))
        return false;
    *port = (uint16_t)number;
    return ip_parse(s, ip) && ip_is_set(ip);
}

/* A parameter of a Forwarded element. */
static struct span element_get(struct span element, const char *name)
{
    while (element.n) {
        struct span pair = next_part(&element, ';');
        size_t equals = text_find(pair, '=');
        if (equals < pair.n && text_is(span_of(pair.p, equals), name))
            return text_behind(pair, equals + 1);
    }
    return (struct span){0};
}

static bool is_proxy(const struct net *proxies, size_t n, const struct ip *ip)
{
    for (size_t i = 0; i < n; i++)
        if (net_has(&proxies[i], ip))
            return true;
    return false;
}

bool web_text_forwarded(struct span forwarded, struct span x_forwarded, const struct net *proxies,
                        size_t n_proxies, struct ip *at, uint16_t *port)
{
    struct span chain[WEB_FORWARDED_MAX];
    size_t n = 0;
    bool standard = forwarded.n > 0, any = false;
    struct span left = standard ? forwarded : x_forwarded;
    while (left.n) { /* the last ones count: the first are whatever the client made up */
        struct span part = next_part(&left, ',');
        chain[n++ % WEB_FORWARDED_MAX] = standard ? element_get(part, "for") : part;
    }
    for (size_t i = 0; i < n && i < WEB_FORWARDED_MAX && is_proxy(proxies, n_proxies, at); i++) {
        struct ip ip;
        uint16_t told;
        if (!node_parse(chain[(n - 1 - i) % WEB_FORWARDED_MAX], &ip, &told))
            break;
        *at = ip;
        *port = told;
        any = true;
    }
    return any;
}

bool web_text_forwarded_https(struct span forwarded, struct span x_proto)
{
    struct span left = forwarded.n ? forwarded : x_proto, last = {0};
    while (left.n)
        last = next_part(&left, ',');
    if (forwarded.n)
        last = element_get(last, "proto");
    if (last.n >= 2 && last.p[0] == '"' && last.p[last.n - 1] == '"')
        last = span_of(last.p + 1, last.n - 2);
    return text_is(last, "https");
}

/* ---- what may stand in a header ---- */

bool web_text_is_token(struct span s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = text_lower(s.p[i]);
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
            !memchr(others, c, sizeof others - 1))
            return false;
    }
    return s.n > 0;
}

bool web_text_is_value(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < 0x20 && s.p[i] != '\t') || s.p[i] == 0x7f)
            return false;
    return true;
}
