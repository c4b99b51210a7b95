/* A journal as a whole: making, opening, closing, and what it says about itself. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sodium.h>

#include "journal/internal.h"

#define KEY_FILE     "keys/log.key"
#define KEY_FILE_MAX 1024

static int make_folders(const char *dir, struct err *err)
{
    static const struct {
        const char *name;
        mode_t mode;
    } folder[] = {
        {"", 0755}, {"/journal", 0700}, {"/keys", 0700}, {"/log", 0755}, {"/log/tile", 0755}};
    for (size_t i = 0; i < sizeof folder / sizeof *folder; i++) {
        char path[FILE_PATH_MAX];
        int rc = file_path(path, err, "%s%s", dir, folder[i].name);
        if (rc == 0)
            rc = file_mkdirs(path, folder[i].mode, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Refuses where a log is already: its key is never replaced. */
static int must_be_new(const char *dir, int journal_fd, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/" CHECKPOINT_FILE, dir);
    if (rc < 0)
        return rc;
    if (file_exists(path))
        return err_set(err, -EEXIST, "%s: there is a log already", path);
    struct segment_list list;
    rc = segment_list_read(journal_fd, &list, err);
    if (rc < 0)
        return rc;
    bool used = list.n > 1; /* a single empty segment: an earlier attempt that was cut short */
    for (size_t i = 0; i < list.n && !used; i++) {
        char name[SEGMENT_NAME_MAX];
        segment_name(name, list.first[i]);
        int fd = openat(journal_fd, name, O_RDONLY | O_CLOEXEC);
        used = fd < 0 || lseek(fd, 0, SEEK_END) > SEGMENT_HEADER_LEN;
        if (fd >= 0)
            close(fd);
        if (!used)
            unlinkat(journal_fd, name, 0);
    }
    segment_list_free(&list);
    return used ? err_set(err, -EEXIST, "%s/journal: there are entries already", dir) : 0;
}

static int write_line(const char *dir, const char *name, struct buf *text, mode_t mode,
                      struct err *err)
{
    char path[FILE_PATH_MAX];
    buf_byte(text, '\n');
    int rc = file_path(path, err, "%s/%s", dir, name);
    return rc < 0 ? rc : file_replace(path, buf_as_span(text), mode, err);
}

static int write_keys(const char *dir, const struct note_key *key, struct err *err)
{
    struct buf secret = {0}, public_text = {0};
    note_key_put_signer(key, &secret);
    note_key_put_verifier(key, &public_text);
    int rc = write_line(dir, KEY_FILE, &secret, 0600, err);
    if (rc == 0)
        rc = write_line(dir, "log/vkey", &public_text, 0644, err);
    sodium_memzero(secret.p, secret.n);
    buf_free(&secret);
    buf_free(&public_text);
    return rc;
}

static int write_empty_checkpoint(const char *dir, const struct note_key *key, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0}, note = {0};
    struct checkpoint c = {.origin = span_str(key->name)};
    merkle_empty(c.root);
    checkpoint_put(&c, &text);
    int rc = note_sign(key, buf_as_span(&text), &note, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/" CHECKPOINT_FILE, dir);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&note), 0644, err);
    buf_free(&text);
    buf_free(&note);
    return rc;
}

int journal_create(const char *dir, const char *origin, struct err *err)
{
    struct note_key key = {0};
    int journal_fd = -1, lock_fd = -1;
    int rc = note_key_generate(origin, &key, err);
    if (rc == 0)
        rc = make_folders(dir, err);
    if (rc == 0)
        rc = lock_take(dir, &lock_fd, err);
    if (rc == 0)
        rc = journal_fd = case_folder(dir, "journal", err);
    if (rc >= 0)
        rc = must_be_new(dir, journal_fd, err);
    if (rc == 0)
        rc = write_keys(dir, &key, err);
    if (rc == 0)
        rc = writer_create_segment(journal_fd, 0, origin, err);
    if (rc == 0) {
        int fd = committed_create(journal_fd, err);
        rc = fd < 0 ? fd : committed_write(fd, 0, err);
        if (fd >= 0)
            close(fd);
    }
    if (rc == 0) /* last: from here on it is a log */
        rc = write_empty_checkpoint(dir, &key, err);
    if (rc == 0)
        rc = file_sync_dir(dir, err);
    if (journal_fd >= 0)
        close(journal_fd);
    if (lock_fd >= 0)
        close(lock_fd);
    sodium_memzero(&key, sizeof key);
    return rc < 0 ? rc : 0;
}

static int load_secret(struct journal *j, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    struct err why;
    struct note_key key;
    int rc = file_path(path, err, "%s/" KEY_FILE, j->dir);
    if (rc == 0)
        rc = file_read(path, KEY_FILE_MAX, &text, err);
    if (rc < 0)
        return rc;
    size_t n = text.n && text.p[text.n - 1] == '\n' ? text.n - 1 : text.n;
    rc = note_key_parse_signer(span_of(text.p, n), &key, &why);
    if (rc < 0)
        err_set(err, rc, "%s: %s", KEY_FILE, why.text);
    else if (strcmp(key.name, j->key.name) != 0 ||
             memcmp(key.public_key, j->key.public_key, NOTE_PUBLIC_LEN) != 0)
        rc = rotate_load_next(j, &j->key, &key) < 0
                 ? err_set(err, -EBADMSG, "%s is not the key of log/vkey", KEY_FILE)
                 : 0;
    if (rc == 0)
        j->key = key;
    if (text.p)
        sodium_memzero(text.p, text.n);
    buf_free(&text);
    sodium_memzero(&key, sizeof key);
    return rc;
}

