/* The bands of a notice: heading, caption, columns of words, lists of names, boxes, signature. */
#include <math.h>

#include "base/mem.h"
#include "print/advertisement_impl.h"

#define LEADING      1.08 /* of lines, to what the font wants */
#define MEASURE      19.0 /* a column's least width, in sizes of type */
#define COLUMNS_MOST 5u
#define GUTTER       1.4 /* between columns, in sizes of type */
#define NAME_COLUMNS 8u
#define BROKEN_COST  3 /* lines that a name in two lines is worth */
#define JUSTIFY_FROM                                                                               \
    26.0 /* a column narrower than that is set ragged, unless it has soft hyphens */
#define CAPTION_LEFT 0.55 /* of the width */
#define SOFT_HYPHEN  "\xc2\xad"
#define NAMES_SIZE   0.88

static PangoLayout *layout_of(struct composition *c, struct span text, double size, bool bold,
                              double width, PangoAlignment align)
{
    PangoLayout *l = print_layout(c->print, PRINT_SERIF, size, bold, false);
    pango_layout_set_line_spacing(l, LEADING);
    pango_layout_set_width(l, (int)(fmax(width, size) * PANGO_SCALE));
    pango_layout_set_alignment(l, align);
    pango_layout_set_text(l, (const char *)text.p, (int)text.n);
    if (text.n && memmem(text.p, text.n, SOFT_HYPHEN, 2)) /* somebody has seen to it */
        print_attributes(l, 0, true);
    c->layouts = mem_room(c->layouts, c->n_layouts, &c->cap_layouts, sizeof *c->layouts);
    c->layouts[c->n_layouts++] = l;
    return l;
}

static double height_of(PangoLayout *l)
{
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    return pango_units_to_double(r.height);
}

static struct mark *add_mark(struct composition *c, enum mark_kind kind, double x, double y)
{
    c->marks = mem_room(c->marks, c->n_marks, &c->cap_marks, sizeof *c->marks);
    struct mark *m = &c->marks[c->n_marks++];
    *m = (struct mark){.kind = kind, .x = x, .y = y};
    c->bands[c->n_bands].n++;
    return m;
}

static void add_rule(struct composition *c, enum mark_kind kind, double x, double y, double length,
                     double weight)
{
    struct mark *m = add_mark(c, kind, x, y);
    m->width = length;
    m->weight = weight;
}

static void add_lines(struct composition *c, PangoLayout *l, int from, int to, double x, double y)
{
    struct mark *m = add_mark(c, MARK_LINES, x, y);
    m->layout = l;
    m->from = from;
    m->to = to;
}

/* All of a layout; gives where it ends. */
static double add_layout(struct composition *c, PangoLayout *l, double x, double y)
{
    add_lines(c, l, 0, pango_layout_get_line_count(l), x, y);
    return y + height_of(l);
}

static void band_begin(struct composition *c, double before)
{
    c->bands[c->n_bands] =
        (struct band){.first = c->n_marks, .before = c->n_bands ? before * c->type : 0};
}

static void band_end(struct composition *c, double height)
{
    struct band *b = &c->bands[c->n_bands++];
    b->height = height;
    c->height += b->before + height;
}

/* ---- above the words ---- */

/* Large, shrunk to one line where it can be; a double line below. */
static void heading(struct composition *c, struct span text)
{
    double size = 2.4 * c->type;
    if (!text.n)
        return;
    band_begin(c, 0);
    PangoLayout *l = layout_of(c, text, size, true, c->width, PANGO_ALIGN_CENTER);
    print_attributes(l, 0.08 * size, false);
    while (pango_layout_get_line_count(l) > 1 && size > 1.5 * c->type) {
        size *= 0.96;
        print_font(l, PRINT_SERIF, size, true, false);
        print_attributes(l, 0.05 * size, false);
    }
    double y = add_layout(c, l, 0, 0) + 0.25 * c->type;
    add_rule(c, MARK_RULE, 0, y, c->width, 0.18 * c->type);
    y += 0.3 * c->type;
    add_rule(c, MARK_RULE, 0, y, c->width, 0.05 * c->type);
    band_end(c, y);
}

