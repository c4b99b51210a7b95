/* Charsets of mail to UTF-8. */
#include "wire/charset.h"

#include "base/tap.h"
#include "wire/mime.h"

#define BYTES(text) span_of(text, sizeof(text) - 1)

static struct charset_set *set;
static struct arena arena;

static void check(const char *label, struct span in, int want, const char *text)
{
    struct span out;
    int rc = charset_to_utf8(set, span_str(label), in, &arena, &out);
    is_int(rc, want);
    is_str(arena_copy(&arena, out.p, out.n), text);
    ok(charset_is_utf8(out), "well-formed");
}

int main(void)
{
    set = charset_open();
    check("utf-8", BYTES("gr\xc3\xbc\xc3\x9f"), 0, "grüß");
    charset_close(set);
    arena_free(&arena);
    return tap_done();
}
