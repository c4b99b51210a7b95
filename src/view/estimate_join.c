/* Activity joined with whom each address belonged to, handed to accumulators on several threads. */
#include <errno.h>
#include <pthread.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/mem.h"
#include "state/addrset.h"
#include "view/estimate_impl.h"

#define BATCH_ROWS     4096 /* about: an id's rows stay together */
#define BATCH_DAYS     32768
#define QUEUE_A_WORKER 3 /* batches on their way, a worker */
/* More than so many wait for the one who reads; and each has an accumulator of its own. */
#define WORKERS_MAX 3

/* ---- numbering what addresses belong to ---- */

static uint32_t slot_of(const struct segments *s, uint32_t value)
{
    return (value * 2654435761u) & (uint32_t)(s->size - 1);
}

static uint32_t *segment_slot(const struct segments *s, uint32_t value)
{
    uint32_t i = slot_of(s, value);
    while (s->slots[i] && s->values[s->slots[i] - 1] != value)
        i = (i + 1) & (uint32_t)(s->size - 1);
    return &s->slots[i];
}

uint32_t segments_find(const struct segments *s, uint32_t value)
{
    if (s->size == 0)
        return HOSTS_NONE;
    uint32_t slot = *segment_slot(s, value);
    return slot ? slot - 1 : HOSTS_NONE;
}

static void segments_rehash(struct segments *s, size_t size)
{
    free(s->slots);
    s->size = size;
    s->slots = mem_zeroed(size, sizeof *s->slots);
    for (size_t i = 0; i < s->n; i++)
        *segment_slot(s, s->values[i]) = (uint32_t)i + 1;
}

static void segments_add(struct segments *s, uint32_t value)
{
    if (value == 0)
        return; /* not known */
    if (2 * s->n >= s->size)
        segments_rehash(s, s->size ? 2 * s->size : 64);
    uint32_t *slot = segment_slot(s, value);
    if (*slot)
        return;
    s->values = mem_room(s->values, s->n, &s->cap, sizeof *s->values);
    s->values[s->n++] = value;
    *slot = (uint32_t)s->n;
}

