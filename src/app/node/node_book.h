/* Node book: what the recorder knows of the nodes' logs, in memory, and its judgement of what they
 * send. It is made from the pursuit view when the recorder starts and goes on with each act: the
 * recorder is the only writer, so that between a judgement and the entry nothing can come in
 * between. No files, no network, no clock.
 *
 * Nothing here raises an alarm that the node's own key has not signed for:
 *  - two checkpoints of one size and two roots;
 *  - a checkpoint with a consistency proof that leads to its root, and from another old root than
 *    the one that was seen (a proof that leads nowhere is anybody's, and says nothing);
 *  - a statement that its log has fewer entries than the centre knows, or another root there.
 * An old, genuine checkpoint that somebody sends again is none of these. */
#pragma once

#include "app/node/node_request.h"
#include "state/nodes.h"

#define NODE_LOGS_MAX    1024  /* logs of which checkpoints are taken */
#define NODE_HISTORY_MAX 65536 /* sizes of one log that are remembered, the newest */

struct node_seen {
    uint64_t size, entry;
    uint8_t root[SHA256_LEN];
};

/* One log. */
struct node_log {
    char origin[NOTE_NAME_MAX + 1];
    char name[NODE_NAME_LEN_MAX + 1];
    uint64_t node; /* its newest NODE entry */
    int64_t until; /* microseconds */
    bool has_key;  /* false: the vkey is none that can be used */
    struct note_key key;
    struct node_seen *seen; /* ascending by size, each once */
    size_t n_seen, seen_cap;
    uint8_t note[SHA256_LEN]; /* blob: the newest cosigned note */
    int64_t added, heard;     /* of the NODE; of the last sign of life */
    int64_t journalled;       /* of the last NODE_SEEN */
    /* Times of the last statements that were taken, in the node's own seconds: that all is well,
     * and that it is not. What is not newer is a replay. */
    uint64_t said, confessed;
    uint64_t alarms, alarm; /* of its log, open; the newest one's entry */
    uint64_t silent;        /* entry of the open alarm of silence; 0 none */
};

struct node_book {
    struct node_log *logs[NODE_LOGS_MAX];
    size_t n;
};

void node_book_free(struct node_book *b);
/* From the view; the pursuit is not needed afterwards. */
int node_book_load(struct node_book *b, struct pursuit *p, struct err *err);
/* An act that was journalled. Other kinds are passed over. */
void node_book_act(struct node_book *b, uint8_t kind, uint64_t entry, int64_t time,
                   struct span payload);
/* The log of that name which is a node's now; NULL. */
struct node_log *node_book_find(const struct node_book *b, struct span origin, int64_t now);
/* By SHA-256 of the name, which addresses it in URLs and file names. */
struct node_log *node_book_hashed(const struct node_book *b, const uint8_t hash[SHA256_LEN],
                                  int64_t now);
/* Entries of the newest checkpoint; 0: none yet. */
uint64_t node_log_size(const struct node_log *l);

/* Since when nothing was heard of a node, where that is longer than `limit`; 0: it is not silent,
 * or its silence is known, or it is gone. `began`: since when we listen. All in microseconds. */
int64_t node_log_silent_since(const struct node_log *l, int64_t now, int64_t began, int64_t limit);

/* What is to be done with what came. */
struct node_verdict {
    unsigned status;   /* 200, or why not: 400 403 404 409 422 */
    bool grows;        /* 200: it is to be journalled before it is answered */
    const char *alarm; /* "rollback" "fork"; NULL none */
    uint64_t known;    /* the log's size here */
    uint64_t against;  /* with an alarm: the NODE_SEEN that it contradicts */
    char why[200];
};
/* add-checkpoint; *log is whose it is, where the status is not 404. */
void node_book_judge(const struct node_book *b, const struct node_request *q, int64_t now,
                     struct node_log **log, struct node_verdict *out);
/* A statement whose signature holds; `now` in microseconds. 200: it is fresh, and its log is what
 * was cosigned. */
void node_book_judge_said(const struct node_log *log, const struct node_statement *s, int64_t now,
                          struct node_verdict *out);
