/* Opening what was sealed about leads: themselves, messages, notes of reviewers; each by the index
 * of its entry. By an account's key (a keyring), or by a receipt. */
#pragma once

#include "app/account/account.h"
#include "app/casedir.h"
#include "lead/receipt.h"
#include "lead/seal.h"
#include "state/leads.h"

/* The keys that one account has. `c` has its casebook and VIEW_PURSUIT, key is borrowed. -EPERM:
 * the account is not in force here, the key is not its, or it reads no leads (auditors do not). */
struct lead_keyring;
int lead_keyring_open(struct casedir *c, const struct account_key *key, struct lead_keyring **out,
                      struct err *err);
void lead_keyring_close(struct lead_keyring *k); /* NULL does nothing */

/* What is open. unseal_manifest(reader) is the manifest: text, contact, names; unseal_next(reader)
 * the files. All of it is secret, and nothing of it is safe to print as it is (view/display.h). */
struct lead_opened {
    struct seal_reader *reader;
    struct lead_sealed_entry sealed;
    struct buf list;
    struct casedir *c;
};
/* -ENOENT: nothing is sealed under that entry (or it was deleted); -EPERM: the account has a
 * conflict of interest on that lead; -EACCES: it is not sealed to this account. Close it also after
 * a failure. */
int lead_open(struct lead_keyring *k, uint64_t entry, struct lead_opened *out, struct err *err);
int lead_open_by_receipt(struct casedir *c, const struct receipt_keys *keys, uint64_t entry,
                         struct lead_opened *out, struct err *err);
void lead_close(struct lead_opened *o);

/* Its key alone, and the digest of the list that it opens. The same errors. */
int lead_open_key(struct lead_keyring *k, const struct lead_sealed_entry *sealed,
                  uint8_t key[SEAL_KEY_LEN], struct err *err);
