#include "contact/contact_table.h"

#include <errno.h>
#include <stdio.h>

enum {
    COLUMN_NONE,
    COLUMN_MATCH,
    COLUMN_MAIL,
    COLUMN_HANDLE,
    COLUMN_NAME,
    COLUMN_COUNTRY,
    COLUMN_REGISTRY,
    COLUMNS
};

static const struct {
    const char *name;
    uint8_t column;
} headings[] = {
    {"match", COLUMN_MATCH},       {"network", COLUMN_MATCH}, {"prefix", COLUMN_MATCH},
    {"contact", COLUMN_MAIL},      {"mail", COLUMN_MAIL},     {"email", COLUMN_MAIL},
    {"handle", COLUMN_HANDLE},     {"name", COLUMN_NAME},     {"country", COLUMN_COUNTRY},
    {"registry", COLUMN_REGISTRY},
};

bool contact_network_ok(const struct net *net)
{
    return net->set && net->bits >= (ip_is_v4(&net->ip) ? CONTACT_BITS_MIN_4 : CONTACT_BITS_MIN_6);
}

/* ---- cells ---- */

/* The next cell; quotes are undone into *scratch. False: a quote is left open, or text is behind
 * one. */
static bool next_cell(struct cur *c, char **scratch, struct span *out)
{
    if (c->p == c->end || *c->p != '"') {
        const uint8_t *comma = memchr(c->p, ',', cur_left(c));
        *out = span_trim(span_of(c->p, comma ? (size_t)(comma - c->p) : cur_left(c)));
        c->p = comma ? comma + 1 : c->end;
        return true;
    }
    char *at = *scratch;
    for (c->p++; c->p < c->end; c->p++) {
        if (*c->p == '"' && (c->p + 1 == c->end || c->p[1] != '"'))
            break;
        c->p += *c->p == '"';
        *at++ = (char)*c->p;
    }
    *out = span_of(*scratch, (size_t)(at - *scratch));
    *scratch = at;
    if (c->p == c->end || (c->p + 1 < c->end && c->p[1] != ','))
        return false;
    c->p += c->p + 1 < c->end ? 2 : 1;
    return true;
}

static uint8_t column_named(struct span cell)
{
    for (size_t i = 0; i < sizeof headings / sizeof headings[0]; i++)
        if (span_ieq(cell, span_str(headings[i].name)))
            return headings[i].column;
    return COLUMN_NONE;
}

static bool is_heading(struct span first)
{
    uint8_t column = column_named(first);
    return column == COLUMN_MATCH || column == COLUMN_COUNTRY;
}

bool contact_table_probe(struct span line, bool *country)
{
    char scratch[CONTACT_LINE_MAX], *at = scratch;
    struct cur c = cur_of(span_trim(line));
    struct span first, second;
    *country = false;
    if (cur_left(&c) > CONTACT_LINE_MAX || !next_cell(&c, &at, &first) ||
        !next_cell(&c, &at, &second))
        return false;
    if (is_heading(first)) {
        *country = column_named(first) == COLUMN_COUNTRY;
        return true;
    }
    return second.n && memchr(second.p, '@', second.n) &&
           (!first.n || !memchr(first.p, ' ', first.n));
}

/* ---- what a row is about ---- */

static bool is_country(struct span s)
{
    return s.n == 2 && (uint8_t)((s.p[0] | 0x20) - 'a') < 26 &&
           (uint8_t)((s.p[1] | 0x20) - 'a') < 26;
}

static void put_country(struct span s, char out[2])
{
    out[0] = (char)(s.p[0] & ~0x20);
    out[1] = (char)(s.p[1] & ~0x20);
}

static bool read_asn(struct span s, uint32_t *out)
{
    uint64_t v = 0;
    if (s.n < 3 || s.n > 12 || (s.p[0] | 0x20) != 'a' || (s.p[1] | 0x20) != 's')
        return false;
    for (size_t i = 2; i < s.n; i++) {
        if ((uint8_t)(s.p[i] - '0') > 9)
            return false;
        v = v * 10 + (uint8_t)(s.p[i] - '0');
    }
    *out = (uint32_t)v;
    return v > 0 && v <= UINT32_MAX;
}

/* NULL, or why it is nothing that can be matched. */
static const char *read_match(struct span s, struct contact_row *row)
{
    if (is_country(s)) {
        row->match = CONTACT_COUNTRY;
        put_country(s, row->country);
        return NULL;
    }
    if (read_asn(s, &row->asn)) {
        row->match = CONTACT_AS;
        return NULL;
    }
    row->match = CONTACT_NETWORK;
    if (s.n && !memchr(s.p, '/', s.n) && ip_parse(s, &row->network.ip)) {
        row->network.bits = ip_is_v4(&row->network.ip) ? 32 : 128;
        row->network.set = true;
    } else if (!net_parse(s, &row->network)) {
        return "no network, address, AS number (AS64500) or country (DE)";
    }
    row->network.set = true;
    return contact_network_ok(&row->network) ? NULL : "too wide to be one network";
}

/* ---- lines ---- */

