#include "wire/html_style.h"

#include "wire/html_names.h"
#include "wire/text.h"

#define BRACKETS_MAX 4096 /* bytes within brackets that are looked through for their end */
#define SHADES_MAX   128  /* bytes of a colour attribute that browsers look at */

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v');
}

static struct span trim(struct span s)
{
    while (s.n && is_space(*s.p))
        s = text_behind(s, 1);
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static int hex_value(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Colours. */

static bool color_named(struct span text, uint32_t *rgb)
{
    static const struct {
        const char *name;
        uint32_t rgb;
    } names[] = {
#define C(name, rgb) {name, rgb},
#include "wire/html_colors.def"
#undef C
    };
    char name[24];
    if (text.n >= sizeof name)
        return false;
    for (size_t i = 0; i < text.n; i++)
        name[i] = (char)text_lower(text.p[i]);
    name[text.n] = 0;
    size_t low = 0, high = sizeof names / sizeof *names;
    while (low < high) {
        size_t mid = (low + high) / 2;
        int order = strcmp(name, names[mid].name);
        if (order == 0) {
            *rgb = names[mid].rgb;
            return true;
        }
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return false;
}

/* One more than a hexadecimal digit's value; 0 for others. */
static const uint8_t hex_rank[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
    ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

/* Six digits, which nearly all colours are. */
static bool color_six(const uint8_t *p, uint32_t *rgb)
{
    uint32_t v = 0;
    bool all = true;
    for (unsigned i = 0; i < 6; i++) {
        unsigned rank = hex_rank[p[i]];
        all &= rank != 0;
        v = v << 4 | ((rank - 1) & 15);
    }
    if (all)
        *rgb = v;
    return all;
}

/* 3, 4, 6 or 8 hexadecimal digits. */
static bool color_hex(struct span text, uint32_t *rgb, bool *clear)
{
    uint32_t v = 0;
    if (text.n != 3 && text.n != 4 && text.n != 6 && text.n != 8)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        int digit = hex_value(text.p[i]);
        if (digit < 0)
            return false;
        v = v << 4 | (uint32_t)digit;
        if (text.n <= 4)
            v = v << 4 | (uint32_t)digit;
    }
    if (text.n == 4 || text.n == 8) {
        *clear = (v & 0xff) == 0;
        v >>= 8;
    }
    *rgb = v;
    return true;
}

/* A number with sign and fraction in 64ths; how many bytes it takes, 0 for none. */
static size_t number_read(struct span s, int32_t *out)
{
    size_t i = 0, digits = 0;
    bool minus = s.n && *s.p == '-';
    int64_t v = 0, unit = 64;
    if (s.n && (*s.p == '-' || *s.p == '+'))
        i++;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++)
        if (v < 1 << 20)
            v = v * 10 + (s.p[i] - '0');
    v *= 64;
    if (i < s.n && s.p[i] == '.') {
        int64_t part = 0;
        for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++, digits++) {
            if (unit < 64 * 1000) {
                part = part * 10 + (s.p[i] - '0');
                unit *= 10;
            }
        }
        v += part * 64 * 64 / unit;
    }
    if (!digits)
        return 0;
    *out = (int32_t)(minus ? -v : v);
    return i;
}

/* "1, 2, 3", "1 2 3 / 50%": behind "rgb(" and "rgba(". */
static bool color_rgb(struct span s, uint32_t *rgb, bool *clear)
{
    uint32_t v = 0;
    for (unsigned i = 0; i < 4; i++) {
        int32_t x;
        while (s.n && (is_space(*s.p) || *s.p == ',' || *s.p == '/'))
            s = text_behind(s, 1);
        size_t n = number_read(s, &x);
        if (n == 0)
            return i == 3 && (*rgb = v, true);
        s = text_behind(s, n);
        if (i == 3) {
            *clear = x <= 3; /* a twentieth */
            break;
        }
        if (s.n && *s.p == '%')
            x = x * 255 / 100;
        x /= 64;
        v = v << 8 | (uint32_t)(x < 0 ? 0 : x > 255 ? 255 : x);
        if (s.n && *s.p == '%')
            s = text_behind(s, 1);
    }
    *rgb = v;
    return true;
}

bool html_color_css(struct span text, uint32_t *rgb, bool *clear)
{
    *clear = false;
    text = trim(text);
    if (text.n == 0)
        return false;
    if (text.n == 7 && *text.p == '#' && color_six(text.p + 1, rgb))
        return true;
    if (*text.p == '#')
        return color_hex(text_behind(text, 1), rgb, clear);
    if (text_starts(text, "rgb(") || text_starts(text, "rgba("))
        return color_rgb(text_behind(text, text.p[3] == '(' ? 4 : 5), rgb, clear);
    if (text_is(text, "transparent")) {
        *clear = true;
        *rgb = 0;
        return true;
    }
    /* without the #: mail is read in quirks mode */
    return color_named(text, rgb) || ((text.n == 3 || text.n == 6) && color_hex(text, rgb, clear));
}

bool html_color_legacy(struct span text, uint32_t *rgb)
{
    uint8_t digit[SHADES_MAX + 2];
    size_t n = 0;
    bool clear;
    text = trim(text);
    if (text.n == 7 && *text.p == '#' && color_six(text.p + 1, rgb))
        return true;
    if (text.n == 0 || text_is(text, "transparent"))
        return false;
    if (*text.p != '#' && color_named(text, rgb))
        return true;
    if (text.n == 4 && *text.p == '#' && color_hex(text_behind(text, 1), rgb, &clear))
        return true;
    if (text.n == 7 && *text.p == '#' && color_hex(text_behind(text, 1), rgb, &clear))
        return true;
    if (*text.p == '#')
        text = text_behind(text, 1);
    for (size_t i = 0; i < text.n && n < SHADES_MAX; i++) {
        int v = hex_value(text.p[i]);
        digit[n++] = (uint8_t)(v < 0 ? 0 : v);
    }
    while (n == 0 || n % 3)
        digit[n++] = 0;
    size_t third = n / 3, skip = third > 8 ? third - 8 : 0, use = third - skip;
    while (use > 2 && !digit[skip] && !digit[third + skip] && !digit[2 * third + skip]) {
        skip++;
        use--;
    }
    uint32_t v = 0;
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *d = digit + i * third + skip;
        v = v << 8 | (uint32_t)(use == 1 ? d[0] : d[0] << 4 | d[1]);
    }
    *rgb = v;
    return true;
}

