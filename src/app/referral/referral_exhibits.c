/* Exhibits that go along: folders that `ebb exhibit export` made. Each file is checked against the
 * manifest while it is copied. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/exhibit/exhibit_listing.h"
#include "app/referral/referral.h"
#include "base/file.h"
#include "base/mem.h"

#define BLOCK (256u << 10)

static const char *const seals[] = {"manifest.json", "manifest.sha256", "manifest.sig"};

static int open_beneath(const char *folder, const char *path, int *fd, struct err *err)
{
    struct stat st;
    char full[FILE_PATH_MAX];
    int rc = file_path(full, err, "%s/%s", folder, path);
    if (rc < 0)
        return rc;
    *fd = open(full, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (*fd < 0)
        return err_errno(err, "--exhibit: %s", full);
    if (fstat(*fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(*fd);
        return err_set(err, -EINVAL, "--exhibit: not a file (%s)", full);
    }
    return 0;
}

static int read_manifest(const char *folder, struct exhibit_listing *out,
                         uint8_t digest[SHA256_LEN], struct err *err)
{
    struct buf text = {0};
    struct err why;
    int fd;
    int rc = open_beneath(folder, "manifest.json", &fd, err);
    if (rc < 0)
        return rc;
    rc = file_read_fd(fd, folder, EXHIBIT_LISTING_MAX, &text, err);
    close(fd);
    if (rc == 0 && exhibit_listing_parse(buf_as_span(&text), out, &why) < 0)
        rc = err_set(err, -EINVAL, "--exhibit: %s: manifest.json: %s", folder, why.text);
    sha256(text.p, text.n, digest);
    buf_free(&text);
    return rc;
}

/* ---- before anything is written ---- */

static int check_listing(struct referral *x, const struct exhibit_listing *l,
                         struct referral_exhibit *e, struct err *err)
{
    const char *path = (const char *)e->path.p;
    e->files = l->n;
    for (size_t i = 0; i < l->n; i++) {
        e->bytes += l->files[i].size;
        if (l->files[i].size > TAR_SIZE_MAX || e->bytes > REFERRAL_BYTES_MAX)
            return err_set(err, -EFBIG, "--exhibit: too large (%s)", path);
    }
    if (referral_is_left_out(x, REFERRAL_VICTIMS) && !(l->without_src_ip && l->without_bot_id))
        return err_set(err, -EINVAL,
                       "--exhibit: it may have victims' addresses, which are to be left out: make "
                       "it with --redact \"src_ip bot_id\" (%s)",
                       path);
    return 0;
}

static int check_name(const struct referral *x, const char *name, struct err *err)
{
    if (!exhibit_listed_path_is_good(name) || strlen(name) > REFERRAL_NAME_MAX)
        return err_set(err, -EINVAL,
                       "--exhibit: a folder's name is letters, digits, \".\", \"_\", \"-\" (%s)",
                       name);
    for (size_t i = 0; i < x->n_exhibits; i++)
        if (span_is(x->exhibits[i].name, name))
            return err_set(err, -EINVAL, "--exhibit: two of one name (%s)", name);
    return 0;
}

static int check_one(struct referral *x, struct span folder, struct err *err)
{
    struct exhibit_listing l = {0};
    struct referral_exhibit *e = &x->exhibits[x->n_exhibits];
    while (folder.n > 1 && folder.p[folder.n - 1] == '/')
        folder.n--;
    const char *path = arena_copy(&x->arena, folder.p, folder.n);
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    int rc = check_name(x, name, err);
    if (rc < 0)
        return rc;
    *e = (struct referral_exhibit){.name = span_str(name), .path = span_str(path)};
    rc = read_manifest(path, &l, e->manifest, err);
    if (rc == 0)
        rc = check_listing(x, &l, e, err);
    exhibit_listing_free(&l);
    x->n_exhibits += rc == 0;
    return rc;
}

