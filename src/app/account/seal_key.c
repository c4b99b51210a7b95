#include "app/account/seal_key.h"

#include <errno.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"

_Static_assert(NET_SEAL_KEY_LEN == crypto_box_PUBLICKEYBYTES &&
                   NET_SEAL_KEY_LEN == crypto_box_SECRETKEYBYTES,
               "as libsodium has it");

#define KEY_TEXT_MAX 128

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

int seal_key_both(const char *case_dir, uint8_t public_key[NET_SEAL_KEY_LEN],
                  uint8_t secret[NET_SEAL_KEY_LEN], struct err *err)
{
    if (sodium_init() < 0)
        return err_set(err, -EIO, "libsodium does not start");
    int rc = read_key(case_dir, "seal.pub", public_key, NET_SEAL_KEY_LEN, err);
    return rc == 0 ? read_key(case_dir, "seal.key", secret, NET_SEAL_KEY_LEN, err) : rc;
}
