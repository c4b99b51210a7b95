/* Sealing to the reviewers: contents go into the case so that they alone can read them, by
 * accounts' keys (state/accounts.h). */
#pragma once

#include "app/case_act.h"
#include "app/lead/lead_content.h"
#include "state/accounts.h"

#define LEAD_READERS_MAX 1024

/* Accounts that leads are sealed to: in force, with the key for it. */
struct lead_readers {
    size_t n;
    struct lead_reader {
        char name[ACT_ACCOUNT_MAX + 1];
        uint8_t box[ACCOUNT_BOX_LEN];
    } * list;
};
/* -ENOKEY: there is nobody. Free it also after a failure. */
int lead_readers(struct casebook *cb, struct lead_readers *out, struct err *err);
void lead_readers_free(struct lead_readers *r);

/* Members of the act that names it. */
struct lead_sealed {
    uint8_t content[SHA256_LEN], wraps[SHA256_LEN];
    uint64_t size, files;
};
/* Seals, and keeps the parts, the list and the wraps: durable when it returns 0. receipt: its
 * public key, to seal to it, too; NULL: to the readers alone. Before case_acts(), and while no
 * journal of the case is open for writing. */
int lead_seal(const struct cli *cli, const struct lead_content *c, const struct lead_readers *to,
              const uint8_t *receipt, struct lead_sealed *out, struct err *err);
/* The same of words alone: a note, an answer. */
int lead_seal_words(const struct cli *cli, struct casebook *cb, struct span text,
                    const uint8_t *receipt, struct lead_sealed *out, struct err *err);
/* A large part is a file of its own: its times are cut to the day, as far as a file system lets
 * (doc/leads.md says what remains). There is nothing to do for a part that has none. */
void lead_blur_part(const char *case_dir, const uint8_t digest[SHA256_LEN]);
