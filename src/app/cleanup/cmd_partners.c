/* ebb partners, partners add, partners revoke, partners files */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/serve/partner_feed.h"
#include "base/file.h"
#include "event/act_cleanup.h"
#include "event/event.h"

/* ---- add, revoke ---- */

static struct span by_of(const struct cli *cli)
{
    return cli_has(cli, "by") ? case_text(cli, "by") : span_str("operator");
}

static int record(const struct cli *cli, const struct act_partner *partner, struct err *err)
{
    struct buf payload = {0};
    act_partner(&payload, partner);
    struct case_act act = {.kind = KIND_PARTNER, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, err);
    buf_free(&payload);
    return rc;
}

/* The arguments behind the name, with blanks between them. */
static int join_networks(const struct cli *cli, struct buf *out)
{
    struct net net;
    uint32_t asn;
    if (cli->n_args - 1 > PARTNER_NETWORKS_MAX)
        return cli_fail(EXIT_USAGE, "partners add: more than %d networks", PARTNER_NETWORKS_MAX);
    for (unsigned i = 1; i < cli->n_args; i++) {
        const char *why = partner_network_parse(span_str(cli->args[i]), &net, &asn);
        if (why)
            return cli_fail(EXIT_USAGE, "partners add: %s (%s)", why, cli->args[i]);
        if (i > 1)
            buf_byte(out, ' ');
        buf_str(out, cli->args[i]);
    }
    return 0;
}

static int add(const struct cli *cli, struct span networks, int64_t until)
{
    uint8_t random[PARTNER_TOKEN_BYTES], digest[SHA256_LEN];
    char token[PARTNER_TOKEN_TEXT];
    struct err err;
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return cli_fail(EXIT_FAILED, "partners add: no random bytes");
    partner_token_text(random, token);
    sha256(token, sizeof token, digest);
    struct act_partner partner = {.name = span_str(cli->args[0]),
                                  .networks = networks,
                                  .token = span_of(digest, sizeof digest),
                                  .by = by_of(cli),
                                  .why = case_text(cli, "why"),
                                  .until = until};
    if (record(cli, &partner, &err) < 0)
        return cli_err(&err);
    if (!cli->quiet)
        fprintf(stderr, "ebb: the token of %s; it is not kept and not shown again:\n",
                cli->args[0]);
    printf("%.*s\n", (int)sizeof token, token);
    return EXIT_DONE;
}

int cmd_partners_add(const struct cli *cli)
{
    struct buf networks = {0};
    int64_t until;
    if (cli->n_args < 2)
        return cli_fail(EXIT_USAGE,
                        "partners add: wants a name and networks: AS64500, 192.0.2.0/24");
    if (!partner_name_is_good(span_str(cli->args[0])))
        return cli_fail(EXIT_USAGE,
                        "partners add: a name has letters, digits, \".\", \"_\", \"-\" (%s)",
                        cli->args[0]);
    int rc = case_time(cli, "until", ACT_FOREVER, &until);
    if (rc == 0 && until <= utc_now())
        rc = cli_fail(EXIT_USAGE, "--until: is over already");
    if (rc == 0)
        rc = join_networks(cli, &networks);
    if (rc == 0)
        rc = add(cli, buf_as_span(&networks), until);
    buf_free(&networks);
    return rc;
}

static int open_partners(const struct cli *cli, struct casedir *c, struct err *err)
{
    *c = (struct casedir){.quiet = cli->quiet};
    int rc = casedir_open(c, cli->case_dir, JOURNAL_READ, err);
    return rc == 0 ? casedir_views(c, VIEW_PARTNERS, err) : rc;
}

int cmd_partners_revoke(const struct cli *cli)
{
    struct casedir c;
    struct partner partner;
    struct buf networks = {0};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "partners revoke: wants a partner's name");
    int rc = open_partners(cli, &c, &err);
    if (rc == 0 && !partners_by_name(c.partners, span_str(cli->args[0]), &partner))
        rc = err_set(&err, -ENOENT, "no such partner: see `ebb partners` (%s)", cli->args[0]);
    if (rc == 0 && partner.revoked)
        rc = err_set(&err, -EALREADY, "revoked already (%s)", cli->args[0]);
    if (rc == 0)
        buf_span(&networks, partner.networks);
    casedir_close(&c, NULL);
    struct act_partner act = {.name = span_str(cli->args[0]),
                              .networks = buf_as_span(&networks),
                              .by = by_of(cli),
                              .why = case_text(cli, "why"),
                              .until = ACT_FOREVER};
    if (rc == 0)
        rc = record(cli, &act, &err);
    buf_free(&networks);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- the list ---- */

static const struct table_column columns[] = {
    {"partner", "partner", TABLE_WORDS},
    {"state", "state", TABLE_WORDS},
    {"since", "since", TABLE_WORDS},
    {"until", "until", TABLE_WORDS},
    {"networks", "networks", TABLE_WORDS},
    {"by", "by", TABLE_WORDS},
    {"why", "why", TABLE_WORDS},
    {"entry", "entry", TABLE_ID},
    {0},
};

static const char *state_of(const struct partner *p, int64_t now)
{
    return p->revoked ? "revoked" : now >= p->until ? "expired" : "open";
}

static int put_partner(void *ctx, const struct partner *p)
{
    struct table *t = ctx;
    table_text(t, p->name);
    table_str(t, state_of(p, utc_now()));
    case_put_time(t, p->since);
    case_put_time(t, p->until);
    table_text(t, p->networks);
    table_text(t, p->by);
    table_text(t, p->why);
    table_uint(t, p->entry);
    table_row_end(t);
    return 0;
}

