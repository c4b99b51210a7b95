/* Witnesses (C2SP tlog-witness): asks one to cosign the published checkpoint. */
#pragma once

#include "journal/prover.h"

/* The newest checkpoint with its cosignatures, beside log/checkpoint: a signed note that readers of
 * checkpoints take as it is. It is a little older than the checkpoint, which grows meanwhile. */
#define WITNESS_FILE "log/checkpoint.witnessed"

struct witness_ask {
    const char *url; /* its submission prefix */
    const struct note_key *key;
    unsigned timeout_s;
    const char *setting; /* of the config, for errors; NULL: "evidence.witnesses.url" */
    struct span ca;      /* as evidence_request has it */
    uint64_t known; /* how many entries the log had when it last signed, as far as we know */
};
/* Appends its signature line to `note`, which is the prover's; *time is when it signed. It is asked
 * once more when it knows another size than we thought. -EBADMSG: an answer that does not hold;
 * -ESTALE: it has seen a longer log than this one, or another root, so that one of both is not the
 * log that it was; others from evidence_post(). */
int witness_ask(struct journal_prover *p, const struct witness_ask *ask, struct buf *note,
                uint64_t *time, struct err *err);

/* For it, and for tests: the request's body, and what a witness's answer says. */
int witness_request(struct journal_prover *p, uint64_t old, struct buf *out, struct err *err);
/* `type`: the Content-Type. 1 signed: *line is its line, with *time; 0 it knows *size entries;
 * negative. */
int witness_answer(long status, const char *type, struct span body, struct span checkpoint_text,
                   const struct note_key *key, struct span *line, uint64_t *time, uint64_t *size,
                   struct err *err);
