/* Replacing the log's key. The order makes each step one that a crash may come before or behind:
 *
 *   1. keys/log.key.next: the next key, and the entry that will name it
 *   2. that entry, committed, under a checkpoint of the old key
 *   3. log/rotated/ID: its proof under that checkpoint
 *   4. the same checkpoint, signed by both keys
 *   5. log/vkey: the next key's; from here on readers know it
 *   6. keys/log.key: the next key; the old one's bytes are overwritten (keys/log.key.gone is a link
 * to them meanwhile) and keys/log.key.next goes away
 *
 * The next writer goes on from where a crash left it; without 2 nothing has happened, and the next
 * key is thrown away. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "journal/internal.h"
#include "journal/prover.h"
#include "journal/rotation.h"

#define KEY_FILE     "keys/log.key"
#define NEXT_FILE    "keys/log.key.next"
#define GONE_FILE    "keys/log.key.gone"
#define VKEY_FILE    "log/vkey"
#define ROTATED_DIR  "log/rotated"
#define KEY_FILE_MAX 1024
#define INDEX_DIGITS 20

static int path_of(const struct journal *j, const char *name, char out[FILE_PATH_MAX],
                   struct err *err)
{
    return file_path(out, err, "%s/%s", j->dir, name);
}

/* Root rotates for whom the case belongs to. */
static int give_to_owner(const struct journal *j, const char *path, struct err *err)
{
    struct stat st;
    if (geteuid() != 0)
        return 0;
    if (fstat(j->log_fd, &st) < 0 || chown(path, st.st_uid, st.st_gid) < 0)
        return err_errno(err, "%s", path);
    return 0;
}

static int put_file(const struct journal *j, const char *name, const struct buf *text, mode_t mode,
                    struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = path_of(j, name, path, err);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(text), mode, err);
    return rc == 0 ? give_to_owner(j, path, err) : rc;
}

/* ---- the next key's file: the key's line, and the index of the entry that names it ---- */

static int next_put(const struct journal *j, const struct note_key *next, uint64_t index,
                    struct err *err)
{
    struct buf text = {0};
    note_key_put_signer(next, &text);
    buf_printf(&text, "\n%llu\n", (unsigned long long)index);
    int rc = put_file(j, NEXT_FILE, &text, 0600, err);
    sodium_memzero(text.p, text.n);
    buf_free(&text);
    return rc;
}

/* -ENOENT: there is none. */
static int next_load(const struct journal *j, struct note_key *next, uint64_t *index,
                     struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = path_of(j, NEXT_FILE, path, err);
    if (rc == 0)
        rc = file_read(path, KEY_FILE_MAX, &text, err);
    struct cur c = cur_of(buf_as_span(&text));
    if (rc == 0)
        rc = note_key_parse_signer(cur_line(&c), next, err);
    struct span digits = cur_line(&c);
    *index = 0;
    for (size_t i = 0; rc == 0 && i < digits.n && i < INDEX_DIGITS; i++)
        *index = *index * 10 + (digits.p[i] - '0');
    if (text.n)
        sodium_memzero(text.p, text.n);
    buf_free(&text);
    return rc;
}

/* Overwrites the file's bytes, then removes it. What a disk keeps of what was overwritten, this
 * cannot know. A file that is not there is gone. */
static int shred(const struct journal *j, const char *name, struct err *err)
{
    static const uint8_t zero[KEY_FILE_MAX];
    char path[FILE_PATH_MAX];
    struct stat st, key;
    int rc = path_of(j, KEY_FILE, path, err);
    if (rc == 0 && stat(path, &key) < 0)
        key.st_ino = 0;
    if (rc == 0)
        rc = path_of(j, name, path, err);
    if (rc < 0)
        return rc;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(err, "%s", path);
    if (fstat(fd, &st) < 0)
        rc = err_errno(err, "%s", path);
    size_t n = st.st_size < (off_t)sizeof zero ? (size_t)st.st_size : sizeof zero;
    if (rc == 0 && st.st_ino != key.st_ino && /* never the key in use, which it may be a link to */
        (pwrite(fd, zero, n, 0) != (ssize_t)n || fsync(fd) < 0))
        rc = err_errno(err, "%s", path);
    close(fd);
    if (rc == 0 && unlink(path) < 0)
        rc = err_errno(err, "%s", path);
    if (rc == 0)
        rc = path_of(j, "keys", path, err);
    return rc == 0 ? file_sync_dir(path, err) : rc;
}

