#include "view/clickhouse_frame.h"

#include <zstd.h>

#include "base/mem.h"

#define CHECKSUM_LEN 16
#define HEAD_LEN     9 /* method, size with the head, size of the data: little-endian */
#define METHOD_ZSTD  0x90

struct clickhouse_frames {
    ZSTD_CCtx *zstd;
};

struct clickhouse_frames *clickhouse_frames_new(int level)
{
    struct clickhouse_frames *f = mem_zeroed(1, sizeof *f);
    f->zstd = ZSTD_createCCtx();
    if (!f->zstd)
        abort();
    ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_compressionLevel, level);
    ZSTD_CCtx_setParameter(f->zstd, ZSTD_c_checksumFlag, 1);
    return f;
}

void clickhouse_frames_free(struct clickhouse_frames *f)
{
    if (!f)
        return;
    ZSTD_freeCCtx(f->zstd);
    free(f);
}

size_t clickhouse_frames_bound(size_t n)
{
    size_t whole = n / CLICKHOUSE_FRAME_DATA, rest = n % CLICKHOUSE_FRAME_DATA;
    size_t head = CHECKSUM_LEN + HEAD_LEN;
    return whole * (head + ZSTD_COMPRESSBOUND(CLICKHOUSE_FRAME_DATA)) +
           (rest ? head + ZSTD_COMPRESSBOUND(rest) : 0);
}

static void le32_put(uint8_t *p, size_t v)
{
    for (unsigned i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

size_t clickhouse_frame(struct clickhouse_frames *f, struct span data, uint8_t *out)
{
    uint8_t *at = out;
    while (data.n) {
        size_t n = data.n < CLICKHOUSE_FRAME_DATA ? data.n : CLICKHOUSE_FRAME_DATA;
        uint8_t *head = at + CHECKSUM_LEN, *body = head + HEAD_LEN;
        size_t packed = ZSTD_compress2(f->zstd, body, ZSTD_compressBound(n), data.p, n);
        if (ZSTD_isError(packed))
            abort(); /* there is room enough: nothing else can be wrong but memory */
        memset(at, 0, CHECKSUM_LEN);
        head[0] = METHOD_ZSTD;
        le32_put(head + 1, packed + HEAD_LEN);
        le32_put(head + 5, n);
        at = body + packed;
        data = span_of(data.p + n, data.n - n);
    }
    return (size_t)(at - out);
}
