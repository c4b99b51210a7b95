/* Receipt: what an informant keeps, and all that is needed to come back: eleven words. The first
 * three find the lead; the other eight are a secret of 88 bits, from which Argon2id with the lead's
 * own salt makes its keys. Nothing of the secret is kept; the lead's entry has public keys.
 *
 * A receipt that is wrong, and one whose lead is not there, cost what a right one costs: the same
 * Argon2id with a salt that looks the same, and the same comparison (receipt_open()). */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define RECEIPT_LOCATOR_WORDS 3
#define RECEIPT_SECRET_WORDS  8
#define RECEIPT_WORDS         (RECEIPT_LOCATOR_WORDS + RECEIPT_SECRET_WORDS)
#define RECEIPT_LOCATOR_LEN   6 /* three 16-bit words */
#define RECEIPT_SALT_LEN      16
#define RECEIPT_TEXT_MAX      4096 /* of a text with a receipt in it */

/* Argon2id (RFC 9106): six passes over 32 MiB, one lane: about 0.15 s of a processor. Less memory
 * than for a passphrase (account.h): the secret is 88 random bits, and a process that takes a lead
 * in is to stay below 64 MB. */
#define RECEIPT_OPERATIONS 6
#define RECEIPT_MEMORY     (32u << 20)

/* Values of words. Wipe it after use (receipt_wipe). */
struct receipt {
    uint16_t word[RECEIPT_WORDS];
};
void receipt_make(struct receipt *out);
void receipt_wipe(struct receipt *r);
/* Another locator, where the first is taken. */
void receipt_move(struct receipt *r);
/* "apple bread ...": appended, without a line's end. */
void receipt_put(const struct receipt *r, struct buf *out);
/* Words with anything but letters between them, in any case; four letters of each are enough.
 * -EINVAL with which word is wrong, or how many there are. */
int receipt_parse(struct span text, struct receipt *out, struct err *err);
/* How many words a text has, and which is the first that is none of ours (from 1; 0: all are): for
 * who says it in another language than receipt_parse(). */
unsigned receipt_count(struct span text, unsigned *wrong);
void receipt_locator(const struct receipt *r, uint8_t locator[RECEIPT_LOCATOR_LEN]);

/* What comes from a receipt and a salt. Wipe it, too. */
struct receipt_keys {
    uint8_t box[32], box_secret[32]; /* X25519: answers are sealed to it */
    uint8_t verify[32], sign[64];    /* Ed25519: what its holder says is signed with it */
    uint8_t opening[32];             /* of the lead's commitment */
};
/* -ENOMEM when there is none for Argon2id. */
int receipt_keys(const struct receipt *r, const uint8_t salt[RECEIPT_SALT_LEN],
                 struct receipt_keys *out, struct err *err);
void receipt_keys_wipe(struct receipt_keys *k);

/* What the case has of a lead; NULL where the locator finds none. */
struct receipt_lead {
    const uint8_t *salt, *box; /* RECEIPT_SALT_LEN, 32 */
};
/* Opens: 1 the receipt is right, 0 it is not (or there is no such lead; out is wiped), negative.
 * `decoy`: a secret of this server, which makes the salt of leads that are not there. */
#define RECEIPT_DECOY_LEN 32
int receipt_open(const struct receipt *r, const struct receipt_lead *lead,
                 const uint8_t decoy[RECEIPT_DECOY_LEN], struct receipt_keys *out, struct err *err);

/* SHA-256(opening || SHA-256 of the content): on the log with the lead; shows who has the receipt
 * and the content that they were first, and nobody else anything. */
void receipt_commitment(const struct receipt_keys *k, const uint8_t content[SHA256_LEN],
                        uint8_t out[SHA256_LEN]);
