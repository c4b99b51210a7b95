/* ebb release make */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/release/release_make.h"
#include "app/release/release_table.h"
#include "base/mem.h"
#include "event/event.h"
#include "state/releases.h"

/* What goes on the log, and what was published before. */
struct making {
    struct casedir c;
    struct release_doc doc;
    struct release_past past;
    int64_t last_at; /* when the last one was made */
    struct buf bytes;
    uint64_t index;
};

/* A whole day (UTC); `fallback` when it was not given. 0, or EXIT_USAGE. */
static int get_day(const struct cli *cli, const char *name, int32_t fallback, int32_t *out)
{
    int64_t time;
    *out = fallback;
    if (!cli_has(cli, name))
        return 0;
    int rc = case_time(cli, name, 0, &time);
    if (rc == 0 && time % UTC_DAY)
        rc = cli_fail(EXIT_USAGE,
                      "--%s: a day, not a time of the day: releases count whole days"
                      " (%s)",
                      name, cli_get(cli, name));
    *out = utc_day(time);
    return rc;
}

static int get_options(const struct cli *cli, struct release_doc *d)
{
    int32_t today = utc_day(utc_now());
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "release make: takes no argument (%s)", cli->args[0]);
    int rc = get_day(cli, "until", today, &d->until);
    if (rc == 0)
        rc = get_day(cli, "since", INT32_MIN, &d->since);
    if (rc == 0)
        rc = cli_number(cli, "replaces", 0, &d->replaces);
    if (rc)
        return rc;
    if (d->until > today)
        return cli_fail(EXIT_USAGE, "--until: in the future; the last whole day ended today (%s)",
                        cli_get(cli, "until"));
    if (d->since != INT32_MIN && d->since >= d->until)
        return cli_fail(EXIT_USAGE, "--since: not before --until");
    if (d->since != INT32_MIN && d->until - d->since > RELEASE_DAYS_MAX)
        return cli_fail(EXIT_USAGE, "--since: more than %d days", RELEASE_DAYS_MAX);
    return 0;
}

struct entries {
    uint64_t v[RELEASE_PAST_MAX];
    size_t n;
    int64_t last_at;
};

static int take_entry(void *ctx, const struct release_entry *r)
{
    struct entries *e = ctx;
    if (!e->n)
        e->last_at = r->recorded;
    e->v[e->n++] = r->entry;
    return e->n == RELEASE_PAST_MAX;
}

/* What people have seen: a release that was withdrawn was published all the same. */
static int read_past(struct making *m, struct err *err)
{
    struct entries e = {0};
    int rc = releases_list(m->c.pursuit, RELEASE_PAST_MAX, take_entry, &e, err);
    m->past.v = mem_zeroed(e.n + 1, sizeof *m->past.v);
    for (size_t i = 0; rc >= 0 && i < e.n; i++) {
        rc = release_load(&m->c, e.v[i], &m->past.v[m->past.n++], NULL, err);
        if (rc < 0)
            err_set(err, rc,
                    "a release (entry %" PRIu64 ") against which this one is protected cannot be"
                    " read",
                    e.v[i]);
    }
    m->last_at = e.last_at;
    m->doc.previous = e.n ? e.v[0] : 0;
    return rc < 0 ? rc : 0;
}

/* What the config and the log say. */
static int set_doc(struct making *m, struct err *err)
{
    const struct config_web *web = &m->c.config->web;
    struct release_doc *d = &m->doc;
    int32_t takedown = web->takedown_time == INT64_MIN ? INT32_MIN : utc_day(web->takedown_time);
    if (d->replaces && !releases_has(m->c.pursuit, d->replaces))
        return err_set(err, -ENOENT, "--replaces: entry %" PRIu64 " is no release", d->replaces);
    d->has_takedown = takedown != INT32_MIN && takedown < d->until;
    d->takedown = d->has_takedown ? takedown : 0;
    if (d->since == INT32_MIN && d->has_takedown && d->until - takedown <= RELEASE_DAYS_MAX)
        d->since = takedown;
    d->week_since = d->until - RELEASE_WEEK;
    d->rule = (struct release_rule){web->release_minimum, web->release_round};
    snprintf(d->origin, sizeof d->origin, "%s", journal_origin(m->c.journal));
    d->size = journal_committed(m->c.journal);
    journal_root(m->c.journal, d->root);
    return 0;
}

static int count(struct making *m, struct err *err)
{
    struct release_figures f = {0};
    int rc = release_count(&m->c, &m->doc, &f, err);
    if (rc == 0) {
        release_choose(&f, &m->past, &m->doc);
        release_doc_write(&m->doc, &m->bytes);
    }
    release_figures_free(&f);
    return rc;
}

