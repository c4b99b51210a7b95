/* Ship_answer: what a shard says of itself, read. Its bytes are outside bytes: bounded, and checked
 * before they are used. */
#pragma once

#include "base/buf.h"

#define SHIP_VERSION_MAX 32
#define SHIP_VKEY_MAX    512
#define SHIP_HEADER_LEN  36

/* Of one log, from a position on. Answer to ship_answer_question(). */
struct ship_answer {
    char version[SHIP_VERSION_MAX];
    uint64_t running;            /* our statements that are still being made */
    char vkey[SHIP_VKEY_MAX];    /* of the log; "": the shard does not know it */
    uint64_t events, last_event; /* rows there; their last entry (0 without any) */
    uint64_t mails, last_mail;
    uint8_t header[SHIP_HEADER_LEN]; /* of last_event's row; zero: it keeps none */
};
/* Appends the question. `ids`: what the ids of our statements begin with. */
void ship_answer_question(const char *database, uint64_t log, uint64_t position, const char *ids,
                          struct buf *sql);
/* False: not such an answer. */
bool ship_answer_read(struct span text, struct ship_answer *out);

/* Entries as RowBinary: numbers of eight bytes, little-endian. Sorted, each once, to *v (free()
 * it). False: not such an answer, or one that is not within from and to. */
bool ship_answer_entries(struct span bytes, uint64_t from, uint64_t to, uint64_t **v, size_t *n);
