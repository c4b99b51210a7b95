/* ebb log witness | ebb log stamps */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/log/evidence_post.h"
#include "app/log/witness.h"
#include "base/file.h"
#include "event/event.h"
#include "state/handovers.h"

/* ---- witness ---- */

/* What one run comes to: the checkpoint, and the cosignatures behind it. */
struct round {
    struct buf note; /* with the witnesses' lines that hold */
    struct buf vkeys;
    uint64_t size;
    uint8_t root[SHA256_LEN];
    unsigned signed_by, failed;
};

static const struct table_column witness_columns[] = {
    {"witness", "witness", TABLE_WORDS},
    {"size", "entries", TABLE_COUNT},
    {"time", "time", TABLE_WORDS},
    {"result", "result", TABLE_WORDS},
    {0},
};

static void put_row(struct table *t, const char *name, uint64_t size, uint64_t time,
                    const char *result)
{
    table_str(t, name);
    table_uint(t, size);
    if (time)
        case_put_time(t, (int64_t)time * UTC_SECOND);
    else
        table_empty(t);
    table_str(t, result);
    table_row_end(t);
}

static int ask_all(struct casedir *c, struct round *r, struct table *t, struct err *err)
{
    const struct config_evidence *e = &c->config->evidence;
    struct journal_prover *prover;
    struct err why;
    int rc = journal_prover_open(c->journal, &prover, err);
    if (rc < 0)
        return rc;
    const struct checkpoint *top = journal_prover_checkpoint(prover);
    r->size = top->size;
    memcpy(r->root, top->root, SHA256_LEN);
    buf_span(&r->note, journal_prover_note(prover));
    for (unsigned i = 0; i < e->witnesses_count; i++) {
        struct span vkey = span_str(e->witnesses[i].vkey);
        struct witness_ask ask = {.url = e->witnesses[i].url,
                                  .key = &e->keys[i],
                                  .timeout_s = e->timeout_s,
                                  .known = handovers_witnessed(c->pursuit, vkey)};
        uint64_t time = 0;
        if (witness_ask(prover, &ask, &r->note, &time, &why) < 0) {
            put_row(t, e->keys[i].name, r->size, 0, why.text);
            r->failed++;
            continue;
        }
        put_row(t, e->keys[i].name, r->size, time, "signed");
        buf_printf(&r->vkeys, "%s%s", r->vkeys.n ? " " : "", e->witnesses[i].vkey);
        r->signed_by++;
    }
    journal_prover_close(prover);
    return 0;
}

static int keep(const struct cli *cli, struct round *r, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    char path[FILE_PATH_MAX];
    struct buf payload = {0};
    sha256(r->note.p, r->note.n, digest);
    struct act_cosignature a = {.root = span_of(r->root, SHA256_LEN),
                                .size = r->size,
                                .sha256 = span_of(digest, SHA256_LEN),
                                .witnesses = buf_as_span(&r->vkeys)};
    act_cosignature(&payload, &a);
    struct case_act act = {
        .kind = KIND_COSIGNATURE, .payload = buf_as_span(&payload), .blob = buf_as_span(&r->note)};
    int rc = case_acts(cli, &act, 1, err);
    buf_free(&payload);
    if (rc == 0)
        rc = file_path(path, err, "%s/" WITNESS_FILE, cli->case_dir);
    return rc == 0 ? file_replace(path, buf_as_span(&r->note), 0644, err) : rc;
}

int cmd_log_witness(const struct cli *cli)
{
    struct casedir c;
    struct round r = {0};
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "log witness: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0 && !c.config->evidence.witnesses_count)
        rc =
            err_set(&err, -ENOENT, "log witness: evidence.witnesses in " CONFIG_FILE " names none");
    if (rc == 0) {
        t = table_open(cli_shape(cli), witness_columns, stdout);
        rc = ask_all(&c, &r, t, &err);
    }
    casedir_close(&c, NULL);
    if (rc == 0 && r.signed_by)
        rc = keep(cli, &r, &err);
    if (t && table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    buf_free(&r.note);
    buf_free(&r.vkeys);
    if (rc < 0)
        return cli_err(&err);
    return r.failed ? cli_fail(EXIT_FAILED, "log witness: %u of %u witnesses did not sign",
                               r.failed, r.failed + r.signed_by)
                    : EXIT_DONE;
}

/* ---- stamps ---- */

static const struct table_column stamp_columns[] = {
    {"index", "entry", TABLE_ID},     {"what", "what", TABLE_WORDS},
    {"size", "entries", TABLE_COUNT}, {"time", "time", TABLE_WORDS},
    {"by", "by", TABLE_WORDS},        {"root", NULL, TABLE_WORDS},
    {"sha256", NULL, TABLE_WORDS},    {0},
};

static void put_stamp(struct table *t, uint64_t entry, const char *what, uint64_t size,
                      int64_t time, struct span by, struct span root, struct span digest)
{
    table_uint(t, entry);
    table_str(t, what);
    table_uint(t, size);
    case_put_time(t, time);
    table_text(t, by);
    table_hex(t, root.p, root.n);
    table_hex(t, digest.p, digest.n);
    table_row_end(t);
}

static int put_timestamp(void *ctx, const struct handover_timestamp *s)
{
    put_stamp(ctx, s->entry, "timestamp", s->act.size, s->act.when, s->act.authority, s->act.root,
              s->act.sha256);
    return 0;
}

/* Names without the keys. */
static int put_cosignature(void *ctx, const struct handover_cosignature *s)
{
    struct buf names = {0};
    bool name = true;
    for (size_t i = 0; i < s->act.witnesses.n; i++) {
        uint8_t b = s->act.witnesses.p[i];
        name = b == ' ' ? true : b == '+' ? false : name;
        if (name)
            buf_byte(&names, b);
    }
    put_stamp(ctx, s->entry, "cosignature", s->act.size, s->recorded, buf_as_span(&names),
              s->act.root, s->act.sha256);
    buf_free(&names);
    return 0;
}

int cmd_log_stamps(const struct cli *cli)
{
    struct casedir c;
    struct table *t = NULL;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "log stamps: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0) {
        t = table_open(cli_shape(cli), stamp_columns, stdout);
        rc = handovers_timestamps(c.pursuit, put_timestamp, t, &err);
    }
    if (rc == 0)
        rc = handovers_cosignatures(c.pursuit, put_cosignature, t, &err);
    if (t && table_close(t) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