static bool colors_near(uint32_t a, uint32_t b)
{
    if ((a | b) & HTML_COLOR_NONE)
        return false;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        int d = (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
        if (d > HTML_COLOR_NEAR || d < -HTML_COLOR_NEAR)
            return false;
    }
    return true;
}

/* Lengths. */

bool html_length(struct span text, int32_t *out, bool *percent)
{
    static const struct {
        const char *unit;
        int32_t times, by; /* pixels */
    } units[] = {{"px", 1, 1},    {"pt", 4, 3},     {"in", 96, 1}, {"pc", 16, 1},
                 {"cm", 378, 10}, {"mm", 378, 100}, {"q", 94, 100}};
    int32_t v;
    text = trim(text);
    size_t n = number_read(text, &v);
    if (n == 0)
        return false;
    text = text_behind(text, n);
    *percent = false;
    *out = v;
    if (text.n == 0)
        return true;
    if (*text.p == '%') {
        *percent = true;
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (text_starts(text, units[i].unit)) {
            int64_t px = (int64_t)v * units[i].times / units[i].by;
            *out = px > INT32_MAX ? INT32_MAX : px < INT32_MIN ? INT32_MIN : (int32_t)px;
            return true;
        }
    }
    if (text_starts(text, "rem")) {
        *out = v > 1 << 22 ? 1 << 26 : v * 16;
        return true;
    }
    *percent = true; /* em, ex, ch */
    int64_t part = (int64_t)v * (text_starts(text, "em") ? 100 : 50);
    *out = part > INT32_MAX ? INT32_MAX : part < INT32_MIN ? INT32_MIN : (int32_t)part;
    return true;
}

