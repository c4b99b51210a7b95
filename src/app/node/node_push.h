/* Node push: a node's report to its centre: its checkpoint, to be cosigned, and its census; or,
 * when the centre knows another log than this one is, a signed statement of that. */
#pragma once

#include "app/casedir.h"
#include "app/log/evidence_post.h"
#include "app/node/node_request.h"
#include "journal/prover.h"

#define NODE_CENTRE_FILE                                                                           \
    "log/checkpoint.centre" /* the newest checkpoint that the centre cosigned */
#define NODE_TRIES 3        /* of a request that is refused for its number */

struct node_push {
    struct casedir *c;
    const struct config_nodes *nodes;
    struct note_key own; /* of the log, with its secret; wiped at the end */
    struct buf ca;       /* PEM; empty: the system's */
    struct journal_prover *prover;
    unsigned timeout_s;
    /* what it came to */
    uint64_t size, position, bytes, sent; /* sent: bytes of the census that had to go */
};

/* Opens what it needs: -ENOENT: nodes.centre is not set. node_push_close() also after a failure. */
int node_push_open(struct node_push *p, struct casedir *c, struct err *err);
void node_push_close(struct node_push *p);
/* Checkpoint and census. -ESTALE: the centre has seen another log than this one, and was told so;
 * -EPERM: it refuses; others. */
int node_push_all(struct node_push *p, struct err *err);

/* For its own files: POST of the path below nodes.centre; a status of 429 or 503 is tried again. */
int node_push_post(struct node_push *p, const char *path, struct span body,
                   struct evidence_answer *out, struct err *err);
int node_push_get(struct node_push *p, const char *path, struct evidence_answer *out,
                  struct err *err);
/* An answer that is not 200. */
int node_push_refused(const struct evidence_answer *a, const char *what, struct err *err);
/* Signs and sends a statement; the answer is the caller's to free. */
int node_push_say(struct node_push *p, const struct node_statement *s, struct evidence_answer *out,
                  struct err *err);
/* The census as a file, announced and sent where the centre does not have it. */
int node_push_census(struct node_push *p, struct node_statement *s, struct err *err);
