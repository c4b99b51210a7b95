#include "wire/html.h"

#include "wire/html_entity.h"
#include "wire/html_names.h"
#include "wire/html_scan.h"
#include "wire/html_style.h"
#include "wire/text.h"

#define LINKS_FIRST      8
#define COMMENT_WORDS    2        /* a comment holds words when there are as many... */
#define COMMENT_WORD_MIN 3        /* ...of as many letters */
#define OTHER_TAGS       16       /* tags that we have no number for share so many */
#define LINK_COLOR       0x0000ee /* (WHATWG HTML, 15.3.4) */
#define DECLS            32       /* slots for declarations that were read before */
#define SLACK            32       /* behind an output: whole vectors are stored */

enum separator { SEP_NONE, SEP_SPACE, SEP_LINE };

/* One of the two texts. */
struct sink {
    uint8_t *start, *w;
    uint8_t pending; /* enum separator, before the next byte */
};

struct element {
    struct html_style style;
    uint8_t tag;
    uint16_t flags;
    uint32_t images;     /* how many there were where it began, */
    const uint8_t *seen; /* and how far the texts had come: whether it is empty */
    const uint8_t *not_seen;
};

struct attrs {
    uint32_t have;
    struct span v[A_COUNT];
};

/* What a text came to: mails have the same few styles and classes over and over. */
struct decl_known {
    struct span text; /* empty: none */
    unsigned tag;     /* of classes */
    struct html_decl decl;
};

struct reader {
    struct html *out;
    struct arena *arena;
    size_t room; /* bytes that a text can have */
    struct sink seen, hidden;
    bool useless;   /* since the last byte seen there was what splits words in vain */
    bool body;      /* <body> was there */
    unsigned depth; /* of stack, the ground included */
    unsigned over;  /* elements open beyond it */
    unsigned links_cap;
    uint32_t link_color;
    int anchor;                                      /* index of the <a>'s link, -1 for none */
    struct html_sheet *sheet, *sheet_room;           /* NULL before the first rule */
    struct decl_known styles[DECLS], classes[DECLS]; /* each with its own slot */
    uint16_t open[T_COUNT + OTHER_TAGS], open_over[T_COUNT + OTHER_TAGS];
    struct element stack[HTML_DEPTH_MAX];
};

static struct element *top(struct reader *r)
{
    return &r->stack[r->depth - 1];
}

/* Text. */

static inline void separate(struct reader *r, uint8_t s)
{
    r->seen.pending = r->seen.pending > s ? r->seen.pending : s;
    r->hidden.pending = r->hidden.pending > s ? r->hidden.pending : s;
}

/* The separator that a tag is. */
static inline uint8_t separator_of(uint16_t flags)
{
    return flags / TAG_SPACE & (SEP_SPACE | SEP_LINE);
}

static bool is_word_byte(uint8_t c)
{
    return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c >= 0x80;
}

static struct sink *sink_of(struct reader *r)
{
    if (!top(r)->style.hidden)
        return &r->seen;
    if (!r->hidden.start)
        r->hidden.start = r->hidden.w = arena_alloc(r->arena, r->room);
    return &r->hidden;
}

/* Before a byte of text: the separator that is due. */
static inline void flush(struct reader *r, struct sink *s, uint8_t next)
{
    if (s->pending) {
        if (s->w > s->start)
            *s->w++ = s->pending == SEP_LINE ? '\n' : ' ';
        s->pending = SEP_NONE;
    } else if (r->useless && s == &r->seen && s->w > s->start && is_word_byte(s->w[-1]) &&
               is_word_byte(next)) {
        r->out->anomalies |= HTML_SPLIT_WORDS;
    }
    if (s == &r->seen)
        r->useless = false;
}

static void put_code(struct reader *r, struct sink *s, uint32_t code)
{
    uint8_t utf8[4];
    size_t n;
    if (code == 0xa0 || code == ' ' || (code >= '\t' && code <= '\r')) {
        s->pending = s->pending ? s->pending : SEP_SPACE;
        return;
    }
    if (code < ' ')
        return;
    n = html_utf8(code, utf8);
    flush(r, s, utf8[0]);
    memcpy(s->w, utf8, n);
    s->w += n;
}

/* White space and control bytes at p: at most one separator. */
static inline const uint8_t *blank(struct sink *s, const uint8_t *p, const uint8_t *end, bool pre)
{
    unsigned kinds = 0;
    p = html_blank(p, end, &kinds);
    uint8_t sep = pre && (kinds & HTML_LINE_END) ? SEP_LINE
                  : kinds & HTML_WHITE           ? SEP_SPACE
                                                 : SEP_NONE;
    if (s->pending < sep)
        s->pending = sep;
    return p;
}

