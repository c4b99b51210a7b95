/* Contact texts: mailbox, handle and name of contacts, each threesome once, by number. */
#pragma once

#include "base/buf.h"

struct contact_text {
    uint32_t owner; /* whose it is: threesomes of different owners are different */
    uint32_t at;    /* in the heap: mailbox, handle and name, one behind the other */
    uint8_t mail, handle, name, unused; /* their lengths */
};

#define CONTACT_HEAP_MAX  (3u << 30)  /* bytes of the heap; contact_texts_full() beyond */
#define CONTACT_TEXTS_MAX (60u << 20) /* threesomes; likewise */

/* Of the hash table: number + 1 (0: free), and other bits of the hash than chose the place. */
struct contact_slot {
    uint32_t number, tag;
};

/* All zero bytes is an empty one. */
struct contact_texts {
    struct contact_text *v;
    size_t n, cap;
    struct buf heap;
    struct contact_slot *slots;
    size_t n_slots;
};

void contact_texts_free(struct contact_texts *t);
/* The threesome's number from 0, made when it is new. None is longer than 255 bytes. */
uint32_t contact_texts_number(struct contact_texts *t, uint32_t owner, struct span mail,
                              struct span handle, struct span name);
static inline bool contact_texts_full(const struct contact_texts *t)
{
    return t->heap.n > CONTACT_HEAP_MAX || t->n >= CONTACT_TEXTS_MAX;
}
static inline struct span contact_text_mail(const struct contact_text *k, const uint8_t *heap)
{
    return span_of(heap + k->at, k->mail);
}
static inline struct span contact_text_handle(const struct contact_text *k, const uint8_t *heap)
{
    return span_of(heap + k->at + k->mail, k->handle);
}
static inline struct span contact_text_name(const struct contact_text *k, const uint8_t *heap)
{
    return span_of(heap + k->at + k->mail + k->handle, k->name);
}
