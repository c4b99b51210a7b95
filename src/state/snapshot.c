#include "state/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/file.h"
#include "base/mem.h"

#define MAGIC      "ebb census\r\n"
#define MAGIC_LEN  12
#define VERSION    1
#define HEAD_LEN   (MAGIC_LEN + 4)
#define FOOT_LEN   (8 + 8 + SNAPSHOT_CHECKSUM_LEN) /* position, where the dict begins */
#define ATTR_LEN   24
#define PART_LEN   (8 + 8 + 8 + 2 + 2)
#define FLUSH_SIZE (1u << 20)

uint64_t snapshot_checksum(struct span covered)
{
    return XXH3_64bits(covered.p, covered.n);
}

struct writer {
    int fd;
    XXH3_state_t sum;
    struct buf buf;
    uint64_t written; /* bytes that have left buf */
    const struct dict *d;
    const struct run *const *runs;
    size_t nruns;
    const struct addrset **sets;
    uint32_t *attr_number; /* ours to the file's */
};

static int flush(struct writer *w)
{
    XXH3_64bits_update(&w->sum, w->buf.p, w->buf.n);
    int rc = file_write_all(w->fd, w->buf.p, w->buf.n);
    w->written += w->buf.n;
    w->buf.n = 0;
    return rc;
}

static int cmp_part(const void *x, const void *y)
{
    const struct addrset_part *a = x, *b = y;
    return (a->attr > b->attr) - (a->attr < b->attr);
}

/* An address's rows are ordered by the attributions' new numbers. */
static void put_group(struct writer *w, struct addrset_writer *out, struct addrset_group *g)
{
    for (size_t i = 0; i < g->nparts; i++)
        g->parts[i].attr = w->attr_number[g->parts[i].attr];
    if (g->nparts > 1)
        qsort(g->parts, g->nparts, sizeof *g->parts, cmp_part);
    for (size_t i = 0; i < g->nparts; i++) {
        struct addrset_key key = {g->key.hi, g->key.lo, g->parts[i].attr};
        addrset_put(out, &key, g->days + g->parts[i].at, g->parts[i].n);
    }
}

/* One family's IPv4 or IPv6 set, merged from all runs; says in *set what was written. */
static int put_set(struct writer *w, uint32_t family, bool v6, struct addrset *set)
{
    size_t k = 0;
    uint16_t day_min = UINT16_MAX;
    for (size_t i = 0; i < w->nruns; i++) {
        const struct addrset *s = run_find(w->runs[i], family, v6);
        if (!s || !s->rows)
            continue;
        w->sets[k++] = s;
        day_min = s->day_min < day_min ? s->day_min : day_min;
    }
    *set = (struct addrset){.v6 = v6};
    if (k == 0)
        return 0;
    struct addrset_writer out;
    struct addrset_group g;
    int more, rc = 0;
    addrset_begin(&out, &w->buf, v6, day_min);
    addrset_group_init(&g, w->sets, k, (uint32_t)w->d->nattrs);
    while (rc == 0 && (more = addrset_group_next(&g)) != 0) {
        if (more < 0) {
            rc = -EBADMSG;
            break;
        }
        put_group(w, &out, &g);
        if (w->buf.n >= FLUSH_SIZE)
            rc = flush(w);
    }
    addrset_group_free(&g);
    *set = out.set;
    return rc;
}

static void put_attrs(struct writer *w, const uint32_t *order)
{
    buf_be32(&w->buf, (uint32_t)w->d->nattrs);
    for (size_t i = 0; i < w->d->nattrs; i++) {
        const struct dict_attr *a = &w->d->attrs[order[i]];
        buf_put(&w->buf, a->network, 16);
        buf_be32(&w->buf, a->asn);
        buf_put(&w->buf, a->country, 2);
        buf_byte(&w->buf, a->bits);
        buf_byte(&w->buf, a->set);
    }
}

static void put_text(struct buf *b, struct span s)
{
    buf_be32(b, (uint32_t)s.n);
    buf_span(b, s);
}

static void put_names(struct writer *w)
{
    uint32_t *order = dict_as_sorted(w->d);
    buf_be32(&w->buf, (uint32_t)w->d->nas);
    for (size_t i = 0; i < w->d->nas; i++) {
        buf_be32(&w->buf, w->d->as[order[i]].asn);
        put_text(&w->buf, buf_as_span(&w->d->as[order[i]].name));
    }
    free(order);
}

static void put_part(struct buf *b, const struct addrset *set)
{
    buf_be64(b, set->n);
    buf_be64(b, set->rows);
    buf_be64(b, set->sightings);
    buf_be16(b, set->day_min);
    buf_be16(b, set->day_max);
}

