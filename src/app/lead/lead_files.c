#include "app/lead/lead_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "view/display.h"

#define ENDING_MAX 12 /* bytes of ".docx" and the like that are kept when a name is cut */
#define TRIES_MAX  1000

/* ---- names ---- */

static bool is_safe(uint8_t c)
{
    return c >= 0x80 || c == '.' || c == '_' || c == '-' || (c >= '0' && c <= '9') ||
           ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static struct span without_path(struct span name)
{
    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\')
            return span_of(name.p + i, name.n - i);
    return name;
}

/* The longest beginning of at most `max` bytes that cuts no character. */
static size_t cut(const uint8_t *p, size_t n, size_t max)
{
    if (n <= max)
        return n;
    for (n = max; n > 0 && (p[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

void lead_safe_name(struct span name, char out[LEAD_NAME_MAX + 1])
{
    struct buf b = {0};
    display_put(&b, without_path(name)); /* what could hide or reorder is \u{...} now */
    for (size_t i = 0; i < b.n; i++)
        if (!is_safe(b.p[i]))
            b.p[i] = '_';
    for (size_t i = 0; i < b.n && (b.p[i] == '.' || b.p[i] == '-'); i++)
        b.p[i] = '_';
    if (!b.n)
        buf_str(&b, "file");
    const uint8_t *dot = memrchr(b.p, '.', b.n);
    size_t ending = dot ? b.n - (size_t)(dot - b.p) : 0;
    if (b.n <= LEAD_NAME_MAX || ending > ENDING_MAX)
        ending = 0;
    size_t n = cut(b.p, b.n - ending, LEAD_NAME_MAX - ending);
    memcpy(out, b.p, n);
    memcpy(out + n, b.p + b.n - ending, ending);
    out[n + ending] = 0;
    buf_free(&b);
}

/* ---- the folder ---- */

int lead_folder_open(const char *path, bool strip, struct lead_folder *out, struct err *err)
{
    *out = (struct lead_folder){.path = path, .fd = -1, .strip = strip};
    int rc = file_mkdirs(path, 0700, err);
    if (rc < 0)
        return rc;
    out->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return out->fd < 0 ? err_errno(err, "%s", path) : 0;
}

void lead_folder_close(struct lead_folder *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

/* ---- writing ---- */

/* The files of one sealed thing as they are written. */
struct writing {
    struct lead_folder *folder;
    const struct seal_manifest *m;
    const char *prefix;
    char (*names)[LEAD_NAME_MAX + 64];
    unsigned n; /* created so far */
    int fd;     /* the last of them; -1 when it is closed */
};

/* A name that nothing has yet: NAME, 2-NAME ... */
static int create(struct writing *w, struct err *err)
{
    char safe[LEAD_NAME_MAX + 1], *name = w->names[w->n];
    lead_safe_name(w->m->files[w->n].name, safe);
    for (unsigned i = 1; i <= TRIES_MAX; i++) {
        if (i == 1)
            snprintf(name, sizeof *w->names, "%s%s", w->prefix, safe);
        else
            snprintf(name, sizeof *w->names, "%s%u-%s", w->prefix, i, safe);
        w->fd =
            openat(w->folder->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (w->fd >= 0) {
            w->n++;
            return 0;
        }
        if (errno != EEXIST)
            return err_errno(err, "%s/%s", w->folder->path, name);
    }
    return err_set(err, -EEXIST, "%s: %u files of that name already (%s)", w->folder->path,
                   TRIES_MAX, safe);
}

static int finish(struct writing *w, struct err *err)
{
    int fd = w->fd;
    w->fd = -1;
    return fd >= 0 && close(fd) < 0 ? err_errno(err, "%s/%s", w->folder->path, w->names[w->n - 1])
                                    : 0;
}

/* The files up to that one exist; empty ones give no pieces. */
static int turn_to(struct writing *w, unsigned file, struct err *err)
{
    int rc = 0;
    while (rc == 0 && w->n <= file) {
        rc = finish(w, err);
        if (rc == 0)
            rc = create(w, err);
    }
    return rc;
}

static int write_all(struct writing *w, struct lead_opened *o, struct err *err)
{
    struct span data;
    unsigned file;
    int rc, more;
    while ((more = unseal_next(o->reader, &file, &data, err)) == 1) {
        rc = turn_to(w, file, err);
        if (rc < 0)
            return rc;
        rc = file_write_all(w->fd, data.p, data.n);
        if (rc < 0)
            return err_set(err, rc, "%s/%s: %s", w->folder->path, w->names[w->n - 1],
                           strerror(-rc));
    }
    if (more == 0 && w->m->n_files)
        more = turn_to(w, (unsigned)w->m->n_files - 1, err);
    return more == 0 ? finish(w, err) : more;
}

static void strip_all(struct writing *w)
{
    struct err err;
    for (unsigned i = 0; i < w->n; i++)
        if (lead_strip(w->folder, w->names[i], &err) < 0) {
            w->folder->unstripped++;
            fprintf(stderr, "ebb: warning: not stripped: %s (the original is as it was)\n",
                    err.text);
        }
}

int lead_folder_write(struct lead_folder *f, struct lead_opened *o, const char *prefix,
                      void (*written)(void *ctx, unsigned file, const char *name), void *ctx,
                      struct err *err)
{
    struct writing w = {.folder = f, .m = unseal_manifest(o->reader), .prefix = prefix, .fd = -1};
    w.names = calloc(w.m->n_files + 1, sizeof *w.names);
    if (!w.names)
        abort();
    int rc = write_all(&w, o, err);
    if (rc < 0) {
        finish(&w, NULL);
        for (unsigned i = 0; i < w.n; i++)
            unlinkat(f->fd, w.names[i], 0);
    } else {
        for (unsigned i = 0; i < w.n; i++)
            written(ctx, i, w.names[i]);
        if (f->strip)
            strip_all(&w);
    }
    free(w.names);
    return rc;
}
