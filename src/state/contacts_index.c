#include "state/contacts_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#define MAGIC   "ebb contacts\r\n\0\0"
#define VERSION 1
#define ORDER   0x01020304u /* of bytes: the arrays are used as they lie in the file */
#define ALIGN   8

/* The parts of the file, in this order. */
enum {
    PART_NETWORKS = 0, /* of three maps: top, IPv4, IPv6 */
    PART_AS = 9,
    PART_COUNTRY = 11,
    PART_NAMED = 13,
    PART_HEAP,
    PARTS,
};
#define PARTS_OF_MAP 3

struct head {
    char magic[16];
    uint32_t version, order;
    struct {
        uint64_t at, bytes;
    } part[PARTS];
};

/* ---- reading ---- */

static const void *part_of(struct span bytes, const struct head *h, unsigned part, size_t item,
                           size_t *n)
{
    *n = h->part[part].bytes / item;
    return *n ? bytes.p + h->part[part].at : NULL;
}

static bool set_map(struct netmap *m, struct span bytes, const struct head *h, unsigned part)
{
    size_t top, n4, n6;
    m->v4.top = part_of(bytes, h, part, sizeof *m->v4.top, &top);
    m->v4.v4 = part_of(bytes, h, part + 1, sizeof *m->v4.v4, &n4);
    m->v6.v6 = part_of(bytes, h, part + 2, sizeof *m->v6.v6, &n6);
    int bits = netmap_top_bits(top);
    m->v4.top_bits = bits > 0 ? (unsigned)bits : 0;
    m->v4.n = (uint32_t)n4;
    m->v6.n = (uint32_t)n6;
    return n4 < UINT32_MAX && n6 < UINT32_MAX && (!top || bits > 0);
}

static bool head_ok(struct span bytes, const struct head *h)
{
    if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0 || h->version != VERSION || h->order != ORDER)
        return false;
    for (unsigned i = 0; i < PARTS; i++)
        if (h->part[i].at % ALIGN || h->part[i].at > bytes.n ||
            h->part[i].bytes > bytes.n - h->part[i].at)
            return false;
    return true;
}

bool contacts_index_parse(struct contacts_index *x, struct span bytes, uint32_t tables)
{
    struct head h;
    (void)tables;
    if (bytes.n < sizeof h)
        return false;
    memcpy(&h, bytes.p, sizeof h);
    if (!head_ok(bytes, &h))
        return false;
    for (unsigned i = 0; i < 3; i++)
        if (!set_map(&x->networks[i], bytes, &h, PART_NETWORKS + i * PARTS_OF_MAP))
            return false;
    for (unsigned i = 0; i < 2; i++) {
        x->as[i] = part_of(bytes, &h, PART_AS + i, sizeof *x->as[i], &x->n_as[i]);
        x->country[i] =
            part_of(bytes, &h, PART_COUNTRY + i, sizeof *x->country[i], &x->n_country[i]);
    }
    x->named = part_of(bytes, &h, PART_NAMED, sizeof *x->named, &x->n_named);
    x->heap = part_of(bytes, &h, PART_HEAP, 1, &x->n_heap);
    return x->n_named < NETMAP_NONE;
}

static int map_file(struct contacts_index *x, const char *path, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", path);
    int rc = fstat(fd, &st) < 0 ? err_errno(err, "%s", path) : 1;
    if (rc == 1 && (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(struct head)))
        rc = err_set(err, -EBADMSG, "%s: too short", path);
    if (rc == 1) {
        void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
            rc = err_errno(err, "%s", path);
        else
            x->map = map;
        x->map_size = (size_t)st.st_size;
    }
    close(fd);
    return rc;
}

int contacts_index_load(struct contacts_index *x, const char *path, uint64_t checksum,
                        uint32_t tables, struct err *err)
{
    *x = (struct contacts_index){0};
    int rc = map_file(x, path, err);
    if (rc <= 0)
        return rc;
    /* the checksum stands in the small file: what does not have it is damaged, or of another time
     */
    madvise(x->map, x->map_size, MADV_WILLNEED);
    x->checksum = XXH3_64bits(x->map, x->map_size);
    if (x->checksum != checksum || !contacts_index_parse(x, span_of(x->map, x->map_size), tables)) {
        contacts_index_free(x);
        return err_set(err, -EBADMSG, "%s: checksum does not hold", path);
    }
    x->whole = true;
    return 1;
}

