#include "print/advertisement.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "print/advertisement_impl.h"

#define BORDER      1.2  /* points */
#define MARGIN      2.0  /* millimetres from the box's edge to the border's middle */
#define PADDING     4.0  /* from there to the words */
#define CROP_ROOM   12.0 /* of the sheet around the box */
#define CROP_LENGTH 6.0
#define TYPE_STEP   0.25
#define SIDE_LEAST  40.0
#define SIDE_MOST   900.0

/* A broadsheet of 375 x 600 mm with 15 mm and 20 mm of margin, a tabloid of 280 x 430 mm with 13 mm
 * and 20 mm, halved and quartered with a gutter of 5 mm: sizes that most papers' boxes come near.
 */
const struct advertisement_size advertisement_sizes[] = {
    {"quarter page", 170, 277},
    {"half page", 345, 277},
    {"full page", 345, 560},
    {"tabloid quarter page", 124, 192},
    {"tabloid half page", 254, 192},
    {"tabloid full page", 254, 390},
    {NULL, 0, 0},
};

int advertisement_size_of(struct span text, struct advertisement_size *out, struct err *err)
{
    char copy[64], end;
    for (const struct advertisement_size *s = advertisement_sizes; s->name; s++)
        if (span_is(text, s->name)) {
            *out = *s;
            return 0;
        }
    unsigned w, h;
    snprintf(copy, sizeof copy, "%.*s", (int)(text.n < 60 ? text.n : 60), (const char *)text.p);
    if (sscanf(copy, "%4ux%4u%c", &w, &h, &end) == 2) {
        if (w < SIDE_LEAST || h < SIDE_LEAST || w > SIDE_MOST || h > SIDE_MOST)
            return err_set(err, -EINVAL, "size: %g to %g mm each way (%s)", SIDE_LEAST, SIDE_MOST,
                           copy);
        *out = (struct advertisement_size){NULL, w, h};
        return 0;
    }
    struct buf names = {0};
    for (const struct advertisement_size *s = advertisement_sizes; s->name; s++)
        buf_printf(&names, "\"%s\", ", s->name);
    buf_byte(&names, 0);
    err_set(err, -EINVAL, "size: one of %sor WIDTHxHEIGHT in mm (%s)", (char *)names.p, copy);
    buf_free(&names);
    return -EINVAL;
}

/* ---- words ---- */

/* Without blanks around lines, and without empty lines. */
static void clean_words(struct buf *out, struct span text)
{
    struct buf all = {0};
    print_clean(&all, text);
    struct cur cur = cur_of(buf_as_span(&all));
    while (cur_left(&cur)) {
        struct span line = span_trim(cur_line(&cur));
        if (line.n && out->n)
            buf_byte(out, '\n');
        buf_span(out, line);
    }
    buf_free(&all);
}

static void clean_free(struct clean *w)
{
    buf_free(&w->heading);
    buf_free(&w->court);
    buf_free(&w->parties);
    buf_free(&w->docket);
    buf_free(&w->title);
    buf_free(&w->signature);
    for (unsigned i = 0; i < w->n; i++) {
        buf_free(&w->parts[i].head);
        buf_free(&w->parts[i].words);
    }
}

struct counted {
    size_t bytes, characters;
    bool replaced;
};

static void count(struct counted *n, const struct buf *b)
{
    n->bytes += b->n;
    for (size_t i = 0; i < b->n; i++)
        n->characters += (b->p[i] & 0xc0) != 0x80;
    n->replaced |= b->n && memmem(b->p, b->n, "\xef\xbf\xbd", 3);
}

static struct counted clean_count(const struct clean *w)
{
    struct counted n = {0};
    const struct buf *of[] = {&w->heading, &w->court, &w->parties,
                              &w->docket,  &w->title, &w->signature};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        count(&n, of[i]);
    for (unsigned i = 0; i < w->n; i++) {
        count(&n, &w->parts[i].head);
        count(&n, &w->parts[i].words);
    }
    return n;
}

static size_t bytes_of(const struct advertisement *a)
{
    size_t n = a->heading.n + a->court.n + a->parties.n + a->docket.n + a->title.n + a->signature.n;
    for (unsigned i = 0; i < a->n; i++)
        n += a->parts[i].head.n + a->parts[i].words.n;
    return n;
}