int cmd_partners(const struct cli *cli)
{
    struct casedir c;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "partners: takes no argument (%s)", cli->args[0]);
    int rc = open_partners(cli, &c, &err);
    if (rc == 0) {
        struct table *t = table_open(cli_shape(cli), columns, stdout);
        partners_each(c.partners, put_partner, t);
        if (table_close(t) < 0)
            rc = err_set(&err, -EIO, "output could not be written");
    }
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- files ---- */

#define PART_BYTES (1u << 20)

static const struct table_column file_columns[] = {
    {"partner", "partner", TABLE_WORDS},
    {"date", "date", TABLE_WORDS},
    {"file", "file", TABLE_WORDS},
    {"rows", "rows", TABLE_COUNT},
    {0},
};

struct files {
    struct partner_feed *feed;
    const char *dir;
    int64_t day;
    enum partner_format format;
    struct table *t;
    struct err *err;
};

static int write_parts(struct partner_answer *a, int fd, const char *path, struct err *err)
{
    struct buf part = {0};
    int more = 1;
    while (more == 1) {
        part.n = 0;
        more = partner_answer_put(a, PART_BYTES, &part, err);
        int rc = more < 0 ? 0 : file_write_all(fd, part.p, part.n);
        if (rc < 0)
            more = err_set(err, rc, "%s: cannot be written", path);
    }
    buf_free(&part);
    if (more == 0 && fsync(fd) < 0)
        more = err_errno(err, "%s", path);
    return more;
}

/* As file_replace(), but no part of it need be in memory. */
static int replace(struct partner_answer *a, const char *path, struct err *err)
{
    char beside[FILE_PATH_MAX];
    int rc = file_path(beside, err, "%s.new", path);
    if (rc < 0)
        return rc;
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", beside);
    rc = write_parts(a, fd, beside, err);
    if (close(fd) < 0 && rc == 0)
        rc = err_errno(err, "%s", beside);
    if (rc == 0 && rename(beside, path) < 0)
        rc = err_errno(err, "%s", path);
    if (rc < 0)
        unlink(beside);
    return rc;
}

/* A bundle has its limit, so a partner's day may be several. */
static int write_file(struct files *f, const struct partner *p, const char *folder,
                      struct partner_request *r, unsigned number, bool *more)
{
    static const char *const endings[PARTNER_FORMATS] = {"csv", "jsonl", "stix.json"};
    char path[FILE_PATH_MAX], date[UTC_TEXT_MAX], count[16] = "";
    utc_format_date(f->day, date);
    if (number > 1)
        snprintf(count, sizeof count, "-%u", number);
    int rc = file_path(path, f->err, "%s/%s%s.%s", folder, date, count, endings[r->format]);
    if (rc < 0)
        return rc;
    struct partner_answer *a = partner_feed_answer(f->feed, p, r);
    rc = replace(a, path, f->err);
    *more = partner_answer_more(a);
    r->after = partner_answer_after(a);
    r->has_after = true;
    if (rc == 0) {
        table_text(f->t, p->name);
        table_str(f->t, date);
        table_str(f->t, path);
        table_uint(f->t, partner_answer_rows(a));
        table_row_end(f->t);
    }
    partner_answer_free(a);
    return rc;
}

static int write_partner(void *ctx, const struct partner *p)
{
    struct files *f = ctx;
    struct partner_request r;
    char folder[FILE_PATH_MAX];
    bool more = true;
    if (p->revoked || utc_now() >= p->until)
        return 0;
    partner_request_init(&r);
    r.since = f->day;
    r.until = f->day + UTC_DAY;
    r.format = f->format;
    r.limit = f->format == PARTNER_STIX ? PARTNER_ROWS_MAX_STIX : UINT32_MAX;
    int rc = file_path(folder, f->err, "%s/%.*s", f->dir, (int)p->name.n, (const char *)p->name.p);
    if (rc == 0)
        rc = file_mkdirs(folder, 0700, f->err);
    for (unsigned number = 1; rc == 0 && more; number++)
        rc = write_file(f, p, folder, &r, number, &more);
    return rc == 0 ? file_sync_dir(folder, f->err) : rc;
}

static int write_files(const struct cli *cli, struct files *f)
{
    char dir[FILE_PATH_MAX];
    int rc = cli_has(cli, "output") ? file_path(dir, f->err, "%s", cli_get(cli, "output"))
                                    : file_path(dir, f->err, "%s/partners", cli->case_dir);
    f->dir = dir;
    if (rc == 0)
        rc = partner_feed_open(cli->case_dir, cli->quiet, false, &f->feed, f->err);
    if (rc == 0)
        rc = partner_feed_tabulate(f->feed, f->err);
    if (rc == 0) {
        f->t = table_open(cli_shape(cli), file_columns, stdout);
        rc = partners_each(partner_feed_partners(f->feed), write_partner, f);
        if (table_close(f->t) < 0 && rc == 0)
            rc = err_set(f->err, -EIO, "output could not be written");
    }
    partner_feed_close(f->feed);
    return rc;
}

int cmd_partners_files(const struct cli *cli)
{
    struct err err;
    struct files f = {.err = &err};
    const char *format = cli_get(cli, "format");
    int number = partner_format_of(span_str(format ? format : "csv"));
    int64_t today = (int64_t)utc_day(utc_now()) * UTC_DAY;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "partners files: takes no argument (%s)", cli->args[0]);
    if (number < 0)
        return cli_fail(EXIT_USAGE, "--format: csv, json or stix (%s)", format);
    f.format = (enum partner_format)number;
    int rc = case_time(cli, "day", today - UTC_DAY, &f.day);
    if (rc)
        return rc;
    f.day = (int64_t)utc_day(f.day) * UTC_DAY;
    return write_files(cli, &f) < 0 ? cli_err(&err) : EXIT_DONE;
}
