/* Taking a backup: the log first, by its checkpoint, then the blobs, which were durable before the
 * entries that name them, then what else the case has. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/care/backup.h"
#include "app/care/beneath.h"
#include "app/progress.h"
#include "base/file.h"
#include "base/clock.h"
#include "base/utc.h"
#include "journal/note.h"
#include "journal/pack.h"

#define TRIES_MAX      12
#define TRY_WAIT_MS    500 /* doubled each time */
#define TRY_WAIT_MAX   30000
#define PACK_TRIES_MAX 4
#define PACKS_MAX      1000000
#define WITNESSED      "log/checkpoint.witnessed"

/* ---- the log ---- */

/* A checkpoint that others have signed, and which is newer than ours, is not of this backup. */
static bool is_newer(const struct backup_store *s, const char *path, uint64_t size)
{
    struct buf note = {0};
    struct checkpoint c;
    int fd = beneath_open(s->case_fd, path, O_RDONLY, 0, NULL);
    bool newer = true;
    if (fd < 0)
        return true;
    if (file_read_fd(fd, path, NOTE_MAX, &note, NULL) == 0) {
        for (size_t i = 1; i < note.n; i++)
            if (note.p[i] == '\n' && note.p[i - 1] == '\n') {
                note.n = i; /* the text ends with the line before the empty one */
                break;
            }
        newer = checkpoint_parse(buf_as_span(&note), &c, NULL) < 0 || c.size > size;
    }
    buf_free(&note);
    close(fd);
    return newer;
}

static int keep_log(struct backup_store *s, const struct journal_extent *e, struct err *err)
{
    char name[EXTENT_NAME_MAX];
    int rc = backup_keep_text(s, "log/vkey", buf_as_span(&e->vkey), err);
    if (rc == 0)
        rc = backup_keep_text(s, "log/checkpoint", buf_as_span(&e->note), err);
    if (rc == 0 && !is_newer(s, WITNESSED, e->size))
        rc = backup_keep(s, WITNESSED, BACKUP_ALL, err);
    for (size_t i = 0; i < e->n && rc >= 0; i++) {
        journal_extent_name(name, e->segments[i].first);
        rc = backup_keep(s, name, e->segments[i].bytes, err);
        if (rc == 1)
            rc = err_set(err, -EBADMSG, "%s: it is gone", name);
    }
    return rc < 0 ? rc : 0;
}

/* ---- blobs ---- */

/* The blocks of a copied pack hold: who erases in a pack meanwhile leaves a half-erased block for a
 * moment. How many do not. */
static uint64_t pack_damaged(const struct backup_store *s, uint64_t number)
{
    const struct manifest_file *f = &s->new.files[s->new.n - 1];
    uint8_t header[PACK_HEADER_LEN];
    struct pack_scan scan = {0};
    struct pack_block b;
    const uint8_t *body;
    uint32_t salt;
    int fd = backup_store_open(s, f, NULL);
    if (fd < 0)
        return 1;
    ssize_t n = pread(fd, header, sizeof header, 0);
    uint64_t damaged = 0;
    if (n > 0 && pack_header_get(header, (size_t)n, number, &salt) == 0) {
        pack_scan_begin(&scan, fd, salt, PACK_HEADER_LEN);
        while (pack_scan_next(&scan, &b, &body) == 1) {
        }
        damaged = scan.damaged;
        pack_scan_end(&scan);
    }
    close(fd);
    return damaged;
}

static int keep_pack(struct backup_store *s, uint64_t number, struct err *err)
{
    char name[PACK_NAME_MAX], path[MANIFEST_PATH_MAX];
    uint64_t kept = s->figures.kept_files, damaged = 0;
    pack_name(name, number);
    snprintf(path, sizeof path, "blobs/pack/%s", name);
    int rc = backup_keep(s, path, BACKUP_ALL, err);
    if (rc != 0 || s->figures.kept_files > kept)
        return rc < 0 ? rc : 0;
    for (unsigned i = 0; rc == 0 && (damaged = pack_damaged(s, number)) && i < PACK_TRIES_MAX;
         i++) {
        clock_sleep(TRY_WAIT_MS);
        rc = backup_keep_anew(s, path, err);
    }
    s->figures.damaged += damaged;
    return rc < 0 ? rc : 0;
}

static int keep_pack_index(struct backup_store *s, uint64_t number, struct err *err)
{
    char name[PACK_NAME_MAX], path[MANIFEST_PATH_MAX];
    pack_index_name(name, number);
    snprintf(path, sizeof path, "blobs/pack/%s", name);
    int rc = backup_keep(s, path, BACKUP_ALL, err);
    return rc < 0 ? rc : 0;
}

/* Ascending: who erases stores the others of a block in the newest pack first, which is read last.
 * Packs that come meanwhile are read, too. */
