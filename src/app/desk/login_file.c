#include "app/desk/login_file.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <sys/file.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utc.h"
#include "state/accounts.h"
#include "wire/text.h"

#define FILE_MAX (LOGINS_MAX * 512)
#define LINK_MAX 512

/* ---- folders and owners ---- */

/* What root makes belongs to whom the case belongs to: the desk runs as that. */
static int give(const char *case_dir, const char *path, struct err *err)
{
    struct stat st;
    if (geteuid() != 0)
        return 0;
    if (stat(case_dir, &st) < 0)
        return err_errno(err, "%s", case_dir);
    return lchown(path, st.st_uid, st.st_gid) < 0 ? err_errno(err, "%s", path) : 0;
}

static int make_folder(const char *case_dir, const char *path, struct err *err)
{
    if (mkdir(path, 0700) < 0)
        return errno == EEXIST ? 0 : err_errno(err, "%s", path);
    return give(case_dir, path, err);
}

static int make_folders(const char *case_dir, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/desk", case_dir);
    if (rc == 0)
        rc = make_folder(case_dir, path, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/desk/links", case_dir);
    return rc == 0 ? make_folder(case_dir, path, err) : rc;
}

/* ---- logins ---- */

/* The part up to the next tab; moves behind it. */
static struct span take_field(struct span *line)
{
    size_t n = text_find(*line, '\t');
    struct span field = span_of(line->p, n);
    *line = text_behind(*line, n < line->n ? n + 1 : n);
    return field;
}

static bool copy_text(struct span s, char *out, size_t max)
{
    if (!s.n || s.n >= max)
        return false;
    memcpy(out, s.p, s.n);
    out[s.n] = 0;
    return true;
}

static bool read_login(struct span line, struct login *out)
{
    struct buf secret = {0};
    struct span account = take_field(&line), hash = take_field(&line);
    bool good = account_name_is_good(account) &&
                copy_text(account, out->account, sizeof out->account) &&
                copy_text(hash, out->hash, sizeof out->hash) &&
                base32_decode(&secret, span_trim(line)) && secret.n == TOTP_SECRET_LEN;
    if (good)
        memcpy(out->secret, secret.p, TOTP_SECRET_LEN);
    if (secret.p)
        sodium_memzero(secret.p, secret.cap);
    buf_free(&secret);
    return good;
}

int login_file_read(const char *case_dir, struct login_file *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    struct err why;
    *out = (struct login_file){0};
    int rc = file_path(path, err, "%s/desk/logins", case_dir);
    if (rc == 0 && (rc = file_read(path, FILE_MAX, &text, &why)) < 0)
        rc = rc == -ENOENT ? 0 : err_set(err, rc, "%s", why.text);
    struct cur c = cur_of(buf_as_span(&text));
    while (rc == 0 && cur_left(&c)) {
        struct span line = cur_line(&c);
        if (!line.n)
            continue;
        out->logins = mem_room(out->logins, out->n, &out->cap, sizeof *out->logins);
        if (out->n == LOGINS_MAX || !read_login(line, &out->logins[out->n]))
            rc = err_set(err, -EBADMSG, "not a file of logins (%s)", path);
        else
            out->n++;
    }
    if (text.p)
        sodium_memzero(text.p, text.cap);
    buf_free(&text);
    if (rc < 0)
        login_file_free(out);
    return rc;
}

void login_file_free(struct login_file *f)
{
    if (f->logins)
        sodium_memzero(f->logins, f->cap * sizeof *f->logins);
    free(f->logins);
    *f = (struct login_file){0};
}

const struct login *login_file_find(const struct login_file *f, struct span account)
{
    for (size_t i = 0; i < f->n; i++)
        if (span_is(account, f->logins[i].account))
            return &f->logins[i];
    return NULL;
}

static void put_line(struct buf *out, const struct login *l)
{
    buf_printf(out, "%s\t%s\t", l->account, l->hash);
    base32_put(out, span_of(l->secret, TOTP_SECRET_LEN));
    buf_byte(out, '\n');
}

/* Held by who changes the file; the descriptor, or negative. */
static int lock_folder(const char *case_dir, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/desk", case_dir);
    int fd = rc == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : rc;
    if (rc == 0 && (fd < 0 || flock(fd, LOCK_EX) < 0)) {
        rc = err_errno(err, "%s", path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    return fd;
}

static int write_logins(const char *case_dir, const struct login_file *f, const struct login *new,
                        bool remove, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    bool found = false;
    int rc = file_path(path, err, "%s/desk/logins", case_dir);
    for (size_t i = 0; i < f->n; i++) {
        bool same = strcmp(f->logins[i].account, new->account) == 0;
        found |= same;
        if (!same)
            put_line(&text, &f->logins[i]);
    }
    if (!remove)
        put_line(&text, new);
    if (rc == 0 && remove && !found)
        rc = err_set(err, -ENOENT, "account %s has no password here", new->account);
    if (rc == 0 && !found && f->n == LOGINS_MAX)
        rc = err_set(err, -E2BIG, "%d logins at most", LOGINS_MAX);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&text), 0600, err);
    if (rc == 0)
        rc = give(case_dir, path, err);
    if (text.p)
        sodium_memzero(text.p, text.cap);
    buf_free(&text);
    return rc;
}

int login_file_put(const char *case_dir, const struct login *login, bool remove, struct err *err)
{
    struct login_file f = {0};
    int rc = make_folders(case_dir, err);
    int lock = rc == 0 ? lock_folder(case_dir, err) : rc;
    if (lock < 0)
        return lock;
    rc = login_file_read(case_dir, &f, err);
    if (rc == 0)
        rc = write_logins(case_dir, &f, login, remove, err);
    login_file_free(&f);
    close(lock);
    return rc;
}

/* ---- links ---- */

static int link_path(const char *case_dir, const uint8_t digest[SHA256_LEN],
                     char out[FILE_PATH_MAX], struct err *err)
{
    char hex[SHA256_HEX_MAX];
    hex_encode(digest, SHA256_LEN, hex);
    return file_path(out, err, "%s/desk/links/%s", case_dir, hex);
}

static bool parse_link(struct span text, struct login_link *out)
{
    struct cur c = cur_of(text);
    struct span line = cur_line(&c), account = take_field(&line), made = take_field(&line);
    return account_name_is_good(account) && copy_text(account, out->account, sizeof out->account) &&
           utc_parse(made, &out->made) && utc_parse(span_trim(line), &out->until);
}

/* 1 it is there and in force, 0 not; negative. */
static int read_link(const char *case_dir, int64_t now, struct login_link *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    struct err why;
    int rc = link_path(case_dir, out->digest, path, err);
    if (rc == 0 && (rc = file_read(path, LINK_MAX, &text, &why)) < 0 && rc != -ENOENT)
        err_set(err, rc, "%s", why.text);
    if (rc == 0)
        rc = parse_link(buf_as_span(&text), out) && now < out->until;
    buf_free(&text);
    return rc == -ENOENT ? 0 : rc;
}

int login_link_find(const char *case_dir, struct span token, int64_t now, struct login_link *out,
                    struct err *err)
{
    if (token.n != SESSION_TOKEN_LEN)
        return 0;
    sha256(token.p, token.n, out->digest);
    return read_link(case_dir, now, out, err);
}

int login_links(const char *case_dir, int64_t now,
                int (*each)(void *ctx, const struct login_link *l), void *ctx, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/desk/links", case_dir);
    DIR *d = rc == 0 ? opendir(path) : NULL;
    if (!d)
        return rc < 0 ? rc : errno == ENOENT ? 0 : err_errno(err, "%s", path);
    for (struct dirent *e; rc >= 0 && (e = readdir(d));) {
        struct login_link l;
        if (!hex_decode(span_str(e->d_name), l.digest, SHA256_LEN))
            continue;
        rc = read_link(case_dir, now, &l, err);
        if (rc == 1 && each(ctx, &l) != 0)
            break;
    }
    closedir(d);
    return rc < 0 ? rc : 0;
}

static void remove_old(const char *case_dir, int64_t now)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, NULL, "%s/desk/links", case_dir);
    DIR *d = rc == 0 ? opendir(path) : NULL;
    for (struct dirent *e; d && (e = readdir(d));) {
        struct login_link l;
        if (hex_decode(span_str(e->d_name), l.digest, SHA256_LEN) &&
            read_link(case_dir, now, &l, NULL) == 0)
            unlinkat(dirfd(d), e->d_name, 0);
    }
    if (d)
        closedir(d);
}

int login_link_make(const char *case_dir, const char *account, int64_t now, unsigned minutes,
                    char token[SESSION_TOKEN_LEN + 1], struct err *err)
{
    char path[FILE_PATH_MAX], made[UTC_TEXT_MAX], until[UTC_TEXT_MAX];
    uint8_t digest[SHA256_LEN];
    struct buf text = {0};
    int rc = make_folders(case_dir, err);
    if (rc < 0)
        return rc;
    remove_old(case_dir, now);
    session_token(token);
    sha256(token, SESSION_TOKEN_LEN, digest);
    utc_format(now, made);
    utc_format(now + (int64_t)minutes * 60 * UTC_SECOND, until);
    buf_printf(&text, "%s\t%s\t%s\n", account, made, until);
    rc = link_path(case_dir, digest, path, err);
    if (rc == 0)
        rc = file_replace(path, buf_as_span(&text), 0600, err);
    if (rc == 0)
        rc = give(case_dir, path, err);
    buf_free(&text);
    return rc;
}
