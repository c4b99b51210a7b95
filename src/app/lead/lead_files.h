/* Lead files: an informant's files, written to a folder so that nothing about them does harm by
 * itself: names without paths, controls or direction marks, nothing replaced, nothing that runs
 * (mode 0600), nothing shown. */
#pragma once

#include "app/lead/lead_open.h"

#define LEAD_NAME_MAX 200 /* bytes of a name that we give */

/* A name that is safe in a file system and on a terminal; keeps the ending. Never empty. */
void lead_safe_name(struct span name, char out[LEAD_NAME_MAX + 1]);

struct lead_folder {
    const char *path;
    int fd;
    bool strip;
    unsigned unstripped; /* files that mat2 did not take */
};
/* Made (0700) when it is missing. */
int lead_folder_open(const char *path, bool strip, struct lead_folder *out, struct err *err);
void lead_folder_close(struct lead_folder *f);
/* Writes all files of what was opened, to its end; names begin with `prefix`. written() is told of
 * each: which, and its name in the folder. On failure none of these stays. What cannot be stripped
 * is said on standard error and counted. */
int lead_folder_write(struct lead_folder *f, struct lead_opened *o, const char *prefix,
                      void (*written)(void *ctx, unsigned file, const char *name), void *ctx,
                      struct err *err);

/* A copy of the folder's file without metadata, beside it as "stripped-NAME", by mat2 in a process
 * with bounded time, memory and disk. -EOPNOTSUPP: mat2 does not take that; -ENOENT: there is no
 * mat2; -ETIMEDOUT, -EFBIG: it took too long, or too much. */
int lead_strip(const struct lead_folder *f, const char *name, struct err *err);