static int keep_packs(struct backup_store *s, struct err *err)
{
    int rc = 0;
    for (uint64_t number = 1, gap = 0; rc == 0 && number < PACKS_MAX && gap < 64; number++) {
        char name[PACK_NAME_MAX], path[MANIFEST_PATH_MAX];
        struct stat st;
        pack_name(name, number);
        snprintf(path, sizeof path, "blobs/pack/%s", name);
        if (fstatat(s->case_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
            gap++; /* numbers follow each other, but for one that a crash left empty */
            continue;
        }
        gap = 0;
        rc = keep_pack(s, number, err);
        if (rc == 0)
            rc = keep_pack_index(s, number, err);
    }
    return rc;
}

/* ---- what else there is ---- */

struct others {
    struct backup_store *s;
    bool without_keys;
};

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

/* Taken already, made again from what is taken, of a running process, or half-written. */
static bool skip_other(void *ctx, const char *path)
{
    static const char *const whole[] = {"journal",    "views",          "run",
                                        "blobs/pack", "log/tile",       "log/vkey",
                                        WITNESSED,    "log/checkpoint", "blobs/total.tmp"};
    const struct others *o = ctx;
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++)
        if (strcmp(path, whole[i]) == 0)
            return true;
    if (o->without_keys && (strcmp(path, "keys") == 0 || strcmp(path, "desk") == 0))
        return true;
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    return name[0] == '.' || ends_with(path, ".tmp");
}

static int keep_other(void *ctx, const char *path, const struct stat *st, struct err *err)
{
    struct others *o = ctx;
    (void)st;
    int rc = backup_keep(o->s, path, BACKUP_ALL, err);
    return rc == 1 ? 0 : rc; /* gone meanwhile: a blob that was erased, a link that was used */
}

static int keep_others(struct backup_store *s, bool without_keys, struct err *err)
{
    struct others o = {s, without_keys};
    struct beneath_visit v = {skip_other, keep_other, &o};
    return beneath_walk(s->case_fd, "", &v, err);
}

/* ---- all of it ---- */

static char *text_copy(struct span s)
{
    char *p = strndup((const char *)s.p, s.n);
    if (!p)
        abort();
    return p;
}

static int same_log(const struct backup_store *s, const struct journal_extent *e, const char *dir,
                    struct err *err)
{
    if (!s->base.origin)
        return 0;
    if (strcmp(s->base.origin, e->origin) != 0)
        return err_set(err, -ESTALE, "%s: a backup of another log (%s)", dir, s->base.origin);
    if (s->base.size > e->size)
        return err_set(
            err, -ESTALE,
            "%s: has %llu entries, the case only %llu: it has lost some, or is a restored "
            "one; take another folder, and keep this one",
            dir, (unsigned long long)s->base.size, (unsigned long long)e->size);
    return 0;
}

/* What is new against what the log published. Where a segment was copied anew, all of it. */
static int check_new(struct backup_store *s, const char *case_dir, const char *dir,
                     const struct journal_extent *e, struct err *err)
{
    char farm[FILE_PATH_MAX];
    uint64_t from = s->base.origin ? s->base.size : 0;
    for (size_t i = 0; i < e->n; i++) {
        char name[EXTENT_NAME_MAX];
        journal_extent_name(name, e->segments[i].first);
        const struct manifest_file *was = manifest_find(&s->base, name);
        const struct manifest_file *is = manifest_find(&s->new, name);
        if (e->segments[i].first < from && (!was || !is || strcmp(was->at, is->at) != 0))
            from = e->segments[i].first;
    }
    int rc = backup_farm(dir, &s->new, farm, err);
    if (rc < 0)
        return rc;
    rc = journal_extent_check(case_dir, farm, e, from, err);
    beneath_remove_all(farm);
    return rc;
}

static int one_try(struct backup_store *s, const char *case_dir, const char *dir,
                   const struct backup_options *options, struct err *err)
{
    struct journal_extent e;
    s->begun = utc_now() / 1000000;
    int rc = journal_extent_take(case_dir, &e, err);
    if (rc < 0)
        return rc;
    rc = same_log(s, &e, dir, err);
    if (rc == 0)
        rc = keep_log(s, &e, err);
    if (rc == 0)
        rc = keep_packs(s, err);
    if (rc == 0)
        rc = keep_others(s, options->without_keys, err);
    if (rc == 0 && (rc = journal_extent_still(case_dir, &e, err)) == 0)
        rc = err_set(err, -EAGAIN, "entries were redacted meanwhile: try again");
    if (rc == 1) {
        manifest_sort(&s->new);
        rc = check_new(s, case_dir, dir, &e, err);
    }
    if (rc == 0) {
        s->new.origin = text_copy(span_str(e.origin));
        s->new.vkey = text_copy(buf_as_span(&e.vkey));
        s->new.checkpoint = text_copy(buf_as_span(&e.note));
        s->new.ebb = text_copy(span_str(EBB_VERSION));
        s->new.size = e.size;
        s->new.last = e.last;
        s->new.keys = !options->without_keys;
    }
    journal_extent_free(&e);
    return rc;
}

