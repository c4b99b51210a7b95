#include "web/html.h"
void html_text(struct buf *out, struct span s)
{
    buf_span(out, s);
}
void html_str(struct buf *out, const char *s)
{
    html_text(out, span_str(s));
}
void html_attribute(struct buf *out, const char *name, struct span value)
{
    buf_str(out, name);
    buf_span(out, value);
}
void html_count(struct buf *out, uint64_t n)
{
    buf_printf(out, "%llu", (unsigned long long)n);
}
void html_url_part(struct buf *out, struct span s)
{
    buf_span(out, s);
}
