/* Restore: a case of a backup. It is held: it can be read, and nothing is added to its log, until
 * somebody has made sure that the old log did not go on without it (doc/backup.md, "Rollback"). */
#pragma once

#include "app/care/backup.h"

/* The mark of a case that is held: the checkpoint that it was restored to. */
#define RESTORED_FILE "restored"

struct restored {
    uint64_t files, bytes, entries, redacted, blobs;
    bool with_keys;
};
/* Makes the case `dir`, which must be missing or empty. -EBADMSG: the backup does not hold; what
 * was made by then has no ebb.yaml, so that it is no case. */
int restore_make(const char *backup, const char *dir, bool quiet, struct restored *out,
                 struct err *err);
/* 0 not held; 1 held, `size` (may be NULL) being what the log had; negative. */
int restore_held(const char *case_dir, uint64_t *size);
/* Lets the log go on: puts on it that entries may be missing, and takes the mark away. `latest`: a
 * later checkpoint of the same log, as somebody else has it; NULL: none is known. -ESTALE: the log
 * went on without this case, and must not go on from here. `index`: the entry's. */
int restore_go_on(const char *case_dir, const char *latest, uint64_t *index, struct err *err);
