#include <idn2.h>
#include <libpsl.h>

#include "base/domain.h"
#include "wire/html_entity.h"
#include "wire/text.h"
#include "wire/url_internal.h"

#define TLD_MAX  63
#define TLD_BITS 9 /* of the number of those remembered: 8 KiB a thread */

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t url_invisible(struct span s)
{
    const uint8_t *p = s.p;
    if (s.n >= 2 && p[0] == 0xc2 && p[1] == 0xad) /* soft hyphen */
        return 2;
    if (s.n < 3)
        return 0;
    if (p[0] == 0xe2 && p[1] == 0x80 &&
        ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae)))
        return 3; /* U+200B to U+200F, U+202A to U+202E */
    if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xa9)
        return 3;                                                /* U+2060 to U+2069 */
    return p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf ? 3 : 0; /* U+FEFF */
}

/* "." or "dot" within brackets. */
static size_t bracket_dot(struct span s)
{
    static const char open[] = "[({", close[] = "])}";
    const char *at = s.n >= 3 && s.p[0] ? strchr(open, s.p[0]) : NULL;
    if (!at)
        return 0;
    uint8_t end = (uint8_t)close[at - open];
    if (s.p[1] == '.' && s.p[2] == end)
        return 3;
    return s.n >= 5 && text_starts(text_behind(s, 1), "dot") && s.p[4] == end ? 5 : 0;
}

size_t url_dot(struct span s, uint32_t *bits)
{
    size_t n;
    if (s.n == 0)
        return 0;
    if (*s.p == '.')
        return 1;
    if ((n = bracket_dot(s))) {
        *bits |= URL_DEFANGED;
        return n;
    }
    if (*s.p == ' ') {
        struct span rest = text_behind(s, 1);
        n = rest.n && *rest.p == '.' ? 1 : text_starts(rest, "dot") ? 3 : bracket_dot(rest);
        if (n == 0 || rest.n <= n || rest.p[n] != ' ')
            return 0;
        *bits |= URL_SPACED;
        return n + 2;
    }
    if (s.n >= 3 && ((s.p[0] == 0xe3 && s.p[1] == 0x80 && s.p[2] == 0x82) ||
                     (s.p[0] == 0xef && s.p[1] == 0xbc && s.p[2] == 0x8e) ||
                     (s.p[0] == 0xef && s.p[1] == 0xbd && s.p[2] == 0xa1))) {
        *bits |= URL_ODD_DOTS; /* U+3002, U+FF0E, U+FF61 (RFC 3490, 3.1) */
        return 3;
    }
    return 0;
}

/* Takes the disguises off: false when there is no room. */
static bool undisguise(struct span raw, uint8_t *out, size_t *n, uint32_t *bits)
{
    size_t w = 0;
    while (raw.n) {
        size_t used = 1;
        uint32_t code;
        bool bad;
        if (w + 4 > URL_HOST_RAW_MAX)
            return false;
        if (*raw.p != '.' && (used = url_dot(raw, bits))) {
            out[w++] = '.';
        } else if ((used = url_invisible(raw))) {
            *bits |= URL_ODD_CHARS;
        } else if (*raw.p == '%' && raw.n >= 3 && hex_value(raw.p[1]) >= 0 &&
                   hex_value(raw.p[2]) >= 0) {
            out[w++] = text_lower((uint8_t)(hex_value(raw.p[1]) << 4 | hex_value(raw.p[2])));
            *bits |= URL_ENCODED_HOST;
            used = 3;
        } else if (*raw.p == '&' && (used = html_entity(raw, true, &code, &bad))) {
            w += html_utf8(code, out + w);
            *bits |= URL_ENCODED_HOST;
        } else {
            out[w++] = text_lower(*raw.p);
            used = 1;
        }
        raw = text_behind(raw, used);
    }
    *n = w;
    return true;
}

/* U-labels to A-labels, and what UTS 46 maps (full-width letters, other dots). The library
 * allocates; few hosts need it. */
