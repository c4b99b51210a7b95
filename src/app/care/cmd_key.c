/* ebb key, ebb key follow */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/account/seal_key.h"
#include "app/care/certificate.h"
#include "app/case_act.h"
#include "base/file.h"
#include "journal/rotation.h"
#include "state/accounts.h"
#include "state/keys.h"

#define VKEY_MAX (64u << 10)

static const struct table_column columns[] = {
    {"what", "key", TABLE_WORDS},
    {"id", "id", TABLE_WORDS},
    {"state", "state", TABLE_WORDS},
    {"since", "since", TABLE_WORDS},
    {"until", "until", TABLE_WORDS},
    {"entry", "entry", TABLE_ID},
    {"account", "by", TABLE_WORDS},
    {"where", "where", TABLE_WORDS},
    {"public", NULL, TABLE_WORDS},
    {"why", "why", TABLE_WORDS},
    {0},
};

struct key_row {
    const char *what, *id, *state, *where;
    struct span public, account, why;
    int64_t since, until; /* 0: not known; CASEBOOK_FOREVER */
    uint64_t entry;
};

static void put_row(struct table *t, const struct key_row *r)
{
    table_str(t, r->what);
    table_str(t, r->id);
    table_str(t, r->state);
    case_put_time(t, r->since ? r->since : CASEBOOK_FOREVER);
    case_put_time(t, r->until ? r->until : CASEBOOK_FOREVER);
    table_index(t, r->entry);
    table_words(t, r->account);
    table_str(t, r->where);
    table_words(t, r->public);
    table_words(t, r->why);
    table_row_end(t);
}

/* ---- the log's ---- */

/* What the log says of a rotation. */
struct told {
    uint64_t entry;   /* wanted */
    struct span want; /* or the key that is wanted */
    bool found;
    int64_t recorded;
    uint64_t at;
    struct buf account, why;
};

static int keep_told(void *ctx, const struct key_rotated *k)
{
    struct told *told = ctx;
    if (told->want.n ? !span_eq(k->act.to_key, told->want) : k->entry != told->entry)
        return 0;
    told->found = true;
    told->recorded = k->recorded;
    told->at = k->entry;
    told->account.n = told->why.n = 0;
    buf_span(&told->account, k->account);
    buf_span(&told->why, k->act.why);
    return 0;
}

static void told_free(struct told *told)
{
    buf_free(&told->account);
    buf_free(&told->why);
}

static int64_t time_of(struct casedir *c, uint64_t index)
{
    struct entry e;
    return journal_get(c->journal, index, &e, NULL) == 0 ? e.header.time : 0;
}

static void put_log_key(struct casedir *c, struct table *t, const struct note_key *key,
                        const struct rotation *by, const struct rotation *next)
{
    struct told told = {.entry = by ? by->index : 0, .want = {0}};
    struct buf vkey = {0};
    char id[16];
    if (by)
        keys_rotated(c->pursuit, span_str("log"), keep_told, &told, NULL);
    note_key_put_verifier(key, &vkey);
    snprintf(id, sizeof id, "%08x", key->id);
    put_row(t, &(struct key_row){.what = "log",
                                 .id = id,
                                 .state = next ? "replaced" : "in use",
                                 .where = next ? "erased" : "keys/log.key",
                                 .public = buf_as_span(&vkey),
                                 .account = buf_as_span(&told.account),
                                 .why = buf_as_span(&told.why),
                                 .since = time_of(c, told.entry),
                                 .until = next ? time_of(c, next->index) : 0,
                                 .entry = told.entry});
    buf_free(&vkey);
    told_free(&told);
}

static int put_log_keys(struct casedir *c, struct table *t, struct err *err)
{
    struct rotation_proof *r;
    struct note_key now;
    size_t n;
    int rc = rotations_read(c->dir, &r, &n, err);
    if (rc == 0)
        rc = case_log_key(c->dir, &now, err);
    if (rc == 0) {
        if (n && memcmp(r[n - 1].rotation.to.public_key, now.public_key, NOTE_PUBLIC_LEN) != 0)
            n--; /* a rotation that is not finished: the next command that writes does so */
        for (size_t i = 0; i < n; i++)
            put_log_key(c, t, &r[i].rotation.from, i ? &r[i - 1].rotation : NULL, &r[i].rotation);
        put_log_key(c, t, &now, n ? &r[n - 1].rotation : NULL, NULL);
    }
    free(r);
    return rc;
}

/* ---- the seal's ---- */

static void put_seal_key(struct casedir *c, struct table *t,
                         const uint8_t public_key[NET_SEAL_KEY_LEN], bool in_use)
{
    char id[SEAL_KEY_ID_MAX], hex[2 * NET_SEAL_KEY_LEN + 1], where[32];
    hex_encode(public_key, NET_SEAL_KEY_LEN, hex);
    seal_key_id(public_key, id);
    struct told told = {.want = span_str(hex)};
    keys_rotated(c->pursuit, span_str("seal"), keep_told, &told, NULL);
    snprintf(where, sizeof where, in_use ? "keys/seal.key" : "keys/seal.%s.key", id);
    put_row(t, &(struct key_row){.what = "seal",
                                 .id = id,
                                 .state = in_use ? "in use" : "opens what is old",
                                 .where = where,
                                 .public = span_str(hex),
                                 .account = buf_as_span(&told.account),
                                 .why = buf_as_span(&told.why),
                                 .since = told.recorded,
                                 .entry = told.at});
    told_free(&told);
}

