/* The sources as a file:
 *
 *   magic(8) version(4) mark(4) position(8) rows(8) ids(8) slots(8)
 *   attributions, ASes, families    as in views/census, in order of arrival
 *   zero bytes up to a multiple of 16
 *   rows, 144 bytes each, and the table of identities, both as in memory
 *   XXH3 of all bytes before it (8)
 *
 * Rows are as in memory because they are many and this is a view: a machine of another byte order
 * finds another mark, and makes it anew. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/sources_impl.h"

#define MAGIC    "ebb-src\n"
#define VERSION  1
#define MARK     0x01020304u /* in our byte order */
#define CHECK    8
#define ALIGN    16
#define HEAD     48
#define ATTR_LEN 24

uint64_t sources_checksum(struct span covered)
{
    return XXH3_64bits(covered.p, covered.n);
}

/* ---- writing ---- */

static void put_dict(struct buf *b, const struct dict *d)
{
    buf_be32(b, (uint32_t)d->nattrs);
    for (size_t i = 0; i < d->nattrs; i++) {
        const struct dict_attr *a = &d->attrs[i];
        buf_put(b, a->network, 16);
        buf_be32(b, a->asn);
        buf_put(b, a->country, 2);
        buf_byte(b, a->bits);
        buf_byte(b, a->set);
    }
    buf_be32(b, (uint32_t)d->nas);
    for (size_t i = 0; i < d->nas; i++) {
        buf_be32(b, (uint32_t)d->as[i].name.n);
        buf_span(b, buf_as_span(&d->as[i].name));
    }
    buf_be32(b, (uint32_t)d->nfamilies);
    for (size_t i = 0; i < d->nfamilies; i++) {
        buf_be32(b, (uint32_t)d->families[i].n);
        buf_span(b, buf_as_span(&d->families[i]));
    }
}

static void put_head(struct buf *b, const struct sources *s)
{
    const uint32_t mark = MARK;
    buf_str(b, MAGIC);
    buf_be32(b, VERSION);
    buf_put(b, &mark, sizeof mark);
    buf_be64(b, s->position);
    buf_be64(b, s->n);
    buf_be64(b, s->ids_n);
    buf_be64(b, s->ids_size);
    put_dict(b, &s->dict);
    while (b->n % ALIGN)
        buf_byte(b, 0);
}

static int put(int fd, XXH3_state_t *sum, const void *p, size_t n)
{
    XXH3_64bits_update(sum, p, n);
    return n ? file_write_all(fd, p, n) : 0;
}

static int write_to(int fd, const struct sources *s)
{
    XXH3_state_t sum;
    struct buf head = {0};
    uint8_t check[CHECK];
    XXH3_64bits_reset(&sum);
    put_head(&head, s);
    int rc = put(fd, &sum, head.p, head.n);
    buf_free(&head);
    for (size_t i = 0; rc == 0 && i < s->n; i += SOURCES_CHUNK) {
        size_t n = s->n - i < SOURCES_CHUNK ? s->n - i : SOURCES_CHUNK;
        rc = put(fd, &sum, sources_row_at(s, i), n * sizeof(struct sources_row));
    }
    if (rc == 0 && s->ids_size)
        rc = put(fd, &sum, s->ids, s->ids_size * sizeof *s->ids);
    be64_put(check, XXH3_64bits_digest(&sum));
    return rc == 0 ? file_write_all(fd, check, CHECK) : rc;
}

int sources_write(const struct sources *s, struct err *err)
{
    char tmp[FILE_PATH_MAX], dir[FILE_PATH_MAX];
    const char *slash = strrchr(s->path, '/');
    int rc = file_path(tmp, err, "%s.tmp", s->path);
    if (rc == 0)
        rc = file_path(dir, err, "%.*s", (int)(slash - s->path), s->path);
    if (rc < 0)
        return rc;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", tmp);
    rc = write_to(fd, s);
    if (rc < 0)
        err_set(err, rc, "%s: %s", tmp, strerror(-rc));
    else if (fsync(fd) < 0)
        rc = err_errno(err, "%s", tmp);
    close(fd);
    if (rc == 0 && rename(tmp, s->path) < 0)
        rc = err_errno(err, "%s", s->path);
    if (rc < 0) {
        unlink(tmp);
        return rc;
    }
    return file_sync_dir(dir, err);
}

/* ---- reading ---- */

static bool get_span(struct cur *c, struct span *out)
{
    uint32_t n;
    return cur_u32(c, &n) && cur_take(c, n, out);
}

static bool get_attrs(struct cur *c, struct dict *d)
{
    uint32_t n;
    if (!cur_u32(c, &n) || n > cur_left(c) / ATTR_LEN)
        return false;
    for (uint32_t i = 0; i < n; i++, c->p += ATTR_LEN) {
        struct dict_attr a = {.asn = be32_get(c->p + 16), .bits = c->p[22], .set = c->p[23]};
        memcpy(a.network, c->p, 16);
        memcpy(a.country, c->p + 20, 2);
        if (a.set > 1 || a.bits > 128 ||
            dict_attr(d, &a, dict_attr_hash(&a), (struct span){0}, 0) != i)
            return false;
    }
    return true;
}

static bool get_dict(struct cur *c, struct dict *d)
{
    uint32_t n;
    struct span text;
    if (!get_attrs(c, d) || !cur_u32(c, &n) || n != d->nas)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!get_span(c, &text))
            return false;
        buf_span(&d->as[i].name, text);
    }
    if (!cur_u32(c, &n) || n > cur_left(c) / 4)
        return false;
    for (uint32_t i = 0; i < n; i++)
        if (!get_span(c, &text) || dict_family(d, text) != i)
            return false;
    return true;
}

