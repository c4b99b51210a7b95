/* ebb key rotate log | seal */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "app/account/account.h"
#include "app/account/seal_key.h"
#include "app/case_act.h"
#include "app/ctl.h"
#include "event/act_signed.h"
#include "event/event.h"
#include "journal/rotation.h"
#include "state/keys.h"

#define SEAL_HEX_MAX (2 * NET_SEAL_KEY_LEN + 1)

static const struct table_column columns[] = {
    {"what", "key", TABLE_WORDS},
    {"entry", "entry", TABLE_ID},
    {"from", "was", TABLE_WORDS},
    {"to", "is", TABLE_WORDS},
    {0},
};

static int put_result(const struct cli *cli, const char *what, uint64_t entry, struct span from,
                      struct span to)
{
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_str(t, what);
    table_index(t, entry);
    table_text(t, from);
    table_text(t, to);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* ---- log ---- */

/* What goes onto the log, signed by the account where one is named. */
static int make_payload(const struct account_key *key, struct span statement, const char *why,
                        struct buf *from, struct buf *to, struct buf *out, struct err *err)
{
    struct buf plain = {0};
    struct rotation r;
    int rc = rotation_parse(statement, &r, err);
    if (rc < 0)
        return rc;
    note_key_put_verifier(&r.from, from);
    note_key_put_verifier(&r.to, to);
    struct act_key_rotated a = {.why = span_str(why),
                                .what = span_str("log"),
                                .proof = statement,
                                .to_key = buf_as_span(to),
                                .from_key = buf_as_span(from)};
    act_key_rotated(&plain, &a);
    if (!key)
        buf_span(out, buf_as_span(&plain));
    else if (act_sign(buf_as_span(&plain), KIND_KEY_ROTATED, r.from.name, span_str(key->name),
                      key->sign_secret, out) < 0)
        rc = err_set(err, -EINVAL, "an act that cannot be signed");
    buf_free(&plain);
    return rc;
}

static int rotate(struct casedir *c, const struct account_key *key, const char *why,
                  struct buf *from, struct buf *to, uint64_t *index, struct err *err)
{
    struct buf statement = {0}, payload = {0};
    int64_t now = utc_now();
    int rc = journal_rotate_begin(c->journal, &statement, err);
    if (rc < 0)
        return rc;
    rc = make_payload(key, buf_as_span(&statement), why, from, to, &payload, err);
    if (rc == 0)
        rc = casebook_may(c->casebook, journal_origin(c->journal), KIND_KEY_ROTATED,
                          buf_as_span(&payload), now, err);
    if (rc < 0) {
        journal_rotate_drop(c->journal);
    } else {
        struct entry_header header = {.kind = KIND_KEY_ROTATED,
                                      .time = act_time_kept(KIND_KEY_ROTATED, now)};
        rc = journal_rotate(c->journal, &header, buf_as_span(&payload), index, err);
    }
    if (rc == 0) {
        casedir_act(c, KIND_KEY_ROTATED, *index, now, buf_as_span(&payload));
        casedir_advance(c, journal_committed(c->journal));
        rc = casedir_save_views(c, err);
    }
    buf_free(&statement);
    buf_free(&payload);
    return rc;
}

static int rotate_log(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct account_key key;
    struct buf from = {0}, to = {0};
    struct err err, closing;
    uint64_t index = 0;
    bool named = account_named(cli);
    int rc = named ? account_unlock(cli, &key, &err) : 0;
    if (rc == 0) {
        rc = casedir_open(&c, cli->case_dir, JOURNAL_WRITE, &err);
        if (rc == -EBUSY)
            rc = err_set(&err, -EBUSY,
                         "key rotate log: while nothing else writes to the case: stop `ebb serve`, "
                         "rotate, start it again");
    }
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CASEBOOK, &err);
    if (rc == 0)
        rc = rotate(&c, named ? &key : NULL, cli_get(cli, "why"), &from, &to, &index, &err);
    int closed = casedir_close(&c, &closing);
    if (named)
        account_wipe(&key);
    if (rc == 0 && closed < 0) {
        err = closing;
        rc = closed;
    }
    int code = rc < 0 ? cli_err(&err)
                      : put_result(cli, "log", index, buf_as_span(&from), buf_as_span(&to));
    if (rc == 0 && !cli->quiet)
        fprintf(stderr,
                "Tell who knows the old key: the centre (ebb node add), witnesses, readers of "
                "log/vkey; they can follow by log/rotated/. The old secret is erased.\n");
    buf_free(&from);
    buf_free(&to);
    return code;
}

