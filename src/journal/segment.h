/* Segments: the files below `journal/` that hold the entries, salts and payloads, and reading them
 * record by record. doc/format.md has the bytes. */
#pragma once

#include "journal/journal.h"

#define SEGMENT_VERSION    1
#define SEGMENT_HEADER_LEN 64
#define SEGMENT_NAME_MAX   24  /* "0123456789abcdef.seg" */
#define SEGMENT_STRIDE     256 /* entries an offset of the index file stands for */

/* A record: length, crc, index, then header || commitment (the leaf data), salt, payload. */
#define RECORD_LENGTH 0
#define RECORD_CRC    4
#define RECORD_INDEX  8
#define RECORD_LEAF   16
#define RECORD_SALT   (RECORD_LEAF + JOURNAL_LEAF_LEN)
#define RECORD_FIXED  (RECORD_SALT + JOURNAL_SALT_LEN)
#define RECORD_MAX    (RECORD_FIXED + JOURNAL_PAYLOAD_MAX)

#define ENTRY_VERSION 1

void segment_name(char out[SEGMENT_NAME_MAX], uint64_t first);
void segment_index_name(char out[SEGMENT_NAME_MAX], uint64_t first);
/* True for a segment's name; *first is its first entry. */
bool segment_name_parse(const char *name, uint64_t *first);
void segment_header_put(uint8_t out[SEGMENT_HEADER_LEN], uint64_t first, const char *origin);
/* -EBADMSG damaged, -EPROTO written by a newer version. */
int segment_header_check(const uint8_t *header, size_t n, uint64_t first, const char *origin,
                         struct err *err);

/* First entries of the segments of a folder, ascending. */
struct segment_list {
    uint64_t *first;
    size_t n;
};
int segment_list_read(int journal_fd, struct segment_list *out, struct err *err);
void segment_list_free(struct segment_list *l);
/* Position of the last segment that begins at or before index; n when there is none. */
size_t segment_list_find(const struct segment_list *l, uint64_t index);

void entry_header_put(uint8_t out[JOURNAL_HEADER_LEN], const struct entry_header *h);
/* False for a version other than ENTRY_VERSION. */
bool entry_header_get(const uint8_t in[JOURNAL_HEADER_LEN], struct entry_header *out);
uint32_t record_crc(const uint8_t *record);

/* A record as read: pointers into the reader's buffer, valid until the next call. */
struct record {
    uint64_t index, offset;
    uint32_t length; /* of the payload */
    const uint8_t *leaf, *salt, *payload;
};
/* SHA-256(salt || payload) is the commitment. */
bool record_commitment_holds(const struct record *r);
/* Salt and payload are all zero. */
bool record_is_zero(const struct record *r);

struct segment_reader {
    int fd;
    uint64_t first;
    uint64_t index;  /* of the next record */
    uint64_t offset; /* of the next record */
    uint8_t *buf;
    size_t at, have, cap;
};
/* Opens the segment and checks its header. */
int segment_open(struct segment_reader *r, int journal_fd, uint64_t first, const char *origin,
                 struct err *err);
void segment_close(struct segment_reader *r);
/* 1 a record whose frame, checksum and index hold; 0 the file ends here; -EBADMSG not a whole
 * record (r->offset says where); -EPROTO a newer version's; other errno: reading failed. */
int segment_next(struct segment_reader *r, struct record *out, struct err *err);
/* As segment_next, but as many as are at hand, up to max: a positive number of records. */
int segment_batch(struct segment_reader *r, struct record *out, int max, struct err *err);
/* Forgets what was read ahead. */
void segment_refresh(struct segment_reader *r);
/* Writes a segment's index file anew when it does not lead to the last record that it should lead
 * to, `size` being one more than the segment's last entry. Failures do not matter. */
void segment_index_repair(int journal_fd, uint64_t first, uint64_t size, const char *origin);
/* Goes to a record by the index file where it helps, by reading forward where not. 1 there,
 * 0 the segment ends before it, negative as segment_next. */
int segment_seek(struct segment_reader *r, int journal_fd, uint64_t index, struct err *err);