static bool to_ascii(struct span host, struct arena *arena, struct span *out)
{
    char *ascii = NULL;
    const char *text = (const char *)host.p; /* arena_copy's: a NUL is behind it */
    if (memchr(host.p, 0, host.n) || !span_is_utf8(host))
        return false;
    if (idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK &&
        idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_TRANSITIONAL) != IDN2_OK)
        return false;
    size_t n = strlen(ascii);
    *out = span_of(arena_copy(arena, ascii, n), n);
    idn2_free(ascii);
    return true;
}

static bool is_all_ascii(struct span s)
{
    uint8_t all = 0;
    for (size_t i = 0; i < s.n; i++)
        all |= s.p[i];
    return all < 0x80;
}

/* Addresses in all their spellings (WHATWG URL, 3.5). */

/* The last label is a number: the host is an address or nothing. */
static bool ends_in_number(struct span host)
{
    const uint8_t *dot = memrchr(host.p, '.', host.n);
    struct span last = dot ? text_behind(host, (size_t)(dot + 1 - host.p)) : host;
    size_t digits = 0;
    if (last.n >= 2 && last.p[0] == '0' && last.p[1] == 'x') {
        for (digits = 2; digits < last.n && hex_value(last.p[digits]) >= 0;)
            digits++;
        return digits == last.n;
    }
    while (digits < last.n && last.p[digits] >= '0' && last.p[digits] <= '9')
        digits++;
    return last.n && digits == last.n;
}

static bool part_read(struct span s, uint64_t *out)
{
    unsigned base = 10;
    uint64_t v = 0;
    if (s.n == 0)
        return false;
    if (s.n >= 2 && s.p[0] == '0') {
        base = s.p[1] == 'x' ? 16 : 8;
        s = text_behind(s, base == 16 ? 2 : 1);
    }
    for (size_t i = 0; i < s.n; i++) {
        int digit = hex_value(s.p[i]);
        if (digit < 0 || (unsigned)digit >= base)
            return false;
        v = v * base + (unsigned)digit;
        if (v > UINT32_MAX)
            return false;
    }
    *out = v;
    return true;
}

static bool address_v4(struct span host, struct ip *out)
{
    uint64_t part[4], v = 0;
    unsigned n = 0;
    for (struct span rest = host; n < 4;) {
        size_t dot = text_find(rest, '.');
        if (!part_read(span_of(rest.p, dot), &part[n++]))
            return false;
        if (dot == rest.n)
            break;
        if (n == 4)
            return false;
        rest = text_behind(rest, dot + 1);
    }
    for (unsigned i = 0; i + 1 < n; i++) {
        if (part[i] > 255)
            return false;
        v |= part[i] << (24 - 8 * i);
    }
    if (part[n - 1] >> (32 - 8 * (n - 1)))
        return false;
    *out = ip_from_v4((uint32_t)(v | part[n - 1]));
    return true;
}

static void address_set(const struct ip *ip, struct span as_written, struct arena *arena,
                        struct url *out)
{
    char text[IP_TEXT_MAX];
    size_t n = ip_format(ip, text);
    out->ip = *ip;
    out->disguises |= URL_ADDRESS;
    if (ip_is_v4(ip) && !span_eq(as_written, span_of(text, n)))
        out->disguises |= URL_NUMBER_HOST;
    out->host = span_of(arena_copy(arena, text, n), n);
}

static int host_v6(struct span raw, struct arena *arena, struct url *out)
{
    struct ip ip;
    struct span inside = span_of(raw.p + 1, raw.n - 2);
    if (raw.p[raw.n - 1] != ']' || !ip_parse(inside, &ip))
        return -1;
    address_set(&ip, inside, arena, out);
    return 0;
}

/* Lower case already? Then it is taken as it is. */
static bool is_plain_host(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_'))
            return false;
    }
    return true;
}

/* A host with capitals, but without any disguise, in small letters. False when it is another. */
static bool small_host(struct span raw, struct arena *arena, struct span *out)
{
    uint8_t small[DOMAIN_TEXT_MAX];
    if (raw.n > sizeof small)
        return false;
    for (size_t i = 0; i < raw.n; i++)
        small[i] = text_lower(raw.p[i]);
    if (!is_plain_host(span_of(small, raw.n)))
        return false;
    *out = span_of(arena_copy(arena, small, raw.n), raw.n);
    return true;
}

