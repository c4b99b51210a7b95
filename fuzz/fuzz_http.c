/* HTTP requests with their bodies, pipelined. A head parses alone as it does with what follows, no
 * shorter input is taken for a whole head, and chunks come out the same however they are cut. */
#include "must.h"
#include "wire/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_request(struct span data, const struct http_request *r)
{
    must(r->head.p == data.p && r->head.n <= data.n && r->head.n <= HTTP_HEAD_MAX);
    must(r->n_headers <= HTTP_HEADERS_MAX && r->method.n > 0 && r->method.n <= HTTP_METHOD_MAX);
    must(!r->chunked || r->content_length == 0);
    must(!(r->anomalies & HTTP_BAD_CHUNK));
    const struct span spans[] = {
        r->line,       r->method,  r->target,       r->version,          r->headers,       r->host,
        r->user_agent, r->referer, r->content_type, r->content_encoding, http_authority(r)};
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        inside(r->head, spans[i]);
    for (size_t i = 0; i < r->n_headers; i++) {
        inside(r->headers, r->header[i].name);
        inside(r->headers, r->header[i].value);
        must(r->header[i].name.n > 0 && !memchr(r->header[i].name.p, '\n', r->header[i].name.n));
    }
}

static bool same(const struct http_request *a, const struct http_request *b)
{
    if (memcmp(a, b, offsetof(struct http_request, header)) != 0 || a->n_headers != b->n_headers)
        return false;
    return memcmp(a->header, b->header, a->n_headers * sizeof *a->header) == 0 &&
           a->anomalies == b->anomalies && a->content_length == b->content_length &&
           a->keep_alive == b->keep_alive && a->chunked == b->chunked;
}

/* The head's end, looked for as the bytes come in. */
static void check_head_end(struct span data, size_t head, size_t step)
{
    size_t scanned = 0, end = 0;
    for (size_t n = 0; n < head; n += step) {
        must(http_head_end(span_of(data.p, n), &scanned, &end) == 0);
        must(scanned <= n);
    }
    must(http_head_end(data, &scanned, &end) == 1 && end == head);
}

struct body {
    int result;
    size_t used;
    struct buf data;
};

static void decode(struct span in, size_t step, struct body *out)
{
    struct http_chunks s = {0};
    struct cur c = cur_of(in);
    out->result = 0;
    while (out->result == 0 && c.p < in.p + in.n) {
        c.end = cur_left(&(struct cur){c.p, in.p + in.n}) > step ? c.p + step : in.p + in.n;
        do {
            struct span piece;
            out->result = http_chunks_next(&s, &c, &piece);
            inside(in, piece);
            must(out->result == 0 || piece.n == 0);
            buf_span(&out->data, piece);
        } while (out->result == 0 && cur_left(&c));
    }
    out->used = (size_t)(c.p - in.p);
}

static size_t check_chunks(struct span in)
{
    struct body whole = {0};
    decode(in, in.n ? in.n : 1, &whole);
    for (size_t step = 1; step <= 7; step += 2) {
        struct body pieces = {0};
        decode(in, step, &pieces);
        must(pieces.result == whole.result && pieces.used == whole.used);
        must(span_eq(buf_as_span(&pieces.data), buf_as_span(&whole.data)));
        buf_free(&pieces.data);
    }
    buf_free(&whole.data);
    return whole.used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct http_request r, again;
    struct span in = span_of(data, size);
    check_chunks(in);
    while (in.n) {
        int result = http_parse(in, &r);
        if (result != 1) {
            result = http_parse_end(in, &r);
            if (result == 1)
                check_request(in, &r);
            return 0;
        }
        check_request(in, &r);
        must(http_looks_like_request(in));
        must(http_parse(r.head, &again) == 1 && same(&r, &again));
        must(http_parse_end(r.head, &again) == 1 && same(&r, &again));
        must(http_parse(span_of(in.p, r.head.n - 1), &again) == 0);
        must(http_parse(span_of(in.p, r.head.n / 2), &again) == 0);
        check_head_end(in, r.head.n, 1 + r.line.n % 5);
        in = span_of(in.p + r.head.n, in.n - r.head.n);
        size_t body = r.content_length < in.n ? (size_t)r.content_length : in.n;
        if (r.chunked)
            body = check_chunks(in);
        in = span_of(in.p + body, in.n - body);
    }
    return 0;
}
