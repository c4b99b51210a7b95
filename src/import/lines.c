#include "import/lines.h"

#include <stdlib.h>

#define FILL (128u << 10)

struct lines {
    struct source *src;
    struct cur piece;    /* of the source, not yet in the buffer */
    int ended;           /* the source's last return value */
    struct buf in;       /* LINES_MAX + FILL at most */
    size_t at, searched; /* the next line begins at `at`; there is no line end before searched */
    uint64_t base, number;
    bool skipping; /* in the rest of a line that is too long */
};

struct lines *lines_open(struct source *src)
{
    struct lines *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->src = src;
    l->ended = 1;
    l->number = 1;
    return l;
}

void lines_close(struct lines *l)
{
    if (!l)
        return;
    buf_free(&l->in);
    free(l);
}

static void fill(struct lines *l)
{
    size_t left = l->in.n - l->at;
    if (left)
        memmove(l->in.p, l->in.p + l->at, left);
    l->base += l->at;
    l->searched -= l->at;
    l->at = 0;
    l->in.n = left;
    if (l->ended > 0)
        l->ended = source_fill(l->src, &l->piece, left + FILL, &l->in);
}

/* Gives the bytes up to `end` as the line, and goes behind it. */
static int give(struct lines *l, size_t end, size_t next, struct line *out)
{
    size_t from = l->at;
    bool skipped = l->skipping, too_long = next - from > LINES_MAX;
    out->text = span_of(l->in.p + from, end - from);
    if (out->text.n && out->text.p[out->text.n - 1] == '\r')
        out->text.n--;
    l->at = l->searched = next;
    l->number++;
    l->skipping = false;
    return skipped ? 0 : too_long ? LINES_TOO_LONG : LINES_LINE;
}

int lines_next(struct lines *l, struct line *out, struct err *err)
{
    for (;;) {
        out->number = l->number;
        out->offset = l->base + l->at;
        const uint8_t *newline = l->searched < l->in.n
                                     ? memchr(l->in.p + l->searched, '\n', l->in.n - l->searched)
                                     : NULL;
        if (newline) {
            size_t end = (size_t)(newline - l->in.p);
            int r = give(l, end, end + 1, out);
            if (r)
                return r;
            continue;
        }
        l->searched = l->in.n;
        if (l->in.n - l->at >= LINES_MAX || l->skipping) {
            bool reported = l->skipping;
            l->at = l->in.n;
            l->skipping = true;
            if (!reported)
                return LINES_TOO_LONG;
        }
        if (l->ended > 0) {
            fill(l);
            continue;
        }
        if (l->ended < 0)
            return source_stream_error(l->src, err);
        if (l->at == l->in.n)
            return LINES_END;
        int r = give(l, l->in.n, l->in.n, out);
        if (r)
            return r;
    }
}