static bool row_ok(const struct sources *s, const struct sources_row *r)
{
    return r->contacts && r->attr < s->dict.nattrs && r->family < s->dict.nfamilies &&
           ip_is_set(&r->ip) && r->first >= 0 && r->first <= r->last && r->last < UTC_EVENT_MAX &&
           r->own <= r->contacts && r->matched <= r->own && r->spoken <= r->own &&
           r->fresh <= r->spoken && r->days;
}

/* Bytes of a mapped file that are not needed any more: they would count as ours. */
#define FORGET_EVERY (8u << 20)

static void forget(const struct sources *s, const uint8_t *p, size_t n)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)p + page - 1) & -page;
    uintptr_t end = ((uintptr_t)p + n) & -page;
    if (s->mapped && end > from)
        madvise((void *)from, end - from, MADV_DONTNEED);
}

static bool get_rows(struct cur *c, struct sources *s, uint64_t n)
{
    struct span bytes;
    struct sources_row row;
    if (n > SOURCES_MAX || !cur_take(c, n * sizeof row, &bytes))
        return false;
    for (uint64_t i = 0; i < n; i++) {
        memcpy(&row, bytes.p + i * sizeof row, sizeof row);
        if (!row_ok(s, &row))
            return false;
        *sources_row_new(s, &row.ip, row.family) = row;
        sources_widen(s, row.first, row.last);
        if (i % SOURCES_CHUNK == SOURCES_CHUNK - 1)
            forget(s, bytes.p + (i + 1 - SOURCES_CHUNK) * sizeof row, SOURCES_CHUNK * sizeof row);
    }
    return true;
}

/* `used` of `size` places; one is always free, so that looking ends. */
static bool get_ids(struct cur *c, struct sources *s, uint64_t used, uint64_t size)
{
    struct span bytes;
    if (size > 2ull * SOURCES_IDS_MAX || (size & (size - 1)) || used > SOURCES_IDS_MAX ||
        (size ? used >= size : used != 0) || !cur_take(c, size * sizeof *s->ids, &bytes))
        return false;
    if (!size)
        return true;
    s->ids = sources_pages(size * sizeof *s->ids);
    memcpy(s->ids, bytes.p, bytes.n);
    s->ids_size = size;
    for (uint64_t i = 0; i < size; i++)
        s->ids_n += s->ids[i] != 0;
    return s->ids_n == used;
}

static bool get_all(struct sources *s, struct span bytes)
{
    struct cur c = cur_of(bytes);
    struct span magic, mark;
    uint32_t version, same = MARK;
    uint64_t rows, used, size;
    if (!cur_take(&c, 8, &magic) || !span_is(magic, MAGIC) || !cur_u32(&c, &version) ||
        version != VERSION || !cur_take(&c, 4, &mark) || memcmp(mark.p, &same, 4) != 0 ||
        !cur_u64(&c, &s->position) || !cur_u64(&c, &rows) || !cur_u64(&c, &used) ||
        !cur_u64(&c, &size) || !get_dict(&c, &s->dict))
        return false;
    while ((size_t)(c.p - bytes.p) % ALIGN)
        if (c.p == c.end || *c.p++)
            return false;
    return get_rows(&c, s, rows) && get_ids(&c, s, used, size) && c.p == c.end;
}

static bool checksum_holds(const struct sources *s, struct span bytes)
{
    XXH3_state_t sum;
    XXH3_64bits_reset(&sum);
    for (size_t i = 0, n; i < bytes.n - CHECK; i += n) {
        n = bytes.n - CHECK - i < FORGET_EVERY ? bytes.n - CHECK - i : FORGET_EVERY;
        XXH3_64bits_update(&sum, bytes.p + i, n);
        forget(s, bytes.p + i, n);
    }
    return be64_get(bytes.p + bytes.n - CHECK) == XXH3_64bits_digest(&sum);
}

int sources_parse(struct sources *s, struct span bytes, struct err *err)
{
    if (bytes.n < HEAD + CHECK || !checksum_holds(s, bytes))
        return err_set(err, -EBADMSG, "checksum does not hold");
    if (get_all(s, span_of(bytes.p, bytes.n - CHECK)))
        return 0;
    sources_clear(s);
    return err_set(err, -EBADMSG, "malformed, or of another version");
}

static int load(struct sources *s, struct err *err)
{
    struct stat st;
    int fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", s->path);
    int rc = fstat(fd, &st) < 0 ? err_errno(err, "%s", s->path) : 0;
    if (rc == 0 && (!S_ISREG(st.st_mode) || st.st_size == 0))
        rc = err_set(err, -EBADMSG, "empty, or no file");
    void *map = rc == 0 ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    if (map == MAP_FAILED)
        rc = err_errno(err, "%s", s->path);
    close(fd);
    if (rc < 0)
        return rc;
    s->mapped = true;
    rc = sources_parse(s, span_of(map, (size_t)st.st_size), err);
    munmap(map, (size_t)st.st_size);
    return rc;
}

int sources_open(const char *dir, struct sources **out, struct err *err)
{
    struct sources *s = mem_zeroed(1, sizeof *s);
    struct err why;
    int rc = file_path(s->path, err, "%s/sources", dir);
    if (rc == 0) {
        rc = load(s, &why);
        if (rc == -EBADMSG) {
            log_line(LOG_WARN, "a view is made anew", "view=sources why=\"%s\"", why.text);
            rc = 0;
        } else if (rc < 0) {
            err_set(err, rc, "%s", why.text);
        }
    }
    if (rc < 0) {
        sources_close(s);
        return rc;
    }
    *out = s;
    return 0;
}
