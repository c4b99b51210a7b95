/* Cosignatures: a witness's word that it saw a checkpoint, and that the log only grew until then
 * (C2SP tlog-cosignature, "cosignature/v1" with Ed25519). The witness's key is read by
 * note_key_parse_cosigner(). */
#pragma once

#include "journal/note.h"

/* Looks in signature lines (a witness's answer, or the part of a signed note behind its blank line)
 * for one of this key over the checkpoint's text, and checks it. Others' lines are passed over.
 * 1 found: *line is it, without its newline, *time is when it was signed (seconds since 1970);
 * 0 there is none; -EBADMSG a line that is none, or the key's own and does not hold. */
int cosignature_find(struct span lines, struct span checkpoint_text, const struct note_key *witness,
                     struct span *line, uint64_t *time, struct err *err);
