/* Wraps: the key of what was sealed, for each who may open it. A wrap is crypto_box_seal() of the
 * key and the SHA-256 of the list that it opens, so that a key serves for nothing else. They are
 * kept as text, a row each, in the order in which they were added:
 *
 *   account,wrap          of one sealed thing     (wraps of a lead, a message, a note)
 *   entry,account,wrap    of many, in order       (keys wrapped once more)
 *
 * wrap: base64 of WRAP_LEN bytes. The receipt's own row has the name WRAP_RECEIPT. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"
#include "lead/seal.h"

#define WRAP_LEN         112 /* 48 + key + digest */
#define WRAP_RECEIPT     "*receipt"
#define WRAP_ACCOUNT_MAX 64
#define WRAP_TEXT_MAX    (8u << 20)

/* Appends a row; entry UINT64_MAX: rows without. -EINVAL: that is no X25519 public key. */
int wrap_put(uint64_t entry, struct span account, const uint8_t box[32],
             const uint8_t key[SEAL_KEY_LEN], const uint8_t list[SHA256_LEN], struct buf *out,
             struct err *err);

struct wrap_row {
    uint64_t entry; /* UINT64_MAX: rows without */
    struct span account;
    uint8_t wrap[WRAP_LEN];
};
/* The next row of a text whose rows have entries, or not: 1, 0 the end, -EBADMSG. */
int wrap_next(struct cur *c, bool entries, struct wrap_row *out, struct err *err);
/* Opens one: 0; -EACCES: not for that key, or of another list. */
int wrap_open(const struct wrap_row *row, const uint8_t box[32], const uint8_t box_secret[32],
              const uint8_t list[SHA256_LEN], uint8_t key[SEAL_KEY_LEN], struct err *err);
