#include "journal/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

#define READ_AHEAD (256u << 10)

static const uint8_t magic[8] = "ebb-seg\n";

/* Where the parts of a segment's header lie. */
enum {
    AT_MAGIC = 0,
    AT_VERSION = 8,
    AT_LENGTH = 12,
    AT_FIRST = 16,
    AT_ORIGIN = 24,
    AT_RESERVED = 56,
    AT_CRC = 60
};

void segment_name(char out[SEGMENT_NAME_MAX], uint64_t first)
{
    snprintf(out, SEGMENT_NAME_MAX, "%016llx.seg", (unsigned long long)first);
}

void segment_index_name(char out[SEGMENT_NAME_MAX], uint64_t first)
{
    snprintf(out, SEGMENT_NAME_MAX, "%016llx.idx", (unsigned long long)first);
}

bool segment_name_parse(const char *name, uint64_t *first)
{
    uint8_t raw[8];
    char again[SEGMENT_NAME_MAX];
    if (strlen(name) != 20 || !hex_decode(span_of(name, 16), raw, 8))
        return false;
    *first = be64_get(raw);
    segment_name(again, *first);
    return strcmp(again, name) == 0;
}

void segment_header_put(uint8_t out[SEGMENT_HEADER_LEN], uint64_t first, const char *origin)
{
    memset(out, 0, SEGMENT_HEADER_LEN);
    memcpy(out + AT_MAGIC, magic, sizeof magic);
    be32_put(out + AT_VERSION, SEGMENT_VERSION);
    be32_put(out + AT_LENGTH, SEGMENT_HEADER_LEN);
    be64_put(out + AT_FIRST, first);
    sha256(origin, strlen(origin), out + AT_ORIGIN);
    be32_put(out + AT_CRC, crc32c(0, out, AT_CRC));
}

int segment_header_check(const uint8_t *header, size_t n, uint64_t first, const char *origin,
                         struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(name, first);
    if (n < SEGMENT_HEADER_LEN)
        return err_set(err, -EBADMSG, "journal/%s: %zu bytes are no segment header", name, n);
    if (memcmp(header, magic, sizeof magic) != 0)
        return err_set(err, -EBADMSG, "journal/%s: not a segment", name);
    if (be32_get(header + AT_CRC) != crc32c(0, header, AT_CRC))
        return err_set(err, -EBADMSG, "journal/%s: damaged header", name);
    if (be32_get(header + AT_VERSION) > SEGMENT_VERSION)
        return err_set(err, -EPROTO,
                       "journal/%s: format %u, written by a newer version of ebb (this one reads "
                       "up to %d)",
                       name, be32_get(header + AT_VERSION), SEGMENT_VERSION);
    uint8_t want[SEGMENT_HEADER_LEN];
    segment_header_put(want, first, origin);
    if (memcmp(header, want, sizeof want) != 0)
        return err_set(err, -EBADMSG,
                       "journal/%s: the header names another first entry or another log", name);
    return 0;
}

