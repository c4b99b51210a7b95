/* What the files of this module share: the open journal. Not for other modules. */
#pragma once

#include "base/file.h"
#include "journal/journal.h"
#include "journal/note.h"
#include "journal/segment.h"
#include "journal/tile.h"
#include "journal/tree.h"

#define SEGMENT_LIMIT   (256ull << 20) /* a segment that has reached this is closed */
#define START_BYTES     (4u << 20)     /* the disk is told to begin with each of these */
#define DROP_BYTES      (4u << 20)     /* a batch from this on leaves the page cache when durable */
#define FLUSH_BYTES     (256u << 10)   /* records are written out in pieces of this */
#define SEAL_RECORDS    256            /* records are hashed together, so many at a time */
#define SALTS_BYTES     (16u << 10)    /* random bytes fetched at a time */
#define SPILL_ENTRIES   (64u << 10)    /* committed entries whose tiles are kept in memory */
#define BUNDLE_ENTRY    (2 + JOURNAL_LEAF_LEN)
#define CHECKPOINT_FILE "log/checkpoint"
#define INTENT_FILE     "journal/redaction" /* index of the REDACTION entry being carried out */
#define LOST_FILE_NAME  "journal/lost"      /* entries being salvaged: first, and behind the last */
#define KIND_REDACTION  JOURNAL_KIND_REDACTION

/* The segment that is written to. */
struct segment_writer {
    int fd, index_fd;              /* -1 none */
    uint64_t first;                /* its first entry */
    uint64_t offset;               /* written so far */
    uint64_t started;              /* of those, the disk was told to begin with */
    struct buf pending;            /* records that are not written yet */
    size_t unsealed[SEAL_RECORDS]; /* where those lie that have no commitment and checksum yet */
    size_t unsealed_n;
    struct buf pending_index;         /* offsets for the index file */
    uint64_t kept_first, kept_offset; /* as of the last commit */
};

struct journal {
    enum journal_mode mode;
    char *dir, *origin;
    int journal_fd, log_fd, lock_fd, committed_fd;
    uint64_t size, committed, published;
    uint64_t segment_limit;
    bool failed; /* an I/O error: no appends until it is opened again */
    struct note_key key;
    struct segment_writer seg;
    struct tree tree;
    struct buf entries; /* bundle bytes from tree.level[0].start on, BUNDLE_ENTRY each */
    struct tile_writer tiles;
    uint8_t salts[SALTS_BYTES];
    size_t salts_used;
    struct journal_cursor *single; /* journal_get's */
};

/* files.c: the size file that tells readers how far the journal is durable. */
int committed_create(int journal_fd, struct err *err);
/* False when the file is missing or does not hold. */
bool committed_read(int fd, uint64_t *out);
int committed_write(int fd, uint64_t committed, struct err *err);

/* files.c: opens a folder of the case, "journal" or "log"; its descriptor. */
int case_folder(const char *dir, const char *name, struct err *err);

/* The lock; -EBUSY names the holder. */
int lock_take(const char *dir, int *fd, struct err *err);
/* Whether some process holds it for writing. */
bool lock_is_held(const char *dir);

/* Reads and checks the published checkpoint; `note` gets the file, *out points into it. */
int checkpoint_load(const char *dir, const struct note_key *key, struct buf *note,
                    struct checkpoint *out, struct err *err);
int vkey_load(const char *dir, struct note_key *out, struct err *err);

/* writer.c: entries into segments. */
int writer_append(struct journal *j, const struct entry_header *header, struct span payload,
                  uint64_t *index, struct err *err);
int writer_start_segment(struct journal *j, uint64_t first, struct err *err);
int writer_resume_segment(struct journal *j, uint64_t first, uint64_t offset, struct err *err);
void writer_close(struct journal *j);
/* A fresh segment file with nothing but its header, durable. */
int writer_create_segment(int journal_fd, uint64_t first, const char *origin, struct err *err);

/* publish.c */
/* Writes what is committed as tiles, the last ones partial when asked to. */
int publish_tiles(struct journal *j, bool partial, struct err *err);

/* recover.c: brings a writer to the state of the files. */
int recover(struct journal *j, const struct checkpoint *published, uint64_t *cut, struct err *err);

/* salvage.c */
/* After recovery met damage: takes lost entries from the published log when all that is wrong is
 * that the last segment ends before the checkpoint. 1 done, 0 that is not what is wrong. */
int salvage(struct journal *j, struct err *err);
/* Records on the log what was lost, if anything. */
int salvage_finish(struct journal *j, struct err *err);

/* redact.c */
/* Appends a REDACTION entry over the ranges and commits it. */
int redact_record(struct journal *j, const struct journal_range *ranges, size_t n, const char *who,
                  const char *why, uint64_t *index, struct err *err);
int redact_finish(struct journal *j, struct err *err);
/* The ranges of a REDACTION payload. -EBADMSG when it is not one; free() them. */
int redact_parse(struct span payload, struct journal_range **ranges, size_t *n);

/* rotate.c */
/* The secret half of log/vkey, when it is still the next one's. -ENOENT: it is not. */
int rotate_load_next(const struct journal *j, const struct note_key *vkey, struct note_key *out);
/* Finishes, or undoes, what a crash interrupted. */
void rotate_recover(struct journal *j);

/* Entries that are committed, as far as this journal knows now. */
uint64_t committed_now(const struct journal *j);
