/* The affidavit as text, JSON and PDF. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/notice/notice_affidavit.h"
#include "base/json.h"
#include "base/mem.h"
#include "print/page.h"
#include "view/display.h"

#define COLUMNS   92 /* of the text */
#define CITED_MAX 12 /* entries that are listed behind a line for people; JSON has them all */

static const char title[] = "PROOF OF SERVICE AND PUBLICATION";
static const char draft[] = "DRAFT: to be checked by counsel; no proof before it is signed";

/* ---- what all three say ---- */

/* "[entries 12, 15]" */
static void put_entries(const struct affidavit *a, const struct affidavit_line *l, struct buf *out)
{
    uint64_t *entries = mem_zeroed(l->facts + 1, sizeof *entries);
    size_t n = affidavit_entries(a, l, entries);
    buf_str(out, n == 1 ? "[entry " : "[entries ");
    for (size_t i = 0; i < n && i < CITED_MAX; i++)
        buf_printf(out, "%s%llu", i ? ", " : "", (unsigned long long)entries[i]);
    if (n > CITED_MAX)
        buf_printf(out, " and %zu more", n - CITED_MAX);
    buf_str(out, "]");
    free(entries);
}

/* "3", "3.1": lines are numbered through all sections. */
struct numbers {
    unsigned line, below;
};
static void next_number(struct numbers *n, const struct affidavit_line *l, char out[24])
{
    if (!l->below) {
        n->line++;
        n->below = 0;
        snprintf(out, 24, "%u.", n->line);
    } else {
        n->below++;
        snprintf(out, 24, "%u.%u", n->line, n->below);
    }
}

static void put_about(const struct affidavit *a, struct buf *out)
{
    char made[UTC_TEXT_MAX], root[SHA256_HEX_MAX];
    utc_format(a->made, made);
    hex_encode(a->root, SHA256_LEN, root);
    buf_str(out, "Made at ");
    buf_printf(out, "%.10s %.8s UTC of the log ", made, made + 11);
    buf_span(out, a->origin);
    buf_printf(out,
               " with %llu entries, whose root is %s. Each line names the entries that it rests "
               "on; what is not on the log is not said. Times are UTC.",
               (unsigned long long)a->size, root);
}

/* ---- text ---- */

static void wrap(struct buf *out, struct span text, unsigned indent)
{
    unsigned column = indent;
    for (size_t i = 0; i < text.n;) {
        size_t end = i;
        while (end < text.n && text.p[end] != ' ')
            end++;
        struct span word = span_of(text.p + i, end - i);
        unsigned width = display_width(word);
        if (column > indent && column + 1 + width > COLUMNS) {
            buf_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            buf_byte(out, ' ');
            column++;
        }
        display_put(out, word);
        column += width;
        i = end + 1;
    }
    buf_byte(out, '\n');
}

static void put_line(const struct affidavit *a, const struct affidavit_line *l, const char *number,
                     struct buf *out)
{
    struct buf text = {0};
    buf_span(&text, l->text);
    buf_byte(&text, ' ');
    put_entries(a, l, &text);
    int n = l->below ? 10 : 6;
    buf_printf(out, "%*s%-*s", l->below ? 4 : 0, "", l->below ? 6 : 6, number);
    wrap(out, buf_as_span(&text), (unsigned)n);
    buf_free(&text);
}

void affidavit_text(const struct affidavit *a, struct buf *out)
{
    struct buf about = {0};
    struct numbers numbers = {0};
    char number[24];
    buf_printf(out, "%s\n\n%s\n\n", draft, title);
    put_about(a, &about);
    wrap(out, buf_as_span(&about), 0);
    for (size_t i = 0; i < a->n_lines; i++) {
        const struct affidavit_line *l = &a->lines[i];
        if (!i || l->section != a->lines[i - 1].section)
            buf_printf(out, "\n%s\n\n", affidavit_section_title(l->section));
        next_number(&numbers, l, number);
        put_line(a, l, number, out);
    }
    buf_printf(out,
               "\n%s\n\nExecuted on ____________________ at ______________________________\n\n",
               affidavit_declaration);
    buf_str(out, "________________________________________\n");
    wrap(out, a->declarant.n ? a->declarant : span_str("(name and office of who declares)"), 0);
    buf_free(&about);
}