static void put_families(struct writer *w, const uint32_t *order, const struct addrset *sets)
{
    buf_be32(&w->buf, (uint32_t)w->d->nfamilies);
    for (size_t i = 0; i < w->d->nfamilies; i++) {
        put_text(&w->buf, dict_family_name(w->d, order[i]));
        put_part(&w->buf, &sets[2 * i]);
        put_part(&w->buf, &sets[2 * i + 1]);
    }
}

static int put_all(struct writer *w, uint64_t position, const uint32_t *families,
                   const uint32_t *attrs)
{
    struct addrset *sets = mem_zeroed(2 * w->d->nfamilies, sizeof *sets);
    buf_put(&w->buf, MAGIC, MAGIC_LEN);
    buf_be32(&w->buf, VERSION);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < 2 * w->d->nfamilies; i++)
        rc = put_set(w, families[i / 2], i & 1, &sets[i]);
    if (rc == 0) {
        uint64_t dict_at = w->written + w->buf.n;
        put_attrs(w, attrs);
        put_names(w);
        put_families(w, families, sets);
        buf_be64(&w->buf, position);
        buf_be64(&w->buf, dict_at);
        rc = flush(w);
    }
    if (rc == 0) {
        buf_be64(&w->buf, XXH3_64bits_digest(&w->sum));
        rc = flush(w);
    }
    free(sets);
    return rc;
}

static int write_to(int fd, uint64_t position, const struct dict *d, const struct run *const *runs,
                    size_t n)
{
    struct writer w = {.fd = fd, .d = d, .runs = runs, .nruns = n};
    uint32_t *families = dict_families_sorted(d), *attrs = dict_attrs_sorted(d);
    XXH3_64bits_reset(&w.sum);
    w.sets = mem_zeroed(n, sizeof *w.sets);
    w.attr_number = mem_resize(NULL, d->nattrs, sizeof *w.attr_number);
    for (size_t i = 0; i < d->nattrs; i++)
        w.attr_number[attrs[i]] = (uint32_t)i;
    int rc = put_all(&w, position, families, attrs);
    free(w.attr_number);
    free(w.sets);
    free(families);
    free(attrs);
    buf_free(&w.buf);
    return rc;
}

/* The folder that a path lies in. */
static int folder_of(const char *path, char dir[FILE_PATH_MAX], struct err *err)
{
    const char *slash = strrchr(path, '/');
    return slash ? file_path(dir, err, "%.*s", (int)(slash - path) + (slash == path), path)
                 : file_path(dir, err, ".");
}

int snapshot_write(const char *path, uint64_t position, const struct dict *d,
                   const struct run *const *runs, size_t n, struct err *err)
{
    char tmp[FILE_PATH_MAX], dir[FILE_PATH_MAX];
    if (file_path(tmp, err, "%s.tmp", path) < 0 || folder_of(path, dir, err) < 0)
        return -ENAMETOOLONG;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", tmp);
    int rc = write_to(fd, position, d, runs, n);
    if (rc == -EBADMSG)
        err_set(err, rc, "census: the snapshot it goes on from is damaged (%s)", path);
    else if (rc < 0)
        err_set(err, rc, "%s: %s", tmp, strerror(-rc));
    else if (fsync(fd) < 0)
        rc = err_errno(err, "%s", tmp);
    close(fd);
    if (rc == 0 && rename(tmp, path) < 0)
        rc = err_errno(err, "%s", path);
    if (rc < 0) {
        unlink(tmp);
        return rc;
    }
    return file_sync_dir(dir, err);
}

static bool get_span(struct cur *c, struct span *out)
{
    uint32_t n;
    return cur_u32(c, &n) && cur_take(c, n, out);
}

static bool attr_ok(const struct dict_attr *a)
{
    if (a->set > 1 || a->bits > 128 || (!a->set && a->bits))
        return false;
    static const uint8_t none[16];
    return a->set || memcmp(a->network, none, 16) == 0;
}

static bool get_attrs(struct cur *c, struct dict *d)
{
    uint32_t n;
    if (!cur_u32(c, &n) || n > cur_left(c) / ATTR_LEN)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct dict_attr a = {.asn = be32_get(c->p + 16), .bits = c->p[22], .set = c->p[23]};
        memcpy(a.network, c->p, 16);
        memcpy(a.country, c->p + 20, 2);
        c->p += ATTR_LEN;
        if (!attr_ok(&a) || (i && dict_attr_cmp(&d->attrs[i - 1], &a) >= 0))
            return false;
        dict_attr(d, &a, dict_attr_hash(&a), (struct span){0}, 0);
    }
    return true;
}

