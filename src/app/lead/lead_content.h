/* Lead content: what somebody wants sealed, as it lies on their machine: a text, a contact, files.
 * Everything is looked at and digested before the first byte is kept. */
#pragma once

#include "lead/seal.h"

/* Bytes of it are secret: lead_content_free() wipes them. */
struct lead_content {
    struct seal_manifest manifest; /* points into the rest */
    struct buf text, contact;
    int fds[SEAL_FILES_MAX];          /* -1: it is in memory */
    struct span data[SEAL_FILES_MAX]; /* borrowed */
    const char *paths[SEAL_FILES_MAX];
    uint64_t size;              /* of all files */
    uint8_t digest[SHA256_LEN]; /* of manifest and files: seal.h */
};

/* What is to be read: paths, "-" for standard input (once); NULL or "" for nothing. */
struct lead_input {
    const char *text, *contact, *language;
    const char *const *paths;
    unsigned n;
};
/* -EINVAL: nothing at all, something that is no file, not UTF-8; -EFBIG: over a limit. Free it also
 * after a failure. */
int lead_content_read(const struct lead_input *in, struct lead_content *out, struct err *err);
/* The same of words alone, which are copied. */
int lead_content_words(struct span text, struct lead_content *out, struct err *err);
/* The same of what came to a page: all of it is in memory. Words are copied, files are borrowed. */
struct lead_given {
    struct span text, contact, language;
    struct lead_given_file {
        struct span name, data;
    } files[SEAL_FILES_MAX];
    unsigned n;
};
int lead_content_given(const struct lead_given *in, struct lead_content *out, struct err *err);
/* Every byte of the files, one after the other, from their beginnings. -EIO: they have changed. */
int lead_content_walk(const struct lead_content *c,
                      int (*each)(void *ctx, struct span data, struct err *err), void *ctx,
                      struct err *err);
void lead_content_free(struct lead_content *c);

/* From here on this process leaves no core file, and nobody of the same user may look into it: it
 * has a lead's words in its memory. */
void lead_keep_private(void);
/* Overwrites and frees. */
void lead_wipe(struct buf *b);
/* A text from a file, or "-". -EFBIG over max. */
int lead_read_text(const char *path, size_t max, struct buf *out, struct err *err);
