/* Setting: from what was asked for to pages. Everything is measured, then drawn by the same code,
 * so that the run that counts pages and the one that draws them cannot differ. */
#include <errno.h>
#include <math.h>

#include "print/page_impl.h"

#define SPACING         1.1  /* of lines, to what the font wants */
#define AHEAD_MOST      4    /* headings in a row that are kept together */
#define SMALL_SIZE      8.0  /* points */
#define SIGNATURE_WIDTH 75.0 /* millimetres */
#define SIGNATURE_ROOM  14.0 /* to write in */
#define ITEM_INDENT     9.0
#define FIELD_INDENT    44.0

static double mm(double v)
{
    return v * PRINT_MM;
}

/* ---- the page ---- */

void setting_tag(struct setting *s, const char *name)
{
    if (s->draws)
        cairo_tag_begin(s->pdf.cr, name, NULL);
}

void setting_untag(struct setting *s, const char *name)
{
    if (s->draws)
        cairo_tag_end(s->pdf.cr, name);
}

void setting_words(const struct setting *s, PangoLayout *layout, unsigned piece)
{
    const struct piece *w = &s->p->pieces[piece];
    pango_layout_set_text(layout, (const char *)s->p->text.p + w->at, (int)w->n);
}

void setting_line(struct setting *s, double x1, double x2, double y, double width, double grey)
{
    if (!s->draws)
        return;
    cairo_t *cr = s->pdf.cr;
    cairo_set_line_width(cr, width);
    cairo_set_source_rgb(cr, grey, grey, grey);
    cairo_move_to(cr, x1, y);
    cairo_line_to(cr, x2, y);
    cairo_stroke(cr);
    cairo_set_source_rgb(cr, 0, 0, 0);
}

/* "%p" and "%n" filled in. */
static void put_small(const struct setting *s, const char *format, struct buf *out)
{
    struct buf text = {0};
    for (const char *c = format; *c; c++) {
        bool number = c[0] == '%' && (c[1] == 'p' || c[1] == 'n');
        if (number)
            buf_printf(&text, "%u", *++c == 'p' ? s->page : s->pages);
        else
            buf_byte(&text, (uint8_t)*c);
    }
    print_clean(out, buf_as_span(&text));
    buf_free(&text);
}

static void draw_small(struct setting *s, const char *format, double y)
{
    struct buf text = {0};
    if (!format || !format[0])
        return;
    put_small(s, format, &text);
    pango_layout_set_text(s->small, (const char *)text.p, (int)text.n);
    PangoLayoutLine *line = pango_layout_get_line_readonly(s->small, 0);
    PangoRectangle r;
    pango_layout_line_get_extents(line, NULL, &r);
    cairo_move_to(s->pdf.cr, (s->left + s->right - pango_units_to_double(r.width)) / 2, y);
    cairo_set_source_rgb(s->pdf.cr, 0.25, 0.25, 0.25);
    pango_cairo_show_layout_line(s->pdf.cr, line);
    cairo_set_source_rgb(s->pdf.cr, 0, 0, 0);
    buf_free(&text);
}

static void finish_page(struct setting *s)
{
    if (!s->draws)
        return;
    const struct page_format *f = &s->p->format;
    draw_small(s, f->header, mm(f->top) * 0.6);
    draw_small(s, f->footer, mm(f->height) - mm(f->bottom) * 0.5);
    cairo_show_page(s->pdf.cr);
}

bool setting_turn(struct setting *s)
{
    finish_page(s);
    s->page++;
    s->begun = false;
    s->y = s->top;
    s->fresh = true;
    if (s->page <= PAGE_PAGES_MAX)
        return true;
    err_set(&s->err, -E2BIG, "page: more than %u pages", PAGE_PAGES_MAX);
    return false;
}

/* ---- words ---- */

struct placed {
    double x, width; /* points */
    const char *tag;
    bool whole; /* never torn apart */
};

/* Height of the first n lines; of all with fewer. */
static double height_of(PangoLayout *layout, int n)
{
    PangoLayoutIter *i = pango_layout_get_iter(layout);
    int y0 = 0, y1 = 0;
    do
        pango_layout_iter_get_line_yrange(i, &y0, &y1);
    while (--n > 0 && pango_layout_iter_next_line(i));
    pango_layout_iter_free(i);
    return pango_units_to_double(y1);
}

/* How many lines have to go with line i of n: neither the first nor the last of a paragraph stands
 * alone. */
