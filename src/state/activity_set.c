/* Sets of contacts: packing, reading, reading several as one. */
#include "base/mem.h"
#include "state/activity_impl.h"
#include "state/addrset.h"
#include "state/varint.h"

#define DAY_END      ADDRSET_DAY_END
#define HOURS        24
#define HOURS_ALL    ((1u << HOURS) - 1)
#define DAY_LEN_MAX  (4 + 3 + 3) /* gap, contacts, hours */
#define HEAD_LEN_MAX (VARINT128_MAX + 3)

typedef unsigned __int128 u128;

static inline u128 number(const struct activity_key *k)
{
    return (u128)k->hi << 64 | k->lo;
}

void activity_begin(struct activity_writer *w, struct buf *out, enum activity_sort sort,
                    uint16_t day_min)
{
    *w = (struct activity_writer){.out = out, .set = {.sort = sort, .day_min = day_min}};
}

static uint8_t *put_key(uint8_t *p, const struct activity_writer *w, const struct activity_key *k)
{
    return w->set.sort == SORT_V4 ? varint_put(p, k->lo - w->last.lo)
                                  : varint_put128(p, number(k) - number(&w->last));
}

/* Most days have one contact: its hour goes in with the gap. */
static uint8_t *put_day(uint8_t *p, unsigned gap, const struct activity_day *d)
{
    if (d->contacts == 1)
        return varint_put(p, (uint64_t)(gap * HOURS + (unsigned)__builtin_ctz(d->hours)) << 1);
    p = varint_put(p, (uint64_t)gap << 1 | 1);
    p = varint_put(p, d->contacts - 2u);
    *p++ = (uint8_t)(d->hours >> 16);
    be16_put(p, (uint16_t)d->hours);
    return p + 2;
}

void activity_put(struct activity_writer *w, const struct activity_key *key,
                  const struct activity_day *days, size_t n)
{
    uint8_t *start = buf_reserve(w->out, HEAD_LEN_MAX + n * DAY_LEN_MAX);
    uint8_t *p = put_key(start, w, key);
    unsigned next = w->set.day_min;
    p = varint_put(p, n - 1);
    for (size_t i = 0; i < n; i++) {
        p = put_day(p, days[i].day - next, &days[i]);
        next = days[i].day + 1u;
        w->set.contacts += days[i].contacts;
    }
    w->out->n += (size_t)(p - start);
    w->set.n += (size_t)(p - start);
    w->last = *key;
    w->set.rows++;
    w->set.days += n;
    if (days[n - 1].day > w->set.day_max)
        w->set.day_max = days[n - 1].day;
}

static void cur_begin(struct activity_cur *c, const struct activity_set *set)
{
    *c = (struct activity_cur){
        .c = cur_of(span_of(set->p, set->n)),
        .rows_left = set->rows,
        .set = set,
        .days = mem_resize(NULL, DAY_END, sizeof *c->days),
    };
}

static bool next_key(struct activity_cur *c, struct activity_key *key)
{
    if (c->set->sort == SORT_V4) {
        uint64_t delta;
        if (!varint_get(&c->c, &delta) || delta > UINT32_MAX - c->key.lo)
            return false;
        *key = (struct activity_key){0, c->key.lo + delta};
        return true;
    }
    u128 delta, last = number(&c->key);
    if (!varint_get128(&c->c, &delta) || delta > ~(u128)0 - last)
        return false;
    last += delta;
    *key = (struct activity_key){(uint64_t)(last >> 64), (uint64_t)last};
    return true;
}

static bool next_many(struct activity_cur *c, struct activity_day *d)
{
    uint64_t more;
    struct span hours;
    if (!varint_get(&c->c, &more) || more > ACTIVITY_CONTACTS_MAX - 2 ||
        !cur_take(&c->c, 3, &hours))
        return false;
    d->contacts = (uint16_t)(more + 2);
    d->hours = (uint32_t)hours.p[0] << 16 | be16_get(hours.p + 1);
    return d->hours && (unsigned)__builtin_popcount(d->hours) <= d->contacts;
}

/* The day that follows on `next`, which is the first that it can be. */
static inline bool next_day(struct activity_cur *c, unsigned next, struct activity_day *d)
{
    uint64_t word;
    if (!varint_get(&c->c, &word))
        return false;
    uint64_t gap = word & 1 ? word >> 1 : (word >> 1) / HOURS;
    if (gap > c->set->day_max || next + gap > c->set->day_max)
        return false;
    d->day = (uint16_t)(next + gap);
    if (word & 1)
        return next_many(c, d);
    d->contacts = 1;
    d->hours = 1u << (word >> 1) % HOURS;
    return true;
}

