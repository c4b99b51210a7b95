#include "journal/pack.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCAN_WINDOW (1u << 20)
#define FLAG_ERASED 1u
#define NAME_DIGITS 8

static const uint8_t pack_magic[8] = "ebb-pack", index_magic[8] = "ebb-pidx",
                     block_magic[4] = "blk\n";

/* Where the parts of a pack's header lie, of a block's, and of an index's. */
enum {
    PACK_VERSION_AT = 8,
    PACK_LENGTH_AT = 12,
    PACK_NUMBER_AT = 16,
    PACK_SALT_AT = 24,
    PACK_CRC_AT = 28
};
enum {
    BLOCK_CRC_AT = 4,
    BLOCK_OFFSET_AT = 8,
    BLOCK_COUNT_AT = 16,
    BLOCK_FLAGS_AT = 18,
    BLOCK_FRAME_AT = 20,
    BLOCK_RAW_AT = 24,
    BLOCK_BODY_CRC_AT = 28
};
enum {
    INDEX_VERSION_AT = 8,
    INDEX_COUNT_AT = 12,
    INDEX_NUMBER_AT = 16,
    INDEX_SIZE_AT = 24,
    INDEX_RAW_AT = 32,
    INDEX_ENTRIES_CRC_AT = 40,
    INDEX_CRC_AT = 44
};

void pack_name(char out[PACK_NAME_MAX], uint64_t number)
{
    snprintf(out, PACK_NAME_MAX, "%0*llx.pack", NAME_DIGITS, (unsigned long long)number);
}

void pack_index_name(char out[PACK_NAME_MAX], uint64_t number)
{
    snprintf(out, PACK_NAME_MAX, "%0*llx.idx", NAME_DIGITS, (unsigned long long)number);
}

bool pack_name_parse(const char *name, uint64_t *number)
{
    uint8_t raw[NAME_DIGITS / 2];
    char again[PACK_NAME_MAX];
    if (strlen(name) != NAME_DIGITS + 5 || !hex_decode(span_of(name, NAME_DIGITS), raw, sizeof raw))
        return false;
    *number = be32_get(raw);
    pack_name(again, *number);
    return *number && strcmp(again, name) == 0;
}

void pack_header_put(uint8_t out[PACK_HEADER_LEN], uint64_t number, uint32_t salt)
{
    memcpy(out, pack_magic, sizeof pack_magic);
    be32_put(out + PACK_VERSION_AT, PACK_VERSION);
    be32_put(out + PACK_LENGTH_AT, PACK_HEADER_LEN);
    be64_put(out + PACK_NUMBER_AT, number);
    be32_put(out + PACK_SALT_AT, salt);
    be32_put(out + PACK_CRC_AT, crc32c(0, out, PACK_CRC_AT));
}

int pack_header_get(const uint8_t *p, size_t n, uint64_t number, uint32_t *salt)
{
    if (n < PACK_HEADER_LEN || memcmp(p, pack_magic, sizeof pack_magic) != 0 ||
        be32_get(p + PACK_CRC_AT) != crc32c(0, p, PACK_CRC_AT))
        return -EBADMSG;
    if (be32_get(p + PACK_VERSION_AT) > PACK_VERSION)
        return -EPROTO;
    *salt = be32_get(p + PACK_SALT_AT);
    return be32_get(p + PACK_LENGTH_AT) == PACK_HEADER_LEN && be64_get(p + PACK_NUMBER_AT) == number
               ? 0
               : -EBADMSG;
}

static uint32_t block_crc(const uint8_t *header, uint32_t salt)
{
    return crc32c(salt, header + BLOCK_OFFSET_AT, PACK_BLOCK_LEN - BLOCK_OFFSET_AT);
}

void pack_block_put(uint8_t out[PACK_BLOCK_LEN], uint32_t salt, const struct pack_block *b)
{
    memcpy(out, block_magic, sizeof block_magic);
    be64_put(out + BLOCK_OFFSET_AT, b->offset);
    be16_put(out + BLOCK_COUNT_AT, b->count);
    be16_put(out + BLOCK_FLAGS_AT, b->erased ? FLAG_ERASED : 0);
    be32_put(out + BLOCK_FRAME_AT, b->frame);
    be32_put(out + BLOCK_RAW_AT, b->raw);
    be32_put(out + BLOCK_BODY_CRC_AT, b->body_crc);
    be32_put(out + BLOCK_CRC_AT, block_crc(out, salt));
}

