#include "contact/netmap.h"

#include "base/mem.h"

#define TOP_SMALL  12 /* bits; a map of fewer points than 2 to that is searched as a whole */
#define TOP_LARGE  20
#define LARGE_FROM (1u << 17) /* points */
#define MATCH_BITS 6          /* of a point's match: the prefix length */
#define DEPTH_MAX  130        /* networks within each other, and one more */

typedef unsigned __int128 number;

/* ---- looking up ---- */

static uint32_t last_at_or_below4(const struct netmap_point4 *v, uint32_t low, uint32_t high,
                                  uint32_t key)
{
    while (high - low > 1) { /* v[low].start <= key < v[high].start */
        uint32_t middle = low + (high - low) / 2;
        if (v[middle].start <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint32_t find4(const struct netmap_part *p, uint32_t key)
{
    if (!p->n || p->v4[0].start > key)
        return NETMAP_NONE;
    if (!p->top)
        return last_at_or_below4(p->v4, 0, p->n, key);
    /* top[h]: the first point with those bits or more; what counts may begin before it */
    uint32_t h = key >> (32 - p->top_bits), low = p->top[h], high = p->top[h + 1];
    if (low == high || p->v4[low].start > key)
        return low - 1; /* low > 0: v4[0].start <= key */
    return last_at_or_below4(p->v4, low, high, key);
}

static uint32_t find6(const struct netmap_part *p, const struct ip *key)
{
    uint32_t low = 0, high = p->n;
    if (!p->n || memcmp(p->v6[0].start.b, key->b, 16) > 0)
        return NETMAP_NONE;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(p->v6[middle].start.b, key->b, 16) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t netmap_find(const struct netmap *m, const struct ip *ip, struct net *network)
{
    if (ip_is_v4(ip)) {
        uint32_t at = find4(&m->v4, ip_v4(ip));
        if (at == NETMAP_NONE || m->v4.v4[at].match == NETMAP_NONE)
            return NETMAP_NONE;
        *network = net_of(ip, m->v4.v4[at].match & ((1u << MATCH_BITS) - 1));
        return m->v4.v4[at].match >> MATCH_BITS;
    }
    uint32_t at = find6(&m->v6, ip);
    if (at == NETMAP_NONE || m->v6.v6[at].value == NETMAP_NONE)
        return NETMAP_NONE;
    *network = net_of(ip, (uint8_t)m->v6.v6[at].bits);
    return m->v6.v6[at].value;
}

int netmap_top_bits(size_t entries)
{
    return entries == (1u << TOP_SMALL) + 1   ? TOP_SMALL
           : entries == (1u << TOP_LARGE) + 1 ? TOP_LARGE
                                              : -1;
}

static bool top_ok(const struct netmap_part *p)
{
    uint32_t entries = (1u << p->top_bits) + 1;
    unsigned shift = 32 - p->top_bits;
    if (p->top[0] != 0 || p->top[entries - 1] != p->n)
        return false;
    for (uint32_t h = 0; h + 1 < entries; h++) {
        uint32_t low = p->top[h], high = p->top[h + 1];
        if (low > high || high > p->n)
            return false;
        if (low < high && (p->v4[low].start >> shift != h || p->v4[high - 1].start >> shift != h))
            return false;
    }
    return true;
}

bool netmap_ok(const struct netmap *m, uint32_t values)
{
    for (uint32_t i = 0; i < m->v4.n; i++) {
        const struct netmap_point4 *p = &m->v4.v4[i];
        bool none = p->match == NETMAP_NONE;
        if (!none &&
            ((p->match & ((1u << MATCH_BITS) - 1)) > 32 || p->match >> MATCH_BITS >= values))
            return false;
        if (i && p[-1].start >= p->start)
            return false;
    }
    for (uint32_t i = 0; i < m->v6.n; i++) {
        const struct netmap_point6 *p = &m->v6.v6[i];
        if (p->bits > 128 || (p->value >= values && p->value != NETMAP_NONE) ||
            (i && memcmp(p[-1].start.b, p->start.b, 16) >= 0))
            return false;
    }
    return !m->v4.top || top_ok(&m->v4);
}

/* ---- building ---- */

struct row4 {
    uint32_t start, value;
    uint8_t bits, rank;
};
struct row6 {
    struct ip start;
    uint32_t value;
    uint8_t bits, rank;
};

struct netmap_builder {
    struct row4 *v4;
    struct row6 *v6;
    size_t n4, cap4, n6, cap6;
    bool unsorted4, unsorted6;
    struct netmap_point4 *points4;
    struct netmap_point6 *points6;
    size_t n_points4, cap_points4, n_points6, cap_points6;
    uint32_t *top;
    unsigned top_bits;
};

struct netmap_builder *netmap_build(void)
{
    return mem_zeroed(1, sizeof(struct netmap_builder));
}

void netmap_build_free(struct netmap_builder *b)
{
    if (!b)
        return;
    free(b->v4);
    free(b->v6);
    free(b->points4);
    free(b->points6);
    free(b->top);
    free(b);
}

/* By start, the wider network first, the higher rank first, then the lower value: a whole order, so
 * that the same rows give the same map. */
static int cmp4(const void *x, const void *y)
{
    const struct row4 *a = x, *b = y;
    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    if (a->bits != b->bits || a->rank != b->rank)
        return a->bits != b->bits ? a->bits - b->bits : b->rank - a->rank;
    return (a->value > b->value) - (a->value < b->value);
}

static int cmp6(const void *x, const void *y)
{
    const struct row6 *a = x, *b = y;
    int by = memcmp(a->start.b, b->start.b, 16);
    if (by)
        return by;
    if (a->bits != b->bits || a->rank != b->rank)
        return a->bits != b->bits ? a->bits - b->bits : b->rank - a->rank;
    return (a->value > b->value) - (a->value < b->value);
}

void netmap_add(struct netmap_builder *b, const struct net *network, uint32_t value, uint8_t rank)
{
    if (ip_is_v4(&network->ip)) {
        struct row4 row = {ip_v4(&network->ip), value, network->bits, rank};
        b->v4 = mem_room(b->v4, b->n4, &b->cap4, sizeof *b->v4);
        b->unsorted4 |= b->n4 && cmp4(&b->v4[b->n4 - 1], &row) > 0;
        b->v4[b->n4++] = row;
    } else {
        struct row6 row = {network->ip, value, network->bits, rank};
        b->v6 = mem_room(b->v6, b->n6, &b->cap6, sizeof *b->v6);
        b->unsorted6 |= b->n6 && cmp6(&b->v6[b->n6 - 1], &row) > 0;
        b->v6[b->n6++] = row;
    }
}

/* A network that is open while its addresses are gone through. */
struct open {
    number end; /* its last address */
    uint32_t value;
    uint8_t bits;
};

struct sweep {
    struct netmap_builder *b;
    bool v4;
    struct open stack[DEPTH_MAX];
    unsigned depth;
};

static number of_ip(const struct ip *ip)
{
    return (number)be64_get(ip->b) << 64 | be64_get(ip->b + 8);
}

/* A point where another one is replaces it: nothing lies between them. One that changes nothing is
 * none. */
static void put_point4(struct netmap_builder *b, uint32_t at, uint32_t match)
{
    if (b->n_points4 && b->points4[b->n_points4 - 1].start == at)
        b->n_points4--;
    if (b->n_points4 ? b->points4[b->n_points4 - 1].match == match : match == NETMAP_NONE)
        return;
    b->points4 = mem_room(b->points4, b->n_points4, &b->cap_points4, sizeof *b->points4);
    b->points4[b->n_points4++] = (struct netmap_point4){at, match};
}

static void put_point6(struct netmap_builder *b, number at, uint32_t value, uint8_t bits)
{
    struct netmap_point6 p = {.value = value, .bits = bits};
    be64_put(p.start.b, (uint64_t)(at >> 64));
    be64_put(p.start.b + 8, (uint64_t)at);
    if (b->n_points6 && memcmp(&b->points6[b->n_points6 - 1].start, &p.start, sizeof p.start) == 0)
        b->n_points6--;
    struct netmap_point6 *last = b->n_points6 ? &b->points6[b->n_points6 - 1] : NULL;
    if (last ? last->value == value && last->bits == bits : value == NETMAP_NONE)
        return;
    b->points6 = mem_room(b->points6, b->n_points6, &b->cap_points6, sizeof *b->points6);
    b->points6[b->n_points6++] = p;
}

static void put_point(struct sweep *s, number at, uint32_t value, uint8_t bits)
{
    if (s->v4)
        put_point4(s->b, (uint32_t)at,
                   value == NETMAP_NONE ? NETMAP_NONE : value << MATCH_BITS | bits);
    else
        put_point6(s->b, at, value, bits);
}

/* Closes the networks that end before `start`; behind each, what is around it goes on. */
static void close_before(struct sweep *s, number start, bool all)
{
    number top = s->v4 ? UINT32_MAX : ~(number)0;
    while (s->depth && (all || s->stack[s->depth - 1].end < start)) {
        number end = s->stack[--s->depth].end;
        if (end == top)
            continue;
        if (s->depth)
            put_point(s, end + 1, s->stack[s->depth - 1].value, s->stack[s->depth - 1].bits);
        else
            put_point(s, end + 1, NETMAP_NONE, 0);
    }
}

static void enter(struct sweep *s, number start, uint8_t bits, uint32_t value)
{
    unsigned width = (s->v4 ? 32u : 128u) - bits;
    number size = width == 128 ? 0 : (number)1 << width; /* 0 - 1: all addresses */
    close_before(s, start, false);
    put_point(s, start, value, bits);
    s->stack[s->depth++] = (struct open){start + (size - 1), value, bits};
}

static void flatten(struct netmap_builder *b, bool v4)
{
    struct sweep s = {.b = b, .v4 = v4};
    size_t n = v4 ? b->n4 : b->n6;
    if (v4 ? b->unsorted4 : b->unsorted6)
        v4 ? qsort(b->v4, n, sizeof *b->v4, cmp4) : qsort(b->v6, n, sizeof *b->v6, cmp6);
    for (size_t i = 0; i < n; i++) {
        if (v4 && i && b->v4[i].start == b->v4[i - 1].start && b->v4[i].bits == b->v4[i - 1].bits)
            continue; /* the same network once more */
        if (!v4 && i && b->v6[i].bits == b->v6[i - 1].bits &&
            memcmp(&b->v6[i].start, &b->v6[i - 1].start, 16) == 0)
            continue;
        if (v4)
            enter(&s, b->v4[i].start, b->v4[i].bits, b->v4[i].value);
        else
            enter(&s, of_ip(&b->v6[i].start), b->v6[i].bits, b->v6[i].value);
    }
    close_before(&s, 0, true);
}

static void index_top(struct netmap_builder *b)
{
    uint32_t at = 0;
    b->top_bits = b->n_points4 >= LARGE_FROM ? TOP_LARGE : TOP_SMALL;
    b->top = mem_resize(b->top, (1u << b->top_bits) + 1, sizeof *b->top);
    for (uint32_t h = 0; h <= 1u << b->top_bits; h++) {
        while (at < b->n_points4 && b->points4[at].start >> (32 - b->top_bits) < h)
            at++;
        b->top[h] = at;
    }
}

void netmap_finish(struct netmap_builder *b, struct netmap *out)
{
    flatten(b, true);
    flatten(b, false);
    if (b->n_points4 >= 1u << TOP_SMALL)
        index_top(b);
    *out = (struct netmap){
        .v4 = {.top = b->top,
               .top_bits = b->top_bits,
               .v4 = b->points4,
               .n = (uint32_t)b->n_points4},
        .v6 = {.v6 = b->points6, .n = (uint32_t)b->n_points6},
    };
    free(b->v4);
    free(b->v6);
    b->v4 = NULL;
    b->v6 = NULL;
}
