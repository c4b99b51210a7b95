#include "app/serve/serve_shared.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

static void *shared_memory(size_t n, struct err *err)
{
    void *p =
        mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) {
        err_errno(err, "%zu bytes of shared memory", n);
        return NULL;
    }
    return p;
}

static int new_slot(struct serve_slot *slot, uint64_t ring_capacity, struct err *err)
{
    slot->ring = shared_memory(ring_memory(ring_capacity), err);
    slot->counters = slot->ring ? shared_memory(sizeof *slot->counters, err) : NULL;
    if (!slot->counters)
        return -ENOMEM;
    ring_format(slot->ring, ring_capacity);
    slot->stored_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return slot->stored_event < 0 ? err_errno(err, "eventfd") : 0;
}

int serve_shared_new(unsigned sensors, uint64_t ring_capacity, struct serve_shared *out,
                     struct err *err)
{
    memset(out, 0, sizeof *out);
    out->n_slots = 2 * sensors;
    out->ring_capacity = ring_capacity;
    out->board = shared_memory(sizeof *out->board, err);
    out->recovery = out->board ? shared_memory(sizeof *out->recovery, err) : NULL;
    out->desk_group = out->recovery ? shared_memory(sizeof *out->desk_group, err) : NULL;
    if (!out->desk_group)
        return -ENOMEM;
    out->ring_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (out->ring_event < 0)
        return err_errno(err, "eventfd");
    for (unsigned i = 0; i < out->n_slots; i++) {
        int rc = new_slot(&out->slot[i], ring_capacity, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

void serve_shared_drop_group(struct serve_shared *s)
{
    if (s->desk_group)
        munmap(s->desk_group, sizeof *s->desk_group);
    s->desk_group = NULL;
}

/* All but that slot. */
static void unmap_but(struct serve_shared *s, unsigned slot)
{
    munmap(s->board, sizeof *s->board);
    munmap(s->recovery, sizeof *s->recovery);
    serve_shared_drop_group(s);
    s->board = NULL;
    s->recovery = NULL;
    for (unsigned i = 0; i < s->n_slots; i++) {
        if (i == slot)
            continue;
        munmap(s->slot[i].ring, ring_memory(s->ring_capacity));
        munmap(s->slot[i].counters, sizeof *s->slot[i].counters);
        s->slot[i] = (struct serve_slot){.stored_event = -1};
    }
}

void serve_shared_keep_slot(struct serve_shared *s, unsigned slot)
{
    unmap_but(s, slot);
}

void serve_shared_drop(struct serve_shared *s)
{
    unmap_but(s, UINT32_MAX);
    s->n_slots = 0;
}
