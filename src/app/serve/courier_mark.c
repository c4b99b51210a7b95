#include "app/serve/courier_mark.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define MARK_MAGIC   "ebbmark1"
#define BOOT_ID_LEN  36
#define BOOT_ID      "/proc/sys/kernel/random/boot_id"
#define LOCK_POLL_MS 50

/* The file. Written by this machine since it was started, or it says nothing. */
struct page {
    char magic[8];
    char boot[BOOT_ID_LEN];
    char pad[4];
    struct courier_mark mark[COURIER_MARKS];
};

struct courier_marks {
    int fd;
    struct page *page;
};

static bool lock(int fd, int wait_ms)
{
    int64_t end = clock_ms() + wait_ms;
    for (;;) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno != EWOULDBLOCK || clock_ms() >= end)
            return false;
        clock_sleep(LOCK_POLL_MS);
    }
}

/* Zero bytes where the system does not say: then nothing that was there before is believed. */
static void boot_id(char out[BOOT_ID_LEN])
{
    struct buf text = {0};
    memset(out, 0, BOOT_ID_LEN);
    if (file_read(BOOT_ID, 4096, &text, NULL) == 0 && text.n >= BOOT_ID_LEN)
        memcpy(out, text.p, BOOT_ID_LEN);
    buf_free(&text);
}

static int map(struct courier_marks *m, const char *path, struct err *err)
{
    char boot[BOOT_ID_LEN];
    if (ftruncate(m->fd, sizeof(struct page)) < 0)
        return err_errno(err, "%s", path);
    void *p = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (p == MAP_FAILED)
        return err_errno(err, "%s", path);
    m->page = p;
    boot_id(boot);
    if (!boot[0] || memcmp(m->page->magic, MARK_MAGIC, sizeof m->page->magic) != 0 ||
        memcmp(m->page->boot, boot, BOOT_ID_LEN) != 0) {
        memset(m->page, 0, sizeof *m->page);
        memcpy(m->page->magic, MARK_MAGIC, sizeof m->page->magic);
        memcpy(m->page->boot, boot, BOOT_ID_LEN);
    }
    return 0;
}

int courier_marks_open(const char *case_dir, int wait_ms, struct courier_marks **out,
                       struct err *err)
{
    char path[FILE_PATH_MAX];
    struct courier_marks *m = mem_zeroed(1, sizeof *m);
    m->fd = -1;
    int rc = file_path(path, err, "%s/run", case_dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0700, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/run/courier", case_dir);
    if (rc == 0)
        m->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (rc == 0 && m->fd < 0)
        rc = err_errno(err, "%s", path);
    if (rc == 0 && !lock(m->fd, wait_ms))
        rc = 1;
    if (rc == 0)
        rc = map(m, path, err);
    if (rc)
        courier_marks_close(m);
    else
        *out = m;
    return rc;
}

void courier_marks_close(struct courier_marks *m)
{
    if (m->page)
        munmap(m->page, sizeof *m->page);
    if (m->fd >= 0)
        close(m->fd);
    free(m);
}

int courier_marks_lock(const struct courier_marks *m)
{
    return m->fd;
}

struct courier_mark *courier_mark(struct courier_marks *m, unsigned which)
{
    return &m->page->mark[which];
}

static void set_phase(struct courier_mark *m, enum courier_phase phase)
{
    __atomic_store_n(&m->phase, (uint32_t)phase, __ATOMIC_SEQ_CST);
}

void courier_mark_begin(struct courier_mark *m, uint64_t report, uint64_t attempt)
{
    set_phase(m, COURIER_IDLE);
    m->report = report;
    m->attempt = attempt;
    m->fault = COURIER_OWN;
    m->reply[0] = 0;
    set_phase(m, COURIER_BEGUN);
}

void courier_mark_ending(struct courier_mark *m)
{
    set_phase(m, COURIER_ENDING);
}

void courier_mark_done(struct courier_mark *m, enum courier_verdict verdict,
                       enum courier_fault fault, struct span reply)
{
    size_t n = reply.n < COURIER_REPLY_MAX - 1 ? reply.n : COURIER_REPLY_MAX - 1;
    if (n)
        memcpy(m->reply, reply.p, n);
    m->reply[n] = 0;
    m->verdict = verdict;
    m->fault = fault;
    set_phase(m, COURIER_DONE);
}

/* The other process may be somebody else's by now: what it says is cut and cleaned. */
static void clean(const char *text, char out[COURIER_REPLY_MAX])
{
    size_t n = strnlen(text, COURIER_REPLY_MAX - 1);
    for (size_t i = 0; i < n; i++)
        out[i] = text[i] >= ' ' && text[i] < 0x7f ? text[i] : '?';
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = 0;
}

void courier_mark_result(const struct courier_mark *m, struct courier_result *out)
{
    uint32_t phase = __atomic_load_n(&m->phase, __ATOMIC_SEQ_CST);
    struct courier_mark copy = *m;
    *out = (struct courier_result){.verdict = COURIER_DOUBTFUL};
    if (phase == COURIER_BEGUN) {
        out->verdict = COURIER_DEFERRED;
        snprintf(out->reply, sizeof out->reply, "ended before all of it was sent");
    } else if (phase == COURIER_DONE && copy.verdict <= COURIER_DOUBTFUL &&
               copy.fault <= COURIER_FOREVER) {
        out->verdict = (enum courier_verdict)copy.verdict;
        out->fault = (enum courier_fault)copy.fault;
        clean(copy.reply, out->reply);
    }
    if (!out->reply[0])
        snprintf(out->reply, sizeof out->reply, "ended before the smarthost's answer was known");
}

void courier_marks_find(struct courier_marks *m, uint64_t report, uint64_t attempt,
                        struct courier_result *out)
{
    static const struct courier_mark unknown = {.phase = COURIER_IDLE};
    const struct courier_mark *found = &unknown;
    for (unsigned i = 0; i < COURIER_KNOCK; i++)
        if (m->page->mark[i].report == report && m->page->mark[i].attempt == attempt)
            found = &m->page->mark[i];
    courier_mark_result(found, out);
}