/* At an '&'. */
static __attribute__((noinline)) const uint8_t *reference(struct reader *r, struct sink *s,
                                                          const uint8_t *p, const uint8_t *end)
{
    uint32_t code;
    bool bad;
    size_t n = html_entity(span_of(p, (size_t)(end - p)), false, &code, &bad);
    if (bad)
        r->out->anomalies |= HTML_BAD_ENTITY;
    if (n) {
        put_code(r, s, code);
        return p + n;
    }
    flush(r, s, *p);
    *s->w++ = *p;
    return p + 1;
}

/* Text up to a '<' that may begin a tag, or the end. */
static const uint8_t *text(struct reader *r, const uint8_t *p, const uint8_t *end)
{
    struct sink *s = sink_of(r);
    bool pre = top(r)->style.pre;
    while (p < end) {
        uint8_t c = *p;
        if (c == '<') {
            if (p + 1 == end || !html_opens(p[1])) {
                flush(r, s, c);
                *s->w++ = *p++;
                continue;
            }
            break;
        }
        if (c <= ' ') {
            p = blank(s, p, end, pre);
        } else if (c == '&') {
            p = reference(r, s, p, end);
        } else if (c == 0xc2 && end - p >= 2 && p[1] == 0xa0) { /* no-break space */
            s->pending = s->pending ? s->pending : SEP_SPACE;
            p += 2;
        } else {
            flush(r, s, c);
            p = html_copy(&s->w, p, end);
        }
    }
    return p;
}

/* What was hidden since `from`: is it more than spacers? */
static bool holds_words(const uint8_t *p, const uint8_t *end)
{
    for (; p < end; p++)
        if (is_word_byte(*p))
            return true;
    return false;
}

/* Is the element's text left white, in its place? */
static bool keeps_room(const struct html_style *s)
{
    return !s->gone && !s->quiet && s->size >= HTML_SIZE_SEEN;
}

static const uint8_t *text_run(struct reader *r, const uint8_t *p, const uint8_t *end)
{
    const struct html_style *style = &top(r)->style;
    if (!style->hidden) {
        if (*p <= ' ') /* often all there is between two tags */
            p = blank(&r->seen, p, end, style->pre);
        if (!(end - p > 1 && *p == '<' && html_opens(p[1])))
            p = text(r, p, end);
        if (!r->hidden.pending)
            r->hidden.pending = SEP_SPACE;
        return p;
    }
    sink_of(r);
    const uint8_t *from = r->hidden.w;
    p = text(r, p, end);
    if (r->hidden.w == from) {
        if (keeps_room(style) && !r->seen.pending) /* white space in white is white space */
            r->seen.pending = SEP_SPACE;
    } else if (holds_words(from, r->hidden.w)) {
        r->useless = true;
        if (!style->quiet)
            r->out->anomalies |= HTML_HIDDEN_TEXT;
    }
    return p;
}

/* Text that is none of the page's to the hidden: a title, a comment, a picture's alt. Tags in it
 * are passed over. */
static void aside(struct reader *r, struct span words)
{
    struct element *e = top(r);
    struct html_style was = e->style;
    bool useless = r->useless;
    const uint8_t *p = words.p, *end = p + words.n;
    e->style.hidden = true;
    r->hidden.pending = SEP_LINE;
    sink_of(r);
    while (p < end) {
        p = text(r, p, end);
        if (p < end) {
            const uint8_t *gt = memchr(p, '>', (size_t)(end - p));
            p = gt ? gt + 1 : end;
            r->hidden.pending = r->hidden.pending ? r->hidden.pending : SEP_SPACE;
        }
    }
    r->hidden.pending = SEP_LINE;
    e->style = was;
    r->useless = useless;
}

/* Words outside of tags: enough of them? */
static bool comment_speaks(struct span c)
{
    unsigned words = 0, letters = 0;
    const uint8_t *p = c.p, *end = p + c.n;
    while (p < end && words < COMMENT_WORDS) {
        if (*p == '<') {
            const uint8_t *gt = memchr(p, '>', (size_t)(end - p));
            p = gt ? gt : end - 1;
        }
        letters = (uint8_t)((*p | 0x20) - 'a') < 26 || *p >= 0x80 ? letters + 1 : 0;
        words += letters == COMMENT_WORD_MIN;
        p++;
    }
    return words >= COMMENT_WORDS;
}

