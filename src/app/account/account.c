#include "app/account/account.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"

#define KEY_FILE_MAX   4096
#define PASSPHRASE_MAX 1024
#define PASSPHRASE_MIN 8
#define KEY_HEADING    "ebb-account-key v1"
#define PUBLIC_HEADING "ebb-account-public v1"
#define MEMORY_MAX     (2ull << 30) /* what a key file may make us use */
#define OPERATIONS_MAX 16
#define KDF_CONTEXT    "ebb-acct"

/* ---- who ---- */

static const char *given(const char *option, const char *variable)
{
    return option ? option : getenv(variable);
}

const char *account_named(const struct cli *cli)
{
    const char *name = given(cli->account, "EBB_ACCOUNT");
    return name && *name ? name : NULL;
}

static int key_path(const struct cli *cli, const char *name, char path[FILE_PATH_MAX],
                    struct err *err)
{
    const char *key = given(cli->key, "EBB_KEY"), *home = getenv("HOME");
    if (key && *key)
        return file_path(path, err, "%s", key);
    return file_path(path, err, "%s/.config/ebb/%s.key", home ? home : "", name);
}

/* ---- passphrases ---- */

static int ask(const char *prompt, struct buf *out, struct err *err)
{
    struct termios old, quiet;
    char c;
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC), rc = 0;
    if (tty < 0 || tcgetattr(tty, &old) < 0) {
        if (tty >= 0)
            close(tty);
        return err_set(err, -ENOTTY,
                       "a passphrase is wanted, and there is no terminal: --passphrase-file");
    }
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSAFLUSH, &quiet);
    rc = file_write_all(tty, prompt, strlen(prompt));
    while (rc == 0 && out->n < PASSPHRASE_MAX && read(tty, &c, 1) == 1 && c != '\n')
        buf_byte(out, (uint8_t)c);
    tcsetattr(tty, TCSAFLUSH, &old);
    rc = file_write_all(tty, "\n", 1);
    close(tty);
    return rc < 0 ? err_set(err, rc, "the terminal") : 0;
}

static int ask_twice(const char *prompt, struct buf *out, struct err *err)
{
    struct buf again = {0};
    int rc = ask(prompt, out, err);
    if (rc == 0)
        rc = ask("the same again: ", &again, err);
    if (rc == 0 && !span_eq(buf_as_span(out), buf_as_span(&again)))
        rc = err_set(err, -EINVAL, "the two passphrases are not the same");
    if (again.n)
        sodium_memzero(again.p, again.n);
    buf_free(&again);
    return rc;
}

int account_passphrase(const struct cli *cli, const char *prompt, bool new, struct buf *out,
                       struct err *err)
{
    const char *path = given(cli->passphrase_file, "EBB_PASSPHRASE_FILE");
    int rc = path && *path ? file_read(path, PASSPHRASE_MAX, out, err)
             : new         ? ask_twice(prompt, out, err)
                           : ask(prompt, out, err);
    while (rc == 0 && out->n && (out->p[out->n - 1] == '\n' || out->p[out->n - 1] == '\r'))
        out->n--;
    if (rc == 0 && new && out->n < PASSPHRASE_MIN)
        rc = err_set(err, -EINVAL, "a passphrase has %d bytes at least", PASSPHRASE_MIN);
    return rc;
}

/* ---- keys ---- */

/* Both pairs come from one secret. */
static void derive(struct account_key *out)
{
    uint8_t sub[ACCOUNT_SEED_LEN];
    crypto_kdf_derive_from_key(sub, sizeof sub, 1, KDF_CONTEXT, out->seed);
    crypto_box_seed_keypair(out->box, out->box_secret, sub);
    crypto_kdf_derive_from_key(sub, sizeof sub, 2, KDF_CONTEXT, out->seed);
    crypto_sign_seed_keypair(out->sign, out->sign_secret, sub);
    sodium_memzero(sub, sizeof sub);
}

void account_wipe(struct account_key *key)
{
    sodium_memzero(key, sizeof *key);
}

