#include "state/addrset.h"

#include "base/mem.h"
#include "state/varint.h"

/* A row's numbers apart from its days: address, attribution, first day, length. */
#define ROW_HEAD_MAX (VARINT128_MAX + VARINT_MAX + 3 + 4)

typedef unsigned __int128 u128;

struct ip addrset_ip(const struct addrset_key *key, bool v6)
{
    if (!v6)
        return ip_from_v4((uint32_t)key->lo);
    struct ip ip;
    be64_put(ip.b, key->hi);
    be64_put(ip.b + 8, key->lo);
    return ip;
}

static inline uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}
static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

void addrset_begin(struct addrset_writer *w, struct buf *out, bool v6, uint16_t day_min)
{
    *w = (struct addrset_writer){.out = out, .set = {.v6 = v6, .day_min = day_min}};
}

/* Bytes of the days behind the first, as gaps. */
static size_t gaps_size(const uint16_t *days, size_t n)
{
    size_t size = 0;
    for (size_t i = 1; i < n; i++) {
        unsigned gap = days[i] - days[i - 1] - 1u;
        size += 1u + (gap >= 1u << 7) + (gap >= 1u << 14);
    }
    return size;
}

static uint8_t *put_days(uint8_t *p, const uint16_t *days, size_t n, size_t bitmap)
{
    size_t gaps = gaps_size(days, n);
    if (gaps <= bitmap) {
        p = varint_put(p, (n - 1) << 1);
        for (size_t i = 1; i < n; i++)
            p = varint_put(p, days[i] - days[i - 1] - 1u);
        return p;
    }
    p = varint_put(p, bitmap << 1 | 1);
    memset(p, 0, bitmap);
    for (size_t i = 1; i < n; i++) {
        unsigned bit = days[i] - days[0] - 1u;
        p[bit / 8] |= (uint8_t)(1u << bit % 8);
    }
    return p + bitmap;
}

void addrset_put(struct addrset_writer *w, const struct addrset_key *key, const uint16_t *days,
                 size_t n)
{
    /* a bitmap of the days behind the first; gaps are taken only when they are no longer */
    size_t bitmap = (days[n - 1] - days[0] + 7u) / 8;
    uint8_t *start = buf_reserve(w->out, ROW_HEAD_MAX + bitmap), *p = start;
    if (w->set.v6) {
        u128 at = (u128)key->hi << 64 | key->lo, last = (u128)w->last.hi << 64 | w->last.lo;
        p = varint_put128(p, at - last);
    } else {
        p = varint_put(p, key->lo - w->last.lo);
    }
    p = varint_put(p, zigzag((int64_t)key->attr - (int64_t)w->last.attr));
    p = varint_put(p, (uint64_t)(days[0] - w->set.day_min));
    p = put_days(p, days, n, bitmap);
    w->out->n += (size_t)(p - start);
    w->set.n += (size_t)(p - start);
    w->last = *key;
    w->set.rows++;
    w->set.sightings += n;
    if (days[n - 1] > w->set.day_max)
        w->set.day_max = days[n - 1];
}

void addrset_cur_init(struct addrset_cur *c, const struct addrset *set, uint32_t attrs)
{
    *c = (struct addrset_cur){.c = cur_of(span_of(set->p, set->n)),
                              .rows_left = set->rows,
                              .v6 = set->v6,
                              .day_min = set->day_min,
                              .day_max = set->day_max,
                              .attrs = attrs,
                              .days = mem_resize(NULL, ADDRSET_DAY_END, sizeof(uint16_t))};
}

void addrset_cur_free(struct addrset_cur *c)
{
    free(c->days);
    c->days = NULL;
}

static bool next_address(struct addrset_cur *c, struct addrset_key *key)
{
    if (!c->v6) {
        uint64_t delta;
        if (!varint_get(&c->c, &delta) || delta > UINT32_MAX - c->key.lo)
            return false;
        *key = (struct addrset_key){0, c->key.lo + delta, 0};
        return true;
    }
    u128 delta, last = (u128)c->key.hi << 64 | c->key.lo;
    if (!varint_get128(&c->c, &delta) || delta > ~(u128)0 - last)
        return false;
    last += delta;
    *key = (struct addrset_key){(uint64_t)(last >> 64), (uint64_t)last, 0};
    return true;
}

