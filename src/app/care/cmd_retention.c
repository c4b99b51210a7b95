/* ebb retention */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/care/retention.h"
#include "app/case_act.h"
#include "app/cli.h"
#include "app/ctl.h"
#include "base/file.h"

#define ROUNDS_MAX 1000 /* plans of one run */
#define KEPT_SHOWN 20

struct retaining {
    const struct cli *cli;
    struct retention_policy policy;
    bool by_daemon, dry;
    struct casedir writer; /* without a daemon */
    struct blob_store *blobs;
    char why[RETENTION_WHY_MAX];
    uint64_t entries, blobs_gone, kept, redactions, last_entry;
    struct retention_kept shown[KEPT_SHOWN];
};

/* ---- who writes ---- */

static int call(const struct retaining *r, enum ctl_verb verb, const struct buf *batch,
                uint64_t *index, struct err *err)
{
    struct ctl_request request = {.verb = verb};
    struct ctl_reply reply = {0};
    if (batch) {
        request.blobs[0] = ctl_file(buf_as_span(batch), err);
        if (request.blobs[0] < 0)
            return request.blobs[0];
        request.n_blobs = 1;
    }
    int rc = ctl_call(r->cli->case_dir, &request, &reply, err);
    if (index)
        *index = reply.index;
    if (batch)
        close(request.blobs[0]);
    if (rc == 0)
        buf_free(&reply.text);
    return rc;
}

