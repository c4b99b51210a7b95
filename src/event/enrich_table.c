#include "event/enrich_table.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/mem.h"

void enrich_data_free(struct enrich_data *d)
{
    free(d->v4.v);
    free(d->v6.v);
    free(d->as);
    buf_free(&d->text);
    *d = (struct enrich_data){0};
}

static bool value_eq(const struct enrich_value *a, const struct enrich_value *b)
{
    return a->asn == b->asn && a->bits == b->bits && memcmp(a->country, b->country, 2) == 0;
}

void enrich_steps_add(struct enrich_steps *s, uint64_t hi, uint64_t lo,
                      const struct enrich_value *value)
{
    /* Two networks of one length and value side by side need no step between them: the network is
     * found by cutting the address itself. */
    if (s->n && value_eq(&s->v[s->n - 1].value, value))
        return;
    s->v = mem_room(s->v, s->n, &s->cap, sizeof *s->v);
    s->v[s->n++] = (struct enrich_step){hi, lo, *value};
}

void enrich_data_as(struct enrich_data *d, uint32_t asn, struct span name)
{
    if (name.n > ENRICH_TEXT_MAX - d->text.n)
        name.n = 0;
    d->as = mem_room(d->as, d->n_as, &d->cap_as, sizeof *d->as);
    d->as[d->n_as] =
        (struct enrich_as){asn, (uint32_t)d->n_as, (uint32_t)d->text.n, (uint32_t)name.n};
    d->n_as++;
    buf_span(&d->text, name);
}

static bool step_before(const struct enrich_step *a, const struct enrich_step *b)
{
    return a->hi != b->hi ? a->hi < b->hi : a->lo < b->lo;
}

static void merge_steps(const struct enrich_steps *asn, const struct enrich_steps *country,
                        struct enrich_steps *out)
{
    struct enrich_value value = {.bits = ENRICH_NO_NET};
    size_t i = 0, k = 0;
    while (i < asn->n || k < country->n) {
        bool from_asn = k == country->n || (i < asn->n && !step_before(&country->v[k], &asn->v[i]));
        bool from_country =
            i == asn->n || (k < country->n && !step_before(&asn->v[i], &country->v[k]));
        const struct enrich_step *at = from_asn ? &asn->v[i] : &country->v[k];
        if (from_asn) {
            value.asn = asn->v[i].value.asn;
            value.bits = asn->v[i++].value.bits;
        }
        if (from_country)
            memcpy(value.country, country->v[k++].value.country, 2);
        enrich_steps_add(out, at->hi, at->lo, &value);
    }
    if (out->n == 0)
        enrich_steps_add(out, 0, 0, &value);
}

void enrich_merge(struct enrich_data *asn, struct enrich_data *country, struct enrich_data *out)
{
    merge_steps(&asn->v4, &country->v4, &out->v4);
    merge_steps(&asn->v6, &country->v6, &out->v6);
    out->as = asn->as;
    out->n_as = asn->n_as;
    out->cap_as = asn->cap_as;
    out->text = asn->text;
    asn->as = NULL;
    asn->n_as = asn->cap_as = 0;
    asn->text = (struct buf){0};
}

/* AS names by number, without doubles; entry 0 is "unknown". */
struct as_index {
    struct enrich_as *v;
    size_t n;
};

static int as_cmp(const void *x, const void *y)
{
    const struct enrich_as *a = x, *b = y;
    if (a->asn != b->asn)
        return a->asn < b->asn ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static uint32_t as_find(const struct as_index *ix, uint32_t asn)
{
    size_t lo = 0, hi = ix->n; /* the last entry whose number is not above asn */
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (ix->v[mid].asn <= asn)
            lo = mid;
        else
            hi = mid;
    }
    return ix->v[lo].asn == asn ? (uint32_t)lo : UINT32_MAX;
}

static void as_unique(struct as_index *ix)
{
    size_t n = 1;
    for (size_t i = 1; i < ix->n; i++) {
        if (ix->v[i].asn == ix->v[n - 1].asn)
            ix->v[n - 1] = ix->v[i];
        else
            ix->v[n++] = ix->v[i];
    }
    ix->n = n;
}

/* Sorts the names, and adds a nameless entry for each number that only networks mention. */
static struct as_index as_build(struct enrich_data *d)
{
    enrich_data_as(d, 0, span_of(NULL, 0)); /* number 0 always means unknown, nameless */
    qsort(d->as, d->n_as, sizeof *d->as, as_cmp);
    struct as_index ix = {d->as, d->n_as};
    as_unique(&ix);
    size_t known = ix.n;
    d->n_as = known;
    const struct enrich_steps *lists[] = {&d->v4, &d->v6};
    for (int f = 0; f < 2; f++)
        for (size_t i = 0; i < lists[f]->n; i++) {
            struct as_index named = {d->as, known};
            uint32_t asn = lists[f]->v[i].value.asn;
            if (as_find(&named, asn) == UINT32_MAX)
                enrich_data_as(d, asn, span_of(NULL, 0));
        }
    qsort(d->as, d->n_as, sizeof *d->as, as_cmp);
    ix = (struct as_index){d->as, d->n_as};
    as_unique(&ix);
    d->n_as = ix.n;
    return ix;
}

