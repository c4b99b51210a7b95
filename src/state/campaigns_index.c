#include "state/campaigns_impl.h"

#include <sys/mman.h>

#include "base/mem.h"

#define TAG_MASK   0xffffu
#define LINE_BYTES (INDEX_WAYS * 4)
#define IDMAP_MIN  64
#define MIX_A      0x9e3779b97f4a7c15u /* 2^64 / golden ratio */
#define MIX_B      0xd6e8feb86659fd93u /* an odd number with well mixed bits */

static inline uint64_t mix(uint64_t v)
{
    v = (v ^ v >> 32) * MIX_B;
    v = (v ^ v >> 32) * MIX_B;
    return v ^ v >> 32;
}

uint64_t band_key(const struct sketch *s, unsigned band)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < BAND_ROWS; i++)
        v = v << 16 | s->bin[band * BAND_ROWS + i];
    return mix(v + (band + 1) * MIX_A);
}

uint64_t sign_key(enum sign kind, uint64_t value)
{
    return mix(value ^ (kind + 0x100) * MIX_A);
}

void *pages_new(size_t n, size_t size)
{
    void *p = mmap(NULL, n * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        abort();
    madvise(p, n * size, MADV_HUGEPAGE); /* a hint: it does without */
    return p;
}

void pages_free(void *p, size_t n, size_t size)
{
    if (p)
        munmap(p, n * size);
}

void index_init(struct index *x, size_t entries)
{
    x->lines = 1;
    while (x->lines * INDEX_WAYS < entries)
        x->lines *= 2;
    x->line = pages_new(x->lines, LINE_BYTES);
}

void index_free(struct index *x)
{
    pages_free(x->line, x->lines, LINE_BYTES);
    *x = (struct index){0};
}

static inline uint32_t *line_of(const struct index *x, uint64_t key)
{
    return x->line + (key & (x->lines - 1)) * INDEX_WAYS;
}

static inline uint32_t tag_of(uint64_t key)
{
    uint32_t tag = (uint32_t)(key >> 48);
    return tag ? tag : 1;
}

bool index_put(struct index *x, uint64_t key, uint16_t slot)
{
    uint32_t *line = line_of(x, key), tag = tag_of(key);
    unsigned same = 0, n = 0;
    for (; n < INDEX_WAYS && line[n]; n++)
        same += line[n] >> 16 == tag;
    if (n == INDEX_WAYS || same >= INDEX_SAME)
        return false;
    line[n] = tag << 16 | slot;
    return true;
}

void index_drop(struct index *x, uint64_t key, uint16_t slot)
{
    uint32_t *line = line_of(x, key), entry = tag_of(key) << 16 | slot;
    unsigned n = 0, at = INDEX_WAYS;
    for (; n < INDEX_WAYS && line[n]; n++)
        if (line[n] == entry)
            at = n;
    if (at == INDEX_WAYS)
        return;
    line[at] = line[n - 1];
    line[n - 1] = 0;
}

unsigned index_get(const struct index *x, uint64_t key, uint16_t out[INDEX_SAME], bool *common)
{
    const uint32_t *line = line_of(x, key);
    uint32_t tag = tag_of(key), any = 0;
    *common = false;
    for (unsigned i = 0; i < INDEX_WAYS; i++) /* most have none: this is a few vector steps */
        any |= line[i] >> 16 == tag;
    if (!any)
        return 0;
    unsigned n = 0;
    for (unsigned i = 0; i < INDEX_WAYS && n < INDEX_SAME; i++)
        if (line[i] >> 16 == tag)
            out[n++] = (uint16_t)(line[i] & TAG_MASK);
    *common = n == INDEX_SAME || (n >= INDEX_SAME / 2 && line[INDEX_WAYS - 1]);
    return n;
}

void idmap_free(struct idmap *m)
{
    free(m->v);
    *m = (struct idmap){0};
}

static size_t idmap_find(const struct idmap *m, uint64_t id)
{
    size_t at = mix(id) & (m->size - 1);
    while (m->v[at].value1 && m->v[at].id != id)
        at = (at + 1) & (m->size - 1);
    return at;
}

static void idmap_grow(struct idmap *m)
{
    struct idmap old = *m;
    m->size = old.size ? old.size * 2 : IDMAP_MIN;
    m->v = mem_zeroed(m->size, sizeof *m->v);
    for (size_t i = 0; i < old.size; i++)
        if (old.v[i].value1)
            m->v[idmap_find(m, old.v[i].id)] = old.v[i];
    free(old.v);
}

void idmap_set(struct idmap *m, uint64_t id, uint32_t value)
{
    if (m->n * 2 >= m->size)
        idmap_grow(m);
    size_t at = idmap_find(m, id);
    m->n += m->v[at].value1 == 0;
    m->v[at].id = id;
    m->v[at].value1 = value + 1;
}

bool idmap_get(const struct idmap *m, uint64_t id, uint32_t *value)
{
    if (m->n == 0)
        return false;
    size_t at = idmap_find(m, id);
    *value = m->v[at].value1 - 1;
    return m->v[at].value1 != 0;
}

/* Those behind it in the same run move up, so that no search ends early. */
void idmap_drop(struct idmap *m, uint64_t id)
{
    if (m->n == 0)
        return;
    size_t hole = idmap_find(m, id), mask = m->size - 1;
    if (!m->v[hole].value1)
        return;
    for (size_t at = (hole + 1) & mask; m->v[at].value1; at = (at + 1) & mask) {
        size_t home = mix(m->v[at].id) & mask;
        if (((at - home) & mask) >= ((at - hole) & mask)) {
            m->v[hole] = m->v[at];
            hole = at;
        }
    }
    m->v[hole].value1 = 0;
    m->n--;
}
