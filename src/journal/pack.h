/* The bytes of pack files (doc/format.md, "Packs"): a header, then blocks. A block holds several
 * blobs, compressed together: mails that came in together are much alike. No file is touched here
 * but by the scanner, which reads one from a descriptor. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define PACK_VERSION    1
#define PACK_HEADER_LEN 32
#define PACK_ALIGN      32 /* so that a block's header never lies across two sectors */
#define PACK_BLOCK_LEN  32
#define PACK_ENTRY_LEN  (SHA256_LEN + 4)
#define PACK_BLOBS_MAX  1024
#define PACK_RAW_MAX    (256u << 10)
#define PACK_FRAME_MAX  (PACK_RAW_MAX + (PACK_RAW_MAX >> 8) + 64) /* what zstd may need at worst */
#define PACK_BLOCK_MAX                                                                             \
    (PACK_BLOCK_LEN + PACK_BLOBS_MAX * PACK_ENTRY_LEN + PACK_FRAME_MAX + PACK_ALIGN)
#define PACK_NAME_MAX 32

/* "<number>.pack" and "<number>.idx", 8 hexadecimal digits at least. */
void pack_name(char out[PACK_NAME_MAX], uint64_t number);
void pack_index_name(char out[PACK_NAME_MAX], uint64_t number);
bool pack_name_parse(const char *name, uint64_t *number);

/* The salt is random: block headers are checked with it, so that no content can look like one. */
void pack_header_put(uint8_t out[PACK_HEADER_LEN], uint64_t number, uint32_t salt);
/* 0; -EBADMSG; -EPROTO for a newer version. */
int pack_header_get(const uint8_t *p, size_t n, uint64_t number, uint32_t *salt);

struct pack_block {
    uint64_t offset; /* in the file */
    uint32_t frame;  /* bytes of the zstd frame */
    uint32_t raw;    /* bytes of all its blobs */
    uint32_t body_crc;
    uint16_t count; /* blobs */
    bool erased;
};
/* A block is its header, `count` entries (digest and length), the frame, and zeros up to
 * PACK_ALIGN. */
static inline size_t pack_body_len(const struct pack_block *b)
{
    return (size_t)b->count * PACK_ENTRY_LEN + b->frame;
}
static inline size_t pack_block_len(const struct pack_block *b)
{
    return (PACK_BLOCK_LEN + pack_body_len(b) + PACK_ALIGN - 1) & ~(size_t)(PACK_ALIGN - 1);
}
void pack_block_put(uint8_t out[PACK_BLOCK_LEN], uint32_t salt, const struct pack_block *b);
/* Whether that is the header of a block at that offset. */
bool pack_block_get(const uint8_t in[PACK_BLOCK_LEN], uint32_t salt, uint64_t offset,
                    struct pack_block *out);
/* The body is as it was written, and its lengths add up. */
bool pack_body_holds(const struct pack_block *b, const uint8_t *body);
void pack_entry_put(uint8_t out[PACK_ENTRY_LEN], const uint8_t sha256[SHA256_LEN], uint32_t length);

/* One blob of a block. */
struct pack_place {
    const uint8_t *sha256;
    uint32_t at, length; /* in what the frame unpacks to */
};
/* The i-th, walking: begin with *place all zero. False when there is none left, or a length cannot
 * be. */
bool pack_place_next(const struct pack_block *b, const uint8_t *entries, unsigned i,
                     struct pack_place *place);
bool pack_place_find(const struct pack_block *b, const uint8_t *entries,
                     const uint8_t sha256[SHA256_LEN], struct pack_place *out);

/* Reads a pack from block to block. What is damaged is passed over, up to the next block that
 * holds. */
struct pack_scan {
    int fd;
    uint32_t salt;
    uint64_t next;    /* where to go on */
    uint64_t whole;   /* the end of the last block that held */
    uint64_t damaged; /* blocks whose header held but not the body, with a whole one behind them */
    uint64_t suspect; /* the same, with none behind them yet: a torn tail, or a write under way */
    struct buf window;
    uint64_t window_at;
};
/* Begins at `whole`: PACK_HEADER_LEN, or where an earlier scan ended. The descriptor stays the
 * caller's. */
void pack_scan_begin(struct pack_scan *s, int fd, uint32_t salt, uint64_t whole);
/* 1: a block and its body, valid until the next call; 0 no more; negative errno. */
int pack_scan_next(struct pack_scan *s, struct pack_block *out, const uint8_t **body);
void pack_scan_end(struct pack_scan *s);

/* The index beside a closed pack: a header, then (first 8 bytes of a digest, offset of its block),
 * ordered. */
#define PACK_INDEX_HEADER_LEN 48
#define PACK_INDEX_ENTRY_LEN  16
struct pack_index {
    const uint8_t *entries;
    size_t count;
    uint64_t pack_size, raw; /* bytes of the pack; bytes of its blobs before compression */
};
struct pack_index_entry {
    uint64_t key, offset;
};
/* Sorts the entries, and appends the file's bytes. */
void pack_index_put(struct buf *out, uint64_t number, uint64_t pack_size, uint64_t raw,
                    struct pack_index_entry *entries, size_t n);
/* Whether these bytes are the index of that pack; *out points into them. */
bool pack_index_get(struct span file, uint64_t number, struct pack_index *out);
/* The first entry with that key or a greater one. */
size_t pack_index_seek(const struct pack_index *x, uint64_t key);
static inline struct pack_index_entry pack_index_at(const struct pack_index *x, size_t i)
{
    const uint8_t *p = x->entries + i * PACK_INDEX_ENTRY_LEN;
    return (struct pack_index_entry){be64_get(p), be64_get(p + 8)};
}
