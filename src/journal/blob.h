/* Blobs: raw mail, bodies, imported files, each once by its SHA-256, zstd-compressed, below
 * `blobs/ab/cdef....zst`. Written before the entry that points at it is committed. One process puts
 * and removes (the journal's writer); any number get. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

struct blob_store;

/* `dir` is the store's own folder, made when it is missing. max_one and max_total are bytes before
 * compression (0: no limit). */
int blob_open(const char *dir, uint64_t max_one, uint64_t max_total, struct blob_store **out,
              struct err *err);
void blob_close(struct blob_store *s);
/* Stores and gives the digest. 0 stored or already there; 1 not stored: over a cap; negative. */
int blob_put(struct blob_store *s, struct span data, uint8_t sha256[SHA256_LEN], struct err *err);
/* Makes what was put durable; called before journal_commit. */
int blob_sync(struct blob_store *s, struct err *err);
/* Appends the bytes to out and checks them against the digest; -ENOENT, -EBADMSG. */
int blob_get(struct blob_store *s, const uint8_t sha256[SHA256_LEN], struct buf *out,
             struct err *err);
/* Erases one; 0 also when it is not there. */
int blob_remove(struct blob_store *s, const uint8_t sha256[SHA256_LEN], struct err *err);
