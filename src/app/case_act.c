#include "app/case_act.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/account/account.h"
#include "app/ctl.h"
#include "base/file.h"
#include "journal/note.h"

#define WITHIN_DAYS     14
#define WITHIN_DAYS_MAX 36500

/* ---- by the daemon ---- */

/* 1: no daemon runs. */
static int act_by_daemon(const struct cli *cli, struct case_act *act, struct err *err)
{
    struct ctl_request request = {.verb = CTL_ACT, .kind = act->kind, .payload = act->payload};
    struct ctl_reply reply = {0};
    if (act->blob.n) {
        request.blobs[0] = ctl_file(act->blob, err);
        if (request.blobs[0] < 0)
            return request.blobs[0];
        request.n_blobs = 1;
    }
    int rc = ctl_call(cli->case_dir, &request, &reply, err);
    if (rc == 0)
        act->index = reply.index;
    buf_free(&reply.text);
    if (request.n_blobs)
        close(request.blobs[0]);
    return rc;
}

/* ---- by ourselves ---- */

static int open_blobs(struct casedir *c, struct blob_store **out, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/blobs", c->dir);
    return rc < 0 ? rc
                  : blob_open(path, (uint64_t)c->config->blob_max_mib << 20,
                              (uint64_t)c->config->blobs_total_gib << 30, out, err);
}

static int keep_blobs(struct casedir *c, const struct case_act *acts, size_t n, struct err *err)
{
    struct blob_store *store;
    uint8_t digest[SHA256_LEN];
    int rc = open_blobs(c, &store, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (acts[i].blob.n)
            rc = blob_put(store, acts[i].blob, digest, err);
    if (rc == 1)
        rc = err_set(err, -EFBIG, "a file is over blob_max_mib or blobs_total_gib (see ebb.yaml)");
    if (rc == 0)
        rc = blob_sync(store, err);
    blob_close(store);
    return rc;
}

/* All are looked at before the first is written. */
static int check_acts(struct casedir *c, const struct case_act *acts, size_t n, int64_t now,
                      struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = casebook_may(c->casebook, journal_origin(c->journal), acts[i].kind, acts[i].payload,
                          now, err);
    return rc;
}

static int journal_acts(struct casedir *c, struct case_act *acts, size_t n, int64_t now,
                        struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct entry_header header = {.kind = acts[i].kind,
                                      .time = act_time_kept(acts[i].kind, now)};
        rc = journal_append(c->journal, &header, acts[i].payload, &acts[i].index, err);
    }
    return rc == 0 ? journal_commit(c->journal, err) : rc;
}

static int act_ourselves(const struct cli *cli, struct case_act *acts, size_t n, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct err closing;
    int64_t now = utc_now();
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CASEBOOK, err);
    if (rc == 0)
        rc = check_acts(&c, acts, n, now, err);
    if (rc == 0)
        rc = keep_blobs(&c, acts, n, err);
    if (rc == 0)
        rc = journal_acts(&c, acts, n, now, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        casedir_act(&c, acts[i].kind, acts[i].index, now, acts[i].payload);
    if (rc == 0) {
        casedir_advance(&c, journal_committed(c.journal));
        rc = casedir_save_views(&c, err);
    }
    int closed = casedir_close(&c, &closing);
    if (rc == 0 && closed < 0)
        *err = closing;
    return rc < 0 ? rc : closed;
}