void contacts_index_free(struct contacts_index *x)
{
    if (x->map)
        munmap(x->map, x->map_size);
    buf_free(&x->owned);
    *x = (struct contacts_index){0};
}

uint32_t contacts_index_key(const struct contacts_key *v, size_t n, uint32_t key)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && v[low].key == key ? v[low].value : NETMAP_NONE;
}

int contacts_index_write(const struct contacts_index *x, const char *path, struct err *err)
{
    return file_replace(path, buf_as_span(&x->owned), 0600, err);
}

/* ---- building ---- */

struct build {
    struct netmap_builder *networks[3];
    struct contacts_key *as[2], *country[2];
    size_t n_as[2], cap_as[2], n_country[2], cap_country[2];
    struct contact_texts texts;
    const struct netmap *delegated; /* which registry a network is with; NULL: not known */
    const struct contacts_table *table;
    uint32_t number; /* of the table */
    enum contacts_level level;
};

static void put_key(struct contacts_key **v, size_t *n, size_t *cap, uint32_t key, uint32_t value)
{
    *v = mem_room(*v, *n, cap, sizeof **v);
    (*v)[(*n)++] = (struct contacts_key){key, value};
}

/* Where two registries have the same network, the one that it was delegated by knows more. */
static uint8_t rank_of(const struct build *b, const struct net *network)
{
    struct net found;
    uint32_t value = b->delegated ? netmap_find(b->delegated, &network->ip, &found) : NETMAP_NONE;
    if (value == NETMAP_NONE)
        return 1;
    struct span registry = contact_text_name(&b->texts.v[value], b->texts.heap.p);
    return span_eq(registry, buf_as_span(&b->table->source)) ? 2 : 0;
}

static int take_row(void *ctx, const struct contact_row *row)
{
    struct build *b = ctx;
    char key[16];
    struct span handle = row->handle, name = row->name;
    if (contact_texts_full(&b->texts))
        return -E2BIG;
    if (b->level == LEVEL_DELEGATED) {
        handle = span_of(row->country, row->country[0] ? 2 : 0);
        name = row->registry;
    } else if (!handle.n && row->match == CONTACT_AS) {
        handle = span_of(key, (size_t)snprintf(key, sizeof key, "AS%" PRIu32, row->asn));
    } else if (!handle.n && row->match == CONTACT_COUNTRY) {
        handle = span_of(row->country, 2);
    }
    uint32_t value = contact_texts_number(&b->texts, b->number, row->mail, handle, name);
    unsigned second = b->level != LEVEL_OPERATOR;
    if (row->match == CONTACT_NETWORK && b->level != LEVEL_CERT)
        netmap_add(b->networks[b->level], &row->network, value,
                   b->level == LEVEL_REGISTRY ? rank_of(b, &row->network) : 1);
    else if (row->match == CONTACT_AS && b->level <= LEVEL_REGISTRY)
        put_key(&b->as[second], &b->n_as[second], &b->cap_as[second], row->asn, value);
    else if (row->match == CONTACT_COUNTRY && b->level != LEVEL_REGISTRY)
        put_key(&b->country[second], &b->n_country[second], &b->cap_country[second],
                (uint32_t)((uint8_t)row->country[0] << 8 | (uint8_t)row->country[1]), value);
    return 0;
}

static int read_table(struct build *b, const struct contacts_blobs *blobs, struct err *err)
{
    struct buf text = {0};
    struct contact_table *t = mem_zeroed(1, sizeof *t);
    int rc = blobs->get ? blobs->get(blobs->ctx, b->table->sha256, &text, err)
                        : err_set(err, -ENOENT, "no blobs");
    t->row = take_row;
    t->ctx = b;
    if (rc == 0 && (rc = contact_table_text(t, buf_as_span(&text))) < 0)
        err_set(err, rc, "too many rows");
    free(t);
    buf_free(&text);
    return rc;
}

