/* Doctor: the file system that the case is on. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "app/care/doctor.h"
#include "base/clock.h"
#include "base/file.h"

#define FILES_MAX    65536 /* that growth is counted over */
#define PROBES       12    /* small writes, each made durable */
#define PROBE_BYTES  4096
#define PROBE_MS     3000 /* for all of them */
#define INODES_WARN  5.0  /* percent free */
#define INODES_WRONG 1.0
#define GIB          (1024.0 * 1024 * 1024)

/* ---- growth ---- */

struct grown {
    struct doctor_file *v;
    size_t n;
};

static void take_file(struct grown *g, int dir, const char *name)
{
    struct statx st;
    if (g->n == FILES_MAX ||
        statx(dir, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &st) < 0 ||
        !S_ISREG(st.stx_mode))
        return;
    g->v[g->n++] = (struct doctor_file){
        .born = st.stx_mask & STATX_BTIME
                    ? st.stx_btime.tv_sec * UTC_SECOND + st.stx_btime.tv_nsec / 1000
                    : 0,
        .changed = st.stx_mtime.tv_sec * UTC_SECOND + st.stx_mtime.tv_nsec / 1000,
        .bytes = st.stx_blocks * 512};
}

static void take_folder(struct grown *g, const char *dir, const char *name)
{
    char path[FILE_PATH_MAX];
    DIR *d = file_path(path, NULL, "%s/%s", dir, name) == 0 ? opendir(path) : NULL;
    if (!d)
        return;
    for (struct dirent *e; g->n < FILES_MAX && (e = readdir(d));)
        take_file(g, dirfd(d), e->d_name);
    closedir(d);
}

/* Bytes a day of segments and blobs; views and tiles are a small part beside them. */
static double growth(const struct doctor *d)
{
    struct grown g = {calloc(FILES_MAX, sizeof *g.v), 0};
    if (!g.v)
        abort();
    take_folder(&g, d->dir, "journal");
    take_folder(&g, d->dir, "blobs");
    double v = doctor_growth(g.v, g.n, d->now);
    free(g.v);
    return v;
}

/* ---- the checks ---- */

static void space(struct doctor *d)
{
    struct statvfs st;
    if (statvfs(d->dir, &st) < 0) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "%s", strerror(errno));
        return;
    }
    double left = (double)st.f_bavail * (double)st.f_frsize;
    double all = (double)st.f_blocks * (double)st.f_frsize, a_day = growth(d);
    double days = isnan(a_day) ? NAN : a_day > 0 ? left / a_day : INFINITY;
    enum doctor_state s = doctor_space(left, all, days);
    char end[64] = "how fast the log grows is not known yet";
    if (isinf(days))
        snprintf(end, sizeof end, "the log does not grow");
    else if (!isnan(days))
        snprintf(end, sizeof end, "%.1f days at %.2f GiB a day", days, a_day / GIB);
    doctor_say(d, s, "",
               s == DOCTOR_OK ? ""
                              : "make room, or erase what is old (`ebb retention`): a full disk "
                                "stops the recording",
               "%.1f GiB of %.1f free (%.0f %%); %s", left / GIB, all / GIB, 100 * left / all, end);
}

static void inodes(struct doctor *d)
{
    struct statvfs st;
    if (statvfs(d->dir, &st) < 0 || st.f_files == 0) {
        doctor_say(d, DOCTOR_OK, "", "", "this file system has no number of files");
        return;
    }
    double percent = 100 * (double)st.f_favail / (double)st.f_files;
    enum doctor_state s = doctor_under(percent, INODES_WARN, INODES_WRONG);
    doctor_say(d, s, "", s == DOCTOR_OK ? "" : "remove files: none can be made when these are gone",
               "%.0f %% of the files that the file system can have are free", percent);
}