/* Tags that are no elements. */

static void comment_text(struct reader *r, struct span c)
{
    /* "[if gte mso 9]>": for one program alone */
    if (c.n && *c.p == '[') {
        size_t close = text_find(c, ']');
        c = text_behind(c, close + (close < c.n));
        if (c.n && *c.p == '>')
            c = text_behind(c, 1);
    }
    r->useless = true;
    if (comment_speaks(c))
        aside(r, c);
}

/* At "<!--": behind the comment. */
static const uint8_t *comment(struct reader *r, const uint8_t *p, const uint8_t *end)
{
    p += 4;
    if (p < end && *p == '>')
        return p + 1;
    if (end - p >= 2 && p[0] == '-' && p[1] == '>')
        return p + 2;
    for (const uint8_t *at = p; (at = html_find(at, end, '>')) < end; at++) {
        const uint8_t *close = at > p && at[-1] == '!' ? at - 1 : at;
        if (close - p < 2 || close[-1] != '-' || close[-2] != '-')
            continue;
        comment_text(r, span_of(p, (size_t)(close - 2 - p)));
        return at + 1;
    }
    r->out->anomalies |= HTML_UNCLOSED;
    comment_text(r, span_of(p, (size_t)(end - p)));
    return end;
}

/* "<!DOCTYPE html>", "<?xml ?>", "<!what not>", "</ >". */
static const uint8_t *declaration(struct reader *r, const uint8_t *p, const uint8_t *end)
{
    const uint8_t *gt = memchr(p, '>', (size_t)(end - p));
    if (!gt) {
        r->out->anomalies |= HTML_UNCLOSED;
        return end;
    }
    struct span inside = span_of(p + 2, (size_t)(gt - p) > 2 ? (size_t)(gt - p - 2) : 0);
    if (p[1] == '!' && !text_starts(inside, "doctype"))
        comment_text(r, inside);
    return gt + 1;
}

/* Attributes. */

/* Behind white space within a tag. */
static inline const uint8_t *skip(const uint8_t *p, const uint8_t *end)
{
    while (p < end && *p <= ' ')
        p++;
    return p;
}

/* At a value: behind it. NULL when its quote never comes. */
static inline const uint8_t *value_read(const uint8_t *p, const uint8_t *end, struct span *v)
{
    const uint8_t *start = p, *stop;
    if (*p == '"' || *p == '\'') {
        stop = html_find(p + 1, end, *p);
        if (stop == end)
            return NULL;
        start++;
        p = stop + 1;
    } else {
        p = stop = html_value_end(p, end);
    }
    *v = span_of(start, (size_t)(stop - start));
    return p;
}

/* Behind an attribute's name: behind its value, where it has one. NULL as above. */
static inline const uint8_t *attr_value(const uint8_t *p, const uint8_t *end, struct span *v)
{
    p = skip(p, end);
    if (p == end || *p != '=')
        return p;
    p = skip(p + 1, end);
    return p < end && *p != '>' ? value_read(p, end, v) : p;
}

/* Behind a tag's name: reads its attributes, to behind its '>'. NULL when that never comes. */
static const uint8_t *attrs_read(const uint8_t *p, const uint8_t *end, struct attrs *a)
{
    a->have = 0;
    for (;;) {
        while (p < end && (*p <= ' ' || *p == '/'))
            p++;
        if (p >= end)
            return NULL;
        if (*p == '>')
            return p + 1;
        const uint8_t *name = p;
        p = html_attr_end(p + 1, end);
        size_t n = (size_t)(p - name);
        struct span v = {p, 0};
        if (end - p > 2 && p[0] == '=' && p[1] == '"') { /* as nearly all are */
            const uint8_t *quote = html_find(p + 2, end, '"');
            if (quote == end)
                return NULL;
            v = span_of(p + 2, (size_t)(quote - p - 2));
            p = quote + 1;
        } else {
            p = attr_value(p, end, &v);
            if (!p)
                return NULL;
        }
        enum html_attr id = html_attr_find(html_name_word(name, n, (size_t)(end - name)), n);
        if (a->have >> id & 1) /* the first one counts */
            id = A_NONE;
        a->have |= 1u << id; /* without a branch that nobody could foresee */
        a->v[id] = v;
    }
}

static inline bool has(const struct attrs *a, enum html_attr id)
{
    return a->have >> id & 1;
}

