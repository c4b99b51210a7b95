#include "app/exhibit/exhibit_order.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cbor.h"
#include "base/mem.h"
#include "event/event.h"

/* Members that name an earlier entry which what names it belongs to. */
static const char *const parents[] = {"order",       "asset",   "party", "notice",
                                      "publication", "hearing", "offer", "entry"};
#define PARENTS (sizeof parents / sizeof *parents)

struct gathered {
    uint64_t *v; /* ascending: entries name only those before them */
    size_t n, cap;
};

static bool has(const struct gathered *g, uint64_t entry)
{
    size_t lo = 0, hi = g->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (g->v[mid] == entry)
            return true;
        if (g->v[mid] < entry)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static bool is_candidate(uint8_t kind)
{
    if (kind >= KIND_LEAD && kind <= KIND_LEAD_DELETION)
        return false; /* of informants */
    if (kind >= KIND_ELIGIBILITY && kind <= KIND_PAYOUT)
        return false;
    return (kind >= KIND_ORDER && kind <= KIND_ASSET_RELEASED) ||
           (kind >= KIND_PARTY && kind <= KIND_MILESTONE) || kind == KIND_WITHDRAWN;
}

static bool belongs(const struct gathered *g, struct span payload)
{
    struct cbor_item it;
    struct cur at;
    for (size_t i = 0; i < PARENTS; i++)
        if (cbor_find(cur_of(payload), parents[i], &at) == 1 && cbor_get(&at, &it) == 1 &&
            it.type == CBOR_UINT && has(g, it.n))
            return true;
    return false;
}

static int add(struct gathered *g, uint64_t entry, size_t max, struct err *err)
{
    if (g->n == max)
        return err_set(err, -E2BIG, "the order has more than %zu entries: name them by --entries",
                       max);
    g->v = mem_room(g->v, g->n, &g->cap, sizeof *g->v);
    g->v[g->n++] = entry;
    return 0;
}

int exhibit_order_entries(struct casedir *c, uint64_t order, size_t max, uint64_t **out, size_t *n,
                          struct err *err)
{
    struct journal_cursor *cursor;
    struct gathered g = {0};
    struct entry e;
    int rc = journal_cursor_open(c->journal, order, &cursor, err);
    if (rc < 0)
        return rc;
    while ((rc = journal_cursor_next(cursor, &e, err)) == 1) {
        bool wanted = e.index == order ||
                      (!e.redacted && is_candidate(e.header.kind) && belongs(&g, e.payload));
        rc = wanted ? add(&g, e.index, max, err) : 0;
        if (rc < 0)
            break;
    }
    journal_cursor_close(cursor);
    if (rc == 0) {
        *out = mem_resize(*out, *n + g.n, sizeof **out);
        memcpy(*out + *n, g.v, g.n * sizeof *g.v);
        *n += g.n;
    }
    free(g.v);
    return rc;
}