static bool next_gaps(struct addrset_cur *c, uint64_t more)
{
    uint32_t day = c->days[0];
    if (more >= ADDRSET_DAY_END)
        return false;
    for (uint64_t i = 1; i <= more; i++) {
        uint64_t gap;
        if (!varint_get(&c->c, &gap) || gap >= ADDRSET_DAY_END - 1 - day)
            return false;
        day += (uint32_t)gap + 1;
        c->days[i] = (uint16_t)day;
    }
    c->n = more + 1;
    return true;
}

static bool next_bitmap(struct addrset_cur *c, uint64_t bytes)
{
    struct span s;
    uint32_t base = c->days[0] + 1u;
    if (bytes == 0 || bytes > ADDRSET_DAY_END / 8 || !cur_take(&c->c, bytes, &s) ||
        s.p[bytes - 1] == 0)
        return false;
    uint32_t last = base + 8 * (uint32_t)(bytes - 1) + 31 - (uint32_t)__builtin_clz(s.p[bytes - 1]);
    if (last >= ADDRSET_DAY_END)
        return false;
    size_t n = 1;
    for (size_t i = 0; i < bytes; i++)
        for (unsigned b = s.p[i]; b; b &= b - 1)
            c->days[n++] = (uint16_t)(base + 8 * i + (unsigned)__builtin_ctz(b));
    c->n = n;
    return true;
}

static bool next_row(struct addrset_cur *c)
{
    struct addrset_key key;
    uint64_t attr_delta, first, length;
    if (!next_address(c, &key) || !varint_get(&c->c, &attr_delta) || !varint_get(&c->c, &first) ||
        !varint_get(&c->c, &length))
        return false;
    int64_t delta = unzigzag(attr_delta);
    if (delta < -(int64_t)c->key.attr || delta >= (int64_t)c->attrs - (int64_t)c->key.attr)
        return false;
    key.attr = (uint32_t)(c->key.attr + delta);
    if (c->started && !addrset_less(&c->key, &key))
        return false;
    if (first >= (uint64_t)ADDRSET_DAY_END - c->day_min)
        return false;
    c->key = key;
    c->started = true;
    c->days[0] = (uint16_t)(c->day_min + first);
    return length & 1 ? next_bitmap(c, length >> 1) : next_gaps(c, length >> 1);
}

int addrset_next(struct addrset_cur *c)
{
    if (c->rows_left == 0)
        return cur_left(&c->c) ? -1 : 0;
    c->rows_left--;
    return next_row(c) && c->days[c->n - 1] <= c->day_max ? 1 : -1;
}

/* Older sets first among equal keys, so that their days, mostly the earlier ones, come first. */
static inline bool before(const struct addrset_cur *a, const struct addrset_cur *b)
{
    if (addrset_less(&a->key, &b->key))
        return true;
    return !addrset_less(&b->key, &a->key) && a < b;
}

static void sift_down(struct addrset_merge *m, size_t i)
{
    struct addrset_cur *moving = m->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= m->n)
            break;
        if (child + 1 < m->n && before(m->heap[child + 1], m->heap[child]))
            child++;
        if (!before(m->heap[child], moving))
            break;
        m->heap[i] = m->heap[child];
        i = child;
    }
    m->heap[i] = moving;
}

/* Moves heap[0] on; takes it out at its end. */
static void step(struct addrset_merge *m)
{
    int rc = addrset_next(m->heap[0]);
    if (rc < 0)
        m->rc = -1;
    if (rc <= 0)
        m->heap[0] = m->heap[--m->n];
    if (m->n > 1)
        sift_down(m, 0);
}

void addrset_merge_init(struct addrset_merge *m, const struct addrset *const *sets, size_t n,
                        uint32_t attrs)
{
    *m = (struct addrset_merge){.nsrc = n};
    m->src = mem_zeroed(n, sizeof *m->src);
    m->heap = mem_zeroed(n, sizeof *m->heap);
    for (size_t i = 0; i < n; i++) {
        addrset_cur_init(&m->src[i], sets[i], attrs);
        int rc = addrset_next(&m->src[i]);
        if (rc < 0)
            m->rc = -1;
        if (rc > 0)
            m->heap[m->n++] = &m->src[i];
    }
    for (size_t i = m->n / 2; i-- > 0;)
        sift_down(m, i);
}