/* A value for use: references decoded. */
static struct span value_of(struct reader *r, struct span v)
{
    if (!v.n || !memchr(v.p, '&', v.n))
        return v;
    uint8_t *out = arena_alloc(r->arena, v.n), *w = out;
    for (size_t i = 0; i < v.n;) {
        uint32_t code;
        bool bad;
        size_t plain = text_find(text_behind(v, i), '&');
        memcpy(w, v.p + i, plain);
        w += plain;
        i += plain;
        if (i == v.n)
            break;
        size_t n = html_entity(text_behind(v, i), true, &code, &bad);
        if (n)
            w += html_utf8(code, w);
        else
            *w++ = '&';
        i += n ? n : 1;
    }
    return span_of(out, (size_t)(w - out));
}

static struct span trimmed(struct span s)
{
    while (s.n && *s.p <= ' ')
        s = text_behind(s, 1);
    while (s.n && s.p[s.n - 1] <= ' ')
        s.n--;
    return s;
}

/* Links. */

static void link_add(struct reader *r, struct span url, enum html_link_kind kind, bool hidden)
{
    struct html *out = r->out;
    url = trimmed(value_of(r, url));
    if (url.n == 0)
        return;
    if (out->links == HTML_LINKS_MAX) {
        out->anomalies |= HTML_CUT;
        return;
    }
    if (out->links == r->links_cap) {
        r->links_cap = r->links_cap ? r->links_cap * 4 : LINKS_FIRST;
        if (r->links_cap > HTML_LINKS_MAX)
            r->links_cap = HTML_LINKS_MAX;
        struct html_link *more = arena_alloc(r->arena, r->links_cap * sizeof *more);
        if (out->links)
            memcpy(more, out->link, out->links * sizeof *more);
        out->link = more;
    }
    out->link[out->links++] = (struct html_link){url, kind, hidden};
}

static bool is_dot(const struct attrs *a, enum html_attr id)
{
    int32_t n;
    bool percent;
    return has(a, id) && html_length(a->v[id], &n, &percent) && !percent && n <= HTML_SIZE(2);
}

/* "5; url=http://..." */
static void refresh(struct reader *r, struct span content)
{
    size_t at = text_find(content, '=');
    if (at >= 3 && at < content.n && text_starts(text_behind(content, at - 3), "url")) {
        content = trimmed(text_behind(content, at + 1));
        if (content.n && (*content.p == '\'' || *content.p == '"')) {
            uint8_t quote = *content.p;
            content = text_behind(content, 1);
            content.n = text_find(content, quote);
        }
        link_add(r, content, HTML_OTHER, false);
    }
}

static void links_of(struct reader *r, enum html_tag tag, const struct attrs *a, bool hidden)
{
    if (has(a, A_HREF)) {
        if (tag == T_BASE) {
            if (!r->out->base.n)
                r->out->base = trimmed(value_of(r, a->v[A_HREF]));
        } else {
            unsigned before = r->out->links;
            link_add(r, a->v[A_HREF], tag == T_A || tag == T_AREA ? HTML_ANCHOR : HTML_OTHER,
                     hidden);
            if (tag == T_A && r->out->links > before)
                r->anchor = (int)before;
        }
    }
    if (has(a, A_SRC)) {
        bool image = tag == T_IMG || tag == T_IMAGE || tag == T_INPUT;
        bool frame = tag == T_IFRAME || tag == T_FRAME;
        bool dot = is_dot(a, A_WIDTH) && is_dot(a, A_HEIGHT);
        link_add(r, a->v[A_SRC],
                 image   ? HTML_IMAGE
                 : frame ? HTML_FRAME
                         : HTML_OTHER,
                 hidden || dot);
    }
    if (has(a, A_ACTION) && tag == T_FORM)
        link_add(r, a->v[A_ACTION], HTML_FORM, hidden);
    if (has(a, A_BACKGROUND))
        link_add(r, a->v[A_BACKGROUND], HTML_IMAGE, hidden);
    if (has(a, A_DATA) && tag == T_OBJECT)
        link_add(r, a->v[A_DATA], HTML_OTHER, hidden);
    if (has(a, A_CONTENT) && tag == T_META)
        refresh(r, value_of(r, a->v[A_CONTENT]));
}

#define LINK_ATTRS                                                                                 \
    (1u << A_HREF | 1u << A_SRC | 1u << A_ACTION | 1u << A_BACKGROUND | 1u << A_DATA |             \
     1u << A_CONTENT)

/* Elements. */