static int cmp_value(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

static void segments_sort(struct segments *s)
{
    if (s->n == 0)
        return;
    qsort(s->values, s->n, sizeof *s->values, cmp_value);
    segments_rehash(s, s->size);
}

static uint32_t country_value(const char country[2])
{
    return be16_get((const uint8_t *)country);
}

/* ---- order of addresses, and those that are left out ---- */

static int cmp_ip(const struct ip *a, const struct ip *b)
{
    bool v4 = ip_is_v4(a);
    if (v4 != ip_is_v4(b))
        return v4 ? -1 : 1;
    return memcmp(a->b, b->b, sizeof a->b);
}

/* The list read along with addresses that ascend. */
struct left_out {
    const struct ip *v;
    size_t n, at;
};

static bool is_left_out(struct left_out *l, const struct ip *ip)
{
    while (l->at < l->n && cmp_ip(&l->v[l->at], ip) < 0)
        l->at++;
    return l->at < l->n && cmp_ip(&l->v[l->at], ip) == 0;
}

/* ---- the census's side ---- */

static bool in_range(const struct estimate_work *w, unsigned day)
{
    return day >= w->since && day <= w->until;
}

/* Days of an address under several attributions: each once, marked by its serial. */
static bool survey_address(struct estimate_work *w, const struct census_part *parts, size_t n,
                           uint32_t *stamp, uint32_t serial)
{
    bool seen = false;
    for (size_t k = 0; k < n; k++) {
        segments_add(&w->ases, parts[k].asn);
        segments_add(&w->countries, country_value(parts[k].country));
        for (size_t i = 0; i < parts[k].n; i++) {
            unsigned day = parts[k].days[i];
            if (day < w->first || day > w->last || stamp[day - w->first] == serial)
                continue;
            stamp[day - w->first] = serial;
            w->raw_by_day[day - w->first]++;
            seen |= in_range(w, day);
        }
    }
    return seen;
}

int estimate_survey(struct estimate_work *w, struct err *err)
{
    struct left_out out = {w->options->excluded, w->options->n_excluded, 0};
    size_t days = w->last - w->first + 1u;
    uint32_t *stamp = mem_zeroed(days, sizeof *stamp), serial = 0;
    const struct census_part *parts;
    struct census_walk *walk;
    struct ip ip;
    size_t n;
    int rc;
    w->raw_by_day = mem_zeroed(days, sizeof *w->raw_by_day);
    census_walk_open(w->census, w->family, &walk);
    while ((rc = census_walk_next(walk, &ip, &parts, &n, err)) > 0) {
        if (!survey_address(w, parts, n, stamp, ++serial))
            continue;
        w->addresses_raw++;
        w->left_out += is_left_out(&out, &ip);
    }
    census_walk_close(walk);
    free(stamp);
    segments_sort(&w->ases);
    segments_sort(&w->countries);
    w->as_addresses = mem_zeroed(w->ases.n, sizeof *w->as_addresses);
    w->country_addresses = mem_zeroed(w->countries.n, sizeof *w->country_addresses);
    w->hours = mem_zeroed(days, sizeof *w->hours);
    return rc;
}

/* ---- batches, and who takes them ---- */

struct batch {
    struct batch *next;
    bool bots;
    size_t n, cap, n_days, cap_days;
    struct hosts_row *rows; /* days and the like: set when it is taken */
    uint16_t *days, *contacts;
    uint32_t *hours;
};

struct worker;
struct queue {
    struct worker *alone; /* no thread could be started: who fills batches takes them, too */
    pthread_mutex_t lock;
    pthread_cond_t filled, emptied;
    struct batch *full, **full_end, *empty;
    bool over;
};

struct worker {
    pthread_t thread;
    struct queue *queue;
    struct hosts *hosts;
};

static void take_batch(struct hosts *h, struct batch *b)
{
    size_t at = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct hosts_row *r = &b->rows[i];
        r->days = b->days + at;
        r->contacts = b->contacts + at;
        r->hours = b->hours + at;
        at += r->n;
        if (b->bots)
            hosts_bot(h, r);
        else
            hosts_address(h, r);
    }
}

