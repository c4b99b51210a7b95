/* Extent: what of a case's files belongs to its log as of one published checkpoint: for copying a
 * log beside its writer, and for making a log of the copy again. Segments only grow, but for
 * redactions, which overwrite in place: journal_extent_still() tells whether one came meanwhile. */
#pragma once

#include "journal/journal.h"

struct journal_extent {
    struct buf vkey, note; /* log/vkey and log/checkpoint, byte for byte */
    char *origin;
    uint64_t size; /* entries under the checkpoint */
    uint8_t root[SHA256_LEN];
    int64_t last; /* time of the last of them; 0: there is none */
    struct journal_extent_segment {
        uint64_t first, bytes; /* its file is extent_segment_name()'s */
    } * segments;
    size_t n;
};
#define EXTENT_NAME_MAX 32

/* The checkpoint as it is now, signed by the log's key. -EAGAIN while a redaction is carried out;
 * -EBADMSG: a segment is missing or ends before the checkpoint. */
int journal_extent_take(const char *dir, struct journal_extent *out, struct err *err);
void journal_extent_free(struct journal_extent *e);
/* "journal/0123456789abcdef.seg" */
void journal_extent_name(char out[EXTENT_NAME_MAX], uint64_t first);
/* 1: no entry that it covers was erased since it was taken, and the log's key is the same; 0: do it
 * again; negative. */
int journal_extent_still(const char *dir, const struct journal_extent *e, struct err *err);

/* Judges the entries [from, size) of a copy (a folder with journal/) against the tiles that `dir`
 * published: each record whole, its commitment and its leaf hash right. With a copy of what came
 * before unchanged, that is as good as reading all. -EBADMSG names file and offset. */
int journal_extent_check(const char *dir, const char *copy, const struct journal_extent *e,
                         uint64_t from, struct err *err);

/* Of a folder with journal/, log/vkey and log/checkpoint alone: makes log/tile and the index files
 * beside the segments, and syncs them. -EBADMSG: the entries do not hash to the checkpoint's root.
 * `progress` may be NULL. */
int journal_republish(const char *dir, void (*progress)(void *ctx, uint64_t done, uint64_t total),
                      void *ctx, struct err *err);
