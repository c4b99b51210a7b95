/* A referral's folder: files, the manifest that has them all, its signature, the tar. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/referral/referral.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "journal/note.h"

#define DEPTH_MAX 4 /* folders within one another */

static int make(int at, const char *path, const char *shown, int *fd, struct err *err)
{
    if (mkdirat(at, path, 0700) < 0)
        return errno == EEXIST ? err_set(err, -EEXIST, "%s: is there already", shown)
                               : err_errno(err, "%s", shown);
    *fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return *fd < 0 ? err_errno(err, "%s", shown) : 0;
}

int referral_folder_make(struct referral *x, struct err *err)
{
    int rc = make(AT_FDCWD, x->r->output, x->r->output, &x->top, err);
    return rc < 0 ? rc : make(x->top, x->r->name, x->r->name, &x->dir, err);
}

/* ---- files ---- */

/* The user asks to stop; the command has blocked these, so that it can clean up. */
static bool is_stopped(void)
{
    sigset_t set;
    return sigpending(&set) == 0 &&
           (sigismember(&set, SIGINT) || sigismember(&set, SIGTERM) || sigismember(&set, SIGHUP));
}

static int make_folders(struct referral *x, const char *path, struct err *err)
{
    char folder[REFERRAL_PATH_MAX];
    for (const char *s = strchr(path, '/'); s; s = strchr(s + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(s - path), path);
        if (mkdirat(x->dir, folder, 0700) < 0 && errno != EEXIST)
            return err_errno(err, "%s/%s", x->r->name, folder);
    }
    return 0;
}

int referral_file_open(struct referral *x, const char *path, struct referral_file *f,
                       struct err *err)
{
    *f = (struct referral_file){.x = x, .fd = -1};
    if (is_stopped())
        return err_set(err, -EINTR, "stopped: nothing is left");
    if (strlen(path) >= sizeof f->path)
        return err_set(err, -ENAMETOOLONG, "a path that is too long (%.100s...)", path);
    if (x->n_rows >= REFERRAL_FILES_MAX)
        return err_set(err, -E2BIG, "the referral has more than %d files", REFERRAL_FILES_MAX);
    snprintf(f->path, sizeof f->path, "%s", path);
    int rc = make_folders(x, path, err);
    if (rc < 0)
        return rc;
    f->fd = openat(x->dir, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    sha256_begin(&f->sum);
    return f->fd < 0 ? err_errno(err, "%s/%s", x->r->name, path) : 0;
}

int referral_file_add(struct referral_file *f, struct span data, struct err *err)
{
    if (data.n > REFERRAL_BYTES_MAX - f->x->bytes || data.n > TAR_SIZE_MAX - f->size)
        return err_set(err, -EFBIG, "the referral is too large: %s is over 8 GiB, or all over %llu",
                       f->path, REFERRAL_BYTES_MAX >> 30);
    int rc = file_write_all(f->fd, data.p, data.n);
    if (rc < 0)
        return err_set(err, rc, "%s/%s: %s", f->x->r->name, f->path, strerror(-rc));
    sha256_add(&f->sum, data.p, data.n);
    f->size += data.n;
    f->x->bytes += data.n;
    return 0;
}

int referral_file_close(struct referral_file *f, bool good, struct err *err)
{
    struct referral *x = f->x;
    if (f->fd < 0)
        return 0;
    int rc = close(f->fd) < 0 ? err_errno(err, "%s/%s", x->r->name, f->path) : 0;
    f->fd = -1;
    if (!good || rc < 0)
        return rc;
    x->rows = mem_room(x->rows, x->n_rows, &x->cap_rows, sizeof *x->rows);
    struct referral_row *row = &x->rows[x->n_rows++];
    row->path = arena_copy(&x->arena, f->path, strlen(f->path));
    row->size = f->size;
    sha256_end(&f->sum, row->sha256);
    return 0;
}

int referral_put(struct referral *x, const char *path, struct span data, struct err *err)
{
    struct referral_file f;
    int rc = referral_file_open(x, path, &f, err);
    if (rc == 0)
        rc = referral_file_add(&f, data, err);
    int closed = referral_file_close(&f, rc == 0, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

/* ---- the manifest ---- */

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct referral_row *)a)->path, ((const struct referral_row *)b)->path);
}

