/* Reading a backup again: files against the manifest, then what the files mean. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/care/backup.h"
#include "app/care/beneath.h"
#include "app/progress.h"
#include "base/file.h"
#include "journal/blob.h"
#include "journal/pack.h"

#define PIECE (1u << 20)

int backup_load(const char *dir, struct manifest *out, uint8_t digest[SHA256_LEN], struct err *err)
{
    struct buf text = {0};
    struct err why = {0};
    *out = (struct manifest){0};
    int root = beneath_root(dir, err);
    if (root < 0)
        return root;
    int fd = beneath_open(root, MANIFEST_NAME, O_RDONLY, 0, &why);
    close(root);
    if (fd < 0)
        return err_set(err, fd, "%s: %s", dir,
                       fd == -ENOENT ? "not a backup: it has no " MANIFEST_NAME : why.text);
    int rc = file_read_fd(fd, MANIFEST_NAME, MANIFEST_MAX, &text, &why);
    close(fd);
    if (rc == 0 && digest)
        sha256(text.p, text.n, digest);
    if (rc == 0)
        rc = manifest_parse(buf_as_span(&text), out, &why);
    buf_free(&text);
    return rc < 0 ? err_set(err, rc, "%s/" MANIFEST_NAME ": %s", dir, why.text) : 0;
}

/* ---- a farm of links ---- */

static bool is_of_log(const char *path)
{
    return strncmp(path, "journal/", 8) == 0 || strncmp(path, "log/", 4) == 0 ||
           strncmp(path, "blobs/", 6) == 0;
}

static int plant(int farm, const char *top, const struct manifest_file *f, struct err *err)
{
    char target[FILE_PATH_MAX];
    int rc = file_path(target, err, "%s/%s", top, f->at);
    if (rc == 0)
        rc = beneath_make_folders(farm, f->path, NULL, err);
    if (rc == 0 && symlinkat(target, farm, f->path) < 0)
        rc = err_errno(err, "%s", f->path);
    return rc;
}

int backup_farm(const char *dir, const struct manifest *m, char out[], struct err *err)
{
    const char *set = getenv("TMPDIR");
    char *top = realpath(dir, NULL);
    int rc = top ? 0 : err_errno(err, "%s", dir);
    if (rc == 0)
        rc = file_path(out, err, "%s/ebb-backup-XXXXXX", set && *set ? set : "/tmp");
    if (rc == 0 && !mkdtemp(out))
        rc = err_errno(err, "%s", out);
    if (rc < 0) {
        free(top);
        return rc;
    }
    int farm = beneath_root(out, err);
    rc = farm < 0 ? farm : 0;
    static const char *const folders[] = {"journal/x", "log/x", "blobs/pack/x"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders && rc == 0; i++)
        rc = beneath_make_folders(farm, folders[i], NULL, err);
    for (size_t i = 0; i < m->n && rc == 0; i++)
        if (is_of_log(m->files[i].path))
            rc = plant(farm, top, &m->files[i], err);
    if (farm >= 0)
        close(farm);
    if (rc < 0)
        beneath_remove_all(out);
    free(top);
    return rc;
}

/* ---- verdicts ---- */