/* Declarations. */

static void put(struct html_decl *d, uint32_t bits, uint32_t instead_of)
{
    d->set = (d->set & ~instead_of) | bits;
}

static void take_size(struct span v, struct html_decl *d)
{
    int32_t size;
    bool percent;
    if (!html_length(v, &size, &percent)) {
        if (v.n &&
            (text_lower(*v.p) != 'i')) /* medium, x-small: all large enough; inherit: no change */
            size = HTML_SIZE(16), percent = false;
        else
            return;
    }
    if (size < 0)
        return;
    d->size = size;
    put(d, percent ? CSS_SIZE_PERCENT : CSS_SIZE, CSS_SIZE | CSS_SIZE_PERCENT);
}

/* The next word of a value; brackets hold words together. False at the end. */
static bool word_next(struct cur *c, struct span *word)
{
    while (cur_left(c) && is_space(*c->p))
        c->p++;
    const uint8_t *start = c->p;
    unsigned depth = 0;
    for (; cur_left(c) && (depth || !is_space(*c->p)); c->p++) {
        if (*c->p == '(')
            depth++;
        else if (*c->p == ')' && depth)
            depth--;
    }
    *word = span_of(start, (size_t)(c->p - start));
    return word->n > 0;
}

/* "bold 12px/1.2 Arial": the first length is the size. */
static void take_font(struct span v, struct html_decl *d)
{
    struct span word;
    for (struct cur c = cur_of(v); word_next(&c, &word);) {
        int32_t size;
        bool percent;
        word.n = text_find(word, '/');
        if (word.n && word.p[word.n - 1] >= 'A' && html_length(word, &size, &percent)) {
            take_size(word, d);
            return;
        }
        if (word.n && word.p[word.n - 1] == '%') {
            take_size(word, d);
            return;
        }
    }
}

static void take_background(struct span v, struct html_decl *d)
{
    struct span word;
    uint32_t rgb;
    bool clear, picture = false;
    for (struct cur c = cur_of(v); word_next(&c, &word);) {
        if (memchr(word.p, '(', word.n) && !text_starts(word, "rgb")) {
            picture = true; /* url(), gradients */
        } else if (html_color_css(word, &rgb, &clear) && !clear) {
            d->bg = rgb;
            put(d, CSS_BG, 0);
        }
    }
    if (picture) {
        d->bg = HTML_COLOR_NONE;
        put(d, CSS_BG, 0);
    }
}

/* A length of at most a pixel that is none of a share. */
static bool is_nothing(struct span v)
{
    int32_t n;
    bool percent;
    return html_length(v, &n, &percent) && n <= 64 && n >= 0 && (!percent || n == 0);
}

static bool is_far(struct span v, bool both)
{
    int32_t n;
    bool percent;
    if (!html_length(v, &n, &percent))
        return false;
    if (percent)
        n = n / 100 *
            10; /* of some font's size, or of the page: about ten pixels for each percent */
    return n <= -HTML_FAR * 64 || (both && n >= 10 * HTML_FAR * 64);
}

static void take_color(struct span v, struct html_decl *d)
{
    bool clear;
    uint32_t rgb;
    if (!html_color_css(v, &rgb, &clear))
        return;
    d->fg = rgb;
    put(d, CSS_FG | (clear ? CSS_CLEAR : 0), CSS_CLEAR);
}

static void take_display(struct span v, struct html_decl *d)
{
    if (text_is(v, "none"))
        put(d, CSS_NONE, CSS_SHOWN | CSS_BLOCK);
    else
        put(d, CSS_SHOWN | (text_is(v, "block") ? CSS_BLOCK : 0), CSS_NONE | CSS_BLOCK);
}