static void *work(void *ctx)
{
    struct worker *k = ctx;
    struct queue *q = k->queue;
    pthread_mutex_lock(&q->lock);
    for (;;) {
        while (!q->full && !q->over)
            pthread_cond_wait(&q->filled, &q->lock);
        struct batch *b = q->full;
        if (!b)
            break;
        q->full = b->next;
        if (!q->full)
            q->full_end = &q->full;
        pthread_mutex_unlock(&q->lock);
        take_batch(k->hosts, b);
        pthread_mutex_lock(&q->lock);
        b->next = q->empty;
        q->empty = b;
        pthread_cond_signal(&q->emptied);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static struct batch *empty_batch(struct queue *q, bool bots)
{
    pthread_mutex_lock(&q->lock);
    while (!q->empty)
        pthread_cond_wait(&q->emptied, &q->lock);
    struct batch *b = q->empty;
    q->empty = b->next;
    pthread_mutex_unlock(&q->lock);
    b->n = b->n_days = 0;
    b->bots = bots;
    return b;
}

static void hand_over(struct queue *q, struct batch *b)
{
    if (q->alone) {
        take_batch(q->alone->hosts, b);
        b->next = q->empty;
        q->empty = b;
        return;
    }
    pthread_mutex_lock(&q->lock);
    b->next = NULL;
    *q->full_end = b;
    q->full_end = &b->next;
    pthread_cond_signal(&q->filled);
    pthread_mutex_unlock(&q->lock);
}

/* Room for so many more days. */
static void batch_room(struct batch *b, size_t n)
{
    if (b->cap_days - b->n_days >= n)
        return;
    while (b->cap_days - b->n_days < n)
        b->cap_days = b->cap_days ? 2 * b->cap_days : BATCH_DAYS;
    b->days = mem_resize(b->days, b->cap_days, sizeof *b->days);
    b->contacts = mem_resize(b->contacts, b->cap_days, sizeof *b->contacts);
    b->hours = mem_resize(b->hours, b->cap_days, sizeof *b->hours);
}

static void batch_free(struct batch *b)
{
    free(b->rows);
    free(b->days);
    free(b->contacts);
    free(b->hours);
    free(b);
}

/* ---- the join ---- */

struct join {
    struct estimate_work *w;
    struct queue queue;
    struct batch *batch; /* being filled */
    bool bots;
    struct left_out out;
    /* addresses: where the census stands */
    struct census_walk *walk;
    struct ip ip;
    const struct census_part *parts;
    size_t nparts;
    int walked; /* census_walk_next()'s last word */
    struct err *err;
    /* ids: sources that are left out, ascending, and where those of each upper half begin */
    uint32_t *sources, *source_at;
    size_t nsources;
    /* the id, AS and country at hand: rows of several addresses as one */
    bool held;
    uint64_t bot;
    uint32_t asn;
    char country[2];
    struct activity_day *days, *spare;
    size_t n;
};

/* Appends a row's days within the window. */
static void put_days(struct join *j, struct hosts_row *r, const struct activity_day *days, size_t n)
{
    const struct estimate_work *w = j->w;
    struct batch *b = j->batch;
    batch_room(b, n);
    r->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (days[i].day < w->first || days[i].day > w->last)
            continue;
        size_t at = b->n_days + r->n++;
        b->days[at] = days[i].day;
        b->contacts[at] = days[i].contacts;
        b->hours[at] = days[i].hours;
    }
    b->n_days += r->n;
}

/* `fresh`: the row may go to another worker than the one before. */
static struct hosts_row *new_row(struct join *j, bool fresh)
{
    if (j->batch && fresh && (j->batch->n >= BATCH_ROWS || j->batch->n_days >= BATCH_DAYS)) {
        hand_over(&j->queue, j->batch);
        j->batch = NULL;
    }
    if (!j->batch)
        j->batch = empty_batch(&j->queue, j->bots);
    struct batch *b = j->batch;
    b->rows = mem_room(b->rows, b->n, &b->cap, sizeof *b->rows);
    return &b->rows[b->n];
}

static const struct census_part *part_of(const struct join *j)
{
    const struct census_part *best = NULL;
    size_t most = 0;
    for (size_t k = 0; k < j->nparts; k++) {
        const struct census_part *p = &j->parts[k];
        bool later = best && p->n == most && p->days[p->n - 1] > best->days[best->n - 1];
        bool same = best && p->n == most && p->days[p->n - 1] == best->days[best->n - 1];
        bool first = same && (p->asn != best->asn ? p->asn < best->asn
                                                  : memcmp(p->country, best->country, 2) < 0);
        if (!best || p->n > most || later || first) {
            best = p;
            most = p->n;
        }
    }
    return best;
}

/* The census stands on the address, or behind where it would be; false: it does not have it. */
static bool walk_to(struct join *j, const struct ip *ip)
{
    while (j->walked > 0 && cmp_ip(&j->ip, ip) < 0)
        j->walked = census_walk_next(j->walk, &j->ip, &j->parts, &j->nparts, j->err);
    return j->walked > 0 && cmp_ip(&j->ip, ip) == 0;
}

static void count_address(struct estimate_work *w, const struct hosts_row *r,
                          const struct activity_day *days, size_t n)
{
    bool seen = false;
    for (size_t i = 0; i < n; i++) {
        if (days[i].day < w->first || days[i].day > w->last)
            continue;
        w->hours[days[i].day - w->first] |= days[i].hours;
        seen |= in_range(w, days[i].day);
    }
    if (seen && r->as != HOSTS_NONE)
        w->as_addresses[r->as]++;
    if (seen && r->country != HOSTS_NONE)
        w->country_addresses[r->country]++;
}

static int join_address(void *ctx, const struct activity_row *row)
{
    struct join *j = ctx;
    bool known = walk_to(j, &row->ip);
    if (j->walked < 0)
        return -EBADMSG;
    if (is_left_out(&j->out, &row->ip))
        return 0;
    struct hosts_row *r = new_row(j, true);
    const struct census_part *p = known ? part_of(j) : NULL;
    r->key = XXH3_64bits(row->ip.b, sizeof row->ip.b);
    r->as = p ? segments_find(&j->w->ases, p->asn) : HOSTS_NONE;
    r->country = p ? segments_find(&j->w->countries, country_value(p->country)) : HOSTS_NONE;
    count_address(j->w, r, row->days, row->n);
    put_days(j, r, row->days, row->n);
    j->batch->n += r->n > 0;
    return 0;
}

/* The id's row that was held back goes on its way. */
static void let_go(struct join *j, bool last_of_id)
{
    if (!j->held)
        return;
    struct hosts_row *r = new_row(j, false);
    r->key = j->bot << 16 | j->bot >> 32; /* 48 bits, spread over 64 */
    r->as = segments_find(&j->w->ases, j->asn);
    r->country = segments_find(&j->w->countries, country_value(j->country));
    put_days(j, r, j->days, j->n);
    j->batch->n += r->n > 0;
    j->held = false;
    if (last_of_id)
        new_row(j, true);
}

static bool source_left_out(const struct join *j, uint32_t source)
{
    uint32_t at = j->source_at[source >> 16], end = j->source_at[(source >> 16) + 1];
    while (at < end && j->sources[at] < source)
        at++;
    return at < end && j->sources[at] == source;
}

/* Adds a row's days to those held back: of one AS and several addresses. */
static void hold(struct join *j, const struct activity_day *b, size_t k)
{
    const struct activity_day *a = j->days;
    size_t i = 0, n = 0;
    for (size_t l = 0; i < j->n || l < k;) {
        if (l == k || (i < j->n && a[i].day < b[l].day)) {
            j->spare[n++] = a[i++];
        } else if (i == j->n || b[l].day < a[i].day) {
            j->spare[n++] = b[l++];
        } else {
            uint32_t sum = (uint32_t)a[i].contacts + b[l].contacts;
            j->spare[n] = a[i++];
            j->spare[n].contacts =
                (uint16_t)(sum < ACTIVITY_CONTACTS_MAX ? sum : ACTIVITY_CONTACTS_MAX);
            j->spare[n++].hours |= b[l++].hours;
        }
    }
    struct activity_day *swap = j->days;
    j->days = j->spare;
    j->spare = swap;
    j->n = n;
}

static int join_bot(void *ctx, const struct activity_row *row)
{
    struct join *j = ctx;
    if (source_left_out(j, row->source))
        return 0;
    if (j->held && (row->bot != j->bot || row->asn != j->asn ||
                    memcmp(row->country, j->country, sizeof j->country) != 0))
        let_go(j, row->bot != j->bot);
    if (!j->held)
        j->n = 0;
    j->held = true;
    j->bot = row->bot;
    j->asn = row->asn;
    memcpy(j->country, row->country, sizeof j->country);
    hold(j, row->days, row->n);
    return 0;
}

static void list_sources(struct join *j)
{
    const struct estimate_options *o = j->w->options;
    j->nsources = o->n_excluded;
    j->sources = mem_resize(NULL, j->nsources, sizeof *j->sources);
    j->source_at = mem_zeroed(65537, sizeof *j->source_at);
    for (size_t i = 0; i < j->nsources; i++)
        j->sources[i] = activity_source(&o->excluded[i]);
    if (j->nsources)
        qsort(j->sources, j->nsources, sizeof *j->sources, cmp_value);
    for (size_t i = 0; i < j->nsources; i++)
        j->source_at[(j->sources[i] >> 16) + 1]++;
    for (size_t i = 0; i < 65536; i++)
        j->source_at[i + 1] += j->source_at[i];
}

static void end_batch(struct join *j)
{
    if (j->batch)
        hand_over(&j->queue, j->batch);
    j->batch = NULL;
}

static int read_addresses(struct join *j)
{
    census_walk_open(j->w->census, j->w->family, &j->walk);
    j->walked = census_walk_next(j->walk, &j->ip, &j->parts, &j->nparts, j->err);
    int rc = j->walked < 0 ? j->walked
                           : activity_rows(j->w->activity, ACTIVITY_ADDRESSES, j->w->family,
                                           join_address, j, j->err);
    census_walk_close(j->walk);
    end_batch(j);
    return rc;
}

static int read_bots(struct join *j)
{
    j->bots = true;
    list_sources(j);
    j->days = mem_resize(NULL, ADDRSET_DAY_END, sizeof *j->days);
    j->spare = mem_resize(NULL, ADDRSET_DAY_END, sizeof *j->spare);
    int rc = activity_rows(j->w->activity, ACTIVITY_BOTS, j->w->family, join_bot, j, j->err);
    let_go(j, false);
    end_batch(j);
    free(j->sources);
    free(j->source_at);
    free(j->days);
    free(j->spare);
    return rc;
}

/* How many accumulators there are: one a thread, and one where none may be started. */
static unsigned start(struct join *j, struct worker *workers, unsigned n)
{
    const struct estimate_work *w = j->w;
    pthread_mutex_init(&j->queue.lock, NULL);
    pthread_cond_init(&j->queue.filled, NULL);
    pthread_cond_init(&j->queue.emptied, NULL);
    j->queue.full_end = &j->queue.full;
    for (unsigned i = 0; i < n * QUEUE_A_WORKER; i++) {
        struct batch *b = mem_zeroed(1, sizeof *b);
        b->next = j->queue.empty;
        j->queue.empty = b;
    }
    for (unsigned i = 0; i < n; i++) {
        workers[i].queue = &j->queue;
        workers[i].hosts = hosts_begin(w->first, w->last, w->ases.n, w->countries.n);
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0)
            continue;
        if (i > 0) {
            hosts_free(workers[i].hosts);
            return i;
        }
        j->queue.alone = &workers[0];
        return 1;
    }
    return n;
}

