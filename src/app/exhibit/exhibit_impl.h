/* What exhibit*.c share: a bundle while it is being written. */
#pragma once

#include "app/exhibit/exhibit.h"
#include "journal/prover.h"

#define EXHIBIT_PATH_MAX 128 /* of a file within the bundle */

struct exhibit_row {
    char path[EXHIBIT_PATH_MAX];
    uint64_t size;
    uint8_t sha256[SHA256_LEN];
};

/* What shows from outside that the log was so at a time: of a checkpoint that lies before the
 * bundle's own, or is it. */
struct exhibit_anchor {
    bool has;
    uint64_t entry; /* of the act */
    uint64_t size;
    int64_t when;     /* of a time stamp */
    char by[256];     /* the authority, the witnesses */
    uint64_t covered; /* entries of the bundle that its tree has */
};

struct exhibit {
    struct casedir *c;
    const struct exhibit_request *r;
    int dir; /* -1: not made */
    struct exhibit_row *rows;
    size_t n, cap;
    uint64_t bytes;
    struct journal_prover *prover;
    int64_t made;
    const uint64_t *entries; /* in order, none twice, with the signer's account */
    size_t n_entries;
    uint64_t opened, redacted, erased, blobs;
    uint64_t signer_entry; /* 0: none */
    struct exhibit_anchor stamp, witnesses;
    uint8_t manifest[SHA256_LEN];
};

/* exhibit_files.c */
int exhibit_folder(struct exhibit *x, const char *name, struct err *err);
bool exhibit_has(const struct exhibit *x, const char *path);
/* A file of the bundle; into the manifest unless its name begins with "manifest.". */
int exhibit_put(struct exhibit *x, const char *path, struct span data, struct err *err);
/* manifest.json, its hash and signature; the last files. */
int exhibit_seal(struct exhibit *x, struct err *err);
/* Removes what was written so far. */
void exhibit_undo(struct exhibit *x);

/* exhibit_entry.c: one entry, with all of its files. */
int exhibit_entry(struct exhibit *x, uint64_t index, struct err *err);

/* exhibit_anchors.c: time stamp and cosignatures, where the log has any. */
int exhibit_anchors(struct exhibit *x, struct err *err);

/* exhibit_words.c */
void exhibit_readme(const struct exhibit *x, struct buf *out);
/* exhibit_verify.sh, as it was when ebb was built; the first of them. */
struct exhibit_scripts {
    const char *name;
    const uint8_t *text;
    size_t n;
};
extern const struct exhibit_scripts exhibit_scripts[];
/* The draft of a certification, as text and as PDF beside the directory. */
int exhibit_certification(const struct exhibit *x, struct err *err);
void exhibit_certification_remove(const char *dir);
