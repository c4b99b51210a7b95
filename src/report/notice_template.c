#include "report/notice_template.h"

#include <errno.h>

#define LINE_MAX_BYTES (16u << 10) /* of a template's line */

static const struct {
    const char *name, *about;
    bool list;
} values[NOTICE_VALUES] = {
#define VALUE(symbol, name, list, about) [NOTICE_##symbol] = {name, about, list},
#include "report/notice_values.def"
};

static const char *const forms[NOTICE_FORMS] = {"text", "html", "advertisement"};

const char *notice_form_name(enum notice_form form)
{
    return form < NOTICE_FORMS ? forms[form] : "";
}

enum notice_form notice_form_of(struct span name)
{
    unsigned i = 0;
    while (i < NOTICE_FORMS && !span_is(name, forms[i]))
        i++;
    return (enum notice_form)i;
}

const char *notice_value_name(enum notice_value value)
{
    return value < NOTICE_VALUES ? values[value].name : "";
}

const char *notice_value_about(enum notice_value value)
{
    return value < NOTICE_VALUES ? values[value].about : "";
}

/* ---- reading ---- */

static enum notice_value value_of(struct span name)
{
    unsigned i = 0;
    while (i < NOTICE_VALUES && !span_is(name, values[i].name))
        i++;
    return (enum notice_value)i;
}

static const uint8_t *find(const uint8_t *p, const uint8_t *end, const char two[3])
{
    return p < end ? memmem(p, (size_t)(end - p), two, 2) : NULL;
}

/* A line's next piece: words, then a place (value < NOTICE_VALUES) or the line's end. 1 more, 0
 * that was the last, -EINVAL. */
struct piece {
    struct span words;
    enum notice_value value;
};
static int next_piece(struct cur *line, unsigned number, struct piece *out, struct err *err)
{
    const uint8_t *open = find(line->p, line->end, "{{");
    out->value = NOTICE_VALUES;
    out->words = span_of(line->p, open ? (size_t)(open - line->p) : cur_left(line));
    if (find(out->words.p, out->words.p + out->words.n, "}}"))
        return err_set(err, -EINVAL, "line %u: }} without {{", number);
    if (!open) {
        line->p = line->end;
        return 0;
    }
    const uint8_t *close = find(open + 2, line->end, "}}");
    if (!close)
        return err_set(err, -EINVAL, "line %u: {{ without }}", number);
    struct span name = span_trim(span_of(open + 2, (size_t)(close - open - 2)));
    out->value = value_of(name);
    if (out->value == NOTICE_VALUES)
        return err_set(err, -EINVAL, "line %u: there is no {{%.*s}}", number,
                       (int)(name.n < 40 ? name.n : 40), (const char *)name.p);
    line->p = close + 2;
    return 1;
}

