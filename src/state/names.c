#include "state/names.h"

#include "base/mem.h"

unsigned names_find(const struct names *s, struct span name)
{
    for (unsigned i = 0; i < s->n; i++)
        if (span_eq(buf_as_span(&s->v[i]), name))
            return i + 1;
    return 0;
}

unsigned names_number(struct names *s, struct span name)
{
    if (!name.n)
        return 0;
    if (s->last && span_eq(buf_as_span(&s->v[s->last - 1]), name))
        return s->last;
    unsigned number = names_find(s, name);
    if (!number && s->n < NAMES_MAX) {
        s->v = mem_room(s->v, s->n, &s->cap, sizeof *s->v);
        s->v[s->n] = (struct buf){0};
        buf_span(&s->v[s->n], name);
        number = (unsigned)++s->n;
    }
    if (number)
        s->last = number;
    return number;
}

struct span names_text(const struct names *s, unsigned number)
{
    return number && number <= s->n ? buf_as_span(&s->v[number - 1]) : span_of(NULL, 0);
}

void names_free(struct names *s)
{
    for (size_t i = 0; i < s->n; i++)
        buf_free(&s->v[i]);
    free(s->v);
    *s = (struct names){0};
}

void names_save(const struct names *s, struct buf *out)
{
    buf_be32(out, (uint32_t)s->n);
    for (size_t i = 0; i < s->n; i++) {
        buf_be32(out, (uint32_t)s->v[i].n);
        buf_span(out, buf_as_span(&s->v[i]));
    }
}

bool names_load(struct names *s, struct cur *c)
{
    uint32_t n, length;
    struct span text;
    if (!cur_u32(c, &n) || n > NAMES_MAX)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!cur_u32(c, &length) || !cur_take(c, length, &text) || !text.n || names_find(s, text))
            return false;
        names_number(s, text);
    }
    return true;
}
