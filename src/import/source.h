/* Source: the bytes of one import file, unpacked (gzip, zstd) on the way, with its digest.
 *
 * A file is read twice: source_open() hashes it (the digest must be known before the first record,
 * to see whether it is already on the log), reading it the second time unpacks it. Files up to
 * SOURCE_MEMORY_MAX are kept in memory between the two; for larger ones the checksum of each
 * SOURCE_CHUNK is kept, so that a file that changes while it is read is found before the changed
 * bytes are used. Unpacking is bounded: SOURCE_RATIO_MAX and SOURCE_UNPACKED_MAX. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define SOURCE_MEMORY_MAX   (64u << 20)
#define SOURCE_HEAD_MAX     4096 /* what formats are recognised by */
#define SOURCE_RATIO_MAX    400  /* unpacked : packed, past SOURCE_RATIO_FREE bytes */
#define SOURCE_RATIO_FREE   (64ull << 20)
#define SOURCE_UNPACKED_MAX (1ull << 40)
#define SOURCE_WINDOW_LOG   27           /* zstd frames that need more memory are refused */
#define SOURCE_CHUNK        (256u << 10) /* read, checked and handed out at a time: half a cache */

struct source;

/* Opens and hashes. Refuses what is no regular file (a directory, a device), an unreadable path, an
 * empty file (-ENODATA), and a file that changes meanwhile (-ESTALE). */
int source_open(const char *path, struct source **out, struct err *err);
/* The same over bytes in memory (borrowed), for tests and fuzzing. */
int source_open_memory(struct span data, const char *name, struct source **out, struct err *err);
void source_close(struct source *s);
/* Hands out (and unpacks) n bytes at most a time, for tests of chunk borders. */
void source_set_chunk(struct source *s, size_t n);

const char *source_name(const struct source *s);
const uint8_t *source_sha256(const struct source *s); /* of the file as it is on disk */
uint64_t source_size(const struct source *s);         /* of the file as it is on disk */
uint64_t source_consumed(const struct source *s);     /* of source_size, for progress */
uint64_t source_offset(const struct source *s);       /* unpacked bytes handed out so far */
/* The packed file when it is held in memory, else an empty span. */
struct span source_packed(const struct source *s);

/* The first unpacked bytes (SOURCE_HEAD_MAX at most) without consuming them; call it before the
 * first source_read. Where the source breaks off within them, what was whole is given, and the
 * error comes from source_read; negative only when there is nothing to give. */
int source_head(struct source *s, struct span *head, struct err *err);
/* The next unpacked bytes, one at least, borrowed until the next call. 1 bytes, 0 end, negative
 * error: -ESTALE the file changed while it was read; -EBADMSG its packing is corrupt, cut off or
 * followed by something else; -EFBIG it unpacks to more than the bounds. All whole bytes before an
 * error are given first; an error stays. */
int source_read(struct source *s, struct span *out, struct err *err);
/* Appends to `in` until it holds n bytes: what is left of the piece, which source_read gave last,
 * then what it gives next. 1, or what source_read returned when no more bytes came. */
int source_fill(struct source *s, struct cur *piece, size_t n, struct buf *in);
/* The rest as a stdio stream, for libraries that want one (libpcap). The caller closes it, before
 * source_close. A read error is in source_stream_error(). */
FILE *source_stream(struct source *s, struct err *err);
/* 0, or the negative code of what broke the stream, with its text. */
int source_stream_error(const struct source *s, struct err *err);
