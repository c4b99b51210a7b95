#include "base/ring.h"

#include <stdlib.h>

#define CAPACITY_MIN (64u << 10)
#define SHARED_BYTES 4096        /* a page: the bytes behind it are page-aligned */
#define PADDING      0xffffffffu /* the rest up to the ring's end holds nothing */

_Static_assert(sizeof(struct ring_shared) <= SHARED_BYTES, "the positions fit their page");

/* In front of each record. */
struct head {
    uint32_t length; /* or PADDING */
    uint32_t zero[3];
};
_Static_assert(sizeof(struct head) == RING_HEAD, "records stay aligned");

static uint64_t rounded(uint32_t n)
{
    return ((uint64_t)n + RING_HEAD + RING_ALIGN - 1) & ~(uint64_t)(RING_ALIGN - 1);
}

size_t ring_memory(uint64_t capacity)
{
    return SHARED_BYTES + capacity;
}

void ring_format(void *memory, uint64_t capacity)
{
    if (capacity < CAPACITY_MIN || capacity & (capacity - 1))
        abort(); /* the caller's mistake */
    memset(memory, 0, sizeof(struct ring_shared));
}

static struct ring attach(void *memory, uint64_t capacity)
{
    return (struct ring){
        .shared = memory, .bytes = (uint8_t *)memory + SHARED_BYTES, .capacity = capacity};
}

struct ring ring_writer(void *memory, uint64_t capacity)
{
    struct ring r = attach(memory, capacity);
    r.at = __atomic_load_n(&r.shared->head, __ATOMIC_RELAXED) & ~(uint64_t)(RING_ALIGN - 1);
    ring_publish(&r); /* as ring_skip rounds it, should a scribbler have left it odd */
    r.limit = __atomic_load_n(&r.shared->tail, __ATOMIC_ACQUIRE) + capacity;
    return r;
}

struct ring ring_reader(void *memory, uint64_t capacity, uint64_t tail)
{
    struct ring r = attach(memory, capacity);
    r.at = r.limit = tail;
    return r;
}

/* ---- writer ---- */

static bool has_room(struct ring *r, uint64_t n)
{
    if (r->at + n <= r->limit)
        return true;
    r->limit = __atomic_load_n(&r->shared->tail, __ATOMIC_ACQUIRE) + r->capacity;
    return r->at + n <= r->limit;
}

uint8_t *ring_reserve(struct ring *r, uint32_t n)
{
    uint64_t want = rounded(n), offset = r->at & (r->capacity - 1), left = r->capacity - offset;
    if (want > r->capacity / 2)
        return NULL;
    if (want > left) { /* a record is never split: leave the end empty */
        if (!has_room(r, left + want))
            return NULL;
        ((struct head *)(void *)(r->bytes + offset))->length = PADDING;
        r->at += left;
        offset = 0;
    }
    return has_room(r, want) ? r->bytes + offset + RING_HEAD : NULL;
}

void ring_push(struct ring *r, uint32_t n)
{
    struct head *head = (void *)(r->bytes + (r->at & (r->capacity - 1)));
    head->length = n;
    r->at += rounded(n);
}

void ring_publish(struct ring *r)
{
    __atomic_store_n(&r->shared->head, r->at, __ATOMIC_RELEASE);
}

uint64_t ring_depth(const struct ring *r)
{
    return __atomic_load_n(&r->shared->head, __ATOMIC_ACQUIRE) -
           __atomic_load_n(&r->shared->tail, __ATOMIC_ACQUIRE);
}

/* ---- reader ---- */

int ring_next(struct ring *r, struct span *record)
{
    for (;;) {
        if (r->at == r->limit) {
            uint64_t head = __atomic_load_n(&r->shared->head, __ATOMIC_ACQUIRE);
            if (head == r->at)
                return 0;
            if (head - r->at > r->capacity || head % RING_ALIGN)
                return -1;
            r->limit = head;
        }
        uint64_t offset = r->at & (r->capacity - 1), left = r->capacity - offset;
        /* Read once: the writer might change it behind our check. */
        uint32_t n = __atomic_load_n((uint32_t *)(void *)(r->bytes + offset), __ATOMIC_RELAXED);
        uint64_t step = n == PADDING ? left : rounded(n);
        if (step > left || step > r->limit - r->at)
            return -1;
        r->at += step;
        if (n != PADDING) {
            *record = span_of(r->bytes + offset + RING_HEAD, n);
            return 1;
        }
    }
}

void ring_release(struct ring *r, uint64_t position)
{
    __atomic_store_n(&r->shared->tail, position, __ATOMIC_RELEASE);
}

uint64_t ring_skip(struct ring *r)
{
    uint64_t head = __atomic_load_n(&r->shared->head, __ATOMIC_ACQUIRE), passed = head - r->at;
    r->at = r->limit = head & ~(uint64_t)(RING_ALIGN - 1);
    ring_release(r, r->at);
    return passed;
}
