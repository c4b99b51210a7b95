#include "state/cleanup.h"

#include <stdlib.h>

#include "base/mem.h"

struct cleanup {
    uint64_t position;
};

int cleanup_open(const char *dir, struct cleanup **out, struct err *err)
{
    *out = mem_zeroed(1, sizeof **out);
    return 0;
}

void cleanup_close(struct cleanup *v)
{
    free(v);
}

uint64_t cleanup_position(const struct cleanup *v)
{
    return v->position;
}

void cleanup_advance(struct cleanup *v, uint64_t position)
{
    v->position = position;
}

int cleanup_snapshot(struct cleanup *v, struct err *err)
{
    return 0;
}

void cleanup_act(struct cleanup *v, uint8_t kind, uint64_t index, int64_t time, struct span payload)
{
}

void cleanup_blobs(struct cleanup *v,
                   int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                               struct err *err),
                   void *ctx)
{
}
