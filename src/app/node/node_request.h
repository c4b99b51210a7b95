/* What nodes send: the request to cosign a checkpoint (C2SP tlog-witness, add-checkpoint), and the
 * signed statement that comes along with a census. Bytes of outsiders: bounded, checked, and
 * nothing is believed before its signature is. No files, no clock. */
#pragma once

#include "journal/note.h"

#define NODE_REQUEST_MAX (64u << 10) /* bytes of either */
#define NODE_PROOF_MAX   63          /* hashes of a consistency proof, says the specification */
#define NODE_PART_BYTES  (8u << 20)  /* a census comes in parts; the last may be shorter */
#define NODE_CENSUS_MAX  (1ull << 30)
#define NODE_PARTS_MAX   (NODE_CENSUS_MAX / NODE_PART_BYTES)

/* An add-checkpoint request. Spans point into the body. */
struct node_request {
    uint64_t old;
    uint8_t proof[NODE_PROOF_MAX][SHA256_LEN];
    size_t n_proof;
    struct span note, text; /* the signed checkpoint; its text, to the blank line */
    struct checkpoint top;
};
/* 0, or -EBADMSG with what is wrong. The signature is not looked at. */
int node_request_parse(struct span body, struct node_request *out, struct err *err);

/* What a node says of itself, signed by its log's key, whenever it reports:
 *
 *     ebb node statement v1
 *     ORIGIN
 *     time SECONDS
 *     size SIZE ROOT           its log as it is published
 *     known SIZE ROOT          what the centre has said that it knows, and this log's root of so
 * many entries; "-" where it has fewer census POSITION BYTES    its census: the entries that are
 * counted in it part SHA256              hex, one for each NODE_PART_BYTES
 *
 * The last two may be absent. No checkpoint reads like it: an origin has no spaces. */
struct node_statement {
    char origin[NOTE_NAME_MAX + 1];
    uint64_t time; /* seconds since 1970 */
    uint64_t size, known;
    uint8_t root[SHA256_LEN], known_root[SHA256_LEN]; /* known_root: only when known <= size */
    bool census;
    uint64_t position, bytes;
    unsigned parts; /* = node_parts(bytes) */
    uint8_t part[NODE_PARTS_MAX][SHA256_LEN];
};
static inline unsigned node_parts(uint64_t bytes)
{
    return (unsigned)((bytes + NODE_PART_BYTES - 1) / NODE_PART_BYTES);
}
void node_statement_put(const struct node_statement *s, struct buf *out);
/* Of the note's text. 0, or -EBADMSG with what is wrong. */
int node_statement_parse(struct span text, struct node_statement *out, struct err *err);
/* The signed note's text, without a look at the signatures: to find out whose it says it is. Empty
 * when there is none. */
struct span node_note_text(struct span note);