static void release(struct journal *j)
{
    journal_cursor_close(j->single);
    writer_close(j);
    tile_writer_close(&j->tiles);
    tree_free(&j->tree);
    buf_free(&j->entries);
    int fds[] = {j->committed_fd, j->journal_fd, j->log_fd, j->lock_fd};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    free(j->dir);
    free(j->origin);
    sodium_memzero(j, sizeof *j);
    free(j);
}

static struct journal *new_journal(const char *dir, enum journal_mode mode)
{
    struct journal *j = calloc(1, sizeof *j);
    if (!j || !(j->dir = strdup(dir)))
        abort();
    j->mode = mode;
    j->journal_fd = j->log_fd = j->lock_fd = j->committed_fd = -1;
    j->seg.fd = j->seg.index_fd = -1;
    j->segment_limit = SEGMENT_LIMIT;
    j->salts_used = sizeof j->salts;
    tile_writer_init(&j->tiles, -1);
    return j;
}

static int open_files(struct journal *j, struct err *err)
{
    int rc = vkey_load(j->dir, &j->key, err);
    if (rc < 0)
        return rc;
    j->origin = strdup(j->key.name);
    if (!j->origin)
        abort();
    if ((j->journal_fd = case_folder(j->dir, "journal", err)) < 0)
        return j->journal_fd;
    if ((j->log_fd = case_folder(j->dir, "log", err)) < 0)
        return j->log_fd;
    tile_writer_init(&j->tiles, j->log_fd);
    if (j->mode == JOURNAL_READ) {
        j->committed_fd = openat(j->journal_fd, "committed", O_RDONLY | O_CLOEXEC);
        return 0; /* without it the checkpoint says how far to read */
    }
    if ((rc = lock_take(j->dir, &j->lock_fd, err)) < 0)
        return rc;
    if ((rc = load_secret(j, err)) < 0)
        return rc;
    rc = j->committed_fd = committed_create(j->journal_fd, err);
    return rc < 0 ? rc : 0;
}

/* By the key of log/vkey. A reader may have read that before the key was replaced, and the
 * checkpoint after. */
static int load_published(struct journal *j, struct buf *note, struct checkpoint *out,
                          struct err *err)
{
    struct note_key now;
    int rc = checkpoint_load(j->dir, &j->key, note, out, err);
    if (rc != -EBADMSG || j->mode == JOURNAL_WRITE || vkey_load(j->dir, &now, NULL) < 0 ||
        strcmp(now.name, j->key.name) != 0 || now.id == j->key.id)
        return rc;
    j->key = now;
    return checkpoint_load(j->dir, &j->key, note, out, err);
}

/* A case of a newer version is refused before anything of it is read or changed. */
static int version_check(struct journal *j, struct err *err)
{
    struct segment_list list;
    struct segment_reader r;
    struct err why;
    int rc = segment_list_read(j->journal_fd, &list, err);
    if (rc == 0 && list.n) {
        rc = segment_open(&r, j->journal_fd, list.first[list.n - 1], j->origin, &why);
        if (rc == 0)
            segment_close(&r);
        rc = rc == -EPROTO ? err_set(err, rc, "%s", why.text) : 0;
    }
    segment_list_free(&list);
    return rc;
}

int journal_open(const char *dir, enum journal_mode mode, struct journal **out, uint64_t *cut,
                 struct err *err)
{
    struct journal *j = new_journal(dir, mode);
    struct buf note = {0};
    struct checkpoint published;
    if (cut)
        *cut = 0;
    *out = NULL;
    int rc = open_files(j, err);
    if (rc == 0)
        rc = version_check(j, err);
    if (rc == 0)
        rc = load_published(j, &note, &published, err);
    if (rc == 0) {
        j->size = j->committed = j->published = published.size;
        if (mode == JOURNAL_WRITE)
            rc = recover(j, &published, cut, err);
        else
            j->size = j->committed = committed_now(j);
    }
    buf_free(&note);
    if (rc < 0) {
        release(j);
        return rc;
    }
    *out = j;
    return 0;
}

int journal_close(struct journal *j, struct err *err)
{
    if (!j)
        return 0;
    int rc = 0;
    if (j->mode == JOURNAL_WRITE && !j->failed) {
        rc = journal_commit(j, err);
        if (rc == 0)
            rc = journal_publish(j, err);
    }
    release(j);
    return rc;
}

uint64_t committed_now(const struct journal *j)
{
    uint64_t n;
    if (j->mode == JOURNAL_WRITE || !committed_read(j->committed_fd, &n) || n < j->committed)
        return j->committed;
    return n;
}

uint64_t journal_size(const struct journal *j)
{
    return j->mode == JOURNAL_WRITE ? j->size : committed_now(j);
}

uint64_t journal_committed(const struct journal *j)
{
    return committed_now(j);
}

const char *journal_origin(const struct journal *j)
{
    return j->origin;
}

int journal_checkpoint(struct journal *j, struct buf *out, struct err *err)
{
    struct buf note = {0};
    struct checkpoint c;
    int rc = load_published(j, &note, &c, err);
    if (rc == 0)
        buf_span(out, buf_as_span(&note));
    buf_free(&note);
    return rc;
}

void journal_set_segment_limit(struct journal *j, uint64_t bytes)
{
    j->segment_limit = bytes;
}
