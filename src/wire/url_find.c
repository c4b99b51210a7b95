#include "wire/html_entity.h"
#include "wire/mime_vector.h"
#include "wire/text.h"
#include "wire/url_find.h"
#include "wire/url_internal.h"
#include "wire/url_plain.h"

#define SCHEME_BACK 5   /* letters of the longest scheme */
#define LABEL_BACK  252 /* bytes of a label, which may have disguises */
#define UNKNOWN_MAX 8   /* letters of a last label that is looked at first */
#define USUAL_MAX   8   /* letters of a usual top-level domain and more */
#define SPACED_MAX  5   /* dots of a host that is spaced apart */

struct finder {
    struct span text;
    struct arena *arena;
    struct url *out;
    size_t n, max;
    size_t from; /* what was found ends here */
};

static struct span at(const struct finder *f, size_t i)
{
    return text_behind(f->text, i);
}

enum byte_kind {
    ENDS = 1 << 0,      /* no URL goes on behind it */
    MAY_END = 1 << 1,   /* begins a character that may be such */
    ENDS_HOST = 1 << 2, /* and whoever is before the host */
    REST = 1 << 3,      /* begins what follows a host */
    TAIL = 1 << 4,      /* belongs to the sentence when it is the last */
    CLOSES = 1 << 5,    /* too, when nothing opens before it */
    OPENS = 1 << 6,
    LABEL = 1 << 7, /* of labels: ASCII */
};

static const uint8_t kinds[256] = {
    [0 ... ' '] = ENDS,
    [0x7f] = ENDS,
    ['<'] = ENDS,
    ['>'] = ENDS,
    ['"'] = ENDS,
    ['`'] = ENDS,
    [0xc2] = MAY_END,
    [0xe2] = MAY_END,
    [0xe3] = MAY_END,
    [0xef] = MAY_END,
    ['/'] = ENDS_HOST | REST,
    ['\\'] = ENDS_HOST | REST,
    ['?'] = ENDS_HOST | REST | TAIL,
    ['#'] = REST,
    ['.'] = TAIL,
    [','] = TAIL,
    [';'] = TAIL,
    [':'] = TAIL,
    ['!'] = TAIL,
    ['\''] = TAIL,
    ['*'] = TAIL,
    ['('] = TAIL | OPENS,
    ['['] = TAIL | OPENS,
    ['{'] = TAIL | OPENS,
    [')'] = CLOSES,
    [']'] = CLOSES,
    ['}'] = CLOSES,
    ['-'] = LABEL,
    ['_'] = LABEL,
    ['0' ... '9'] = LABEL,
    ['A' ... 'Z'] = LABEL,
    ['a' ... 'z'] = LABEL,
};

/* Characters of labels. Wide scripts are written without spaces: an ASCII label ends where they
 * begin. */
enum char_kind { NO_LABEL, ASCII, LETTER, WIDE };

static bool is_alnum(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10;
}

static bool is_full_width(const uint8_t *p)
{
    return p[0] == 0xef && ((p[1] == 0xbc && ((p[2] >= 0x90 && p[2] <= 0x99) || p[2] >= 0xa1)) ||
                            (p[1] == 0xbd && p[2] >= 0x81 && p[2] <= 0x9a));
}

/* The kind of the character at s and its length. */
static enum char_kind char_of(struct span s, size_t *n)
{
    uint32_t code;
    bool bad;
    if (s.n == 0)
        return NO_LABEL;
    uint8_t c = *s.p;
    *n = 1;
    if (c < 0x80) {
        if (kinds[c] & LABEL)
            return ASCII;
        if (c == '%' && s.n >= 3 && is_alnum(s.p[1]) && is_alnum(s.p[2])) {
            *n = 3;
            return ASCII;
        }
        if (c == '&' && s.n >= 3 && s.p[1] == '#' && (*n = html_entity(s, true, &code, &bad)))
            return ASCII;
        return NO_LABEL;
    }
    if ((*n = url_invisible(s)))
        return LETTER;
    *n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc3 || *n > s.n)
        return NO_LABEL;
    if (c < 0xe2 || c >= 0xf0)
        return LETTER;
    if (c == 0xe2 || (c == 0xe3 && s.p[1] == 0x80))
        return NO_LABEL; /* punctuation */
    if (c == 0xef)
        return is_full_width(s.p) ? LETTER : NO_LABEL;
    return WIDE;
}

