/* Journal: the append-only, Merkle-hashed log that everything else is a view of.
 *
 * Knows entries (header, payload bytes), not what they mean. On disk: `journal/` (segments, the
 * truth, private), `log/` (C2SP tlog-tiles and the signed checkpoint, publishable), `keys/`.
 * doc/format.md has the bytes.
 *
 * One writer a case (an exclusive lock), any number of readers. A journal is used by one thread.
 * An index is an entry's position in the log, from 0. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define JOURNAL_PAYLOAD_MAX (1u << 20) /* larger things are blobs */
#define JOURNAL_HEADER_LEN  36
#define JOURNAL_SALT_LEN    16
#define JOURNAL_LEAF_LEN    (JOURNAL_HEADER_LEN + SHA256_LEN)

struct journal;

enum journal_mode { JOURNAL_READ, JOURNAL_WRITE };

/* An entry's header. References are log indexes of the entries that describe the thing, 0 when
 * there is none (entry 0 is CASE_OPENED and describes none of them). */
struct entry_header {
    uint8_t kind;
    uint16_t flags;
    int64_t time; /* microseconds UTC */
    uint64_t sensor, ruleset, enrichment;
};
#define ENTRY_FLAG_REDACTION 0x0001 /* this entry records redactions: payload has "entries" */
/* The kind of the one entry that the journal makes itself; event/kinds.def has it, too. */
#define JOURNAL_KIND_REDACTION 68

struct entry {
    uint64_t index;
    struct entry_header header;
    struct span payload; /* borrowed until the cursor moves; empty when redacted */
    bool redacted;
    const uint8_t *leaf, *salt; /* JOURNAL_LEAF_LEN and JOURNAL_SALT_LEN bytes as they are stored;
                                   borrowed like the payload */
};

/* Makes journal/, log/ and keys/ below `dir`, a fresh Ed25519 log key and an empty log.
 * `origin` is the log's name in checkpoints (a schema-less URL, C2SP tlog-checkpoint). */
int journal_create(const char *dir, const char *origin, struct err *err);

/* Opens. Writing takes the lock (-EBUSY when somebody holds it), cuts a torn tail at the last
 * whole entry (*cut gets its bytes, may be NULL), finishes an interrupted redaction and publishes
 * what a crash kept from being published. A case that a newer version wrote is -EPROTO.
 * Reading changes nothing and sees what was committed. */
int journal_open(const char *dir, enum journal_mode mode, struct journal **out, uint64_t *cut,
                 struct err *err);
/* Commits and publishes what is pending (writer), releases everything. */
int journal_close(struct journal *j, struct err *err);

/* Adds an entry to the pending batch and gives its index. It is not durable, and no reader sees
 * it, before journal_commit. -E2BIG over JOURNAL_PAYLOAD_MAX; any I/O error makes the journal
 * refuse further appends until it is opened again. */
int journal_append(struct journal *j, const struct entry_header *header, struct span payload,
                   uint64_t *index, struct err *err);
/* Makes everything appended so far durable (write, fdatasync). On failure (a full disk) nothing
 * of the uncommitted batch is kept and the journal is as it was at the last commit. */
int journal_commit(struct journal *j, struct err *err);
/* Writes tiles and a signed checkpoint for everything committed. */
int journal_publish(struct journal *j, struct err *err);

uint64_t journal_size(const struct journal *j); /* appended, pending included */
uint64_t journal_committed(const struct journal *j);
const char *journal_origin(const struct journal *j);
/* For tests: a segment is closed when it has reached so many bytes (256 MiB unless set). */
void journal_set_segment_limit(struct journal *j, uint64_t bytes);
/* RFC 9162 root over the committed entries. */
void journal_root(const struct journal *j, uint8_t root[SHA256_LEN]);
/* The signed checkpoint text as published, appended to out. */
int journal_checkpoint(struct journal *j, struct buf *out, struct err *err);

/* Reading forward from an index, over committed entries; sees those committed later too. Torn
 * bytes are not read: use journal_verify to judge a log. */
struct journal_cursor;
int journal_cursor_open(struct journal *j, uint64_t index, struct journal_cursor **out,
                        struct err *err);
/* 1 an entry, 0 the end for now, negative damage. */
int journal_cursor_next(struct journal_cursor *c, struct entry *out, struct err *err);
void journal_cursor_close(struct journal_cursor *c);
/* One entry by index; payload valid until the next call. -ENOENT past the end. */
int journal_get(struct journal *j, uint64_t index, struct entry *out, struct err *err);

/* What a proof of the entry is about: its leaf data (header || commitment), and the salt that with
 * the payload gives the commitment (zero when redacted). Errors as journal_get. */
int journal_leaf(struct journal *j, uint64_t index, uint8_t leaf[JOURNAL_LEAF_LEN],
                 uint8_t salt[JOURNAL_SALT_LEN], struct err *err);

/* A C2SP tlog-proof of the entry against the published checkpoint, appended to out. */
int journal_prove(struct journal *j, uint64_t index, struct buf *out, struct err *err);

/* Erases salts and payloads of the entries (inclusive first, exclusive last pairs), recorded by a
 * REDACTION entry with who and why. Roots and proofs keep holding. Gives the entry's index. */
struct journal_range {
    uint64_t first, last;
};
int journal_redact(struct journal *j, const struct journal_range *ranges, size_t n, const char *who,
                   const char *why, uint64_t *index, struct err *err);
/* The ranges that a REDACTION entry's payload names. -EBADMSG when it is none; free() them. */
int journal_redaction_ranges(struct span payload, struct journal_range **ranges, size_t *n);

/* Replaces the log's Ed25519 key (rotation.h): `begin` makes the next one, keeps it beside the old
 * and appends the statement that the entry is to have (KEY_ROTATED, what "log", as `proof`). The
 * entry must be the next that is written. `journal_rotate` writes it, publishes it under the old
 * key, and goes over to the next, whose predecessor's secret is overwritten; after a failure in
 * between the next opening finishes. -EINVAL: another entry. `drop`: it is not to be after all. */
int journal_rotate_begin(struct journal *j, struct buf *statement, struct err *err);
int journal_rotate(struct journal *j, const struct entry_header *header, struct span payload,
                   uint64_t *index, struct err *err);
void journal_rotate_drop(struct journal *j);

struct journal_verify_options {
    const char *since; /* path of an older checkpoint to be consistent with, NULL for none */
    bool no_tiles;     /* a copy without log/tile: segments, keys and checkpoint are judged alone */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};
struct journal_verdict {
    bool holds;
    uint64_t entries, segments, tiles, redacted;
    uint8_t root[SHA256_LEN];
    /* the first thing that does not hold, when !holds */
    uint64_t bad_index;  /* UINT64_MAX when no entry can be named */
    char bad_file[256];  /* relative to the case */
    uint64_t bad_offset; /* within that file */
    char why[256];       /* also with holds: a torn tail that the next writer cuts; or empty */
};
/* Recomputes everything: segment framing, commitments, leaves, tiles, entry bundles, root,
 * signature, redactions, consistency. 0 with a verdict, negative when it could not be judged
 * (-EAGAIN: a redaction is being carried out meanwhile). May run beside a writer. */
int journal_verify(const char *dir, const struct journal_verify_options *options,
                   struct journal_verdict *out, struct err *err);
