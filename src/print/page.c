#include "print/page.h"

#include <errno.h>

#include "base/mem.h"
#include "print/page_impl.h"

#define TEXT_AREA_LEAST 40.0 /* millimetres that margins must leave, each way */
#define SIDE_MOST       2000.0
#define SPACE_MOST      200.0

const struct page_format page_a4 = {.width = 210,
                                    .height = 297,
                                    .left = 25,
                                    .right = 25,
                                    .top = 25,
                                    .bottom = 25,
                                    .footer = "%p / %n"};
const struct page_format page_letter = {.width = 215.9,
                                        .height = 279.4,
                                        .left = 25.4,
                                        .right = 25.4,
                                        .top = 25.4,
                                        .bottom = 25.4,
                                        .footer = "%p / %n"};

static const char *keep(struct page *p, unsigned i, const char *text)
{
    size_t n = text ? strlen(text) + 1 : 0;
    if (!n)
        return NULL;
    p->words[i] = mem_resize(NULL, n, 1);
    return memcpy(p->words[i], text, n);
}

static bool fits(double side, double margin1, double margin2)
{
    return side <= SIDE_MOST && margin1 >= 0 && margin2 >= 0 &&
           side - margin1 - margin2 >= TEXT_AREA_LEAST;
}

struct page *page_open(const struct page_format *format)
{
    struct page *p = mem_zeroed(1, sizeof *p);
    p->format = *format;
    p->format.title = keep(p, 0, format->title);
    p->format.author = keep(p, 1, format->author);
    p->format.language = keep(p, 2, format->language);
    p->format.header = keep(p, 3, format->header);
    p->format.footer = keep(p, 4, format->footer);
    if (!fits(format->width, format->left, format->right) ||
        !fits(format->height, format->top, format->bottom))
        err_set(&p->err, -EINVAL, "page: the margins leave no room for text");
    return p;
}

int page_close(struct page *p, struct buf *out, struct err *err)
{
    int rc = p->err.code;
    if (rc < 0 && err)
        *err = p->err;
    if (rc == 0 && out)
        rc = page_set(p, out, err);
    for (unsigned i = 0; i < sizeof p->words / sizeof *p->words; i++)
        free(p->words[i]);
    buf_free(&p->text);
    free(p->pieces);
    free(p->styles);
    free(p->tables);
    free(p->blocks);
    free(p);
    return rc;
}

/* ---- what is asked for ---- */

static unsigned add_piece(struct page *p, struct span text)
{
    struct piece piece = {.at = p->text.n};
    if (text.n > PAGE_TEXT_MAX || p->text.n > PAGE_TEXT_MAX - text.n)
        err_set(&p->err, -E2BIG, "page: more than %u MB of text", PAGE_TEXT_MAX >> 20);
    else
        print_clean(&p->text, text);
    piece.n = p->text.n - piece.at;
    buf_byte(&p->text, 0);
    p->pieces = mem_room(p->pieces, p->n_pieces, &p->cap_pieces, sizeof *p->pieces);
    p->pieces[p->n_pieces] = piece;
    return (unsigned)p->n_pieces++;
}

static struct block *add_block(struct page *p, enum block_kind kind)
{
    p->blocks = mem_room(p->blocks, p->n_blocks, &p->cap_blocks, sizeof *p->blocks);
    struct block *b = &p->blocks[p->n_blocks++];
    *b = (struct block){.kind = kind};
    return b;
}

/* False when something failed already: nothing more is kept. */
static bool may_add(struct page *p)
{
    if (p->err.code == 0 && p->n_blocks >= PAGE_BLOCKS_MAX)
        err_set(&p->err, -E2BIG, "page: more than %u paragraphs and rows", PAGE_BLOCKS_MAX);
    return p->err.code == 0;
}

/* Anything but a row ends a table. */
static bool may_add_block(struct page *p)
{
    page_table_end(p);
    return may_add(p);
}

static double within(double v, double most)
{
    return v > most ? most : v >= 0 ? v : 0;
}

