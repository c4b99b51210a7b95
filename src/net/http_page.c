#include "net/http_page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/digest.h"
#include "net/http_content.h"
#include "net/http_language.h"
#include "wire/text.h"

enum piece_kind { PIECE_TEXT, PIECE_VALUE, PIECE_WITH, PIECE_WITHOUT, PIECE_END };

struct http_page_piece {
    enum piece_kind kind;
    enum http_page_value value;
    struct span text;
    unsigned end; /* WITH, WITHOUT: the section's END */
};

static const char *const value_names[] = {
#define HTTP_PAGE_VALUE(name) #name,
    HTTP_PAGE_VALUES
#undef HTTP_PAGE_VALUE
};

struct compiler {
    const char *language;
    struct http_page *page;
    unsigned open[HTTP_PAGE_DEPTH_MAX], depth;
    struct err *err;
};

static int wrong(const struct compiler *c, const char *what, struct span where)
{
    return err_set(c->err, -EINVAL, "page \"%s\": %s (\"%.*s\")", c->language, what,
                   (int)(where.n < 40 ? where.n : 40), where.p);
}

static int piece_add(const struct compiler *c, struct http_page_piece piece)
{
    struct http_page *p = c->page;
    if (p->pieces_count == HTTP_PAGE_PIECES_MAX)
        return wrong(c, "has too many placeholders", p->html);
    p->pieces[p->pieces_count++] = piece;
    return 0;
}

/* What stands between the braces. */
static int placeholder_add(struct compiler *c, struct span tag)
{
    struct http_page_piece piece = {.kind = PIECE_VALUE};
    struct span name = tag;
    if (tag.n && strchr("#^/", *tag.p)) {
        piece.kind = *tag.p == '#' ? PIECE_WITH : *tag.p == '^' ? PIECE_WITHOUT : PIECE_END;
        name = text_behind(tag, 1);
    }
    unsigned value = 0;
    while (value < HTTP_PAGE_VALUES_COUNT && !span_is(name, value_names[value]))
        value++;
    if (value == HTTP_PAGE_VALUES_COUNT)
        return wrong(c, "no such placeholder", tag);
    piece.value = (enum http_page_value)value;
    if (piece.kind == PIECE_WITH || piece.kind == PIECE_WITHOUT) {
        if (c->depth == HTTP_PAGE_DEPTH_MAX)
            return wrong(c, "sections nest too deep", tag);
        c->open[c->depth++] = c->page->pieces_count;
    } else if (piece.kind == PIECE_END) {
        struct http_page_piece *open = c->depth ? &c->page->pieces[c->open[--c->depth]] : NULL;
        if (!open || open->value != piece.value)
            return wrong(c, "a section ends that was not begun", tag);
        open->end = c->page->pieces_count;
    }
    return piece_add(c, piece);
}

static int pieces_compile(struct compiler *c)
{
    struct span rest = c->page->html;
    int r = 0;
    while (rest.n && r == 0) {
        const uint8_t *at = memmem(rest.p, rest.n, "{{", 2);
        size_t n = at ? (size_t)(at - rest.p) : rest.n;
        if (n)
            r = piece_add(c,
                          (struct http_page_piece){.kind = PIECE_TEXT, .text = span_of(rest.p, n)});
        rest = text_behind(rest, n);
        if (!rest.n || r < 0)
            break;
        const uint8_t *end = memmem(rest.p, rest.n, "}}", 2);
        if (!end)
            return wrong(c, "a placeholder has no end", rest);
        r = placeholder_add(c, span_of(rest.p + 2, (size_t)(end - rest.p) - 2));
        rest = text_behind(rest, (size_t)(end + 2 - rest.p));
    }
    if (r == 0 && c->depth)
        return wrong(c, "a section has no end",
                     span_str(value_names[c->page->pieces[c->open[c->depth - 1]].value]));
    return r;
}

static size_t find(struct span s, const char *word)
{
    size_t at = 0;
    while (at < s.n && !text_starts(text_behind(s, at), word))
        at++;
    return at;
}