/* ---- from the entry on ---- */

/* 3. The entry under the old key's checkpoint. */
static int put_proof(struct journal *j, uint64_t index, struct err *err)
{
    char path[FILE_PATH_MAX];
    uint8_t leaf[JOURNAL_LEAF_LEN], salt[JOURNAL_SALT_LEN];
    struct buf proof = {0}, file = {0};
    struct entry e;
    int rc = path_of(j, ROTATED_DIR, path, err);
    if (rc == 0)
        rc = file_mkdirs(path, 0755, err);
    if (rc == 0)
        rc = give_to_owner(j, path, err);
    if (rc == 0)
        rc = journal_leaf(j, index, leaf, salt, err);
    if (rc == 0)
        rc = journal_prove(j, index, &proof, err);
    if (rc == 0)
        rc = journal_get(j, index, &e, err);
    if (rc == 0) {
        char name[sizeof ROTATED_DIR + 16];
        snprintf(name, sizeof name, ROTATED_DIR "/%08x", j->key.id);
        rotation_file_put(buf_as_span(&proof), leaf, salt, e.payload, &file);
        rc = put_file(j, name, &file, 0644, err);
    }
    if (rc == 0)
        rc = path_of(j, "log", path, err);
    if (rc == 0)
        rc = file_sync_dir(path, err);
    buf_free(&proof);
    buf_free(&file);
    return rc;
}

/* 4. Who knows either key can check it. */
static int put_both(struct journal *j, const struct note_key *next, struct err *err)
{
    struct buf text = {0}, note = {0};
    struct checkpoint c = {.origin = span_str(j->origin), .size = j->published};
    tree_root(&j->tree, j->published, c.root);
    checkpoint_put(&c, &text);
    int rc = note_sign(&j->key, buf_as_span(&text), &note, err);
    if (rc == 0)
        rc = note_sign_again(next, buf_as_span(&text), &note, err);
    if (rc == 0)
        rc = put_file(j, CHECKPOINT_FILE, &note, 0644, err);
    buf_free(&text);
    buf_free(&note);
    return rc;
}

static int put_vkey(struct journal *j, const struct note_key *next, struct err *err)
{
    struct buf text = {0};
    note_key_put_verifier(next, &text);
    buf_byte(&text, '\n');
    int rc = put_file(j, VKEY_FILE, &text, 0644, err);
    buf_free(&text);
    return rc;
}