static bool get_names(struct cur *c, struct dict *d)
{
    uint32_t n;
    if (!cur_u32(c, &n) || n != d->nas)
        return false;
    uint64_t above = 0; /* AS numbers ascend */
    for (uint32_t i = 0; i < n; i++) {
        uint32_t asn;
        struct span name;
        if (!cur_u32(c, &asn) || !get_span(c, &name) || asn < above)
            return false;
        uint32_t number = dict_as(d, asn);
        if (d->nas != n || (asn == 0 && name.n))
            return false; /* an AS that no attribution has */
        buf_span(&d->as[number].name, name);
        above = asn + 1ull;
    }
    return true;
}

/* Sets follow one another from *at on, the last one ends where the dict begins. */
static bool get_part(struct cur *c, bool v6, uint32_t family, struct cur *sets, struct run *base)
{
    struct addrset set = {.v6 = v6};
    struct span bytes;
    uint64_t n;
    if (!cur_u64(c, &n) || !cur_u64(c, &set.rows) || !cur_u64(c, &set.sightings) ||
        !cur_u16(c, &set.day_min) || !cur_u16(c, &set.day_max))
        return false;
    if (n > cur_left(sets) || !cur_take(sets, n, &bytes) || set.rows > n ||
        set.sightings < set.rows || set.day_min > set.day_max)
        return false;
    if (n == 0)
        return true;
    set.p = bytes.p;
    set.n = bytes.n;
    run_add_part(base, (struct run_part){.family = family, .set = set});
    return true;
}

static bool get_families(struct cur *c, struct dict *d, struct cur *sets, struct run *base)
{
    uint32_t n;
    struct span last = {0};
    if (!cur_u32(c, &n))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct span name;
        if (!get_span(c, &name) || (i && span_cmp(last, name) >= 0))
            return false;
        uint32_t family = dict_family(d, name);
        if (!get_part(c, false, family, sets, base) || !get_part(c, true, family, sets, base))
            return false;
        last = name;
    }
    return cur_left(c) == 0 && cur_left(sets) == 0;
}

int snapshot_parse(struct span bytes, uint64_t *position, struct dict *d, struct run *base,
                   struct err *err)
{
    if (bytes.n < HEAD_LEN + FOOT_LEN || memcmp(bytes.p, MAGIC, MAGIC_LEN) != 0)
        return err_set(err, -EBADMSG, "not a census snapshot");
    if (be32_get(bytes.p + MAGIC_LEN) != VERSION)
        return err_set(err, -EBADMSG, "version %u, this program writes %u",
                       (unsigned)be32_get(bytes.p + MAGIC_LEN), (unsigned)VERSION);
    size_t covered = bytes.n - SNAPSHOT_CHECKSUM_LEN, end = bytes.n - FOOT_LEN;
    if (snapshot_checksum(span_of(bytes.p, covered)) != be64_get(bytes.p + covered))
        return err_set(err, -EBADMSG, "checksum does not hold");
    uint64_t dict_at = be64_get(bytes.p + end + 8);
    if (dict_at < HEAD_LEN || dict_at > end)
        return err_set(err, -EBADMSG, "dictionary out of place");
    struct cur c = cur_of(span_of(bytes.p + dict_at, end - dict_at));
    struct cur sets = cur_of(span_of(bytes.p + HEAD_LEN, dict_at - HEAD_LEN));
    if (!get_attrs(&c, d) || !get_names(&c, d) || !get_families(&c, d, &sets, base)) {
        dict_free(d);
        run_free(base);
        return err_set(err, -EBADMSG, "dictionary malformed");
    }
    *position = be64_get(bytes.p + end);
    return 0;
}

int snapshot_load(const char *path, struct snapshot *s, struct dict *d, struct run *base,
                  struct err *err)
{
    *s = (struct snapshot){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", path);
    struct stat st;
    int rc = 0;
    if (fstat(fd, &st) < 0)
        rc = err_errno(err, "%s", path);
    else if (!S_ISREG(st.st_mode))
        rc = err_set(err, -EINVAL, "%s: not a file", path);
    else if (st.st_size == 0)
        rc = err_set(err, -EBADMSG, "empty");
    else
        s->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (rc == 0 && s->map == MAP_FAILED)
        rc = err_errno(err, "%s", path);
    close(fd);
    if (rc < 0) {
        s->map = NULL;
        return rc;
    }
    s->size = (size_t)st.st_size;
    rc = snapshot_parse(span_of(s->map, s->size), &s->position, d, base, err);
    if (rc < 0) {
        snapshot_unmap(s);
        return rc;
    }
    return 1;
}

void snapshot_unmap(struct snapshot *s)
{
    if (s->map)
        munmap(s->map, s->size);
    *s = (struct snapshot){0};
}
