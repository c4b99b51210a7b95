/* Lead proof: what an informant keeps to show later, without this server, that the log had their
 * lead, when, and (with the receipt and what was submitted) what it was: text with the entry's
 * leaf, what opens its commitment, the log's key and a C2SP tlog-proof. It gives nothing of the
 * lead away.
 *
 *   ebb lead proof v1
 *   vkey NAME+ID+KEY                the log's (C2SP signed-note)
 *   leaf HEX                        the entry's header and commitment
 *   salt HEX                        commitment = SHA-256(salt || payload)
 *   payload BASE64                  CBOR: act_pursuit.def, "lead"
 *                                   (an empty line)
 *   c2sp.org/tlog-proof@v1          and so on, to the end
 */
#pragma once

#include "app/casedir.h"
#include "event/act_pursuit.h"
#include "journal/note.h"

#define LEAD_PROOF_FILE_MAX (1u << 20)

/* Writes it. Waits some seconds for a checkpoint that has the entry. `case_dir` is opened for
 * reading. */
int lead_proof_write(const char *case_dir, uint64_t entry, const char *path, struct err *err);

struct lead_proof {
    uint64_t index;
    int64_t time;  /* the day */
    uint64_t size; /* of the tree under the checkpoint */
    struct note_key key;
    struct buf payload;
    struct act_lead lead; /* points into payload */
};
/* Reads and checks it: that the entry is a lead, in the log of that key. vkey: the key to trust;
 * NULL: the one in the file. -EBADMSG with what does not hold. Free it also after a failure. */
int lead_proof_check(struct span text, struct span vkey, struct lead_proof *out, struct err *err);
void lead_proof_free(struct lead_proof *p);