/* ---- seal ---- */

struct last_seal {
    char to[SEAL_HEX_MAX];
    uint64_t entry;
};

static int keep_last(void *ctx, const struct key_rotated *k)
{
    struct last_seal *last = ctx;
    if (k->act.to_key.n == SEAL_HEX_MAX - 1) {
        memcpy(last->to, k->act.to_key.p, k->act.to_key.n);
        last->to[k->act.to_key.n] = 0;
        last->entry = k->entry;
    }
    return 0;
}

static int find_last(const struct cli *cli, struct last_seal *last, struct err *err)
{
    struct casedir c;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = keys_rotated(c.pursuit, span_str("seal"), keep_last, last, err);
    casedir_close(&c, NULL);
    return rc;
}

/* A crash came between the entry and the files: the pair that it names is there and not in use. */
static int resume(const struct cli *cli, const struct last_seal *last, const char *from,
                  struct err *err)
{
    uint8_t to[NET_SEAL_KEY_LEN];
    struct err why;
    if (!last->entry || strcmp(last->to, from) == 0 ||
        !hex_decode(span_str(last->to), to, sizeof to))
        return 0;
    int rc = seal_key_use(cli->case_dir, to, &why);
    return rc == -ENOENT ? 0 : rc < 0 ? err_set(err, rc, "%s", why.text) : 1;
}

static int rotate_seal_key(const struct cli *cli, const char *from, struct last_seal *out,
                           struct err *err)
{
    uint8_t to[NET_SEAL_KEY_LEN];
    struct buf payload = {0};
    int rc = find_last(cli, out, err);
    if (rc == 0)
        rc = resume(cli, out, from, err);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = seal_key_next(cli->case_dir, to, err);
    if (rc < 0)
        return rc;
    hex_encode(to, sizeof to, out->to);
    struct act_key_rotated a = {.why = case_text(cli, "why"),
                                .what = span_str("seal"),
                                .proof = span_of((const uint8_t *)"", 0),
                                .to_key = span_str(out->to),
                                .from_key = span_str(from)};
    act_key_rotated(&payload, &a);
    struct case_act act = {.kind = KIND_KEY_ROTATED, .payload = buf_as_span(&payload)};
    rc = case_acts(cli, &act, 1, err);
    out->entry = act.index;
    buf_free(&payload);
    if (rc < 0)
        seal_key_drop(cli->case_dir, to);
    return rc < 0 ? rc : seal_key_use(cli->case_dir, to, err);
}

/* 1: none runs. */
static int reload(const struct cli *cli, struct err *err)
{
    struct ctl_request request = {.verb = CTL_RELOAD};
    struct ctl_reply reply = {0};
    int rc = ctl_call(cli->case_dir, &request, &reply, err);
    buf_free(&reply.text);
    return rc;
}

static int rotate_seal(const struct cli *cli)
{
    uint8_t old[NET_SEAL_KEY_LEN];
    char from[SEAL_HEX_MAX];
    struct last_seal last = {0};
    struct err err;
    int rc = seal_key_load(cli->case_dir, old, &err);
    if (rc == 0) {
        hex_encode(old, sizeof old, from);
        rc = rotate_seal_key(cli, from, &last, &err);
    }
    if (rc < 0)
        return cli_err(&err);
    int code = put_result(cli, "seal", last.entry, span_str(from), span_str(last.to));
    rc = reload(cli, &err);
    if (rc < 0)
        return cli_fail(EXIT_FAILED,
                        "the key is replaced, but `ebb serve` did not take it: `ebb reload` (%s)",
                        err.text);
    return code;
}

int cmd_key_rotate(const struct cli *cli)
{
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "key rotate: wants one of log, seal");
    if (!cli_has(cli, "why"))
        return cli_fail(EXIT_USAGE, "key rotate: wants --why; it goes on the log");
    if (strcmp(cli->args[0], "log") == 0)
        return rotate_log(cli);
    if (strcmp(cli->args[0], "seal") == 0)
        return rotate_seal(cli);
    return cli_fail(EXIT_USAGE,
                    "key rotate: log or seal (%s); accounts: `ebb account add`, TLS: new "
                    "files and `ebb reload`",
                    cli->args[0]);
}