static int compare_u64(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

int segment_list_read(int journal_fd, struct segment_list *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    int fd = openat(journal_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        int rc = err_errno(err, "journal");
        if (fd >= 0)
            close(fd);
        return rc;
    }
    struct buf found = {0};
    for (struct dirent *e; (e = readdir(d));) {
        uint64_t first;
        if (segment_name_parse(e->d_name, &first))
            buf_put(&found, &first, sizeof first);
    }
    closedir(d);
    out->n = found.n / sizeof *out->first;
    out->first = (uint64_t *)(void *)found.p;
    if (out->n)
        qsort(out->first, out->n, sizeof *out->first, compare_u64);
    return 0;
}

void segment_list_free(struct segment_list *l)
{
    free(l->first);
    memset(l, 0, sizeof *l);
}

size_t segment_list_find(const struct segment_list *l, uint64_t index)
{
    size_t lo = 0, hi = l->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (l->first[mid] <= index)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo ? lo - 1 : l->n;
}

void entry_header_put(uint8_t out[JOURNAL_HEADER_LEN], const struct entry_header *h)
{
    out[0] = ENTRY_VERSION;
    out[1] = h->kind;
    be16_put(out + 2, h->flags);
    be64_put(out + 4, (uint64_t)h->time);
    be64_put(out + 12, h->sensor);
    be64_put(out + 20, h->ruleset);
    be64_put(out + 28, h->enrichment);
}

bool entry_header_get(const uint8_t in[JOURNAL_HEADER_LEN], struct entry_header *out)
{
    out->kind = in[1];
    out->flags = be16_get(in + 2);
    out->time = (int64_t)be64_get(in + 4);
    out->sensor = be64_get(in + 12);
    out->ruleset = be64_get(in + 20);
    out->enrichment = be64_get(in + 28);
    return in[0] == ENTRY_VERSION;
}

uint32_t record_crc(const uint8_t *record)
{
    uint32_t crc = crc32c(0, record, RECORD_CRC);
    return crc32c(crc, record + RECORD_INDEX, RECORD_SALT - RECORD_INDEX);
}

bool record_commitment_holds(const struct record *r)
{
    uint8_t digest[SHA256_LEN];
    sha256(r->salt, JOURNAL_SALT_LEN + r->length, digest);
    return memcmp(digest, r->leaf + JOURNAL_HEADER_LEN, SHA256_LEN) == 0;
}

bool record_is_zero(const struct record *r)
{
    for (size_t i = 0; i < JOURNAL_SALT_LEN + r->length; i++)
        if (r->salt[i])
            return false;
    return true;
}

int segment_open(struct segment_reader *r, int journal_fd, uint64_t first, const char *origin,
                 struct err *err)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(name, first);
    memset(r, 0, sizeof *r);
    r->fd = openat(journal_fd, name, O_RDONLY | O_CLOEXEC);
    if (r->fd < 0)
        return err_errno(err, "journal/%s", name);
    uint8_t header[SEGMENT_HEADER_LEN];
    ssize_t n = pread(r->fd, header, sizeof header, 0);
    int rc = n < 0 ? err_errno(err, "journal/%s", name)
                   : segment_header_check(header, (size_t)n, first, origin, err);
    if (rc < 0) {
        close(r->fd);
        r->fd = -1;
        return rc;
    }
    r->cap = READ_AHEAD;
    r->buf = malloc(r->cap);
    if (!r->buf)
        abort();
    r->first = r->index = first;
    r->offset = SEGMENT_HEADER_LEN;
    return 0;
}

void segment_close(struct segment_reader *r)
{
    if (r->buf && r->fd >= 0)
        close(r->fd);
    free(r->buf);
    memset(r, 0, sizeof *r);
    r->fd = -1;
}

void segment_refresh(struct segment_reader *r)
{
    r->at = r->have = 0;
}

static int damage(const struct segment_reader *r, struct err *err, int code, const char *what)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(name, r->first);
    return err_set(err, code, "journal/%s: %s at offset %llu (entry %llu)", name, what,
                   (unsigned long long)r->offset, (unsigned long long)r->index);
}

/* Makes `need` bytes at r->offset available. 1 there, 0 the file ends before, negative. */
static int fill(struct segment_reader *r, size_t need, struct err *err)
{
    if (r->have - r->at >= need)
        return 1;
    if (r->at) {
        memmove(r->buf, r->buf + r->at, r->have - r->at);
        r->have -= r->at;
        r->at = 0;
    }
    if (need > r->cap) {
        uint8_t *more = realloc(r->buf, need);
        if (!more)
            abort();
        r->buf = more;
        r->cap = need;
    }
    while (r->have < need) {
        ssize_t n = pread(r->fd, r->buf + r->have, r->cap - r->have, (off_t)(r->offset + r->have));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return damage(r, err, -errno, "cannot read");
        if (n == 0)
            return 0;
        r->have += (size_t)n;
    }
    return 1;
}

