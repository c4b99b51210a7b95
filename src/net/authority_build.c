#include "net/authority.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/authority_layout.h"
#include "net/policy.h"

#define POLICIES_MAX 65536
#define TIMES_RECENT 1024
#define FEW_RECORDS  16 /* of a bucket, for which a simple sort is the fastest */

/* Texts that are said once: families and policies come with every asset. */
struct words {
    struct authority_text *v; /* open addressing; n is 0 where nothing is */
    size_t n, cap;            /* cap is a power of two */
};

struct authority_builder {
    uint64_t seed, assets;
    struct authority_record *record;
    uint32_t *high; /* of each record's hash */
    size_t n, cap;
    struct authority_group *group;
    size_t groups, groups_cap;
    struct authority_order_record *order;
    size_t orders, orders_cap;
    struct authority_text *policy;
    size_t policies, policies_cap;
    struct authority_times *times;
    size_t n_times, times_cap;
    struct authority_times recent[TIMES_RECENT];
    struct words words;
    struct buf texts;
    uint64_t labels[2], lengths[3];
};

struct authority_builder *authority_builder_new(void)
{
    struct authority_builder *b = calloc(1, sizeof *b);
    /* Names come from generators that others wrote: they shall not know which ones collide. */
    if (!b || getrandom(&b->seed, sizeof b->seed, 0) != (ssize_t)sizeof b->seed)
        abort();
    b->policy = mem_room(b->policy, 0, &b->policies_cap, sizeof *b->policy);
    b->policy[b->policies++] = (struct authority_text){0, sizeof POLICY_DEFAULT - 1};
    buf_str(&b->texts, POLICY_DEFAULT);
    return b;
}

void authority_builder_free(struct authority_builder *b)
{
    if (!b)
        return;
    free(b->record);
    free(b->high);
    free(b->group);
    free(b->order);
    free(b->policy);
    free(b->times);
    free(b->words.v);
    buf_free(&b->texts);
    free(b);
}

/* ---- texts ---- */

static struct authority_text add_text(struct authority_builder *b, struct span s)
{
    struct authority_text t = {(uint32_t)b->texts.n, (uint32_t)s.n};
    buf_span(&b->texts, s);
    return t;
}