/* All accumulators become one. */
static void finish(struct join *j, struct worker *workers, unsigned n)
{
    pthread_mutex_lock(&j->queue.lock);
    j->queue.over = true;
    pthread_cond_broadcast(&j->queue.filled);
    pthread_mutex_unlock(&j->queue.lock);
    for (unsigned i = 0; i < n && !j->queue.alone; i++)
        pthread_join(workers[i].thread, NULL);
    for (unsigned i = 1; i < n; i++) {
        hosts_merge(workers[0].hosts, workers[i].hosts);
        hosts_free(workers[i].hosts);
    }
    j->w->hosts = workers[0].hosts;
    while (j->queue.empty) {
        struct batch *b = j->queue.empty;
        j->queue.empty = b->next;
        batch_free(b);
    }
    pthread_mutex_destroy(&j->queue.lock);
    pthread_cond_destroy(&j->queue.filled);
    pthread_cond_destroy(&j->queue.emptied);
}

int estimate_join(struct estimate_work *w, struct err *err)
{
    struct worker workers[WORKERS_MAX] = {0};
    unsigned n = w->threads < WORKERS_MAX ? w->threads : WORKERS_MAX;
    struct join j = {.w = w, .err = err, .out = {w->options->excluded, w->options->n_excluded, 0}};
    n = start(&j, workers, n);
    int rc = read_addresses(&j);
    if (rc == 0)
        rc = read_bots(&j);
    finish(&j, workers, n);
    return rc;
}
