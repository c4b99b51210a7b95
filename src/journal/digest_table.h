/* Hash table from the first 8 bytes of a SHA-256 to where that blob may be. 16 bytes a blob and the
 * room that hashing wants: who finds something compares the whole digest there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero bytes but for `secret` is an empty one. A value is never 0; keys may occur repeatedly.
 */
struct digest_table {
    struct digest_slot {
        uint64_t key, value;
    } * slots;
    unsigned bits; /* 2^bits slots, once there are any */
    size_t used;
    uint64_t secret; /* so that nobody outside chooses who collides */
};

uint64_t digest_key(const uint8_t *sha256);
/* secret != 0 is the caller's: random. */
void digest_table_init(struct digest_table *t, uint64_t secret);
void digest_table_free(struct digest_table *t);
void digest_table_add(struct digest_table *t, uint64_t key, uint64_t value);
/* The values of a key, one after the other: *at is 0 before the first. */
bool digest_table_next(const struct digest_table *t, uint64_t key, size_t *at, uint64_t *value);
/* Replaces one value by another. */
void digest_table_set(struct digest_table *t, uint64_t key, uint64_t old, uint64_t value);
/* Keeps what `keep` says. */
void digest_table_filter(struct digest_table *t, bool (*keep)(uint64_t value, uint64_t ctx),
                         uint64_t ctx);