static struct enrich_rec rec_of(const struct as_index *ix, const struct enrich_value *v)
{
    struct enrich_rec r = {.as = as_find(ix, v->asn), .bits = v->bits};
    memcpy(r.country, v->country, 2);
    return r;
}

/* Every bucket begins with an entry of its own, so that 16 bits are enough for the rest. */
static size_t v4_entries(const struct enrich_steps *s)
{
    size_t n = ENRICH_V4_BUCKETS;
    for (size_t i = 0; i < s->n; i++)
        n += (s->v[i].lo & 0xffff) != 0;
    return n;
}

static void pack_v4(const struct enrich_steps *s, const struct as_index *ix, uint32_t *bucket,
                    uint16_t *low, struct enrich_rec *rec)
{
    size_t i = 0, n = 0;
    struct enrich_rec now = rec_of(ix, &s->v[0].value);
    for (uint32_t b = 0; b < ENRICH_V4_BUCKETS; b++) {
        bucket[b] = (uint32_t)n;
        if (i < s->n && s->v[i].lo == (uint64_t)b << 16)
            now = rec_of(ix, &s->v[i++].value);
        low[n] = 0;
        rec[n++] = now;
        for (; i < s->n && s->v[i].lo >> 16 == b; i++, n++) {
            now = rec_of(ix, &s->v[i].value);
            low[n] = (uint16_t)s->v[i].lo;
            rec[n] = now;
        }
    }
    bucket[ENRICH_V4_BUCKETS] = (uint32_t)n;
}

static void v6_sizes(const struct enrich_steps *s, uint64_t *n_key, uint64_t *n_deep)
{
    *n_key = *n_deep = 0;
    for (size_t i = 0, k; i < s->n; i = k) {
        bool deep = s->v[i].lo != 0;
        for (k = i + 1; k < s->n && s->v[k].hi == s->v[i].hi; k++)
            deep = true;
        ++*n_key;
        if (deep)
            *n_deep += 1 + k - i + (s->v[i].lo != 0);
    }
}

struct v6_packer {
    const struct enrich_steps *s;
    const struct as_index *ix;
    uint64_t *key;
    struct enrich_rec *rec;
    struct enrich_deep *deep;
    size_t n, at, n_deep; /* keys in all; next step; deep entries so far */
};

/* One key's record; steps with the same high half go into a group of their own. */
static struct enrich_rec v6_next(struct v6_packer *p)
{
    const struct enrich_step *v = p->s->v;
    size_t i = p->at++, n = p->s->n;
    while (p->at < n && v[p->at].hi == v[i].hi)
        p->at++;
    if (p->at == i + 1 && v[i].lo == 0)
        return rec_of(p->ix, &v[i].value);
    struct enrich_rec group = {.as = (uint32_t)p->n_deep++, .deep = 1};
    if (v[i].lo != 0) /* the step before reaches into this high half */
        p->deep[p->n_deep++] = (struct enrich_deep){0, rec_of(p->ix, &v[i - 1].value)};
    for (; i < p->at; i++)
        p->deep[p->n_deep++] = (struct enrich_deep){v[i].lo, rec_of(p->ix, &v[i].value)};
    p->deep[group.as].lo = p->n_deep - group.as - 1;
    return group;
}

/* Eytzinger order: the tree of a binary search, breadth first. In-order = ascending. */
static void v6_fill(struct v6_packer *p, size_t k)
{
    if (k > p->n)
        return;
    v6_fill(p, 2 * k);
    p->key[k] = p->s->v[p->at].hi;
    p->rec[k] = v6_next(p);
    v6_fill(p, 2 * k + 1);
}

static void pack_as(const struct as_index *ix, const struct enrich_data *d,
                    struct enrich_as_rec *out, uint8_t *text)
{
    uint32_t at = 0;
    for (size_t i = 0; i < ix->n; i++) {
        out[i] = (struct enrich_as_rec){ix->v[i].asn, at};
        if (ix->v[i].name_n)
            memcpy(text + at, d->text.p + ix->v[i].name, ix->v[i].name_n);
        at += ix->v[i].name_n;
    }
    out[ix->n] = (struct enrich_as_rec){UINT32_MAX, at};
}

