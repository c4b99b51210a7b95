#include "contact/netmap.h"

#include "base/mem.h"

#define TOP_FROM  (1u << 12) /* points; a smaller map is searched as a whole */
#define DEPTH_MAX 130        /* networks within each other, and one more */

typedef unsigned __int128 number;

/* ---- looking up ---- */

static uint32_t last_at_or_below4(const uint32_t *start, uint32_t low, uint32_t high, uint32_t key)
{
    while (high - low > 1) { /* start[low] <= key < start[high] */
        uint32_t middle = low + (high - low) / 2;
        if (start[middle] <= key)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint32_t find4(const struct netmap_part *p, uint32_t key)
{
    if (!p->n || p->start4[0] > key)
        return NETMAP_NONE;
    if (!p->top)
        return last_at_or_below4(p->start4, 0, p->n, key);
    /* top[h]: the first point at or above h << 16; the match may begin before it */
    uint32_t low = p->top[key >> 16], high = p->top[(key >> 16) + 1];
    if (low == high || p->start4[low] > key)
        return low - 1; /* low > 0: start[0] <= key */
    return last_at_or_below4(p->start4, low, high, key);
}

static uint32_t find6(const struct netmap_part *p, const struct ip *key)
{
    uint32_t low = 0, high = p->n;
    if (!p->n || memcmp(p->start6[0].b, key->b, 16) > 0)
        return NETMAP_NONE;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(p->start6[middle].b, key->b, 16) <= 0)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t netmap_find(const struct netmap *m, const struct ip *ip, struct net *network)
{
    bool v4 = ip_is_v4(ip);
    const struct netmap_part *p = v4 ? &m->v4 : &m->v6;
    uint32_t at = v4 ? find4(p, ip_v4(ip)) : find6(p, ip);
    if (at == NETMAP_NONE || p->value[at] == NETMAP_NONE)
        return NETMAP_NONE;
    *network = net_of(ip, p->bits[at]);
    return p->value[at];
}

static bool top_ok(const struct netmap_part *p)
{
    if (p->top[0] != 0 || p->top[NETMAP_TOP - 1] != p->n)
        return false;
    for (uint32_t h = 0; h + 1 < NETMAP_TOP; h++) {
        uint32_t low = p->top[h], high = p->top[h + 1];
        if (low > high || high > p->n)
            return false;
        if (low < high && (p->start4[low] >> 16 != h || p->start4[high - 1] >> 16 != h))
            return false;
    }
    return true;
}

static bool part_ok(const struct netmap_part *p, bool v4, uint32_t values)
{
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->bits[i] > (v4 ? 32 : 128) || (p->value[i] >= values && p->value[i] != NETMAP_NONE))
            return false;
        if (i && (v4 ? p->start4[i - 1] >= p->start4[i]
                     : memcmp(p->start6[i - 1].b, p->start6[i].b, 16) >= 0))
            return false;
    }
    return !p->top || top_ok(p);
}

bool netmap_ok(const struct netmap *m, uint32_t values)
{
    return part_ok(&m->v4, true, values) && part_ok(&m->v6, false, values);
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

/* The growing arrays of one IP version. */
struct points {
    uint32_t *start4;
    struct ip *start6;
    uint32_t *value;
    uint8_t *bits;
    size_t n, cap;
};

struct netmap_builder {
    struct row4 *v4;
    struct row6 *v6;
    size_t n4, cap4, n6, cap6;
    bool unsorted4, unsorted6;
    struct points p4, p6;
    uint32_t *top;
};

struct netmap_builder *netmap_build(void)
{
    return mem_zeroed(1, sizeof(struct netmap_builder));
}

static void free_points(struct points *p)
{
    free(p->start4);
    free(p->start6);
    free(p->value);
    free(p->bits);
}

void netmap_build_free(struct netmap_builder *b)
{
    if (!b)
        return;
    free(b->v4);
    free(b->v6);
    free_points(&b->p4);
    free_points(&b->p6);
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
    bool v4;
    struct points *out;
    struct open stack[DEPTH_MAX];
    unsigned depth;
};

static number of_ip(const struct ip *ip)
{
    return (number)be64_get(ip->b) << 64 | be64_get(ip->b + 8);
}

static number last_point(const struct sweep *s)
{
    const struct points *p = s->out;
    return s->v4 ? p->start4[p->n - 1] : of_ip(&p->start6[p->n - 1]);
}

static void put_point(struct sweep *s, number at, uint32_t value, uint8_t bits)
{
    struct points *p = s->out;
    if (p->n && last_point(s) == at)
        p->n--; /* nothing lies between that point and this one */
    if (p->n ? p->value[p->n - 1] == value && p->bits[p->n - 1] == bits : value == NETMAP_NONE)
        return;
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 64;
        p->value = mem_resize(p->value, p->cap, sizeof *p->value);
        p->bits = mem_resize(p->bits, p->cap, sizeof *p->bits);
        if (s->v4)
            p->start4 = mem_resize(p->start4, p->cap, sizeof *p->start4);
        else
            p->start6 = mem_resize(p->start6, p->cap, sizeof *p->start6);
    }
    if (s->v4) {
        p->start4[p->n] = (uint32_t)at;
    } else {
        be64_put(p->start6[p->n].b, (uint64_t)(at >> 64));
        be64_put(p->start6[p->n].b + 8, (uint64_t)at);
    }
    p->value[p->n] = value;
    p->bits[p->n++] = bits;
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
    struct sweep s = {.v4 = v4, .out = v4 ? &b->p4 : &b->p6};
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
    b->top = mem_resize(b->top, NETMAP_TOP, sizeof *b->top);
    for (uint32_t h = 0; h < NETMAP_TOP; h++) {
        while (at < b->p4.n && b->p4.start4[at] >> 16 < h)
            at++;
        b->top[h] = at;
    }
}

void netmap_finish(struct netmap_builder *b, struct netmap *out)
{
    flatten(b, true);
    flatten(b, false);
    if (b->p4.n >= TOP_FROM)
        index_top(b);
    *out = (struct netmap){
        .v4 = {.top = b->top,
               .start4 = b->p4.start4,
               .value = b->p4.value,
               .bits = b->p4.bits,
               .n = (uint32_t)b->p4.n},
        .v6 = {.start6 = b->p6.start6,
               .value = b->p6.value,
               .bits = b->p6.bits,
               .n = (uint32_t)b->p6.n},
    };
    free(b->v4);
    free(b->v6);
    b->v4 = NULL;
    b->v6 = NULL;
}
