/* The small files around the log: lock, committed size, checkpoint and keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "journal/internal.h"

#define LOCK_FILE     "journal/lock"
#define VKEY_FILE     "log/vkey"
#define LINE_FILE_MAX 1024

int case_folder(const char *dir, const char *name, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/%s", dir, name);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_errno(err, "%s", path) : fd;
}

/* committed: magic, number of entries, its complement. Written in place by one pwrite, so that a
 * reader at most sees two halves that do not fit and asks again. Never fsynced: it only tells how
 * far a reader may go, and after a crash the checkpoint says at least as much. */
static const uint8_t committed_magic[8] = "ebb-com\n";
#define COMMITTED_LEN     24
#define COMMITTED_RETRIES 100

static void committed_put(uint8_t out[COMMITTED_LEN], uint64_t n)
{
    memcpy(out, committed_magic, 8);
    be64_put(out + 8, n);
    be64_put(out + 16, ~n);
}

int committed_create(int journal_fd, struct err *err)
{
    int fd = openat(journal_fd, "committed", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "journal/committed");
    return fd;
}

bool committed_read(int fd, uint64_t *out)
{
    for (unsigned i = 0; fd >= 0 && i < COMMITTED_RETRIES; i++) {
        uint8_t raw[COMMITTED_LEN];
        if (pread(fd, raw, sizeof raw, 0) != sizeof raw || memcmp(raw, committed_magic, 8) != 0)
            return false;
        *out = be64_get(raw + 8);
        if (be64_get(raw + 16) == ~*out)
            return true;
    }
    return false;
}

int committed_write(int fd, uint64_t committed, struct err *err)
{
    uint8_t raw[COMMITTED_LEN];
    committed_put(raw, committed);
    ssize_t n = pwrite(fd, raw, sizeof raw, 0);
    if (n < 0)
        return err_errno(err, "journal/committed");
    return n == sizeof raw ? 0 : err_set(err, -ENOSPC, "journal/committed: short write");
}

/* Open file description locks: like flock, but one can ask who holds it without taking it. */
int lock_take(const char *dir, int *out, struct err *err)
{
    char path[FILE_PATH_MAX], text[32] = "";
    int rc = file_path(path, err, "%s/%s", dir, LOCK_FILE);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", path);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fd, F_OFD_SETLK, &lock) < 0) {
        bool held = errno == EAGAIN || errno == EACCES;
        rc = err_errno(err, "%s", path);
        if (held) {
            ssize_t n = pread(fd, text, sizeof text - 1, 0);
            text[n > 0 ? strspn(text, "0123456789") : 0] = 0;
            rc = err_set(err, -EBUSY, "%s: another process writes to this case (pid %s)", path,
                         text[0] ? text : "unknown");
        }
        close(fd);
        return rc;
    }
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* only for the error text above: a full disk must not keep a writer out */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) != n)
        (void)!ftruncate(fd, 0);
    *out = fd;
    return 0;
}

bool lock_is_held(const char *dir)
{
    char path[FILE_PATH_MAX];
    if (file_path(path, NULL, "%s/%s", dir, LOCK_FILE) < 0)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}

int vkey_load(const char *dir, struct note_key *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    struct err why;
    int rc = file_path(path, err, "%s/%s", dir, VKEY_FILE);
    if (rc == 0)
        rc = file_read(path, LINE_FILE_MAX, &text, err);
    if (rc == 0 && (text.n == 0 || text.p[text.n - 1] != '\n'))
        rc = err_set(err, -EBADMSG, "%s: not one line", VKEY_FILE);
    if (rc == 0) {
        rc = note_key_parse_verifier(span_of(text.p, text.n - 1), out, &why);
        if (rc < 0)
            err_set(err, rc, "%s: %s", VKEY_FILE, why.text);
    }
    if (rc == 0) { /* byte for byte as we write it: hex digits could be of either case */
        struct buf again = {0};
        note_key_put_verifier(out, &again);
        if (!span_eq(buf_as_span(&again), span_of(text.p, text.n - 1)))
            rc = err_set(err, -EBADMSG, "%s: not in its canonical form", VKEY_FILE);
        buf_free(&again);
    }
    buf_free(&text);
    return rc;
}

int checkpoint_load(const char *dir, const struct note_key *key, struct buf *note,
                    struct checkpoint *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct span text;
    struct err why = {0};
    int rc = file_path(path, err, "%s/%s", dir, CHECKPOINT_FILE);
    note->n = 0;
    if (rc == 0)
        rc = file_read(path, NOTE_MAX, note, err);
    if (rc < 0)
        return rc;
    rc = note_open(buf_as_span(note), key, &text, &why);
    if (rc == 0)
        rc = checkpoint_parse(text, out, &why);
    if (rc == 0 && !span_is(out->origin, key->name))
        rc = err_set(&why, -EBADMSG, "its origin is not %s", key->name);
    if (rc < 0)
        err_set(err, rc == -ENOKEY ? -EBADMSG : rc, "%s: %s", CHECKPOINT_FILE, why.text);
    return rc == -ENOKEY ? -EBADMSG : rc;
}