/* The colours and sizes of attributes, as rules that any style sheet overrides. */
static void hints(struct reader *r, enum html_tag tag, const struct attrs *a, struct html_style *s)
{
    uint32_t rgb;
    if (tag == T_A && has(a, A_HREF)) {
        s->fg = r->link_color;
        s->clear = false;
    }
    if (has(a, A_BGCOLOR) && html_color_legacy(a->v[A_BGCOLOR], &rgb))
        s->bg = rgb;
    if (has(a, A_BACKGROUND) && a->v[A_BACKGROUND].n)
        s->bg = HTML_COLOR_NONE;
    if (has(a, A_COLOR) && tag == T_FONT && html_color_legacy(a->v[A_COLOR], &rgb)) {
        s->fg = rgb;
        s->clear = false;
    }
    if (has(a, A_SIZE) && tag == T_FONT)
        s->size = HTML_SIZE(16); /* whatever it says, it can be read */
    if (has(a, A_TEXT) && tag == T_BODY && html_color_legacy(a->v[A_TEXT], &rgb))
        s->fg = rgb;
    if (has(a, A_LINK) && tag == T_BODY && html_color_legacy(a->v[A_LINK], &rgb))
        r->link_color = rgb;
    if (tag == T_MARQUEE && is_dot(a, A_WIDTH) && is_dot(a, A_HEIGHT))
        s->gone = true;
    if (has(a, A_HIDDEN))
        s->gone = true;
}

#define STYLE_ATTRS                                                                                \
    (1u << A_STYLE | 1u << A_CLASS | 1u << A_ID | 1u << A_COLOR | 1u << A_BGCOLOR | 1u << A_SIZE | \
     1u << A_TEXT | 1u << A_LINK | 1u << A_BACKGROUND | 1u << A_HIDDEN | 1u << A_HREF)

#define HINT_ATTRS                                                                                 \
    (1u << A_COLOR | 1u << A_BGCOLOR | 1u << A_SIZE | 1u << A_TEXT | 1u << A_LINK |                \
     1u << A_BACKGROUND | 1u << A_HIDDEN | 1u << A_HREF)

/* The slot of a text, which may hold another's. */
static inline struct decl_known *decl_slot(struct decl_known *slots, struct span text, unsigned tag)
{
    uint64_t ends = text.n + tag * 0x100u;
    if (text.n >= 8) {
        uint64_t head, tail;
        memcpy(&head, text.p, 8);
        memcpy(&tail, text.p + text.n - 8, 8);
        ends += head + tail * 31;
    } else if (text.n) {
        ends += text.p[0] * 0x10000u + text.p[text.n - 1] * 0x1000000u;
    }
    return &slots[(ends * 0x9e3779b97f4a7c15u >> 32) % DECLS];
}

static inline bool decl_is(const struct decl_known *k, struct span text, unsigned tag)
{
    return k->tag == tag && text.n && span_eq(k->text, text);
}

/* A style attribute's; *d is empty. */
static void style_attr(struct reader *r, struct span text, struct html_decl *d)
{
    struct decl_known *k = decl_slot(r->styles, text, 0);
    if (!decl_is(k, text, 0)) {
        html_css_read(value_of(r, text), d);
        *k = (struct decl_known){text, 0, *d};
    }
    *d = k->decl;
}

/* What the sheet has for an element without an id. */
static void style_class(struct reader *r, unsigned tag, struct span classes, struct html_decl *d)
{
    struct decl_known *k = decl_slot(r->classes, classes, tag);
    if (!decl_is(k, classes, tag)) {
        html_sheet_match(r->sheet, tag, classes, span_of(NULL, 0), d);
        *k = (struct decl_known){classes, tag, *d};
    }
    *d = k->decl;
}

/* The element's style, from the one around it, which is in *s. */
static inline void style_of(struct reader *r, enum html_tag tag, const struct attrs *a,
                            struct html_style *s)
{
    struct html_decl d = {0};
    bool ruled =
        r->sheet && html_sheet_may_match(r->sheet, tag, a->have & (1u << A_CLASS | 1u << A_ID));
    if (!(a->have & STYLE_ATTRS) && !ruled && tag != T_MARQUEE)
        return;
    if (a->have & HINT_ATTRS || tag == T_MARQUEE)
        hints(r, tag, a, s);
    const struct span none = {NULL, 0};
    if (ruled && !has(a, A_ID)) {
        style_class(r, tag, has(a, A_CLASS) ? a->v[A_CLASS] : none, &d);
    } else if (ruled) {
        html_sheet_match(r->sheet, tag, has(a, A_CLASS) ? a->v[A_CLASS] : none,
                         has(a, A_ID) ? a->v[A_ID] : none, &d);
    }
    if (has(a, A_STYLE) && !d.set)
        style_attr(r, a->v[A_STYLE], &d);
    else if (has(a, A_STYLE))
        html_css_read(value_of(r, a->v[A_STYLE]), &d);
    if (d.set)
        html_style_apply(s, &d);
    html_style_judge(s);
}

