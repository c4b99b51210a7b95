#include "print/print.h"

#include <errno.h>

#include "base/utc.h"

/* ---- outside text ---- */

/* Marks that reorder, break or hide text without showing: what a reader of print would not know to
 * be there. Joiners are passed where a script has need of them (put_character). */
static bool is_hidden(gunichar c)
{
    static const gunichar of[][2] = {
        {0x034f, 0x034f}, {0x061c, 0x061c}, {0x115f, 0x1160},   {0x17b4, 0x17b5},  {0x180b, 0x180f},
        {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},   {0x3164, 0x3164},  {0xfeff, 0xfeff},
        {0xffa0, 0xffa0}, {0xfff0, 0xfffb}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        if (c >= of[i][0] && c <= of[i][1])
            return true;
    return false;
}

static bool is_control(gunichar c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || (c & 0xfffe) == 0xfffe ||
           (c >= 0xfdd0 && c <= 0xfdef);
}

#define REPLACEMENT "\xef\xbf\xbd"
#define UNKNOWN     0xfffd

struct cleaning {
    struct buf *out;
    size_t line; /* where the line began */
    size_t gap;  /* behind its last blank; 0: none */
    unsigned marks;
    gunichar before;
};

#define JOINER_NOT 0x200c
#define JOINER     0x200d
#define ARABIC     0x0600 /* the first script that joiners are for, and all behind it */

static void end_line(struct cleaning *c)
{
    buf_byte(c->out, '\n');
    c->line = c->out->n;
    c->gap = 0;
    c->marks = 0;
}

/* A line has grown too long: ends it behind its last blank, or here. */
static void break_line(struct cleaning *c)
{
    if (!c->gap || c->gap - c->line < PRINT_LINE_MAX / 2) {
        end_line(c);
        return;
    }
    c->out->p[c->gap - 1] = '\n';
    c->line = c->gap;
    c->gap = 0;
}

static void put_character(struct cleaning *c, gunichar u, const uint8_t *p, size_t n)
{
    bool joins = (u == JOINER || u == JOINER_NOT) && c->before >= ARABIC &&
                 (g_unichar_isalpha(c->before) || g_unichar_ismark(c->before));
    c->marks = g_unichar_ismark(u) ? c->marks + 1 : 0;
    bool bad = c->marks > PRINT_MARKS_MAX || is_control(u) || (is_hidden(u) && !joins);
    if (bad) {
        u = UNKNOWN;
        p = (const uint8_t *)REPLACEMENT;
        n = sizeof REPLACEMENT - 1;
    }
    if (c->out->n - c->line + n > PRINT_LINE_MAX &&
        (bad || !c->marks)) /* marks stay where they are */
        break_line(c);
    buf_put(c->out, p, n);
    c->before = u; /* as it stands there, so that clean text stays as it is */
    if (u == ' ')
        c->gap = c->out->n;
}

void print_clean(struct buf *out, struct span text)
{
    struct cleaning c = {.out = out, .line = out->n};
    for (size_t i = 0; i < text.n;) {
        uint8_t b = text.p[i];
        if (b == '\n' || (b == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')) {
            i += b == '\r' ? 2 : 1;
            end_line(&c);
        } else if (b == '\t') {
            put_character(&c, ' ', (const uint8_t *)" ", 1);
            i++;
        } else {
            gunichar u =
                b ? g_utf8_get_char_validated((const char *)text.p + i, (gssize)(text.n - i)) : 0;
            bool bad = u == (gunichar)-1 || u == (gunichar)-2;
            size_t n = bad || !b ? 1 : (size_t)g_unichar_to_utf8(u, NULL);
            put_character(&c, bad ? 0 : u, text.p + i, n);
            i += n;
        }
    }
}

/* ---- fonts ---- */

void print_open(struct print *p, const char *language)
{
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    p->map = pango_cairo_font_map_new_for_font_type(CAIRO_FONT_TYPE_FT);
    p->context = pango_font_map_create_context(p->map);
    pango_cairo_context_set_font_options(p->context, options);
    pango_cairo_context_set_resolution(p->context, 72);
    pango_context_set_round_glyph_positions(p->context, FALSE);
    pango_context_set_base_dir(p->context, PANGO_DIRECTION_LTR);
    pango_context_set_language(p->context, pango_language_from_string(language ? language : "en"));
    cairo_font_options_destroy(options);
}

void print_close(struct print *p)
{
    if (p->context)
        g_object_unref(p->context);
    if (p->map)
        g_object_unref(p->map);
    *p = (struct print){0};
}

void print_font(PangoLayout *layout, const char *family, double size, bool bold, bool italic)
{
    PangoFontDescription *font = pango_font_description_new();
    pango_font_description_set_family_static(font, family);
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, bold ? PANGO_WEIGHT_BOLD : PANGO_WEIGHT_NORMAL);
    pango_font_description_set_style(font, italic ? PANGO_STYLE_ITALIC : PANGO_STYLE_NORMAL);
    pango_layout_set_font_description(layout, font);
    pango_font_description_free(font);
}

void print_attributes(PangoLayout *layout, double spacing, bool hyphens)
{
    PangoAttrList *list = pango_attr_list_new();
    pango_attr_list_insert(list, pango_attr_insert_hyphens_new(hyphens));
    if (spacing > 0)
        pango_attr_list_insert(list, pango_attr_letter_spacing_new((int)(spacing * PANGO_SCALE)));
    pango_layout_set_attributes(layout, list);
    pango_attr_list_unref(list);
}

PangoLayout *print_layout(const struct print *p, const char *family, double size, bool bold,
                          bool italic)
{
    PangoLayout *layout = pango_layout_new(p->context);
    pango_layout_set_wrap(layout, PANGO_WRAP_WORD_CHAR);
    print_attributes(layout, 0, false);
    print_font(layout, family, size, bold, italic);
    return layout;
}

/* ---- a PDF ---- */

static cairo_status_t write_pdf(void *ctx, const unsigned char *data, unsigned int n)
{
    struct print_pdf *pdf = ctx;
    if (pdf->full || pdf->out->n - pdf->from + n > PRINT_PDF_MAX) {
        pdf->full = true;
        return CAIRO_STATUS_WRITE_ERROR;
    }
    buf_put(pdf->out, data, n);
    return CAIRO_STATUS_SUCCESS;
}

static void set_text(cairo_surface_t *surface, cairo_pdf_metadata_t what, const char *text)
{
    struct buf clean = {0};
    if (!text || !text[0])
        return;
    print_clean(&clean, span_str(text));
    for (size_t i = 0; i < clean.n; i++)
        if (clean.p[i] == '\n')
            clean.p[i] = ' ';
    buf_byte(&clean, 0);
    cairo_pdf_surface_set_metadata(surface, what, (const char *)clean.p);
    buf_free(&clean);
}

int print_pdf_open(struct print_pdf *pdf, double width, double height, const char *title,
                   const char *author, int64_t date, struct buf *out, struct err *err)
{
    char when[UTC_TEXT_MAX];
    *pdf = (struct print_pdf){.out = out, .from = out->n};
    pdf->surface = cairo_pdf_surface_create_for_stream(write_pdf, pdf, width, height);
    if (cairo_surface_status(pdf->surface) != CAIRO_STATUS_SUCCESS)
        return err_set(err, -EIO, "PDF: %s",
                       cairo_status_to_string(cairo_surface_status(pdf->surface)));
    cairo_pdf_surface_restrict_to_version(pdf->surface, CAIRO_PDF_VERSION_1_5);
    set_text(pdf->surface, CAIRO_PDF_METADATA_TITLE, title);
    set_text(pdf->surface, CAIRO_PDF_METADATA_AUTHOR, author);
    utc_format(date, when); /* whole seconds, as Cairo reads it */
    when[19] = 'Z';
    when[20] = '\0';
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_CREATE_DATE, when);
    cairo_pdf_surface_set_metadata(pdf->surface, CAIRO_PDF_METADATA_MOD_DATE, when);
    pdf->cr = cairo_create(pdf->surface);
    return 0;
}

int print_pdf_close(struct print_pdf *pdf, bool keep, struct err *err)
{
    cairo_status_t status = CAIRO_STATUS_SUCCESS;
    int rc = 0;
    if (pdf->cr) {
        status = cairo_status(pdf->cr);
        cairo_destroy(pdf->cr);
    }
    cairo_surface_finish(pdf->surface);
    if (status == CAIRO_STATUS_SUCCESS)
        status = cairo_surface_status(pdf->surface);
    cairo_surface_destroy(pdf->surface);
    if (pdf->full)
        rc = err_set(err, -E2BIG, "PDF: larger than %u MB", PRINT_PDF_MAX >> 20);
    else if (status != CAIRO_STATUS_SUCCESS)
        rc = err_set(err, -EIO, "PDF: %s", cairo_status_to_string(status));
    if (rc < 0 || !keep)
        pdf->out->n = pdf->from;
    return rc;
}

#ifdef __SANITIZE_ADDRESS__
/* Fontconfig keeps what it read until the process ends. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif
