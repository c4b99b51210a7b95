#include "app/referral/openpgp.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gpgme.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define KEYS_MAX  50 /* of a file that has too many, to be counted */
#define DEPTH_MAX 3  /* folders of a home */

struct openpgp {
    char home[FILE_PATH_MAX];
    gpgme_ctx_t ctx;
    gpgme_key_t key;
};

/* ---- the home ---- */

static int make_home(struct openpgp *o, struct err *err)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *tmp = getenv("TMPDIR");
    const char *of[] = {runtime, "/dev/shm", tmp, "/tmp"};
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        if (!of[i] || of[i][0] != '/' || strlen(of[i]) > 60) /* agents' sockets are below it */
            continue;
        snprintf(o->home, sizeof o->home, "%s/ebb-gpg-XXXXXX", of[i]);
        if (mkdtemp(o->home))
            return 0;
    }
    o->home[0] = '\0';
    return err_errno(err, "a folder for gpg's key ring");
}

/* Nothing but files and a few folders; links are removed, not followed. */
static void remove_below(int dir, unsigned depth)
{
    DIR *d = fdopendir(dir);
    if (!d) {
        close(dir);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (unlinkat(dir, e->d_name, 0) == 0 || depth == 0)
            continue;
        int below = openat(dir, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0)
            remove_below(below, depth - 1);
        unlinkat(dir, e->d_name, AT_REMOVEDIR);
    }
    closedir(d);
}

