/* Ring: records from one process to another through shared memory; one writer, one reader, no
 * locks.
 *
 * The memory outlives both: a process that dies is replaced, and its successor goes on where the
 * published positions are. The writer is not trusted by the reader: whatever it scribbles, the
 * reader gets whole records within the ring, or "damaged".
 *
 * Positions count bytes from the ring's beginning and never wrap. A record is visible once
 * ring_publish() has been called; its space is used again once the reader has called
 * ring_release(). */
#pragma once

#include "base/buf.h"

#define RING_ALIGN 16
#define RING_HEAD  16 /* bytes in front of each record */

/* What both sides see; in shared memory, in front of the bytes. Each side writes its own line. */
struct ring_shared {
    _Alignas(64) uint64_t head; /* writer: published up to here */
    _Alignas(64) uint64_t tail; /* reader: free up to here */
    uint64_t durable;           /* reader: what stands before this is on the disk */
    uint32_t reader_sleeps;     /* reader: wants a wake-up */
    uint32_t storage_full;      /* reader: nothing can be stored for now */
};

/* One side's own view; never shared. */
struct ring {
    struct ring_shared *shared;
    uint8_t *bytes;
    uint64_t capacity;
    uint64_t at;    /* the next record's position */
    uint64_t limit; /* writer: where known free space ends; reader: the head as it was seen last */
};

/* Bytes of shared memory for a ring of that capacity (a power of two, 64 KiB at least). */
size_t ring_memory(uint64_t capacity);
/* Makes an empty ring in fresh memory (page-aligned). */
void ring_format(void *memory, uint64_t capacity);
/* Attaches a side, at what is published: the writer at head, the reader at `tail` as it says. */
struct ring ring_writer(void *memory, uint64_t capacity);
struct ring ring_reader(void *memory, uint64_t capacity, uint64_t tail);

/* Room for a record of n bytes, aligned to RING_ALIGN; NULL when the ring is full, or n is over
 * half of it. Fill it and call ring_push with the same or a smaller n. */
uint8_t *ring_reserve(struct ring *r, uint32_t n);
void ring_push(struct ring *r, uint32_t n);
/* Makes all pushed records visible. */
void ring_publish(struct ring *r);
/* Bytes that are taken. */
uint64_t ring_depth(const struct ring *r);

/* The next record, in place: 1; 0 none for now; -1 damaged (the writer's memory makes no sense:
 * skip all of it with ring_skip). Moves r->at behind it; nothing is released. */
int ring_next(struct ring *r, struct span *record);
/* Gives everything before `position` back to the writer. */
void ring_release(struct ring *r, uint64_t position);
/* Moves to the writer's head, passing over what there is; how many bytes that was. */
uint64_t ring_skip(struct ring *r);
