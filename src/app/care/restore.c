#include "app/care/restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/care/beneath.h"
#include "app/casedir.h"
#include "app/progress.h"
#include "base/file.h"
#include "base/utc.h"
#include "journal/blob.h"
#include "journal/note.h"

#define PIECE (1u << 20)

/* ---- files ---- */

struct restoring {
    int from, to;
    uint8_t *buffer;
    struct progress progress;
    struct restored *out;
};

static int read_piece(int fd, uint8_t *buffer, size_t n, uint64_t at)
{
    for (;;) {
        ssize_t got = pread(fd, buffer, n, (off_t)at);
        if (got >= 0 || errno != EINTR)
            return got < 0 ? -errno : (int)got;
    }
}

/* Copies, and hashes what was copied. */
static int copy_bytes(struct restoring *r, const struct manifest_file *f, int in, int out,
                      struct err *err)
{
    sha256_ctx sha;
    uint8_t digest[SHA256_LEN];
    int rc = 0;
    sha256_begin(&sha);
    for (uint64_t at = 0; at < f->size && rc == 0;) {
        size_t want = f->size - at < PIECE ? (size_t)(f->size - at) : PIECE;
        int n = read_piece(in, r->buffer, want, at);
        if (n <= 0)
            return n < 0
                       ? err_set(err, n, "%s: %s", f->at, strerror(-n))
                       : err_set(err, -EBADMSG, "the backup does not hold: %s ends at %llu of %llu",
                                 f->at, (unsigned long long)at, (unsigned long long)f->size);
        sha256_add(&sha, r->buffer, (size_t)n);
        rc = file_write_all(out, r->buffer, (size_t)n);
        at += (uint64_t)n;
        r->out->bytes += (uint64_t)n;
        progress_at(&r->progress, r->out->bytes, r->out->files, "files");
    }
    if (rc < 0)
        return err_set(err, rc, "%s: %s", f->path, strerror(-rc));
    sha256_end(&sha, digest);
    return memcmp(digest, f->sha256, SHA256_LEN) == 0
               ? 0
               : err_set(err, -EBADMSG, "the backup does not hold: %s is not what was written",
                         f->at);
}

static bool is_public(const char *path)
{
    return strncmp(path, "log/", 4) == 0 || strcmp(path, CONFIG_FILE) == 0;
}

static int copy_file(struct restoring *r, const struct manifest_file *f, struct err *err)
{
    int in = beneath_open(r->from, f->at, O_RDONLY, 0, err);
    if (in < 0)
        return in;
    int rc = beneath_make_folders(r->to, f->path, "log", err);
    int out = rc < 0 ? rc
                     : beneath_open(r->to, f->path, O_WRONLY | O_CREAT | O_EXCL,
                                    is_public(f->path) ? 0644 : 0600, err);
    rc = out < 0 ? out : copy_bytes(r, f, in, out, err);
    close(in);
    if (out >= 0 && close(out) < 0 && rc == 0)
        rc = err_errno(err, "%s", f->path);
    r->out->files += rc == 0;
    return rc;
}

/* All but ebb.yaml, which makes it a case. */
static int copy_files(struct restoring *r, const struct manifest *m, bool quiet, struct err *err)
{
    int rc = 0;
    progress_begin(&r->progress, "restoring", manifest_bytes(m), quiet);
    for (size_t i = 0; i < m->n && rc == 0; i++)
        if (strcmp(m->files[i].path, CONFIG_FILE) != 0 &&
            strcmp(m->files[i].path, RESTORED_FILE) != 0)
            rc = copy_file(r, &m->files[i], err);
    progress_end(&r->progress);
    return rc;
}

static int is_empty(const char *dir, struct err *err)
{
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? 0 : err_errno(err, "%s", dir);
    int rc = 0;
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = err_set(err, -EEXIST, "%s: is there already, and not empty", dir);
    closedir(d);
    return rc;
}

/* ---- what they mean ---- */

