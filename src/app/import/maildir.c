#include "app/import/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

#define FOLDERS_MAX 256   /* watched */
#define PENDING_MAX 65536 /* names in hand; beyond that the folders are listed again */
#define QUIET_MS    100   /* a burst of mails is one batch */
#define BURST_MS    1000  /* ... but not for ever */
#define REPEAT_MAX  64    /* newest names among which a second notice of one is looked for */
#define SETTLE_MS   2000  /* how long a file that nobody closes must stay as it is */

static const char *const parts[] = {"new", "cur"};

/* ---- files ---- */

void maildir_files_free(struct maildir_files *f)
{
    for (size_t i = 0; i < f->n; i++)
        free(f->path[i]);
    free(f->path);
    *f = (struct maildir_files){0};
}

static void add(struct maildir_files *f, const char *folder, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        abort();
    f->path = mem_room(f->path, f->n, &f->cap, sizeof *f->path);
    f->path[f->n++] = path;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int by_name(const void *a, const void *b)
{
    const char *x = *(char *const *)a, *y = *(char *const *)b;
    int order = strcmp(base_name(x), base_name(y));
    return order ? order : strcmp(x, y);
}

bool maildir_is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Folders that hold files which are not for us (".", what a program hides) begin with a dot. */
static int list_part(const char *folder, struct maildir_files *out, struct err *err)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return err_errno(err, "%s", folder);
    for (struct dirent *e; (e = readdir(dir));)
        if (e->d_name[0] != '.' &&
            (e->d_type == DT_REG || e->d_type == DT_UNKNOWN || e->d_type == DT_LNK))
            add(out, folder, e->d_name);
    closedir(dir);
    return 0;
}

/* The folders with a Maildir's mails; how many, 0 when it is none. */
static int parts_of(const char *path, char out[2][FILE_PATH_MAX])
{
    char clean[FILE_PATH_MAX];
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n >= sizeof clean - 8)
        return 0;
    memcpy(clean, path, n);
    clean[n] = 0;
    int found = 0;
    for (size_t i = 0; i < 2; i++) {
        file_path(out[i], NULL, "%s/%s", clean, parts[i]);
        found += maildir_is_folder(out[i]);
    }
    if (found == 2)
        return 2;
    const char *base = base_name(clean);
    if (strcmp(base, "new") != 0 && strcmp(base, "cur") != 0)
        return 0;
    memcpy(out[0], clean, n + 1);
    return 1;
}

static int no_maildir(const char *path, struct err *err)
{
    return err_set(err, -ENOTDIR, "%s: a directory, but not a Maildir: it has no new/ and cur/",
                   path);
}

int maildir_list(const char *path, struct maildir_files *out, struct err *err)
{
    char folder[2][FILE_PATH_MAX];
    int n = parts_of(path, folder), rc = n ? 0 : no_maildir(path, err);
    size_t from = out->n;
    for (int i = 0; rc == 0 && i < n; i++)
        rc = list_part(folder[i], out, err);
    if (out->n > from)
        qsort(out->path + from, out->n - from, sizeof *out->path, by_name);
    return rc;
}

/* ---- watching ---- */

struct pending {
    char *name;
    unsigned folder;
    int64_t due;   /* monotonic, ms */
    bool unclosed; /* may still be written, for all we saw */
};

struct maildir_watch {
    int fd;
    struct {
        int wd;
        char path[FILE_PATH_MAX];
    } folder[FOLDERS_MAX];
    unsigned folders;
    const char *const *maildir;
    size_t maildirs;
    struct pending *pending;
    size_t n, cap;
    bool missed; /* more came than could be noted: list them all */
};

static int watch_folder(struct maildir_watch *w, const char *path, struct err *err)
{
    if (w->folders == FOLDERS_MAX)
        return err_set(err, -ENOSPC, "%s: %d folders can be watched, not more", path, FOLDERS_MAX);
    int wd = inotify_add_watch(w->fd, path,
                               IN_MOVED_TO | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE_SELF |
                                   IN_MOVE_SELF | IN_ONLYDIR);
    if (wd < 0)
        return err_errno(err, "%s: cannot be watched", path);
    w->folder[w->folders].wd = wd;
    return file_path(w->folder[w->folders++].path, err, "%s", path);
}

int maildir_watch_open(const char *const *path, size_t n, struct maildir_watch **out,
                       struct err *err)
{
    struct maildir_watch *w = mem_zeroed(1, sizeof *w);
    char folder[2][FILE_PATH_MAX];
    int rc = 0;
    w->maildir = path;
    w->maildirs = n;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->fd < 0)
        rc = err_errno(err, "inotify");
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int found = parts_of(path[i], folder);
        rc = found ? 0 : no_maildir(path[i], err);
        for (int k = 0; rc == 0 && k < found; k++)
            rc = watch_folder(w, folder[k], err);
    }
    if (rc < 0)
        maildir_watch_close(w);
    else
        *out = w;
    return rc;
}

void maildir_watch_close(struct maildir_watch *w)
{
    if (w->fd >= 0)
        close(w->fd);
    for (size_t i = 0; i < w->n; i++)
        free(w->pending[i].name);
    free(w->pending);
    free(w);
}