bool pack_block_get(const uint8_t in[PACK_BLOCK_LEN], uint32_t salt, uint64_t offset,
                    struct pack_block *out)
{
    if (memcmp(in, block_magic, sizeof block_magic) != 0 ||
        be32_get(in + BLOCK_CRC_AT) != block_crc(in, salt))
        return false;
    uint16_t flags = be16_get(in + BLOCK_FLAGS_AT);
    *out = (struct pack_block){.offset = be64_get(in + BLOCK_OFFSET_AT),
                               .frame = be32_get(in + BLOCK_FRAME_AT),
                               .raw = be32_get(in + BLOCK_RAW_AT),
                               .body_crc = be32_get(in + BLOCK_BODY_CRC_AT),
                               .count = be16_get(in + BLOCK_COUNT_AT),
                               .erased = flags & FLAG_ERASED};
    return out->offset == offset && flags <= FLAG_ERASED && out->count &&
           out->count <= PACK_BLOBS_MAX && out->frame <= PACK_FRAME_MAX && out->raw <= PACK_RAW_MAX;
}

bool pack_body_holds(const struct pack_block *b, const uint8_t *body)
{
    if (crc32c(0, body, pack_body_len(b)) != b->body_crc)
        return false;
    uint64_t sum = 0;
    for (unsigned i = 0; i < b->count; i++)
        sum += be32_get(body + (size_t)i * PACK_ENTRY_LEN + SHA256_LEN);
    return b->erased || sum == b->raw;
}

void pack_entry_put(uint8_t out[PACK_ENTRY_LEN], const uint8_t sha[SHA256_LEN], uint32_t length)
{
    memcpy(out, sha, SHA256_LEN);
    be32_put(out + SHA256_LEN, length);
}

bool pack_place_next(const struct pack_block *b, const uint8_t *entries, unsigned i,
                     struct pack_place *place)
{
    if (i >= b->count || b->erased)
        return false;
    const uint8_t *entry = entries + (size_t)i * PACK_ENTRY_LEN;
    uint64_t at = i ? (uint64_t)place->at + place->length : 0;
    uint32_t length = be32_get(entry + SHA256_LEN);
    if (length > b->raw || at > b->raw - length)
        return false;
    *place = (struct pack_place){entry, (uint32_t)at, length};
    return true;
}

bool pack_place_find(const struct pack_block *b, const uint8_t *entries,
                     const uint8_t sha[SHA256_LEN], struct pack_place *out)
{
    struct pack_place place = {0};
    for (unsigned i = 0; pack_place_next(b, entries, i, &place); i++)
        if (memcmp(place.sha256, sha, SHA256_LEN) == 0) {
            *out = place;
            return true;
        }
    return false;
}

/* ---- from block to block ---- */

void pack_scan_begin(struct pack_scan *s, int fd, uint32_t salt, uint64_t whole)
{
    struct buf window = s->window;
    window.n = 0;
    *s =
        (struct pack_scan){.fd = fd, .salt = salt, .next = whole, .whole = whole, .window = window};
}

void pack_scan_end(struct pack_scan *s)
{
    buf_free(&s->window);
}

/* Bytes [at, at+n) of the file: 1; 0 when it ends before; -errno. */
static int window(struct pack_scan *s, uint64_t at, size_t n, const uint8_t **out)
{
    if (at < s->window_at || at + n > s->window_at + s->window.n) {
        s->window.n = 0;
        s->window_at = at;
        uint8_t *p = buf_reserve(&s->window, SCAN_WINDOW);
        while (s->window.n < SCAN_WINDOW) {
            ssize_t got =
                pread(s->fd, p + s->window.n, SCAN_WINDOW - s->window.n, (off_t)(at + s->window.n));
            if (got < 0 && errno == EINTR)
                continue;
            if (got < 0)
                return -errno;
            if (got == 0)
                break;
            s->window.n += (size_t)got;
        }
    }
    *out = s->window.p + (at - s->window_at);
    return at + n <= s->window_at + s->window.n;
}