void account_key_make(const char *name, struct account_key *out)
{
    if (sodium_init() < 0)
        abort();
    *out = (struct account_key){0};
    snprintf(out->name, sizeof out->name, "%s", name);
    randombytes_buf(out->seed, sizeof out->seed);
    derive(out);
}

/* ---- key files ---- */

static const struct {
    const char *name;
    uint64_t operations, memory;
} costs[] = {
    {"moderate", crypto_pwhash_OPSLIMIT_MODERATE, crypto_pwhash_MEMLIMIT_MODERATE},
    {"interactive", crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE},
    {"sensitive", crypto_pwhash_OPSLIMIT_SENSITIVE, crypto_pwhash_MEMLIMIT_SENSITIVE},
};

struct sealed_seed {
    uint64_t operations, memory;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t nonce[crypto_secretbox_xchacha20poly1305_NONCEBYTES];
    uint8_t box[ACCOUNT_SEED_LEN + crypto_secretbox_xchacha20poly1305_MACBYTES];
};

static int stretch(const struct sealed_seed *s, struct span passphrase, uint8_t key[32],
                   struct err *err)
{
    if (crypto_pwhash(key, 32, (const char *)passphrase.p, passphrase.n, s->salt, s->operations,
                      (size_t)s->memory, crypto_pwhash_ALG_ARGON2ID13) < 0)
        return err_set(err, -ENOMEM, "Argon2id: no memory for it (%llu MiB)",
                       (unsigned long long)(s->memory >> 20));
    return 0;
}

static void put_hex_line(struct buf *out, const char *word, const uint8_t *p, size_t n)
{
    char hex[2 * 64 + 1];
    hex_encode(p, n, hex);
    buf_printf(out, "%s %.*s\n", word, (int)(2 * n), hex);
}

int account_key_write(const struct account_key *key, const char *cost, struct span passphrase,
                      struct buf *file, struct err *err)
{
    struct sealed_seed s = {0};
    uint8_t stretched[32];
    for (size_t i = 0; i < sizeof costs / sizeof *costs; i++)
        if (strcmp(cost ? cost : costs[0].name, costs[i].name) == 0) {
            s.operations = costs[i].operations;
            s.memory = costs[i].memory;
        }
    if (!s.memory)
        return err_set(err, -EINVAL, "a cost is one of interactive, moderate, sensitive (%s)",
                       cost);
    randombytes_buf(s.salt, sizeof s.salt);
    randombytes_buf(s.nonce, sizeof s.nonce);
    int rc = stretch(&s, passphrase, stretched, err);
    if (rc < 0)
        return rc;
    crypto_secretbox_xchacha20poly1305_easy(s.box, key->seed, sizeof key->seed, s.nonce, stretched);
    sodium_memzero(stretched, sizeof stretched);
    buf_printf(file, KEY_HEADING "\nname %s\noperations %llu\nmemory %llu\n", key->name,
               (unsigned long long)s.operations, (unsigned long long)s.memory);
    put_hex_line(file, "salt", s.salt, sizeof s.salt);
    put_hex_line(file, "nonce", s.nonce, sizeof s.nonce);
    put_hex_line(file, "secret", s.box, sizeof s.box);
    return 0;
}

/* The rest of a line that begins with the word and a blank. */
static bool take_line(struct cur *c, const char *word, struct span *rest)
{
    struct span line = cur_line(c);
    size_t n = strlen(word);
    if (line.n <= n || memcmp(line.p, word, n) != 0 || line.p[n] != ' ')
        return false;
    *rest = span_of(line.p + n + 1, line.n - n - 1);
    return true;
}

static bool take_number(struct cur *c, const char *word, uint64_t *out)
{
    struct span text;
    char digits[24];
    if (!take_line(c, word, &text) || text.n >= sizeof digits)
        return false;
    memcpy(digits, text.p, text.n);
    digits[text.n] = 0;
    return cli_parse_u64(digits, out);
}

static bool take_hex(struct cur *c, const char *word, uint8_t *out, size_t n)
{
    struct span text;
    return take_line(c, word, &text) && text.n == 2 * n && hex_decode(text, out, n);
}