/* Appends the hash of each style sheet, by which alone browsers take it (CSP 3, 6.7.3). */
static int styles_hash(const struct compiler *c, struct buf *policy)
{
    struct span rest = c->page->html;
    unsigned n = 0;
    for (size_t at; (at = find(rest, "<style")) < rest.n; n++) {
        rest = text_behind(rest, at);
        size_t open = text_find(rest, '>');
        if (open == rest.n || n == HTTP_PAGE_STYLES_MAX)
            return wrong(c, n ? "has too many style sheets" : "a style sheet has no begin", rest);
        rest = text_behind(rest, open + 1);
        struct span sheet = span_of(rest.p, find(rest, "</style"));
        if (sheet.n == rest.n || find(sheet, "{{") < sheet.n)
            return wrong(c, "a style sheet has a placeholder or no end", sheet);
        uint8_t sum[SHA256_LEN];
        sha256(sheet.p, sheet.n, sum);
        buf_str(policy, " 'sha256-");
        base64_encode(policy, span_of(sum, sizeof sum));
        buf_byte(policy, '\'');
        rest = text_behind(rest, sheet.n);
    }
    if (n == 0)
        buf_str(policy, " 'none'");
    return 0;
}

static int headers_compile(const struct compiler *c)
{
    struct buf *h = &c->page->headers;
    buf_str(h, "Content-Type: text/html; charset=utf-8\r\nContent-Language: ");
    buf_str(h, c->language);
    buf_str(h, "\r\nVary: Accept-Language\r\nCache-Control: no-store\r\n"
               "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
               "Content-Security-Policy: default-src 'none'; img-src data:; base-uri 'none'; "
               "form-action 'none'; frame-ancestors 'none'; style-src");
    int r = styles_hash(c, h);
    buf_str(h, "\r\n");
    return r;
}

int http_page_compile(const char *language, const char *html, struct http_page *out,
                      struct err *err)
{
    struct compiler c = {.language = language, .page = out, .err = err};
    memset(out, 0, sizeof *out);
    out->language = span_str(language);
    out->html = span_str(html);
    if (!http_language_is_tag(out->language))
        return err_set(err, -EINVAL, "page \"%s\": no language tag", language);
    if (out->html.n == 0 || out->html.n > HTTP_PAGE_MAX || !span_is_utf8(out->html))
        return err_set(err, -EINVAL, "page \"%s\": empty, over %u KiB, or not UTF-8", language,
                       HTTP_PAGE_MAX >> 10);
    char what[HTTP_LANGUAGE_TAG_MAX + 16];
    snprintf(what, sizeof what, "page \"%s\"", language);
    snprintf(out->answer, sizeof out->answer, "200 page %s", language);
    out->pieces = calloc(HTTP_PAGE_PIECES_MAX, sizeof *out->pieces);
    if (!out->pieces)
        abort();
    int r = http_content_check_html(what, out->html, err);
    if (r == 0)
        r = pieces_compile(&c);
    if (r == 0)
        r = headers_compile(&c);
    if (r < 0)
        http_page_free(out);
    return r;
}

void http_page_free(struct http_page *p)
{
    free(p->pieces);
    buf_free(&p->headers);
    memset(p, 0, sizeof *p);
}

/* Values are texts of the case and of clients: what is no UTF-8 or a control character is shown as
 * "?". */
static void put_escaped(struct span s, struct buf *out)
{
    if (s.n > HTTP_PAGE_VALUE_MAX)
        s.n = HTTP_PAGE_VALUE_MAX;
    bool text = span_is_utf8(s);
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        switch (c) {
        case '&':
            buf_str(out, "&amp;");
            break;
        case '<':
            buf_str(out, "&lt;");
            break;
        case '>':
            buf_str(out, "&gt;");
            break;
        case '"':
            buf_str(out, "&#34;");
            break;
        case '\'':
            buf_str(out, "&#39;");
            break;
        default:
            buf_byte(out, c < 0x20 || c == 0x7f || (c >= 0x80 && !text) ? '?' : c);
        }
    }
}

void http_page_render(const struct http_page *p, const struct http_page_values *values,
                      struct buf *out)
{
    for (unsigned i = 0; i < p->pieces_count; i++) {
        const struct http_page_piece *piece = &p->pieces[i];
        struct span value = values->v[piece->value];
        switch (piece->kind) {
        case PIECE_TEXT:
            buf_span(out, piece->text);
            break;
        case PIECE_VALUE:
            put_escaped(value, out);
            break;
        case PIECE_WITH:
        case PIECE_WITHOUT:
            if ((value.n > 0) != (piece->kind == PIECE_WITH))
                i = piece->end;
            break;
        case PIECE_END:
            break;
        }
    }
}