/* Tables of one level; the delegations come first, because registries' rows are ranked by them. */
static void read_level(struct build *b, enum contacts_level level, struct contacts_index *x,
                       const struct contacts_table *tables, size_t n,
                       const struct contacts_blobs *blobs)
{
    b->level = level;
    for (size_t i = 0; i < n; i++) {
        struct err err = {0};
        if (contacts_level_of(&tables[i]) != level)
            continue;
        b->table = &tables[i];
        b->number = (uint32_t)i;
        if (read_table(b, blobs, &err) < 0) {
            x->whole = false;
            log_line(LOG_WARN, "contacts of a source could not be read",
                     "source=%.*s entry=%" PRIu64 " why=\"%s\"", (int)tables[i].source.n,
                     (const char *)tables[i].source.p, tables[i].entry, err.text);
        }
    }
}

static int cmp_key(const void *x, const void *y)
{
    const struct contacts_key *a = x, *b = y;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->value > b->value) - (a->value < b->value);
}

/* One for each key: of the lowest value, which came first. */
static size_t sort_keys(struct contacts_key *v, size_t n)
{
    size_t kept = 0;
    if (n)
        qsort(v, n, sizeof *v, cmp_key);
    for (size_t i = 0; i < n; i++)
        if (!i || v[i].key != v[i - 1].key)
            v[kept++] = v[i];
    return kept;
}

static void put_part(struct buf *out, struct head *h, unsigned part, const void *p, size_t bytes)
{
    while (out->n % ALIGN)
        buf_byte(out, 0);
    h->part[part].at = out->n;
    h->part[part].bytes = bytes;
    buf_put(out, p, bytes);
}

static void put_map(struct buf *out, struct head *h, unsigned part, const struct netmap *m)
{
    size_t top = m->v4.top ? ((size_t)1 << m->v4.top_bits) + 1 : 0;
    put_part(out, h, part, m->v4.top, top * sizeof *m->v4.top);
    put_part(out, h, part + 1, m->v4.v4, m->v4.n * sizeof *m->v4.v4);
    put_part(out, h, part + 2, m->v6.v6, m->v6.n * sizeof *m->v6.v6);
}

static void assemble(struct build *b, struct contacts_index *x, const struct netmap *delegated)
{
    struct head h = {.version = VERSION, .order = ORDER};
    struct buf *out = &x->owned;
    memcpy(h.magic, MAGIC, sizeof h.magic);
    buf_put(out, &h, sizeof h);
    for (unsigned i = 0; i < 3; i++) {
        struct netmap m = *delegated;
        if (i != LEVEL_DELEGATED)
            netmap_finish(b->networks[i], &m);
        put_map(out, &h, PART_NETWORKS + i * PARTS_OF_MAP, &m);
        netmap_build_free(b->networks[i]);
        b->networks[i] = NULL;
    }
    for (unsigned i = 0; i < 2; i++) {
        size_t n_as = sort_keys(b->as[i], b->n_as[i]);
        size_t n_country = sort_keys(b->country[i], b->n_country[i]);
        put_part(out, &h, PART_AS + i, b->as[i], n_as * sizeof *b->as[i]);
        put_part(out, &h, PART_COUNTRY + i, b->country[i], n_country * sizeof *b->country[i]);
    }
    put_part(out, &h, PART_NAMED, b->texts.v, b->texts.n * sizeof *b->texts.v);
    put_part(out, &h, PART_HEAP, b->texts.heap.p, b->texts.heap.n);
    memcpy(out->p, &h, sizeof h);
}

void contacts_index_build(struct contacts_index *x, const struct contacts_table *tables, size_t n,
                          const struct contacts_blobs *blobs)
{
    struct build b = {0};
    struct netmap delegated = {0};
    contacts_index_free(x);
    x->whole = true;
    for (unsigned i = 0; i < 3; i++)
        b.networks[i] = netmap_build();
    read_level(&b, LEVEL_DELEGATED, x, tables, n, blobs);
    netmap_finish(b.networks[LEVEL_DELEGATED], &delegated);
    b.delegated = delegated.v4.n || delegated.v6.n ? &delegated : NULL;
    read_level(&b, LEVEL_OPERATOR, x, tables, n, blobs);
    read_level(&b, LEVEL_REGISTRY, x, tables, n, blobs);
    read_level(&b, LEVEL_CERT, x, tables, n, blobs);
    assemble(&b, x, &delegated);
    x->checksum = XXH3_64bits(x->owned.p, x->owned.n);
    contacts_index_parse(x, buf_as_span(&x->owned), (uint32_t)n);
    for (unsigned i = 0; i < 2; i++) {
        free(b.as[i]);
        free(b.country[i]);
    }
    contact_texts_free(&b.texts);
}
