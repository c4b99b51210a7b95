#include "wire/http.h"

#include "wire/text.h"

void http_anomaly_words(uint32_t bits, struct buf *out)
{
    static const char *const words[] = {
        "bare-lf",      "no-version",  "odd-version",     "spaces",     "folded",    "bad-header",
        "no-host",      "two-hosts",   "length-conflict", "bad-length", "bad-chunk", "control",
        "many-headers", "empty-lines", "odd-coding",      "cut",
    };
    text_bit_words(bits, words, sizeof words / sizeof *words, out);
}

/* Bytes of a token (RFC 9110, 5.6.2). */
static const bool tchar[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

/* The next line of c without its ending; false when there is none. *bare when it had no CR. With
 * `cut` the bytes behind the last LF are a line too. */
static bool line_next(struct cur *c, struct span *line, bool *bare, bool cut)
{
    const uint8_t *lf = cur_left(c) ? memchr(c->p, '\n', cur_left(c)) : NULL;
    if (!lf) {
        *bare = false;
        return cut && cur_take(c, cur_left(c), line) && line->n;
    }
    size_t n = (size_t)(lf - c->p);
    *bare = n == 0 || c->p[n - 1] != '\r';
    *line = span_of(c->p, *bare ? n : n - 1);
    c->p = lf + 1;
    return true;
}

/* The first line's kind, as far as it can be told. */
enum opening { NOT_HTTP = -1, OPEN = 0, USUAL = 1, UNUSUAL = 2 };

/* *capitals: to the letter. */
static bool method_is_usual(struct span m, bool *capitals)
{
    static const char *const usual[] = {"get",   "post",     "head",    "put",
                                        "patch", "delete",   "options", "connect",
                                        "trace", "propfind", "pri"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (!text_is(m, usual[i]))
            continue;
        *capitals = true;
        for (size_t k = 0; k < m.n; k++)
            *capitals = *capitals && m.p[k] < 'a';
        return true;
    }
    return false;
}

static bool is_scheme_char(uint8_t c)
{
    uint8_t lower = text_lower(c);
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '-' ||
           c == '.';
}

/* "scheme:/" (RFC 3986, 3.1): enough to tell a URI from other protocols' arguments. */
static enum opening uri_kind(struct span s)
{
    size_t n = 0;
    while (n < s.n && n < HTTP_SCHEME_MAX && is_scheme_char(s.p[n]))
        n++;
    if (n == s.n)
        return OPEN;
    if (n == 0 || s.p[n] != ':')
        return NOT_HTTP;
    return n + 1 == s.n ? OPEN : s.p[n + 1] == '/' ? UNUSUAL : NOT_HTTP;
}

static enum opening target_kind(struct span rest)
{
    rest = text_trim_start(rest);
    if (rest.n == 0)
        return OPEN;
    if (*rest.p == '/')
        return UNUSUAL;
    if (*rest.p == '*')
        return rest.n == 1 ? OPEN : text_is_space(rest.p[1]) ? UNUSUAL : NOT_HTTP;
    return uri_kind(rest);
}

/* data starts at the request line. OPEN: not enough to tell. *capitals: a usual method to the
 * letter. */
static enum opening opening_of(struct span data, bool *capitals)
{
    size_t n = 0;
    *capitals = false;
    while (n < data.n && n <= HTTP_METHOD_MAX && tchar[data.p[n]])
        n++;
    if (n > HTTP_METHOD_MAX || (n == 0 && data.n))
        return NOT_HTTP;
    if (n == data.n)
        return OPEN;
    if (data.p[n] != ' ')
        return NOT_HTTP;
    struct span rest = text_behind(data, n + 1);
    if (method_is_usual(span_of(data.p, n), capitals))
        return USUAL;
    return target_kind(rest);
}

/* Behind the empty lines at the start; false when there are too many. */
static bool empty_lines_skip(struct cur *c)
{
    unsigned n = 0;
    while (cur_left(c) && (*c->p == '\r' || *c->p == '\n')) {
        if (*c->p == '\r' && cur_left(c) >= 2 && c->p[1] != '\n')
            return false;
        if (*c->p == '\n' && ++n > HTTP_EMPTY_LINES_MAX)
            return false;
        c->p++;
    }
    return true;
}

/* The last word of a request line behind the method, when it is a version; else empty. */
static struct span version_word(struct span rest)
{
    const struct span none = {NULL, 0};
    if (rest.p == NULL || rest.n == 0)
        return none;
    const uint8_t *space = memrchr(rest.p, ' ', rest.n), *tab = memrchr(rest.p, '\t', rest.n);
    const uint8_t *last = !space || (tab && tab > space) ? tab : space;
    if (!last)
        return none;
    struct span word = text_behind(rest, (size_t)(last + 1 - rest.p));
    return text_starts(word, "http/") ? word : none;
}

/* Splits at white space: the version is the last word when it says HTTP/, the target what lies
 * between it and the method, spaces included. The line has a space (opening_of saw to it). */
static void request_line(struct span line, struct http_request *r)
{
    size_t method = text_find(line, ' ');
    struct span rest = text_trim_end(text_behind(line, method));
    struct span version = version_word(rest);
    size_t plain = 1; /* spaces */
    r->line = line;
    r->method = span_of(line.p, method);
    if (method + rest.n != line.n)
        r->anomalies |= HTTP_SPACES;
    if (version.n) {
        if (!span_is(version, "HTTP/1.1") && !span_is(version, "HTTP/1.0"))
            r->anomalies |= HTTP_ODD_VERSION;
        r->version = text_behind(version, 5);
        rest.n -= version.n;
        plain = 2;
    } else {
        r->anomalies |= HTTP_NO_VERSION;
    }
    r->target = text_trim_lines(rest);
    if (rest.n - r->target.n != plain || (rest.n && memchr(rest.p, '\t', rest.n)) ||
        (r->target.n && memchr(r->target.p, ' ', r->target.n)))
        r->anomalies |= HTTP_SPACES;
}

/* What the framing headers said so far. */
struct framing {
    unsigned hosts, codings, chunkeds;
    bool length, close, keep;
    bool last_chunked; /* the last transfer coding is "chunked" */
};

/* The next member of a comma-separated list, trimmed; empty ones too. False at the end. */
static bool list_next(struct cur *c, struct span *member)
{
    if (!c->p)
        return false;
    size_t comma = text_find(span_of(c->p, cur_left(c)), ',');
    *member = text_trim_lines(span_of(c->p, comma));
    c->p = comma < cur_left(c) ? c->p + comma + 1 : NULL;
    return true;
}

static void take_length(struct span value, struct http_request *r, struct framing *f)
{
    uint64_t n;
    struct span member;
    for (struct cur c = cur_of(value); list_next(&c, &member);) {
        if (!text_number(member, &n)) {
            r->anomalies |= HTTP_BAD_LENGTH;
        } else if (!f->length) {
            f->length = true;
            r->content_length = n;
        } else if (n != r->content_length) {
            r->anomalies |= HTTP_LENGTH_CONFLICT;
        }
    }
}

static void take_coding(struct span value, struct framing *f)
{
    struct span member;
    for (struct cur c = cur_of(value); list_next(&c, &member);) {
        if (member.n == 0 || text_is(member, "identity"))
            continue;
        f->codings++;
        f->last_chunked = text_is(member, "chunked");
        f->chunkeds += f->last_chunked;
    }
}

static void take_connection(struct span value, struct framing *f)
{
    struct span member;
    for (struct cur c = cur_of(value); list_next(&c, &member);) {
        if (text_is(member, "close"))
            f->close = true;
        else if (text_is(member, "keep-alive"))
            f->keep = true;
    }
}

static void keep_first(struct span *field, struct span value)
{
    if (!field->p)
        *field = value;
}

/* The headers that we act on or that are asked for most; told apart by length first. */
static void take_known(struct span name, struct span value, struct http_request *r,
                       struct framing *f)
{
    switch (name.n) {
    case 4:
        if (text_starts(name, "host")) {
            f->hosts++;
            keep_first(&r->host, value);
        }
        break;
    case 6:
        if (text_starts(name, "expect") && text_is(value, "100-continue"))
            r->expect_continue = true;
        break;
    case 7:
        if (text_starts(name, "referer"))
            keep_first(&r->referer, value);
        break;
    case 10:
        if (text_starts(name, "user-agent"))
            keep_first(&r->user_agent, value);
        else if (text_starts(name, "connection"))
            take_connection(value, f);
        break;
    case 12:
        if (text_starts(name, "content-type"))
            keep_first(&r->content_type, value);
        break;
    case 14:
        if (text_starts(name, "content-length"))
            take_length(value, r, f);
        break;
    case 16:
        if (text_starts(name, "content-encoding"))
            keep_first(&r->content_encoding, value);
        break;
    case 17:
        if (text_starts(name, "transfer-encoding"))
            take_coding(value, f);
        break;
    }
}

/* A header line (several when folded) up to its last line's ending. */
static void take_header(struct span line, struct http_request *r, struct framing *f)
{
    size_t colon = text_find(line, ':'), valid = 0;
    struct span name = span_of(line.p, colon < line.n ? colon : 0);
    if (text_find(name, '\n') < name.n) /* the colon stands in a folded line */
        name.n = 0;
    size_t n = text_trim_end(name).n;
    if (n < name.n)
        r->anomalies |= HTTP_SPACES;
    name.n = n;
    while (valid < n && tchar[line.p[valid]])
        valid++;
    if (n == 0 || valid < n)
        r->anomalies |= HTTP_BAD_HEADER;
    if (n == 0)
        return;
    struct span value = text_trim_lines(text_behind(line, colon + 1));
    if (r->n_headers < HTTP_HEADERS_MAX)
        r->header[r->n_headers++] = (struct http_header){name, value};
    else
        r->anomalies |= HTTP_TOO_MANY_HEADERS;
    take_known(name, value, r, f);
}

/* The header lines, each given on when the next one shows that it is not folded. */
static void header_lines(struct cur c, bool cut, struct http_request *r, struct framing *f)
{
    struct span line, whole = {NULL, 0};
    bool bare;
    while (line_next(&c, &line, &bare, cut)) {
        if (bare)
            r->anomalies |= HTTP_BARE_LF;
        if (line.n == 0)
            break;
        if (text_is_space(*line.p)) {
            r->anomalies |= whole.p ? HTTP_FOLDED : HTTP_BAD_HEADER;
            if (whole.p)
                whole.n = (size_t)(line.p + line.n - whole.p);
            continue;
        }
        if (whole.p)
            take_header(whole, r, f);
        whole = line;
    }
    if (whole.p)
        take_header(whole, r, f);
}

/* Control bytes other than tab, LF, and CR before LF. No branches: the compiler makes vectors of
 * it. */
static bool has_control(struct span s)
{
    uint8_t found = 0;
    for (size_t i = 0; i + 1 < s.n; i++) {
        uint8_t c = s.p[i], next = s.p[i + 1];
        found |= (uint8_t)((c < 0x20) & (c != '\t') & (c != '\n') & (c != '\r'));
        found |= (uint8_t)((c == 0x7f) | ((c == '\r') & (next != '\n')));
    }
    uint8_t last = s.n ? s.p[s.n - 1] : ' ';
    return found || (last < 0x20 && last != '\t' && last != '\n') || last == 0x7f;
}

/* RFC 9112, 6.3 and 9.3. */
static void conclude(struct http_request *r, const struct framing *f)
{
    bool v10 = span_is(r->version, "1.0"), v0 = r->version.n == 0 || *r->version.p == '0';
    if (f->hosts > 1)
        r->anomalies |= HTTP_TWO_HOSTS;
    if (f->hosts == 0 && !v10 && !v0)
        r->anomalies |= HTTP_NO_HOST;
    if (f->codings) {
        r->chunked = f->last_chunked;
        if (!f->last_chunked || f->chunkeds > 1 || v10 || v0)
            r->anomalies |= HTTP_ODD_CODING;
        if (f->length)
            r->anomalies |= HTTP_LENGTH_CONFLICT;
        if (r->chunked)
            r->content_length = 0;
    }
    r->keep_alive = !f->close && !v0 && (f->keep || !v10);
}

int http_head_end(struct span data, size_t *scanned, size_t *end)
{
    struct cur c = cur_of(data);
    if (!empty_lines_skip(&c))
        return -1;
    size_t n = data.n < HTTP_HEAD_MAX ? data.n : HTTP_HEAD_MAX;
    size_t at = (size_t)(c.p - data.p);
    for (at = at > *scanned ? at : *scanned; at < n;) {
        const uint8_t *lf = memchr(data.p + at, '\n', n - at);
        if (!lf) {
            at = n;
            break;
        }
        size_t next = (size_t)(lf - data.p) + 1;
        if (next < n && data.p[next] == '\r')
            next++;
        if (next >= n) {
            at = (size_t)(lf - data.p); /* to be looked at again */
            break;
        }
        if (data.p[next] == '\n') {
            *scanned = *end = next + 1;
            return 1;
        }
        at = next;
    }
    *scanned = at;
    return data.n >= HTTP_HEAD_MAX ? -1 : 0;
}

/* The whole head is there, or (cut) nothing will follow. */
static int head_parse(struct span head, bool cut, struct http_request *r)
{
    /* all but the headers, which are many and have their count */
    memset(r, 0, offsetof(struct http_request, header));
    memset(&r->n_headers, 0, sizeof *r - offsetof(struct http_request, n_headers));
    struct cur c = cur_of(head);
    struct span line;
    struct framing f = {0};
    bool capitals, bare;
    if (!empty_lines_skip(&c))
        return -1;
    if (c.p != head.p)
        r->anomalies |= HTTP_EMPTY_LINES;
    if (opening_of(span_of(c.p, cur_left(&c)), &capitals) <= OPEN)
        return -1;
    bool open_line = !memchr(c.p, '\n', cur_left(&c));
    if (!line_next(&c, &line, &bare, cut))
        return -1;
    if (bare)
        r->anomalies |= HTTP_BARE_LF;
    request_line(line, r);
    if ((r->anomalies & HTTP_NO_VERSION) && !capitals)
        return -1;
    if (cut && (open_line || cur_left(&c) || !(r->anomalies & HTTP_NO_VERSION)))
        r->anomalies |= HTTP_CUT;
    r->head = head;
    r->headers = span_of(c.p, cur_left(&c));
    header_lines(c, cut, r, &f);
    if (has_control(head))
        r->anomalies |= HTTP_CONTROL;
    conclude(r, &f);
    return 1;
}

static bool could_be(struct span data, enum opening least)
{
    struct cur c = cur_of(data);
    bool capitals;
    if (!empty_lines_skip(&c))
        return false;
    struct span rest = span_of(c.p, cur_left(&c) < HTTP_HEAD_MAX ? cur_left(&c) : HTTP_HEAD_MAX);
    enum opening opening = opening_of(rest, &capitals);
    if (opening < least)
        return false;
    const uint8_t *lf = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
    if (opening <= OPEN || capitals || !lf)
        return true;
    size_t n = (size_t)(lf - rest.p);
    if (rest.p[n - 1] == '\r')
        n--;
    return version_word(text_trim_end(span_of(rest.p, n))).n > 0;
}

int http_parse(struct span data, struct http_request *out)
{
    size_t scanned = 0, end;
    int r = http_head_end(data, &scanned, &end);
    if (r == 0)
        return could_be(data, OPEN) ? 0 : -1;
    return r < 0 ? -1 : head_parse(span_of(data.p, end), false, out);
}

int http_parse_end(struct span data, struct http_request *out)
{
    int r = http_parse(data, out);
    return r == 0 ? head_parse(data, true, out) : r;
}

bool http_looks_like_request(struct span data)
{
    return could_be(data, USUAL);
}

const struct http_header *http_find(const struct http_request *r, const char *name)
{
    struct span want = span_str(name);
    for (size_t i = 0; i < r->n_headers; i++)
        if (span_ieq(r->header[i].name, want))
            return &r->header[i];
    return NULL;
}

struct span http_authority(const struct http_request *r)
{
    struct span t = r->target;
    if (span_is(r->method, "CONNECT"))
        return t;
    const uint8_t *at = uri_kind(t) == UNUSUAL ? memchr(t.p, ':', t.n) : NULL;
    size_t left = at ? t.n - (size_t)(at - t.p) : 0;
    if (left < 3 || at[2] != '/')
        return r->host;
    at += 3;
    left -= 3;
    size_t n = 0, start = 0;
    while (n < left && at[n] != '/' && at[n] != '?' && at[n] != '#') {
        if (at[n++] == '@')
            start = n; /* behind user information */
    }
    return span_of(at + start, n - start);
}
