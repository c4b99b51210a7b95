/* Hash: SHA-256 of many short messages at once. One message's rounds wait for each other; a core
 * with SHA instructions runs three messages side by side in little more than the time of one. */
#pragma once

#include "base/digest.h"

struct hash_job {
    const uint8_t *data;
    size_t n;
    uint8_t *out; /* SHA256_LEN bytes */
    int prefix;   /* a byte hashed before the data, or HASH_NO_PREFIX */
};
#define HASH_NO_PREFIX    (-1)
#define HASH_LEAF         0 /* RFC 9162 */
#define HASH_NODE         1
#define HASH_PREFIXED_MAX 118 /* longer data with a prefix is hashed one at a time */

/* Jobs begin in order, and one with a prefix has read its data before a later one writes its
 * result: folding a row of hashes onto its own front is fine. */
void hash_many(const struct hash_job *jobs, size_t n);