static int make_folders(int to, struct err *err)
{
    static const char *const folders[] = {"journal/x", "blobs/x", "views/x", "keys/x"};
    int rc = beneath_make_folders(to, "log/tile/x", "log", err);
    for (size_t i = 0; i < sizeof folders / sizeof *folders && rc == 0; i++)
        rc = beneath_make_folders(to, folders[i], NULL, err);
    return rc;
}

static void at_entry(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *p = ctx;
    p->total = total;
    progress_at(p, done, done, "entries");
}

static int check_log(const char *dir, const struct manifest *m, bool quiet, struct restored *out,
                     struct err *err)
{
    struct journal_verdict v;
    struct progress progress;
    progress_begin(&progress, "publishing the log", 0, quiet);
    int rc = journal_republish(dir, at_entry, &progress, err);
    progress_end(&progress);
    if (rc < 0)
        return rc;
    progress_begin(&progress, "verifying", 0, quiet);
    struct journal_verify_options options = {.progress = at_entry, .ctx = &progress};
    rc = journal_verify(dir, &options, &v, err);
    progress_end(&progress);
    if (rc == 0 && !v.holds)
        rc = err_set(err, -EBADMSG, "the log of the backup does not hold: %s (%s, offset %llu)",
                     v.why, v.bad_file, (unsigned long long)v.bad_offset);
    if (rc == 0 && v.entries != m->size)
        rc = err_set(err, -EBADMSG, "the manifest names %llu entries, the log has %llu",
                     (unsigned long long)m->size, (unsigned long long)v.entries);
    out->entries = v.entries;
    out->redacted = v.redacted;
    return rc;
}

static int check_blob(void *ctx, const uint8_t sha[SHA256_LEN], uint64_t size, int rc)
{
    struct restored *out = ctx;
    (void)sha;
    (void)size;
    out->blobs++;
    return rc;
}

static int check_blobs(const char *dir, struct restored *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct blob_store *store;
    struct blob_info info;
    int rc = file_path(path, err, "%s/blobs", dir);
    if (rc == 0)
        rc = blob_open_reader(path, &store, err);
    if (rc < 0)
        return rc;
    rc = blob_walk(store, check_blob, out, err);
    blob_info(store, &info);
    blob_close(store);
    if (rc < 0 || info.damaged)
        return err_set(err, -EBADMSG,
                       "a blob of the backup does not hold: see `ebb backup verify`");
    return 0;
}

/* Counts and tables, as the log gives them. */
static int build_views(const char *dir, bool quiet, struct err *err)
{
    struct casedir c = {.quiet = quiet};
    int rc = casedir_open(&c, dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_ALL, err);
    if (rc == 0)
        rc = casedir_save_views(&c, err);
    casedir_close(&c, NULL);
    return rc;
}

static int write_mark(const char *dir, const struct manifest *m, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/" RESTORED_FILE, dir);
    return rc < 0 ? rc : file_replace(path, span_str(m->checkpoint), 0600, err);
}

static int make_case(struct restoring *r, const struct manifest *m, const char *dir, bool quiet,
                     struct err *err)
{
    struct stat st;
    int rc = make_folders(r->to, err);
    if (rc == 0)
        rc = copy_files(r, m, quiet, err);
    if (rc == 0)
        rc = check_log(dir, m, quiet, r->out, err);
    if (rc == 0)
        rc = check_blobs(dir, r->out, err);
    if (rc == 0)
        rc = write_mark(dir, m, err);
    if (rc == 0)
        rc = copy_file(r, manifest_find(m, CONFIG_FILE), err);
    if (rc == 0 && syncfs(r->to) < 0)
        rc = err_errno(err, "%s", dir);
    r->out->with_keys = fstatat(r->to, "keys/log.key", &st, AT_SYMLINK_NOFOLLOW) == 0;
    return rc == 0 ? build_views(dir, quiet, err) : rc;
}

