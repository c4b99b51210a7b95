#include "app/care/beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

#define FOLDER (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int beneath_root(const char *dir, struct err *err)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, "%s", dir) : fd;
}

/* The folder that `path` lies in, and its last part. Made where `make` and missing. */
static int parent_of(int root, const char *path, bool make, mode_t mode, const char **name,
                     struct err *err)
{
    char part[NAME_MAX + 1];
    int fd = fcntl(root, F_DUPFD_CLOEXEC, 0);
    for (const char *slash; fd >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        size_t n = (size_t)(slash - path);
        if (n == 0 || n > NAME_MAX || (n == 1 && path[0] == '.') ||
            (n == 2 && path[0] == '.' && path[1] == '.')) {
            close(fd);
            return err_set(err, -EINVAL, "%s: not a path below the folder", path);
        }
        memcpy(part, path, n);
        part[n] = 0;
        if (make && mkdirat(fd, part, mode) < 0 && errno != EEXIST) {
            int rc = err_errno(err, "%s", part);
            close(fd);
            return rc;
        }
        int next = openat(fd, part, FOLDER);
        int rc = next < 0 ? err_errno(err, "%s", part) : 0;
        close(fd);
        if (rc < 0)
            return rc;
        fd = next;
    }
    if (fd < 0)
        return err_errno(err, "%s", path);
    *name = path;
    return fd;
}

int beneath_open(int root, const char *path, int flags, mode_t mode, struct err *err)
{
    const char *name;
    struct stat st;
    int folder = parent_of(root, path, false, 0, &name, err);
    if (folder < 0)
        return err_set(err, folder, "%s: %s", path, strerror(-folder));
    int fd = openat(folder, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, mode);
    int rc = fd < 0 ? err_errno(err, "%s", path) : 0;
    close(folder);
    if (rc == 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
        close(fd);
        rc = err_set(err, -EINVAL, "%s: not a regular file", path);
    }
    return rc < 0 ? rc : fd;
}

int beneath_make_folders(int root, const char *path, const char *open_below, struct err *err)
{
    const char *name;
    size_t n = open_below ? strlen(open_below) : 0;
    bool open = n && strncmp(path, open_below, n) == 0 && path[n] == '/';
    int fd = parent_of(root, path, true, open ? 0755 : 0700, &name, err);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

int beneath_remove(int root, const char *path, struct err *err)
{
    const char *name;
    int folder = parent_of(root, path, false, 0, &name, err);
    if (folder < 0)
        return folder == -ENOENT ? 0 : folder;
    int rc = unlinkat(folder, name, 0) < 0 && errno != ENOENT ? err_errno(err, "%s", path) : 0;
    close(folder);
    return rc;
}

/* ---- walking ---- */

static int not_dots(const struct dirent *e)
{
    return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

struct walk {
    const struct beneath_visit *v;
    unsigned files;
};

static int walk_folder(struct walk *w, int fd, const char *path, unsigned depth, struct err *err);

static int walk_one(struct walk *w, int fd, const char *path, const char *name, unsigned depth,
                    struct err *err)
{
    char sub[FILE_PATH_MAX];
    struct stat st;
    int rc = file_path(sub, err, "%s%s%s", path, *path ? "/" : "", name);
    if (rc < 0)
        return rc;
    if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", sub); /* gone meanwhile */
    if (w->v->skip && w->v->skip(w->v->ctx, sub))
        return 0;
    if (S_ISREG(st.st_mode)) {
        if (++w->files > BENEATH_FILES_MAX)
            return err_set(err, -E2BIG, "%s: more than %d files", sub, BENEATH_FILES_MAX);
        return w->v->each(w->v->ctx, sub, &st, err);
    }
    if (!S_ISDIR(st.st_mode))
        return 0;
    if (depth >= BENEATH_DEPTH_MAX)
        return err_set(err, -ELOOP, "%s: folders within folders, too many", sub);
    int next = openat(fd, name, FOLDER);
    return next < 0 ? errno == ENOENT ? 0 : err_errno(err, "%s", sub)
                    : walk_folder(w, next, sub, depth + 1, err);
}

/* Takes the descriptor. */
static int walk_folder(struct walk *w, int fd, const char *path, unsigned depth, struct err *err)
{
    struct dirent **names;
    int rc = 0, n = scandirat(fd, ".", &names, not_dots, alphasort);
    if (n < 0)
        rc = err_errno(err, "%s", path);
    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = walk_one(w, fd, path, names[i]->d_name, depth, err);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    close(fd);
    return rc;
}

int beneath_walk(int root, const char *under, const struct beneath_visit *v, struct err *err)
{
    struct walk w = {.v = v};
    int fd = openat(root, *under ? under : ".", FOLDER);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", under);
    return walk_folder(&w, fd, under, 0, err);
}

/* ---- removing ---- */

/* Empty folders; with `all` files, too. Takes the descriptor. */
static void remove_in(int fd, unsigned depth, bool all)
{
    struct dirent **names;
    int n = scandirat(fd, ".", &names, not_dots, NULL);
    for (int i = 0; i < n; i++) {
        int sub = depth < BENEATH_DEPTH_MAX ? openat(fd, names[i]->d_name, FOLDER) : -1;
        if (sub >= 0) {
            remove_in(sub, depth + 1, all);
            unlinkat(fd, names[i]->d_name, AT_REMOVEDIR);
        } else if (all) {
            unlinkat(fd, names[i]->d_name, 0);
        }
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    close(fd);
}

void beneath_prune(int root, const char *under)
{
    int fd = openat(root, under, FOLDER);
    if (fd >= 0)
        remove_in(fd, 0, false);
}

void beneath_remove_all(const char *dir)
{
    int fd = open(dir, FOLDER);
    if (fd < 0)
        return;
    remove_in(fd, 0, true);
    rmdir(dir);
}