static bool next_row(struct activity_cur *c)
{
    struct activity_key key;
    uint64_t more;
    unsigned next = c->set->day_min;
    if (!next_key(c, &key) || !varint_get(&c->c, &more) || more >= DAY_END)
        return false;
    if (c->started && !activity_key_less(&c->key, &key))
        return false;
    c->key = key;
    c->started = true;
    c->n = more + 1;
    for (size_t i = 0; i < c->n; i++) {
        if (!next_day(c, next, &c->days[i]))
            return false;
        next = c->days[i].day + 1u;
    }
    return true;
}

/* 1 read, 0 at the end, -1 when the bytes are no set. */
static int cur_next(struct activity_cur *c)
{
    if (c->rows_left == 0)
        return cur_left(&c->c) ? -1 : 0;
    c->rows_left--;
    return next_row(c) ? 1 : -1;
}

static void sift_down(struct activity_merge *m, size_t i)
{
    struct activity_cur *moving = m->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= m->n)
            break;
        if (child + 1 < m->n && activity_key_less(&m->heap[child + 1]->key, &m->heap[child]->key))
            child++;
        if (!activity_key_less(&m->heap[child]->key, &moving->key))
            break;
        m->heap[i] = m->heap[child];
        i = child;
    }
    m->heap[i] = moving;
}

/* Moves heap[0] on; takes it out at its end. */
static void step(struct activity_merge *m)
{
    int rc = cur_next(m->heap[0]);
    if (rc < 0)
        m->rc = -1;
    if (rc <= 0)
        m->heap[0] = m->heap[--m->n];
    if (m->n > 1)
        sift_down(m, 0);
}

void activity_merge_init(struct activity_merge *m, const struct activity_set *const *sets, size_t n)
{
    *m = (struct activity_merge){.nsrc = n};
    m->src = mem_zeroed(n, sizeof *m->src);
    m->heap = mem_zeroed(n, sizeof *m->heap);
    for (size_t i = 0; i < n; i++) {
        cur_begin(&m->src[i], sets[i]);
        int rc = cur_next(&m->src[i]);
        if (rc < 0)
            m->rc = -1;
        if (rc > 0)
            m->heap[m->n++] = &m->src[i];
    }
    for (size_t i = m->n / 2; i-- > 0;)
        sift_down(m, i);
}

void activity_merge_free(struct activity_merge *m)
{
    for (size_t i = 0; i < m->nsrc; i++)
        free(m->src[i].days);
    free(m->src);
    free(m->heap);
    free(m->sum);
    free(m->spare);
    *m = (struct activity_merge){0};
}

static struct activity_day day_sum(const struct activity_day *a, const struct activity_day *b)
{
    uint32_t contacts = (uint32_t)a->contacts + b->contacts;
    if (contacts > ACTIVITY_CONTACTS_MAX)
        contacts = ACTIVITY_CONTACTS_MAX;
    return (struct activity_day){a->day, (uint16_t)contacts, a->hours | b->hours};
}

/* Adds days to m->sum, which holds n. */
static size_t add_days(struct activity_merge *m, size_t n, const struct activity_day *b, size_t k)
{
    const struct activity_day *a = m->sum;
    size_t i = 0, j = 0, out = 0;
    while (i < n || j < k) {
        if (j == k || (i < n && a[i].day < b[j].day))
            m->spare[out++] = a[i++];
        else if (i == n || b[j].day < a[i].day)
            m->spare[out++] = b[j++];
        else
            m->spare[out++] = day_sum(&a[i++], &b[j++]);
    }
    struct activity_day *swap = m->sum;
    m->sum = m->spare;
    m->spare = swap;
    return out;
}

static bool top_is(const struct activity_merge *m, size_t i, const struct activity_key *key)
{
    return i < m->n && activity_key_same(&m->heap[i]->key, key);
}

int activity_merge_next(struct activity_merge *m)
{
    if (m->held) {
        m->held = false;
        step(m);
    }
    if (m->rc < 0)
        return -1;
    if (m->n == 0)
        return 0;
    m->key = m->heap[0]->key;
    if (!top_is(m, 1, &m->key) && !top_is(m, 2, &m->key)) {
        m->days = m->heap[0]->days;
        m->ndays = m->heap[0]->n;
        m->held = true;
        return 1;
    }
    if (!m->sum) {
        m->sum = mem_resize(NULL, DAY_END, sizeof *m->sum);
        m->spare = mem_resize(NULL, DAY_END, sizeof *m->spare);
    }
    size_t n = 0;
    while (m->rc == 0 && top_is(m, 0, &m->key)) {
        n = add_days(m, n, m->heap[0]->days, m->heap[0]->n);
        step(m);
    }
    m->days = m->sum;
    m->ndays = n;
    return m->rc < 0 ? -1 : 1;
}
