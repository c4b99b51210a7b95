#include "app/cluster/ship_answer.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/mem.h"

void ship_answer_question(const char *d, uint64_t log, uint64_t position, const char *ids,
                          struct buf *sql)
{
    unsigned long long l = log, at = position;
    buf_printf(
        sql,
        "SELECT version(), (SELECT count() FROM system.processes WHERE query_id LIKE '%s%%'),"
        " (SELECT any(vkey) FROM %s.logs_local WHERE log = %llu),"
        " (SELECT count() FROM %s.events_local WHERE log = %llu AND entry >= %llu),"
        " (SELECT max(entry) FROM %s.events_local WHERE log = %llu AND entry >= %llu),"
        " (SELECT count() FROM %s.mails_local WHERE log = %llu AND entry >= %llu),"
        " (SELECT max(entry) FROM %s.mails_local WHERE log = %llu AND entry >= %llu),"
        " hex((SELECT argMax(header, entry) FROM %s.events_local WHERE log = %llu AND entry"
        " >= %llu)) FORMAT TabSeparated",
        ids, d, l, d, l, at, d, l, at, d, l, at, d, l, at, d, l, at);
}

static bool field(struct cur *c, struct span *out)
{
    const uint8_t *p = c->p;
    while (p < c->end && *p != '\t' && *p != '\n')
        p++;
    if (p == c->end)
        return false;
    *out = span_of(c->p, (size_t)(p - c->p));
    c->p = p + 1;
    return true;
}

static bool number(struct cur *c, uint64_t *out)
{
    struct span s;
    if (!field(c, &s) || !s.n || s.n > 20)
        return false;
    *out = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9' || *out > (UINT64_MAX - (s.p[i] - '0')) / 10)
            return false;
        *out = *out * 10 + (s.p[i] - '0');
    }
    return true;
}

/* Printable ASCII alone: it is shown, and compared. */
static bool text(struct cur *c, char *out, size_t max)
{
    struct span s;
    if (!field(c, &s) || s.n >= max)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < 0x20 || s.p[i] >= 0x7f)
            return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

bool ship_answer_read(struct span answer, struct ship_answer *a)
{
    struct cur c = cur_of(answer);
    struct span hex;
    *a = (struct ship_answer){0};
    if (!text(&c, a->version, sizeof a->version) || !number(&c, &a->running) ||
        !text(&c, a->vkey, sizeof a->vkey) || !number(&c, &a->events) ||
        !number(&c, &a->last_event) || !number(&c, &a->mails) || !number(&c, &a->last_mail) ||
        !field(&c, &hex) || cur_left(&c))
        return false;
    return !hex.n || !a->events || hex_decode(hex, a->header, sizeof a->header) ||
           hex.n != 2 * sizeof a->header;
}

static int by_number(const void *x, const void *y)
{
    uint64_t a = *(const uint64_t *)x, b = *(const uint64_t *)y;
    return (a > b) - (a < b);
}

bool ship_answer_entries(struct span bytes, uint64_t from, uint64_t to, uint64_t **v, size_t *n)
{
    *v = NULL;
    *n = 0;
    if (bytes.n % 8)
        return false;
    size_t all = bytes.n / 8, kept = 0;
    uint64_t *out = mem_resize(NULL, all, sizeof *out);
    if (all)
        memcpy(out, bytes.p, bytes.n);
    qsort(out, all, sizeof *out, by_number);
    for (size_t i = 0; i < all; i++)
        if (!kept || out[kept - 1] != out[i])
            out[kept++] = out[i];
    if (kept && (out[0] < from || out[kept - 1] >= to)) {
        free(out);
        return false;
    }
    *v = out;
    *n = kept;
    return true;
}
