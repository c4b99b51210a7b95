/* Unpacking: the same bytes and the same end however much is asked for at a time. */
#include <stdlib.h>

#include "import/source.h"

#define OUT_MAX (4u << 20) /* looked at; dense input unpacks to far more */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run(struct span data, size_t chunk, bool with_head, struct buf *out)
{
    struct source *s;
    struct span piece, head;
    int r;
    if (source_open_memory(data, "memory", &s, NULL) < 0)
        abort();
    source_set_chunk(s, chunk);
    if (with_head)
        source_head(s, &head, NULL);
    while ((r = source_read(s, &piece, NULL)) > 0 && out->n < OUT_MAX)
        buf_span(out, piece);
    if (r < 0 && source_read(s, &piece, NULL) != r)
        abort();
    source_close(s);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct span in = span_of(data + 1, size - 1);
    struct buf a = {0}, b = {0};
    int r = run(in, SOURCE_CHUNK, false, &a);
    int q = run(in, 1 + (size_t)data[0] * 7, data[0] & 1, &b);
    size_t n = a.n < b.n ? a.n : b.n; /* before an error one may have come further */
    if (n && memcmp(a.p, b.p, n) != 0)
        abort();
    if (r <= 0 && q <= 0 && (r != q || (r == 0 && a.n != b.n)))
        abort();
    buf_free(&a);
    buf_free(&b);
    return 0;
}
