#include "app/lead/lead_price.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utc.h"

#define DEMAND_MAX    1024
#define RESERVED      (256ull << 20) /* of the disk: for everything else */
#define SEALED_FACTOR 9 / 8          /* padding */

static int open_demand(const char *case_dir, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/run", case_dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0700, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/run/lead-demand", case_dir);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", path);
    return fd;
}

static int read_demand(int fd, int64_t now, struct stamp_demand *out)
{
    char text[DEMAND_MAX];
    ssize_t n = pread(fd, text, sizeof text, 0);
    if (n < 0)
        return -errno;
    stamp_demand_parse(span_of(text, (size_t)n), now, out);
    return 0;
}

static int space_left(const char *case_dir, uint64_t *out, struct err *err)
{
    struct statvfs st;
    if (statvfs(case_dir, &st) < 0)
        return err_errno(err, "%s", case_dir);
    *out = (uint64_t)st.f_bavail * st.f_frsize;
    *out = *out > RESERVED ? *out - RESERVED : 0;
    return 0;
}

/* For reading alone: who asks for the price may not be able to write. */
static int look_at_demand(const char *case_dir, int64_t now, struct stamp_demand *out,
                          struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/run/lead-demand", case_dir);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", path);
    rc = read_demand(fd, now, out);
    close(fd);
    return rc < 0 ? err_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

int lead_price(const char *case_dir, uint64_t bytes, unsigned *bits, struct err *err)
{
    struct stamp_demand d = {0};
    uint64_t space = 0;
    int64_t now = utc_now();
    int rc = look_at_demand(case_dir, now, &d, err);
    if (rc == 0)
        rc = space_left(case_dir, &space, err);
    if (rc == 0 && bytes * SEALED_FACTOR > space)
        rc = err_set(err, -ENOSPC, "there is no room for %llu bytes more (%s)",
                     (unsigned long long)bytes, case_dir);
    if (rc == 0)
        *bits = stamp_price(&d, bytes, space, now);
    return rc;
}

/* The file's time is the day's: what it says of the hour is coarse enough (lead/stamp.h). */
static void blur(int fd)
{
    int64_t day = utc_now() / UTC_DAY * UTC_DAY / UTC_SECOND;
    futimens(fd, (struct timespec[2]){{.tv_sec = day}, {.tv_sec = day}});
}

int lead_price_took(const char *case_dir, uint64_t bytes, struct err *err)
{
    struct stamp_demand d = {0};
    struct buf text = {0};
    int64_t now = utc_now();
    int fd = open_demand(case_dir, err);
    if (fd < 0)
        return fd;
    int rc = flock(fd, LOCK_EX) < 0 ? -errno : read_demand(fd, now, &d);
    stamp_took(&d, bytes, now);
    stamp_demand_put(&d, &text);
    if (rc == 0 &&
        (pwrite(fd, text.p, text.n, 0) != (ssize_t)text.n || ftruncate(fd, (off_t)text.n) < 0))
        rc = -errno;
    blur(fd);
    close(fd);
    buf_free(&text);
    return rc < 0 ? err_set(err, rc, "%s/run/lead-demand: %s", case_dir, strerror(-rc)) : 0;
}