static int prepare(const struct cli *cli, struct making *m, struct err *err)
{
    int rc = case_open_views(cli, &m->c, RELEASE_VIEWS, err);
    if (rc == 0)
        rc = read_past(m, err);
    if (rc == 0)
        rc = set_doc(m, err);
    if (rc == 0)
        rc = count(m, err);
    if (rc == 0 && m->bytes.n > RELEASE_DOC_MAX)
        rc = err_set(err, -EFBIG, "a release of more than %u MiB", RELEASE_DOC_MAX >> 20);
    return rc;
}

static int keep(const struct cli *cli, struct making *m, struct err *err)
{
    uint8_t digest[SHA256_LEN];
    char rule[64];
    struct buf payload = {0};
    const struct release_doc *d = &m->doc;
    sha256(m->bytes.p, m->bytes.n, digest);
    int n = snprintf(rule, sizeof rule, "minimum=%" PRIu64 " round=%" PRIu64, d->rule.minimum,
                     d->rule.round);
    act_release(&payload, &(struct act_release){.rule = span_of(rule, (size_t)n),
                                                .size = d->size,
                                                .since = (int64_t)d->since * UTC_DAY,
                                                .until = (int64_t)d->until * UTC_DAY,
                                                .sha256 = span_of(digest, SHA256_LEN),
                                                .replaces = d->replaces});
    struct case_act act = {
        .kind = KIND_RELEASE, .payload = buf_as_span(&payload), .blob = buf_as_span(&m->bytes)};
    int rc = case_acts(cli, &act, 1, err);
    m->index = act.index;
    buf_free(&payload);
    return rc;
}

static const struct table_column columns[] = {
    {"index", "entry", TABLE_ID},
    {"since", "since", TABLE_WORDS},
    {"until", "until", TABLE_WORDS},
    {"days", "days", TABLE_COUNT},
    {"suppressed", "suppressed", TABLE_COUNT},
    {"sha256", NULL, TABLE_WORDS},
    {0},
};

static uint64_t suppressed(const struct release_doc *d)
{
    uint64_t n = d->families_suppressed;
    for (size_t i = 0; i < d->days.n; i++)
        n += !d->days.v[i].shown;
    for (size_t i = 0; i < d->countries.n; i++)
        n += !d->countries.v[i].shown;
    return n;
}

static int say(const struct cli *cli, const struct making *m)
{
    char text[UTC_TEXT_MAX];
    uint8_t digest[SHA256_LEN];
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    sha256(m->bytes.p, m->bytes.n, digest);
    table_uint(t, m->index);
    table_text(t, span_of(text, utc_format_date((int64_t)m->doc.since * UTC_DAY, text)));
    table_text(t, span_of(text, utc_format_date((int64_t)m->doc.until * UTC_DAY, text)));
    table_uint(t, m->doc.days.n);
    table_uint(t, suppressed(&m->doc));
    table_hex(t, digest, SHA256_LEN);
    table_row_end(t);
    return table_close(t);
}

static int show(const struct cli *cli, const struct making *m)
{
    if (cli_shape(cli) != TABLE_JSON)
        return release_table_print(&m->doc, cli_shape(cli), stdout);
    return fwrite(m->bytes.p, 1, m->bytes.n, stdout) == m->bytes.n && fflush(stdout) == 0 ? 0 : -1;
}

static void warn(const struct cli *cli, const struct making *m)
{
    if (!cli->quiet && m->past.n && utc_now() - m->last_at < UTC_DAY)
        fprintf(stderr, "ebb: warning: the last release is less than a day old: the closer they"
                        " follow each other, the more their difference says\n");
}

static int make(const struct cli *cli, struct making *m, struct err *err)
{
    int rc = prepare(cli, m, err);
    bool dry = cli_has(cli, "dry-run");
    if (rc == 0 && !dry && m->past.n && release_doc_same(&m->doc, m->past.v))
        rc = err_set(err, -EEXIST, "nothing has changed since the last release (entry %" PRIu64 ")",
                     m->doc.previous);
    /* The daemon, or we, will write: nothing may be held open that is in the way. */
    casedir_close(&m->c, NULL);
    m->c = (struct casedir){0};
    if (rc < 0)
        return rc;
    warn(cli, m);
    if (!dry)
        rc = keep(cli, m, err);
    if (rc == 0 && (dry ? show(cli, m) : say(cli, m)) < 0)
        rc = err_set(err, -EIO, "output could not be written");
    return rc;
}

int cmd_release_make(const struct cli *cli)
{
    struct making m = {0};
    struct err err;
    int rc = get_options(cli, &m.doc);
    if (rc)
        return rc;
    rc = make(cli, &m, &err);
    release_doc_free(&m.doc);
    release_past_free(&m.past);
    buf_free(&m.bytes);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
