/* The envelope of acts: who acts, and their signature. Two members more in an act's map, whatever
 * kind it is: "account" (the name) and "sig" (Ed25519, RFC 8032). Readers of acts pass over them.
 */
#pragma once

#include "base/buf.h"

#define ACT_ACCOUNT_MAX   64 /* bytes of an account's name */
#define ACT_SIGN_PUBLIC   32
#define ACT_SIGN_SECRET   64 /* as libsodium has it: seed and public key */
#define ACT_SIGNATURE_LEN 64

/* Appends the payload with both members in it. What is signed: the text below, the log's origin (so
 * that an act of one case is none of another), the kind, and the payload with "account" and without
 * "sig". -1: the payload is not a CBOR map, or has one of them already. */
#define ACT_SIGNED_AS "ebb act v1\n"
int act_sign(struct span payload, uint8_t kind, const char *origin, struct span account,
             const uint8_t secret[ACT_SIGN_SECRET], struct buf *out);

/* The same for who signs elsewhere: `plain` is the payload with "account", `text` what is to be
 * signed. act_signature_put() makes the whole of plain and a signature. -1 likewise. */
int act_to_sign(struct span payload, uint8_t kind, const char *origin, struct span account,
                struct buf *plain, struct buf *text);
int act_signature_put(struct span plain, const uint8_t signature[ACT_SIGNATURE_LEN],
                      struct buf *out);

/* The account's name; empty when nobody signed. 0, -1 when it is not of that shape. */
int act_signer(struct span payload, struct span *account);
/* 1 the signature holds, 0 it does not, or there is none; -1 not of that shape. */
int act_signature_holds(struct span payload, uint8_t kind, const char *origin,
                        const uint8_t public_key[ACT_SIGN_PUBLIC]);