static void note(struct maildir_watch *w, unsigned folder, const char *name, bool unclosed)
{
    int64_t due = clock_ms() + (unclosed ? SETTLE_MS : 0);
    for (size_t i = w->n; i-- > 0 && w->n - i <= REPEAT_MAX;) {
        struct pending *p = &w->pending[i];
        if (p->folder == folder && strcmp(p->name, name) == 0) {
            p->due = due;
            p->unclosed = unclosed;
            return;
        }
    }
    if (w->n == PENDING_MAX) {
        w->missed = true;
        return;
    }
    w->pending = mem_room(w->pending, w->n, &w->cap, sizeof *w->pending);
    char *copy = strdup(name);
    if (!copy)
        abort();
    w->pending[w->n++] = (struct pending){copy, folder, due, unclosed};
}

/* A file with two names was linked into place, so it is whole; one that was only made may still be
 * written. */
static bool is_unclosed(const char *folder, const struct inotify_event *e)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    if (e->mask & (IN_MOVED_TO | IN_CLOSE_WRITE))
        return false;
    return file_path(path, NULL, "%s/%s", folder, e->name) < 0 || stat(path, &st) < 0 ||
           st.st_nlink < 2;
}

static int take_notice(struct maildir_watch *w, const struct inotify_event *e, struct err *err)
{
    if (e->mask & IN_Q_OVERFLOW)
        w->missed = true;
    for (unsigned i = 0; i < w->folders; i++) {
        if (w->folder[i].wd != e->wd)
            continue;
        if (e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT))
            return err_set(err, -ENOENT, "%s: is gone", w->folder[i].path);
        if (e->len && e->name[0] != '.' && !(e->mask & IN_ISDIR))
            note(w, i, e->name, is_unclosed(w->folder[i].path, e));
    }
    return 0;
}

/* 1 something was read, 0 nothing is there. */
static int read_notices(struct maildir_watch *w, struct err *err)
{
    _Alignas(struct inotify_event) char text[16 * (sizeof(struct inotify_event) + NAME_MAX + 1)];
    ssize_t n = read(w->fd, text, sizeof text);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : err_errno(err, "inotify");
    for (ssize_t at = 0; at < n;) {
        const struct inotify_event *e = (const void *)(text + at);
        int rc = take_notice(w, e, err);
        if (rc < 0)
            return rc;
        at += (ssize_t)(sizeof *e + e->len);
    }
    return n > 0;
}

/* Written to a moment ago. */
static bool is_restless(const char *path)
{
    struct stat st;
    struct timespec now;
    if (stat(path, &st) < 0)
        return false;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t age =
        (now.tv_sec - st.st_mtim.tv_sec) * 1000ll + (now.tv_nsec - st.st_mtim.tv_nsec) / 1000000;
    return age >= 0 && age < SETTLE_MS;
}

/* Those that are due, to out; when the next one is, -1 for never. */
static int64_t hand_out(struct maildir_watch *w, struct maildir_files *out)
{
    size_t left = 0;
    int64_t now = clock_ms(), next = -1;
    for (size_t i = 0; i < w->n; i++) {
        struct pending p = w->pending[i];
        if (p.due <= now) {
            add(out, w->folder[p.folder].path, p.name);
            if (p.unclosed && is_restless(out->path[out->n - 1])) {
                free(out->path[--out->n]);
                p.due = now + SETTLE_MS;
            }
        }
        if (p.due <= now) {
            free(p.name);
            continue;
        }
        next = next < 0 || p.due < next ? p.due : next;
        w->pending[left++] = p;
    }
    w->n = left;
    return next;
}

static int list_again(struct maildir_watch *w, struct maildir_files *out, struct err *err)
{
    int rc = 0;
    w->missed = false;
    for (size_t i = 0; rc == 0 && i < w->maildirs; i++)
        rc = maildir_list(w->maildir[i], out, err);
    return rc;
}

/* Waits for notices until `until` (-1: for ever). 1 there are some, 0, negative. */
static int wait_until(struct maildir_watch *w, int64_t until, const sigset_t *mask, struct err *err)
{
    struct pollfd p = {.fd = w->fd, .events = POLLIN};
    int64_t left = until < 0 ? 0 : until - clock_ms();
    left = left < 0 ? 0 : left;
    struct timespec t = {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
    int r = ppoll(&p, 1, until < 0 ? NULL : &t, mask);
    return r >= 0 ? r : errno == EINTR ? 0 : err_errno(err, "poll");
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 ? b : b < 0 || a < b ? a : b;
}

int maildir_watch_wait(struct maildir_watch *w, int wait_ms, const volatile sig_atomic_t *stop,
                       const sigset_t *mask, struct maildir_files *out, struct err *err)
{
    int64_t begun = clock_ms(), end = wait_ms < 0 ? -1 : begun + wait_ms, burst = -1, next = -1;
    size_t before = out->n;
    for (;;) {
        int rc;
        while ((rc = read_notices(w, err)) > 0)
            ;
        if (rc < 0)
            return rc;
        if (w->missed && (rc = list_again(w, out, err)) < 0)
            return rc;
        next = hand_out(w, out);
        int64_t now = clock_ms();
        if (out->n > before && burst < 0)
            burst = now + BURST_MS;
        if (*stop || (burst >= 0 && now >= burst) || (burst < 0 && end >= 0 && now >= end))
            break;
        int64_t until = burst >= 0 ? now + QUIET_MS : sooner(end, next);
        rc = wait_until(w, until, mask, err);
        if (rc < 0)
            return rc;
        if (rc == 0 && burst >= 0)
            break; /* quiet again */
    }
    return out->n > before;
}