int restore_make(const char *backup, const char *dir, bool quiet, struct restored *out,
                 struct err *err)
{
    struct restoring r = {.from = -1, .to = -1, .out = out, .buffer = malloc(PIECE)};
    struct manifest m = {0};
    if (!r.buffer)
        abort();
    *out = (struct restored){0};
    int rc = backup_load(backup, &m, NULL, err);
    if (rc == 0)
        rc = is_empty(dir, err);
    if (rc == 0)
        rc = file_mkdirs(dir, 0755, err);
    if (rc == 0)
        rc = r.from = beneath_root(backup, err);
    if (rc >= 0)
        rc = r.to = beneath_root(dir, err);
    if (rc >= 0)
        rc = make_case(&r, &m, dir, quiet, err);
    if (r.from >= 0)
        close(r.from);
    if (r.to >= 0)
        close(r.to);
    manifest_free(&m);
    free(r.buffer);
    return rc;
}

/* ---- going on ---- */

int restore_held(const char *case_dir, uint64_t *size)
{
    char path[FILE_PATH_MAX];
    struct buf note = {0};
    int rc = file_path(path, NULL, "%s/" RESTORED_FILE, case_dir);
    if (rc < 0 || !file_exists(path))
        return rc;
    if (size)
        *size = 0;
    if (size && file_read(path, NOTE_MAX, &note, NULL) == 0)
        *size = manifest_entries(buf_as_span(&note));
    buf_free(&note);
    return 1;
}

/* A checkpoint that somebody has of this log must not have more entries than this case. */
static int check_against(const char *case_dir, const char *path, struct err *err)
{
    struct journal_verify_options options = {.since = path};
    struct journal_verdict v;
    int rc = journal_verify(case_dir, &options, &v, err);
    if (rc == 0 && !v.holds)
        rc = err_set(
            err, -ESTALE,
            "the log must not go on from here: %s (%s). Whoever saw that checkpoint would see "
            "a fork; doc/backup.md says what can be done",
            v.why, path);
    return rc;
}

static int put_gap(struct casedir *c, uint64_t *index, struct err *err)
{
    struct buf payload = {0};
    struct entry last;
    struct entry_header header = {.kind = KIND_GAP, .time = utc_now()};
    struct act_gap gap = {.what = span_str("restored from a backup"), .until = header.time};
    uint64_t size = journal_committed(c->journal);
    int rc = size ? journal_get(c->journal, size - 1, &last, err) : 0;
    if (rc == 0 && size)
        gap.since = last.header.time;
    if (gap.since > gap.until)
        gap.since = gap.until;
    act_gap(&payload, &gap);
    if (rc == 0)
        rc = journal_append(c->journal, &header, buf_as_span(&payload), index, err);
    if (rc == 0)
        rc = journal_commit(c->journal, err);
    buf_free(&payload);
    return rc;
}

int restore_go_on(const char *case_dir, const char *latest, uint64_t *index, struct err *err)
{
    char witnessed[FILE_PATH_MAX], mark[FILE_PATH_MAX];
    struct casedir c = {.quiet = true, .held_too = true};
    int rc = restore_held(case_dir, NULL);
    if (rc == 0)
        return err_set(err, -EINVAL, "%s: not a case that was restored and is held", case_dir);
    rc = file_path(witnessed, err, "%s/log/checkpoint.witnessed", case_dir);
    if (rc == 0)
        rc = file_path(mark, err, "%s/" RESTORED_FILE, case_dir);
    if (rc == 0)
        rc = check_against(case_dir, mark, err);
    if (rc == 0 && file_exists(witnessed))
        rc = check_against(case_dir, witnessed, err);
    if (rc == 0 && latest)
        rc = check_against(case_dir, latest, err);
    if (rc == 0)
        rc = casedir_open(&c, case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = put_gap(&c, index, err);
    struct err closing = {0};
    int closed = casedir_close(&c, &closing);
    if (rc == 0 && closed < 0)
        rc = err_set(err, closed, "%s", closing.text);
    if (rc == 0 && unlink(mark) < 0)
        rc = err_errno(err, "%s", mark);
    return rc == 0 ? file_sync_dir(case_dir, err) : rc;
}