int segment_next(struct segment_reader *r, struct record *out, struct err *err)
{
    int rc = fill(r, RECORD_FIXED, err);
    if (rc < 0)
        return rc;
    if (rc == 0 && r->have == 0)
        return 0;
    if (rc == 0)
        return damage(r, err, -EBADMSG, "the file ends within a record");
    const uint8_t *p = r->buf + r->at;
    uint32_t length = be32_get(p + RECORD_LENGTH);
    if (be32_get(p + RECORD_CRC) != record_crc(p))
        return damage(r, err, -EBADMSG, "a record's checksum does not hold");
    if (be64_get(p + RECORD_INDEX) != r->index)
        return damage(r, err, -EBADMSG, "a record bears another entry's index");
    if (p[RECORD_LEAF] > ENTRY_VERSION)
        return damage(r, err, -EPROTO, "a newer version of ebb wrote the record");
    if (length > JOURNAL_PAYLOAD_MAX || p[RECORD_LEAF] != ENTRY_VERSION)
        return damage(r, err, -EBADMSG, "a record has no valid length or version");
    rc = fill(r, RECORD_FIXED + length, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return damage(r, err, -EBADMSG, "the file ends within a record");
    p = r->buf + r->at;
    *out = (struct record){.index = r->index,
                           .offset = r->offset,
                           .length = length,
                           .leaf = p + RECORD_LEAF,
                           .salt = p + RECORD_SALT,
                           .payload = p + RECORD_FIXED};
    r->at += RECORD_FIXED + length;
    r->offset += RECORD_FIXED + length;
    r->index++;
    return 1;
}

static bool at_hand(const struct segment_reader *r)
{
    size_t n = r->have - r->at;
    return n >= RECORD_FIXED && n - RECORD_FIXED >= be32_get(r->buf + r->at + RECORD_LENGTH);
}

int segment_batch(struct segment_reader *r, struct record *out, int max, struct err *err)
{
    int n = 0, rc = 1;
    /* only the first may move the buffer; what is wrong with a later one is said the next time */
    while (n < max && (n == 0 || at_hand(r)) && (rc = segment_next(r, &out[n], err)) == 1)
        n++;
    return n ? n : rc;
}

/* A believable place to start from: the index file is a hint, the record there must confirm. */
static bool jump(struct segment_reader *r, int journal_fd, uint64_t index)
{
    char name[SEGMENT_NAME_MAX];
    uint64_t slot = (index - r->first) / SEGMENT_STRIDE;
    uint8_t raw[8], record[RECORD_FIXED];
    if (slot == 0)
        return false;
    segment_index_name(name, r->first);
    int fd = openat(journal_fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = pread(fd, raw, sizeof raw, (off_t)((slot - 1) * sizeof raw));
    close(fd);
    uint64_t offset = n == sizeof raw ? be64_get(raw) : 0, at = r->first + slot * SEGMENT_STRIDE;
    if (offset < SEGMENT_HEADER_LEN || offset > INT64_MAX - RECORD_MAX ||
        pread(r->fd, record, sizeof record, (off_t)offset) != sizeof record ||
        be32_get(record + RECORD_CRC) != record_crc(record) ||
        be64_get(record + RECORD_INDEX) != at)
        return false;
    segment_refresh(r);
    r->offset = offset;
    r->index = at;
    return true;
}

int segment_seek(struct segment_reader *r, int journal_fd, uint64_t index, struct err *err)
{
    if (index < r->index) {
        segment_refresh(r);
        r->index = r->first;
        r->offset = SEGMENT_HEADER_LEN;
    }
    if (index - r->index >= SEGMENT_STRIDE)
        jump(r, journal_fd, index);
    while (r->index < index) {
        struct record rec;
        int rc = segment_next(r, &rec, err);
        if (rc <= 0)
            return rc;
    }
    return 1;
}

void segment_index_repair(int journal_fd, uint64_t first, uint64_t size, const char *origin)
{
    struct segment_reader r;
    struct record rec;
    struct buf out = {0};
    if (size - first <= SEGMENT_STRIDE || segment_open(&r, journal_fd, first, origin, NULL) < 0)
        return;
    if (!jump(&r, journal_fd, size - 1)) {
        while (r.index < size && segment_next(&r, &rec, NULL) == 1)
            if (rec.index > first && (rec.index - first) % SEGMENT_STRIDE == 0) {
                be64_put(buf_reserve(&out, 8), rec.offset);
                out.n += 8;
            }
        char name[SEGMENT_NAME_MAX];
        segment_index_name(name, first);
        int fd = openat(journal_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd >= 0) {
            (void)!file_write_all(fd, out.p, out.n);
            close(fd);
        }
    }
    segment_close(&r);
    buf_free(&out);
}
