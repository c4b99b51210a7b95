/* The case's key as a witness of its nodes' logs: CASE/keys/witness.key, with its public half in
 * CASE/log/witness.vkey. It signs cosignatures and nothing else. */
#pragma once

#include "journal/cosignature.h"

/* Reads the key; the first time it is made, named after the log ("ORIGIN/witness"). For who may
 * write the case. Wipe it after use (explicit_bzero). */
int node_key_load(const char *case_dir, const char *origin, struct note_key *out, struct err *err);
/* The public half as text, appended without a newline. -ENOENT: none was made yet. */
int node_key_public(const char *case_dir, struct buf *out, struct err *err);