int pack_scan_next(struct pack_scan *s, struct pack_block *out, const uint8_t **body)
{
    _Static_assert(SCAN_WINDOW >= PACK_BLOCK_MAX, "a block fits");
    const uint8_t *p = NULL;
    int rc;
    while ((rc = window(s, s->next, PACK_BLOCK_LEN, &p)) == 1) {
        if (!pack_block_get(p, s->salt, s->next, out)) {
            s->next += PACK_ALIGN;
            continue;
        }
        size_t n = pack_block_len(out);
        rc = window(s, s->next, n, &p);
        if (rc < 0)
            return rc;
        if (rc == 0) { /* torn, or a writer is just at it */
            s->next += PACK_ALIGN;
            continue;
        }
        s->next += n;
        *body = p + PACK_BLOCK_LEN;
        if (pack_body_holds(out, *body)) {
            s->whole = s->next;
            s->damaged += s->suspect;
            s->suspect = 0;
            return 1;
        }
        s->suspect++;
    }
    s->next = s->whole;
    s->suspect = 0;
    s->window.n = 0; /* the next call looks again, the file may have grown */
    return rc;
}

/* ---- index ---- */

static int by_key(const void *a, const void *b)
{
    const struct pack_index_entry *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

void pack_index_put(struct buf *out, uint64_t number, uint64_t pack_size, uint64_t raw,
                    struct pack_index_entry *entries, size_t n)
{
    size_t len = n * PACK_INDEX_ENTRY_LEN;
    uint8_t *head = buf_reserve(out, PACK_INDEX_HEADER_LEN + len),
            *p = head + PACK_INDEX_HEADER_LEN;
    if (n)
        qsort(entries, n, sizeof *entries, by_key);
    for (size_t i = 0; i < n; i++, p += PACK_INDEX_ENTRY_LEN) {
        be64_put(p, entries[i].key);
        be64_put(p + 8, entries[i].offset);
    }
    memcpy(head, index_magic, sizeof index_magic);
    be32_put(head + INDEX_VERSION_AT, PACK_VERSION);
    be32_put(head + INDEX_COUNT_AT, (uint32_t)n);
    be64_put(head + INDEX_NUMBER_AT, number);
    be64_put(head + INDEX_SIZE_AT, pack_size);
    be64_put(head + INDEX_RAW_AT, raw);
    be32_put(head + INDEX_ENTRIES_CRC_AT, crc32c(0, head + PACK_INDEX_HEADER_LEN, len));
    be32_put(head + INDEX_CRC_AT, crc32c(0, head, INDEX_CRC_AT));
    out->n += PACK_INDEX_HEADER_LEN + len;
}

bool pack_index_get(struct span file, uint64_t number, struct pack_index *out)
{
    const uint8_t *p = file.p;
    if (file.n < PACK_INDEX_HEADER_LEN || memcmp(p, index_magic, sizeof index_magic) != 0 ||
        be32_get(p + INDEX_CRC_AT) != crc32c(0, p, INDEX_CRC_AT) ||
        be32_get(p + INDEX_VERSION_AT) != PACK_VERSION || be64_get(p + INDEX_NUMBER_AT) != number)
        return false;
    size_t len = file.n - PACK_INDEX_HEADER_LEN, count = be32_get(p + INDEX_COUNT_AT);
    *out = (struct pack_index){.entries = p + PACK_INDEX_HEADER_LEN,
                               .count = count,
                               .pack_size = be64_get(p + INDEX_SIZE_AT),
                               .raw = be64_get(p + INDEX_RAW_AT)};
    return len / PACK_INDEX_ENTRY_LEN == count && len % PACK_INDEX_ENTRY_LEN == 0 &&
           be32_get(p + INDEX_ENTRIES_CRC_AT) == crc32c(0, out->entries, len);
}

size_t pack_index_seek(const struct pack_index *x, uint64_t key)
{
    size_t lo = 0, hi = x->count;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (pack_index_at(x, mid).key < key)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}