static void centred(struct composition *c, struct span text, double size, double before)
{
    if (!text.n)
        return;
    band_begin(c, before);
    PangoLayout *l = layout_of(c, text, size * c->type, true, 0.94 * c->width, PANGO_ALIGN_CENTER);
    band_end(c, add_layout(c, l, 0.03 * c->width, 0));
}

/* Parties at the left, the number at the right, lines between as courts have them. */
static void caption(struct composition *c, struct span parties, struct span docket)
{
    double t = c->type, split = CAPTION_LEFT * c->width, pad = 0.9 * t;
    if (!parties.n || !docket.n) {
        centred(c, parties.n ? parties : docket, 1.05, 0.7);
        return;
    }
    band_begin(c, 0.8);
    PangoLayout *left = layout_of(c, parties, t, false, split - pad, PANGO_ALIGN_CENTER);
    PangoLayout *right =
        layout_of(c, docket, 1.05 * t, true, c->width - split - pad, PANGO_ALIGN_LEFT);
    double h = fmax(height_of(left), height_of(right));
    add_layout(c, left, 0, (h - height_of(left)) / 2);
    add_layout(c, right, split + pad, (h - height_of(right)) / 2);
    add_rule(c, MARK_UPRIGHT, split, 0, h + 0.3 * t, 0.06 * t);
    add_rule(c, MARK_RULE, 0, h + 0.3 * t, split, 0.06 * t);
    band_end(c, h + 0.35 * t);
}

/* ---- words in columns ---- */

struct line {
    PangoLayout *layout;
    int i;
    double before, height; /* before: not at the top of a column */
    bool keep;             /* not the last of a column */
};
struct lines {
    struct line *v;
    size_t n, cap;
};

static void lines_add(struct lines *ls, PangoLayout *l, double before, bool keep)
{
    PangoLayoutIter *it = pango_layout_get_iter(l);
    int n = pango_layout_get_line_count(l), i = 0;
    do {
        int y0, y1;
        pango_layout_iter_get_line_yrange(it, &y0, &y1);
        ls->v = mem_room(ls->v, ls->n, &ls->cap, sizeof *ls->v);
        ls->v[ls->n++] = (struct line){
            .layout = l,
            .i = i,
            .before = i ? 0 : before,
            .height = pango_units_to_double(y1 - y0),
            .keep = keep || (n > 1 && (i == 0 || i == n - 2)),
        };
        i++;
    } while (pango_layout_iter_next_line(it));
    pango_layout_iter_free(it);
}

static void paragraphs(struct composition *c, struct lines *ls, struct span words, double width)
{
    struct cur cur = cur_of(words);
    bool first = true, hyphens = words.n && memmem(words.p, words.n, SOFT_HYPHEN, 2);
    while (cur_left(&cur)) {
        PangoLayout *l = layout_of(c, cur_line(&cur), c->type, false, width, PANGO_ALIGN_LEFT);
        pango_layout_set_justify(l, hyphens || width >= JUSTIFY_FROM * c->type);
        lines_add(ls, l, first ? 0.15 * c->type : 0.4 * c->type, false);
        first = false;
    }
}

/* How many of the lines from `at` go into a column of that height: up to where one may end. */
static size_t column_end(const struct lines *ls, size_t at, double height, double *used)
{
    double h = 0, good_h = 0;
    size_t good = at;
    for (size_t i = at; i < ls->n; i++) {
        h += ls->v[i].height + (i > at ? ls->v[i].before : 0);
        if (h > height && i > at)
            break;
        if (!ls->v[i].keep || i + 1 == ls->n) {
            good = i + 1;
            good_h = h;
        }
    }
    if (good == at) { /* one line in any case */
        good = at + 1;
        good_h = ls->v[at].height;
    }
    *used = good_h;
    return good;
}

