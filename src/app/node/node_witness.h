/* Node witness: the recorder's part in being a witness of the nodes' logs. The centre process,
 * which talks to everybody, hands on what came (CTL_NODE); here it is judged, journalled, and only
 * then cosigned, by the one process that may write and that has the key. So no two histories of a
 * log are ever signed, whenever anything is killed. */
#pragma once

#include "app/config.h"
#include "app/ctl.h"
#include "app/node/node_book.h"
#include "app/serve/serve_shared.h"

/* How it writes; as pipeline_blob(), pipeline_act() and intake_commit(). */
struct node_writer {
    int (*blob)(void *ctx, struct span data, uint8_t sha256[SHA256_LEN], struct err *err);
    int (*act)(void *ctx, uint8_t kind, struct span payload, uint64_t *index, struct err *err);
    int (*commit)(void *ctx, struct err *err);
    void *ctx;
};

/* Of a CTL_NODE request: what came. The reply's index is the HTTP status, its text the body. */
enum node_verb {
    NODE_ADD_CHECKPOINT = 1, /* the request's body */
    NODE_CHECKPOINT,         /* the SHA-256 of a log's name, hex: its newest cosigned note */
    NODE_SAID,               /* a signed statement */
    NODE_PART,    /* "HEX N", with the part as a file: of the census that was announced */
    NODE_INSTALL, /* "HEX": it was looked at, and is good */
};

struct node_witness;

/* Reads what is known from the case's pursuit view; makes the key the first time. Before the
 * sandbox, and after the journal was opened for writing. */
int node_witness_open(const char *case_dir, const struct config *config,
                      const struct node_writer *writer, struct node_witness **out, struct err *err);
void node_witness_close(struct node_witness *w);
/* An act that was journalled by others. */
void node_witness_act(struct node_witness *w, uint8_t kind, uint64_t entry, int64_t time,
                      struct span payload);
/* Negative: it could not be judged or written; nothing was given out. */
int node_witness_answer(struct node_witness *w, const struct ctl_request *request,
                        struct ctl_reply *reply, struct err *err);
/* Now and then: nodes that are silent. A disk that is full is warned of, and tried again later. */
void node_witness_round(struct node_witness *w);
/* For metrics and `ebb status`. */
void node_witness_board(const struct node_witness *w, struct serve_board *board);