/* ---- JSON ---- */

static void json_fact(struct json *j, const struct affidavit_fact *f)
{
    json_object(j);
    json_key(j, "entry");
    json_uint(j, f->entry);
    json_key(j, "kind");
    json_str(j, f->kind);
    if (f->member) {
        json_key(j, "member");
        json_str(j, f->member);
        json_key(j, f->part ? "has" : "value");
        json_span(j, f->value);
    }
    json_object_end(j);
}

static void json_day(struct json *j, const char *key, int64_t day)
{
    char text[UTC_TEXT_MAX];
    json_key(j, key);
    if (day == ACT_FOREVER)
        json_null(j);
    else
        json_span(j, span_of(text, utc_format_date(day, text)));
}

static void json_line(struct json *j, const struct affidavit *a, const struct affidavit_line *l,
                      const char *number)
{
    uint64_t *entries = mem_zeroed(l->facts + 1, sizeof *entries);
    size_t n = affidavit_entries(a, l, entries);
    json_object(j);
    json_key(j, "number");
    json_str(j, number);
    json_key(j, "section");
    json_str(j, affidavit_section_name(l->section));
    json_key(j, "text");
    json_span(j, l->text);
    json_key(j, "entries");
    json_array(j);
    for (size_t i = 0; i < n; i++)
        json_uint(j, entries[i]);
    json_array_end(j);
    if (l->day) {
        json_day(j, "planned", l->day->planned);
        json_key(j, "state");
        json_str(j, l->day->state);
        json_day(j, "when", l->day->when);
    }
    json_key(j, "facts");
    json_array(j);
    for (size_t i = 0; i < l->facts; i++)
        json_fact(j, &a->facts[l->first_fact + i]);
    json_array_end(j);
    json_object_end(j);
    free(entries);
}

void affidavit_json(const struct affidavit *a, struct buf *out)
{
    struct json j = json_to(out);
    struct numbers numbers = {0};
    char made[UTC_TEXT_MAX], number[24];
    json_object(&j);
    json_key(&j, "title");
    json_str(&j, title);
    json_key(&j, "draft");
    json_bool(&j, true);
    json_key(&j, "case");
    json_span(&j, a->case_name);
    json_key(&j, "origin");
    json_span(&j, a->origin);
    json_key(&j, "size");
    json_uint(&j, a->size);
    json_key(&j, "root");
    json_hex(&j, a->root, SHA256_LEN);
    json_key(&j, "made");
    json_span(&j, span_of(made, utc_format(a->made, made)));
    json_key(&j, "order");
    json_uint(&j, a->order.entry);
    json_key(&j, "declarant");
    json_span(&j, a->declarant);
    json_key(&j, "lines");
    json_array(&j);
    for (size_t i = 0; i < a->n_lines; i++) {
        next_number(&numbers, &a->lines[i], number);
        json_line(&j, a, &a->lines[i], number);
    }
    json_array_end(&j);
    json_key(&j, "declaration");
    json_str(&j, affidavit_declaration);
    json_object_end(&j);
    json_newline(&j);
}

/* ---- PDF ---- */

static const struct page_columns day_columns = {
    .n = 5,
    .width = {2.1, 2.1, 3.2, 5.8, 1.8},
    .mono = {[3] = true},
    .title = {"Planned", "Appeared", "State, page", "Clipping (SHA-256)", "Entries"}};
static const struct page_columns service_columns = {
    .n = 6,
    .width = {3, 1.8, 3.6, 2.4, 1.8, 1.2},
    .title = {"Party", "By", "To", "Went out", "State", "Entry"}};

static struct span day_text(char out[UTC_TEXT_MAX], int64_t day)
{
    return day == ACT_FOREVER ? span_str("-") : span_of(out, utc_format_date(day, out));
}

