/* Nodes: sensor nodes whose logs this one is a witness of. Tables of the pursuit (pursuit.h).
 *
 * A node is known by the key of its log. What was seen belongs to the log (its origin), not to the
 * name: a log that comes back under another name, or with another key, goes on where it was. */
#pragma once

#include "state/pursuit.h"

#define NODE_NAME_LEN_MAX 64

/* 1 to NODE_NAME_LEN_MAX of a-z A-Z 0-9 - _ . , not beginning with a dot: safe in tables, labels
 * and file names. */
bool node_name_is(struct span name);
/* The log's name in a verifier key "origin+id+base64": what is before the first '+'. */
struct span node_origin(struct span vkey);

/* The newest NODE of a name. Spans are valid within the callback. */
struct node_entry {
    uint64_t entry;
    int64_t recorded, until; /* microseconds; ACT_FOREVER */
    struct span account, name, vkey, origin, why;
    uint64_t seen_entry;             /* the newest NODE_SEEN of its log; 0: none yet */
    uint64_t size;                   /* entries that its log had then */
    int64_t first_seen, seen, grown; /* when; grown: when it came to that size */
    struct span root, note;          /* note: SHA-256 of the signed note, a blob */
    /* Open alarms: of what its log is (rollback fork signature), until it is added again, and its
     * silence, until it is seen. */
    uint64_t alarms, silent;
    uint64_t alarm_entry; /* the newest of those; 0: none */
};
static inline bool node_is_gone(const struct node_entry *n, int64_t now)
{
    return n->until <= now;
}
/* By name. each() returns 0 to go on. */
int nodes_list(struct pursuit *p, int (*each)(void *ctx, const struct node_entry *n), void *ctx,
               struct err *err);
/* One: 1 found (each() was called), 0 there is none of that name; negative. */
int nodes_named(struct pursuit *p, struct span name,
                int (*each)(void *ctx, const struct node_entry *n), void *ctx, struct err *err);

struct node_alarm {
    uint64_t entry, node, known; /* known: the NODE_SEEN that it contradicts; 0 none */
    int64_t recorded;
    struct span name, origin, what, why, sha256; /* what was sent: a blob; may be empty */
    bool open;
};
/* All of them, newest first; `name` empty: of all nodes. */
int nodes_alarms(struct pursuit *p, struct span name,
                 int (*each)(void *ctx, const struct node_alarm *a), void *ctx, struct err *err);

struct node_sight {
    uint64_t entry, size;
    int64_t recorded;
    struct span origin, root, note;
};
/* Every NODE_SEEN, oldest first. */
int nodes_seen(struct pursuit *p, int (*each)(void *ctx, const struct node_sight *s), void *ctx,
               struct err *err);

/* Every NODE there ever was, by log and newest first: what a log was called, and its keys. */
struct node_key_entry {
    uint64_t entry;
    int64_t until;
    struct span origin, name, vkey;
};
int nodes_keys(struct pursuit *p, int (*each)(void *ctx, const struct node_key_entry *k), void *ctx,
               struct err *err);
