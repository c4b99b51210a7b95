/* A library that is preloaded into ebb by test/test_fault.py and lets the Nth call of a kind fail:
 * a disk that is full, a socket that is refused, memory that has run out, at each place where that
 * can be.
 *
 * Environment, read once, when the library is loaded:
 *   FAULT_STATE    a file of sizeof(struct fault_state) zero bytes: shared by all processes, read
 * by the test FAULT_PROGRAM  the program that is meant; others that inherit the preload are left
 * alone (ebb) FAULT_ROLE     count and fail in this process of `ebb serve` alone, by the name it
 * takes ("": in all) FAULT_CALL     a kind of enum fault_kind, below; FAULT_NTH: which of them
 * fails (0: none, only counted) FAULT_ERRNO    its number FAULT_MODE     once, from (that call and
 * all behind it), short (half of it is written)
 *
 * Interposed is what goes through the dynamic linker: ebb's own calls, SQLite's, OpenSSL's,
 * libcurl's. Not what glibc calls within itself: the write() and open() of stdio; /dev/full does
 * for those. After it was loaded it makes no system call of its own, so that it holds in the
 * sandbox of each role. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum fault_kind {
    FAULT_WRITE,    /* write pwrite writev pwritev pwritev2, but to stderr */
    FAULT_SEND,     /* send sendto sendmsg sendmmsg */
    FAULT_FSYNC,    /* fsync fdatasync syncfs sync_file_range */
    FAULT_RENAME,   /* rename renameat renameat2 */
    FAULT_MALLOC,   /* malloc calloc realloc posix_memalign aligned_alloc */
    FAULT_MMAP,     /* mmap, of files and of memory */
    FAULT_ACCEPT,   /* accept accept4 */
    FAULT_CONNECT,  /* connect */
    FAULT_OPEN,     /* open openat, for writing */
    FAULT_TRUNCATE, /* ftruncate fallocate posix_fallocate */
    FAULT_KINDS
};
static const char *const kind_name[FAULT_KINDS] = {
    "write", "send", "fsync", "rename", "malloc", "mmap", "accept", "connect", "open", "truncate"};

#define NAME_MAX_ 16 /* what prctl(PR_SET_NAME) takes */
#define ROLES_MAX 16
#define HITS_MAX  64
#define SITES_MAX 4096 /* a power of 2: places that ask for memory */

struct role_state {
    char name[NAME_MAX_];
    uint64_t seen[FAULT_KINDS];
};

struct hit {
    char role[NAME_MAX_];
    uint32_t kind, pid;
    uint64_t nth;
};

/* test_fault.py reads it by the same layout. */
struct fault_state {
    uint64_t injected, roles_taken, loaded, sites_n;
    struct role_state role[ROLES_MAX];
    struct hit hit[HITS_MAX];
    uint64_t site[SITES_MAX];  /* return addresses, as a hash table */
    uint64_t first[SITES_MAX]; /* the number of the first call of each */
};

enum mode { MODE_ONCE, MODE_FROM, MODE_EVERY, MODE_SHORT };
static const char *const mode_name[] = {"once", "from", "every", "short"};

static struct fault_state *state; /* NULL: this program is not meant */
static struct role_state *own;
static const char *only_role = "";
static int kind_wanted = -1, errno_wanted = EIO;
static uint64_t nth_wanted;
static enum mode mode;
static bool is_meant = true; /* this process has the role that is meant */

/* A child of fork() counts where its parent does, until it takes a name. */
static void take_role(const char *name)
{
    if (!state)
        return;
    is_meant = !*only_role || strcmp(name, only_role) == 0;
    for (uint64_t i = 0;
         i < __atomic_load_n(&state->roles_taken, __ATOMIC_ACQUIRE) && i < ROLES_MAX; i++)
        if (strncmp(state->role[i].name, name, NAME_MAX_ - 1) == 0) {
            own = &state->role[i];
            return;
        }
    uint64_t i = __atomic_fetch_add(&state->roles_taken, 1, __ATOMIC_ACQ_REL);
    if (i >= ROLES_MAX) {
        own = &state->role[ROLES_MAX - 1];
        return;
    }
    own = &state->role[i];
    strncpy(own->name, name, NAME_MAX_ - 1);
}