/* A line without its CR. */
static struct span next_line(struct cur *c)
{
    struct span s = cur_line(c);
    if (s.n && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

/* One character of UTF-8 that is well-formed. */
static uint32_t next_char(struct cur *c)
{
    uint8_t first = *c->p++;
    unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t v = more ? first & (0x3fu >> more) : first;
    for (; more && c->p < c->end; more--)
        v = v << 6 | (*c->p++ & 0x3f);
    return v;
}

static bool is_control(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f);
}

/* Embeddings, overrides and isolates: they make text read other than it is (Unicode, UAX 9). The
 * marks U+200E and U+200F are plain letters' company and may stay. */
static bool is_forced(uint32_t c)
{
    return (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0x2028 ||
           c == 0x2029;
}

static int check_letters(struct span line, unsigned number, struct err *err)
{
    for (struct cur c = cur_of(line); cur_left(&c);) {
        uint32_t v = next_char(&c);
        if (is_control(v) && v != '\t')
            return err_set(err, -EINVAL, "line %u: a control character", number);
        if (is_forced(v))
            return err_set(err, -EINVAL, "line %u: a character that forces direction", number);
    }
    return 0;
}

/* Mail programs throw scripts away, and readers are right not to trust a notice with one. */
static int check_html(struct span line, unsigned number, struct err *err)
{
    static const char script[] = "<script";
    for (size_t i = 0; i + sizeof script - 1 <= line.n; i++)
        if (span_ieq(span_of(line.p + i, sizeof script - 1), span_str(script)))
            return err_set(err, -EINVAL, "line %u: a notice has no scripts", number);
    return 0;
}

static int check_line(struct span line, enum notice_form form, unsigned number, bool *used,
                      struct err *err)
{
    struct cur c = cur_of(line);
    struct piece piece;
    unsigned lists = 0;
    int rc = line.n > LINE_MAX_BYTES
                 ? err_set(err, -EINVAL, "line %u: over %u bytes", number, LINE_MAX_BYTES)
                 : check_letters(line, number, err);
    if (rc == 0 && form == NOTICE_HTML)
        rc = check_html(line, number, err);
    if (rc < 0)
        return rc;
    while ((rc = next_piece(&c, number, &piece, err)) == 1) {
        used[piece.value] = true;
        lists += values[piece.value].list;
    }
    if (rc == 0 && lists > 1)
        rc = err_set(err, -EINVAL, "line %u: more than one list in a line", number);
    return rc;
}

static bool is_blank(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!strchr(" \t\r\n", s.p[i] ? s.p[i] : 'x'))
            return false;
    return true;
}

int notice_template_check(struct span words, enum notice_form form, bool used[NOTICE_VALUES],
                          struct err *err)
{
    bool own[NOTICE_VALUES] = {false};
    struct cur c = cur_of(words);
    unsigned number = 0;
    int rc = 0;
    if (words.n > NOTICE_TEMPLATE_MAX)
        return err_set(err, -EFBIG, "a template has %u KiB at most", NOTICE_TEMPLATE_MAX >> 10);
    if (is_blank(words))
        return err_set(err, -EINVAL, "an empty template");
    if (!span_is_utf8(words))
        return err_set(err, -EINVAL, "a template is UTF-8 without NUL");
    while (rc == 0 && cur_left(&c))
        rc = check_line(next_line(&c), form, ++number, own, err);
    if (used)
        memcpy(used, own, sizeof own);
    return rc;
}

/* ---- filling ---- */

static void put_char(struct buf *out, struct span letter, bool html)
{
    static const struct {
        char c;
        const char *as;
    } marks[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    for (size_t i = 0; html && letter.n == 1 && i < sizeof marks / sizeof *marks; i++)
        if (letter.p[0] == (uint8_t)marks[i].c) {
            buf_str(out, marks[i].as);
            return;
        }
    buf_span(out, letter);
}

static void put_value(struct buf *out, struct span text, bool html)
{
    if (!span_is_utf8(text)) {
        buf_str(out, "\xef\xbf\xbd");
        return;
    }
    for (struct cur c = cur_of(text); cur_left(&c);) {
        const uint8_t *at = c.p;
        uint32_t v = next_char(&c);
        if (is_control(v) || is_forced(v))
            buf_str(out, "\xef\xbf\xbd");
        else
            put_char(out, span_of(at, (size_t)(c.p - at)), html);
    }
}

static int put_line(struct span line, bool html, const struct notice_values *v, struct span item,
                    struct buf *out)
{
    struct cur c = cur_of(line);
    struct piece piece;
    int more;
    do {
        more = next_piece(&c, 0, &piece, NULL);
        buf_span(out, piece.words);
        if (more == 1)
            put_value(out, values[piece.value].list ? item : v->text[piece.value], html);
    } while (more == 1);
    buf_byte(out, '\n');
    return more;
}

/* What the line asks for and nobody knows; NOTICE_VALUES: nothing. */
static enum notice_value missing(struct span line, const struct notice_values *v, bool *list)
{
    struct cur c = cur_of(line);
    struct piece piece;
    enum notice_value none = NOTICE_VALUES;
    *list = false;
    while (next_piece(&c, 0, &piece, NULL) == 1) {
        bool there = values[piece.value].list ? v->n_items > 0 : v->text[piece.value].n > 0;
        *list |= values[piece.value].list;
        if (!there && none == NOTICE_VALUES)
            none = piece.value;
    }
    return none;
}

static int fill(struct span words, bool html, const struct notice_values *v, struct buf *out,
                struct err *err)
{
    size_t begun = out->n;
    unsigned number = 0;
    for (struct cur c = cur_of(words); cur_left(&c);) {
        bool list;
        struct span line = next_line(&c), none = {0};
        enum notice_value hole = missing(line, v, &list);
        number++;
        if (hole != NOTICE_VALUES)
            return err_set(err, -ENODATA, "line %u: {{%s}} is not known: %s", number,
                           values[hole].name, values[hole].about);
        for (size_t i = 0; i < (list ? v->n_items : 1); i++) {
            put_line(line, html, v, list ? v->items[i] : none, out);
            if (out->n - begun > NOTICE_OUTPUT_MAX)
                return err_set(err, -EFBIG, "over %u MiB of text", NOTICE_OUTPUT_MAX >> 20);
        }
    }
    return 0;
}

int notice_template_fill(struct span words, enum notice_form form, const struct notice_values *v,
                         struct buf *out, struct err *err)
{
    size_t begun = out->n;
    int rc = notice_template_check(words, form, NULL, err);
    if (rc == 0 && v->n_items > NOTICE_ITEMS_MAX)
        rc = err_set(err, -EFBIG, "a list of more than %d", NOTICE_ITEMS_MAX);
    if (rc == 0)
        rc = fill(words, form == NOTICE_HTML, v, out, err);
    if (rc < 0)
        out->n = begun;
    return rc;
}

void notice_text_split(struct span text, struct span *subject, struct span *body)
{
    static const char key[] = "Subject:";
    struct cur c = cur_of(text);
    *subject = span_of(NULL, 0);
    *body = text;
    if (text.n < sizeof key - 1 || !span_ieq(span_of(text.p, sizeof key - 1), span_str(key)))
        return;
    struct span first = next_line(&c), rest = span_of(c.p, cur_left(&c));
    *subject = span_trim(span_of(first.p + sizeof key - 1, first.n - (sizeof key - 1)));
    if (cur_left(&c) && next_line(&c).n == 0) /* the empty line */
        rest = span_of(c.p, cur_left(&c));
    *body = rest;
}