static void kind(struct doctor *d)
{
    static const struct {
        unsigned long magic;
        const char *name, *todo;
        enum doctor_state state;
    } known[] = {
        {TMPFS_MAGIC, "tmpfs", "in memory: gone when the machine stops; use a disk", DOCTOR_WARN},
        {RAMFS_MAGIC, "ramfs", "in memory: gone when the machine stops; use a disk", DOCTOR_WARN},
        {NFS_SUPER_MAGIC, "NFS", "locks and fsync are the server's: use a local disk",
         DOCTOR_WRONG},
        {0xff534d42, "CIFS", "locks and fsync are the server's: use a local disk", DOCTOR_WRONG},
        {0xfe534d42, "SMB", "locks and fsync are the server's: use a local disk", DOCTOR_WRONG},
        {V9FS_MAGIC, "9p", "fsync is the host's affair: use a disk", DOCTOR_WARN},
        {0x65735546, "FUSE", "whether fsync is durable is that program's affair", DOCTOR_WARN},
        {0x00c36400, "Ceph", "fsync is the cluster's affair: see that it is durable", DOCTOR_WARN},
        {EXT4_SUPER_MAGIC, "ext4", "", DOCTOR_OK},
        {XFS_SUPER_MAGIC, "XFS", "", DOCTOR_OK},
        {BTRFS_SUPER_MAGIC, "Btrfs", "", DOCTOR_OK},
        {0x2fc12fc1, "ZFS", "", DOCTOR_OK},
        {OVERLAYFS_SUPER_MAGIC, "overlay", "", DOCTOR_OK},
    };
    struct statfs st;
    if (statfs(d->dir, &st) < 0) {
        doctor_say(d, DOCTOR_SKIPPED, "", "", "%s", strerror(errno));
        return;
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if ((unsigned long)st.f_type == known[i].magic) {
            doctor_say(d, known[i].state, "", known[i].todo, "%s", known[i].name);
            return;
        }
    doctor_say(d, DOCTOR_OK, "", "", "type %lx", (unsigned long)st.f_type);
}

/* Microseconds of one small write that is durable; negative errno. */
static double probe_once(int fd)
{
    static const uint8_t bytes[PROBE_BYTES];
    int64_t begin = clock_us();
    if (pwrite(fd, bytes, sizeof bytes, 0) != (ssize_t)sizeof bytes)
        return errno ? -errno : -ENOSPC;
    if (fdatasync(fd) < 0)
        return -errno;
    return (double)(clock_us() - begin);
}

static void probe(struct doctor *d, int fd)
{
    double took[PROBES], failed = 0;
    int64_t end = clock_ms() + PROBE_MS;
    size_t n = 0;
    while (n < PROBES && failed == 0 && clock_ms() < end) {
        took[n] = probe_once(fd);
        if (took[n] < 0)
            failed = took[n];
        else
            n++;
    }
    if (failed < 0) {
        doctor_say(d, DOCTOR_WRONG, "", "nothing can be recorded until this can be written",
                   "a small write fails: %s", strerror((int)-failed));
        return;
    }
    double middle = doctor_median(took, n);
    enum doctor_state s = doctor_over(middle, DOCTOR_SYNC_WARN_US, DOCTOR_SYNC_WRONG_US);
    doctor_say(d, s, "",
               s == DOCTOR_OK ? ""
                              : "an observation is durable no faster: a disk of its own, or a "
                                "larger commit_interval_ms",
               "%.1f ms until a small write is durable (the middle of %zu)", middle / 1000, n);
}

static void sync_time(struct doctor *d)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, NULL, "%s/run/doctor.%ld", d->dir, (long)getpid());
    int fd = rc < 0 ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == ENOENT) { /* run/ comes with the first `ebb serve` */
        file_path(path, NULL, "%s/.doctor.%ld", d->dir, (long)getpid());
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (fd < 0) {
        bool other = errno == EACCES && geteuid() != 0;
        doctor_say(d, other ? DOCTOR_SKIPPED : DOCTOR_WRONG, "",
                   other ? "run it as the user that the case belongs to" : "make it writable",
                   "the case cannot be written to: %s", strerror(errno));
        return;
    }
    unlink(path); /* whatever happens, nothing stays */
    probe(d, fd);
    close(fd);
}

const struct doctor_check doctor_disk_checks[] = {{"disk space", space},
                                                  {"disk files", inodes},
                                                  {"disk type", kind},
                                                  {"disk speed", sync_time},
                                                  {0}};