__attribute__((constructor)) static void load(void)
{
    const char *path = getenv("FAULT_STATE"), *program = getenv("FAULT_PROGRAM");
    if (!path || strcmp(program_invocation_short_name, program ? program : "ebb") != 0)
        return;
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (fd < 0)
        return;
    long at = syscall(SYS_mmap, NULL, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    syscall(SYS_close, fd);
    if (at == -1)
        return;
    const char *call = getenv("FAULT_CALL"), *nth = getenv("FAULT_NTH"), *e = getenv("FAULT_ERRNO"),
               *how = getenv("FAULT_MODE"), *role = getenv("FAULT_ROLE");
    for (int i = 0; call && i < FAULT_KINDS; i++)
        if (strcmp(call, kind_name[i]) == 0)
            kind_wanted = i;
    nth_wanted = nth ? strtoull(nth, NULL, 10) : 0;
    errno_wanted = e ? atoi(e) : EIO;
    for (int i = 0; how && i <= MODE_SHORT; i++)
        if (strcmp(how, mode_name[i]) == 0)
            mode = (enum mode)i;
    only_role = role ? role : "";
    state = (struct fault_state *)at;
    take_role("main");
    __atomic_fetch_add(&state->loaded, 1, __ATOMIC_RELAXED);
}

static void note_site(uint64_t site, uint64_t nth)
{
    for (uint64_t i = (site >> 2) * 0x9e3779b97f4a7c15u >> 52, n = 0; n < 64; i++, n++) {
        uint64_t none = 0, *at = &state->site[i % SITES_MAX];
        if (__atomic_compare_exchange_n(at, &none, site, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED)) {
            state->first[i % SITES_MAX] = nth;
            __atomic_fetch_add(&state->sites_n, 1, __ATOMIC_RELAXED);
            return;
        }
        if (none == site)
            return;
    }
}

static bool is_turn(uint64_t nth)
{
    if (nth_wanted == 0)
        return false;
    return mode == MODE_FROM    ? nth >= nth_wanted
           : mode == MODE_EVERY ? nth % nth_wanted == 0
                                : nth == nth_wanted;
}

/* Counts a call; true when it is one that fails, errno set. */
static bool fails(enum fault_kind kind, void *from)
{
    if (!state)
        return false;
    uint64_t nth = __atomic_add_fetch(&own->seen[kind], 1, __ATOMIC_RELAXED);
    if (!is_meant)
        return false;
    if (nth_wanted == 0 && kind == FAULT_MALLOC)
        note_site((uintptr_t)from, nth);
    if ((int)kind != kind_wanted || !is_turn(nth))
        return false;
    uint64_t i = __atomic_fetch_add(&state->injected, 1, __ATOMIC_RELAXED);
    if (i < HITS_MAX) {
        struct hit *h = &state->hit[i];
        memcpy(h->role, own->name, sizeof h->role);
        h->kind = kind;
        h->pid = (uint32_t)getpid();
        h->nth = nth;
    }
    errno = errno_wanted;
    return true;
}

#define FROM __builtin_return_address(0)
/* The function that would have been called. */
#define NEXT(name)                                                                                 \
    static __typeof__(name) *next;                                                                 \
    if (!next)                                                                                     \
        *(void **)(&next) = dlsym(RTLD_NEXT, #name);

/* For a write of n bytes: how many are to be written; -1: it fails. */
static ssize_t allowed(enum fault_kind kind, size_t n, void *from)
{
    if (!fails(kind, from))
        return (ssize_t)n;
    return mode == MODE_SHORT ? (ssize_t)(n > 1 ? n / 2 : n) : -1;
}

/* ---- files ---- */

EXPORT ssize_t write(int fd, const void *p, size_t n)
{
    NEXT(write)
    ssize_t now = fd == STDERR_FILENO ? (ssize_t)n : allowed(FAULT_WRITE, n, FROM);
    return now < 0 ? -1 : next(fd, p, (size_t)now);
}

EXPORT ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    NEXT(pwrite)
    ssize_t now = allowed(FAULT_WRITE, n, FROM);
    return now < 0 ? -1 : next(fd, p, (size_t)now, at);
}

EXPORT ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    NEXT(pwrite64)
    ssize_t now = allowed(FAULT_WRITE, n, FROM);
    return now < 0 ? -1 : next(fd, p, (size_t)now, at);
}

