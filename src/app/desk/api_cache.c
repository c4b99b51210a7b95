/* Answers that are kept: as long as the log has not grown, and for a short while, because what is
 * over or expiring depends on the clock, too. What counts observations and took long is given again
 * while the log grows, ten times as long as it took at most, until an act is put on the log here:
 * its "position" says what it counts. */
#include <stdlib.h>
#include <string.h>

#include "app/desk/api_impl.h"
#include "base/clock.h"
#include "base/mem.h"

#define KEPT_MAX   64
#define KEPT_BYTES (4u << 20)
#define KEPT_MS    5000
#define SLOW_MS    500 /* what took so long is kept though the log grows */
#define SLOW_TIMES 10
#define SLOW_MAX   60000

struct api_kept {
    struct kept {
        char *key;
        uint64_t position;
        int64_t at, took;
        struct buf body;
    } entry[KEPT_MAX];
    unsigned next; /* the oldest */
    size_t bytes;
};

struct api_kept *api_kept_new(void)
{
    return mem_zeroed(1, sizeof(struct api_kept));
}

static void drop(struct api_kept *k, struct kept *e)
{
    k->bytes -= e->body.n;
    free(e->key);
    buf_free(&e->body);
    *e = (struct kept){0};
}

void api_kept_free(struct api_kept *k)
{
    for (unsigned i = 0; i < KEPT_MAX; i++)
        drop(k, &k->entry[i]);
    free(k);
}

static bool is_observed(const char *key)
{
    return strncmp(key, "census", 6) == 0 || strncmp(key, "spam", 4) == 0 ||
           strncmp(key, "brands", 6) == 0 || strncmp(key, "contacts queue", 14) == 0;
}

static bool is_good(const struct kept *e, uint64_t position)
{
    int64_t age = clock_ms() - e->at, slow = e->took * SLOW_TIMES;
    if (e->position == position)
        return age < KEPT_MS;
    return is_observed(e->key) && e->took >= SLOW_MS && age < (slow < SLOW_MAX ? slow : SLOW_MAX);
}

void api_kept_clear(struct api_kept *k)
{
    for (unsigned i = 0; i < KEPT_MAX; i++)
        drop(k, &k->entry[i]);
}

const struct buf *api_kept_find(const struct api_kept *k, const char *key, uint64_t position)
{
    for (unsigned i = 0; i < KEPT_MAX; i++) {
        const struct kept *e = &k->entry[i];
        if (e->key && strcmp(e->key, key) == 0 && is_good(e, position))
            return &e->body;
    }
    return NULL;
}

void api_kept_put(struct api_kept *k, const char *key, uint64_t position, int64_t took,
                  struct span body)
{
    for (unsigned i = 0; i < KEPT_MAX && k->bytes + body.n > KEPT_BYTES; i++)
        drop(k, &k->entry[(k->next + i) % KEPT_MAX]);
    struct kept *e = &k->entry[k->next];
    k->next = (k->next + 1) % KEPT_MAX;
    drop(k, e);
    e->key = mem_resize(NULL, strlen(key) + 1, 1);
    memcpy(e->key, key, strlen(key) + 1);
    e->position = position;
    e->at = clock_ms();
    e->took = took;
    buf_span(&e->body, body);
    k->bytes += body.n;
}
