/* A backup's manifest: which files a case had at one checkpoint, and where the backup keeps them.
 * It is what makes the files beside it a backup: what it does not name does not count. The bytes
 * come from wherever the backup lay: nothing in them is believed. doc/backup.md has the format. */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define MANIFEST_NAME      "manifest.json"
#define MANIFEST_VERSION   1
#define MANIFEST_MAX       (512u << 20) /* bytes */
#define MANIFEST_FILES_MAX 2000000
#define MANIFEST_PATH_MAX  512 /* bytes of a path */
#define MANIFEST_DEPTH_MAX 8   /* folders of a path */
#define MANIFEST_NOTE_MAX  8192
#define MANIFEST_KEPT      "data/" /* what `at` begins with */

struct manifest_file {
    char *path; /* in the case */
    char *at;   /* in the backup */
    uint64_t size;
    uint8_t sha256[SHA256_LEN]; /* of its first `size` bytes */
};

struct manifest {
    char *origin, *vkey, *checkpoint; /* of the log; text as in log/vkey and log/checkpoint */
    char *ebb;                        /* the version that wrote it */
    uint64_t size;                    /* entries */
    int64_t last;                     /* time of the last of them; 0: none */
    bool keys;                        /* keys/ and desk/ are in it */
    struct manifest_file *files;      /* ascending by path */
    size_t n, cap;
};

void manifest_free(struct manifest *m);
/* Adds a file; path and at are copied. */
struct manifest_file *manifest_add(struct manifest *m, const char *path, const char *at);
/* Puts the files in order. */
void manifest_sort(struct manifest *m);
const struct manifest_file *manifest_find(const struct manifest *m, const char *path);
uint64_t manifest_bytes(const struct manifest *m);

/* Appends it as JSON, in order and without anything that another run would write otherwise. */
void manifest_put(const struct manifest *m, struct buf *out);
/* -EBADMSG: not a manifest, or one that names what no backup has; -EPROTO: a newer version's. Frees
 * what it has on failure. */
int manifest_parse(struct span text, struct manifest *out, struct err *err);

/* What a checkpoint's text says of the log's size; UINT64_MAX: nothing. No signature is looked at.
 */
uint64_t manifest_entries(struct span checkpoint);

/* A path that a case may have: relative, plain, below no folder that a backup does not bring. */
bool manifest_path_is_good(const char *path);