static void take(struct span name, struct span v, struct html_decl *d)
{
    int32_t n;
    bool percent;
    switch (name.n) {
    case 3:
        if (text_is(name, "top") && is_far(v, true))
            put(d, CSS_FAR, 0);
        break;
    case 4:
        if (text_is(name, "left") && is_far(v, true))
            put(d, CSS_FAR, 0);
        else if (text_is(name, "font"))
            take_font(v, d);
        break;
    case 5:
        if (text_is(name, "color"))
            take_color(v, d);
        else if (text_is(name, "width") && is_nothing(v))
            put(d, CSS_BOX_EMPTY, 0);
        break;
    case 6:
        if (text_is(name, "height") && is_nothing(v))
            put(d, CSS_BOX_EMPTY, 0);
        break;
    case 7:
        if (text_is(name, "display"))
            take_display(v, d);
        else if (text_is(name, "opacity") && html_length(v, &n, &percent) && n <= 3)
            put(d, CSS_NONE, 0);
        break;
    case 8:
        if (text_is(name, "position") && (text_is(v, "absolute") || text_is(v, "fixed")))
            put(d, CSS_PLACED, 0);
        else if (text_is(name, "overflow") && text_is(v, "hidden"))
            put(d, CSS_CLIPPED, 0);
        else if (text_is(name, "mso-hide") && text_is(v, "all"))
            put(d, CSS_NONE, 0);
        break;
    case 9:
        if (text_is(name, "font-size"))
            take_size(v, d);
        else if ((text_is(name, "max-width")) && is_nothing(v))
            put(d, CSS_BOX_EMPTY, 0);
        break;
    case 10:
        if (text_is(name, "visibility") && !text_is(v, "inherit"))
            put(d, text_is(v, "visible") ? CSS_SEEN : CSS_UNSEEN, CSS_SEEN | CSS_UNSEEN);
        else if (text_is(name, "background"))
            take_background(v, d);
        else if (text_is(name, "max-height") && is_nothing(v))
            put(d, CSS_BOX_EMPTY, 0);
        else if (text_is(name, "margin-top") && is_far(v, false))
            put(d, CSS_FAR | CSS_PLACED, 0);
        break;
    case 11:
        if (text_is(name, "text-indent") && is_far(v, false))
            put(d, CSS_NONE, 0);
        else if (text_is(name, "margin-left") && is_far(v, false))
            put(d, CSS_FAR | CSS_PLACED, 0);
        else if (text_is(name, "white-space"))
            put(d, text_starts(v, "pre") ? CSS_PRE : CSS_WRAP, CSS_PRE | CSS_WRAP);
        break;
    case 16:
        if (text_is(name, "background-color") || text_is(name, "background-image"))
            take_background(v, d);
        break;
    }
}

/* Properties begin with one of these, or do not matter. */
static bool may_matter(uint8_t c)
{
    return (uint64_t)1 << (c & 63) &
           ((uint64_t)1 << ('t' & 63) | (uint64_t)1 << ('l' & 63) | (uint64_t)1 << ('f' & 63) |
            (uint64_t)1 << ('c' & 63) | (uint64_t)1 << ('w' & 63) | (uint64_t)1 << ('h' & 63) |
            (uint64_t)1 << ('d' & 63) | (uint64_t)1 << ('o' & 63) | (uint64_t)1 << ('p' & 63) |
            (uint64_t)1 << ('m' & 63) | (uint64_t)1 << ('v' & 63) | (uint64_t)1 << ('b' & 63));
}

static struct span without_important(struct span v)
{
    const uint8_t *at = v.n ? memrchr(v.p, '!', v.n) : NULL;
    return at ? trim(span_of(v.p, (size_t)(at - v.p))) : v;
}

/* Behind a comment that begins at p; end when it does not end. */
static const uint8_t *comment_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *at = memmem(p + 2, (size_t)(end - p - 2), "*/", 2);
    return at ? at + 2 : end;
}

static bool is_comment(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 2 && p[0] == '/' && p[1] == '*';
}

/* The end of a declaration: its semicolon, not one within brackets. */
static const uint8_t *declaration_end(const uint8_t *p, const uint8_t *end)
{
    const uint8_t *semi = memchr(p, ';', (size_t)(end - p));
    if (!semi)
        return end;
    const uint8_t *open = memchr(p, '(', (size_t)(semi - p));
    if (open && !memchr(open, ')', (size_t)(semi - open))) {
        size_t near = (size_t)(end - semi) < BRACKETS_MAX ? (size_t)(end - semi) : BRACKETS_MAX;
        const uint8_t *close = memchr(semi, ')', near);
        semi = close ? memchr(close, ';', (size_t)(end - close)) : semi;
    }
    return semi ? semi : end;
}