/* 6. */
static int put_key(struct journal *j, const struct note_key *next, struct err *err)
{
    char path[FILE_PATH_MAX], gone[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = path_of(j, KEY_FILE, path, err);
    if (rc == 0)
        rc = path_of(j, GONE_FILE, gone, err);
    if (rc == 0 && link(path, gone) < 0 && errno != EEXIST)
        rc = err_errno(err, "%s", gone);
    note_key_put_signer(next, &text);
    buf_byte(&text, '\n');
    if (rc == 0)
        rc = put_file(j, KEY_FILE, &text, 0600, err);
    sodium_memzero(text.p, text.n);
    buf_free(&text);
    if (rc == 0)
        rc = shred(j, GONE_FILE, err);
    return rc == 0 ? shred(j, NEXT_FILE, err) : rc;
}

static bool same_key(const struct note_key *a, const struct note_key *b)
{
    return memcmp(a->public_key, b->public_key, NOTE_PUBLIC_LEN) == 0;
}

/* 3 to 6; what was done before is done again, which changes nothing. */
static int switch_over(struct journal *j, const struct note_key *next, uint64_t index,
                       struct err *err)
{
    int rc = 0;
    if (!same_key(&j->key, next)) {
        rc = put_proof(j, index, err);
        if (rc == 0)
            rc = put_both(j, next, err);
        if (rc == 0)
            rc = put_vkey(j, next, err);
        if (rc == 0)
            j->key = *next;
    }
    return rc == 0 ? put_key(j, next, err) : rc;
}

/* Whether the log has the entry that names the next key. 1, 0, negative. */
static int is_named(struct journal *j, const struct note_key *next, uint64_t index, struct err *err)
{
    struct entry e;
    struct span note;
    struct rotation r;
    if (index >= j->committed)
        return 0;
    int rc = journal_get(j, index, &e, err);
    if (rc < 0)
        return rc;
    return rotation_of_entry(e.header.kind, e.payload, &note) == 1 &&
           rotation_parse(note, &r, NULL) == 0 && r.index == index && same_key(&r.to, next);
}

int rotate_load_next(const struct journal *j, const struct note_key *vkey, struct note_key *out)
{
    uint64_t index;
    int rc = next_load(j, out, &index, NULL);
    return rc == 0 && same_key(out, vkey) && strcmp(out->name, vkey->name) == 0 ? 0 : -ENOENT;
}

/* What cannot be finished (a folder that this process may not write) is left to the next writer:
 * the key that log/vkey names is at hand in any case. */
void rotate_recover(struct journal *j)
{
    struct note_key next;
    struct err err = {0};
    uint64_t index;
    int rc = next_load(j, &next, &index, &err);
    if (rc == -ENOENT) {
        rc = shred(j, GONE_FILE, &err);
    } else if (rc == 0) {
        rc = same_key(&j->key, &next) ? 1 : is_named(j, &next, index, &err);
        if (rc == 1)
            rc = switch_over(j, &next, index, &err);
        else if (rc == 0)
            rc = shred(j, NEXT_FILE, &err);
    }
    if (rc < 0)
        log_line(LOG_WARN, "a rotation of the log's key is not finished", "why=\"%s\"", err.text);
    sodium_memzero(&next, sizeof next);
}

/* ---- by whom it is told ---- */

int journal_rotate_begin(struct journal *j, struct buf *statement, struct err *err)
{
    struct note_key next = {0};
    if (j->mode != JOURNAL_WRITE)
        return err_set(err, -EROFS, "journal: opened for reading");
    int rc = journal_commit(j, err);
    if (rc == 0)
        rc = journal_publish(j, err);
    do {
        if (rc == 0)
            rc = note_key_generate(j->origin, &next, err);
    } while (rc == 0 && next.id == j->key.id);
    if (rc == 0)
        rc = rotation_put(j->size, &j->key, &next, statement, err);
    if (rc == 0)
        rc = next_put(j, &next, j->size, err);
    sodium_memzero(&next, sizeof next);
    return rc;
}

void journal_rotate_drop(struct journal *j)
{
    struct err err;
    if (shred(j, NEXT_FILE, &err) < 0)
        log_line(LOG_WARN, "a key that is not used remains", "why=\"%s\"", err.text);
}

int journal_rotate(struct journal *j, const struct entry_header *header, struct span payload,
                   uint64_t *index, struct err *err)
{
    struct note_key next = {0};
    struct span note;
    struct rotation r;
    uint64_t want;
    int rc = next_load(j, &next, &want, err);
    if (rc == 0 && (want != j->size || rotation_of_entry(header->kind, payload, &note) != 1 ||
                    rotation_parse(note, &r, NULL) < 0 || r.index != want ||
                    !same_key(&r.from, &j->key) || !same_key(&r.to, &next)))
        rc = err_set(err, -EINVAL, "journal: the entry does not name the key that comes next");
    if (rc == 0)
        rc = journal_append(j, header, payload, index, err);
    if (rc == 0)
        rc = journal_commit(j, err);
    /* on a failure the entry may be on the disk nevertheless: the next opening looks, and decides
     */
    if (rc == 0)
        rc = journal_publish(j, err);
    if (rc == 0)
        rc = switch_over(j, &next, *index, err);
    if (rc ==
        0) /* who opens the checkpoint by the old key finds both; the next has the new alone */
        log_line(LOG_INFO, "the log's key was replaced", "entry=%llu", (unsigned long long)*index);
    sodium_memzero(&next, sizeof next);
    return rc;
}
