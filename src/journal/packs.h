/* The packs of a blob store: finding a blob in them (packs.c) and adding and erasing
 * (packs_write.c). One process writes; any number read beside it. */
#pragma once

#include <zstd.h>

#include "journal/digest_table.h"
#include "journal/pack.h"

#define PACKS_OPEN_MAX 8 /* descriptors of packs that are kept for reading */

/* A pack whose index is at hand, or which was scanned into `seen`. */
struct packs_ref {
    uint64_t number;
    struct span file; /* the index: mapped, or our own memory; {NULL, 0}: scanned */
    bool mapped;
    struct pack_index index;
    struct pack_scan scan;
    uint64_t raw; /* scanned: bytes of its blobs */
};

struct packs_file {
    uint64_t number; /* 0: none */
    int fd;
    uint32_t salt;
};

struct packs_writer;

struct packs {
    char *dir;
    int fd; /* of the folder; -1 when there is none */
    struct packs_ref *refs;
    size_t refs_n, refs_cap; /* ascending */
    struct packs_file files[PACKS_OPEN_MAX];
    unsigned files_next;
    struct digest_table seen; /* value: packs_value(), or what the writer has not written yet */
    ZSTD_DCtx *decompress;
    struct buf block;                /* header and entries, or the whole block, read last */
    uint64_t raw_number, raw_offset; /* the block that `raw` has unpacked; 0: none */
    struct buf raw;
    uint64_t total;              /* bytes of all blobs in packs, before compression */
    uint64_t damaged;            /* blocks that did not hold when they were scanned */
    struct buf broken;           /* of these, those of packs without an index: struct packs_at */
    struct packs_writer *writer; /* NULL for a reader */
};

struct packs_at {
    uint64_t number, offset;
};

/* Where a block lies, in one word. */
#define PACKS_PENDING (1ull << 63) /* the writer's: not written yet, the rest is its number */
static inline uint64_t packs_value(uint64_t number, uint64_t offset)
{
    return number << 31 | offset / PACK_ALIGN; /* numbers have 32 bits, packs less than 64 GiB */
}
static inline uint64_t packs_value_number(uint64_t value)
{
    return value >> 31;
}
static inline uint64_t packs_value_offset(uint64_t value)
{
    return (value & 0x7fffffff) * PACK_ALIGN;
}

/* ---- packs.c ---- */

/* `store` is the blob store's folder. A reader finds what is there now; missing is empty. */
int packs_open(const char *store, struct packs **out, struct err *err);
void packs_close(struct packs *p);
/* Looks for what a writer has added since. 1 there is something new, 0 not, negative. */
int packs_refresh(struct packs *p, struct err *err);
/* Appends the blob, checked against its digest; -ENOENT; -EBADMSG when its only copy is damaged. */
int packs_get(struct packs *p, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err);
/* Every blob, pack by pack; `rc` is 0 or -EBADMSG. Stops with what `each` returns unless 0. */
int packs_walk(struct packs *p,
               int (*each)(void *ctx, const uint8_t sha256[SHA256_LEN], uint64_t size, int rc),
               void *ctx, struct err *err);

/* For the writer. */
int packs_index_load(struct packs *p, uint64_t number, struct packs_ref *out);
void packs_ref_free(struct packs_ref *r);
struct packs_ref *packs_ref_add(struct packs *p, uint64_t number);
/* Reads a block's header and entries, with `all` its frame too, into p->block. 1; 0 it is none, or
 * erased; -EBADMSG its body does not hold (asked for `all`); negative errno. */
int packs_block(struct packs *p, uint64_t number, uint64_t offset, bool all, struct pack_block *out,
                struct err *err);
/* Unpacks the block just read whole into p->raw; -EBADMSG. */
int packs_unpack(struct packs *p, uint64_t number, const struct pack_block *b);
/* Forgets descriptors and what was unpacked. */
void packs_forget(struct packs *p);
/* Calls `each` with every place that may have the digest, until it returns other than 0. */
int packs_candidates(struct packs *p, const uint8_t sha256[SHA256_LEN],
                     int (*each)(struct packs *p, uint64_t number, uint64_t offset, void *ctx),
                     void *ctx);

/* ---- packs_write.c ---- */

#define PACKS_LIMIT (256ull << 20) /* a pack of that size is closed */

/* Prepares for adding: cuts a torn tail, makes what is missing of the indexes. */
int packs_writer_open(struct packs *p, struct err *err);
void packs_writer_close(struct packs *p);
void packs_writer_set_limit(struct packs *p, uint64_t bytes);
uint64_t packs_writer_cut(const struct packs *p);
/* Whether the blob is known to be there: one that lies far back may be missed. */
bool packs_held(struct packs *p, const uint8_t sha256[SHA256_LEN]);
int packs_add(struct packs *p, const uint8_t sha256[SHA256_LEN], struct span data, struct err *err);
/* Makes what was added durable. When it fails, what was added stays and the next call tries again.
 */
int packs_sync(struct packs *p, struct err *err);
/* Forgets what was added since the last packs_sync. */
void packs_drop(struct packs *p);
/* Erases all copies; the other blobs of their blocks are stored anew. Durable. */
int packs_remove(struct packs *p, const uint8_t sha256[SHA256_LEN], struct err *err);
/* The same of many: digests one after the other, ascending. */
int packs_remove_many(struct packs *p, const uint8_t *sorted, size_t n, struct err *err);
/* What is not written yet, for packs_get: appends it; -ENOENT. */
int packs_pending(struct packs *p, const uint8_t sha256[SHA256_LEN], struct buf *out);
