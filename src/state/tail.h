/* Tail: a file of a view that only grows. The view's snapshot says how many of its bytes count, so
 * what was written behind them before a crash does not. Bytes added since the last writing are kept
 * in memory: a reader that takes in what the log has beyond the snapshot writes nothing. One
 * thread. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct tail;
/* The first `bytes` of the file `<dir>/<name>`; `check` is tail_check() from when they were
 * written. -EBADMSG when the file does not hold them. */
int tail_open(const char *dir, const char *name, uint64_t bytes, uint64_t check, struct tail **out,
              struct err *err);
void tail_close(struct tail *t);
/* Where new bytes are appended. */
struct buf *tail_pending(struct tail *t);
uint64_t tail_bytes(const struct tail *t); /* pending ones included */
/* A hash of the last bytes that are in the file, 0 when there are none. */
uint64_t tail_check(const struct tail *t);
/* Appends what is pending to the file, durably. */
int tail_write(struct tail *t, struct err *err);
/* Calls piece() with all bytes in order, in pieces; it says in *used how many of them it took (all
 * but what is cut off at a piece's end) and returns 0 to go on. 0, what it returned, or negative:
 * -EBADMSG when it cannot use what is left. */
int tail_each(struct tail *t, int (*piece)(void *ctx, struct span bytes, size_t *used), void *ctx,
              struct err *err);
/* The same from byte `from` on, where a record begins. */
int tail_each_from(struct tail *t, uint64_t from,
                   int (*piece)(void *ctx, struct span bytes, size_t *used), void *ctx,
                   struct err *err);
/* n bytes at `at`, which are there. -EBADMSG: the file does not have them. */
int tail_read(struct tail *t, uint64_t at, void *out, size_t n, struct err *err);
