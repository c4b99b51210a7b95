#include "wire/mime_text.h"

#include "wire/mime_vector.h"
#include "wire/text.h"

enum {
    SEGMENTS_MAX = 64, /* of a continued parameter (RFC 2231) */
    COMMENTS_MAX = 32, /* within comments */
};

static bool is_line_end(uint8_t c)
{
    return c == '\r' || c == '\n';
}

/* --- encoded words (RFC 2047) --- */

/* A run of text that is put together: bytes of adjacent words in one charset wait in s->word, since
 * a character may be split over them. */
struct reading {
    struct mime_scanner *s;
    struct arena *arena;
    struct span charset; /* of what waits */
    uint32_t *anomalies;
};

static void word_flush(struct reading *r)
{
    struct span out;
    struct mime_scanner *s = r->s;
    if (s->word.n == 0)
        return;
    int rc = charset_to_utf8(s->charsets, r->charset, buf_as_span(&s->word), r->arena, &out);
    *r->anomalies |= rc == 1 ? MIME_UNKNOWN_CHARSET : rc == 2 ? MIME_BAD_CHARSET : 0;
    buf_span(&s->text, out);
    s->word.n = 0;
}

/* Text between words, unfolded (RFC 5322, 2.2.3: the line end goes, the white space stays). */
static void plain_put(struct reading *r, struct span text)
{
    struct mime_scanner *s = r->s;
    word_flush(r);
    while (text.n) {
        size_t n = 0;
        while (n < text.n && !is_line_end(text.p[n]))
            n++;
        buf_put(&s->word, text.p, n);
        while (n < text.n && is_line_end(text.p[n]))
            n++;
        text = text_behind(text, n);
    }
    r->charset = span_of(NULL, 0);
    word_flush(r);
}

static bool is_white(struct span text)
{
    for (size_t i = 0; i < text.n; i++)
        if (!text_is_space_or_end(text.p[i]))
            return false;
    return true;
}

/* A fold within a word is not part of it. */
static struct span word_unfold(struct mime_scanner *s, struct span text, struct arena *arena)
{
    if (!memchr(text.p, '\n', text.n))
        return text;
    uint8_t *copy = arena_alloc(arena, text.n);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (!is_line_end(text.p[i]))
            copy[n++] = text.p[i];
        else if (i + 1 < text.n && text_is_space(text.p[i + 1]))
            i++;
    }
    return span_of(copy, n);
}

/* Q: quoted-printable where '_' is a space. */
static uint64_t q_decode(struct span text, uint8_t *out, uint32_t *wrong)
{
    uint64_t n = 0;
    while (text.n) {
        size_t run = text_find(text, '_');
        n += mime_quoted_printable(span_of(text.p, run), out + n, run, wrong);
        if (run == text.n)
            break;
        out[n++] = ' ';
        text = text_behind(text, run + 1);
    }
    return n;
}

static void word_put(struct reading *r, struct span charset, bool base64, struct span text)
{
    struct mime_scanner *s = r->s;
    uint32_t wrong = 0;
    if (s->word.n && !span_ieq(charset, r->charset))
        word_flush(r);
    r->charset = charset;
    if (text.n == 0)
        return;
    text = word_unfold(s, text, r->arena);
    uint8_t *out = buf_reserve(&s->word, text.n + 32);
    s->word.n += base64 ? mime_base64(text, out, text.n, &wrong) : q_decode(text, out, &wrong);
    if (wrong)
        *r->anomalies |= MIME_BAD_WORD;
}

/* An encoded word at the start of `at`: its pieces and whole length; 0 when it is none. *open is
 * false once there is no end of a word any more. */
static size_t word_parse(struct span at, struct span *charset, bool *base64, struct span *text,
                         bool *open)
{
    size_t n = 2;
    while (n < at.n && n < 2 + CHARSET_NAME_MAX && at.p[n] != '?' && at.p[n] > ' ')
        n++;
    if (at.n - n < 3 || at.p[n] != '?' || at.p[n + 2] != '?' || n == 2)
        return 0;
    uint8_t encoding = text_lower(at.p[n + 1]);
    if (encoding != 'b' && encoding != 'q')
        return 0;
    struct span rest = text_behind(at, n + 3);
    const uint8_t *end = *open ? memmem(rest.p, rest.n, "?=", 2) : NULL;
    if (!end) {
        *open = false;
        return 0;
    }
    *charset = span_of(at.p + 2, n - 2);
    *base64 = encoding == 'b';
    *text = span_of(rest.p, (size_t)(end - rest.p));
    return (size_t)(end + 2 - at.p);
}