/* What this try has copied, the next one need not. */
static void go_on_from(struct backup_store *s)
{
    manifest_sort(&s->new);
    manifest_free(&s->old);
    s->old = s->new;
    s->new = (struct manifest){0};
    backup_seen_next(s);
}

static int publish(struct backup_store *s, const char *dir, uint8_t digest[SHA256_LEN],
                   struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    manifest_put(&s->new, &text);
    sha256(text.p, text.n, digest);
    int rc = file_path(path, err, "%s/" MANIFEST_NAME, dir);
    if (rc == 0 && syncfs(s->dir_fd) < 0) /* files before what names them */
        rc = err_errno(err, "%s", dir);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&text), 0600, err);
    buf_free(&text);
    if (rc == 0) /* an older one fits no file that changed since: nothing is lost without it */
        backup_seen_save(s, dir, NULL);
    return rc;
}

static int is_other(void *ctx, const char *path, const struct stat *st, struct err *err)
{
    (void)ctx;
    (void)st;
    return err_set(err, -EEXIST, "%s: something else lies there", path);
}

static bool is_of_backup(void *ctx, const char *path)
{
    static const char *const ours[] = {"data", "seen", "seen.tmp", MANIFEST_NAME ".tmp",
                                       "lost+found"};
    (void)ctx;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(path, ours[i]) == 0)
            return true;
    return false;
}

/* A folder that is neither empty nor a backup is somebody's. */
static int look_around(struct backup_store *s, const char *dir, struct err *err)
{
    struct beneath_visit v = {is_of_backup, is_other, NULL};
    struct err why = {0};
    int rc = beneath_walk(s->dir_fd, "", &v, &why);
    return rc < 0 ? err_set(err, rc, "%s: not a backup, and not empty (%s)", dir, why.text) : 0;
}

static int enter(struct backup_store *s, const char *case_dir, const char *dir, struct err *err)
{
    struct stat a, b;
    int rc = file_mkdirs(dir, 0700, err);
    if (rc == 0)
        rc = s->case_fd = beneath_root(case_dir, err);
    if (rc >= 0)
        rc = s->dir_fd = beneath_root(dir, err);
    if (rc < 0)
        return rc;
    if (fstat(s->case_fd, &a) == 0 && fstat(s->dir_fd, &b) == 0 && a.st_dev == b.st_dev &&
        a.st_ino == b.st_ino)
        return err_set(err, -EINVAL, "%s: is the case itself", dir);
    if (flock(s->dir_fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, -EBUSY, "%s: another backup into it runs", dir);
    rc = backup_load(dir, &s->base, NULL, err);
    if (rc == -ENOENT)
        return look_around(s, dir, err);
    return rc == 0 ? backup_load(dir, &s->old, NULL, err) : rc;
}

/* Whatever the manifest that is there now does not name goes. */
static int leave(const struct backup_store *s, const char *dir, struct err *err)
{
    struct manifest now = {0};
    struct err why = {0};
    int rc = backup_load(dir, &now, NULL, &why);
    if (rc == 0 || rc == -ENOENT)
        rc = backup_sweep(s->dir_fd, &now, &why);
    manifest_free(&now);
    return rc < 0 ? err_set(err, rc, "%s", why.text) : 0;
}

int backup_take(const char *case_dir, const char *dir, const struct backup_options *options,
                struct manifest *out, uint8_t digest[SHA256_LEN], struct backup_figures *figures,
                struct err *err)
{
    struct backup_store s = {.dir_fd = -1, .case_fd = -1, .buffer = malloc(1u << 20)};
    if (!s.buffer)
        abort();
    int rc = enter(&s, case_dir, dir, err);
    bool ours = rc == 0;
    if (rc == 0)
        backup_seen_load(&s);
    unsigned wait = TRY_WAIT_MS;
    for (bool again = rc == 0; again; wait *= 2) {
        rc = one_try(&s, case_dir, dir, options, err);
        again = rc == -EAGAIN && ++s.figures.tries < TRIES_MAX;
        if (again) {
            go_on_from(&s);
            clock_sleep(wait < TRY_WAIT_MAX ? wait : TRY_WAIT_MAX);
        }
    }
    if (rc == 0)
        rc = publish(&s, dir, digest, err);
    if (ours) { /* what is over, or, after a failure, what came of it */
        int left = leave(&s, dir, rc == 0 ? err : NULL);
        rc = rc == 0 ? left : rc;
    }
    if (s.dir_fd >= 0)
        close(s.dir_fd);
    if (s.case_fd >= 0)
        close(s.case_fd);
    *figures = s.figures;
    *out = s.new;
    manifest_free(&s.old);
    manifest_free(&s.base);
    buf_free(&s.seen_old);
    buf_free(&s.seen_new);
    free(s.buffer);
    return rc;
}