static void push(struct reader *r, unsigned tag, uint16_t flags, const struct html_style *style)
{
    if (r->depth == HTML_DEPTH_MAX) {
        r->over++;
        if (r->open_over[tag] < UINT16_MAX)
            r->open_over[tag]++;
        return;
    }
    struct element *e = &r->stack[r->depth++];
    r->open[tag]++;
    *e = (struct element){*style, (uint8_t)tag, flags, r->out->images, r->seen.w, r->hidden.w};
}

static bool is_empty(const struct reader *r, const struct element *e)
{
    return e->seen == r->seen.w && e->images == r->out->images;
}

/* What an <a> holds says whether there is something to click on. */
static void anchor_end(struct reader *r, const struct element *e)
{
    if (r->anchor < 0)
        return;
    bool picture = e->images != r->out->images && !e->style.gone && !e->style.unseen;
    r->out->link[r->anchor].hidden = e->seen == r->seen.w && !picture;
    r->anchor = -1;
}

/* Closes all down to the element at `depth`, which is closed too. */
static inline void pop_to(struct reader *r, unsigned depth)
{
    while (r->depth > depth) {
        const struct element *e = &r->stack[--r->depth];
        r->open[e->tag]--;
        if (e->tag == T_A)
            anchor_end(r, e);
    }
    if (r->over) {
        memset(r->open_over, 0, sizeof r->open_over);
        r->over = 0;
    }
}

/* Closes the innermost element of that tag, unless one with a flag of `stop` is within. False when
 * there is none. */
static inline bool close_tag(struct reader *r, unsigned tag, uint16_t stop)
{
    if (!(r->open[tag] | r->open_over[tag]))
        return false;
    if (r->open_over[tag]) {
        r->open_over[tag]--;
        r->over--;
        return true;
    }
    for (unsigned i = r->depth; i-- > 1;) {
        const struct element *e = &r->stack[i];
        if (e->tag == tag) {
            if (is_empty(r, e) && e->not_seen == r->hidden.w)
                r->useless = true;
            pop_to(r, i);
            return true;
        }
        if (e->flags & stop)
            return false;
    }
    return false;
}

/* What ends where this begins, though nothing says so. */
static void ends_implied(struct reader *r, enum html_tag tag, uint16_t flags)
{
    if (flags & TAG_ENDS_P)
        close_tag(r, T_P, TAG_SCOPE);
    if (!(flags & TAG_IMPLIES))
        return;
    switch (tag) {
    case T_LI:
        close_tag(r, T_LI, TAG_SCOPE | TAG_LIST);
        break;
    case T_DD:
    case T_DT:
        close_tag(r, T_DD, TAG_SCOPE | TAG_LIST);
        close_tag(r, T_DT, TAG_SCOPE | TAG_LIST);
        break;
    case T_TBODY:
    case T_THEAD:
    case T_TFOOT:
        close_tag(r, T_TBODY, TAG_TABLE);
        close_tag(r, T_THEAD, TAG_TABLE);
        close_tag(r, T_TFOOT, TAG_TABLE);
        break;
    case T_TR:
        close_tag(r, T_TD, TAG_TABLE);
        close_tag(r, T_TH, TAG_TABLE);
        close_tag(r, T_TR, TAG_TABLE);
        break;
    case T_TD:
    case T_TH:
        close_tag(r, T_TD, TAG_TABLE);
        close_tag(r, T_TH, TAG_TABLE);
        break;
    case T_A:
        close_tag(r, T_A, TAG_SCOPE);
        break;
    default:
        break;
    }
}

/* Behind the end tag of an element that holds no tags; *inside is what stands before it. */
static const uint8_t *raw_end(struct reader *r, const uint8_t *p, const uint8_t *end,
                              struct span name, struct span *inside)
{
    for (const uint8_t *at = p; (at = html_find(at, end, '<')) < end; at++) {
        if (end - at < 2 || at[1] != '/')
            continue;
        struct span rest = span_of(at + 2, (size_t)(end - at - 2));
        if (rest.n < name.n || !span_ieq(span_of(rest.p, name.n), name))
            continue;
        if (rest.n > name.n && !html_ends_name(rest.p[name.n]))
            continue;
        *inside = span_of(p, (size_t)(at - p));
        const uint8_t *gt = memchr(at, '>', (size_t)(end - at));
        return gt ? gt + 1 : end;
    }
    r->out->anomalies |= HTML_UNCLOSED;
    *inside = span_of(p, (size_t)(end - p));
    return end;
}

