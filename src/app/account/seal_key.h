/* Seal key: a pair of the case's own (libsodium sealed boxes, X25519). Sensors hold the public half
 * and seal credentials that they are told; only who has the case's keys/ can read them. */
#pragma once

#include "base/buf.h"
#include "net/net.h"

/* The public key, from keys/seal.pub; both are made when there are none yet. */
int seal_key_load(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err);
/* Both halves, for opening what was sealed (net/seal.h); wipe `secret` after use. -ENOENT. */
int seal_key_both(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN],
                  uint8_t secret[NET_SEAL_KEY_LEN], struct err *err);