/* Short: its first half of pieces. */
static int pieces(int n, void *from, bool *bad)
{
    *bad = fails(FAULT_WRITE, from) && mode != MODE_SHORT;
    return n;
}

EXPORT ssize_t writev(int fd, const struct iovec *v, int n)
{
    NEXT(writev)
    bool bad;
    n = pieces(n, FROM, &bad);
    return bad ? -1 : next(fd, v, n);
}

EXPORT ssize_t pwritev(int fd, const struct iovec *v, int n, off_t at)
{
    NEXT(pwritev)
    bool bad;
    n = pieces(n, FROM, &bad);
    return bad ? -1 : next(fd, v, n, at);
}

EXPORT ssize_t pwritev64(int fd, const struct iovec *v, int n, off64_t at)
{
    NEXT(pwritev64)
    bool bad;
    n = pieces(n, FROM, &bad);
    return bad ? -1 : next(fd, v, n, at);
}

EXPORT ssize_t pwritev2(int fd, const struct iovec *v, int n, off_t at, int flags)
{
    NEXT(pwritev2)
    bool bad;
    n = pieces(n, FROM, &bad);
    return bad ? -1 : next(fd, v, n, at, flags);
}

/* name(fd, ...) that returns 0 or -1. */
#define INT_CALL(kind, name, params, args)                                                         \
    EXPORT int name params                                                                         \
    {                                                                                              \
        NEXT(name)                                                                                 \
        return fails(kind, FROM) ? -1 : next args;                                                 \
    }
INT_CALL(FAULT_FSYNC, fsync, (int fd), (fd))
INT_CALL(FAULT_FSYNC, fdatasync, (int fd), (fd))
INT_CALL(FAULT_FSYNC, syncfs, (int fd), (fd))
INT_CALL(FAULT_FSYNC, sync_file_range, (int fd, off64_t at, off64_t n, unsigned flags),
         (fd, at, n, flags))
INT_CALL(FAULT_RENAME, rename, (const char *a, const char *b), (a, b))
INT_CALL(FAULT_RENAME, renameat, (int x, const char *a, int y, const char *b), (x, a, y, b))
INT_CALL(FAULT_RENAME, renameat2, (int x, const char *a, int y, const char *b, unsigned f),
         (x, a, y, b, f))
INT_CALL(FAULT_TRUNCATE, ftruncate, (int fd, off_t n), (fd, n))
INT_CALL(FAULT_TRUNCATE, ftruncate64, (int fd, off64_t n), (fd, n))
INT_CALL(FAULT_TRUNCATE, fallocate, (int fd, int how, off_t at, off_t n), (fd, how, at, n))
INT_CALL(FAULT_TRUNCATE, fallocate64, (int fd, int how, off64_t at, off64_t n), (fd, how, at, n))

EXPORT int posix_fallocate(int fd, off_t at, off_t n)
{
    NEXT(posix_fallocate)
    return fails(FAULT_TRUNCATE, FROM) ? errno_wanted : next(fd, at, n);
}

#define OPEN_CALL(name, params, path_args)                                                         \
    EXPORT int name params                                                                         \
    {                                                                                              \
        NEXT(name)                                                                                 \
        mode_t bits = 0;                                                                           \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                                     \
            va_list ap;                                                                            \
            va_start(ap, flags);                                                                   \
            bits = va_arg(ap, mode_t);                                                             \
            va_end(ap);                                                                            \
        }                                                                                          \
        return (flags & (O_WRONLY | O_RDWR | O_CREAT)) && fails(FAULT_OPEN, FROM)                  \
                   ? -1                                                                            \
                   : next path_args;                                                               \
    }
