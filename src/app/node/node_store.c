#include "app/node/node_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/mem.h"

#define CENSUS_NAME_LEN 32

int node_store_folder(const char *case_dir, const char *origin, char out[FILE_PATH_MAX],
                      struct err *err)
{
    uint8_t digest[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    sha256(origin, strlen(origin), digest);
    hex_encode(digest, SHA256_LEN, hex);
    return file_path(out, err, "%s/nodes/%s", case_dir, hex);
}

/* The same parts have the same name. */
static void census_name(const struct node_statement *s, char out[CENSUS_NAME_LEN])
{
    uint8_t digest[SHA256_LEN];
    char hex[2 * SHA256_LEN + 1];
    sha256(s->part, s->parts * sizeof s->part[0], digest);
    hex_encode(digest, SHA256_LEN, hex);
    snprintf(out, CENSUS_NAME_LEN, "census.%.16s", hex);
}

/* ---- statements ---- */

/* 1 one that some key signed, 0 no file, -EBADMSG. */
static int read_statement(const char *folder, const char *name, const char *origin,
                          const struct note_key *keys, size_t n_keys, struct node_statement *out,
                          struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf note = {0};
    struct span text;
    int rc = file_path(path, err, "%s/%s", folder, name);
    if (rc == 0)
        rc = file_read(path, NODE_REQUEST_MAX, &note, err);
    if (rc == -ENOENT) {
        buf_free(&note);
        return 0;
    }
    bool good = false;
    for (size_t i = 0; rc == 0 && !good && i < n_keys; i++)
        good = note_open(buf_as_span(&note), &keys[i], &text, NULL) == 0;
    if (rc == 0 && !good)
        rc = err_set(err, -EBADMSG, "%s: not signed by the node's log", path);
    if (rc == 0)
        rc = node_statement_parse(text, out, err);
    if (rc == 0 && strcmp(out->origin, origin) != 0)
        rc = err_set(err, -EBADMSG, "%s: of another log", path);
    buf_free(&note);
    return rc == 0 ? 1 : rc;
}

int node_store_said(const char *case_dir, const char *origin, const char *which,
                    const struct note_key *key, struct node_statement *out, struct err *err)
{
    char folder[FILE_PATH_MAX];
    int rc = node_store_folder(case_dir, origin, folder, err);
    if (rc == 0)
        rc = read_statement(folder, which, origin, key, 1, out, err);
    return rc == -EBADMSG ? 0 : rc;
}

int node_store_say(const char *case_dir, const char *origin, const char *which, struct span note,
                   struct err *err)
{
    char folder[FILE_PATH_MAX], path[FILE_PATH_MAX];
    int rc = node_store_folder(case_dir, origin, folder, err);
    if (rc == 0)
        rc = file_mkdirs(folder, 0700, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/%s", folder, which);
    return rc == 0 ? file_replace(path, note, 0600, err) : rc;
}

int node_store_census(const char *case_dir, const char *origin, const struct note_key *keys,
                      size_t n_keys, struct node_statement *out, char path[FILE_PATH_MAX],
                      struct err *err)
{
    char folder[FILE_PATH_MAX], name[CENSUS_NAME_LEN];
    int rc = node_store_folder(case_dir, origin, folder, err);
    if (rc == 0)
        rc = read_statement(folder, "statement", origin, keys, n_keys, out, err);
    if (rc == 1 && !out->census)
        rc = err_set(err, -EBADMSG, "%s/statement: of no census", folder);
    if (rc == 1) {
        census_name(out, name);
        int named = file_path(path, err, "%s/%s", folder, name);
        rc = named < 0 ? named : 1;
    }
    return rc;
}

static int check_parts(int fd, const char *path, const struct node_statement *s, struct err *err)
{
    struct buf part = {0};
    uint8_t digest[SHA256_LEN];
    uint64_t left = s->bytes;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < s->parts; i++) {
        size_t want = left < NODE_PART_BYTES ? (size_t)left : NODE_PART_BYTES;
        part.n = 0;
        rc = file_read_upto(fd, want, &part);
        if (rc < 0)
            rc = err_set(err, rc, "%s: %s", path, strerror(-rc));
        sha256(part.p, part.n, digest);
        if (rc == 0 && (part.n != want || memcmp(digest, s->part[i], SHA256_LEN) != 0))
            rc = err_set(err, -EBADMSG, "%s: not what the node has signed (part %u)", path, i);
        left -= want;
    }
    part.n = 0;
    if (rc == 0 && (file_read_upto(fd, 1, &part) < 0 || part.n))
        rc = err_set(err, -EBADMSG, "%s: longer than what the node has signed", path);
    buf_free(&part);
    return rc;
}

int node_store_check(const char *path, const struct node_statement *s, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = check_parts(fd, path, s, err);
    close(fd);
    return rc;
}

/* ---- a census on its way ---- */

bool node_store_has(const char *case_dir, const char *origin, const struct node_statement *s)
{
    char folder[FILE_PATH_MAX], path[FILE_PATH_MAX], name[CENSUS_NAME_LEN];
    census_name(s, name);
    return node_store_folder(case_dir, origin, folder, NULL) == 0 &&
           file_path(path, NULL, "%s/%s", folder, name) == 0 && file_exists(path);
}

static int check_room(const char *folder, uint64_t bytes, struct err *err)
{
    struct statvfs v;
    if (statvfs(folder, &v) < 0)
        return err_errno(err, "%s", folder);
    return (uint64_t)v.f_bavail * v.f_frsize >= bytes + NODE_FREE_BYTES
               ? 0
               : err_set(err, -ENOSPC, "no room for a census of %llu bytes",
                         (unsigned long long)bytes);
}

int node_upload_begin(const char *case_dir, const struct node_statement *s, struct span note,
                      struct node_upload **out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct node_upload *u = mem_zeroed(1, sizeof *u);
    u->fd = -1;
    u->statement = *s;
    u->missing = s->parts;
    buf_span(&u->note, note);
    int rc = node_store_folder(case_dir, s->origin, u->folder, err);
    if (rc == 0)
        rc = file_mkdirs(u->folder, 0700, err);
    if (rc == 0)
        rc = check_room(u->folder, s->bytes, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/incoming", u->folder);
    if (rc == 0) {
        u->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (u->fd < 0)
            rc = err_errno(err, "%s", path);
    }
    if (rc < 0) {
        node_upload_free(u);
        return rc;
    }
    *out = u;
    return 0;
}

void node_upload_free(struct node_upload *u)
{
    if (!u)
        return;
    if (u->fd >= 0)
        close(u->fd);
    buf_free(&u->note);
    free(u);
}

int node_upload_part(struct node_upload *u, unsigned n, struct span data, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    const struct node_statement *s = &u->statement;
    uint64_t at = (uint64_t)n * NODE_PART_BYTES;
    if (n >= s->parts || data.n != (n + 1 < s->parts ? NODE_PART_BYTES : (size_t)(s->bytes - at)))
        return err_set(err, -EBADMSG, "part %u: not of that length", n);
    if (u->have[n])
        return 0;
    sha256(data.p, data.n, digest);
    if (memcmp(digest, s->part[n], SHA256_LEN) != 0)
        return err_set(err, -EBADMSG, "part %u: not what the node has signed", n);
    for (size_t done = 0; done < data.n;) {
        ssize_t k = pwrite(u->fd, data.p + done, data.n - done, (off_t)(at + done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return err_errno(err, "%s/incoming", u->folder);
        done += (size_t)k;
    }
    if (fdatasync(u->fd) < 0) /* each for itself: no long stall at the end */
        return err_errno(err, "%s/incoming", u->folder);
    u->have[n] = true;
    u->missing--;
    return 0;
}

/* The file first, under a name that nobody reads yet; then the statement that names it. */
int node_upload_install(struct node_upload *u, struct err *err)
{
    char from[FILE_PATH_MAX], to[FILE_PATH_MAX], statement[FILE_PATH_MAX];
    char name[CENSUS_NAME_LEN], old[CENSUS_NAME_LEN] = "";
    struct buf note = {0};
    struct node_statement was;
    if (u->missing)
        return err_set(err, -EAGAIN, "%u parts are missing", u->missing);
    census_name(&u->statement, name);
    int rc = file_path(from, err, "%s/incoming", u->folder);
    if (rc == 0)
        rc = file_path(to, err, "%s/%s", u->folder, name);
    if (rc == 0)
        rc = file_path(statement, err, "%s/statement", u->folder);
    if (rc == 0 && file_read(statement, NODE_REQUEST_MAX, &note, NULL) == 0 &&
        node_statement_parse(node_note_text(buf_as_span(&note)), &was, NULL) == 0)
        census_name(&was, old);
    buf_free(&note);
    if (rc == 0 && (fsync(u->fd) < 0 || rename(from, to) < 0))
        rc = err_errno(err, "%s", to);
    if (rc == 0)
        rc = file_sync_dir(u->folder, err);
    if (rc == 0)
        rc = file_replace(statement, buf_as_span(&u->note), 0600, err);
    if (rc == 0 && *old && strcmp(old, name) != 0 &&
        file_path(from, err, "%s/%s", u->folder, old) == 0)
        unlink(from);
    return rc;
}