int url_host(struct span raw, struct arena *arena, struct url *out)
{
    struct span host = raw;
    uint8_t text[DOMAIN_TEXT_MAX];
    if (raw.n == 0 || raw.n > URL_HOST_RAW_MAX)
        return -1;
    if (*raw.p == '[' && raw.n > 2 && memchr(raw.p, ':', raw.n))
        return host_v6(raw, arena, out);
    if (!is_plain_host(raw) && !small_host(raw, arena, &host)) {
        uint8_t plain[URL_HOST_RAW_MAX];
        size_t n;
        if (!undisguise(raw, plain, &n, &out->disguises))
            return -1;
        host = span_of(arena_copy(arena, plain, n), n);
        if (!is_all_ascii(host) && !to_ascii(host, arena, &host))
            return -1;
    }
    if (host.n && host.p[host.n - 1] == '.')
        host.n--;
    if (host.n == 0)
        return -1;
    if (ends_in_number(host)) {
        struct ip ip;
        if (!address_v4(host, &ip))
            return -1;
        address_set(&ip, host, arena, out);
        return 0;
    }
    if (domain_text(host, text) != host.n)
        return -1;
    out->host =
        memcmp(text, host.p, host.n) == 0 ? host : span_of(arena_copy(arena, text, host.n), host.n);
    return 0;
}

/* Top-level domains. */

static bool is_listed(struct span label, const char *const *list)
{
    for (; *list; list++)
        if (span_is(label, *list))
            return true;
    return false;
}

/* What was asked before: texts have the same few last labels over and over, and the list is slow
 * for what is not on it. A label is its own key. */
struct tld_known {
    uint64_t label;
    uint8_t n, tld;
};

static enum url_tld tld_look(struct span label)
{
    static const char *const usual[] = {"com", "net", "org", "info", "biz", "ru", "cn", NULL};
    /* of the longer ones, those that are no English words, with a few that spammers rent most */
    static const char *const longer[] = {"edu",  "gov",  "mobi", "asia",   "jobs", "xyz", "top",
                                         "club", "shop", "site", "online", "icu",  NULL};
    /* English words, abbreviations and endings of files that are countries, too */
    static const char *const words[] = {"ac", "ad", "ai", "am", "as", "at", "be", "by", "cc", "do",
                                        "ee", "gs", "hm", "id", "ie", "im", "in", "is", "it", "la",
                                        "ma", "md", "me", "mm", "mo", "mp", "ms", "my", "na", "no",
                                        "pa", "ph", "pl", "pm", "pr", "ps", "py", "rs", "sc", "sd",
                                        "sh", "so", "st", "to", "vi", NULL};
    if (is_listed(label, usual))
        return URL_TLD_USUAL;
    char name[TLD_MAX + 1];
    memcpy(name, label.p, label.n);
    name[label.n] = 0;
    const psl_ctx_t *list = psl_builtin();
    if (list && !psl_is_public_suffix2(list, name, PSL_TYPE_ICANN | PSL_TYPE_NO_STAR_RULE))
        return URL_TLD_NONE;
    bool country = label.n == 2 && !is_listed(label, words), foreign = text_starts(label, "xn--");
    return country || foreign || is_listed(label, longer) ? URL_TLD_BARE : URL_TLD_KNOWN;
}

enum url_tld url_tld_of(struct span host)
{
    static _Thread_local struct tld_known memory[1u << TLD_BITS];
    uint64_t word = 0;
    size_t start = host.n;
    while (start && host.p[start - 1] != '.')
        start--;
    struct span label = text_behind(host, start);
    if (!start || label.n < 2 || label.n > TLD_MAX)
        return URL_TLD_NONE;
    if (label.n > sizeof word)
        return tld_look(label);
    for (size_t i = 0; i < label.n; i++)
        word = word << 8 | label.p[i];
    struct tld_known *k = &memory[word * 0x9e3779b97f4a7c15u >> (64 - TLD_BITS)];
    if (k->label != word || k->n != label.n)
        *k = (struct tld_known){word, (uint8_t)label.n, (uint8_t)tld_look(label)};
    return k->tld;
}
