/* Cosignatures: a witness's word that it saw a checkpoint, and that the log only grew until then
 * (C2SP tlog-cosignature, "cosignature/v1" with Ed25519). The witness's key is read by
 * note_key_parse_cosigner(). And a witness's own side: its key, and what it signs. */
#pragma once

#include "journal/note.h"

/* Looks in signature lines (a witness's answer, or the part of a signed note behind its blank line)
 * for one of this key over the checkpoint's text, and checks it. Others' lines are passed over.
 * 1 found: *line is it, without its newline, *time is when it was signed (seconds since 1970);
 * 0 there is none; -EBADMSG a line that is none, or the key's own and does not hold. */
int cosignature_find(struct span lines, struct span checkpoint_text, const struct note_key *witness,
                     struct span *line, uint64_t *time, struct err *err);

/* A fresh witness's key; -EINVAL for a bad name. Such a key signs cosignatures and nothing else. */
int cosigner_generate(const char *name, struct note_key *out, struct err *err);
/* "PRIVATE+KEY+name+id+base64(0x04 || seed)", and back; -EBADMSG, -ENOTSUP. */
void cosigner_put_signer(const struct note_key *key, struct buf *out);
int cosigner_parse_signer(struct span text, struct note_key *out, struct err *err);
/* "name+id+base64(0x04 || public key)". */
void cosigner_put_verifier(const struct note_key *key, struct buf *out);
/* Appends the signature line, with its newline, of a checkpoint's text as it was seen at `time`
 * (seconds since 1970, not 0). */
int cosignature_put(const struct note_key *key, struct span checkpoint_text, uint64_t time,
                    struct buf *out, struct err *err);
