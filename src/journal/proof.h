/* Proofs as text (C2SP tlog-proof): the inclusion of one entry under a signed checkpoint. */
#pragma once

#include "journal/merkle.h"
#include "journal/note.h"

#define PROOF_MAX (NOTE_MAX + (64u << 10))

struct proof {
    struct span extra; /* base64 as it stands, empty without */
    uint64_t index;
    struct merkle_proof path;
    struct span checkpoint; /* the signed note */
};
void proof_put(uint64_t index, const struct merkle_proof *path, struct span checkpoint,
               struct buf *out);
/* Spans point into the text. -EBADMSG with what is wrong. */
int proof_parse(struct span text, struct proof *out, struct err *err);
/* Checks a proof for leaf data under the log's key; the origin must be the key's name. 0 or
 * -EBADMSG. */
int proof_check(struct span text, struct span leaf_data, const struct note_key *key,
                struct err *err);
