/* Zeek's logs as JSON lines (RFC 8259): one object a line, which says by its fields (or "_path")
 * which log it is of. Numbers are kept as they are written. The reader is our own because records
 * are flat: no tree is built, and nothing is allocated but strings with escapes. */
#include <stdlib.h>

#include "base/cbor.h"
#include "base/digest.h"
#include "import/zeek.h"

#define FIELD_NAME_MAX 128
#define DEPTH_MAX      32 /* of values that are kept as JSON */

struct reader {
    struct cur c;
    struct arena *arena;
};

static void skip_space(struct reader *r)
{
    while (r->c.p < r->c.end &&
           (*r->c.p == ' ' || *r->c.p == '\t' || *r->c.p == '\r' || *r->c.p == '\n'))
        r->c.p++;
}

/* The next byte that is no space, consumed when it is ch. */
static bool take(struct reader *r, char ch)
{
    skip_space(r);
    if (r->c.p == r->c.end || *r->c.p != (uint8_t)ch)
        return false;
    r->c.p++;
    return true;
}

static bool hex4(struct cur *c, uint32_t *out)
{
    struct span digits;
    uint8_t v[2];
    if (!cur_take(c, 4, &digits) || !hex_decode(digits, v, 2))
        return false;
    *out = be16_get(v);
    return true;
}

static uint8_t *put_utf8(uint8_t *p, uint32_t u)
{
    if (u < 0x80) {
        *p++ = (uint8_t)u;
        return p;
    }
    if (u < 0x800) {
        *p++ = (uint8_t)(0xc0 | u >> 6);
    } else {
        if (u < 0x10000) {
            *p++ = (uint8_t)(0xe0 | u >> 12);
        } else {
            *p++ = (uint8_t)(0xf0 | u >> 18);
            *p++ = (uint8_t)(0x80 | (u >> 12 & 63));
        }
        *p++ = (uint8_t)(0x80 | (u >> 6 & 63));
    }
    *p++ = (uint8_t)(0x80 | (u & 63));
    return p;
}

/* What follows a backslash, written to *out; at most as long as it was in the text. */
static bool escape(struct cur *c, uint8_t **out)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    uint8_t ch;
    if (!cur_u8(c, &ch))
        return false;
    const char *known = ch ? strchr(names, ch) : NULL;
    if (known) {
        *(*out)++ = (uint8_t)values[known - names];
        return true;
    }
    uint32_t u, low;
    if (ch != 'u' || !hex4(c, &u) || (u >= 0xdc00 && u < 0xe000))
        return false;
    if (u >= 0xd800 && u < 0xdc00) { /* the first half of a pair */
        struct span mark;
        if (!cur_take(c, 2, &mark) || !span_is(mark, "\\u") || !hex4(c, &low) || low < 0xdc00 ||
            low >= 0xe000)
            return false;
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
    }
    *out = put_utf8(*out, u);
    return true;
}

/* A string from behind its first quote. */
static bool string(struct reader *r, struct span *out)
{
    const uint8_t *from = r->c.p;
    struct cur *c = &r->c;
    while (c->p < c->end && *c->p != '"' && *c->p != '\\' && *c->p >= 0x20)
        c->p++;
    *out = span_of(from, (size_t)(c->p - from));
    if (c->p < c->end && *c->p == '"') {
        c->p++;
        return true;
    }
    if (c->p == c->end || *c->p != '\\')
        return false;
    const uint8_t *quote = c->p; /* the end at the latest: an upper bound of the length */
    while (quote < c->end && *quote != '"')
        quote += *quote == '\\' ? 2 : 1;
    if (quote >= c->end)
        return false;
    uint8_t *copy = arena_alloc(r->arena, (size_t)(quote - from)), *at = copy;
    memcpy(at, from, out->n);
    at += out->n;
    while (c->p < quote) {
        uint8_t ch = *c->p++;
        if (ch < 0x20)
            return false;
        if (ch != '\\')
            *at++ = ch;
        else if (!escape(c, &at))
            return false;
    }
    c->p++;
    *out = span_of(copy, (size_t)(at - copy));
    return true;
}

static size_t digits(struct cur *c)
{
    const uint8_t *from = c->p;
    while (c->p < c->end && *c->p >= '0' && *c->p <= '9')
        c->p++;
    return (size_t)(c->p - from);
}

/* A number as it is written. */
static bool number(struct reader *r, struct span *out)
{
    struct cur *c = &r->c;
    const uint8_t *from = c->p;
    if (c->p < c->end && *c->p == '-')
        c->p++;
    const uint8_t *whole = c->p;
    size_t n = digits(c);
    if (n == 0 || (n > 1 && *whole == '0'))
        return false;
    if (c->p < c->end && *c->p == '.') {
        c->p++;
        if (!digits(c))
            return false;
    }
    if (c->p < c->end && (*c->p | 0x20) == 'e') {
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
            c->p++;
        if (!digits(c))
            return false;
    }
    *out = span_of(from, (size_t)(c->p - from));
    return true;
}

static bool word(struct reader *r, const char *text)
{
    struct span s;
    return cur_left(&r->c) >= strlen(text) && cur_take(&r->c, strlen(text), &s) && span_is(s, text);
}

/* A value that is neither array nor object. null is empty. */
static bool scalar(struct reader *r, struct span *out)
{
    skip_space(r);
    if (r->c.p == r->c.end)
        return false;
    *out = span_of(NULL, 0);
    switch (*r->c.p) {
    case '"':
        r->c.p++;
        return string(r, out);
    case 't':
        *out = span_str("true");
        return word(r, "true");
    case 'f':
        *out = span_str("false");
        return word(r, "false");
    case 'n':
        return word(r, "null");
    default:
        return number(r, out);
    }
}

