#include "state/texts.h"

#include <stdlib.h>
#include <xxhash.h>

#include "base/mem.h"

struct span texts_at(const struct texts *t, uint32_t number)
{
    uint64_t from = number ? t->ends[number - 1] : 0;
    return span_of(t->pool.p + from, (size_t)(t->ends[number] - from));
}

/* Where it stands, or the free place where it belongs. */
static size_t place(const struct texts *t, struct span text)
{
    size_t i = XXH3_64bits(text.p, text.n) & (t->size - 1);
    while (t->slots[i] && !span_eq(texts_at(t, t->slots[i] - 1), text))
        i = (i + 1) & (t->size - 1);
    return i;
}

static void grow(struct texts *t)
{
    free(t->slots);
    t->size = t->size ? 2 * t->size : 64;
    t->slots = mem_zeroed(t->size, sizeof *t->slots);
    for (uint32_t i = 0; i < t->n; i++)
        t->slots[place(t, texts_at(t, i))] = i + 1;
}

uint32_t texts_find(const struct texts *t, struct span text)
{
    return t->size ? t->slots[place(t, text)] - 1 : TEXTS_NONE; /* an empty place is 0 - 1 */
}

uint32_t texts_number(struct texts *t, struct span text)
{
    uint32_t found = texts_find(t, text);
    if (found != TEXTS_NONE)
        return found;
    t->ends = mem_room(t->ends, t->n, &t->cap, sizeof *t->ends);
    buf_span(&t->pool, text);
    t->ends[t->n++] = t->pool.n;
    if (2 * t->n > t->size)
        grow(t);
    else
        t->slots[place(t, text)] = (uint32_t)t->n;
    return (uint32_t)t->n - 1;
}

void texts_free(struct texts *t)
{
    buf_free(&t->pool);
    free(t->ends);
    free(t->slots);
    *t = (struct texts){0};
}

void texts_save(const struct texts *t, struct buf *out)
{
    buf_be64(out, t->n);
    for (uint32_t i = 0; i < t->n; i++) {
        struct span s = texts_at(t, i);
        buf_be32(out, (uint32_t)s.n);
        buf_span(out, s);
    }
}

bool texts_load(struct texts *t, struct cur *c)
{
    uint64_t n;
    uint32_t len;
    struct span s;
    if (!cur_u64(c, &n))
        return false;
    for (uint64_t i = 0; i < n; i++)
        if (!cur_u32(c, &len) || !cur_take(c, len, &s) || texts_number(t, s) != i)
            return false;
    return true;
}