static int clean_make(struct clean *w, const struct advertisement *a, struct counted *n,
                      struct err *err)
{
    if (a->n > ADVERTISEMENT_PARTS_MAX)
        return err_set(err, -E2BIG, "advertisement: more than %u parts", ADVERTISEMENT_PARTS_MAX);
    if (bytes_of(a) > ADVERTISEMENT_TEXT_MAX)
        return err_set(err, -E2BIG, "advertisement: more than %u kB of words",
                       ADVERTISEMENT_TEXT_MAX >> 10);
    clean_words(&w->heading, a->heading);
    clean_words(&w->court, a->court);
    clean_words(&w->parties, a->parties);
    clean_words(&w->docket, a->docket);
    clean_words(&w->title, a->title);
    clean_words(&w->signature, a->signature);
    for (w->n = 0; w->n < a->n; w->n++) {
        struct clean_part *part = &w->parts[w->n];
        part->kind = a->parts[w->n].kind;
        clean_words(&part->head, a->parts[w->n].head);
        clean_words(&part->words, a->parts[w->n].words);
    }
    *n = clean_count(w);
    if (!n->characters)
        return err_set(err, -EINVAL, "advertisement: no words");
    if (n->replaced)
        return err_set(err, -EILSEQ,
                       "advertisement: a control, bidi or hidden character, or bytes that are not "
                       "UTF-8: it cannot be printed as it is meant");
    return 0;
}

/* ---- drawing ---- */

static void draw_lines(cairo_t *cr, const struct mark *m, double x, double y)
{
    PangoLayoutIter *it = pango_layout_get_iter(m->layout);
    int i = 0, y0 = 0, y1, top = 0;
    do {
        if (i < m->from)
            continue;
        PangoRectangle r;
        pango_layout_iter_get_line_yrange(it, &y0, &y1);
        if (i == m->from)
            top = y0;
        pango_layout_iter_get_line_extents(it, NULL, &r);
        cairo_move_to(cr, x + pango_units_to_double(r.x),
                      y + pango_units_to_double(pango_layout_iter_get_baseline(it) - top));
        pango_cairo_show_layout_line(cr, pango_layout_iter_get_line_readonly(it));
    } while (++i < m->to && pango_layout_iter_next_line(it));
    pango_layout_iter_free(it);
}

static void draw_mark(cairo_t *cr, const struct mark *m, double x, double y)
{
    x += m->x;
    y += m->y;
    if (m->kind == MARK_LINES) {
        draw_lines(cr, m, x, y);
        return;
    }
    cairo_set_line_width(cr, m->weight);
    if (m->kind == MARK_FRAME)
        cairo_rectangle(cr, x, y, m->width, m->height);
    else
        cairo_move_to(cr, x, y);
    if (m->kind == MARK_RULE)
        cairo_line_to(cr, x + m->width, y);
    else if (m->kind == MARK_UPRIGHT)
        cairo_line_to(cr, x, y + m->width);
    cairo_stroke(cr);
}

/* What is left is spread between the bands. */
static void draw_bands(cairo_t *cr, const struct composition *c, double x, double y, double height)
{
    double more = c->n_bands > 1 ? fmax(height - c->height, 0) / (c->n_bands - 1) : 0;
    for (unsigned i = 0; i < c->n_bands; i++) {
        const struct band *b = &c->bands[i];
        y += b->before + (i ? more : 0);
        for (size_t k = b->first; k < b->first + b->n; k++)
            draw_mark(cr, &c->marks[k], x, y);
        y += b->height;
    }
}

static void draw_crop_marks(cairo_t *cr, double x, double y, double w, double h)
{
    double gap = (CROP_ROOM - CROP_LENGTH) / 2 * PRINT_MM, length = CROP_LENGTH * PRINT_MM;
    cairo_set_line_width(cr, 0.25);
    for (int i = 0; i < 4; i++) {
        double cx = i & 1 ? x + w : x, cy = i & 2 ? y + h : y;
        double dx = i & 1 ? 1 : -1, dy = i & 2 ? 1 : -1;
        cairo_move_to(cr, cx + dx * gap, cy);
        cairo_rel_line_to(cr, dx * length, 0);
        cairo_move_to(cr, cx, cy + dy * gap);
        cairo_rel_line_to(cr, 0, dy * length);
    }
    cairo_stroke(cr);
}

