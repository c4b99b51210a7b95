/* MIME: trees, headers, decoders. */
#include "wire/mime.h"

#include "base/tap.h"

int main(void)
{
    struct arena arena = {0};
    struct mime m;
    struct mime_scanner *s = mime_scanner_new();
    mime_scan(
        s,
        span_str(
            "Subject: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhello\n--b\n"
            "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPGI+aGk8L2I+\n--b--\n"),
        &arena, &m);
    is_int(m.parts, 3);
    is_str(arena_copy(&arena, m.part[1].body.p, m.part[1].body.n), "hello");
    is_str(arena_copy(&arena, m.part[2].body.p, m.part[2].body.n), "<b>hi</b>");
    is_int(m.anomalies, 0);
    mime_scanner_free(s);
    arena_free(&arena);
    return tap_done();
}
