#include "net/seal.h"

#include <errno.h>
#include <sodium.h>

_Static_assert(NET_SEAL_KEY_LEN == crypto_box_PUBLICKEYBYTES, "a seal's key is a box's");
_Static_assert(SEAL_EXTRA == crypto_box_SEALBYTES + 1, "what a box adds");

int seal_init(struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, -EIO, "seal: libsodium finds no random bytes");
    uint8_t first[1];
    randombytes_buf(first,
                    sizeof first); /* opens what it needs now, not when it may not any more */
    return 0;
}

bool seal_push(const uint8_t key[NET_SEAL_KEY_LEN], struct span secret, struct arena *arena,
               struct buf *chain)
{
    size_t n = secret.n + 1 + chain->n;
    if (secret.n > SEAL_BOXES_MAX || n + crypto_box_SEALBYTES > SEAL_BOXES_MAX)
        return false;
    uint8_t *clear = arena_alloc(arena, n);
    if (secret.n)
        memcpy(clear, secret.p, secret.n);
    clear[secret.n] = '\n';
    if (chain->n)
        memcpy(clear + secret.n + 1, chain->p, chain->n);
    chain->n = 0;
    buf_reserve(chain, n + crypto_box_SEALBYTES);
    bool sealed = crypto_box_seal(chain->p, clear, n, key) == 0;
    if (sealed)
        chain->n = n + crypto_box_SEALBYTES; /* else a key that is no point: nothing is kept */
    sodium_memzero(clear, n);
    return sealed;
}

static bool open_box(const struct seal_pair *pairs, size_t n_pairs, struct span box, uint8_t *clear)
{
    for (size_t i = 0; i < n_pairs; i++)
        if (crypto_box_seal_open(clear, box.p, box.n, pairs[i].public_key, pairs[i].secret_key) ==
            0)
            return true;
    return false;
}

int seal_open_any(const struct seal_pair *pairs, size_t n_pairs, struct span chain,
                  struct arena *arena, struct span *out, int max)
{
    int n = 0;
    while (chain.n && n < max) {
        if (chain.n < crypto_box_SEALBYTES)
            return -1;
        size_t left = chain.n - crypto_box_SEALBYTES;
        uint8_t *clear = arena_alloc(arena, left + 1);
        if (!open_box(pairs, n_pairs, chain, clear))
            return -1;
        const uint8_t *lf = memchr(clear, '\n', left);
        if (!lf)
            return -1;
        out[n++] = span_of(clear, (size_t)(lf - clear));
        chain = span_of(lf + 1, left - (size_t)(lf + 1 - clear));
    }
    for (int i = 0; i < n / 2; i++) {
        struct span swapped = out[i];
        out[i] = out[n - 1 - i];
        out[n - 1 - i] = swapped;
    }
    return n;
}

int seal_open(const uint8_t public_key[NET_SEAL_KEY_LEN],
              const uint8_t secret_key[NET_SEAL_KEY_LEN], struct span chain, struct arena *arena,
              struct span *out, int max)
{
    struct seal_pair pair;
    memcpy(pair.public_key, public_key, NET_SEAL_KEY_LEN);
    memcpy(pair.secret_key, secret_key, NET_SEAL_KEY_LEN);
    int n = seal_open_any(&pair, 1, chain, arena, out, max);
    sodium_memzero(&pair, sizeof pair);
    return n;
}