/* Where the label that ends before `end` begins. */
static size_t label_start(const struct finder *f, size_t end)
{
    size_t i = end, bound = end - f->from > LABEL_BACK ? end - LABEL_BACK : f->from;
    enum char_kind last = NO_LABEL;
    while (i > bound && (kinds[f->text.p[i - 1]] & LABEL))
        i--;
    if (i == bound || f->text.p[i - 1] < 0x80)
        return i;
    last = i < end ? ASCII : NO_LABEL;
    while (i > f->from && end - i < LABEL_BACK) {
        size_t k = i - 1, n;
        while (k > f->from && i - k < 4 && (f->text.p[k] & 0xc0) == 0x80)
            k--;
        enum char_kind kind = char_of(at(f, k), &n);
        if (kind == NO_LABEL || k + n != i || (kind == WIDE && last == ASCII))
            break;
        last = kind;
        i = k;
    }
    return i;
}

static size_t label_end(const struct finder *f, size_t i)
{
    size_t start = i, n, bound = f->text.n - i > LABEL_BACK ? i + LABEL_BACK : f->text.n;
    enum char_kind last = NO_LABEL;
    while (i < bound && (kinds[f->text.p[i]] & LABEL))
        i++;
    if (i == bound || (f->text.p[i] < 0x80 && f->text.p[i] != '%' && f->text.p[i] != '&'))
        return i;
    last = i > start ? ASCII : NO_LABEL;
    while (i - start < LABEL_BACK) {
        enum char_kind kind = char_of(at(f, i), &n);
        if (kind == NO_LABEL || (kind == WIDE && last == ASCII))
            break;
        last = kind;
        i += n;
    }
    return i;
}

