/* Note_text: what the texts of checkpoints, proofs and requests to witnesses are made of (C2SP
 * tlog-checkpoint, tlog-proof, tlog-witness): lines, words, decimals, hashes. Pure; nothing is
 * kept. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"

/* The next line, without its newline; false when the text ends before one. */
bool note_line(struct cur *c, struct span *line);
/* What is behind "word " on a line; false when it begins with another, or has nothing behind it. */
bool note_word(struct span line, const char *word, struct span *rest);
/* "0", or digits without a leading zero; false for others, and above 2^64-1. */
bool note_decimal(struct span text, uint64_t *out);
/* A SHA-256 in base64. */
bool note_hash(struct span text, uint8_t out[SHA256_LEN]);
