#include "mail/template_impl.h"

static void print_quoted(struct span s, struct buf *out)
{
    buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        if (c == '\n')
            buf_str(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else
            buf_byte(out, c);
    }
    buf_byte(out, '"');
}

static void print_field(const struct template_item *i, struct buf *out)
{
    buf_byte(out, '<');
    for (unsigned k = 0; k < i->dicts; k++) {
        if (k)
            buf_byte(out, '|');
        print_quoted(i->dict[k], out);
    }
    if (!i->closed) {
        if (i->dicts)
            buf_str(out, " or ");
        if (i->least == i->most)
            buf_printf(out, "%s %u", i->class, i->least);
        else
            buf_printf(out, "%s %u-%u", i->class, i->least, i->most);
    }
    buf_byte(out, '>');
}

void template_print(const struct template *t, struct buf *out)
{
    static const char *const place[] = {"subject", "body", "url", "header", "raw"};
    buf_printf(out, "template of %u mails, %.0f bits\n", t->samples, t->bits);
    for (unsigned l = 0; l < t->lines; l++) {
        const struct template_line *line = &t->line[l];
        if (line->place == TEMPLATE_RAW) /* repeats the others, as sent */
            continue;
        buf_printf(out, "%s%s%s\n", place[line->place], line->header ? " " : "",
                   line->header ? line->header : "");
        for (unsigned i = 0; i < line->items; i++) {
            buf_str(out, "  ");
            if (line->item[i].anchor)
                print_quoted(line->item[i].text, out);
            else
                print_field(&line->item[i], out);
            buf_byte(out, '\n');
        }
    }
}