static int put_seal_keys(struct casedir *c, struct table *t, struct err *err)
{
    struct seal_pair pairs[SEAL_KEYS_MAX];
    int n = seal_key_all(c->dir, pairs, err);
    for (int i = 0; i < n; i++)
        put_seal_key(c, t, pairs[i].public_key, i == 0);
    sodium_memzero(pairs, sizeof pairs);
    return n == -ENOENT || n == -EACCES ? 0
           : n < 0                      ? n
                                        : 0; /* made when `ebb serve` first starts */
}

/* ---- others ---- */

/* The public half of a centre's key as a witness (app/node), "name+id+base64". */
static int put_witness_key(struct casedir *c, struct table *t, struct err *err)
{
    char path[FILE_PATH_MAX], id[16] = "";
    struct buf text = {0};
    int rc = file_path(path, err, "%s/log/witness.vkey", c->dir);
    if (rc == 0)
        rc = file_read(path, VKEY_MAX, &text, err);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    struct cur cur = cur_of(buf_as_span(&text));
    struct span line = cur_line(&cur);
    struct note_key key;
    if (note_key_parse_cosigner(line, &key, NULL) == 0)
        snprintf(id, sizeof id, "%08x", key.id);
    put_row(t, &(struct key_row){.what = "witness",
                                 .id = id,
                                 .state = id[0] ? "in use" : "cannot be read",
                                 .where = "keys/witness.key",
                                 .public = line});
    buf_free(&text);
    return 0;
}

static int put_account(void *ctx, const struct account *a)
{
    char id[17], hex[2 * ACT_SIGN_PUBLIC + 1];
    int64_t now = utc_now();
    hex_encode(a->sign, ACT_SIGN_PUBLIC, hex);
    snprintf(id, sizeof id, "%.16s", hex);
    put_row(ctx, &(struct key_row){.what = "account",
                                   .id = id,
                                   .state = !a->roles                 ? "closed"
                                            : account_is_open(a, now) ? "in use"
                                                                      : "over",
                                   .where = "with its person",
                                   .public = span_str(hex),
                                   .account = span_str(a->name),
                                   .since = a->recorded,
                                   .until = a->until,
                                   .entry = a->entry});
    return 0;
}

static void put_certificates(struct casedir *c, struct table *t)
{
    struct certificate_use use[CERTIFICATES_MAX];
    unsigned n = certificates_of(c->config, use);
    for (unsigned i = 0; i < n; i++) {
        struct certificate cert = {0};
        struct err err;
        int rc = certificate_read(c->dir, use[i].path, &cert, &err);
        put_row(t, &(struct key_row){.what = "tls",
                                     .id = use[i].where,
                                     .state = rc < 0                   ? "cannot be read"
                                              : cert.until < utc_now() ? "over"
                                                                       : "in use",
                                     .where = use[i].path,
                                     .public = span_str(cert.subject),
                                     .since = cert.from,
                                     .until = cert.until});
    }
}

static int put_all(struct casedir *c, struct table *t, struct err *err)
{
    int rc = put_log_keys(c, t, err);
    if (rc == 0)
        rc = put_seal_keys(c, t, err);
    if (rc == 0)
        rc = put_witness_key(c, t, err);
    if (rc == 0)
        rc = casebook_accounts(c->casebook, put_account, t, err);
    if (rc == 0)
        put_certificates(c, t);
    return rc;
}

int cmd_key(const struct cli *cli)
{
    struct casedir c;
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "key: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), columns, stdout);
        rc = put_all(&c, t, &err);
    }
    if (t && table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- follow: for who knows an old key, and needs no case ---- */

static int read_vkey(const char *path, struct note_key *out, struct err *err)
{
    struct buf text = {0};
    int rc = file_read(path, VKEY_MAX, &text, err);
    struct cur c = cur_of(buf_as_span(&text));
    if (rc == 0)
        rc = note_key_parse_verifier(cur_line(&c), out, err);
    buf_free(&text);
    return rc;
}

/* The file that goes on from this key, whichever it is. 1 followed, 0 none does. */
static int follow_one(struct buf *files, unsigned n, struct note_key *key, struct err *err)
{
    struct rotation_proof p;
    for (unsigned i = 0; i < n; i++) {
        if (rotation_follow(buf_as_span(&files[i]), key, &p, err) < 0)
            continue;
        *key = p.rotation.to;
        return 1;
    }
    return 0;
}

int cmd_key_follow(const struct cli *cli)
{
    struct buf files[ROTATIONS_MAX] = {0}, out = {0};
    struct note_key key;
    struct err err = {0};
    unsigned n = 0, followed = 0;
    if (cli->n_args < 2 || cli->n_args - 1 > ROTATIONS_MAX)
        return cli_fail(EXIT_USAGE, "key follow: wants a file with the key that is known, and the "
                                    "log's files log/rotated/*");
    int rc = read_vkey(cli->args[0], &key, &err);
    for (; rc == 0 && n + 1 < cli->n_args; n++)
        rc = file_read(cli->args[n + 1], ROTATION_FILE_MAX, &files[n], &err);
    while (rc == 0 && followed < n && follow_one(files, n, &key, &err) == 1)
        followed++;
    if (rc == 0 && !followed) /* err says why the last file does not */
        rc = -EBADMSG;
    if (rc == 0) {
        note_key_put_verifier(&key, &out);
        buf_byte(&out, '\n');
        fwrite(out.p, 1, out.n, stdout);
    }
    for (unsigned i = 0; i < n; i++)
        buf_free(&files[i]);
    buf_free(&out);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