static uint64_t place(uint64_t *at, uint64_t n, uint64_t size)
{
    uint64_t here = (*at + ENRICH_ALIGN - 1) / ENRICH_ALIGN * ENRICH_ALIGN;
    *at = here + n * size;
    return here;
}

/* Fills in where each section lies; the counts are given. */
static void layout(struct enrich_head *h)
{
    uint64_t at = sizeof *h;
    h->v4_bucket = place(&at, ENRICH_V4_BUCKETS + 1, sizeof(uint32_t));
    h->v4_low = place(&at, h->n_v4, sizeof(uint16_t));
    h->v4_rec = place(&at, h->n_v4, sizeof(struct enrich_rec));
    h->v6_key = place(&at, h->n_v6 + 1, sizeof(uint64_t));
    h->v6_rec = place(&at, h->n_v6 + 1, sizeof(struct enrich_rec));
    h->deep = place(&at, h->n_deep, sizeof(struct enrich_deep));
    h->as = place(&at, h->n_as + 1, sizeof(struct enrich_as_rec));
    h->text = place(&at, h->n_text, 1);
    h->size = at;
}

int enrich_pack(struct enrich_data *d, const struct enrich_info *info,
                const uint8_t key[SHA256_LEN], struct enrich_head **out, struct err *err)
{
    struct as_index ix = as_build(d);
    struct enrich_head head = {.magic = ENRICH_MAGIC, .version = ENRICH_VERSION, .info = *info};
    memcpy(head.key, key, SHA256_LEN);
    head.n_v4 = v4_entries(&d->v4);
    v6_sizes(&d->v6, &head.n_v6, &head.n_deep);
    head.n_as = ix.n;
    for (size_t i = 0; i < ix.n; i++)
        head.n_text += ix.v[i].name_n;
    layout(&head);
    uint8_t *block =
        mmap(NULL, head.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED)
        return err_errno(err, "enrichment table of %llu bytes", (unsigned long long)head.size);
    madvise(block, head.size, MADV_HUGEPAGE);
    pack_v4(&d->v4, &ix, (uint32_t *)(block + head.v4_bucket), (uint16_t *)(block + head.v4_low),
            (struct enrich_rec *)(block + head.v4_rec));
    struct v6_packer p = {.s = &d->v6,
                          .ix = &ix,
                          .n = head.n_v6,
                          .key = (uint64_t *)(block + head.v6_key),
                          .rec = (struct enrich_rec *)(block + head.v6_rec),
                          .deep = (struct enrich_deep *)(block + head.deep)};
    v6_fill(&p, 1);
    pack_as(&ix, d, (struct enrich_as_rec *)(block + head.as), block + head.text);
    head.body_crc = crc32c(0, block + sizeof head, head.size - sizeof head);
    head.head_crc = crc32c(0, &head, sizeof head);
    memcpy(block, &head, sizeof head);
    *out = (struct enrich_head *)block;
    return 0;
}

static bool indexes_valid(const struct enrich_head *h)
{
    const uint8_t *block = (const uint8_t *)h;
    const uint32_t *bucket = (const uint32_t *)(block + h->v4_bucket);
    const struct enrich_as_rec *as = (const struct enrich_as_rec *)(block + h->as);
    if (bucket[0] != 0 || bucket[ENRICH_V4_BUCKETS] != h->n_v4 || as[h->n_as].name != h->n_text)
        return false;
    for (size_t i = 0; i < ENRICH_V4_BUCKETS; i++)
        if (bucket[i] >= bucket[i + 1])
            return false;
    for (size_t i = 0; i < h->n_as; i++)
        if (as[i].name > as[i + 1].name)
            return false;
    return true;
}

bool enrich_head_valid(const struct enrich_head *h, size_t n)
{
    if (n < sizeof *h || h->magic != ENRICH_MAGIC || h->version != ENRICH_VERSION || h->size != n)
        return false;
    struct enrich_head copy = *h;
    copy.head_crc = 0;
    if (crc32c(0, &copy, sizeof copy) != h->head_crc)
        return false;
    if (h->n_v4 > n || h->n_v6 > n || h->n_deep > n || h->n_as > n || h->n_text > n ||
        h->n_v4 < ENRICH_V4_BUCKETS || h->n_v6 < 1 || h->n_as < 1)
        return false;
    layout(&copy);
    if (copy.size != n || copy.text != h->text || copy.v4_bucket != h->v4_bucket ||
        copy.v4_low != h->v4_low || copy.v4_rec != h->v4_rec || copy.v6_key != h->v6_key ||
        copy.v6_rec != h->v6_rec || copy.deep != h->deep || copy.as != h->as)
        return false;
    return crc32c(0, (const uint8_t *)h + sizeof *h, n - sizeof *h) == h->body_crc &&
           indexes_valid(h);
}
