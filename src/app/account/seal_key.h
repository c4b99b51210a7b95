/* Seal key: a pair of the case's own (libsodium sealed boxes, X25519). Sensors hold the public half
 * and seal credentials that they are told; only who has the case's keys/ can read them. */
#pragma once

#include "base/buf.h"
#include "net/seal.h"

/* The public key, from keys/seal.pub; both are made when there are none yet. */
int seal_key_load(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err);

/* Keys that were replaced stay, for what was sealed to them: keys/seal.ID.key. An id is the first 4
 * bytes of the public key's SHA-256, in hex. */
#define SEAL_KEY_ID_MAX 9
#define SEAL_KEYS_MAX   64
void seal_key_id(const uint8_t public_key[NET_SEAL_KEY_LEN], char out[SEAL_KEY_ID_MAX]);
/* All pairs, the one in use first; wipe them after use. Their number; -ENOENT: there is none. */
int seal_key_all(const char *case_dir, struct seal_pair out[SEAL_KEYS_MAX], struct err *err);

/* Replacing it: `next` makes a pair beside the one in use; `use` goes over to the pair with that
 * public key, whose secret is there (-ENOENT), and may be done again after a crash; `drop` forgets
 * a next one that was never used. */
int seal_key_next(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err);
int seal_key_use(const char *case_dir, const uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err);
void seal_key_drop(const char *case_dir, const uint8_t public_key[NET_SEAL_KEY_LEN]);
