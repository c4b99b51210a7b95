/* Clickhouse_frame: data on its way to a ClickHouse server, compressed in the frames that it takes
 * with `decompress=1`: 16 bytes of checksum, the method (0x90 ZSTD), sizes, and a zstd frame. The
 * checksum stays zero (the statement says
 * http_native_compression_disable_checksumming_on_decompress); zstd's own is there instead (RFC
 * 8878, 3.1.1: Content_Checksum), which the server checks, too. */
#pragma once

#include "base/buf.h"

#define CLICKHOUSE_FRAME_DATA (1u << 20) /* bytes of data in one frame */

struct clickhouse_frames;
/* `level` of zstd; 1 keeps up with 300,000 rows a second (bench/ship.py). */
struct clickhouse_frames *clickhouse_frames_new(int level);
void clickhouse_frames_free(struct clickhouse_frames *f);
/* The most that `n` bytes take. */
size_t clickhouse_frames_bound(size_t n);
/* Writes data in frames to `out`, which has room for clickhouse_frames_bound(); gives how much. */
size_t clickhouse_frame(struct clickhouse_frames *f, struct span data, uint8_t *out);
