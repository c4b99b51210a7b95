/* Where output goes: a file, plain or compressed by the name's end (.gz, .zst). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct sink;

/* Opens for writing, replacing what is there. "-" is standard output, uncompressed. */
int sink_open(const char *path, struct sink **out, struct err *err);
/* Bytes to be written: append to it, then call sink_flush(). Owned by the sink. */
struct buf *sink_buf(struct sink *s);
/* Writes the bytes out once there is a good piece of them. */
int sink_flush(struct sink *s, struct err *err);
/* Writes the rest and closes; frees in any case. NULL is allowed. A file that could not be written
 * in full is removed by sink_abandon(). */
int sink_close(struct sink *s, struct err *err);
void sink_abandon(struct sink *s);
