/* What the centre keeps of each node's census: CASE/nodes/SHA-256 of the log's name/, with
 *
 *     said          the newest statement of the node, a signed note
 *     confessed     the newest in which it says that its log is not what was seen
 *     statement     the one whose census is kept
 *     census.HEX    that census (state/snapshot.h); HEX is of the digest of its parts
 *     incoming      one that is on its way
 *
 * Writing is the recorder's; whoever reads checks the signature and every byte again. */
#pragma once

#include "app/node/node_request.h"
#include "base/file.h"

/* The folder of a log, and whether there may be one. */
int node_store_folder(const char *case_dir, const char *origin, char out[FILE_PATH_MAX],
                      struct err *err);
/* The newest statement (`which`: NODE_SAID_FILE ...) that the key signed: 1, 0 there is none that
 * holds; negative. */
#define NODE_SAID_FILE      "said"
#define NODE_CONFESSED_FILE "confessed"
int node_store_said(const char *case_dir, const char *origin, const char *which,
                    const struct note_key *key, struct node_statement *out, struct err *err);
int node_store_say(const char *case_dir, const char *origin, const char *which, struct span note,
                   struct err *err);

/* The statement of the census that is kept, whichever of the keys signed it, and the census's path.
 * 1, 0 there is none; -EBADMSG: it is not signed by any of them. */
int node_store_census(const char *case_dir, const char *origin, const struct note_key *keys,
                      size_t n_keys, struct node_statement *out, char path[FILE_PATH_MAX],
                      struct err *err);
/* Whether a file is what the statement says, byte for byte: 0, -EBADMSG; others. */
int node_store_check(const char *path, const struct node_statement *s, struct err *err);

/* A census on its way. */
struct node_upload {
    int fd;
    char folder[FILE_PATH_MAX];
    struct node_statement statement;
    struct buf note;
    bool have[NODE_PARTS_MAX];
    unsigned missing;
};
/* The same census is kept already: true. */
bool node_store_has(const char *case_dir, const char *origin, const struct node_statement *s);
/* -ENOSPC where it would leave less than NODE_FREE_BYTES of the disk. */
#define NODE_FREE_BYTES (512ull << 20)
int node_upload_begin(const char *case_dir, const struct node_statement *s, struct span note,
                      struct node_upload **out, struct err *err);
/* -EBADMSG: not what the statement says. */
int node_upload_part(struct node_upload *u, unsigned n, struct span data, struct err *err);
/* In place of the one before, as a whole. -EAGAIN: parts are missing. */
int node_upload_install(struct node_upload *u, struct err *err);
void node_upload_free(struct node_upload *u);
