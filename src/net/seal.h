/* Seal: what may be a victim's secret is kept only so that the holder of the case's secret key can
 * read it (libsodium sealed boxes). One text may hold many secrets: each is put in front of the box
 * before it, and both are sealed again, so that nothing is ever kept in the clear until an event is
 * written, and the field is one sealed box however many there are.
 *
 * What a box holds: the newest secret, a line feed, and then, when there was one before, its box.
 */
#pragma once

#include "base/arena.h"
#include "net/net.h"

#define SEAL_BOXES_MAX (16u << 10) /* bytes of a chain of boxes */
#define SEAL_EXTRA     49          /* bytes that a secret adds to its own: box and line feed */

/* To be called once a process, before it is locked in: finds a source of random bytes. -EIO. */
int seal_init(struct err *err);
/* Seals a secret (no line feed in it) together with the chain, which becomes the new one; room for
 * the secret and SEAL_EXTRA is already reserved there. `arena` holds what is sealed for a moment,
 * wiped behind it. False, and nothing changed: the chain is full. */
bool seal_push(const uint8_t key[NET_SEAL_KEY_LEN], struct span secret, struct arena *arena,
               struct buf *chain);
/* The secrets of a chain in the order in which they were pushed, into out (max at most, the newest
 * ones); memory is the arena's. Their number, or -1 when a box does not open. */
int seal_open(const uint8_t public_key[NET_SEAL_KEY_LEN],
              const uint8_t secret_key[NET_SEAL_KEY_LEN], struct span chain, struct arena *arena,
              struct span *out, int max);
/* The same where the case has had several keys: each box may be of any of them. */
struct seal_pair {
    uint8_t public_key[NET_SEAL_KEY_LEN], secret_key[NET_SEAL_KEY_LEN];
};
int seal_open_any(const struct seal_pair *pairs, size_t n_pairs, struct span chain,
                  struct arena *arena, struct span *out, int max);
