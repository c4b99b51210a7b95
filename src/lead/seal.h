/* Seal: an informant's text and files, encrypted under a key of their own as they stream by. Memory
 * is one part and a message, whatever the files' size.
 *
 * Plain text: length of the manifest (32 bits, big-endian), the manifest (CBOR), the files' bytes
 * one after the other, zeros up to a bucket's size (Padme, of the PURBs paper: Nikitin et al.,
 * PoPETs 2019; at most 12 % more), so that the size tells little. It is cut in messages of
 * SEAL_MESSAGE bytes, the last may be shorter, each sealed by
 * crypto_secretstream_xchacha20poly1305: in order, the last marked FINAL. SEAL_PART_MESSAGES of
 * them at most make a part, which is kept as a blob. What is left out, moved, cut or added is
 * detected.
 *
 * The list, which is what the log's entry names: "ebb sealed v1\n", length of the plain text with
 * padding (64 bits), the stream's header, number of parts (32 bits), their SHA-256s. It says
 * nothing in clear but sizes. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define SEAL_KEY_LEN       32
#define SEAL_MESSAGE       (64u << 10)
#define SEAL_OVERHEAD      17 /* bytes that a sealed message is longer */
#define SEAL_PART_MESSAGES 127
#define SEAL_PART_MAX      (SEAL_PART_MESSAGES * (SEAL_MESSAGE + SEAL_OVERHEAD)) /* under 8 MiB */
#define SEAL_LIST_MAX      (64u << 10)
#define SEAL_SIZE_MIN      (16u << 10) /* the smallest bucket */

/* What may be sealed at once. */
#define SEAL_TEXT_MAX     (1u << 20)
#define SEAL_CONTACT_MAX  (16u << 10)
#define SEAL_LANGUAGE_MAX 35 /* BCP 47 */
#define SEAL_FILES_MAX    256
#define SEAL_NAME_MAX     255
#define SEAL_TOTAL_MAX    (4ull << 30) /* bytes of all files */

/* What is in it. Names are as they were given: bytes, not to be shown or used as they are. */
struct seal_manifest {
    struct span text, contact, language;
    size_t n_files;
    struct seal_file {
        struct span name;
        uint64_t size;
    } files[SEAL_FILES_MAX];
};
/* Within the limits, the text and contact UTF-8: 0, or -EINVAL/-EFBIG that says which is not. */
int seal_manifest_check(const struct seal_manifest *m, struct err *err);
/* The manifest as it is sealed and digested: length and CBOR. The same members give the same bytes.
 */
void seal_manifest_put(const struct seal_manifest *m, struct buf *out);
/* Bytes of plain text with padding, and of all parts, that a manifest and its files come to. */
uint64_t seal_padded(uint64_t plain);
uint64_t seal_sealed_size(uint64_t padded);

/* SHA-256 of manifest and files, as seal_end() gives it: for who has the files, before. */
void seal_digest_begin(const struct seal_manifest *m, sha256_ctx *c);

/* ---- sealing ---- */

struct seal_writer;
/* Takes one part, SEAL_PART_MAX at most; 0, or negative, which is forwarded. */
typedef int seal_part_put(void *ctx, struct span part, struct err *err);
/* Begins under a fresh key. The manifest is borrowed until the end. */
int seal_begin(const struct seal_manifest *m, seal_part_put *put, void *ctx,
               struct seal_writer **out, struct err *err);
/* The files' bytes, one after the other, in any pieces. -EFBIG: more than the manifest says. */
int seal_add(struct seal_writer *w, struct span data, struct err *err);
struct seal_done {
    uint8_t key[SEAL_KEY_LEN];   /* wrap and wipe it */
    uint8_t content[SHA256_LEN]; /* of manifest and files */
    uint64_t size;               /* of all parts */
};
/* Pads, ends the last part, appends the list. -EIO: fewer bytes than the manifest says. */
int seal_end(struct seal_writer *w, struct buf *list, struct seal_done *out, struct err *err);
/* Wipes and frees, in any state; NULL does nothing. */
void seal_free(struct seal_writer *w);

/* ---- opening ---- */

struct seal_reader;
/* Appends a part by its digest. */
typedef int seal_part_get(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                          struct err *err);
/* Opens and reads the manifest. -EBADMSG: damaged, or another key's; the list is borrowed. */
int unseal_open(struct span list, const uint8_t key[SEAL_KEY_LEN], seal_part_get *get, void *ctx,
                struct seal_reader **out, struct err *err);
/* Valid until unseal_close(). */
const struct seal_manifest *unseal_manifest(const struct seal_reader *r);
/* The next piece of a file (its number in the manifest; empty files give none), valid until the
 * next call: 1; 0 the end: all is there, nothing was added; negative. */
int unseal_next(struct seal_reader *r, unsigned *file, struct span *data, struct err *err);
/* SHA-256 of manifest and files; after unseal_next() gave 0. */
void unseal_content(const struct seal_reader *r, uint8_t out[SHA256_LEN]);
void unseal_close(struct seal_reader *r);

/* The digests of a list's parts, for who carries or erases them: 0, or -EBADMSG. */
int seal_parts(struct span list, const uint8_t **digests, size_t *n, struct err *err);
