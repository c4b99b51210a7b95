/* What the sources are made of; for sources*.c and their tests only. */
#pragma once

#include "base/file.h"
#include "state/dict.h"
#include "state/sources.h"

#define SOURCES_CHUNK_BITS 17
#define SOURCES_CHUNK      (1u << SOURCES_CHUNK_BITS) /* rows that are allocated together */

/* As on disk. No padding; bitmaps are for linear counting. */
struct sources_row {
    struct ip ip;
    int64_t first, last;
    uint64_t index, asset, recent;
    uint64_t bots;
    uint32_t kept; /* seconds: the time of the contact that `index` names */
    uint32_t targets, names, paths, agents;
    uint32_t contacts, matched, own, spoken, fresh;
    float gap_squares; /* sum, seconds */
    uint32_t attr;
    uint32_t hours : 24, kind : 3, roles : 5;
    uint32_t shape;
    uint16_t family;
    uint16_t votes; /* for the shape: contacts with it less those with others (Boyer, Moore 1991) */
    uint16_t mixed, swept, nothing, by_address, last_id;
    uint16_t src_port, dst_port;
    uint16_t last_target : 12, kept_own : 1, crawler : 1, tool : 1, ruled : 1;
    uint16_t days;
    uint16_t zero;
};
_Static_assert(sizeof(struct sources_row) == 144, "sources' rows have no padding");

#define SOURCES_AHEAD 16 /* contacts that are on their way at once */

/* What an event says, on its way to its row: that, and its identity's place, are being fetched
 * meanwhile. */
struct sources_contact {
    struct ip ip;
    int64_t time;
    uint64_t hash; /* of the address */
    uint64_t index, asset, id;
    uint32_t attr, shape, path, name, agent, target; /* digests; 0: none */
    uint16_t family, src_port, dst_port;
    uint8_t kind, roles, agent_is;
    bool has_bot, has_target, matched, ruled;
};

struct sources {
    char path[FILE_PATH_MAX];
    uint64_t position;
    struct dict dict;
    struct sources_row **chunks;
    size_t n, chunks_n, chunks_cap;
    int64_t first, last; /* of all contacts */
    bool spans;          /* there was one */
    uint64_t *slots;     /* by address: upper half of the hash, number of the row + 1 */
    size_t size;         /* of slots, a power of two */
    uint64_t *ids;       /* digests of identities; 0 free */
    size_t ids_n, ids_size;
    uint32_t *order;        /* rows by address; NULL: to be made */
    struct buf family_name; /* the last event's, and its number */
    uint32_t family;
    struct {
        uint32_t agent; /* digest */
        uint8_t is;
    } agents[256];                                /* what was found of user agents, by digest */
    struct sources_contact coming[SOURCES_AHEAD]; /* a ring, the oldest at taken */
    size_t came, taken;
    bool warned;
    bool mapped; /* what is parsed is a file, whose pages can be let go */
};

static inline struct sources_row *sources_row_at(const struct sources *s, size_t i)
{
    return &s->chunks[i >> SOURCES_CHUNK_BITS][i & (SOURCES_CHUNK - 1)];
}

static inline void sources_widen(struct sources *s, int64_t first, int64_t last)
{
    s->first = s->spans && s->first < first ? s->first : first;
    s->last = s->spans && s->last > last ? s->last : last;
    s->spans = true;
}

/* A new row at the end; room in the index is made. */
struct sources_row *sources_row_new(struct sources *s, const struct ip *ip, uint16_t family);
/* True when it was not there; false, too, when it cannot be remembered, *full then says so. */
bool sources_id_add(struct sources *s, uint64_t id, bool *full);
void sources_clear(struct sources *s);
/* Takes in what is on its way. */
void sources_settle(struct sources *s);
void sources_show(const struct sources *s, const struct sources_row *r, struct source *out);

/* What an event says. */
enum { SOURCES_AGENT_CRAWLER = 1, SOURCES_AGENT_TOOL = 2 };
/* Two low bits of a shape. */
enum { SOURCES_ASKS_NOTHING = 1, SOURCES_BY_ADDRESS = 2 };
uint32_t sources_shape(const struct event *ev, uint32_t *path, uint32_t *name);
uint64_t sources_identity(const struct event *ev, uint32_t family);
unsigned sources_agent_is(struct span agent);

/* Large memory, zeroed, in large pages where the system has them: rows and tables are gone to in no
 * order, and each page that is not known yet costs as much as a cache miss. */
void *sources_pages(size_t bytes);
void sources_pages_free(void *p, size_t bytes);

/* Files. */
int sources_write(const struct sources *s, struct err *err);
/* Into an empty one; leaves it empty when the bytes are no snapshot: -EBADMSG. */
int sources_parse(struct sources *s, struct span bytes, struct err *err);
uint64_t sources_checksum(struct span covered);