int referral_exhibits_check(struct referral *x, struct err *err)
{
    int rc = 0;
    x->exhibits = mem_zeroed(REFERRAL_EXHIBITS_MAX, sizeof *x->exhibits);
    for (const char *s = x->r->exhibits; rc == 0 && s;) {
        const char *comma = strchr(s, ',');
        struct span folder = span_trim(span_of(s, comma ? (size_t)(comma - s) : strlen(s)));
        if (x->n_exhibits == REFERRAL_EXHIBITS_MAX)
            return err_set(err, -E2BIG, "--exhibit: more than %d", REFERRAL_EXHIBITS_MAX);
        rc = folder.n ? check_one(x, folder, err)
                      : err_set(err, -EINVAL, "--exhibit: an empty name");
        s = comma ? comma + 1 : NULL;
    }
    return rc;
}

/* ---- copying ---- */

/* `want` NULL: whatever it is. */
static int copy_bytes(int fd, struct referral_file *to, const struct exhibit_listed *want,
                      struct err *err)
{
    static uint8_t block[BLOCK];
    sha256_ctx sum;
    uint8_t digest[SHA256_LEN];
    ssize_t n;
    int rc = 0;
    sha256_begin(&sum);
    while (rc == 0 && (n = read(fd, block, sizeof block)) != 0) {
        if (n < 0)
            return err_errno(err, "--exhibit: %s", to->path);
        sha256_add(&sum, block, (size_t)n);
        rc = referral_file_add(to, span_of(block, (size_t)n), err);
        if (want && to->size > want->size)
            break;
    }
    sha256_end(&sum, digest);
    if (rc == 0 && want &&
        (to->size != want->size || memcmp(digest, want->sha256, SHA256_LEN) != 0))
        rc = err_set(err, -EBADMSG, "--exhibit: %s is not what its manifest says", to->path);
    return rc;
}

static int copy_file(struct referral *x, const struct referral_exhibit *e, const char *path,
                     const struct exhibit_listed *want, struct err *err)
{
    char to[REFERRAL_PATH_MAX];
    struct referral_file f;
    int fd;
    snprintf(to, sizeof to, "exhibits/%.*s/%s", (int)e->name.n, (const char *)e->name.p, path);
    int rc = open_beneath((const char *)e->path.p, path, &fd, err);
    if (rc < 0)
        return rc;
    rc = referral_file_open(x, to, &f, err);
    if (rc == 0)
        rc = copy_bytes(fd, &f, want, err);
    int closed = referral_file_close(&f, rc == 0, rc == 0 ? err : NULL);
    close(fd);
    return rc < 0 ? rc : closed;
}

/* The manifest is read once more: it must be the one that was checked. */
static int copy_exhibit(struct referral *x, const struct referral_exhibit *e, struct err *err)
{
    struct exhibit_listing l = {0};
    uint8_t digest[SHA256_LEN];
    const char *path = (const char *)e->path.p;
    int rc = read_manifest(path, &l, digest, err);
    if (rc == 0 && memcmp(digest, e->manifest, SHA256_LEN) != 0)
        rc = err_set(err, -EBADMSG, "--exhibit: was changed meanwhile (%s)", path);
    for (size_t i = 0; rc == 0 && i < l.n; i++)
        rc = copy_file(x, e, l.files[i].path, &l.files[i], err);
    for (size_t i = 0; rc == 0 && i < sizeof seals / sizeof *seals; i++) {
        char full[FILE_PATH_MAX];
        rc = file_path(full, err, "%s/%s", path, seals[i]);
        if (rc == 0 && file_exists(full))
            rc = copy_file(x, e, seals[i], NULL, err);
    }
    exhibit_listing_free(&l);
    return rc;
}

int referral_exhibits(struct referral *x, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < x->n_exhibits; i++)
        rc = copy_exhibit(x, &x->exhibits[i], err);
    return rc;
}
