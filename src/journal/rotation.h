/* Rotation: how a log's key hands over to the next. A statement (a C2SP signed note) names both
 * keys and is signed by both; it is the `proof` of an act, KEY_ROTATED, that the log has under a
 * checkpoint of the old key. `log/rotated/ID`, ID being the old key's id, holds what who knows the
 * old key alone needs in order to follow: a C2SP tlog-proof of that entry, with the entry itself.
 * doc/keys.md. */
#pragma once

#include "journal/journal.h"
#include "journal/note.h"

#define ROTATION_FIRST_LINE "ebb log key rotation v1"
#define ROTATION_FILE_MAX   (512u << 10)
#define ROTATIONS_MAX       256 /* of one log */
/* The kind of the entries, as event/kinds.def has it; only those of what "log" are meant here. */
#define JOURNAL_KIND_KEY_ROTATED 128

struct rotation {
    uint64_t index;           /* of the entry; so many entries are before it */
    struct note_key from, to; /* without secrets */
};

/* Appends the statement, signed by both. -EINVAL: not two keys of one log. */
int rotation_put(uint64_t index, const struct note_key *from, const struct note_key *to,
                 struct buf *out, struct err *err);
/* Both signatures hold, and both keys have the same name. -EBADMSG. */
int rotation_parse(struct span note, struct rotation *out, struct err *err);
/* The statement in an entry's payload (it points into it): 1 the log's key was replaced, 0 another
 * entry, -1 an entry that says so and has no statement. */
int rotation_of_entry(uint8_t kind, struct span payload, struct span *note);

/* What log/rotated/ID says. */
struct rotation_proof {
    struct rotation rotation;
    uint64_t size; /* of the old key's checkpoint that has the entry */
    uint8_t root[SHA256_LEN];
};
/* Appends the file: a proof as proof.h has it, with leaf || salt || payload as extra data. */
void rotation_file_put(struct span proof, const uint8_t leaf[JOURNAL_LEAF_LEN],
                       const uint8_t salt[JOURNAL_SALT_LEN], struct span payload, struct buf *out);
/* Follows one: the entry is on the log of the key that is known (NULL: of the one that the
 * statement names), under its checkpoint, and names the next key. -EBADMSG with what is wrong. */
int rotation_follow(struct span file, const struct note_key *known, struct rotation_proof *out,
                    struct err *err);
/* Appends the statement that such a file has. -EBADMSG. */
int rotation_statement(struct span file, struct buf *out, struct err *err);

/* Reads a case's log/rotated/: all that lead to each other, by index; free() them. One that does
 * not hold is -EBADMSG. No folder: none. */
int rotations_read(const char *dir, struct rotation_proof **out, size_t *n, struct err *err);
/* Appends log/rotated/ID of the key with that id. -ENOENT. */
int rotation_file_read(const char *dir, uint32_t id, struct buf *out, struct err *err);
