#include "report/notice_layout.h"

#include <errno.h>

#define WIDTH_MAX 100 /* columns; longer lines are as good as wrapped */
#define SLACK     20  /* columns that a value may have taken away from its line */

/* ---- paragraphs ---- */

static struct span next_line(struct cur *c)
{
    struct span s = cur_line(c);
    if (s.n && s.p[s.n - 1] == '\r')
        s.n--;
    return s;
}

static bool stays(struct span line)
{
    static const char bullet[] = "\xe2\x80\xa2";
    return line.p[0] == ' ' || line.p[0] == '\t' ||
           (line.n > 1 && line.p[0] == '-' && line.p[1] == ' ') ||
           (line.n >= 3 && memcmp(line.p, bullet, 3) == 0);
}

/* Characters, not bytes. */
static size_t columns(struct span s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += (s.p[i] & 0xc0) != 0x80;
    return n;
}

/* How wide the text was written. */
static size_t width_of(struct span text)
{
    size_t most = 0;
    for (struct cur c = cur_of(text); cur_left(&c);) {
        size_t n = columns(next_line(&c));
        most = n > most ? n : most;
    }
    return most < WIDTH_MAX ? most : WIDTH_MAX;
}

/* The line before was ended because its next word did not fit; values that were filled in may have
 * made it shorter. */
static bool was_wrapped(size_t before, struct span line, size_t width)
{
    const uint8_t *blank = memchr(line.p, ' ', line.n);
    size_t word = columns(span_of(line.p, blank ? (size_t)(blank - line.p) : line.n));
    return before + 1 + word + SLACK > width;
}

int notice_paragraphs(struct span text, int (*each)(void *ctx, struct span words, bool line),
                      void *ctx)
{
    struct buf words = {0};
    size_t width = width_of(text), before = 0;
    int rc = 0;
    for (struct cur c = cur_of(text); rc == 0 && cur_left(&c);) {
        struct span line = next_line(&c), bare = span_trim(line);
        bool own = bare.n && stays(line);
        if ((!bare.n || own) && words.n) {
            rc = each(ctx, buf_as_span(&words), false);
            words.n = 0;
        }
        if (rc == 0 && own)
            rc = each(ctx, bare, true);
        if (!bare.n || own)
            continue;
        if (words.n)
            buf_byte(&words, was_wrapped(before, bare, width) ? ' ' : '\n');
        buf_span(&words, bare);
        before = columns(bare);
    }
    if (rc == 0 && words.n)
        rc = each(ctx, buf_as_span(&words), false);
    buf_free(&words);
    return rc;
}

/* ---- the layout ---- */

struct reading {
    struct arena *arena;
    struct notice_layout *out;
    struct buf words; /* of the part that is being read */
    bool in_part;
};

/* Appends to a span of the arena. */
static void add_line(struct arena *arena, struct span *to, struct span line)
{
    size_t n = to->n + (to->n > 0) + line.n;
    char *p = arena_alloc(arena, n + 1);
    if (to->n) {
        memcpy(p, to->p, to->n);
        p[to->n] = '\n';
    }
    if (line.n)
        memcpy(p + n - line.n, line.p, line.n);
    *to = span_of(p, n);
}

static struct span *field_of(struct notice_layout *l, struct span line, struct span *value)
{
    const struct {
        const char *key;
        struct span *field;
    } fields[] = {{"Heading:", &l->heading}, {"Court:", &l->court}, {"Parties:", &l->parties},
                  {"Docket:", &l->docket},   {"Title:", &l->title}, {"Signature:", &l->signature}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        size_t n = strlen(fields[i].key);
        if (line.n < n || !span_ieq(span_of(line.p, n), span_str(fields[i].key)))
            continue;
        *value = span_trim(span_of(line.p + n, line.n - n));
        return fields[i].field;
    }
    return NULL;
}

static int collect(void *ctx, struct span words, bool line)
{
    struct buf *out = ctx;
    if (out->n)
        buf_byte(out, '\n');
    buf_span(out, words);
    return 0;
}

/* A list's lines are its names, a box's stand as they are. */
static void collect_lines(struct buf *out, struct span text)
{
    for (struct cur c = cur_of(text); cur_left(&c);) {
        struct span line = span_trim(next_line(&c));
        if (line.n)
            collect(out, line, true);
    }
}

static void end_part(struct reading *r)
{
    struct buf joined = {0};
    struct notice_part *part = &r->out->part[r->out->n];
    if (r->in_part) {
        if (part->kind != NOTICE_PART_WORDS)
            collect_lines(&joined, buf_as_span(&r->words));
        else
            notice_paragraphs(buf_as_span(&r->words), collect, &joined);
        part->words = span_of(arena_copy(r->arena, joined.p, joined.n), joined.n);
        r->out->n++;
    }
    r->words.n = 0;
    r->in_part = false;
    buf_free(&joined);
}

static int begin_part(struct reading *r, enum notice_part_kind kind, struct span head,
                      unsigned number, struct err *err)
{
    end_part(r);
    if (r->out->n == NOTICE_PARTS_MAX)
        return err_set(err, -EINVAL, "line %u: more than %d parts", number, NOTICE_PARTS_MAX);
    r->out->part[r->out->n] = (struct notice_part){
        .kind = kind, .head = span_of(arena_copy(r->arena, head.p, head.n), head.n)};
    r->in_part = true;
    return 0;
}

/* "[words] HEAD": 1 it is one, 0 it is not; -EINVAL. */
static int part_line(struct reading *r, struct span line, unsigned number, struct err *err)
{
    static const char *const kinds[] = {"words", "names", "box"};
    const uint8_t *close = line.n && line.p[0] == '[' ? memchr(line.p, ']', line.n) : NULL;
    if (!close)
        return 0;
    struct span word = span_of(line.p + 1, (size_t)(close - line.p - 1));
    struct span head = span_trim(span_of(close + 1, (size_t)(line.p + line.n - close - 1)));
    for (unsigned i = 0; i < 3; i++)
        if (span_is(word, kinds[i])) {
            int rc = begin_part(r, (enum notice_part_kind)i, head, number, err);
            return rc < 0 ? rc : 1;
        }
    return err_set(err, -EINVAL, "line %u: a part is [words], [names] or [box]", number);
}

static int read_line(struct reading *r, struct span line, unsigned number, struct err *err)
{
    struct span value, *field = NULL;
    int rc = part_line(r, line, number, err);
    if (rc)
        return rc < 0 ? rc : 0;
    if (!r->in_part && r->out->n == 0)
        field = field_of(r->out, line, &value);
    if (field) {
        add_line(r->arena, field, value);
        return 0;
    }
    if (!r->in_part && span_trim(line).n)
        rc = begin_part(r, NOTICE_PART_WORDS, span_of(NULL, 0), number, err);
    buf_span(&r->words, line);
    buf_byte(&r->words, '\n');
    return rc;
}

int notice_layout(struct span text, struct arena *arena, struct notice_layout *out, struct err *err)
{
    struct reading r = {.arena = arena, .out = out};
    unsigned number = 0;
    int rc = 0;
    *out = (struct notice_layout){0};
    for (struct cur c = cur_of(text); rc == 0 && cur_left(&c);)
        rc = read_line(&r, next_line(&c), ++number, err);
    if (rc == 0)
        end_part(&r);
    buf_free(&r.words);
    return rc;
}
