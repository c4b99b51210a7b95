/* Lead submission: what comes between somebody's words and their receipt, whoever takes them in: a
 * command or a page. The words are sealed in this process and nothing of them is kept in clear. */
#pragma once

#include "app/lead/lead_seal.h"
#include "lead/receipt.h"

/* A lead under way. All of it is secret: lead_submit_wipe(). */
struct lead_submit {
    struct lead_readers readers;
    struct receipt receipt;
    struct receipt_keys keys;
    uint8_t salt[RECEIPT_SALT_LEN], locator[RECEIPT_LOCATOR_LEN];
    uint8_t commitment[SHA256_LEN]; /* no two leads have the same */
    struct lead_sealed sealed;
    uint64_t entry;
};

/* A receipt, its keys, and who is to read it: all that can go wrong before anything is kept. `c`
 * has its casebook and VIEW_PURSUIT. Costs what a receipt costs (lead/receipt.h). -ENOKEY: nobody
 * could read it. */
int lead_submit_begin(struct casedir *c, const struct lead_content *content,
                      struct lead_submit *out, struct err *err);
/* Seals it and puts it on the log, with the work that was paid (bits; 0: none). It is durable when
 * it returns 0, and s->entry and s->sealed say where. */
int lead_submit_take(const struct cli *cli, const struct lead_content *content, unsigned work,
                     struct lead_submit *s, struct err *err);
/* In any state. */
void lead_submit_wipe(struct lead_submit *s);