static bool parse(struct span file, struct sealed_seed *s, struct span *name)
{
    struct cur c = cur_of(file);
    return span_is(cur_line(&c), KEY_HEADING) && take_line(&c, "name", name) &&
           account_name_is_good(*name) && take_number(&c, "operations", &s->operations) &&
           take_number(&c, "memory", &s->memory) && take_hex(&c, "salt", s->salt, sizeof s->salt) &&
           take_hex(&c, "nonce", s->nonce, sizeof s->nonce) &&
           take_hex(&c, "secret", s->box, sizeof s->box) && s->operations >= 1 &&
           s->operations <= OPERATIONS_MAX && s->memory >= crypto_pwhash_MEMLIMIT_MIN &&
           s->memory <= MEMORY_MAX;
}

int account_key_open(struct span file, struct span passphrase, struct account_key *out,
                     struct err *err)
{
    struct sealed_seed s;
    struct span name;
    uint8_t stretched[32];
    if (sodium_init() < 0 || !parse(file, &s, &name))
        return err_set(err, -EBADMSG, "not an account's key file");
    int rc = stretch(&s, passphrase, stretched, err);
    if (rc < 0)
        return rc;
    *out = (struct account_key){0};
    rc = crypto_secretbox_xchacha20poly1305_open_easy(out->seed, s.box, sizeof s.box, s.nonce,
                                                      stretched);
    sodium_memzero(stretched, sizeof stretched);
    if (rc < 0)
        return err_set(err, -EACCES, "a wrong passphrase");
    memcpy(out->name, name.p, name.n);
    derive(out);
    return 0;
}

static const struct account_key *elsewhere;

void account_is_elsewhere(const struct account_key *key)
{
    elsewhere = key;
}

int account_unlock(const struct cli *cli, struct account_key *out, struct err *err)
{
    if (elsewhere) {
        *out = *elsewhere;
        return 0;
    }
    char path[FILE_PATH_MAX];
    struct buf file = {0}, passphrase = {0};
    struct err why;
    const char *name = account_named(cli);
    if (!name)
        return err_set(err, -ENOKEY, "say who you are: --account NAME, or EBB_ACCOUNT");
    int rc = key_path(cli, name, path, err);
    if (rc == 0 && file_read(path, KEY_FILE_MAX, &file, &why) < 0)
        rc = err_set(err, -ENOKEY, "the key of account %s: %s", name, why.text);
    if (rc == 0)
        rc = account_passphrase(cli, "passphrase: ", false, &passphrase, err);
    if (rc == 0 &&
        (rc = account_key_open(buf_as_span(&file), buf_as_span(&passphrase), out, &why)) < 0)
        err_set(err, rc, "the key of account %s: %s (%s)", name, why.text, path);
    if (rc == 0 && strcmp(out->name, name) != 0) {
        rc = err_set(err, -ENOKEY, "%s: the key of account %s, not of %s", path, out->name, name);
        account_wipe(out);
    }
    if (passphrase.n)
        sodium_memzero(passphrase.p, passphrase.n);
    buf_free(&passphrase);
    buf_free(&file);
    return rc;
}

/* ---- the public half ---- */

void account_public_put(const struct account_key *key, struct buf *out)
{
    buf_printf(out, PUBLIC_HEADING "\nname %s\n", key->name);
    put_hex_line(out, "box", key->box, sizeof key->box);
    put_hex_line(out, "sign", key->sign, sizeof key->sign);
}

int account_public_parse(struct span text, struct account_key *out, struct err *err)
{
    struct cur c = cur_of(text);
    struct span name;
    *out = (struct account_key){0};
    if (!span_is(cur_line(&c), PUBLIC_HEADING) || !take_line(&c, "name", &name) ||
        !account_name_is_good(name) || !take_hex(&c, "box", out->box, sizeof out->box) ||
        !take_hex(&c, "sign", out->sign, sizeof out->sign))
        return err_set(err, -EBADMSG, "not an account's public key (`ebb account key` makes it)");
    memcpy(out->name, name.p, name.n);
    return 0;
}
