#include "app/account/seal_key.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"

_Static_assert(NET_SEAL_KEY_LEN == crypto_box_PUBLICKEYBYTES &&
                   NET_SEAL_KEY_LEN == crypto_box_SECRETKEYBYTES,
               "as libsodium has it");

#define KEY_TEXT_MAX 128
#define KEY_NAME_MAX 32

static int read_key(const char *case_dir, const char *name, uint8_t *key, size_t n, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = file_path(path, err, "%s/keys/%s", case_dir, name);
    if (rc == 0)
        rc = file_read(path, KEY_TEXT_MAX, &text, err);
    if (rc == 0 && text.n && text.p[text.n - 1] == '\n')
        text.n--;
    if (rc == 0 && !hex_decode(buf_as_span(&text), key, n))
        rc = err_set(err, -EBADMSG, "%s: not a key", path);
    if (text.n)
        sodium_memzero(text.p, text.n);
    buf_free(&text);
    return rc;
}

/* Root makes it for whom the case belongs to: the daemon becomes that user before it reloads. */
static int give_to_owner(const char *case_dir, const char *path, struct err *err)
{
    struct stat st;
    if (stat(case_dir, &st) < 0)
        return err_errno(err, "%s", case_dir);
    return chown(path, st.st_uid, st.st_gid) < 0 ? err_errno(err, "%s", path) : 0;
}

static int write_key(const char *case_dir, const char *name, const uint8_t *key, size_t n,
                     struct err *err)
{
    char path[FILE_PATH_MAX], hex[2 * 32 + 2];
    int rc = file_path(path, err, "%s/keys/%s", case_dir, name);
    hex_encode(key, n, hex);
    hex[2 * n] = '\n';
    if (rc == 0)
        rc = file_replace(path, span_of(hex, 2 * n + 1), 0600, err);
    if (rc == 0 && geteuid() == 0)
        rc = give_to_owner(case_dir, path, err);
    sodium_memzero(hex, sizeof hex);
    return rc;
}

/* The secret half first: a public key without it would seal for nobody. */
static int make_pair(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err)
{
    uint8_t secret[crypto_box_SECRETKEYBYTES];
    crypto_box_keypair(public_key, secret);
    int rc = write_key(case_dir, "seal.key", secret, sizeof secret, err);
    if (rc == 0)
        rc = write_key(case_dir, "seal.pub", public_key, NET_SEAL_KEY_LEN, err);
    sodium_memzero(secret, sizeof secret);
    return rc;
}

int seal_key_load(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    int rc = read_key(case_dir, "seal.pub", public_key, NET_SEAL_KEY_LEN, err);
    return rc == -ENOENT ? make_pair(case_dir, public_key, err) : rc;
}

void seal_key_id(const uint8_t public_key[NET_SEAL_KEY_LEN], char out[SEAL_KEY_ID_MAX])
{
    uint8_t digest[SHA256_LEN];
    sha256(public_key, NET_SEAL_KEY_LEN, digest);
    hex_encode(digest, (SEAL_KEY_ID_MAX - 1) / 2, out);
}

static void named(const uint8_t public_key[NET_SEAL_KEY_LEN], char out[KEY_NAME_MAX])
{
    char id[SEAL_KEY_ID_MAX];
    seal_key_id(public_key, id);
    snprintf(out, KEY_NAME_MAX, "seal.%s.key", id);
}

static int read_pair(const char *case_dir, const char *name, struct seal_pair *out, struct err *err)
{
    int rc = read_key(case_dir, name, out->secret_key, NET_SEAL_KEY_LEN, err);
    if (rc == 0 && crypto_scalarmult_base(out->public_key, out->secret_key) < 0)
        rc = err_set(err, -EBADMSG, "keys/%s: not a key", name);
    return rc;
}

static bool is_kept(const char *name)
{
    uint8_t id[4];
    size_t n = strlen(name);
    return n == sizeof "seal.01234567.key" - 1 && memcmp(name, "seal.", 5) == 0 &&
           strcmp(name + n - 4, ".key") == 0 &&
           hex_decode(span_of((const uint8_t *)name + 5, 8), id, sizeof id);
}

int seal_key_all(const char *case_dir, struct seal_pair out[SEAL_KEYS_MAX], struct err *err)
{
    char path[FILE_PATH_MAX];
    int n = 0;
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    int rc = read_pair(case_dir, "seal.key", &out[n], err);
    if (rc == 0)
        rc = file_path(path, err, "%s/keys", case_dir);
    if (rc < 0)
        return rc;
    n++;
    DIR *d = opendir(path);
    if (!d)
        return err_errno(err, "%s", path);
    for (struct dirent *e; rc == 0 && n < SEAL_KEYS_MAX && (e = readdir(d));) {
        if (!is_kept(e->d_name))
            continue;
        rc = read_pair(case_dir, e->d_name, &out[n], err);
        /* the same once more: a crash while one was replaced */
        n += rc == 0 && memcmp(out[n].public_key, out[0].public_key, NET_SEAL_KEY_LEN) != 0;
    }
    closedir(d);
    return rc < 0 ? rc : n;
}

int seal_key_next(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err)
{
    uint8_t secret[crypto_box_SECRETKEYBYTES];
    char name[KEY_NAME_MAX];
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    crypto_box_keypair(public_key, secret);
    named(public_key, name);
    int rc = write_key(case_dir, name, secret, sizeof secret, err);
    sodium_memzero(secret, sizeof secret);
    return rc;
}

int seal_key_use(const char *case_dir, const uint8_t public_key[NET_SEAL_KEY_LEN], struct err *err)
{
    struct seal_pair old, new;
    char name[KEY_NAME_MAX];
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    named(public_key, name);
    int rc = read_pair(case_dir, name, &new, err);
    if (rc == 0)
        rc = read_pair(case_dir, "seal.key", &old, err);
    if (rc == 0 && memcmp(old.public_key, public_key, NET_SEAL_KEY_LEN) != 0) {
        named(old.public_key, name);
        rc = write_key(case_dir, name, old.secret_key, NET_SEAL_KEY_LEN, err);
        if (rc == 0)
            rc = write_key(case_dir, "seal.key", new.secret_key, NET_SEAL_KEY_LEN, err);
    }
    if (rc == 0)
        rc = write_key(case_dir, "seal.pub", public_key, NET_SEAL_KEY_LEN, err);
    if (rc == 0)
        seal_key_drop(case_dir, public_key); /* seal.key has it now */
    sodium_memzero(&old, sizeof old);
    sodium_memzero(&new, sizeof new);
    return rc;
}

void seal_key_drop(const char *case_dir, const uint8_t public_key[NET_SEAL_KEY_LEN])
{
    char path[FILE_PATH_MAX], name[KEY_NAME_MAX];
    named(public_key, name);
    if (file_path(path, NULL, "%s/keys/%s", case_dir, name) == 0)
        unlink(path);
}
