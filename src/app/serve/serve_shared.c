#include "app/serve/serve_shared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

/* Everything lies in one file in memory, page-aligned, one thing after the other. */
struct layout {
    struct serve_shared *s;
    uint8_t *base; /* NULL: only measuring */
    size_t at;
};

static size_t pages(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n + page - 1) / page * page;
}

static void *place(struct layout *l, size_t n)
{
    void *p = l->base ? l->base + l->at : NULL;
    l->at += pages(n);
    return p;
}

static void lay_out(struct layout *l)
{
    struct serve_shared *s = l->s;
    s->board = place(l, sizeof *s->board);
    s->recovery = place(l, sizeof *s->recovery);
    s->desk_group = place(l, sizeof *s->desk_group);
    for (unsigned i = 0; i < s->n_slots; i++) {
        s->slot[i].ring = place(l, ring_memory(s->ring_capacity));
        s->slot[i].counters = place(l, sizeof *s->slot[i].counters);
    }
}

/* s->reader is the same file, opened for reading: what is mapped of it can never be made writable.
 */
static int map_memory(struct serve_shared *s, struct err *err)
{
    char path[64];
    struct layout l = {.s = s};
    lay_out(&l);
    int fd = memfd_create("ebb-shared", MFD_CLOEXEC);
    int rc = fd < 0 || ftruncate(fd, (off_t)l.at) < 0 ? err_errno(err, "shared memory") : 0;
    void *p = rc == 0 ? mmap(NULL, l.at, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0)
                      : MAP_FAILED;
    if (rc == 0 && p == MAP_FAILED)
        rc = err_errno(err, "%zu bytes of shared memory", l.at);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    s->reader = rc == 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (rc == 0 && s->reader < 0)
        rc = err_errno(err, "shared memory, for reading");
    if (fd >= 0)
        close(fd);
    if (rc == 0) {
        l = (struct layout){.s = s, .base = p};
        lay_out(&l);
    }
    return rc;
}

static int new_slot(struct serve_slot *slot, uint64_t ring_capacity, struct err *err)
{
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
    int rc = map_memory(out, err);
    if (rc < 0)
        return rc;
    out->ring_event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (out->ring_event < 0)
        return err_errno(err, "eventfd");
    for (unsigned i = 0; rc == 0 && i < out->n_slots; i++)
        rc = new_slot(&out->slot[i], ring_capacity, err);
    return rc;
}

/* Another mapping of the same bytes, in the place of the one that could write. */
static int map_reading(const struct serve_shared *s, void *p, size_t n, struct err *err)
{
    off_t at = (uint8_t *)p - (uint8_t *)s->board;
    return mmap(p, n, PROT_READ, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, s->reader, at) ==
                   MAP_FAILED
               ? err_errno(err, "shared memory, for reading")
               : 0;
}

int serve_shared_keep_reading(struct serve_shared *s, struct err *err)
{
    int rc = 0;
    munmap(s->recovery, sizeof *s->recovery);
    s->recovery = NULL;
    serve_shared_drop_group(s);
    for (unsigned i = 0; rc == 0 && i < s->n_slots; i++) {
        rc = map_reading(s, s->slot[i].ring, ring_memory(s->ring_capacity), err);
        if (rc == 0)
            rc = map_reading(s, s->slot[i].counters, sizeof *s->slot[i].counters, err);
    }
    if (rc == 0)
        rc = map_reading(s, s->board, sizeof *s->board, err);
    return rc;
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

bool serve_is(const struct serve_process *now, const struct serve_gone *gone, int32_t pid)
{
    if (pid <= 0)
        return false;
    if (__atomic_load_n(&now->pid, __ATOMIC_ACQUIRE) == pid)
        return true;
    for (unsigned i = 0; i < SERVE_GONE_MAX; i++)
        if (__atomic_load_n(&gone->pid[i], __ATOMIC_ACQUIRE) == pid)
            return true;
    return false;
}

void serve_has_ended(struct serve_gone *gone, int32_t pid)
{
    __atomic_store_n(&gone->pid[gone->deaths++ % SERVE_GONE_MAX], pid, __ATOMIC_RELEASE);
}
