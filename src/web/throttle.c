#include "web/throttle.h"

#include <sodium.h>

#include "base/mem.h"

#define KEY_LEN crypto_shorthash_BYTES

struct bucket {
    uint8_t key[KEY_LEN]; /* keyed hash: nobody can choose keys that fall together */
    int64_t at;           /* of the last try; 0: free */
    int64_t left_ms;      /* tries left, each worth each_ms */
};
struct throttle {
    uint8_t secret[crypto_shorthash_KEYBYTES];
    int64_t each_ms, most_ms;
    unsigned keys;
    struct bucket *bucket;
};

struct throttle *throttle_new(unsigned keys, unsigned burst, unsigned each_ms)
{
    struct throttle *t = mem_zeroed(1, sizeof *t);
    randombytes_buf(t->secret, sizeof t->secret);
    t->each_ms = each_ms;
    t->most_ms = (int64_t)burst * each_ms;
    t->keys = keys;
    t->bucket = mem_zeroed(keys, sizeof *t->bucket);
    return t;
}

void throttle_free(struct throttle *t)
{
    if (!t)
        return;
    free(t->bucket);
    free(t);
}

/* Its bucket, or the one that is taken for it. */
static struct bucket *find(struct throttle *t, struct span key, bool *found)
{
    uint8_t hash[KEY_LEN];
    struct bucket *oldest = &t->bucket[0];
    crypto_shorthash(hash, key.p, key.n, t->secret);
    for (unsigned i = 0; i < t->keys; i++) {
        struct bucket *b = &t->bucket[i];
        if (b->at && memcmp(b->key, hash, KEY_LEN) == 0) {
            *found = true;
            return b;
        }
        if (b->at < oldest->at)
            oldest = b;
    }
    *found = false;
    memcpy(oldest->key, hash, KEY_LEN);
    return oldest;
}

int64_t throttle_take(struct throttle *t, struct span key, int64_t now)
{
    bool found;
    struct bucket *b = find(t, key, &found);
    b->left_ms = found ? b->left_ms + (now - b->at) : t->most_ms;
    if (b->left_ms > t->most_ms)
        b->left_ms = t->most_ms;
    b->at = now ? now : 1;
    if (b->left_ms < t->each_ms)
        return t->each_ms - b->left_ms;
    b->left_ms -= t->each_ms;
    return 0;
}

void throttle_clear(struct throttle *t, struct span key)
{
    bool found;
    struct bucket *b = find(t, key, &found);
    b->at = 0;
}
