/* Blobs as files of their own, `ab/cdef....zst` below the store: the large ones, and all that were
 * stored before there were packs. The functions are those of blob.h, without its caps. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

struct blob_files;

int blob_files_open(const char *dir, struct blob_files **out, struct err *err);
void blob_files_close(struct blob_files *s);
/* Keeps other writers of the store out for as long as it is open: -EBUSY. */
int blob_files_lock(struct blob_files *s, struct err *err);
/* Bytes before compression. */
uint64_t blob_files_total(const struct blob_files *s);
/* A file of that name may be torn by a crash; only one that gives the same bytes counts. */
bool blob_files_held(struct blob_files *s, const uint8_t sha256[SHA256_LEN], struct span data);
int blob_files_add(struct blob_files *s, const uint8_t sha256[SHA256_LEN], struct span data,
                   struct err *err);
int blob_files_sync(struct blob_files *s, struct err *err);
int blob_files_get(struct blob_files *s, const uint8_t sha256[SHA256_LEN], struct buf *out,
                   struct err *err);
int blob_files_remove(struct blob_files *s, const uint8_t sha256[SHA256_LEN], struct err *err);
/* Every file; `rc` is what blob_files_get says of it. Stops with what `each` returns unless 0. */
typedef int (*blob_files_each)(void *ctx, const uint8_t sha256[SHA256_LEN], uint64_t size, int rc);
int blob_files_walk(struct blob_files *s, blob_files_each each, void *ctx, struct err *err);