static int together(int i, int n, bool whole)
{
    if (whole)
        return i == 0 ? n : 1;
    if (i == 0)
        return n <= 3 ? n : 2;
    return i == n - 2 ? 2 : 1;
}

static void draw_line(struct setting *s, PangoLayoutIter *i, double x, double top)
{
    PangoRectangle r;
    int y0, y1;
    if (!s->draws)
        return;
    pango_layout_iter_get_line_extents(i, NULL, &r);
    pango_layout_iter_get_line_yrange(i, &y0, &y1);
    cairo_move_to(s->pdf.cr, x + pango_units_to_double(r.x),
                  top + pango_units_to_double(pango_layout_iter_get_baseline(i) - y0));
    pango_cairo_show_layout_line(s->pdf.cr, pango_layout_iter_get_line_readonly(i));
}

static bool set_lines(struct setting *s, PangoLayout *layout, const struct placed *at)
{
    PangoLayoutIter *i = pango_layout_get_iter(layout);
    int n = pango_layout_get_line_count(layout), k = 0;
    bool good = true;
    setting_tag(s, at->tag);
    do {
        int y0, y1;
        pango_layout_iter_get_line_yrange(i, &y0, &y1);
        double h = pango_units_to_double(y1 - y0);
        if (!s->fresh && s->y + h * together(k, n, at->whole) > s->bottom) {
            setting_untag(s, at->tag);
            good = setting_turn(s);
            setting_tag(s, at->tag);
        }
        draw_line(s, i, at->x, s->y);
        s->y += h;
        s->fresh = false;
        k++;
    } while (good && pango_layout_iter_next_line(i));
    setting_untag(s, at->tag);
    pango_layout_iter_free(i);
    return good;
}

static void set_space(struct setting *s, double points)
{
    if (!s->fresh)
        s->y += points;
}

/* ---- blocks ---- */

/* White before and behind, in points, beside the layout that a block's words have. */
struct shape {
    PangoLayout *layout;
    struct placed at;
    double before, after;
};

static void lay(struct setting *s, struct shape *shape, unsigned piece)
{
    pango_layout_set_line_spacing(shape->layout, SPACING);
    pango_layout_set_width(shape->layout, (int)(shape->at.width * PANGO_SCALE));
    setting_words(s, shape->layout, piece);
}

static struct shape shape_text(struct setting *s, const struct block *b)
{
    static const PangoAlignment aligns[] = {PANGO_ALIGN_LEFT, PANGO_ALIGN_CENTER, PANGO_ALIGN_RIGHT,
                                            PANGO_ALIGN_LEFT};
    const struct page_style *st = &s->p->styles[b->at];
    const char *family = st->mono ? PRINT_MONO : st->sans ? PRINT_SANS : PRINT_SERIF;
    double indent = mm(st->indent);
    struct shape shape = {
        .layout = print_layout(&s->print, family, st->size, st->bold, st->italic),
        .at = {s->left + indent, s->right - s->left - indent, "P", false},
        .before = mm(st->before),
        .after = mm(st->after),
    };
    pango_layout_set_alignment(shape.layout, aligns[st->align % 4]);
    pango_layout_set_justify(shape.layout, st->align == PAGE_JUSTIFY);
    lay(s, &shape, b->piece);
    return shape;
}

static struct shape shape_heading(struct setting *s, const struct block *b)
{
    static const struct {
        double size, before, after;
        const char *tag;
    } of[] = {{17, 0, 4, "H1"}, {13, 6, 2, "H2"}, {11, 4.5, 1.5, "H3"}};
    unsigned i = b->level - 1;
    struct shape shape = {
        .layout = print_layout(&s->print, PRINT_SERIF, of[i].size, true, false),
        .at = {s->left, s->right - s->left, of[i].tag, true},
        .before = mm(of[i].before),
        .after = mm(of[i].after),
    };
    lay(s, &shape, b->piece);
    return shape;
}

/* The words behind a mark or a label, set in. */
static struct shape shape_beside(struct setting *s, const struct block *b)
{
    bool field = b->kind == BLOCK_FIELD;
    double indent = fmin(mm(field ? FIELD_INDENT : ITEM_INDENT), (s->right - s->left) / 3);
    struct shape shape = {
        .layout = print_layout(&s->print, PRINT_SERIF, 10.5, false, false),
        .at = {s->left + indent, s->right - s->left - indent, "P", false},
        .before = mm(field ? 0.4 : 1),
        .after = mm(field ? 0.8 : 1.5),
    };
    lay(s, &shape, b->piece + 1);
    return shape;
}

