#include "web/words.h"

#include <stdarg.h>
#include <string.h>

#include "web/html.h"
#include "web/words_impl.h"

#define ARGS_MAX   9
#define RANGES_MAX 32 /* of an Accept-Language header; those behind are passed over */
#define WEIGHT_MAX 1000
#define NEST_MAX   4

/* ---- which language ---- */

/* The catalogue of that very tag. */
static const struct words *exactly(struct span tag)
{
    for (const struct words *w = words_table; w->language; w++)
        if (span_ieq(span_str(w->language), tag))
            return w;
    return NULL;
}

/* Without the last subtag; empty when it was the only one. RFC 4647, 3.4: single letters go, too.
 */
static struct span shorter(struct span tag)
{
    size_t n = tag.n;
    while (n && tag.p[n - 1] != '-')
        n--;
    n -= n > 0;
    if (n >= 2 && tag.p[n - 2] == '-')
        n -= 2;
    return span_of(tag.p, n);
}

const struct words *words_in(struct span language)
{
    const struct words *w = NULL;
    for (; language.n && !w; language = shorter(language))
        w = exactly(language);
    return w;
}

/* ";q=0.5" behind a range, in thousandths (RFC 9110, 12.4.2); -1: it is not that. */
static int weight(struct span s)
{
    s = span_trim(s);
    if (!s.n)
        return WEIGHT_MAX;
    if (s.n < 3 || (s.p[0] | 32) != 'q' || s.p[1] != '=' || s.n > 7 ||
        (s.p[2] != '0' && s.p[2] != '1') || (s.n > 3 && s.p[3] != '.'))
        return -1;
    int value = (s.p[2] - '0') * WEIGHT_MAX, digit = WEIGHT_MAX / 10;
    for (size_t i = 4; i < s.n; i++, digit /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        value += (s.p[i] - '0') * digit;
    }
    return value <= WEIGHT_MAX ? value : -1;
}

struct range {
    struct span tag;
    int weight;
};

static struct span cut(struct span *s, uint8_t at)
{
    const uint8_t *end = s->n ? memchr(s->p, at, s->n) : NULL;
    struct span head = end ? span_of(s->p, (size_t)(end - s->p)) : *s;
    *s = end ? span_of(end + 1, s->n - head.n - 1) : span_of(NULL, 0);
    return head;
}

static size_t read_ranges(struct span accept, struct range out[RANGES_MAX])
{
    size_t n = 0;
    while (accept.n && n < RANGES_MAX) {
        struct span one = cut(&accept, ','), tag = span_trim(cut(&one, ';'));
        int w = weight(one);
        if (tag.n && w >= 0)
            out[n++] = (struct range){tag, w};
    }
    return n;
}

static const struct words *first_of(char *const *languages)
{
    const struct words *w = NULL;
    for (; !w && languages && *languages; languages++)
        w = words_in(span_str(*languages));
    if (!w)
        w = exactly(span_str("en"));
    return w ? w : words_table;
}

static bool offered(const struct words *w, char *const *languages)
{
    for (; languages && *languages; languages++)
        if (words_in(span_str(*languages)) == w)
            return true;
    return false;
}

/* How much this language is wanted: by the longest range that is it, or what it begins with; 0:
 * not. */
static int wanted(const struct words *w, const struct range *r, size_t n)
{
    size_t longest = 0;
    int best = -1, any = 0;
    for (size_t i = 0; i < n; i++) {
        if (span_is(r[i].tag, "*"))
            any = r[i].weight > any ? r[i].weight : any;
        else if (words_in(r[i].tag) == w &&
                 (best < 0 || r[i].tag.n > longest || r[i].weight > best)) {
            longest = r[i].tag.n;
            best = r[i].weight;
        }
    }
    return best >= 0 ? best : any;
}

const struct words *words_negotiated(struct span accept, char *const *languages)
{
    struct range ranges[RANGES_MAX];
    size_t n = read_ranges(accept, ranges);
    const struct words *best = NULL;
    int most = 0;
    for (size_t i = 0; i < n; i++) { /* of those equally wanted the header's first */
        const struct words *w = words_in(ranges[i].tag);
        if (!w || !offered(w, languages) || wanted(w, ranges, n) <= most)
            continue;
        most = wanted(w, ranges, n);
        best = w;
    }
    for (char *const *l = languages; !best && l && *l; l++) { /* "*", in the site's own order */
        const struct words *w = words_in(span_str(*l));
        best = w && wanted(w, ranges, n) ? w : NULL;
    }
    return best ? best : first_of(languages);
}

const char *words_language(const struct words *w)
{
    return w->language;
}

bool words_rtl(const struct words *w)
{
    return strcmp(words_raw(w, "site.language.direction"), "rtl") == 0;
}

const char *words_name(const struct words *w)
{
    return words_raw(w, "site.language.name");
}

/* ---- a text ---- */