void html_css_read(struct span text, struct html_decl *d)
{
    const uint8_t *p = text.p, *end = p + text.n;
    while (p < end) {
        if (is_space(*p) || *p == ';') {
            p++;
            continue;
        }
        if (is_comment(p, end)) {
            p = comment_end(p, end);
            continue;
        }
        const uint8_t *stop = declaration_end(p, end);
        if (may_matter(text_lower(*p))) {
            const uint8_t *colon = memchr(p, ':', (size_t)(stop - p));
            if (colon) {
                struct span value = trim(span_of(colon + 1, (size_t)(stop - colon - 1)));
                if (is_comment(value.p, value.p + value.n)) {
                    const uint8_t *behind = comment_end(value.p, value.p + value.n);
                    value = trim(span_of(behind, (size_t)(value.p + value.n - behind)));
                }
                take(trim(span_of(p, (size_t)(colon - p))), without_important(value), d);
            }
        }
        p = stop;
    }
}

void html_style_judge(struct html_style *s)
{
    s->hidden = s->gone || s->unseen || s->clear || s->quiet || s->size < HTML_SIZE_SEEN ||
                colors_near(s->fg, s->bg);
}

void html_style_apply(struct html_style *s, const struct html_decl *d)
{
    const uint32_t clipped = CSS_BOX_EMPTY | CSS_CLIPPED, far = CSS_PLACED | CSS_FAR;
    if (d->set & CSS_FG) {
        s->fg = d->fg;
        s->clear = d->set & CSS_CLEAR;
    }
    if (d->set & CSS_BG)
        s->bg = d->bg;
    if (d->set & CSS_SIZE)
        s->size = d->size;
    else if (d->set & CSS_SIZE_PERCENT)
        s->size = (int32_t)(((int64_t)s->size * d->size / 6400) & INT32_MAX);
    if ((d->set & CSS_NONE) || (d->set & clipped) == clipped || (d->set & far) == far)
        s->gone = true;
    if (d->set & (CSS_UNSEEN | CSS_SEEN))
        s->unseen = d->set & CSS_UNSEEN;
    if (d->set & (CSS_PRE | CSS_WRAP))
        s->pre = d->set & CSS_PRE;
}

/* Style sheets. */

static uint32_t name_hash(struct span s)
{
    uint32_t h = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ text_lower(s.p[i])) * 16777619u;
    return h;
}

static unsigned tag_of(struct span name)
{
    const struct html_name *t = html_tag_find(html_name_word(name.p, name.n, name.n), name.n);
    return t ? t->id : T_UNKNOWN;
}

static bool is_name(struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = text_lower(s.p[i]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
              c >= 0x80))
            return false;
    }
    return s.n > 0;
}

/* One selector: "p", ".x", "p.x", "#x", "*.x". Others are not for us. */
static void rule_add(struct html_sheet *s, struct span selector, const struct html_decl *d)
{
    size_t n = 0;
    struct html_rule r = {.decl = *d};
    selector = trim(selector);
    while (n < selector.n && selector.p[n] != '.' && selector.p[n] != '#')
        n++;
    struct span tag = span_of(selector.p, n);
    if (n && !span_is(tag, "*")) {
        r.tag = (uint8_t)(is_name(tag) ? tag_of(tag) : T_UNKNOWN);
        if (r.tag == T_UNKNOWN)
            return;
    }
    if (n < selector.n) {
        struct span name = text_behind(selector, n + 1);
        if (!is_name(name))
            return;
        r.kind = selector.p[n] == '.' ? SEL_CLASS : SEL_ID;
        r.hash = name_hash(name);
    } else if (r.tag == T_UNKNOWN) {
        return;
    }
    if (s->n == HTML_RULES_MAX)
        return;
    s->rule[s->n++] = r;
    if (r.kind == SEL_TAG)
        s->tags[r.tag >> 6] |= (uint64_t)1 << (r.tag & 63);
    else
        s->names |= (uint64_t)1 << (r.hash & 63);
}