static void sheet_take(struct reader *r, struct span css)
{
    struct html_sheet *s = r->sheet_room;
    if (!s) {
        s = r->sheet_room = arena_alloc(r->arena, sizeof *s);
        memset(s, 0, offsetof(struct html_sheet, rule));
    }
    html_sheet_read(css, s);
    r->sheet = s->n ? s : NULL;
    memset(r->classes, 0, sizeof r->classes);
}

/* <xmp>: all of it is text. */
static void plain_text(struct reader *r, struct span inside)
{
    struct sink *s = sink_of(r);
    for (const uint8_t *p = inside.p, *end = p + inside.n; p < end;) {
        if (*p <= ' ') {
            p = blank(s, p, end, true);
        } else {
            flush(r, s, *p);
            *s->w++ = *p++;
        }
    }
}

static const uint8_t *raw_element(struct reader *r, const struct html_name *t, struct span name,
                                  const uint8_t *p, const uint8_t *end)
{
    struct span inside;
    if (t->id == T_PLAINTEXT) {
        inside = span_of(p, (size_t)(end - p));
        p = end;
    } else {
        p = raw_end(r, p, end, name, &inside);
    }
    switch (t->id) {
    case T_STYLE:
        sheet_take(r, inside);
        break;
    case T_SCRIPT:
        r->out->anomalies |= HTML_SCRIPT;
        break;
    case T_TITLE:
        aside(r, inside);
        break;
    case T_TEXTAREA:
        if (comment_speaks(inside)) {
            aside(r, inside);
            r->out->anomalies |= HTML_HIDDEN_TEXT;
        }
        break;
    case T_XMP:
    case T_PLAINTEXT:
        plain_text(r, inside);
        break;
    default: /* what is shown where frames are not */
        break;
    }
    return p;
}

static void body_begin(struct reader *r, const struct attrs *a)
{
    if (r->body || !(a->have | (r->sheet != NULL)))
        return;
    r->body = true;
    struct html_style *ground = &r->stack[0].style;
    style_of(r, T_BODY, a, ground);
    for (unsigned i = 1; i < r->depth; i++) { /* elements that should not have been there yet */
        if (r->stack[i].style.bg == 0xffffff)
            r->stack[i].style.bg = ground->bg;
        html_style_judge(&r->stack[i].style);
    }
}

/* What a tag does to the text around it. */
static inline void place(struct reader *r, enum html_tag tag, uint16_t flags)
{
    separate(r, separator_of(flags));
    if (flags & (TAG_ENDS_P | TAG_IMPLIES))
        ends_implied(r, tag, flags);
}

/* The elements with TAG_ODD: behind what is not read as tags. *element: it is one whose end comes.
 */
static const uint8_t *odd_begin(struct reader *r, const struct html_name *t, struct span name,
                                const struct attrs *a, struct html_style *style, const uint8_t *p,
                                const uint8_t *end, bool *element)
{
    *element = !(t->flags & (TAG_VOID | TAG_RAW));
    if (t->flags & TAG_PRE)
        style->pre = true;
    if (t->flags & TAG_RAW) {
        p = raw_element(r, t, name, p, end);
        separate(r, separator_of(t->flags));
    }
    switch (t->id) {
    case T_BODY:
        body_begin(r, a);
        *element = false;
        break;
    case T_HTML:
    case T_HEAD:
        *element = false;
        break;
    case T_NOSCRIPT:
        style->quiet = true;
        html_style_judge(style);
        break;
    case T_IMG:
    case T_IMAGE:
        r->out->images++;
        break;
    }
    return p;
}

/* A tag with attributes, or odd. */
static const uint8_t *tag_full(struct reader *r, const struct html_name *t, unsigned tag,
                               struct span name, const uint8_t *p, const uint8_t *end)
{
    struct attrs a;
    uint16_t flags = t ? t->flags : 0;
    enum html_tag id = t ? (enum html_tag)t->id : T_UNKNOWN;
    bool element = !(flags & TAG_VOID);
    p = attrs_read(p, end, &a);
    if (!p) {
        r->out->anomalies |= HTML_UNCLOSED;
        return end;
    }
    place(r, id, flags);
    struct html_style style = top(r)->style;
    if (id != T_BODY)
        style_of(r, id, &a, &style);
    if (a.have & LINK_ATTRS)
        links_of(r, id, &a, id == T_A ? style.hidden : style.gone || style.unseen || style.quiet);
    if (has(&a, A_ALT) && a.v[A_ALT].n)
        aside(r, a.v[A_ALT]);
    if (flags & TAG_ODD)
        p = odd_begin(r, t, name, &a, &style, p, end, &element);
    if (element)
        push(r, tag, flags, &style);
    return p;
}