static int put_acts(const struct cli *cli, struct case_act *acts, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        int rc = act_by_daemon(cli, &acts[i], err);
        if (rc == 1)
            return act_ourselves(cli, acts + i, n - i, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- by another process ---- */

static const struct case_collector *collector;

void case_collect(const struct case_collector *c)
{
    collector = c;
}

static int collect(const struct case_act *acts, size_t n, struct err *err)
{
    int rc = collector->act ? 0 : err_set(err, -EPERM, "this process only reads");
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = collector->act(collector->ctx, &acts[i], err);
    if (rc == 0)
        collector->end(collector->ctx);
    return rc;
}

/* ---- signing ---- */

/* ebb.yaml may have been written anew. */
int case_log_key(const char *case_dir, struct note_key *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct buf text = {0};
    int rc = file_path(path, err, "%s/log/vkey", case_dir);
    if (rc == 0)
        rc = file_read(path, NOTE_MAX, &text, err);
    struct cur c = cur_of(buf_as_span(&text));
    if (rc == 0)
        rc = note_key_parse_verifier(cur_line(&c), out, err);
    buf_free(&text);
    return rc;
}

int case_acts_as(const struct cli *cli, const struct account_key *key, struct case_act *acts,
                 size_t n, struct err *err)
{
    struct note_key log;
    if (collector)
        return collect(acts, n, err);
    if (!key)
        return put_acts(cli, acts, n, err);
    struct buf *signed_acts = calloc(n + 1, sizeof *signed_acts);
    struct span *plain = calloc(n + 1, sizeof *plain);
    if (!signed_acts || !plain)
        abort();
    int rc = case_log_key(cli->case_dir, &log, err);
    for (size_t i = 0; i < n; i++) {
        plain[i] = acts[i].payload;
        if (rc == 0 && act_sign(acts[i].payload, acts[i].kind, log.name, span_str(key->name),
                                key->sign_secret, &signed_acts[i]) < 0)
            rc = err_set(err, -EINVAL, "an act that cannot be signed");
        acts[i].payload = buf_as_span(&signed_acts[i]);
    }
    if (rc == 0)
        rc = put_acts(cli, acts, n, err);
    for (size_t i = 0; i < n; i++) {
        acts[i].payload = plain[i];
        buf_free(&signed_acts[i]);
    }
    free(signed_acts);
    free(plain);
    return rc;
}

int case_acts(const struct cli *cli, struct case_act *acts, size_t n, struct err *err)
{
    struct account_key key;
    if (collector)
        return collect(acts, n, err);
    if (!account_named(cli))
        return put_acts(cli, acts, n, err);
    int rc = account_unlock(cli, &key, err);
    if (rc < 0)
        return rc;
    rc = case_acts_as(cli, &key, acts, n, err);
    account_wipe(&key);
    return rc;
}

/* ---- files that no act brings along ---- */

struct case_keeper {
    const char *case_dir;
    struct casedir c; /* without a daemon: its lock is held */
    struct blob_store *store;
};

int case_keeper_open(const struct cli *cli, struct case_keeper **out, struct err *err)
{
    struct ctl_request request = {.verb = CTL_KEEP}; /* nothing: is anybody there? */
    struct ctl_reply reply = {0};
    struct case_keeper *k = calloc(1, sizeof *k);
    if (!k)
        abort();
    k->case_dir = cli->case_dir;
    *out = k;
    if (collector)
        return 0;
    int rc = ctl_call(cli->case_dir, &request, &reply, err);
    buf_free(&reply.text);
    if (rc == 1) { /* no daemon runs */
        k->c.quiet = cli->quiet;
        rc = casedir_open(&k->c, cli->case_dir, JOURNAL_WRITE, err);
        if (rc == 0)
            rc = open_blobs(&k->c, &k->store, err);
    }
    *out = k;
    if (rc < 0) {
        case_keeper_close(k, NULL);
        *out = NULL;
    }
    return rc;
}

static int keep_by_daemon(struct case_keeper *k, struct span part, struct err *err)
{
    struct ctl_request request = {.verb = CTL_KEEP, .n_blobs = 1};
    struct ctl_reply reply = {0};
    int rc = request.blobs[0] = ctl_file(part, err);
    if (rc < 0)
        return rc;
    rc = ctl_call(k->case_dir, &request, &reply, err);
    if (rc == 1)
        rc = err_set(err, -EPIPE, "`ebb serve` has ended meanwhile: begin again");
    buf_free(&reply.text);
    close(request.blobs[0]);
    return rc;
}

int case_keeper_put(struct case_keeper *k, struct span part, uint8_t digest[SHA256_LEN],
                    struct err *err)
{
    if (part.n > CASE_PART_MAX)
        return err_set(err, -EFBIG, "a part is over %u MiB", CASE_PART_MAX >> 20);
    if (!k->store) {
        sha256(part.p, part.n, digest);
        if (collector)
            return collector->part ? collector->part(collector->ctx, part, err)
                                   : err_set(err, -EPERM, "this process only reads");
        return keep_by_daemon(k, part, err);
    }
    int rc = blob_put(k->store, part, digest, err);
    return rc == 1 ? err_set(err, -EFBIG, "over blob_max_mib or blobs_total_gib (see ebb.yaml)")
                   : rc;
}

int case_keeper_close(struct case_keeper *k, struct err *err)
{
    int rc = k->store ? blob_sync(k->store, err) : 0;
    if (k->store)
        blob_close(k->store);
    casedir_close(&k->c, NULL);
    free(k);
    return rc;
}

/* ---- what the commands share ---- */

int case_open_views(const struct cli *cli, struct casedir *c, unsigned views, struct err *err)
{
    *c = (struct casedir){.quiet = cli->quiet};
    int rc = casedir_open(c, cli->case_dir, JOURNAL_READ, err);
    return rc == 0 ? casedir_views(c, VIEW_CASEBOOK | views, err) : rc;
}

int case_open(const struct cli *cli, struct casedir *c, struct err *err)
{
    return case_open_views(cli, c, 0, err);
}

int case_time(const struct cli *cli, const char *name, int64_t fallback, int64_t *out)
{
    const char *text = cli_get(cli, name);
    *out = fallback;
    if (!text)
        return 0;
    if (!utc_parse(span_str(text), out))
        return cli_fail(EXIT_USAGE, "--%s: not an RFC 3339 date or time (%s)", name, text);
    if (*out < UTC_EVENT_MIN || *out > UTC_EVENT_MAX)
        return cli_fail(EXIT_USAGE, "--%s: before 1990 or after 2100 (%s)", name, text);
    return 0;
}

int case_clock(const struct cli *cli, struct casebook_clock *out)
{
    uint64_t days;
    int rc = cli_number(cli, "within", WITHIN_DAYS, &days);
    if (rc == 0 && days > WITHIN_DAYS_MAX)
        rc = cli_fail(EXIT_USAGE, "--within: more than %d days", WITHIN_DAYS_MAX);
    *out = (struct casebook_clock){utc_now(), (int64_t)days * UTC_DAY};
    return rc;
}

/* What ends soon, a line each on standard error. */
static void warn(struct casedir *c, const struct casebook_clock *clock)
{
    struct buf text = {0};
    casebook_warnings(c->casebook, clock->now, (unsigned)(clock->within / UTC_DAY), &text);
    for (struct cur at = cur_of(buf_as_span(&text)); cur_left(&at);) {
        struct span line = cur_line(&at);
        fprintf(stderr, "ebb: warning: %.*s\n", (int)line.n, (const char *)line.p);
    }
    buf_free(&text);
}

int case_listed(struct casedir *c, const struct casebook_clock *clock, struct table *t, int rc,
                struct err *err)
{
    if (t && table_close(t) < 0 && rc >= 0)
        rc = err_set(err, -EIO, "output could not be written");
    if (rc == 0)
        warn(c, clock);
    casedir_close(c, NULL);
    return rc < 0 ? cli_err(err) : EXIT_DONE;
}

void case_put_time(struct table *t, int64_t time)
{
    char text[UTC_TEXT_MAX];
    if (time == CASEBOOK_FOREVER)
        table_empty(t);
    else
        table_text(t, span_of(text, utc_format(time, text)));
}

struct span case_text(const struct cli *cli, const char *name)
{
    const char *text = cli_get(cli, name);
    return span_str(text ? text : "");
}

/* ---- orders by name ---- */

static int keep_order(void *ctx, const struct casebook_order *o)
{
    *(struct case_order *)ctx = (struct case_order){o->entry, o->act.from, o->act.until, o->state};
    return 0;
}

int case_find_order(struct casedir *c, const char *id, int64_t now, struct case_order *out,
                    struct err *err)
{
    struct casebook_clock clock = {now, 0};
    uint64_t entry = 0;
    int rc = casebook_order(c->casebook, 0, span_str(id), &clock, keep_order, out, err);
    if (rc == 0 && cli_parse_u64(id, &entry) && entry)
        rc = casebook_order(c->casebook, entry, span_str(""), &clock, keep_order, out, err);
    if (rc == 0)
        return err_set(err, -ENOENT, "no such order: see `ebb case order list` (%s)", id);
    return rc < 0 ? rc : 0;
}

int case_open_order(struct casedir *c, const char *id, int64_t now, struct case_order *out,
                    struct err *err)
{
    int rc = case_find_order(c, id, now, out, err);
    if (rc == 0 && (out->state == CASEBOOK_CLOSED || out->state == CASEBOOK_EXPIRED))
        rc = err_set(err, -EPERM, "order %s is %s: nothing can be done under it", id,
                     casebook_state_name(out->state));
    return rc;
}
