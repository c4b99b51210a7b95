#include "base/ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/tap.h"

#define CAPACITY (64u << 10)

static void *fresh(void)
{
    void *p = mmap(NULL, ring_memory(CAPACITY), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                   -1, 0);
    if (p == MAP_FAILED)
        abort();
    ring_format(p, CAPACITY);
    return p;
}

/* What a record of number i holds: a length and bytes that follow from i. */
static uint32_t length_of(uint64_t i)
{
    return (uint32_t)(i * 2654435761u % 700);
}

static bool put(struct ring *w, uint64_t i)
{
    uint32_t n = length_of(i);
    uint8_t *p = ring_reserve(w, n);
    if (!p)
        return false;
    memset(p, (int)(i & 0xff), n);
    ring_push(w, n);
    return true;
}

static bool holds(struct span record, uint64_t i)
{
    if (record.n != length_of(i))
        return false;
    for (size_t k = 0; k < record.n; k++)
        if (record.p[k] != (i & 0xff))
            return false;
    return true;
}

static void test_order(void)
{
    void *memory = fresh();
    struct ring w = ring_writer(memory, CAPACITY), r = ring_reader(memory, CAPACITY, 0);
    struct span record;
    uint64_t in = 0, out = 0;
    is_int(ring_next(&r, &record), 0, "an empty ring has nothing");
    ok(put(&w, in), "room for a record");
    is_int(ring_next(&r, &record), 0, "not seen before it is published");
    ring_publish(&w);
    in++;
    bool good = true, full = false;
    for (int round = 0; round < 200; round++) { /* many times round, with the end at any place */
        while (put(&w, in))
            in++;
        full = true;
        ring_publish(&w);
        for (int k = 0; k < 37 + round && ring_next(&r, &record) == 1; k++)
            good &= holds(record, out++);
        ring_release(&r, r.at);
    }
    while (ring_next(&r, &record) == 1)
        good &= holds(record, out++);
    ok(full && good, "records come whole and in order");
    is_int(out, in);
    ok(in > 5000, "went round many times");
    ok(ring_reserve(&w, CAPACITY / 2) == NULL, "a record of half the ring is refused");
    munmap(memory, ring_memory(CAPACITY));
}

/* Neither side's successor loses or repeats what was published and released. */
static void test_successors(void)
{
    void *memory = fresh();
    struct ring w = ring_writer(memory, CAPACITY), r = ring_reader(memory, CAPACITY, 0);
    struct span record;
    for (uint64_t i = 0; i < 10; i++)
        put(&w, i);
    ring_publish(&w);
    put(&w, 99); /* never published: its writer dies */
    w = ring_writer(memory, CAPACITY);
    put(&w, 10);
    ring_publish(&w);
    for (int i = 0; i < 4; i++)
        ring_next(&r, &record);
    uint64_t done = r.at;
    ring_next(&r, &record); /* read, but its reader dies */
    r = ring_reader(memory, CAPACITY, done);
    bool good = true;
    uint64_t i = 4;
    while (ring_next(&r, &record) == 1)
        good &= holds(record, i++);
    ok(good && i == 11, "4 to 10 are read by the second reader");
    munmap(memory, ring_memory(CAPACITY));
}

/* A writer that scribbles over all it can reach. */
static void test_scribbler(void)
{
    void *memory = fresh();
    struct ring_shared *shared = memory;
    uint8_t *bytes = (uint8_t *)memory + ring_memory(0);
    bool inside = true;
    int damaged = 0;
    srand(7);
    for (int round = 0; round < 20000; round++) {
        for (int k = 0; k < 64; k++)
            bytes[(size_t)rand() % CAPACITY] = (uint8_t)rand();
        uint64_t tail = (uint64_t)rand() % 4096 * RING_ALIGN;
        shared->head =
            tail + (round % 3 ? (uint64_t)rand() % (CAPACITY / 16) * 16 : (uint64_t)rand() * 977);
        struct ring r = ring_reader(memory, CAPACITY, tail);
        struct span record;
        int rc = 0;
        for (int k = 0; k < 1000 && (rc = ring_next(&r, &record)) == 1; k++)
            inside &= record.p >= bytes && record.p + record.n <= bytes + CAPACITY;
        damaged += rc < 0;
        ring_skip(&r);
        inside &= ring_next(&r, &record) == 0 || shared->head % RING_ALIGN;
    }
    ok(inside, "no record reaches out of the ring");
    ok(damaged > 1000, "damage is seen");
    munmap(memory, ring_memory(CAPACITY));
}

#define MANY 300000

static void *write_many(void *memory)
{
    struct ring w = ring_writer(memory, CAPACITY);
    for (uint64_t i = 0; i < MANY;) {
        if (put(&w, i))
            i++;
        ring_publish(&w);
    }
    return NULL;
}

/* Two threads at once; also run under TSan. */
static void test_threads(void)
{
    void *memory = fresh();
    struct ring r = ring_reader(memory, CAPACITY, 0);
    pthread_t thread;
    uint64_t i = 0;
    bool good = true;
    pthread_create(&thread, NULL, write_many, memory);
    while (i < MANY && good) {
        struct span record;
        int rc = ring_next(&r, &record);
        if (rc == 1)
            good = holds(record, i++);
        else
            good = rc == 0;
        if (i % 16 == 0 || rc == 0)
            ring_release(&r, r.at);
    }
    pthread_join(thread, NULL);
    ok(good && i == MANY, "records go from one thread to another");
    munmap(memory, ring_memory(CAPACITY));
}

int main(void)
{
    test_order();
    test_successors();
    test_scribbler();
    test_threads();
    return tap_done();
}