static bool takes_all(const struct lines *ls, unsigned n, double height)
{
    size_t at = 0;
    double used;
    for (unsigned k = 0; k < n && at < ls->n; k++)
        at = column_end(ls, at, height, &used);
    return at == ls->n;
}

/* The least height of n columns that takes all, to a quarter of a line. */
static double balance(const struct lines *ls, unsigned n)
{
    double high = 0, step = ls->n ? ls->v[0].height / 4 : 1;
    for (size_t i = 0; i < ls->n; i++)
        high += ls->v[i].height + ls->v[i].before;
    for (double low = high / n - step; high - low > step;) {
        double middle = (low + high) / 2;
        if (takes_all(ls, n, middle))
            high = middle;
        else
            low = middle;
    }
    return high;
}

static void place_columns(struct composition *c, const struct lines *ls, double column,
                          double gutter)
{
    double h = balance(ls, c->columns), highest = 0, used;
    size_t at = 0;
    for (unsigned k = 0; at < ls->n; k++) {
        size_t end = column_end(ls, at, h, &used);
        double x = k * (column + gutter), y = 0;
        for (size_t i = at; i < end; i++) {
            y += i > at ? ls->v[i].before : 0;
            add_lines(c, ls->v[i].layout, ls->v[i].i, ls->v[i].i + 1, x, y);
            y += ls->v[i].height;
        }
        highest = fmax(highest, y);
        at = end;
    }
    band_end(c, highest);
}

/* Parts i to end-1, all of words, run through the columns one behind the other. */
static void columns(struct composition *c, const struct clean *w, unsigned i, unsigned end)
{
    double gutter = GUTTER * c->type;
    double column = (c->width - (c->columns - 1) * gutter) / c->columns;
    struct lines ls = {0};
    band_begin(c, 0.9);
    for (; i < end; i++) {
        const struct clean_part *part = &w->parts[i];
        if (part->head.n)
            lines_add(&ls,
                      layout_of(c, buf_as_span(&part->head), 1.08 * c->type, true, column,
                                PANGO_ALIGN_LEFT),
                      0.8 * c->type, true);
        paragraphs(c, &ls, buf_as_span(&part->words), column);
    }
    place_columns(c, &ls, column, gutter);
    free(ls.v);
}

/* ---- names, boxes, the signature ---- */

static PangoLayout *names_layout(struct composition *c, struct span names, unsigned n,
                                 double *column)
{
    double gutter = GUTTER * c->type;
    *column = (c->width - (n - 1) * gutter) / n;
    PangoLayout *l = layout_of(c, names, NAMES_SIZE * c->type, false, *column, PANGO_ALIGN_LEFT);
    print_font(l, PRINT_SANS, NAMES_SIZE * c->type, false, false);
    pango_layout_set_indent(l, (int)(-c->type * PANGO_SCALE)); /* of what a name has too much */
    return l;
}

/* As many columns as give the least lines, where a name that has to be broken costs more. */
static unsigned names_columns(struct composition *c, struct span names)
{
    unsigned best = 1;
    int least = 0, count = 1;
    for (size_t i = 0; i < names.n; i++)
        count += names.p[i] == '\n';
    for (unsigned n = 1; n <= NAME_COLUMNS; n++) {
        double column;
        PangoLayout *l = names_layout(c, names, n, &column);
        int lines = pango_layout_get_line_count(l);
        int cost = (lines + (int)n - 1) / (int)n + BROKEN_COST * (lines - count);
        if (n == 1 || cost < least) {
            least = cost;
            best = n;
        }
        g_object_unref(c->layouts[--c->n_layouts]);
    }
    return best;
}

/* Down the columns, no name torn between two; gives where the longest ends. */
static double place_names(struct composition *c, PangoLayout *l, unsigned n, double column,
                          double top)
{
    int lines = pango_layout_get_line_count(l), rows = (lines + (int)n - 1) / (int)n;
    int longest = 0, from = 0, k = 0;
    for (int i = 1; i <= lines; i++) {
        if (i < lines && (i - from < rows || !pango_layout_line_is_paragraph_start(
                                                 pango_layout_get_line_readonly(l, i))))
            continue;
        add_lines(c, l, from, i, k++ * (column + GUTTER * c->type), top);
        longest = i - from > longest ? i - from : longest;
        from = i;
    }
    return top + height_of(l) / lines * longest;
}

