/* Blobs: raw mail, bodies, imported files, each by its SHA-256 and zstd-compressed below `blobs/`.
 * Small ones share pack files (journal/packs.h), which takes thousands a second; large ones are
 * files of their own. Written before the entry that points at it is committed. One process puts and
 * removes (the journal's writer); any number get. doc/format.md has the bytes. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define BLOB_PACKED_MAX (256u << 10) /* bytes of a blob that goes into a pack */

struct blob_store;

/* For the writer. `dir` is the store's own folder, made when it is missing. max_one and max_total
 * are bytes before compression (0: no limit). What a crash left half-written is cut off. -EBUSY
 * while another writer has it open. */
int blob_open(const char *dir, uint64_t max_one, uint64_t max_total, struct blob_store **out,
              struct err *err);
/* For readers, beside a writer too: blob_get and blob_walk alone. -ENOENT when there is no store.
 */
int blob_open_reader(const char *dir, struct blob_store **out, struct err *err);
void blob_close(struct blob_store *s);
/* Stores and gives the digest. 0 stored or already there; 1 not stored: over a cap; negative. A
 * small blob whose first copy lies millions of blobs back may be stored once more. */
int blob_put(struct blob_store *s, struct span data, uint8_t sha256[SHA256_LEN], struct err *err);
/* Makes what was put durable; called before journal_commit. When it fails (a full disk), what was
 * put stays in memory, at most 16 MiB of it, and the next call tries again. */
int blob_sync(struct blob_store *s, struct err *err);
/* Gives up what was put in packs since the last blob_sync that succeeded: for a writer that gives
 * up the entries too. */
void blob_drop(struct blob_store *s);
/* Appends the bytes to out and checks them against the digest; -ENOENT, -EBADMSG. */
int blob_get(struct blob_store *s, const uint8_t sha256[SHA256_LEN], struct buf *out,
             struct err *err);
/* Erases one, with all its copies: its bytes are overwritten in packs, and durably gone at return.
 * 0 also when it is not there. Makes pending puts durable first. */
int blob_remove(struct blob_store *s, const uint8_t sha256[SHA256_LEN], struct err *err);
/* The same of many, digests one after the other, ascending: what lies in one block is rewritten once. */
int blob_remove_many(struct blob_store *s, const uint8_t *sorted, size_t n, struct err *err);
/* Calls `each` for every blob that is stored (twice for one with two copies), after checking its
 * bytes: `rc` is 0, or -EBADMSG for one that is damaged. Ends early with what `each` returns unless
 * 0. */
int blob_walk(struct blob_store *s,
              int (*each)(void *ctx, const uint8_t sha256[SHA256_LEN], uint64_t size, int rc),
              void *ctx, struct err *err);

struct blob_info {
    uint64_t total;   /* bytes stored, before compression */
    uint64_t cut;     /* bytes that blob_open cut off a torn pack */
    uint64_t damaged; /* pack blocks that did not hold at the last scan: blobs are lost */
};
void blob_info(const struct blob_store *s, struct blob_info *out);
/* For tests: when a pack is closed and the next begun (256 MiB). */
void blob_set_pack_limit(struct blob_store *s, uint64_t bytes);