/* The least that a block needs to begin on a page; what stands behind a heading goes with it. */
static double least(struct setting *s, size_t i, unsigned depth)
{
    const struct block *b = &s->p->blocks[i];
    double ahead = 0;
    struct shape shape;
    bool more = i + 1 < s->p->n_blocks && depth < AHEAD_MOST;
    switch (b->kind) {
    case BLOCK_TEXT:
        shape = shape_text(s, b);
        break;
    case BLOCK_HEADING:
        shape = shape_heading(s, b);
        ahead = more ? least(s, i + 1, depth + 1) : 0;
        break;
    case BLOCK_ITEM:
    case BLOCK_FIELD:
        shape = shape_beside(s, b);
        break;
    case BLOCK_SPACE:
    case BLOCK_RULE:
        return mm(b->mm + 2) + (more ? least(s, i + 1, depth + 1) : 0);
    case BLOCK_TABLE:
        if (i + 1 < s->p->n_blocks && s->p->blocks[i + 1].kind == BLOCK_ROW)
            return rows_least(s, &s->p->tables[b->at], b->piece, s->p->blocks[i + 1].piece);
        return mm(10);
    case BLOCK_SIGNATURE:
        return mm(SIGNATURE_ROOM + 6);
    default:
        return 0;
    }
    int lines = pango_layout_get_line_count(shape.layout);
    double h = height_of(shape.layout, together(0, lines, shape.at.whole));
    g_object_unref(shape.layout);
    return shape.before + h + (ahead > 0 ? shape.after + ahead : 0);
}

static void add_outline(struct setting *s, const struct block *b)
{
    char at[64];
    struct buf words = {0};
    const struct piece *w = &s->p->pieces[b->piece];
    if (!s->draws)
        return;
    buf_put(&words, s->p->text.p + w->at, w->n + 1);
    for (size_t i = 0; i < w->n; i++)
        if (words.p[i] == '\n')
            words.p[i] = ' ';
    snprintf(at, sizeof at, "page=%u pos=[%d %d]", s->page, (int)s->left, (int)s->y);
    int id = cairo_pdf_surface_add_outline(s->pdf.surface, s->outline[b->level - 1],
                                           (const char *)words.p, at, CAIRO_PDF_OUTLINE_FLAG_OPEN);
    for (unsigned i = b->level; i < 4; i++)
        s->outline[i] = id;
    buf_free(&words);
}

static bool set_heading(struct setting *s, size_t i)
{
    const struct block *b = &s->p->blocks[i];
    struct shape shape = shape_heading(s, b);
    double need = least(s, i, 0);
    bool good = true;
    if (!s->fresh && s->y + need > s->bottom && need < s->bottom - s->top)
        good = setting_turn(s);
    set_space(s, shape.before);
    add_outline(s, b);
    good = good && set_lines(s, shape.layout, &shape.at);
    s->y += shape.after;
    g_object_unref(shape.layout);
    return good;
}

static bool set_text(struct setting *s, const struct block *b)
{
    struct shape shape = shape_text(s, b);
    set_space(s, shape.before);
    bool good = set_lines(s, shape.layout, &shape.at);
    s->y += shape.after;
    g_object_unref(shape.layout);
    return good;
}

/* A mark, beside the first line of its words. Both go over pages as they must: the mark is set
 * first, and the words begin where it did, unless it was longer than a line. */
static bool set_beside(struct setting *s, const struct block *b)
{
    struct shape words = shape_beside(s, b);
    struct shape mark = {
        .layout = print_layout(&s->print, PRINT_SERIF, b->kind == BLOCK_FIELD ? 9.5 : 10.5,
                               b->kind == BLOCK_FIELD, false),
        .at = {s->left, words.at.x - s->left - mm(2), "P", false},
    };
    lay(s, &mark, b->piece);
    set_space(s, words.before);
    bool good = true;
    double need = fmax(
        height_of(mark.layout, pango_layout_get_line_count(mark.layout)),
        height_of(words.layout, together(0, pango_layout_get_line_count(words.layout), false)));
    if (!s->fresh && s->y + need > s->bottom && need < s->bottom - s->top)
        good = setting_turn(s);
    double y = s->y;
    bool fresh = s->fresh;
    unsigned page = s->page;
    good = good && set_lines(s, mark.layout, &mark.at);
    double end = s->y;
    if (s->page == page) {
        s->y = y;
        s->fresh = fresh;
    }
    good = good && set_lines(s, words.layout, &words.at);
    if (s->page == page && s->y < end)
        s->y = end;
    s->y += words.after;
    g_object_unref(mark.layout);
    g_object_unref(words.layout);
    return good;
}

