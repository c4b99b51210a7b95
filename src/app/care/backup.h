/* Backup: a case's files as of one checkpoint, in a folder of their own. doc/backup.md. */
#pragma once

#include "app/care/backup_manifest.h"
#include "journal/extent.h"

/* ---- taking one ---- */

struct backup_figures {
    uint64_t copied_files, copied_bytes, kept_files, kept_bytes;
    uint64_t damaged; /* blocks of packs that do not hold in the case itself */
    unsigned tries;
};
struct backup_options {
    bool without_keys, quiet;
};
/* Brings the backup `dir` (made when it is missing) up to the case's checkpoint. What it held
 * before holds until the end: the manifest is replaced last. -EEXIST: something else lies there;
 * -ESTALE: it is of another log, or of more of this one; -EBUSY: another one runs; -EAGAIN:
 * redactions did not let it. `out` is the new manifest, to be freed also after a failure. */
int backup_take(const char *case_dir, const char *dir, const struct backup_options *options,
                struct manifest *out, uint8_t digest[SHA256_LEN], struct backup_figures *figures,
                struct err *err);

/* ---- reading one ---- */

/* Reads DIR/manifest.json; `digest` (may be NULL) is its SHA-256. -ENOENT: no backup. */
int backup_load(const char *dir, struct manifest *out, uint8_t digest[SHA256_LEN], struct err *err);

struct backup_verdict {
    bool holds;
    uint64_t files, bytes, entries, redacted, blobs;
    char bad_file[MANIFEST_PATH_MAX];
    int64_t bad_offset; /* -1: not known */
    char why[ERR_TEXT_MAX];
};
/* Reads all of it again: each file against the manifest, the log, the blobs. 0 with a verdict. */
int backup_verify(const char *dir, const struct manifest *m, bool quiet, struct backup_verdict *out,
                  struct err *err);

/* A folder of links that has the shape of a case, made of the files of a backup below journal/,
 * log/ and blobs/: what reads a log can read it there. It must be removed with
 * beneath_remove_all(). */
int backup_farm(const char *dir, const struct manifest *m, char out[], struct err *err);

/* ---- what the parts share: backup_store.c ---- */

/* The folder of a backup while it is written. */
struct backup_store {
    int dir_fd, case_fd;
    struct manifest base; /* as it was when this run began */
    struct manifest old;  /* what is known of what is there */
    struct manifest new;
    struct buf seen_old, seen_new; /* what the case's files looked like: struct backup_seen */
    uint8_t *buffer;
    int64_t begun; /* seconds: what was changed later may change again unseen */
    struct backup_figures figures;
};
#define BACKUP_ALL UINT64_MAX
/* Brings one file of the case in: its first `bytes`. 0; 1 it is gone; negative. */
int backup_keep(struct backup_store *s, const char *path, uint64_t bytes, struct err *err);
/* The same of bytes at hand. */
int backup_keep_text(struct backup_store *s, const char *path, struct span text, struct err *err);
/* Copies it as a whole though it seems to be the same. */
int backup_keep_anew(struct backup_store *s, const char *path, struct err *err);
/* A file of the new manifest, for reading. */
int backup_store_open(const struct backup_store *s, const struct manifest_file *f, struct err *err);
/* What is not in the manifest goes; files that are longer than it says are cut. */
int backup_sweep(int dir_fd, const struct manifest *m, struct err *err);
void backup_seen_load(struct backup_store *s);
/* What this try has seen is what the next one goes by. */
void backup_seen_next(struct backup_store *s);
int backup_seen_save(struct backup_store *s, const char *dir, struct err *err);
