/* Rows of tables. */
#include <errno.h>
#include <math.h>

#include "print/page_impl.h"

#define CELL_SIZE   8.5 /* points of type */
#define MONO_SIZE   7.5
#define PAD_X       1.2 /* millimetres around a cell's words */
#define PAD_Y       0.8
#define LINES_LEAST 3 /* of a torn row, at the foot of a page */

static double mm(double v)
{
    return v * PRINT_MM;
}

static double column_width(const struct setting *s, const struct page_columns *t, unsigned i)
{
    return t->width[i] * (s->right - s->left);
}

/* Cells' words, or the titles', into the layouts; gives the height with its padding. */
static double lay_cells(struct setting *s, const struct page_columns *t, PangoLayout **layouts,
                        unsigned piece, bool title)
{
    double highest = 0;
    for (unsigned i = 0; i < t->n; i++) {
        if (!layouts[i])
            layouts[i] = print_layout(&s->print, PRINT_SERIF, CELL_SIZE, false, false);
        PangoLayout *l = layouts[i];
        bool mono = t->mono[i] && !title;
        double width = fmax(column_width(s, t, i) - 2 * mm(PAD_X), 1);
        print_font(l, mono ? PRINT_MONO : PRINT_SERIF, mono ? MONO_SIZE : CELL_SIZE, title, false);
        pango_layout_set_alignment(l, t->right[i] ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
        pango_layout_set_width(l, (int)(width * PANGO_SCALE));
        setting_words(s, l, piece + i);
        int h;
        pango_layout_get_size(l, NULL, &h);
        highest = fmax(highest, pango_units_to_double(h));
    }
    return highest + 2 * mm(PAD_Y);
}

/* One cell's place in a row that goes over pages. */
struct cell {
    PangoLayoutIter *line;
    bool done;
};

/* Sets as many of a cell's lines as fit, one in any case where `force`; gives their height. */
static double set_cell(struct setting *s, struct cell *c, double x, double room, bool force)
{
    double used = 0;
    while (!c->done) {
        PangoRectangle r;
        int y0, y1;
        pango_layout_iter_get_line_yrange(c->line, &y0, &y1);
        double h = pango_units_to_double(y1 - y0);
        if (used + h > room && !(force && used == 0))
            break;
        if (s->draws) {
            pango_layout_iter_get_line_extents(c->line, NULL, &r);
            double base = pango_units_to_double(pango_layout_iter_get_baseline(c->line) - y0);
            cairo_move_to(s->pdf.cr, x + pango_units_to_double(r.x),
                          s->y + mm(PAD_Y) + used + base);
            pango_cairo_show_layout_line(s->pdf.cr, pango_layout_iter_get_line_readonly(c->line));
        }
        used += h;
        c->done = !pango_layout_iter_next_line(c->line);
    }
    return used;
}

/* The part of a row that fits on this page; true when that was the rest of it. */
static bool set_part(struct setting *s, struct cell *cells, bool title)
{
    const struct page_columns *t = s->table;
    double x = s->left, highest = 0, room = s->bottom - s->y - 2 * mm(PAD_Y);
    bool done = true;
    setting_tag(s, "TR");
    for (unsigned i = 0; i < t->n; i++) {
        setting_tag(s, title ? "TH" : "TD");
        highest = fmax(highest, set_cell(s, &cells[i], x + mm(PAD_X), room, s->fresh));
        setting_untag(s, title ? "TH" : "TD");
        done &= cells[i].done;
        x += column_width(s, t, i);
    }
    setting_untag(s, "TR");
    s->y += highest + 2 * mm(PAD_Y);
    setting_line(s, s->left, s->right, s->y, title ? 0.8 : 0.3, title ? 0 : 0.55);
    s->fresh = s->fresh && title;
    return done;
}

static void cells_begin(struct setting *s, PangoLayout **layouts, struct cell *cells)
{
    for (unsigned i = 0; i < s->table->n; i++)
        cells[i] = (struct cell){.line = pango_layout_get_iter(layouts[i])};
}

static void cells_end(struct setting *s, struct cell *cells)
{
    for (unsigned i = 0; i < s->table->n; i++)
        pango_layout_iter_free(cells[i].line);
}

/* The titles, when they are due: at the table's beginning and that of each page. Those higher than
 * half a page would leave no room for rows: they are cut there. */
static void set_title(struct setting *s)
{
    struct cell cells[PAGE_COLUMNS_MAX];
    double bottom = s->bottom;
    if (!s->title_due)
        return;
    s->title_due = false;
    setting_tag(s, "Table");
    setting_line(s, s->left, s->right, s->y, 0.8, 0);
    cells_begin(s, s->titles, cells);
    s->bottom = fmin(bottom, s->y + (bottom - s->top) / 2);
    set_part(s, cells, true);
    s->bottom = bottom;
    cells_end(s, cells);
}

static bool turn(struct setting *s)
{
    if (!s->title_due)
        setting_untag(s, "Table");
    s->title_due = true;
    return setting_turn(s);
}

void rows_begin(struct setting *s, const struct page_columns *table, unsigned title)
{
    s->table = table;
    s->title_due = true;
    s->title_height = lay_cells(s, table, s->titles, title, true);
    if (!s->fresh)
        s->y += mm(1.5);
}

void rows_row(struct setting *s, unsigned piece)
{
    struct cell cells[PAGE_COLUMNS_MAX];
    double row = lay_cells(s, s->table, s->cells, piece, false);
    double head = s->title_due ? s->title_height : 0;
    bool whole = row + s->title_height <= s->bottom - s->top;
    double need = whole ? row : LINES_LEAST * CELL_SIZE * 1.3;
    if (!s->fresh && s->y + head + need > s->bottom && !turn(s))
        return;
    set_title(s);
    cells_begin(s, s->cells, cells);
    while (!set_part(s, cells, false) && turn(s))
        set_title(s);
    cells_end(s, cells);
}

void rows_end(struct setting *s)
{
    if (!s->table)
        return;
    set_title(s); /* of a table without rows */
    setting_untag(s, "Table");
    s->table = NULL;
    s->y += mm(3);
}

double rows_least(struct setting *s, const struct page_columns *table, unsigned title,
                  unsigned piece)
{
    double head = lay_cells(s, table, s->titles, title, true);
    return mm(1.5) + head +
           fmin(lay_cells(s, table, s->cells, piece, false), (s->bottom - s->top) / 3);
}

void rows_free(struct setting *s)
{
    for (unsigned i = 0; i < PAGE_COLUMNS_MAX; i++) {
        if (s->titles[i])
            g_object_unref(s->titles[i]);
        if (s->cells[i])
            g_object_unref(s->cells[i]);
    }
}
