/* What sealing and opening share. */
#pragma once

#include <sodium.h>

#include "lead/seal.h"

#define SEAL_HEADING     "ebb sealed v1\n"
#define SEAL_HEADING_LEN (sizeof SEAL_HEADING - 1)
#define SEAL_HEADER_LEN  crypto_secretstream_xchacha20poly1305_HEADERBYTES
#define SEAL_LIST_HEAD   (SEAL_HEADING_LEN + 8 + SEAL_HEADER_LEN + 4)
#define SEAL_PARTS_MAX   ((SEAL_LIST_MAX - SEAL_LIST_HEAD) / SHA256_LEN)
#define SEAL_MANIFEST_MAX                                                                          \
    (SEAL_TEXT_MAX + SEAL_CONTACT_MAX + SEAL_FILES_MAX * (SEAL_NAME_MAX + 32) + 256)

/* A list as it stands. */
struct seal_list {
    uint64_t padded;
    const uint8_t *header, *digests;
    size_t parts;
};
int seal_list_parse(struct span list, struct seal_list *out, struct err *err);
/* Reads a manifest's CBOR; spans point into it. 0, -1. */
int seal_manifest_read(struct span cbor, struct seal_manifest *out);
/* Bytes of all its files; they are below SEAL_TOTAL_MAX each. */
uint64_t seal_files_size(const struct seal_manifest *m);