static void page_day(struct page *p, const struct affidavit *a, const struct affidavit_line *l)
{
    char planned[UTC_TEXT_MAX], when[UTC_TEXT_MAX], hex[SHA256_HEX_MAX] = "-";
    struct buf state = {0}, behind = {0};
    bool moved = strcmp(l->day->state, "moved") == 0;
    buf_str(&state, l->day->state);
    if (moved) {
        buf_str(&state, " to ");
        buf_span(&state, day_text(when, l->day->when));
    }
    if (l->day->page.n) {
        buf_str(&state, ", p. ");
        buf_span(&state, l->day->page);
    }
    if (l->day->note.n) {
        buf_str(&state, ": ");
        buf_span(&state, l->day->note);
    }
    if (l->day->clipping.n == SHA256_LEN)
        hex_encode(l->day->clipping.p, SHA256_LEN, hex);
    uint64_t *entries = mem_zeroed(l->facts + 1, sizeof *entries);
    size_t n = affidavit_entries(a, l, entries);
    for (size_t i = 0; i < n && i < CITED_MAX; i++)
        buf_printf(&behind, "%s%llu", i ? ", " : "", (unsigned long long)entries[i]);
    free(entries);
    const struct span cells[] = {day_text(planned, l->day->planned),
                                 day_text(when, moved ? ACT_FOREVER : l->day->when),
                                 buf_as_span(&state), span_str(hex), buf_as_span(&behind)};
    page_row(p, cells);
    buf_free(&state);
    buf_free(&behind);
}

static void page_line(struct page *p, const struct affidavit *a, const struct affidavit_line *l,
                      const char *number)
{
    struct buf text = {0};
    buf_span(&text, l->text);
    buf_byte(&text, ' ');
    put_entries(a, l, &text);
    page_item(p, span_str(number), buf_as_span(&text));
    buf_free(&text);
}

static void page_lines(struct page *p, const struct affidavit *a)
{
    struct numbers numbers = {0};
    char number[24];
    bool table = false;
    for (size_t i = 0; i < a->n_lines; i++) {
        const struct affidavit_line *l = &a->lines[i];
        next_number(&numbers, l, number);
        if (table && !l->day) {
            page_table_end(p);
            table = false;
        }
        if (!i || l->section != a->lines[i - 1].section)
            page_heading(p, 2, span_str(affidavit_section_title(l->section)));
        if (l->day && !table)
            page_table(p, &day_columns);
        table = l->day != NULL;
        if (l->day)
            page_day(p, a, l);
        else
            page_line(p, a, l, number);
    }
    if (table)
        page_table_end(p);
}

/* What a judge looks for first; each row is proved by the lines below. */
static void page_services(struct page *p, const struct affidavit *a)
{
    if (!a->n_services)
        return;
    page_heading(p, 2, span_str("Overview"));
    page_table(p, &service_columns);
    for (size_t i = 0; i < a->n_services; i++) {
        const struct affidavit_service *v = &a->services[i];
        char when[UTC_TEXT_MAX], entry[24];
        snprintf(entry, sizeof entry, "%llu", (unsigned long long)v->entry);
        const struct span cells[] = {v->party,           v->channel,
                                     v->address,         day_text(when, v->when),
                                     span_str(v->state), span_str(entry)};
        page_row(p, cells);
    }
    page_table_end(p);
}

static void page_caption(struct page *p, const struct affidavit *a)
{
    struct buf about = {0};
    put_about(a, &about);
    page_heading(p, 1, span_str(title));
    if (a->order.court.n)
        page_field(p, span_str("Court"), a->order.court);
    if (a->order.docket.n)
        page_field(p, span_str("Docket"), a->order.docket);
    page_field(p, span_str("Order"), a->order.id);
    page_field(p, span_str("Case"), a->case_name);
    page_text(p, &(struct page_style){.size = 9, .before = 3}, buf_as_span(&about));
    buf_free(&about);
}

int affidavit_pdf(const struct affidavit *a, struct buf *out, struct err *err)
{
    struct page_format format = page_letter;
    struct buf below = {0};
    format.title = "Proof of service";
    format.language = "en";
    format.header = draft;
    format.footer = "%p / %n";
    format.date = a->made;
    struct page *p = page_open(&format);
    page_caption(p, a);
    page_services(p, a);
    page_lines(p, a);
    page_heading(p, 2, span_str("Declaration"));
    page_text(p, NULL, span_str(affidavit_declaration));
    page_text(p, &(struct page_style){.before = 6},
              span_str("Executed on ____________________ at ______________________________"));
    buf_span(&below, a->declarant.n ? a->declarant : span_str("(name and office of who declares)"));
    page_signature(p, buf_as_span(&below));
    buf_free(&below);
    return page_close(p, out, err);
}