/* Behind the block that opens at p: "{ { } }". */
static const uint8_t *block_end(const uint8_t *p, const uint8_t *end)
{
    unsigned depth = 0;
    for (; p < end; p++) {
        if (*p == '{')
            depth++;
        else if (*p == '}' && --depth == 0)
            return p + 1;
    }
    return end;
}

static const uint8_t *at_rule_end(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p != ';' && *p != '{')
        p++;
    return p < end && *p == '{' ? block_end(p, end) : p + (p < end);
}

void html_sheet_read(struct span text, struct html_sheet *s)
{
    const uint8_t *p = text.p, *end = p + text.n;
    while (p < end && s->n < HTML_RULES_MAX) {
        if (is_comment(p, end)) {
            p = comment_end(p, end);
            continue;
        }
        if (is_space(*p) || *p == '}') {
            p++;
            continue;
        }
        if (*p == '@') {
            p = at_rule_end(p, end);
            continue;
        }
        if (end - p >= 4 && memcmp(p, "<!--", 4) == 0) {
            p += 4;
            continue;
        }
        const uint8_t *open = memchr(p, '{', (size_t)(end - p));
        if (!open)
            break;
        const uint8_t *close = memchr(open, '}', (size_t)(end - open));
        struct html_decl d = {0};
        if (!close)
            close = end;
        html_css_read(span_of(open + 1, (size_t)(close - open - 1)), &d);
        for (const uint8_t *at = p; d.set && at < open;) {
            const uint8_t *comma = memchr(at, ',', (size_t)(open - at));
            if (!comma)
                comma = open;
            rule_add(s, span_of(at, (size_t)(comma - at)), &d);
            at = comma + 1;
        }
        p = close;
    }
}

static void decl_merge(struct html_decl *to, const struct html_decl *from)
{
    uint32_t instead = 0, set = from->set;
    if (set & (CSS_NONE | CSS_SHOWN))
        instead |= CSS_NONE | CSS_SHOWN | CSS_BLOCK;
    if (set & (CSS_UNSEEN | CSS_SEEN))
        instead |= CSS_UNSEEN | CSS_SEEN;
    if (set & (CSS_SIZE | CSS_SIZE_PERCENT)) {
        instead |= CSS_SIZE | CSS_SIZE_PERCENT;
        to->size = from->size;
    }
    if (set & CSS_FG) {
        instead |= CSS_CLEAR;
        to->fg = from->fg;
    }
    if (set & CSS_BG)
        to->bg = from->bg;
    if (set & (CSS_PRE | CSS_WRAP))
        instead |= CSS_PRE | CSS_WRAP;
    put(to, set, instead);
}

static void match_name(const struct html_sheet *s, unsigned tag, enum html_selector kind,
                       struct span name, struct html_decl *d)
{
    uint32_t hash = name_hash(name);
    if (!(s->names >> (hash & 63) & 1))
        return;
    for (unsigned i = 0; i < s->n; i++) {
        const struct html_rule *r = &s->rule[i];
        if (r->hash == hash && r->kind == kind && (r->tag == T_UNKNOWN || r->tag == tag))
            decl_merge(d, &r->decl);
    }
}

void html_sheet_match(const struct html_sheet *s, unsigned tag, struct span classes, struct span id,
                      struct html_decl *d)
{
    struct cur c = cur_of(classes);
    struct span name;
    bool by_tag = tag < 128 && (s->tags[tag >> 6] >> (tag & 63) & 1);
    for (unsigned i = 0; i < s->n && by_tag; i++)
        if (s->rule[i].kind == SEL_TAG && s->rule[i].tag == tag)
            decl_merge(d, &s->rule[i].decl);
    for (unsigned i = 0; i < HTML_CLASSES_MAX && word_next(&c, &name); i++)
        match_name(s, tag, SEL_CLASS, name, d);
    if (id.n)
        match_name(s, tag, SEL_ID, trim(id), d);
}
