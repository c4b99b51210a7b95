/* Seal key: a pair of the case's own (libsodium sealed boxes, X25519). Sensors hold the public half and
 * seal credentials that they are told; only who has the case's keys/ can read them. */
#pragma once

#include "base/buf.h"
#include "net/net.h"

/* The public key, from keys/seal.pub; both are made when there are none yet. */
int seal_key_load(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err);
/* Opens a sealed box with keys/seal.key, appended to out. -EBADMSG when it was not sealed for this case. */
int seal_key_open(const char *case_dir, struct span sealed, struct buf *out, struct err *err);