/* Whoever writes: a running daemon, or this process, which takes the case's lock. */
static int begin(struct retaining *r, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct ctl_request hello = {.verb = CTL_KEEP}; /* nothing: is anybody there? */
    struct ctl_reply reply = {0};
    int rc = ctl_call(r->cli->case_dir, &hello, &reply, err);
    if (rc == 0)
        buf_free(&reply.text);
    r->by_daemon = rc == 0;
    if (rc != 1)
        return rc;
    struct casedir *c = &r->writer;
    c->quiet = r->cli->quiet;
    rc = casedir_open(c, r->cli->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/blobs", c->dir);
    return rc < 0 ? rc
                  : blob_open(path, (uint64_t)c->config->blob_max_mib << 20,
                              (uint64_t)c->config->blobs_total_gib << 30, &r->blobs, err);
}

static int end(struct retaining *r, struct err *err)
{
    if (r->blobs)
        blob_close(r->blobs);
    r->blobs = NULL;
    return casedir_close(&r->writer, err);
}

static int erase(struct retaining *r, const struct retention_batch *b, struct err *err)
{
    struct buf text = {0};
    uint64_t index = 0;
    int rc;
    if (r->by_daemon) {
        retention_batch_put(b, &text);
        rc = call(r, CTL_RETAIN, &text, &index, err);
        if (rc == 1)
            rc = err_set(err, -EPIPE, "`ebb serve` has ended meanwhile: begin again");
        buf_free(&text);
    } else { /* what is saved of the views has what goes: first them */
        rc = b->n_ranges ? retention_views_drop(r->cli->case_dir, err) : 0;
        if (rc == 0)
            rc = retention_erase(r->writer.journal, r->blobs, &r->policy, b, &index, err);
    }
    if (rc == 0 && index) {
        r->last_entry = index;
        r->redactions++;
    }
    return rc;
}

/* ---- what stays: figures, on the log by their digest ---- */

static int keep_figures(struct retaining *r, struct casedir *c, const struct retention_plan *plan,
                        struct err *err)
{
    struct buf figures = {0};
    uint8_t sha[SHA256_LEN];
    char hex[SHA256_HEX_MAX], date[UTC_TEXT_MAX];
    int rc = retention_figures(c, plan, &figures, err);
    sha256(figures.p, figures.n, sha);
    hex_encode(sha, SHA256_LEN, hex);
    size_t n = utc_format(plan->last, date);
    snprintf(r->why, sizeof r->why,
             "retention: %u days for observations, %u for mails; up to %.*s; figures without "
             "addresses: %s",
             c->config->retention.payload_days,
             c->config->retention.mail_days ? c->config->retention.mail_days
                                            : c->config->retention.payload_days,
             (int)(n < 10 ? n : 10), date, hex);
    if (rc == 0 && r->by_daemon) {
        rc = call(r, CTL_KEEP, &figures, NULL, err);
        if (rc == 1)
            rc = err_set(err, -EPIPE, "`ebb serve` has ended meanwhile: begin again");
    } else if (rc == 0) {
        rc = blob_put(r->blobs, buf_as_span(&figures), sha, err);
        if (rc == 1)
            rc = err_set(err, -EFBIG, "no room for the figures: blobs_total_gib");
        if (rc == 0)
            rc = blob_sync(r->blobs, err);
    }
    buf_free(&figures);
    return rc;
}

/* ---- batches ---- */

static int erase_blobs(struct retaining *r, const struct retention_plan *plan, struct err *err)
{
    size_t n = plan->blobs.n / SHA256_LEN;
    int rc = 0;
    for (size_t at = 0; at < n && rc == 0; at += RETENTION_BLOBS_MAX) {
        struct retention_batch b = {.blobs = plan->blobs.p + at * SHA256_LEN,
                                    .n_blobs =
                                        n - at < RETENTION_BLOBS_MAX ? n - at : RETENTION_BLOBS_MAX,
                                    .position = plan->position,
                                    .why = span_str(r->why)};
        rc = erase(r, &b, err);
        if (rc == 0)
            r->blobs_gone += b.n_blobs;
    }
    return rc;
}

/* As many ranges, and of the last as much, as a batch may have. */
static size_t cut_batch(const struct retention_plan *plan, size_t *at, uint64_t *from,
                        struct journal_range *out, uint64_t *entries)
{
    size_t n = 0;
    *entries = 0;
    while (*at < plan->n_ranges && n < RETENTION_RANGES_MAX && *entries < RETENTION_BATCH_MAX) {
        struct journal_range r = {*from, plan->ranges[*at].last};
        if (r.last - r.first > RETENTION_BATCH_MAX - *entries)
            r.last = r.first + (RETENTION_BATCH_MAX - *entries);
        out[n++] = r;
        *entries += r.last - r.first;
        *from = r.last;
        if (r.last == plan->ranges[*at].last && ++*at < plan->n_ranges)
            *from = plan->ranges[*at].first;
    }
    return n;
}

static int erase_ranges(struct retaining *r, const struct retention_plan *plan, struct err *err)
{
    static struct journal_range ranges[RETENTION_RANGES_MAX];
    size_t at = 0;
    uint64_t from = plan->n_ranges ? plan->ranges[0].first : 0, entries;
    int rc = 0;
    while (at < plan->n_ranges && rc == 0) {
        struct retention_batch b = {
            .ranges = ranges, .position = plan->position, .why = span_str(r->why)};
        b.n_ranges = cut_batch(plan, &at, &from, ranges, &entries);
        rc = erase(r, &b, err);
        if (rc == 0)
            r->entries += entries;
    }
    return rc;
}

/* One plan; *more: there is another. */
static int round_of(struct retaining *r, bool *more, struct err *err)
{
    struct casedir c = {.quiet = r->cli->quiet};
    struct retention_plan plan = {0};
    int rc = casedir_open(&c, r->cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CENSUS | VIEW_REGISTRY, err);
    if (rc == 0)
        rc = retention_plan_make(&c, &r->policy, &plan, err);
    bool any = rc == 0 && (plan.n_ranges || plan.blobs.n);
    *more = any && plan.more && !r->dry;
    r->kept = plan.n_kept;
    memcpy(r->shown, plan.kept,
           (plan.n_kept < KEPT_SHOWN ? plan.n_kept : KEPT_SHOWN) * sizeof *r->shown);
    if (r->dry) {
        r->entries += plan.entries;
        r->blobs_gone += plan.blobs.n / SHA256_LEN;
        any = false;
    }
    if (rc == 0 && any && plan.entries)
        rc = keep_figures(r, &c, &plan, err);
    if (rc == 0 && any)
        rc = erase_blobs(r, &plan, err);
    if (rc == 0 && any)
        rc = erase_ranges(r, &plan, err);
    retention_plan_free(&plan);
    casedir_close(&c, NULL);
    return rc;
}

/* New views, where the old ones had what is gone. */
static int renew(struct retaining *r, struct err *err)
{
    const char *dir = r->cli->case_dir;
    int rc = r->by_daemon ? 0 : end(r, err);
    if (rc == 0)
        rc = retention_views_make(dir, r->cli->quiet, err);
    if (rc == 0)
        rc = retention_views_take(dir, err);
    if (rc == 0 && r->by_daemon)
        rc = call(r, CTL_VIEWS, NULL, NULL, err);
    return rc == 1 ? 0 : rc; /* it ended: its next start loads them */
}

/* ---- what is said ---- */

static const struct table_column columns[] = {{"erases", "erases", TABLE_WORDS},
                                              {"entries", "entries", TABLE_COUNT},
                                              {"blobs", "blobs", TABLE_COUNT},
                                              {"kept", "kept", TABLE_COUNT},
                                              {"kept_entries", "cited by acts", TABLE_WORDS},
                                              {"entry", "recorded as", TABLE_ID},
                                              {NULL, NULL, TABLE_WORDS}};

static int print(const struct retaining *r)
{
    struct buf shown = {0};
    for (size_t i = 0; i < r->kept && i < KEPT_SHOWN; i++)
        buf_printf(&shown, "%s%llu (by %llu)", i ? ", " : "", (unsigned long long)r->shown[i].entry,
                   (unsigned long long)r->shown[i].by);
    if (r->kept > KEPT_SHOWN)
        buf_printf(&shown, " and %llu more", (unsigned long long)(r->kept - KEPT_SHOWN));
    struct table *t = table_open(cli_shape(r->cli), columns, stdout);
    table_bool(t, !r->dry);
    table_uint(t, r->entries);
    table_uint(t, r->blobs_gone);
    table_uint(t, r->kept);
    table_words(t, buf_as_span(&shown));
    table_index(t, r->last_entry);
    table_row_end(t);
    buf_free(&shown);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static int run(struct retaining *r, struct err *err)
{
    bool more = true;
    int rc = r->dry ? 0 : begin(r, err);
    for (unsigned i = 0; more && rc == 0 && i < ROUNDS_MAX; i++)
        rc = round_of(r, &more, err);
    struct err late = {0};
    if (r->redactions) { /* also when a later batch failed */
        int renewed = renew(r, &late);
        if (rc == 0 && renewed < 0)
            rc = err_set(err, renewed, "%s", late.text);
    }
    int closed = end(r, &late);
    return rc == 0 && closed < 0 ? err_set(err, closed, "%s", late.text) : rc;
}

int cmd_retention(const struct cli *cli)
{
    struct retaining r = {.cli = cli};
    struct config *config;
    struct err err;
    int64_t now = utc_now(), at;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "retention: takes no argument (%s)", cli->args[0]);
    int code = case_time(cli, "at", now, &at);
    if (code)
        return code;
    if (config_load(cli->case_dir, &config, &err) < 0)
        return cli_err(&err);
    struct config_retention policy = config->retention;
    config_free(config);
    retention_policy_of(&policy, at, &r.policy);
    r.dry = cli_has(cli, "dry-run") || !policy.yes || policy.hold;
    if (!r.dry && at > now)
        return cli_fail(EXIT_USAGE,
                        "--at: what is erased is not erased ahead of time; see --dry-run");
    if (policy.hold && !cli->quiet)
        fprintf(stderr, "ebb: note: `retention.hold` of ebb.yaml is set: nothing is erased\n");
    else if (!retention_policy_any(&r.policy) && !cli->quiet)
        fprintf(stderr, "ebb: note: `retention:` of ebb.yaml keeps everything for ever\n");
    else if (r.dry && !cli->quiet)
        fprintf(stderr, "ebb: note: nothing is erased%s\n",
                policy.yes ? "" : ": `retention.yes` of ebb.yaml is not set");
    int rc = retention_policy_any(&r.policy) ? run(&r, &err) : 0;
    if (rc < 0)
        return cli_err(&err);
    return cli->quiet ? EXIT_DONE : print(&r);
}