/* Puts the value's text together in s->text. */
static void words_read(struct reading *r, struct span value)
{
    bool open = true, behind_word = false;
    size_t plain = 0; /* where what is no word begins */
    for (size_t at = 0; at < value.n;) {
        struct span charset, text, rest = text_behind(value, at);
        bool base64;
        const uint8_t *sign = memmem(rest.p, rest.n, "=?", 2);
        if (!sign)
            break;
        at = (size_t)(sign - value.p);
        size_t n = word_parse(text_behind(value, at), &charset, &base64, &text, &open);
        if (n == 0) {
            *r->anomalies |= MIME_BAD_WORD;
            at += 2;
            continue;
        }
        struct span between = span_of(value.p + plain, at - plain);
        if (!behind_word || !is_white(between))
            plain_put(r, between);
        word_put(r, charset, base64, text);
        behind_word = true;
        at += n;
        plain = at;
    }
    plain_put(r, text_behind(value, plain));
}

struct span mime_text_read(struct mime_scanner *s, struct span value, struct arena *arena,
                           uint32_t *anomalies)
{
    if (value.n > MIME_HEADER_MAX) {
        value.n = MIME_HEADER_MAX;
        *anomalies |= MIME_CUT_BYTES;
    }
    if (value.n == 0)
        return value;
    bool words = memmem(value.p, value.n, "=?", 2), folds = memchr(value.p, '\n', value.n);
    if (!words && !folds && !memchr(value.p, '\r', value.n)) {
        struct span out;
        charset_to_utf8(s->charsets, span_of(NULL, 0), value, arena, &out);
        return out;
    }
    struct reading r = {s, arena, {NULL, 0}, anomalies};
    s->text.n = s->word.n = 0;
    words_read(&r, value);
    return span_of(arena_copy(arena, s->text.p, s->text.n), s->text.n);
}

struct span mime_text(struct mime_scanner *s, struct span value, struct arena *arena)
{
    uint32_t anomalies = 0;
    return mime_text_read(s, value, arena, &anomalies);
}

/* --- structured values (RFC 2045, 5.1) --- */

/* c is at a '('. */
static void comment_skip(struct cur *c)
{
    unsigned depth = 0;
    while (cur_left(c)) {
        uint8_t byte = *c->p++;
        if (byte == '\\' && cur_left(c))
            c->p++;
        else if (byte == '(' && ++depth > COMMENTS_MAX)
            return;
        else if (byte == ')' && --depth == 0)
            return;
    }
}

static void space_skip(struct cur *c)
{
    while (cur_left(c)) {
        if (*c->p == '(')
            comment_skip(c);
        else if (text_is_space_or_end(*c->p))
            c->p++;
        else
            return;
    }
}

struct span mime_value_read(struct cur *c)
{
    space_skip(c);
    const uint8_t *start = c->p;
    while (cur_left(c) && *c->p != ';' && *c->p != '(')
        c->p++;
    return text_trim_lines(span_of(start, (size_t)(c->p - start)));
}

/* c is behind the opening quote. One that is never closed ends at the line's end or, if that is
 * sooner, at a ';'. */
static struct span quoted_read(struct cur *c)
{
    const uint8_t *start = c->p;
    for (const uint8_t *p = start; p < c->end; p++) {
        if (*p == '\\' && p + 1 < c->end) {
            p++;
        } else if (*p == '"') {
            c->p = p + 1;
            return span_of(start, (size_t)(p - start));
        }
    }
    while (cur_left(c) && *c->p != ';' && !is_line_end(*c->p))
        c->p++;
    return text_trim_end(span_of(start, (size_t)(c->p - start)));
}

bool mime_param_next(struct cur *c, struct mime_param *p)
{
    for (;;) {
        while (cur_left(c) && (*c->p == ';' || text_is_space_or_end(*c->p) || *c->p == '('))
            *c->p == ';' ? (void)c->p++ : space_skip(c);
        if (cur_left(c) == 0)
            return false;
        const uint8_t *start = c->p;
        while (cur_left(c) && *c->p != '=' && *c->p != ';')
            c->p++;
        p->name = text_trim_lines(span_of(start, (size_t)(c->p - start)));
        if (cur_left(c) == 0 || *c->p == ';')
            continue; /* no value */
        c->p++;
        while (cur_left(c) && text_is_space_or_end(*c->p))
            c->p++;
        if (cur_left(c) && *c->p == '"') {
            c->p++;
            p->value = quoted_read(c);
        } else {
            start = c->p;
            while (cur_left(c) && *c->p != ';')
                c->p++;
            p->value = text_trim_lines(span_of(start, (size_t)(c->p - start)));
        }
        return true;
    }
}