OPEN_CALL(open, (const char *path, int flags, ...), (path, flags, bits))
OPEN_CALL(open64, (const char *path, int flags, ...), (path, flags, bits))
OPEN_CALL(openat, (int dir, const char *path, int flags, ...), (dir, path, flags, bits))
OPEN_CALL(openat64, (int dir, const char *path, int flags, ...), (dir, path, flags, bits))

/* ---- sockets ---- */

INT_CALL(FAULT_ACCEPT, accept, (int fd, __SOCKADDR_ARG a, socklen_t *n), (fd, a, n))
INT_CALL(FAULT_ACCEPT, accept4, (int fd, __SOCKADDR_ARG a, socklen_t *n, int flags),
         (fd, a, n, flags))
INT_CALL(FAULT_CONNECT, connect, (int fd, __CONST_SOCKADDR_ARG a, socklen_t n), (fd, a, n))
INT_CALL(FAULT_SEND, sendmmsg, (int fd, struct mmsghdr *v, unsigned n, int flags),
         (fd, v, n, flags))

EXPORT ssize_t send(int fd, const void *p, size_t n, int flags)
{
    NEXT(send)
    ssize_t now = allowed(FAULT_SEND, n, FROM);
    return now < 0 ? -1 : next(fd, p, (size_t)now, flags);
}

EXPORT ssize_t sendto(int fd, const void *p, size_t n, int flags, __CONST_SOCKADDR_ARG a,
                      socklen_t size)
{
    NEXT(sendto)
    return fails(FAULT_SEND, FROM) && mode != MODE_SHORT ? -1 : next(fd, p, n, flags, a, size);
}

EXPORT ssize_t sendmsg(int fd, const struct msghdr *m, int flags)
{
    NEXT(sendmsg)
    return fails(FAULT_SEND, FROM) && mode != MODE_SHORT ? -1 : next(fd, m, flags);
}

/* ---- memory. glibc's own names for it: dlsym() asks for memory itself ---- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);

EXPORT void *malloc(size_t n)
{
    return fails(FAULT_MALLOC, FROM) ? NULL : __libc_malloc(n);
}

EXPORT void *calloc(size_t n, size_t size)
{
    return fails(FAULT_MALLOC, FROM) ? NULL : __libc_calloc(n, size);
}

EXPORT void *realloc(void *p, size_t n)
{
    return fails(FAULT_MALLOC, FROM) ? NULL : __libc_realloc(p, n);
}

EXPORT void *aligned_alloc(size_t align, size_t n)
{
    return fails(FAULT_MALLOC, FROM) ? NULL : __libc_memalign(align, n);
}

EXPORT int posix_memalign(void **p, size_t align, size_t n)
{
    void *made = fails(FAULT_MALLOC, FROM) ? NULL : __libc_memalign(align, n);
    if (!made)
        return ENOMEM;
    *p = made;
    return 0;
}

EXPORT void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset)
{
    NEXT(mmap)
    return fails(FAULT_MMAP, FROM) ? MAP_FAILED : next(at, n, prot, flags, fd, offset);
}

EXPORT void *mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t offset)
{
    NEXT(mmap64)
    return fails(FAULT_MMAP, FROM) ? MAP_FAILED : next(at, n, prot, flags, fd, offset);
}

/* ---- who this is ---- */

EXPORT int prctl(int what, ...)
{
    NEXT(prctl)
    va_list ap;
    va_start(ap, what);
    unsigned long a[4];
    for (int i = 0; i < 4; i++)
        a[i] = va_arg(ap, unsigned long);
    va_end(ap);
    if (what == PR_SET_NAME)
        take_role((const char *)a[0]);
    return next(what, a[0], a[1], a[2], a[3]);
}
