/* URLs, bare hosts and mail addresses in running text: where they lie, no more. wire/url.h reads
 * them. */
#include "mail/words_impl.h"
#include "wire/text.h"

#define HOST_LABELS_MAX 32

static bool is_letter(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26;
}

static bool is_digit(uint8_t c)
{
    return (uint8_t)(c - '0') < 10;
}

static bool is_host_char(uint8_t c)
{
    return is_letter(c) || is_digit(c) || c == '-' || c >= 0x80;
}

static bool is_local_char(uint8_t c)
{
    static const bool signs[256] = {
        ['.'] = 1, ['_'] = 1, ['%'] = 1, ['+'] = 1, ['-'] = 1, ['='] = 1, ['\''] = 1, ['&'] = 1};
    return is_letter(c) || is_digit(c) || signs[c];
}

/* Without what closes a sentence or a bracket. */
static size_t trim_end(struct span chunk, size_t end)
{
    while (end && chunk.p[end - 1] && strchr(".,;:!?'\")]}>*", chunk.p[end - 1]))
        end--;
    return end;
}

/* The end of a host that begins at `at`; *labels, and its last label. */
static size_t host_end(struct span c, size_t at, unsigned *labels, struct span *last)
{
    *labels = 0;
    size_t end = at;
    while (*labels < HOST_LABELS_MAX) {
        size_t i = end;
        while (i < c.n && is_host_char(c.p[i]))
            i++;
        if (i == end)
            break;
        *last = span_of(c.p + end, i - end);
        end = i;
        ++*labels;
        if (i + 1 >= c.n || c.p[i] != '.' || !is_host_char(c.p[i + 1]))
            break;
        end = i + 1;
    }
    return end;
}

/* Top-level domains that a bare "name.tld" in a text is believed with. */
static bool is_tld(struct span label)
{
    static const char countries[] = "usukderucnfresitnlbrcaaueupltvccwsrouakrjptwhksuchsedkfi"
                                    "czhugrptmxarclzasgnutkio";
    static const char *const others[] = {
        "com",   "net",  "org",    "info", "biz",  "edu",  "gov", "mil",     "int",  "name",
        "mobi",  "asia", "travel", "pro",  "jobs", "shop", "xyz", "online",  "site", "club",
        "store", "live", "top",    "icu",  "xxx",  "app",  "dev", "example",
    };
    if (label.n == 2) {
        for (size_t i = 0; i + 2 < sizeof countries; i += 2)
            if (text_lower(label.p[0]) == (uint8_t)countries[i] &&
                text_lower(label.p[1]) == (uint8_t)countries[i + 1])
                return true;
        return false;
    }
    for (size_t i = 0; label.n > 2 && i < sizeof others / sizeof *others; i++)
        if (text_lower(*label.p) == (uint8_t)*others[i] && text_is(label, others[i]))
            return true;
    return false;
}

/* A sentence may lack the space behind its end ("done.It was"); a country's letters there count
 * only in small letters. */
static bool is_bare_host(struct span c, size_t at, size_t end, unsigned labels, struct span last)
{
    if (labels < 2 || !is_tld(last))
        return false;
    bool capital = last.p[0] < 'a', all = true;
    for (size_t i = at; i < end; i++)
        all = all && !(c.p[i] >= 'a' && c.p[i] <= 'z');
    return !capital || all;
}

/* The ends of a URL whose "://" stands at `at`. */
static bool with_scheme(struct span c, size_t at, size_t *start, size_t *end)
{
    size_t s = at;
    while (s && is_letter(c.p[s - 1]))
        s--;
    if (s == at || at + 3 >= c.n)
        return false;
    *start = s;
    *end = trim_end(c, c.n);
    return *end > at + 3;
}

static bool with_at(struct span c, size_t at, size_t *start, size_t *end)
{
    unsigned labels;
    struct span last = {NULL, 0};
    size_t s = at, e = host_end(c, at + 1, &labels, &last);
    while (s && is_local_char(c.p[s - 1]))
        s--;
    if (s == at || labels < 2 || last.n < 2 || !is_letter(last.p[0]))
        return false;
    *start = s;
    *end = e;
    return true;
}

/* A host around the dot at `dot`, with a path behind it. */
static bool with_dot(struct span c, size_t dot, size_t *start, size_t *end)
{
    unsigned labels;
    struct span last = {NULL, 0};
    size_t s = dot;
    while (s && is_host_char(c.p[s - 1]))
        s--;
    size_t e = host_end(c, s, &labels, &last);
    bool www = dot - s == 3 && text_starts(span_of(c.p + s, 3), "www") && labels >= 2;
    if (s == dot || e <= dot || !(www || is_bare_host(c, s, e, labels, last)))
        return false;
    *start = s;
    *end = e < c.n && (c.p[e] == '/' || c.p[e] == '?' || c.p[e] == ':') ? trim_end(c, c.n) : e;
    if (*end < e)
        *end = e;
    return true;
}

bool words_find_class(struct span chunk, size_t *start, size_t *end, enum word_kind *kind)
{
    for (size_t i = 1; i + 1 < chunk.n; i++) {
        uint8_t c = chunk.p[i];
        if (c != '.' && c != '@' && c != ':')
            continue;
        *kind = c == '@' ? WORD_ADDRESS : WORD_URL;
        if (c == ':' && chunk.p[i + 1] == '/' && i + 2 < chunk.n && chunk.p[i + 2] == '/' &&
            with_scheme(chunk, i, start, end))
            return true;
        if (c == '@' && with_at(chunk, i, start, end))
            return true;
        if (c != '.' || !is_host_char(chunk.p[i + 1]))
            continue;
        /* an address's dots come before its @ */
        size_t at = i + 1 + text_find(span_of(chunk.p + i + 1, chunk.n - i - 1), '@');
        size_t s = i;
        while (s < at && is_local_char(chunk.p[s]))
            s++;
        if (s == at && at < chunk.n && with_at(chunk, at, start, end)) {
            *kind = WORD_ADDRESS;
            return true;
        }
        if (with_dot(chunk, i, start, end))
            return true;
        /* the host's other dots lead to the same */
        while (i + 1 < chunk.n && (is_host_char(chunk.p[i]) || chunk.p[i] == '.'))
            i++;
        i--;
    }
    return false;
}