void addrset_merge_free(struct addrset_merge *m)
{
    for (size_t i = 0; i < m->nsrc; i++)
        addrset_cur_free(&m->src[i]);
    free(m->src);
    free(m->heap);
    free(m->union_days);
    free(m->spare);
    *m = (struct addrset_merge){0};
}

/* Adds days to union_days, which holds n. */
static size_t unite(struct addrset_merge *m, size_t n, const uint16_t *days, size_t k)
{
    if (n == 0 || m->union_days[n - 1] < days[0]) {
        memcpy(m->union_days + n, days, k * sizeof *days);
        return n + k;
    }
    const uint16_t *a = m->union_days, *b = days;
    size_t i = 0, j = 0, out = 0;
    while (i < n && j < k) {
        uint16_t x = a[i], y = b[j];
        m->spare[out++] = x < y ? x : y;
        i += x <= y;
        j += y <= x;
    }
    memcpy(m->spare + out, a + i, (n - i) * sizeof *a);
    out += n - i;
    memcpy(m->spare + out, b + j, (k - j) * sizeof *b);
    out += k - j;
    uint16_t *swap = m->union_days;
    m->union_days = m->spare;
    m->spare = swap;
    return out;
}

static bool top_is(const struct addrset_merge *m, size_t i, const struct addrset_key *key)
{
    return i < m->n && addrset_same_address(&m->heap[i]->key, key) &&
           m->heap[i]->key.attr == key->attr;
}

int addrset_merge_next(struct addrset_merge *m)
{
    if (m->held) {
        m->held = false;
        step(m);
    }
    if (m->rc < 0)
        return -1;
    if (m->n == 0)
        return 0;
    struct addrset_cur *top = m->heap[0];
    m->key = top->key;
    if (!top_is(m, 1, &m->key) && !top_is(m, 2, &m->key)) {
        m->days = top->days;
        m->ndays = top->n;
        m->held = true;
        return 1;
    }
    if (!m->union_days) {
        m->union_days = mem_resize(NULL, ADDRSET_DAY_END, sizeof(uint16_t));
        m->spare = mem_resize(NULL, ADDRSET_DAY_END, sizeof(uint16_t));
    }
    size_t n = 0;
    while (top_is(m, 0, &m->key)) {
        n = unite(m, n, m->heap[0]->days, m->heap[0]->n);
        step(m);
    }
    m->days = m->union_days;
    m->ndays = n;
    return 1;
}

void addrset_group_init(struct addrset_group *g, const struct addrset *const *sets, size_t n,
                        uint32_t attrs)
{
    *g = (struct addrset_group){0};
    addrset_merge_init(&g->m, sets, n, attrs);
}

void addrset_group_free(struct addrset_group *g)
{
    addrset_merge_free(&g->m);
    free(g->parts);
    free(g->days);
    *g = (struct addrset_group){0};
}

static void group_take(struct addrset_group *g)
{
    size_t n = g->m.ndays;
    if (g->days_cap - g->ndays < n) {
        while (g->days_cap - g->ndays < n)
            g->days_cap = g->days_cap ? g->days_cap * 2 : 256;
        g->days = mem_resize(g->days, g->days_cap, sizeof *g->days);
    }
    g->parts = mem_room(g->parts, g->nparts, &g->parts_cap, sizeof *g->parts);
    memcpy(g->days + g->ndays, g->m.days, n * sizeof *g->days);
    g->parts[g->nparts++] = (struct addrset_part){g->m.key.attr, g->ndays, n};
    g->ndays += n;
}

int addrset_group_next(struct addrset_group *g)
{
    int rc = g->ahead ? 1 : addrset_merge_next(&g->m);
    if (rc <= 0)
        return rc;
    g->nparts = g->ndays = 0;
    g->key = g->m.key;
    do {
        group_take(g);
        rc = addrset_merge_next(&g->m);
    } while (rc > 0 && addrset_same_address(&g->key, &g->m.key));
    g->ahead = rc > 0;
    return rc < 0 ? -1 : 1;
}