static void take_heading(struct contact_table *t, const struct span *cells, unsigned n)
{
    bool match = false;
    for (unsigned i = 0; i < n; i++) {
        t->column[i] = column_named(cells[i]);
        match |= t->column[i] == COLUMN_MATCH;
    }
    for (unsigned i = n; i < CONTACT_CELLS_MAX; i++)
        t->column[i] = COLUMN_NONE;
    for (unsigned i = 0; i < n && !match; i++) /* a table of countries */
        if (t->column[i] == COLUMN_COUNTRY) {
            t->column[i] = COLUMN_MATCH;
            match = true;
        }
}

static struct span cut(struct span s)
{
    if (s.n <= CONTACT_TEXT_MAX)
        return s;
    s.n = CONTACT_TEXT_MAX;
    while (s.n && (s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

static const char *fill_row(struct contact_table *t, const struct span by[COLUMNS],
                            struct contact_row *row)
{
    const char *why = read_match(by[COLUMN_MATCH], row);
    if (why)
        return why;
    if (row->match != CONTACT_COUNTRY && is_country(by[COLUMN_COUNTRY]))
        put_country(by[COLUMN_COUNTRY], row->country);
    row->handle = cut(by[COLUMN_HANDLE]);
    row->name = cut(by[COLUMN_NAME]);
    row->registry = cut(by[COLUMN_REGISTRY]);
    if (!by[COLUMN_MAIL].n && row->registry.n)
        return NULL;
    enum mailbox_fault fault = mailbox_read(by[COLUMN_MAIL], t->mailbox);
    if (fault == MAILBOX_GOOD || (!t->strict && fault > MAILBOX_MALFORMED)) {
        row->mail = span_str(t->mailbox);
        return NULL;
    }
    snprintf(t->why, sizeof t->why, "the contact %s", mailbox_fault_text(fault));
    return t->why;
}

static int reject(struct contact_table *t, const char *why)
{
    t->rejected++;
    if (t->reject)
        t->reject(t->ctx, t->line, why);
    return 0;
}

static int take_row(struct contact_table *t, const struct span *cells, unsigned n)
{
    struct span by[COLUMNS] = {{0}};
    struct contact_row row = {0};
    for (unsigned i = 0; i < n; i++)
        by[t->column[i]] = cells[i];
    const char *why = fill_row(t, by, &row);
    if (why)
        return reject(t, why);
    if (t->rows == CONTACT_ROWS_MAX)
        return -E2BIG;
    t->rows++;
    return t->row(t->ctx, &row);
}

int contact_table_line(struct contact_table *t, struct span line)
{
    struct span cells[CONTACT_CELLS_MAX];
    char *scratch = t->scratch;
    unsigned n = 0;
    t->line++;
    if (t->line == 1 && line.n >= 3 && memcmp(line.p, "\xef\xbb\xbf", 3) == 0)
        line = span_of(line.p + 3, line.n - 3);
    line = span_trim(line);
    if (!line.n || line.p[0] == '#')
        return 0;
    if (line.n > CONTACT_LINE_MAX)
        return reject(t, "line too long");
    for (struct cur c = cur_of(line); cur_left(&c) && n < CONTACT_CELLS_MAX; n++)
        if (!next_cell(&c, &scratch, &cells[n]))
            return reject(t, "quotes that do not match");
    if (!t->begun) {
        static const uint8_t plain[] = {COLUMN_MATCH, COLUMN_MAIL, COLUMN_NAME};
        t->begun = true;
        memcpy(t->column, plain, sizeof plain);
        if (is_heading(cells[0])) {
            take_heading(t, cells, n);
            return 0;
        }
    }
    return take_row(t, cells, n);
}

int contact_table_text(struct contact_table *t, struct span text)
{
    int rc = 0;
    for (struct cur c = cur_of(text); rc == 0 && cur_left(&c);)
        rc = contact_table_line(t, cur_line(&c));
    return rc;
}

/* ---- writing ---- */

void contact_table_head(struct buf *out, bool delegations)
{
    buf_str(out, delegations ? "network,country,registry\n" : "match,contact,handle,name\n");
}

static void put_cell(struct buf *out, struct span s)
{
    bool quote = false;
    for (size_t i = 0; i < s.n; i++)
        quote |= s.p[i] == '"' || s.p[i] == ',';
    quote |= s.n && (s.p[0] <= ' ' || s.p[s.n - 1] <= ' ');
    if (quote)
        buf_byte(out, '"');
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            buf_byte(out, '"');
        buf_byte(out, s.p[i] < ' ' ? ' ' : s.p[i]);
    }
    if (quote)
        buf_byte(out, '"');
}

void contact_table_put(struct buf *out, const struct contact_row *row, bool delegations)
{
    char text[NET_TEXT_MAX];
    if (row->match == CONTACT_NETWORK)
        buf_put(out, text, net_format(&row->network, text));
    else if (row->match == CONTACT_AS)
        buf_printf(out, "AS%u", row->asn);
    else
        buf_put(out, row->country, 2);
    buf_byte(out, ',');
    if (delegations) {
        buf_put(out, row->country, row->country[0] ? 2 : 0);
        buf_byte(out, ',');
        put_cell(out, row->registry);
    } else {
        put_cell(out, row->mail);
        buf_byte(out, ',');
        put_cell(out, row->handle);
        buf_byte(out, ',');
        put_cell(out, row->name);
    }
    buf_byte(out, '\n');
}
