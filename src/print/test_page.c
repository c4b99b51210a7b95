#include "print/page.h"

#include "base/tap.h"

int main(void)
{
    struct page_format f = page_a4;
    struct buf out = {0};
    struct err err = {0};
    f.title = "A test";
    f.footer = "page %p of %n";
    struct page *p = page_open(&f);
    page_heading(p, 1, span_str("Title"));
    page_text(p, NULL, span_str("Words."));
    ok(page_close(p, &out, &err) == 0);
    ok(out.n > 500 && memcmp(out.p, "%PDF-1.5", 8) == 0);
    buf_free(&out);
    return tap_done();
}
