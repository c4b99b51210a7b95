/* Prover: proofs against one published checkpoint, several that belong together, while the log goes
 * on growing. Used by one thread; the journal must outlive it. */
#pragma once

#include "journal/journal.h"
#include "journal/note.h"
#include "journal/merkle.h"

struct journal_prover;

/* Takes the checkpoint as it is published now. */
int journal_prover_open(struct journal *j, struct journal_prover **out, struct err *err);
void journal_prover_close(struct journal_prover *p);

/* The signed note, and what it says; valid as long as the prover. */
struct span journal_prover_note(const struct journal_prover *p);
const struct checkpoint *journal_prover_checkpoint(const struct journal_prover *p);

/* Appends a C2SP tlog-proof of the entry. -ENOENT: the checkpoint does not cover it; -EBADMSG: the
 * tiles do not hash to its root. */
int journal_prover_entry(struct journal_prover *p, uint64_t index, struct buf *out,
                         struct err *err);
/* That the log's first `from` entries are a part of it (RFC 9162, 2.1.4), and their root. -ERANGE
 * when the checkpoint has fewer. */
int journal_prover_consistency(struct journal_prover *p, uint64_t from,
                               uint8_t from_root[SHA256_LEN], struct merkle_proof *out,
                               struct err *err);
