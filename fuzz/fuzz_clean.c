/* Text for print. What comes out is UTF-8, in lines that are not too long, without controls and
 * without marks that reorder; cleaned once more it is the same, and nothing that shows was lost. */
#include <glib.h>

#include "must.h"
#include "print/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_fit(struct span s)
{
    size_t line = 0;
    must(span_is_utf8(s));
    for (size_t i = 0; i < s.n;) {
        gunichar u = g_utf8_get_char((const char *)s.p + i);
        size_t n = (size_t)g_unichar_to_utf8(u, NULL);
        must(u >= 0x20 || u == '\n');
        must(!(u >= 0x7f && u < 0xa0) && !(u >= 0x202a && u <= 0x202e) &&
             !(u >= 0x2066 && u <= 0x2069) && u != 0x200e && u != 0x200f && u != 0x61c);
        line = u == '\n' ? 0 : line + n;
        must(line <= PRINT_LINE_MAX + 64); /* marks stay with their letter */
        i += n;
    }
}

/* Letters of the Latin alphabet: none is lost, or more than before. */
static size_t letters(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z';
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = {0}, again = {0};
    print_clean(&once, span_of(data, size));
    is_fit(buf_as_span(&once));
    print_clean(&again, buf_as_span(&once));
    must(span_eq(buf_as_span(&once), buf_as_span(&again)));
    must(letters(span_of(data, size)) == letters(buf_as_span(&once)));
    buf_free(&once);
    buf_free(&again);
    return 0;
}