/* The last label of what lies before `end`, one of the usual top-level domains? */
static bool ends_usual(const struct finder *f, size_t start, size_t end)
{
    char host[2 + USUAL_MAX] = "x.";
    size_t n = end - start;
    if (n > USUAL_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        host[2 + i] = (char)text_lower(f->text.p[start + i]);
    return url_tld_of(span_of(host, 2 + n)) == URL_TLD_USUAL;
}

/* A host that begins at i: where it ends. Dots that are spaced apart count only when what follows
 * ends in a usual top-level domain: "www . example . com", not "the end . Then". */
static size_t host_end(const struct finder *f, size_t start)
{
    size_t i = label_end(f, start), solid = 0, last = start;
    unsigned spaced = 0;
    if (i == start)
        return start;
    while (i - start < URL_HOST_RAW_MAX) {
        uint32_t bits = 0;
        size_t dot = url_dot(at(f, i), &bits), next = dot ? label_end(f, i + dot) : 0;
        if (!dot || next == i + dot)
            break;
        if (bits & URL_SPACED) {
            if (spaced == SPACED_MAX)
                break;
            if (spaced++ == 0)
                solid = i;
        }
        last = i + dot;
        i = next;
    }
    return spaced && !ends_usual(f, last, i) ? solid : i;
}

/* Does the character end a URL in running text? */
static inline bool ends_url(const uint8_t *p, const uint8_t *end)
{
    uint8_t kind = kinds[*p];
    if (!(kind & (ENDS | MAY_END)))
        return false;
    if (kind & ENDS)
        return true;
    struct span s = span_of(p, (size_t)(end - p));
    return (*p == 0xc2 && s.n >= 2 && p[1] == 0xa0) || (*p == 0xe2 && s.n >= 2 && p[1] == 0x80) ||
           (*p == 0xe3 && s.n >= 2 && p[1] == 0x80) ||
           (*p == 0xef && s.n >= 3 && p[1] == 0xbc && p[2] < 0xa0 && !is_full_width(p));
}

/* Full stops, quotes and brackets that belong to the sentence. */
static size_t without_tail(const struct finder *f, size_t start, size_t end)
{
    int round = 0, square = 0, curly = 0;
    while (end > start && kinds[f->text.p[end - 1]] == TAIL) /* no brackets */
        end--;
    if (end == start || !(kinds[f->text.p[end - 1]] & (TAIL | CLOSES)))
        return end;
    for (size_t i = start; i < end; i++) {
        uint8_t c = f->text.p[i];
        round += (c == '(') - (c == ')');
        square += (c == '[') - (c == ']');
        curly += (c == '{') - (c == '}');
    }
    for (; end > start; end--) {
        uint8_t c = f->text.p[end - 1];
        if (c == ')' && round < 0)
            round++;
        else if (c == ']' && square < 0)
            square++;
        else if (c == '}' && curly < 0)
            curly++;
        else if (!(kinds[c] & TAIL))
            break;
        else {
            round -= c == '(';
            square -= c == '[';
            curly -= c == '{';
        }
    }
    return end;
}

/* What follows a host: port, path, query. */
static size_t rest_end(const struct finder *f, size_t start, size_t i)
{
    size_t k = i;
    if (k < f->text.n && f->text.p[k] == ':') {
        k++;
        while (k < f->text.n && k - i < 7 && f->text.p[k] >= '0' && f->text.p[k] <= '9')
            k++;
        if (k - i > 1)
            i = k;
    }
    if (i == f->text.n || !(kinds[f->text.p[i]] & REST))
        return i;
    const uint8_t *end = f->text.p + f->text.n;
    size_t limit = f->text.n - start < URL_MAX ? f->text.n : start + URL_MAX;
    for (k = i; (k = url_next_end(f->text.p, k, limit)) < limit && !ends_url(f->text.p + k, end);)
        k++;
    if (k - start >= URL_MAX) /* not within a character */
        while (k > i && (f->text.p[k - 1] & 0xc0) == 0x80)
            k--;
    k = without_tail(f, start, k);
    return k > i ? k : i;
}

static bool found(struct finder *f, size_t start, size_t end)
{
    struct url u;
    if (url_parse(span_of(f->text.p + start, end - start), f->arena, &u) < 0)
        return false;
    f->out[f->n++] = u;
    f->from = end;
    for (unsigned depth = 0; depth < URL_REDIRECTS_MAX && f->n < f->max; depth++) {
        if (url_redirect(&f->out[f->n - 1], f->arena, &f->out[f->n]) < 0)
            break;
        f->n++;
    }
    return true;
}

/* The authority behind a scheme may have userinfo and brackets. */
static size_t authority_end(const struct finder *f, size_t i)
{
    size_t k = i;
    if (k < f->text.n && f->text.p[k] == '[') { /* IPv6 */
        size_t close =
            text_find(span_of(f->text.p + k, f->text.n - k < 48 ? f->text.n - k : 48), ']');
        return k + close < f->text.n && f->text.p[k + close] == ']' ? k + close + 1 : i;
    }
    /* userinfo: up to an '@' before anything that ends the authority */
    const uint8_t *end = f->text.p + f->text.n;
    for (; k < f->text.n && k - i < URL_HOST_RAW_MAX; k++) {
        if (ends_url(f->text.p + k, end) || (kinds[f->text.p[k]] & ENDS_HOST))
            break;
        if (f->text.p[k] == '@')
            i = k + 1;
    }
    return host_end(f, i);
}

/* What may not be left to the usual way behind a host: userinfo, ports, dots that are disguised. */
static bool ends_plainly(const struct finder *f, size_t i)
{
    if (i == f->text.n || f->text.p[i] == '/' || f->text.p[i] == '?')
        return true;
    if (f->text.p[i] == ' ') {
        static const char dots[] = ".dD[({";
        return i + 1 == f->text.n || !f->text.p[i + 1] || !strchr(dots, f->text.p[i + 1]);
    }
    return kinds[f->text.p[i]] & ENDS;
}

/* A URL without any disguise: the same in a few steps. 0 when it may be another. */
static size_t try_plain(struct finder *f, size_t colon)
{
    size_t start = colon - 4 - (f->text.p[colon - 1] == 's');
    size_t scheme = f->text.n - start < URL_PLAIN_MIN ? 0 : url_plain_scheme(f->text.p + start);
    if (!scheme)
        return 0;
    size_t name = start + scheme, host = name + url_plain_host(at(f, name));
    if (host == name || !ends_plainly(f, host))
        return 0;
    size_t end = rest_end(f, start, host);
    found(f, start, end);
    return end;
}

/* At the ':' (or "[:") behind a scheme. Where to look on. */
static size_t try_scheme(struct finder *f, size_t colon)
{
    size_t plain_end = colon >= f->from + SCHEME_BACK ? try_plain(f, colon) : 0;
    if (plain_end)
        return plain_end;
    struct span plain;
    uint32_t bits = 0;
    size_t start = 0, n, i = colon;
    for (n = SCHEME_BACK; n >= 3; n--)
        if (colon >= f->from + n && url_scheme(span_of(f->text.p + colon - n, n), &plain, &bits))
            break;
    if (n < 3)
        return colon + 1;
    start = colon - n;
    while (i < f->text.n && i - colon < 8 && strchr("[:/\\]", f->text.p[i]) && f->text.p[i]) {
        if (f->text.p[i] == '[' && i > colon) /* an address's */
            break;
        i++;
    }
    size_t host = authority_end(f, i);
    if (host == i)
        return colon + 1;
    struct url u = {0};
    const uint8_t *userinfo = memrchr(f->text.p + i, '@', host - i);
    size_t name = userinfo ? (size_t)(userinfo + 1 - f->text.p) : i;
    if (url_host(span_of(f->text.p + name, host - name), f->arena, &u) < 0)
        return host;
    size_t end = rest_end(f, start, host);
    found(f, start, end);
    return end;
}

/* Is the last label written as a sentence's first word: "ended.It was"? */
static bool begins_sentence(const struct finder *f, size_t start, size_t end)
{
    size_t i = end;
    while (i > start && is_alnum(f->text.p[i - 1]))
        i--;
    return end - i >= 2 && f->text.p[i] <= 'Z' && f->text.p[i] >= 'A' && f->text.p[i + 1] >= 'a';
}

/* Is the last label plain, and surely no top-level domain ("3.50", "end.Then")? */
static bool ends_unknown(struct span raw)
{
    char host[2 + UNKNOWN_MAX] = "x.";
    size_t n = 0, digits = 0;
    while (n < raw.n && (kinds[raw.p[raw.n - 1 - n]] & LABEL)) {
        n++;
        digits += (uint8_t)(raw.p[raw.n - n] - '0') < 10;
    }
    if (n == raw.n || raw.p[raw.n - 1 - n] != '.')
        return false;
    if (digits == n) /* an address at best */
        return true;
    if (n > UNKNOWN_MAX)
        return false;
    for (size_t i = 0; i < n; i++)
        host[2 + i] = (char)text_lower(raw.p[raw.n - n + i]);
    return url_tld_of(span_of(host, 2 + n)) == URL_TLD_NONE;
}

/* Whether a host without a scheme, as it stands there, is a link to a reader. */
static bool is_link(struct finder *f, size_t start, size_t end, bool more)
{
    struct url u = {0};
    struct span raw = span_of(f->text.p + start, end - start);
    if (ends_unknown(raw) || url_host(raw, f->arena, &u) < 0 || (u.disguises & URL_ADDRESS))
        return false;
    enum url_tld tld = url_tld_of(u.host);
    if (tld == URL_TLD_NONE)
        return false;
    if (text_starts(u.host, "www.") && u.host.n > 4 && memchr(u.host.p + 4, '.', u.host.n - 4))
        return true;
    if (u.disguises & URL_SPACED)
        return tld == URL_TLD_USUAL;
    if (more)
        return true;
    return tld >= URL_TLD_BARE && !begins_sentence(f, start, end);
}

/* At a dot, or what may stand for one. Where to look on. */
static size_t try_host(struct finder *f, size_t dot)
{
    size_t start = label_start(f, dot), end = start;
    if (start < dot)
        end = host_end(f, start);
    if (end <= dot)
        return dot + 1;
    uint8_t before = start ? f->text.p[start - 1] : ' ',
            behind = end < f->text.n ? f->text.p[end] : ' ';
    if (before == '@' || before == '/' || before == '\\' || behind == '@')
        return end; /* of a mail address, of a path */
    size_t whole = rest_end(f, start, end);
    if (is_link(f, start, end, whole > end) && found(f, start, whole))
        return whole;
    return end;
}

static inline size_t next_place(struct span text, size_t i, bool vector)
{
    return vector ? url_next_avx2(text, i) : url_next(text, i);
}

size_t url_find(struct span text, struct arena *arena, struct url *out, size_t max)
{
    struct finder f = {text, arena, out, 0, max, 0};
    bool vector = vector_is_on();
    for (size_t i = 0; f.n < f.max && (i = next_place(text, i, vector)) < text.n;) {
        bool scheme =
            text.p[i] == ':' || (i + 1 < text.n && text.p[i] == '[' && text.p[i + 1] == ':');
        i = scheme ? try_scheme(&f, i) : try_host(&f, i);
    }
    return f.n;
}
