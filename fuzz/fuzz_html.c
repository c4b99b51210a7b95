/* HTML of any kind: no byte comes from nowhere, limits hold, UTF-8 stays UTF-8, and the same input
 * gives the same result. */
#include "base/arena.h"
#include "must.h"
#include "wire/html.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct span s, bool utf8, size_t room)
{
    must(s.n <= room);
    must(!utf8 || span_is_utf8(s));
    must(s.n == 0 || (s.p[0] != ' ' && s.p[0] != '\n'));
    for (size_t i = 1; i < s.n; i++) /* one separator at a time, no control bytes but line ends */
        must((s.p[i] >= ' ' || s.p[i] == '\n') && !(s.p[i] <= ' ' && s.p[i - 1] <= ' '));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena arena;
    struct html h, again;
    struct span in = span_of(data, size);
    bool utf8 = true; /* span_is_utf8 does not take NULs, html_read drops them */
    struct buf plain = {0};
    for (size_t i = 0; i < size; i++)
        buf_byte(&plain, data[i] ? data[i] : ' ');
    utf8 = span_is_utf8(buf_as_span(&plain));
    buf_free(&plain);
    html_read(in, &arena, &h);
    check_text(h.visible, utf8, size);
    check_text(h.hidden, utf8, size);
    must(h.links <= HTML_LINKS_MAX);
    for (unsigned i = 0; i < h.links; i++)
        must(h.link[i].url.n > 0 && h.link[i].url.n <= size && h.link[i].kind <= HTML_OTHER);
    must(h.base.n <= size && h.images <= size);
    html_read(in, &arena, &again);
    must(span_eq(h.visible, again.visible) && span_eq(h.hidden, again.hidden));
    must(h.links == again.links && h.anomalies == again.anomalies);
    arena_reset(&arena);
    return 0;
}