static const char *find(const struct words *w, const char *key)
{
    size_t low = 0, high = w->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        int c = strcmp(key, w->entries[mid].key);
        if (c == 0)
            return w->entries[mid].text;
        if (c < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return NULL;
}

const char *words_raw(const struct words *w, const char *key)
{
    const char *text = find(w, key);
    return text ? text : key;
}

bool words_have(const struct words *w, const char *key)
{
    return find(w, key) != NULL;
}

struct filling {
    struct buf *out;
    const char *args[ARGS_MAX];
    unsigned n;
    bool html, rtl;
};

/* The argument that "%3" at p names; NULL: p begins no such thing. */
static const char *argument(const struct filling *f, const char *p)
{
    if (p[0] != '%' || p[1] < '1' || p[1] > '9')
        return NULL;
    unsigned i = (unsigned)(p[1] - '1');
    return i < f->n ? f->args[i] : "";
}

/* Where a link may lead: within the site, or by a scheme that runs nothing. */
static bool is_safe_link(const char *url)
{
    static const char *const good[] = {"https://", "http://", "mailto:", "tel:", "#"};
    if (url[0] == '/')
        return url[1] != '/' && url[1] != '\\';
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strncmp(url, good[i], strlen(good[i])) == 0)
            return true;
    return false;
}

static void fill(struct filling *f, const char *p, const char *end, unsigned depth);

/* "[text](%1)" at p: writes it and returns what is behind, NULL when it is not that. */
static const char *fill_link(struct filling *f, const char *p, const char *end, unsigned depth)
{
    const char *close = memchr(p, ']', (size_t)(end - p));
    if (!close || end - close < 5 || close[1] != '(' || close[4] != ')')
        return NULL;
    const char *url = argument(f, close + 2);
    if (!url)
        return NULL;
    bool link = f->html && is_safe_link(url);
    if (link) {
        buf_str(f->out, "<a");
        html_attribute(f->out, "href", span_str(url));
        buf_str(f->out, strncmp(url, "http", 4) == 0 ? " rel=\"noreferrer\">" : ">");
    }
    fill(f, p + 1, close, depth + 1);
    if (link)
        buf_str(f->out, "</a>");
    return close + 5;
}

static const char *fill_strong(struct filling *f, const char *p, const char *end, unsigned depth)
{
    const char *close = memmem(p + 2, (size_t)(end - p - 2), "**", 2);
    if (!close || close == p + 2)
        return NULL;
    buf_str(f->out, f->html ? "<strong>" : "");
    fill(f, p + 2, close, depth + 1);
    buf_str(f->out, f->html ? "</strong>" : "");
    return close + 2;
}

/* What may run the other way than the words around it stands by itself, and moves nothing (UAX 9).
 * From U+0580 on letters may be written from right to left. */
static void put_argument(struct filling *f, const char *arg)
{
    bool other = f->rtl;
    for (const char *p = arg; *p && !other; p++)
        other = (uint8_t)*p >= 0xd6 && (uint8_t)*p != 0xe2;
    buf_str(f->out, other ? "<bdi>" : "");
    html_str(f->out, arg);
    buf_str(f->out, other ? "</bdi>" : "");
}

/* What begins something, or is escaped in HTML. */
static bool is_special(char c)
{
    switch (c) {
    case '%':
    case '[':
    case '*':
    case '&':
    case '<':
    case '>':
    case '"':
    case '\'':
        return true;
    default:
        return false;
    }
}

/* Our own words: no more than the characters of HTML are escaped, marks of direction stay. Gives
 * what is behind. */
static const char *put_own(struct filling *f, const char *p, const char *end)
{
    const char *next = p + 1;
    while (next < end && !is_special(*next))
        next++;
    size_t first = f->html && is_special(*p);
    if (first)
        html_text(f->out, span_of(p, 1));
    buf_put(f->out, p + first, (size_t)(next - p) - first);
    return next;
}

static void fill(struct filling *f, const char *p, const char *end, unsigned depth)
{
    while (p < end) {
        const char *next = NULL, *arg = end - p >= 2 ? argument(f, p) : NULL;
        if (arg) {
            if (f->html)
                put_argument(f, arg);
            else
                buf_str(f->out, arg);
            next = p + 2;
        } else if (*p == '[' && depth < NEST_MAX) {
            next = fill_link(f, p, end, depth);
        } else if (end - p >= 5 && p[0] == '*' && p[1] == '*' && depth < NEST_MAX) {
            next = fill_strong(f, p, end, depth);
        }
        p = next ? next : put_own(f, p, end);
    }
}

static void fill_all(struct filling *f, const struct words *w, const char *key, va_list args)
{
    const char *text = words_raw(w, key), *arg;
    f->rtl = words_rtl(w);
    while (f->n < ARGS_MAX && (arg = va_arg(args, const char *)) != NULL)
        f->args[f->n++] = arg;
    fill(f, text, text + strlen(text), 0);
}

void words_put(struct buf *out, const struct words *w, const char *key, ...)
{
    struct filling f = {.out = out, .html = true};
    va_list args;
    va_start(args, key);
    fill_all(&f, w, key, args);
    va_end(args);
}

void words_plain(struct buf *out, const struct words *w, const char *key, ...)
{
    struct filling f = {.out = out};
    va_list args;
    va_start(args, key);
    fill_all(&f, w, key, args);
    va_end(args);
}