static bool set_signature(struct setting *s, const struct block *b)
{
    struct shape shape = {
        .layout = print_layout(&s->print, PRINT_SERIF, 9.5, false, false),
        .at = {s->left, fmin(mm(SIGNATURE_WIDTH), s->right - s->left), "P", false},
    };
    lay(s, &shape, b->piece);
    bool good = true;
    if (!s->fresh && s->y + mm(SIGNATURE_ROOM) + height_of(shape.layout, 3) > s->bottom)
        good = setting_turn(s);
    s->y += mm(SIGNATURE_ROOM);
    setting_line(s, s->left, s->left + shape.at.width, s->y, 0.6, 0);
    s->y += mm(1);
    s->fresh = false;
    good = good && set_lines(s, shape.layout, &shape.at);
    s->y += mm(3);
    g_object_unref(shape.layout);
    return good;
}

static bool set_block(struct setting *s, size_t i)
{
    const struct block *b = &s->p->blocks[i];
    switch (b->kind) {
    case BLOCK_TEXT:
        return set_text(s, b);
    case BLOCK_HEADING:
        return set_heading(s, i);
    case BLOCK_ITEM:
    case BLOCK_FIELD:
        return set_beside(s, b);
    case BLOCK_RULE:
        set_space(s, mm(1.5));
        setting_line(s, s->left, s->right, s->y, 0.5, 0);
        set_space(s, mm(1.5));
        return true;
    case BLOCK_SPACE:
        if (s->begun || !s->fresh) /* at a page's head only where it was asked for there */
            s->y += mm(b->mm);
        return true;
    case BLOCK_BREAK:
        s->begun = s->fresh || setting_turn(s);
        return s->begun;
    case BLOCK_SIGNATURE:
        return set_signature(s, b);
    case BLOCK_TABLE:
        rows_begin(s, &s->p->tables[b->at], b->piece);
        break;
    case BLOCK_ROW:
        rows_row(s, b->piece);
        break;
    case BLOCK_TABLE_END:
        rows_end(s);
        break;
    }
    return s->err.code == 0;
}

/* ---- both runs ---- */

static int run(struct setting *s)
{
    s->page = 1;
    s->y = s->top;
    s->fresh = true;
    s->begun = true;
    setting_tag(s, "Document");
    for (size_t i = 0; i < s->p->n_blocks; i++)
        if (!set_block(s, i))
            break;
    rows_end(s);
    setting_untag(s, "Document");
    if (s->err.code == 0)
        finish_page(s);
    return s->err.code;
}

static bool counts_pages(const struct page_format *f)
{
    return (f->header && strstr(f->header, "%n")) || (f->footer && strstr(f->footer, "%n"));
}

int page_set(const struct page *p, struct buf *out, struct err *err)
{
    const struct page_format *f = &p->format;
    struct setting s = {.p = p,
                        .left = mm(f->left),
                        .right = mm(f->width - f->right),
                        .top = mm(f->top),
                        .bottom = mm(f->height - f->bottom)};
    print_open(&s.print, f->language);
    s.small = print_layout(&s.print, PRINT_SERIF, SMALL_SIZE, false, false);
    pango_layout_set_single_paragraph_mode(s.small, TRUE);
    pango_layout_set_width(s.small, (int)((s.right - s.left) * PANGO_SCALE));
    pango_layout_set_ellipsize(s.small, PANGO_ELLIPSIZE_MIDDLE); /* one line, whatever is said */
    int rc = counts_pages(f) ? run(&s) : 0;
    s.pages = s.page;
    if (rc == 0) {
        s.draws = true;
        rc = print_pdf_open(&s.pdf, mm(f->width), mm(f->height), f->title, f->author, f->date, out,
                            &s.err);
        if (rc == 0)
            rc = run(&s);
        int end = print_pdf_close(&s.pdf, rc == 0, rc == 0 ? &s.err : NULL);
        rc = rc < 0 ? rc : end;
    }
    rows_free(&s);
    g_object_unref(s.small);
    print_close(&s.print);
    if (rc < 0 && err)
        *err = s.err;
    return rc;
}
