/* What a child made, taken apart again: it has read what outsiders wrote, so nothing of it is
 * believed before it was checked. */
#include <string.h>

#include "app/desk/act.h"

static bool take_field(struct cur *c, struct span *out)
{
    uint32_t n;
    return cur_u32(c, &n) && cur_take(c, n, out);
}

static bool take_act(struct cur *c, struct act_frames *f)
{
    struct act_prepared_act *a = &f->act[f->acts];
    return f->acts < ACT_AT_ONCE_MAX && cur_u8(c, &a->kind) && take_field(c, &a->plain) &&
           take_field(c, &a->sign) && take_field(c, &a->words) && take_field(c, &a->file) &&
           ++f->acts;
}

static bool take_part(struct cur *c, struct act_frames *f)
{
    return f->parts < ACT_AT_ONCE_MAX && take_field(c, &f->part[f->parts]) && ++f->parts;
}

int act_frames_take(struct buf *text, struct act_frames *out)
{
    const size_t end = 8 + sizeof ACT_TRAILER - 1;
    uint8_t what;
    out->acts = out->parts = 0;
    if (text->n < end ||
        memcmp(text->p + text->n - (end - 8), ACT_TRAILER, sizeof ACT_TRAILER - 1) != 0)
        return -1;
    uint64_t n = be64_get(text->p + text->n - end);
    if (n > text->n - end)
        return -1;
    struct cur c = cur_of(span_of(text->p + text->n - end - n, (size_t)n));
    while (cur_left(&c))
        if (!cur_u8(&c, &what) || !(what == 'A'   ? take_act(&c, out)
                                    : what == 'P' ? take_part(&c, out)
                                                  : false))
            return -1;
    text->n -= end + (size_t)n; /* the bytes stay where they are */
    return out->acts ? 0 : -1;
}