static int bad(struct backup_verdict *v, const char *file, int64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static int bad(struct backup_verdict *v, const char *file, int64_t offset, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(v->why, sizeof v->why, fmt, ap);
    va_end(ap);
    snprintf(v->bad_file, sizeof v->bad_file, "%s", file);
    v->bad_offset = offset;
    v->holds = false;
    return 1;
}

/* ---- files ---- */

/* Where in a pack the first block lies that does not hold; -1: that cannot be told. */
static int64_t bad_block(int fd, const char *path)
{
    uint8_t header[PACK_HEADER_LEN];
    struct pack_scan scan = {0};
    struct pack_block b;
    const uint8_t *body;
    uint64_t number;
    uint32_t salt;
    const char *name = strrchr(path, '/');
    if (!name || !pack_name_parse(name + 1, &number))
        return -1;
    ssize_t n = pread(fd, header, sizeof header, 0);
    if (n < 0 || pack_header_get(header, (size_t)n, number, &salt) < 0)
        return 0;
    int64_t at = -1;
    uint64_t end = PACK_HEADER_LEN;
    pack_scan_begin(&scan, fd, salt, PACK_HEADER_LEN);
    while (at < 0 && pack_scan_next(&scan, &b, &body) == 1) {
        if (b.offset != end)
            at = (int64_t)end;
        end = scan.next;
    }
    if (at < 0)
        at = (int64_t)end;
    pack_scan_end(&scan);
    return at;
}

struct reading {
    struct backup_verdict *verdict;
    struct progress progress;
    int root;
    uint8_t *buffer;
};

static int check_file(struct reading *r, const struct manifest_file *f)
{
    sha256_ctx sha;
    uint8_t digest[SHA256_LEN];
    struct err why = {0};
    uint64_t at = 0;
    int fd = beneath_open(r->root, f->at, O_RDONLY, 0, &why);
    if (fd < 0)
        return bad(r->verdict, f->path, 0, "%s", why.text);
    int rc = 0;
    sha256_begin(&sha);
    while (rc == 0 && at < f->size) {
        size_t want = f->size - at < PIECE ? (size_t)(f->size - at) : PIECE;
        ssize_t n = pread(fd, r->buffer, want, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = bad(r->verdict, f->path, (int64_t)at, "%s: %s", f->at, strerror(errno));
        else if (n == 0)
            rc = bad(r->verdict, f->path, (int64_t)at, "%s ends here; %llu bytes were written",
                     f->at, (unsigned long long)f->size);
        else
            sha256_add(&sha, r->buffer, (size_t)n);
        at += n > 0 ? (uint64_t)n : 0;
        r->verdict->bytes += n > 0 ? (uint64_t)n : 0;
        progress_at(&r->progress, r->verdict->bytes, r->verdict->files, "files");
    }
    sha256_end(&sha, digest);
    if (rc == 0 && memcmp(digest, f->sha256, SHA256_LEN) != 0)
        rc = bad(r->verdict, f->path, bad_block(fd, f->path), "%s is not what was written", f->at);
    close(fd);
    r->verdict->files += rc == 0;
    return rc;
}

/* ---- the log ---- */

static int check_log(const char *farm, const struct manifest *m, struct backup_verdict *v,
                     struct err *err)
{
    struct journal_verify_options options = {.no_tiles = true};
    struct journal_verdict log;
    int rc = journal_verify(farm, &options, &log, err);
    if (rc < 0)
        return rc;
    if (!log.holds)
        return bad(v, log.bad_file, (int64_t)log.bad_offset, "%s", log.why);
    v->entries =
        m->size; /* a file may be longer than the manifest says: by a run that was killed */
    v->redacted = log.redacted;
    return 0;
}

/* ---- blobs ---- */

static int check_blob(void *ctx, const uint8_t sha[SHA256_LEN], uint64_t size, int rc)
{
    struct backup_verdict *v = ctx;
    char hex[SHA256_HEX_MAX];
    (void)size;
    v->blobs++;
    if (rc == 0)
        return 0;
    hex_encode(sha, SHA256_LEN, hex);
    return bad(v, "blobs", -1, "the blob %s does not hold", hex);
}

static int check_blobs(const char *farm, struct backup_verdict *v, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct blob_store *store;
    struct blob_info info;
    int rc = file_path(path, err, "%s/blobs", farm);
    if (rc == 0)
        rc = blob_open_reader(path, &store, err);
    if (rc < 0)
        return rc;
    rc = blob_walk(store, check_blob, v, err);
    blob_info(store, &info);
    blob_close(store);
    if (rc == 0 && info.damaged)
        rc = bad(v, "blobs/pack", -1, "%llu blocks do not hold", (unsigned long long)info.damaged);
    return rc;
}

/* Which entry of a segment it is that does not hold: the log tells. */
static void find_entry(const char *dir, const struct manifest *m, struct backup_verdict *out)
{
    char farm[FILE_PATH_MAX];
    struct backup_verdict log = *out;
    if (backup_farm(dir, m, farm, NULL) < 0)
        return;
    if (check_log(farm, m, &log, NULL) == 1 && log.bad_offset >= 0)
        *out = log;
    beneath_remove_all(farm);
}

static int check_files(struct reading *r, const struct manifest *m, bool quiet)
{
    int rc = 0;
    progress_begin(&r->progress, "reading the backup", manifest_bytes(m), quiet);
    for (size_t i = 0; i < m->n && rc == 0; i++)
        rc = check_file(r, &m->files[i]);
    progress_end(&r->progress);
    return rc;
}

int backup_verify(const char *dir, const struct manifest *m, bool quiet, struct backup_verdict *out,
                  struct err *err)
{
    char farm[FILE_PATH_MAX];
    struct reading r = {.verdict = out, .buffer = malloc(PIECE), .root = beneath_root(dir, err)};
    if (!r.buffer)
        abort();
    *out = (struct backup_verdict){.holds = true, .bad_offset = -1};
    int rc = r.root < 0 ? r.root : check_files(&r, m, quiet);
    if (r.root >= 0)
        close(r.root);
    free(r.buffer);
    if (rc == 1 && out->bad_offset < 0 && strncmp(out->bad_file, "journal/", 8) == 0)
        find_entry(dir, m, out);
    if (rc == 0 && (rc = backup_farm(dir, m, farm, err)) == 0) {
        rc = check_log(farm, m, out, err);
        if (rc == 0)
            rc = check_blobs(farm, out, err);
        beneath_remove_all(farm);
    }
    return rc < 0 ? rc : 0;
}