static void put_head(struct referral *x, struct json *j)
{
    char when[UTC_TEXT_MAX];
    json_key(j, "form");
    json_str(j, "ebb referral v1");
    json_key(j, "name");
    json_str(j, x->r->name);
    json_key(j, "agency");
    json_span(j, x->r->agency);
    json_key(j, "limits");
    json_span(j, x->r->limits);
    json_key(j, "left_out");
    json_array(j);
    for (unsigned i = 0; referral_without_name(i); i++)
        if (referral_is_left_out(x, 1u << i))
            json_str(j, referral_without_name(i));
    json_array_end(j);
    json_key(j, "recipient");
    json_str(j, openpgp_fingerprint(x->to));
    json_key(j, "made");
    json_span(j, span_of(when, utc_format(x->now, when)));
    json_key(j, "made_by");
    json_str(j, "ebb " EBB_VERSION);
    json_key(j, "signer");
    json_span(j, referral_person(x, span_str(x->r->signer->name)));
    json_key(j, "log");
    json_str(j, journal_origin(x->c->journal));
    json_key(j, "size");
    json_uint(j, x->size);
}

/* What it is on one line, then a line a file, in a form that a shell script reads. */
static void put_manifest(struct referral *x, struct buf *out)
{
    char hex[SHA256_HEX_MAX];
    struct json j = json_to(out);
    qsort(x->rows, x->n_rows, sizeof *x->rows, by_path);
    json_object(&j);
    put_head(x, &j);
    buf_str(out, ",\"files\": [\n");
    for (size_t i = 0; i < x->n_rows; i++) {
        hex_encode(x->rows[i].sha256, SHA256_LEN, hex);
        buf_printf(out, "  {\"sha256\": \"%s\", \"size\": %llu, \"path\": \"%s\"}%s\n", hex,
                   (unsigned long long)x->rows[i].size, x->rows[i].path,
                   i + 1 < x->n_rows ? "," : "");
    }
    buf_str(out, "]}\n");
}

int referral_seal(struct referral *x, struct err *err)
{
    struct buf manifest = {0};
    uint8_t signature[crypto_sign_BYTES];
    size_t n = x->n_rows;
    put_manifest(x, &manifest);
    sha256(manifest.p, manifest.n, x->manifest);
    crypto_sign_detached(signature, NULL, manifest.p, manifest.n, x->r->signer->sign_secret);
    int rc = referral_put(x, "manifest.json", buf_as_span(&manifest), err);
    if (rc == 0)
        rc = referral_put(x, "manifest.sig", span_of(signature, sizeof signature), err);
    buf_free(&manifest);
    if (rc == 0 && x->n_rows != n + 2)
        rc = err_set(err, -EIO, "the manifest");
    return rc;
}

/* ---- the tar ---- */

static ssize_t read_tar(void *ctx, void *out, size_t room)
{
    return is_stopped() ? -EINTR : tar_read(ctx, out, room);
}

static int encrypt(struct referral *x, int fd, struct err *err)
{
    struct tar_file *files = mem_zeroed(x->n_rows, sizeof *files);
    struct tar tar = {
        .dir = x->dir, .prefix = x->r->name, .files = files, .n = x->n_rows, .time = x->now};
    for (size_t i = 0; i < x->n_rows; i++) {
        files[i] = (struct tar_file){.path = x->rows[i].path, .size = x->rows[i].size};
        memcpy(files[i].sha256, x->rows[i].sha256, SHA256_LEN);
    }
    tar_begin(&tar);
    int rc = openpgp_encrypt(x->to, read_tar, &tar, fd, err);
    if (rc < 0 && tar.err.code && err)
        *err = tar.err;
    else if (rc < 0 && is_stopped())
        err_set(err, rc, "stopped: nothing is left");
    tar_end(&tar);
    free(files);
    return rc;
}

int referral_encrypt(struct referral *x, struct err *err)
{
    char name[REFERRAL_NAME_MAX + 32];
    snprintf(name, sizeof name, "%s.tar.gpg", x->r->name);
    int fd = openat(x->top, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return err_errno(err, "%s/%s", x->r->output, name);
    int rc = encrypt(x, fd, err);
    if (close(fd) < 0 && rc == 0)
        rc = err_errno(err, "%s/%s", x->r->output, name);
    if (rc == 0 && syncfs(x->top) < 0)
        rc = err_errno(err, "%s", x->r->output);
    return rc;
}

/* ---- removing ---- */

/* Only what is in the folder that this command made; links are removed, not followed. */
static void remove_below(int fd, unsigned depth)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = copy < 0 ? NULL : fdopendir(copy);
    if (!d) {
        if (copy >= 0)
            close(copy);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
            unlinkat(fd, e->d_name, 0) == 0 || depth == 0)
            continue;
        int below = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) {
            remove_below(below, depth - 1);
            close(below);
        }
        unlinkat(fd, e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

void referral_folder_undo(struct referral *x)
{
    if (x->top < 0)
        return;
    remove_below(x->top, DEPTH_MAX);
    rmdir(x->r->output);
}