static const uint8_t *tag_begin(struct reader *r, const struct html_name *t, unsigned tag,
                                struct span name, const uint8_t *p, const uint8_t *end)
{
    uint16_t flags = t ? t->flags : 0;
    if (!t && !memchr(name.p, ':', name.n))
        r->useless = true;
    if (p == end || *p != '>' || (flags & TAG_ODD) ||
        (r->sheet && html_sheet_may_match(r->sheet, tag, false)))
        return tag_full(r, t, tag, name, p, end);
    place(r, (enum html_tag)tag, flags);
    if (!(flags & TAG_VOID))
        push(r, tag, flags, &top(r)->style);
    return p + 1;
}

static const uint8_t *tag_end(struct reader *r, const struct html_name *t, unsigned tag,
                              const uint8_t *p, const uint8_t *end)
{
    struct attrs a;
    uint16_t flags = t ? t->flags : 0;
    if (p < end && *p == '>') {
        p++;
    } else if (!(p = attrs_read(p, end, &a))) {
        r->out->anomalies |= HTML_UNCLOSED;
        return end;
    }
    separate(r, separator_of(flags));
    if (flags & TAG_VOID)
        return p;
    uint16_t stop = flags & (TAG_SCOPE | TAG_ROW) ? TAG_TABLE : TAG_SCOPE;
    if (!close_tag(r, tag, stop))
        r->useless = true;
    return p;
}

/* At "<x" or "</x". */
static const uint8_t *tag(struct reader *r, const uint8_t *p, const uint8_t *end, bool closing)
{
    const uint8_t *name = p + 1 + closing;
    p = html_name_end(name, end);
    size_t n = (size_t)(p - name);
    uint64_t word = html_name_word(name, n, (size_t)(end - name));
    const struct html_name *t = html_tag_find(word, n);
    unsigned number = t ? t->id : T_COUNT + (unsigned)(word * 0x9e3779b97f4a7c15u >> 60);
    return closing ? tag_end(r, t, number, p, end)
                   : tag_begin(r, t, number, span_of(name, n), p, end);
}

/* At a '<': a tag's, a comment's, or text. */
static inline const uint8_t *markup(struct reader *r, const uint8_t *p, const uint8_t *end)
{
    bool closing = end - p > 2 && p[1] == '/';
    if (end - p > 1 && html_is_letter(p[1 + closing]))
        return tag(r, p, end, closing);
    if (end - p >= 4 && p[1] == '!' && p[2] == '-' && p[3] == '-')
        return comment(r, p, end);
    return end - p > 1 && html_opens(p[1]) ? declaration(r, p, end) : text_run(r, p, end);
}

static void reader_init(struct reader *r, size_t n, struct arena *arena, struct html *out)
{
    memset(r, 0, offsetof(struct reader, stack));
    r->out = out;
    r->arena = arena;
    r->room = n + SLACK;
    r->seen.start = r->seen.w = arena_alloc(arena, r->room);
    r->anchor = -1;
    r->link_color = LINK_COLOR;
    r->depth = 1;
    r->stack[0] = (struct element){
        .style = {.fg = 0, .bg = 0xffffff, .size = HTML_SIZE(16)},
    };
}

void html_read(struct span in, struct arena *arena, struct html *out)
{
    struct reader r;
    *out = (struct html){0};
    if (in.n > HTML_INPUT_MAX) {
        in.n = HTML_INPUT_MAX;
        while (in.n && (in.p[in.n] & 0xc0) == 0x80)
            in.n--;
        out->anomalies |= HTML_CUT;
    }
    if (in.n == 0)
        return;
    reader_init(&r, in.n, arena, out);
    for (const uint8_t *p = in.p, *end = p + in.n; p < end;) {
        if (*p == '<')
            p = markup(&r, p, end);
        else
            p = text_run(&r, p, end);
    }
    pop_to(&r, 1);
    out->visible = span_of(r.seen.start, (size_t)(r.seen.w - r.seen.start));
    out->hidden = span_of(r.hidden.start, (size_t)(r.hidden.w - r.hidden.start));
}