static int draw(const struct advertisement *a, const struct composition *c,
                const struct advertisement_size *size, struct buf *out, struct err *err)
{
    struct print_pdf pdf;
    struct buf title = {0};
    double room = a->crop_marks ? CROP_ROOM : 0, w = size->width * PRINT_MM,
           h = size->height * PRINT_MM;
    double at = room * PRINT_MM, edge = at + MARGIN * PRINT_MM, inside = edge + PADDING * PRINT_MM;
    buf_span(&title, a->heading);
    buf_byte(&title, 0);
    int rc = print_pdf_open(&pdf, w + 2 * at, h + 2 * at, (char *)title.p, NULL, a->date, out, err);
    buf_free(&title);
    if (rc == 0) {
        cairo_set_source_rgb(pdf.cr, 0, 0, 0);
        cairo_set_line_width(pdf.cr, BORDER);
        cairo_rectangle(pdf.cr, edge, edge, w - 2 * MARGIN * PRINT_MM, h - 2 * MARGIN * PRINT_MM);
        cairo_stroke(pdf.cr);
        if (a->crop_marks)
            draw_crop_marks(pdf.cr, at, at, w, h);
        draw_bands(pdf.cr, c, inside, inside, h - 2 * (MARGIN + PADDING) * PRINT_MM);
        cairo_show_page(pdf.cr);
    }
    int end = print_pdf_close(&pdf, rc == 0, rc == 0 ? err : NULL);
    return rc < 0 ? rc : end;
}

/* ---- fitting ---- */

static int too_much(const struct composition *c, double room, size_t characters, struct err *err)
{
    double part = c->height / room;
    return err_set(err, -E2BIG,
                   "advertisement: too many words: in the smallest type (%.1f points) they take "
                   "%.0f%% of the box; leave out some %.0f of %zu characters, or take a larger box",
                   ADVERTISEMENT_TYPE_MIN, ceil(part * 100),
                   ceil((1 - 1 / part) * (double)characters), characters);
}

/* All of it in that type; composition_free() when it is done with. */
static int try_type(struct composition *c, const struct clean *w, const struct print *print,
                    const struct advertisement_size *size, int step, struct err *err)
{
    *c = (struct composition){.print = print,
                              .type = ADVERTISEMENT_TYPE_MIN + step * TYPE_STEP,
                              .width = (size->width - 2 * (MARGIN + PADDING)) * PRINT_MM};
    composition_make(c, w);
    return c->unknown ? err_set(err, -EILSEQ,
                                "advertisement: no font here has %d of its characters", c->unknown)
                      : 0;
}

/* The largest type in which all fits: the smallest is tried first, then halves of what is left. */
static int fit_type(struct composition *c, const struct clean *w, const struct print *print,
                    const struct advertisement_size *size, size_t characters, struct err *err)
{
    double room = (size->height - 2 * (MARGIN + PADDING)) * PRINT_MM;
    int fits = 0, not = (int)((ADVERTISEMENT_TYPE_MAX - ADVERTISEMENT_TYPE_MIN) / TYPE_STEP) + 1;
    int rc = try_type(c, w, print, size, 0, err);
    if (rc < 0)
        return rc;
    if (c->height > room)
        return too_much(c, room, characters, err);
    while (rc == 0 && not -fits > 1) {
        struct composition next;
        int middle = (fits + not ) / 2;
        rc = try_type(&next, w, print, size, middle, err);
        bool good = rc == 0 && next.height <= room;
        composition_free(good ? c : &next);
        if (good) {
            *c = next;
            fits = middle;
        } else {
            not = middle;
        }
    }
    return rc;
}

int advertisement_put(const struct advertisement *a, const struct advertisement_size *size,
                      struct buf *out, struct advertisement_fit *fit, struct err *err)
{
    struct clean words = {0};
    struct counted n = {0};
    struct print print;
    struct composition c = {0};
    if (size->width < SIDE_LEAST || size->height < SIDE_LEAST || size->width > SIDE_MOST ||
        size->height > SIDE_MOST)
        return err_set(err, -EINVAL, "advertisement: a box of %g x %g mm", size->width,
                       size->height);
    int rc = clean_make(&words, a, &n, err);
    print_open(&print, a->language);
    if (rc == 0)
        rc = fit_type(&c, &words, &print, size, n.characters, err);
    if (rc == 0)
        rc = draw(a, &c, size, out, err);
    if (rc == 0 && fit)
        *fit = (struct advertisement_fit){.type = c.type, .columns = c.columns};
    composition_free(&c);
    print_close(&print);
    clean_free(&words);
    return rc;
}
