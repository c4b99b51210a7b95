/* Flows: what is known of each connection (5-tuple) of a capture, bounded. The table is open
 * addressing under a keyed hash (addresses and ports are the senders' choice); flows live in slabs
 * and are linked from the least to the most recently seen, in the order of packets. */
#pragma once

#include "import/packet.h"
#include "import/reassembly.h"
#include "import/session.h"

#define FLOWS_MAX (1u << 17) /* connections followed at a time; the least recent one makes room */

struct flow {
    struct session_ends key; /* ends in ascending order: both directions have one key */
    uint32_t hash;
    uint32_t older, newer; /* neighbours by last use */
    size_t held;           /* memory of its session, as last counted */
    struct tcp tcp;
    struct session session;
};

struct flows;

struct flows *flows_new(uint64_t hash_key);
void flows_free(struct flows *f);
/* The flow of a packet; *dir is the end that sent it. Made when there is none (*made is set; all
 * but the key is zero), NULL when the table is full: end the oldest first. Marks it as used. */
struct flow *flows_get(struct flows *f, const struct packet *p, unsigned *dir, bool *made);
/* The same without making one. */
struct flow *flows_find(struct flows *f, const struct packet *p, unsigned *dir);
/* The least recently used; NULL when there is none. */
struct flow *flows_oldest(struct flows *f);
/* Takes it out of the table. Its session has been ended. */
void flows_remove(struct flows *f, struct flow *flow);