struct span mime_param_value(const struct mime_param *p, struct arena *arena)
{
    struct span v = p->value;
    if (v.n == 0 || (!memchr(v.p, '\\', v.n) && !memchr(v.p, '\n', v.n) && !memchr(v.p, '\r', v.n)))
        return v;
    uint8_t *copy = arena_alloc(arena, v.n);
    size_t n = 0;
    for (size_t i = 0; i < v.n; i++) {
        if (is_line_end(v.p[i]))
            continue;
        if (v.p[i] == '\\' && i + 1 < v.n)
            i++;
        copy[n++] = v.p[i];
    }
    return span_of(copy, n);
}

/* --- RFC 2231 --- */

/* Segments of one parameter by their number; a value that stands alone is plain. */
struct segments {
    struct span plain;
    bool has_plain;
    struct span value[SEGMENTS_MAX];
    bool has[SEGMENTS_MAX], extended[SEGMENTS_MAX];
};

/* "filename*1*": is it `name`'s, and which? -1: the plain one; -2: another's. */
static int segment_of(struct span name, const char *wanted, bool *extended)
{
    size_t n = strlen(wanted);
    uint64_t number = 0;
    *extended = false;
    if (!text_starts(name, wanted))
        return -2;
    struct span rest = text_behind(name, n);
    if (rest.n == 0)
        return -1;
    if (rest.p[0] != '*')
        return -2;
    rest = text_behind(rest, 1);
    if (rest.n == 0) {
        *extended = true;
        return 0;
    }
    if (rest.p[rest.n - 1] == '*') {
        *extended = true;
        rest.n--;
    }
    return text_number(rest, &number) && number < SEGMENTS_MAX ? (int)number : -2;
}

static int hex_digit(uint8_t c)
{
    uint8_t lower = text_lower(c);
    return c >= '0' && c <= '9' ? c - '0' : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static size_t percent_decode(struct span in, uint8_t *out)
{
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        int high = in.p[i] == '%' && i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(in.p[i + 2]) : -1;
        out[n++] = low >= 0 ? (uint8_t)(high << 4 | low) : in.p[i];
        i += low >= 0 ? 2 : 0;
    }
    return n;
}

/* "charset'language'" off the first segment's front. */
static struct span charset_split(struct span *value)
{
    size_t first = text_find(*value, '\''), second;
    if (first == value->n)
        return span_of(NULL, 0);
    struct span charset = span_of(value->p, first), rest = text_behind(*value, first + 1);
    second = text_find(rest, '\'');
    *value = second < rest.n ? text_behind(rest, second + 1) : rest;
    return charset;
}

static struct span segments_join(struct mime_scanner *s, struct segments *g, struct arena *arena,
                                 uint32_t *anomalies)
{
    struct span charset = {NULL, 0}, out;
    size_t room = 0, n = 0;
    for (unsigned i = 0; i < SEGMENTS_MAX && g->has[i]; i++)
        room += g->value[i].n;
    uint8_t *bytes = arena_alloc(arena, room);
    for (unsigned i = 0; i < SEGMENTS_MAX && g->has[i]; i++) {
        if (i == 0 && g->extended[0])
            charset = charset_split(&g->value[0]);
        if (g->extended[i]) {
            n += percent_decode(g->value[i], bytes + n);
        } else if (g->value[i].n) {
            memcpy(bytes + n, g->value[i].p, g->value[i].n);
            n += g->value[i].n;
        }
    }
    int rc = charset_to_utf8(s->charsets, charset, span_of(bytes, n), arena, &out);
    *anomalies |= rc == 1 ? MIME_UNKNOWN_CHARSET : rc == 2 ? MIME_BAD_CHARSET : 0;
    return out;
}

struct span mime_parameter_read(struct mime_scanner *s, struct span value, const char *name,
                                struct arena *arena, uint32_t *anomalies)
{
    if (value.n > MIME_HEADER_MAX)
        value.n = MIME_HEADER_MAX;
    struct cur c = cur_of(value);
    struct mime_param p;
    struct segments g;
    g.has_plain = false;
    memset(g.has, 0, sizeof g.has);
    mime_value_read(&c);
    while (mime_param_next(&c, &p)) {
        bool extended;
        int i = segment_of(p.name, name, &extended);
        if (i == -1 && !g.has_plain) {
            g.plain = mime_param_value(&p, arena);
            g.has_plain = true;
        } else if (i >= 0 && !g.has[i]) {
            g.value[i] = mime_param_value(&p, arena);
            g.has[i] = true;
            g.extended[i] = extended;
        }
    }
    if (g.has[0])
        return segments_join(s, &g, arena, anomalies);
    return g.has_plain ? mime_text_read(s, g.plain, arena, anomalies) : span_of(NULL, 0);
}

struct span mime_parameter(struct mime_scanner *s, struct span value, const char *name,
                           struct arena *arena)
{
    uint32_t anomalies = 0;
    return mime_parameter_read(s, value, name, arena, &anomalies);
}