static void remove_home(struct openpgp *o)
{
    int dir = o->home[0] ? open(o->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (dir >= 0)
        remove_below(dir, DEPTH_MAX);
    if (o->home[0])
        rmdir(o->home);
}

/* ---- the key ---- */

static int fail(struct err *err, int code, const char *what, gpgme_error_t e)
{
    if (gpgme_err_code(e) == GPG_ERR_INV_ENGINE || gpgme_err_code(e) == GPG_ERR_ENOENT)
        return err_set(err, -ENOENT, "%s: gpg is not on this machine (package gnupg)", what);
    return err_set(err, code, "%s: %s", what, gpgme_strerror(e));
}

static int begin(struct openpgp *o, struct err *err)
{
    setlocale(LC_MESSAGES, "C");
    gpgme_check_version(NULL);
    gpgme_error_t e = gpgme_new(&o->ctx);
    if (!e)
        e = gpgme_ctx_set_engine_info(o->ctx, GPGME_PROTOCOL_OpenPGP, NULL, o->home);
    if (!e)
        e = gpgme_set_protocol(o->ctx, GPGME_PROTOCOL_OpenPGP);
    if (!e)
        gpgme_set_offline(o->ctx, 1);
    return e ? fail(err, -EIO, "gpg", e) : 0;
}

static int import(struct openpgp *o, struct span file, struct err *err)
{
    gpgme_data_t data;
    gpgme_error_t e = gpgme_data_new_from_mem(&data, (const char *)file.p, file.n, 0);
    if (e)
        return fail(err, -EIO, "--recipient", e);
    e = gpgme_op_import(o->ctx, data);
    gpgme_data_release(data);
    gpgme_import_result_t r = gpgme_op_import_result(o->ctx);
    if (r && (r->secret_read || r->secret_imported))
        return err_set(err, -EKEYREJECTED,
                       "--recipient: the file has a secret key: ask the agency for its public key "
                       "alone, and tell it that this one is out");
    if (e)
        return fail(err, -EINVAL, "--recipient: no OpenPGP public key", e);
    if (!r || r->considered == 0)
        return err_set(err, -EINVAL, "--recipient: no OpenPGP public key in the file");
    return 0;
}

/* The one key; its number when there are others. */
static int list(struct openpgp *o, struct err *err)
{
    gpgme_key_t key;
    unsigned n = 0;
    gpgme_error_t e = gpgme_op_keylist_start(o->ctx, NULL, 0);
    while (!e && n < KEYS_MAX && !(e = gpgme_op_keylist_next(o->ctx, &key))) {
        if (n++ == 0)
            o->key = key;
        else
            gpgme_key_unref(key);
    }
    if (e && gpgme_err_code(e) != GPG_ERR_EOF)
        return fail(err, -EIO, "--recipient", e);
    gpgme_op_keylist_end(o->ctx);
    if (n == 0)
        return err_set(err, -EINVAL, "--recipient: no OpenPGP public key in the file");
    if (n > 1)
        return err_set(err, -EKEYREJECTED,
                       "--recipient: the file has several keys: give it the agency's alone");
    return 0;
}

static int reject(const struct openpgp *o, const char *why, struct err *err)
{
    return err_set(err, -EKEYREJECTED, "--recipient: the key %s (%s)", why, openpgp_fingerprint(o));
}

static int check(const struct openpgp *o, struct err *err)
{
    const struct _gpgme_key *k = o->key;
    bool stale = false;
    if (k->revoked)
        return reject(o, "is revoked", err);
    if (k->expired)
        return reject(o, "is expired", err);
    if (k->disabled || k->invalid || !k->subkeys || !k->subkeys->fpr || !k->uids)
        return reject(o, "is not valid", err);
    for (const struct _gpgme_subkey *s = k->subkeys; s; s = s->next) {
        if (s->can_encrypt && !s->revoked && !s->expired && !s->disabled && !s->invalid)
            return k->can_encrypt ? 0 : reject(o, "cannot encrypt", err);
        stale |= s->can_encrypt;
    }
    return reject(o,
                  stale ? "has no part for encryption that is in force: it is expired or revoked"
                        : "cannot encrypt",
                  err);
}

int openpgp_open(struct span key_file, struct openpgp **out, struct err *err)
{
    struct openpgp *o = mem_zeroed(1, sizeof *o);
    int rc = make_home(o, err);
    if (rc == 0)
        rc = begin(o, err);
    if (rc == 0)
        rc = import(o, key_file, err);
    if (rc == 0)
        rc = list(o, err);
    if (rc == 0)
        rc = check(o, err);
    if (rc < 0) {
        openpgp_close(o);
        o = NULL;
    }
    *out = o;
    return rc;
}

void openpgp_close(struct openpgp *o)
{
    if (!o)
        return;
    if (o->key)
        gpgme_key_unref(o->key);
    if (o->ctx)
        gpgme_release(o->ctx);
    remove_home(o);
    free(o);
}

const char *openpgp_fingerprint(const struct openpgp *o)
{
    return o->key->fpr ? o->key->fpr : o->key->subkeys ? o->key->subkeys->fpr : "";
}

const char *openpgp_user(const struct openpgp *o)
{
    return o->key->uids && o->key->uids->uid ? o->key->uids->uid : "";
}

/* ---- encrypting ---- */

struct source {
    ssize_t (*read)(void *ctx, void *out, size_t room);
    void *ctx;
    bool failed;
};

static ssize_t read_source(void *handle, void *out, size_t room)
{
    struct source *s = handle;
    ssize_t n = s->read(s->ctx, out, room);
    if (n < 0) {
        s->failed = true;
        errno = EIO;
        return -1;
    }
    return n;
}

int openpgp_encrypt(struct openpgp *o, ssize_t (*read)(void *ctx, void *out, size_t room),
                    void *ctx, int fd, struct err *err)
{
    struct source source = {.read = read, .ctx = ctx};
    struct gpgme_data_cbs calls = {.read = read_source};
    gpgme_key_t to[] = {o->key, NULL};
    gpgme_data_t plain = NULL, cipher = NULL;
    gpgme_error_t e = gpgme_data_new_from_cbs(&plain, &calls, &source);
    if (!e)
        e = gpgme_data_new_from_fd(&cipher, fd);
    if (!e) {
        gpgme_set_armor(o->ctx, 0);
        e = gpgme_op_encrypt(o->ctx, to, GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO,
                             plain, cipher);
    }
    gpgme_encrypt_result_t r = e ? NULL : gpgme_op_encrypt_result(o->ctx);
    bool missed = r && r->invalid_recipients;
    if (plain)
        gpgme_data_release(plain);
    if (cipher)
        gpgme_data_release(cipher);
    if (source.failed) /* the caller knows why */
        return err_set(err, -EIO, "what is to be encrypted could not be read");
    if (e)
        return fail(err, -EIO, "encrypting", e);
    return missed ? err_set(err, -EKEYREJECTED, "encrypting: gpg will not use the key") : 0;
}