/* At most AUTHORITY_TEXT_MAX bytes, cut between characters. */
static struct span cut(struct span s)
{
    if (s.n <= AUTHORITY_TEXT_MAX)
        return s;
    s.n = AUTHORITY_TEXT_MAX;
    while (s.n && (s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

static struct span text_of(const struct authority_builder *b, struct authority_text t)
{
    return span_of(b->texts.p + t.at, t.n);
}

static struct authority_text *word_slot(struct authority_builder *b, struct span s)
{
    struct words *w = &b->words;
    size_t i = authority_hash(b->seed, s.p, s.n) & (w->cap - 1);
    while (w->v[i].n && !span_eq(text_of(b, w->v[i]), s))
        i = (i + 1) & (w->cap - 1);
    return &w->v[i];
}

static void words_grow(struct authority_builder *b)
{
    struct words old = b->words;
    b->words.cap = old.cap ? old.cap * 2 : 64;
    b->words.v = calloc(b->words.cap, sizeof *b->words.v);
    if (!b->words.v)
        abort();
    for (size_t i = 0; i < old.cap; i++)
        if (old.v[i].n)
            *word_slot(b, text_of(b, old.v[i])) = old.v[i];
    free(old.v);
}

static struct authority_text add_word(struct authority_builder *b, struct span s)
{
    if (s.n == 0)
        return (struct authority_text){0, 0};
    if (2 * b->words.n >= b->words.cap)
        words_grow(b);
    struct authority_text *slot = word_slot(b, s);
    if (!slot->n) {
        *slot = add_text(b, s);
        b->words.n++;
    }
    return *slot;
}

/* ---- orders, groups, policies ---- */

uint32_t authority_builder_order(struct authority_builder *b, const struct authority_order *order)
{
    const struct span texts[ORDER_TEXTS] = {
        [ORDER_ID] = order->id,         [ORDER_COURT] = order->court,
        [ORDER_DOCKET] = order->docket, [ORDER_JURISDICTION] = order->jurisdiction,
        [ORDER_SCOPE] = order->scope,   [ORDER_CONTACT] = order->contact};
    b->order = mem_room(b->order, b->orders, &b->orders_cap, sizeof *b->order);
    struct authority_order_record *r = &b->order[b->orders];
    *r = (struct authority_order_record){
        .index = order->index, .from = order->from, .until = order->until};
    for (int i = 0; i < ORDER_TEXTS; i++)
        r->text[i] = add_text(b, cut(texts[i]));
    return (uint32_t)b->orders++;
}

static int policy_number(struct authority_builder *b, struct span name, uint32_t *out,
                         struct err *err)
{
    *out = 0;
    if (name.n == 0)
        return 0;
    for (size_t i = 0; i < b->policies; i++) {
        *out = (uint32_t)i;
        if (span_eq(text_of(b, b->policy[i]), name))
            return 0;
    }
    if (b->policies == POLICIES_MAX)
        return err_set(err, -E2BIG, "authority table: more than %d policies", POLICIES_MAX);
    b->policy = mem_room(b->policy, b->policies, &b->policies_cap, sizeof *b->policy);
    *out = (uint32_t)b->policies;
    b->policy[b->policies++] = add_word(b, name);
    return 0;
}

/* Rows of one list come one behind the other, so the last group is looked at, no other. */
static int group_number(struct authority_builder *b, const struct authority_asset *a, uint32_t *out,
                        struct err *err)
{
    struct authority_group *last = b->groups ? &b->group[b->groups - 1] : NULL;
    struct span policy = a->policy.n ? a->policy : span_str(POLICY_DEFAULT);
    *out = (uint32_t)(b->groups - 1);
    if (last && last->index == a->index && last->order == a->order &&
        !!last->identify == a->identify && span_eq(text_of(b, last->family), a->family) &&
        span_eq(text_of(b, b->policy[last->policy]), policy))
        return 0;
    struct authority_group g = {.index = a->index,
                                .order = a->order,
                                .family = add_word(b, a->family),
                                .identify = a->identify};
    int rc = policy_number(b, policy, &g.policy, err);
    if (rc < 0)
        return rc;
    b->group = mem_room(b->group, b->groups, &b->groups_cap, sizeof *b->group);
    *out = (uint32_t)b->groups;
    b->group[b->groups++] = g;
    return 0;
}

/* ---- assets ---- */

static int name_key(struct authority_builder *b, struct span name, struct authority_record *r,
                    uint64_t *hash, struct err *err)
{
    uint8_t at[AUTHORITY_LABELS_MAX], folded[AUTHORITY_NAME_MAX];
    int labels = authority_labels(name, at);
    if (labels <= 0)
        return err_set(err, -EINVAL, "authority table: a name that is none");
    authority_fold(folded, name.p, name.n);
    *hash = authority_name_hash(b->seed, span_of(folded, name.n), at, labels);
    b->labels[labels / 64] |= 1ull << labels % 64;
    r->length = (uint8_t)name.n;
    if (name.n > AUTHORITY_KEY_MAX) {
        struct authority_text t = add_text(b, span_of(folded, name.n));
        memcpy(r->key, &t.at, sizeof t.at);
    } else {
        memcpy(r->key, folded, name.n);
    }
    return 0;
}

static int endpoint_key(struct authority_builder *b, const struct authority_asset *a,
                        struct authority_record *r, uint64_t *hash, struct err *err)
{
    struct authority_endpoint e = authority_port_key(a->port);
    bool port = a->kind == AUTHORITY_PORT;
    unsigned most = ip_is_v4(&a->net.ip) ? 32 : 128;
    if (a->transport > AUTHORITY_UDP || (port ? !a->port : !a->net.set || a->net.bits > most) ||
        (a->kind == AUTHORITY_ADDRESS && a->net.bits != most))
        return err_set(err, -EINVAL, "authority table: an address or port that is none");
    if (!port) {
        e.ip = net_of(&a->net.ip, a->net.bits).ip;
        e.bits = (uint8_t)(a->net.bits + 128 - most);
        b->lengths[e.bits / 64] |= 1ull << e.bits % 64;
    }
    e.transport = (uint8_t)a->transport;
    *hash = authority_hash(b->seed, &e, AUTHORITY_ENDPOINT_HASHED);
    r->length = sizeof e;
    memcpy(r->key, &e, sizeof e);
    return 0;
}

/* Times as they come repeat: only what was not seen lately is kept. */
static void add_times(struct authority_builder *b, int64_t from, int64_t until)
{
    struct authority_times t = {from, until};
    struct authority_times *seen = &b->recent[authority_hash(0, &t, sizeof t) % TIMES_RECENT];
    if (seen->from == from && seen->until == until)
        return;
    *seen = t;
    b->times = mem_room(b->times, b->n_times, &b->times_cap, sizeof *b->times);
    b->times[b->n_times++] = t;
}

static void add_record(struct authority_builder *b, struct authority_record *r, uint64_t hash)
{
    size_t cap = b->cap;
    b->record = mem_room(b->record, b->n, &cap, sizeof *b->record);
    b->high = mem_room(b->high, b->n, &b->cap, sizeof *b->high);
    r->tag = (uint32_t)hash;
    b->high[b->n] = (uint32_t)(hash >> 32);
    b->record[b->n++] = *r;
}

int authority_builder_asset(struct authority_builder *b, const struct authority_asset *a,
                            struct err *err)
{
    struct authority_record r = {.kind = (uint8_t)a->kind};
    bool name = a->kind == AUTHORITY_DOMAIN || a->kind == AUTHORITY_WILDCARD;
    uint64_t hash = 0;
    if (a->order >= b->orders || a->kind > AUTHORITY_PORT)
        return err_set(err, -EINVAL, "authority table: an asset without order or kind");
    if (b->assets == AUTHORITY_ASSETS_MAX || b->texts.n > UINT32_MAX - (1u << 20))
        return err_set(err, -E2BIG, "authority table: more than %u assets", AUTHORITY_ASSETS_MAX);
    int rc = name ? name_key(b, a->name, &r, &hash, err) : endpoint_key(b, a, &r, &hash, err);
    if (rc == 0)
        rc = group_number(b, a, &r.group, err);
    if (rc < 0)
        return rc;
    const struct authority_order_record *order = &b->order[a->order];
    r.from = a->from > order->from ? a->from : order->from;
    r.until = a->until < order->until ? a->until : order->until;
    b->assets++;
    if (r.from >= r.until)
        return 0; /* never in force */
    if (name)
        add_times(b, r.from, r.until);
    add_record(b, &r, hash);
    return 0;
}

/* ---- the table ---- */

static int by_from(const void *x, const void *y)
{
    const struct authority_times *a = x, *b = y;
    return (a->from > b->from) - (a->from < b->from);
}

/* Times that touch become one. */
static void join_times(struct authority_builder *b)
{
    size_t n = 0;
    if (b->n_times)
        qsort(b->times, b->n_times, sizeof *b->times, by_from);
    for (size_t i = 0; i < b->n_times; i++) {
        struct authority_times t = b->times[i];
        if (n == 0 || t.from > b->times[n - 1].until)
            b->times[n++] = t;
        else if (t.until > b->times[n - 1].until)
            b->times[n - 1].until = t.until;
    }
    b->n_times = n;
    memset(b->recent, 0, sizeof b->recent);
}

static struct span key_of(const struct authority_builder *b, const struct authority_record *r)
{
    uint32_t at;
    if (r->kind > AUTHORITY_WILDCARD || r->length <= AUTHORITY_KEY_MAX)
        return span_of(r->key, r->length);
    memcpy(&at, r->key, sizeof at);
    return span_of(b->texts.p + at, r->length);
}

static int by_key(const struct authority_builder *b, const struct authority_record *x,
                  const struct authority_record *y)
{
    if (x->tag != y->tag)
        return x->tag < y->tag ? -1 : 1;
    int c = span_cmp(key_of(b, x), key_of(b, y));
    return c ? c : (int)x->kind - (int)y->kind;
}

/* The order in which look-ups find the winner last. */
static int by_winner(const void *xp, const void *yp, void *builder)
{
    const struct authority_record *x = xp, *y = yp;
    int c = by_key(builder, x, y);
    if (c)
        return c;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->group > y->group) - (x->group < y->group);
}

static void sort_bucket(struct authority_builder *b, struct authority_record *r, size_t n)
{
    if (n > FEW_RECORDS) {
        qsort_r(r, n, sizeof *r, by_winner, b);
        return;
    }
    for (size_t i = 1; i < n; i++) {
        struct authority_record x = r[i];
        size_t k = i;
        for (; k > 0 && by_winner(&r[k - 1], &x, b) > 0; k--)
            r[k] = r[k - 1];
        r[k] = x;
    }
}

/* A name that a list has on one day after the other becomes one record. */
static bool joins(const struct authority_builder *b, struct authority_record *last,
                  const struct authority_record *r)
{
    if (last->group != r->group || by_key(b, last, r) != 0 || r->from > last->until)
        return false;
    if (r->until > last->until)
        last->until = r->until;
    return true;
}

/* Puts the records into their buckets; gives how many are left of them. */
static size_t place(struct authority_builder *b, unsigned bits, uint32_t *start,
                    struct authority_record *out)
{
    size_t buckets = (size_t)1 << bits, kept = 0;
    uint32_t *next = malloc(buckets * sizeof *next);
    if (!next)
        abort();
#define BUCKET(i) authority_bucket((uint64_t)b->high[i] << 32, bits)
    for (size_t i = 0; i < b->n; i++)
        start[BUCKET(i) + 1]++;
    for (size_t i = 0; i < buckets; i++)
        start[i + 1] += start[i];
    memcpy(next, start, buckets * sizeof *next);
    for (size_t i = 0; i < b->n; i++)
        out[next[BUCKET(i)]++] = b->record[i];
#undef BUCKET
    for (size_t i = 0; i < buckets; i++) {
        size_t from = start[i], n = next[i] - from; /* next has come to the bucket's end */
        start[i] = (uint32_t)kept;
        sort_bucket(b, out + from, n);
        for (size_t k = 0; k < n; k++)
            if (k == 0 || !joins(b, &out[kept - 1], &out[from + k]))
                out[kept++] = out[from + k];
    }
    start[buckets] = (uint32_t)kept;
    free(next);
    return kept;
}

static struct authority_section lay(uint64_t *size, uint64_t n, size_t element)
{
    struct authority_section s = {*size, n};
    *size = (*size + n * element + AUTHORITY_ALIGN - 1) / AUTHORITY_ALIGN * AUTHORITY_ALIGN;
    return s;
}

/* The records come last: there may be fewer in the end. */
static struct authority_header lay_out(const struct authority_builder *b)
{
    struct authority_header h = {.seed = b->seed, .assets = b->assets};
    memcpy(h.magic, AUTHORITY_MAGIC, sizeof h.magic);
    memcpy(h.labels, b->labels, sizeof h.labels);
    memcpy(h.lengths, b->lengths, sizeof h.lengths);
    while (h.bucket_bits < AUTHORITY_BUCKETS_LOG && (1ull << h.bucket_bits) < b->n)
        h.bucket_bits++;
    lay(&h.size, 1, sizeof h);
    h.groups = lay(&h.size, b->groups, sizeof *b->group);
    h.orders = lay(&h.size, b->orders, sizeof *b->order);
    h.policies = lay(&h.size, b->policies, sizeof *b->policy);
    h.times = lay(&h.size, b->n_times, sizeof *b->times);
    h.texts = lay(&h.size, b->texts.n, 1);
    h.starts = lay(&h.size, (1ull << h.bucket_bits) + 1, sizeof(uint32_t));
    h.records = lay(&h.size, b->n, sizeof *b->record);
    return h;
}

static void copy(uint8_t *base, struct authority_section s, const void *p, size_t element)
{
    if (s.n)
        memcpy(base + s.at, p, s.n * element);
}

static void write_table(struct authority_builder *b, struct authority_header *h, uint8_t *p)
{
    copy(p, h->groups, b->group, sizeof *b->group);
    copy(p, h->orders, b->order, sizeof *b->order);
    copy(p, h->policies, b->policy, sizeof *b->policy);
    copy(p, h->times, b->times, sizeof *b->times);
    copy(p, h->texts, b->texts.p, 1);
    h->records.n = place(b, (unsigned)h->bucket_bits, (uint32_t *)(void *)(p + h->starts.at),
                         (struct authority_record *)(void *)(p + h->records.at));
    h->size = h->records.at + h->records.n * sizeof *b->record;
    memcpy(p, h, sizeof *h);
}

int authority_builder_finish(struct authority_builder *b, int *out, struct err *err)
{
    join_times(b);
    struct authority_header h = lay_out(b);
    size_t mapped = h.size;
    int fd = memfd_create("authority", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return err_errno(err, "authority table: memfd");
    if (ftruncate(fd, (off_t)mapped) < 0)
        goto failed;
    uint8_t *p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
    if (p == MAP_FAILED)
        goto failed;
    write_table(b, &h, p);
    munmap(p, mapped);
    if (ftruncate(fd, (off_t)h.size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        goto failed;
    *out = fd;
    return 0;
failed:;
    int rc = err_errno(err, "authority table of %zu bytes", mapped);
    close(fd);
    return rc;
}