static unsigned add_style(struct page *p, const struct page_style *style)
{
    struct page_style s = {0};
    if (style) /* member by member: the padding is compared below */
        memcpy(&s, style, sizeof s);
    s.size = s.size > 0 ? within(s.size, PAGE_SIZE_MAX) : 10.5;
    s.before = within(s.before, SPACE_MOST);
    s.after = within(s.after, SPACE_MOST);
    s.indent = within(s.indent, (p->format.width - p->format.left - p->format.right) / 2);
    if (p->n_styles && memcmp(&p->styles[p->n_styles - 1], &s, sizeof s) == 0)
        return (unsigned)p->n_styles - 1;
    p->styles = mem_room(p->styles, p->n_styles, &p->cap_styles, sizeof *p->styles);
    p->styles[p->n_styles] = s;
    return (unsigned)p->n_styles++;
}

void page_text(struct page *p, const struct page_style *style, struct span text)
{
    if (!may_add_block(p))
        return;
    unsigned at = add_style(p, style), piece = add_piece(p, text);
    struct block *b = add_block(p, BLOCK_TEXT);
    b->at = at;
    b->piece = piece;
}

void page_heading(struct page *p, unsigned level, struct span text)
{
    if (!may_add_block(p))
        return;
    unsigned piece = add_piece(p, text);
    struct block *b = add_block(p, BLOCK_HEADING);
    b->level = level < 1 ? 1 : level > 3 ? 3 : level;
    b->piece = piece;
}

static void add_pair(struct page *p, enum block_kind kind, struct span first, struct span second)
{
    if (!may_add_block(p))
        return;
    unsigned piece = add_piece(p, first);
    add_piece(p, second);
    add_block(p, kind)->piece = piece;
}

void page_item(struct page *p, struct span mark, struct span text)
{
    add_pair(p, BLOCK_ITEM, mark, text);
}

void page_field(struct page *p, struct span label, struct span value)
{
    add_pair(p, BLOCK_FIELD, label, value);
}

void page_rule(struct page *p)
{
    if (may_add_block(p))
        add_block(p, BLOCK_RULE);
}

void page_space(struct page *p, double mm)
{
    if (may_add_block(p))
        add_block(p, BLOCK_SPACE)->mm = within(mm, SPACE_MOST);
}

void page_break(struct page *p)
{
    if (may_add_block(p))
        add_block(p, BLOCK_BREAK);
}

void page_signature(struct page *p, struct span below)
{
    if (!may_add_block(p))
        return;
    unsigned piece = add_piece(p, below);
    add_block(p, BLOCK_SIGNATURE)->piece = piece;
}

void page_table(struct page *p, const struct page_columns *columns)
{
    if (!may_add_block(p))
        return;
    struct page_columns c = *columns;
    double all = 0;
    for (unsigned i = 0; i < c.n && i < PAGE_COLUMNS_MAX; i++)
        all += c.width[i] > 0 ? c.width[i] : -1e9;
    if (c.n < 1 || c.n > PAGE_COLUMNS_MAX || !(all > 0)) {
        err_set(&p->err, -EINVAL, "page: a table of %u columns", c.n);
        return;
    }
    unsigned piece = (unsigned)p->n_pieces;
    for (unsigned i = 0; i < c.n; i++) {
        c.width[i] /= all;
        add_piece(p, span_str(c.title[i]));
    }
    p->tables = mem_room(p->tables, p->n_tables, &p->cap_tables, sizeof *p->tables);
    p->tables[p->n_tables] = c;
    struct block *b = add_block(p, BLOCK_TABLE);
    b->at = (unsigned)p->n_tables++;
    b->piece = piece;
    p->in_table = true;
}

void page_row(struct page *p, const struct span *cells)
{
    if (!may_add(p))
        return;
    if (!p->in_table) {
        err_set(&p->err, -EINVAL, "page: a row outside of a table");
        return;
    }
    unsigned piece = (unsigned)p->n_pieces;
    for (unsigned i = 0; i < p->tables[p->n_tables - 1].n; i++)
        add_piece(p, cells[i]);
    add_block(p, BLOCK_ROW)->piece = piece;
}

void page_table_end(struct page *p)
{
    if (p->in_table && p->err.code == 0)
        add_block(p, BLOCK_TABLE_END);
    p->in_table = false;
}