static void names(struct composition *c, const struct clean_part *part)
{
    struct span words = buf_as_span(&part->words);
    double y = 0, column;
    band_begin(c, 0.9);
    if (part->head.n)
        y = add_layout(c,
                       layout_of(c, buf_as_span(&part->head), 1.08 * c->type, true, c->width,
                                 PANGO_ALIGN_LEFT),
                       0, 0) +
            0.2 * c->type;
    if (words.n) {
        unsigned n = names_columns(c, words);
        PangoLayout *l = names_layout(c, words, n, &column);
        y = place_names(c, l, n, column, y);
    }
    band_end(c, y);
}

static void box(struct composition *c, const struct clean_part *part)
{
    double pad = 0.8 * c->type, width = c->width - 2 * pad, y = 0.65 * pad;
    band_begin(c, 0.9);
    struct mark *frame = add_mark(c, MARK_FRAME, 0, 0);
    size_t at = (size_t)(frame - c->marks);
    if (part->head.n)
        y = add_layout(c,
                       layout_of(c, buf_as_span(&part->head), 1.15 * c->type, true, width,
                                 PANGO_ALIGN_CENTER),
                       pad, y) +
            0.2 * c->type;
    struct cur cur = cur_of(buf_as_span(&part->words));
    while (cur_left(&cur)) {
        PangoLayout *l =
            layout_of(c, cur_line(&cur), 1.02 * c->type, false, width, PANGO_ALIGN_LEFT);
        y = add_layout(c, l, pad, y) + 0.25 * c->type;
    }
    y += 0.5 * pad;
    c->marks[at].width = c->width;
    c->marks[at].height = y;
    c->marks[at].weight = 0.12 * c->type;
    band_end(c, y);
}

/* In the right half, where there is one. */
static void signature(struct composition *c, struct span text)
{
    double x = c->columns > 1 ? 0.5 * c->width : 0;
    if (!text.n)
        return;
    band_begin(c, 0.9);
    band_end(
        c, add_layout(c, layout_of(c, text, c->type, false, c->width - x, PANGO_ALIGN_LEFT), x, 0));
}

/* ---- all of it ---- */

void composition_make(struct composition *c, const struct clean *w)
{
    double fit = c->width / (MEASURE * c->type);
    c->columns = fit < 1 ? 1 : fit > COLUMNS_MOST ? COLUMNS_MOST : (unsigned)fit;
    heading(c, buf_as_span(&w->heading));
    centred(c, buf_as_span(&w->court), 1.12, 0.6);
    caption(c, buf_as_span(&w->parties), buf_as_span(&w->docket));
    centred(c, buf_as_span(&w->title), 1.35, 0.8);
    for (unsigned i = 0; i < w->n;) {
        unsigned end = i + 1;
        if (w->parts[i].kind == ADVERTISEMENT_NAMES)
            names(c, &w->parts[i]);
        else if (w->parts[i].kind == ADVERTISEMENT_WORDS) {
            while (end < w->n && w->parts[end].kind == ADVERTISEMENT_WORDS)
                end++;
            columns(c, w, i, end);
        }
        i = end;
    }
    for (unsigned i = 0; i < w->n; i++)
        if (w->parts[i].kind == ADVERTISEMENT_BOX)
            box(c, &w->parts[i]);
    signature(c, buf_as_span(&w->signature));
    for (size_t i = 0; i < c->n_layouts; i++)
        c->unknown += pango_layout_get_unknown_glyphs_count(c->layouts[i]);
}

void composition_free(struct composition *c)
{
    for (size_t i = 0; i < c->n_layouts; i++)
        g_object_unref(c->layouts[i]);
    free(c->layouts);
    free(c->marks);
}
