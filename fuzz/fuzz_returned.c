/* Returned mail: spans lie in the mail or the arena, bounds hold, texts are one line of UTF-8, and
 * what is a bounce has a status. */
#include "mail/returned.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads every byte: a sanitizer sees what is not there. */
static void printable(struct span s)
{
    for (size_t i = 0; i < s.n; i++)
        must(s.p[i] > ' ' && s.p[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mime_scanner *s;
    static struct arena arena;
    struct returned r;
    s = s ? s : mime_scanner_new();
    arena_reset(&arena);
    returned_read(s, span_of(data, size), &arena, &r);
    must(r.what <= RETURNED_BOUNCE && returned_what_name(r.what));
    must(r.n_ids <= RETURNED_IDS_MAX && r.text.n <= RETURNED_TEXT_MAX && r.contact.n <= 254);
    must((r.what >= RETURNED_DELAY) == (r.status.n >= 5) && r.status.n <= 9);
    must(span_is_utf8(r.text));
    for (size_t i = 0; i < r.text.n; i++)
        must(r.text.p[i] >= ' ' && r.text.p[i] != 0x7f);
    printable(r.contact);
    printable(r.status);
    for (unsigned i = 0; i < r.n_ids; i++)
        must(r.ids[i].n > 0 && r.ids[i].n <= 998 && !memchr(r.ids[i].p, '\n', r.ids[i].n));
    return 0;
}
