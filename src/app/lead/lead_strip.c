/* Stripping metadata with mat2 (another program, another process): what an informant sent may be
 * made to harm the program that reads it, so that time, memory and disk are bounded, and nothing
 * but the result is kept. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/lead/lead_files.h"
#include "base/clock.h"
#include "base/file.h"

#define PROGRAM     "mat2"
#define INPUT_MAX   (256u << 20)
#define DISK_MAX    (1ull << 30) /* of its working folder */
#define MEMORY_MAX  (2ull << 30) /* address space */
#define CPU_SECONDS 60
#define WALL_MS     120000
#define LOOK_MS     20
#define NO_PROGRAM  127
#define WALK_FDS    16
#define COPY_PIECE  (1u << 20)

static int remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
    remove(path);
    return 0;
}

static void remove_tree(const char *path)
{
    nftw(path, remove_one, WALK_FDS, FTW_DEPTH | FTW_PHYS);
}

static uint64_t tree_bytes; /* nftw() has no context */
static int add_bytes(const char *path, const struct stat *st, int what, struct FTW *at)
{
    if (what == FTW_F)
        tree_bytes += (uint64_t)st->st_blocks * 512;
    return tree_bytes > DISK_MAX;
}

static int copy(int from, int to_dir, const char *name, struct err *err)
{
    struct buf piece = {0};
    uint64_t total = 0;
    int to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), rc;
    if (to < 0)
        return err_errno(err, "%s", name);
    do {
        piece.n = 0;
        rc = file_read_upto(from, COPY_PIECE, &piece);
        if (rc == 0)
            rc = file_write_all(to, piece.p, piece.n);
        total += piece.n;
    } while (rc == 0 && piece.n == COPY_PIECE && total <= INPUT_MAX);
    buf_free(&piece);
    close(to);
    if (rc < 0)
        return err_set(err, rc, "%s: %s", name, strerror(-rc));
    return total > INPUT_MAX ? err_set(err, -EFBIG, "%s: over %u MiB", name, INPUT_MAX >> 20) : 0;
}

static void limit(int what, uint64_t value)
{
    setrlimit((__rlimit_resource_t)what, &(struct rlimit){value, value});
}

/* In the child. */
static void run(const char *folder, const char *name)
{
    int null = open("/dev/null", O_RDWR);
    setpgid(0, 0);
    for (int fd = 0; fd < 3; fd++)
        dup2(null, fd);
    if (chdir(folder) < 0)
        _exit(1);
    setenv("TMPDIR", folder, 1);
    setenv("HOME", folder, 1);
    unsetenv("EBB_KEY");
    unsetenv("EBB_PASSPHRASE_FILE");
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, CPU_SECONDS);
    limit(RLIMIT_AS, MEMORY_MAX);
    limit(RLIMIT_FSIZE, DISK_MAX);
    execlp(PROGRAM, PROGRAM, "--inplace", name, (char *)NULL);
    _exit(NO_PROGRAM);
}

/* Until it ends, or has had too much. */
static int wait_for(pid_t child, const char *folder, const char *name, struct err *err)
{
    const struct timespec nap = {.tv_nsec = LOOK_MS * 1000000};
    int64_t end = clock_ms() + WALL_MS;
    int status = 0, rc = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        tree_bytes = 0;
        nftw(folder, add_bytes, WALK_FDS, FTW_PHYS);
        if (clock_ms() > end)
            rc = err_set(err, -ETIMEDOUT, "%s: " PROGRAM " took longer than %d s", name,
                         WALL_MS / 1000);
        else if (tree_bytes > DISK_MAX)
            rc = err_set(err, -EFBIG, "%s: " PROGRAM " made more than %llu MiB of it", name,
                         DISK_MAX >> 20);
        if (rc < 0) {
            kill(-child, SIGKILL);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            return rc;
        }
        nanosleep(&nap, NULL);
    }
    kill(-child, SIGKILL); /* whatever it left behind */
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
        return err_set(err, -ENOENT, "%s: there is no " PROGRAM " on this machine", name);
    if (WIFSIGNALED(status))
        return err_set(err, -EFBIG, "%s: " PROGRAM " was stopped: too much time, memory or disk",
                       name);
    return WEXITSTATUS(status) == 0
               ? 0
               : err_set(err, -EOPNOTSUPP, "%s: " PROGRAM " does not take this kind of file", name);
}

/* In a folder of its own, which is removed. */
static int strip_in(const struct lead_folder *f, const char *folder, const char *name,
                    struct err *err)
{
    char result[FILE_PATH_MAX];
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int from = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int rc = dir < 0 || from < 0 ? err_errno(err, "%s/%s", f->path, name) : 0;
    if (rc == 0)
        rc = copy(from, dir, name, err);
    pid_t child = rc == 0 ? fork() : -1;
    if (child == 0)
        run(folder, name);
    if (rc == 0)
        rc = child < 0 ? err_errno(err, "fork") : wait_for(child, folder, name, err);
    if (rc == 0)
        rc = file_path(result, err, "stripped-%s", name);
    /* A link, not a rename: nothing is replaced. */
    if (rc == 0 && (fchmodat(dir, name, 0600, 0) < 0 || linkat(dir, name, f->fd, result, 0) < 0))
        rc = err_errno(err, "%s/%s", f->path, result);
    if (dir >= 0)
        close(dir);
    if (from >= 0)
        close(from);
    return rc;
}

int lead_strip(const struct lead_folder *f, const char *name, struct err *err)
{
    char path[FILE_PATH_MAX], *whole;
    int rc = file_path(path, err, "%s/.strip-XXXXXX", f->path);
    if (rc < 0)
        return rc;
    if (!mkdtemp(path))
        return err_errno(err, "%s", path);
    whole = realpath(path, NULL);
    rc = whole ? strip_in(f, whole, name, err) : err_errno(err, "%s", path);
    remove_tree(path);
    free(whole);
    return rc;
}
