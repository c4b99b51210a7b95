/* Account: who acts at this command line. A key file (made by `ebb account key`) holds the
 * account's secret, encrypted under a passphrase (Argon2id, XChaCha20-Poly1305); it lies with its
 * person, never on the server. Named by --account, --key, --passphrase-file or, where these are not
 * given, by the environment: EBB_ACCOUNT, EBB_KEY, EBB_PASSPHRASE_FILE. Without a passphrase file
 * the terminal is asked. */
#pragma once

#include "app/casedir.h"
#include "app/cli.h"
#include "state/accounts.h"

#define ACCOUNT_SEED_LEN 32

struct account_key {
    char name[ACT_ACCOUNT_MAX + 1];
    uint8_t seed[ACCOUNT_SEED_LEN]; /* both pairs come from it */
    uint8_t box[ACCOUNT_BOX_LEN], box_secret[32];
    uint8_t sign[ACT_SIGN_PUBLIC], sign_secret[ACT_SIGN_SECRET];
};

/* The name that was given; NULL: none. */
const char *account_named(const struct cli *cli);
/* Reads the named account's key file and opens it. Wipe it after use.
 * -ENOKEY: nobody is named, or there is no key file; -EACCES: a wrong passphrase. */
int account_unlock(const struct cli *cli, struct account_key *out, struct err *err);
/* For a process in which commands only make the acts of somebody who signs them elsewhere
 * (case_act.h): account_unlock() gives this one, which has no secrets. Borrowed. */
void account_is_elsewhere(const struct account_key *key);
void account_wipe(struct account_key *key);

/* A fresh secret. */
void account_key_make(const char *name, struct account_key *out);
/* As a key file's text. What opening costs: "interactive" (Argon2id with 64 MiB), "moderate" (256
 * MiB; also NULL), "sensitive" (1 GiB); -EINVAL for another. */
int account_key_write(const struct account_key *key, const char *cost, struct span passphrase,
                      struct buf *file, struct err *err);
/* -EBADMSG: not a key file; -EACCES: a wrong passphrase. */
int account_key_open(struct span file, struct span passphrase, struct account_key *out,
                     struct err *err);
/* The public half, for `ebb account add --public`: "ebb-account-public v1 NAME BOX SIGN", hex. */
void account_public_put(const struct account_key *key, struct buf *out);
int account_public_parse(struct span text, struct account_key *out, struct err *err);
/* A passphrase from the file, or the terminal (twice when `new`); without the line's end. */
int account_passphrase(const struct cli *cli, const char *prompt, bool new, struct buf *out,
                       struct err *err);