/* Reads past any value. */
static bool skip(struct reader *r, int depth)
{
    struct span ignored;
    bool object = take(r, '{');
    if (!object && !take(r, '['))
        return scalar(r, &ignored);
    if (depth == DEPTH_MAX)
        return false;
    char end = object ? '}' : ']';
    if (take(r, end))
        return true;
    do {
        if (object && !(take(r, '"') && string(r, &ignored) && take(r, ':')))
            return false;
        if (!skip(r, depth + 1))
            return false;
    } while (take(r, ','));
    return take(r, end);
}

static bool at_container(struct reader *r)
{
    skip_space(r);
    return r->c.p < r->c.end && (*r->c.p == '[' || *r->c.p == '{');
}

/* An array of scalars becomes a list, and as a value what Zeek's other notation has: the items
 * with commas between. Where it holds arrays or objects, false: it is kept as JSON. */
static bool list(struct reader *r, struct zeek_field *f)
{
    struct span items[EVENT_FEED_CELLS_MAX];
    size_t n = 0, bytes = 0;
    if (!take(r, '['))
        return false;
    for (bool more = !take(r, ']'); more; more = !take(r, ']')) {
        if ((n && !take(r, ',')) || at_container(r) || n == EVENT_FEED_CELLS_MAX ||
            !scalar(r, &items[n]))
            return false;
        bytes += items[n++].n + 1;
    }
    struct span *copy = arena_alloc(r->arena, n * sizeof *copy);
    uint8_t *joined = arena_alloc(r->arena, bytes), *at = joined;
    for (size_t i = 0; i < n; i++) {
        copy[i] = items[i];
        if (i)
            *at++ = ',';
        if (items[i].n)
            memcpy(at, items[i].p, items[i].n);
        at += items[i].n;
    }
    f->list = (struct span_list){copy, n};
    f->value = span_of(joined, (size_t)(at - joined));
    return true;
}

static bool value(struct reader *r, struct zeek_field *f)
{
    if (!at_container(r))
        return scalar(r, &f->value);
    struct reader before = *r;
    if (list(r, f))
        return true;
    *r = before;
    if (!skip(r, 0))
        return false;
    f->value = span_of(before.c.p, (size_t)(r->c.p - before.c.p));
    return true;
}

/* The object's members. NULL, or why not. */
static const char *members(struct reader *r, struct zeek_field *fields, size_t *n)
{
    static const char broken[] = "no JSON object";
    *n = 0;
    if (!take(r, '{'))
        return broken;
    for (bool more = !take(r, '}'); more; more = !take(r, '}')) {
        if (*n == EVENT_FEED_CELLS_MAX - 1)
            return "too many fields";
        struct zeek_field *f = &fields[*n];
        *f = (struct zeek_field){0};
        if ((*n && !take(r, ',')) || !take(r, '"') || !string(r, &f->name) || !take(r, ':') ||
            !value(r, f))
            return broken;
        if (!f->name.n || f->name.n > FIELD_NAME_MAX || !span_is_utf8(f->name))
            return "a field without usable name";
        ++*n;
    }
    skip_space(r);
    return r->c.p == r->c.end ? NULL : broken;
}

static int field_cmp(const void *a, const void *b)
{
    return cbor_key_cmp(((const struct zeek_field *)a)->name, ((const struct zeek_field *)b)->name);
}

static enum zeek_log log_of(const struct zeek_field *fields, size_t n)
{
    enum zeek_log log = ZEEK_NONE;
    for (size_t i = 0; i < n; i++) {
        if (span_is(fields[i].name, "_path"))
            return zeek_log_named(fields[i].value);
        if (log == ZEEK_NONE)
            log = zeek_log_of_field(fields[i].name);
    }
    return log;
}

static int json_line(struct zeek *z, const struct line *line)
{
    struct reader r = {cur_of(line->text), &z->arena};
    struct zeek_field fields[EVENT_FEED_CELLS_MAX];
    size_t n;
    const char *why = members(&r, fields, &n);
    if (why)
        return zeek_reject(z, line, why);
    qsort(fields, n, sizeof *fields, field_cmp);
    for (size_t i = 1; i < n; i++)
        if (span_eq(fields[i].name, fields[i - 1].name))
            return zeek_reject(z, line, "two fields of one name");
    enum zeek_log log = log_of(fields, n);
    if (log == ZEEK_NONE)
        return zeek_reject(z, line, "of no conn, dns, http or smtp log");
    for (size_t i = 0; i < n; i++) {
        struct zeek_field *f = &fields[i];
        f->target = zeek_target_of(log, f->name);
        if (f->target == ZEEK_RCPTTO && f->list.n == 0 && f->value.n) {
            struct span *one = arena_alloc(&z->arena, sizeof *one);
            *one = f->value;
            f->list = (struct span_list){one, 1};
        }
    }
    return zeek_record(z, log, fields, n, line);
}

int zeek_run_json(struct zeek *z, const struct line *first, struct err *err)
{
    struct line line = *first;
    int r = LINES_LINE;
    for (;;) {
        arena_reset(&z->arena);
        if (r != LINES_LINE)
            r = zeek_no_line(z, r, &line, err);
        else if (line.text.n)
            r = json_line(z, &line);
        if (r <= 0)
            return r;
        r = lines_next(z->lines, &line, err);
    }
}
