/* ebb cleanup draft | status | trial */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/cleanup/cleanup_digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "event/act_cleanup.h"

#define DRAFT_NAME_MAX 200

/* ---- draft ---- */

static const struct table_column draft_columns[] = {{"contact", "contact", TABLE_WORDS},
                                                    {"format", "format", TABLE_WORDS},
                                                    {"language", "language", TABLE_WORDS},
                                                    {"new", "new", TABLE_COUNT},
                                                    {"returning", "returning", TABLE_COUNT},
                                                    {"gone", "gone", TABLE_COUNT},
                                                    {"still", "still", TABLE_COUNT},
                                                    {"part", NULL, TABLE_COUNT},
                                                    {"parts", NULL, TABLE_COUNT},
                                                    {"channel", NULL, TABLE_WORDS},
                                                    {"message_id", NULL, TABLE_WORDS},
                                                    {"file", "file", TABLE_WORDS},
                                                    {0}};

struct drafts {
    const char *dir;
    struct table *table;
    struct err *err;
    uint64_t n;
};

/* "abuse@isp.example-1.eml": a contact's name has nothing in a path that means more than itself. */
static void file_name(const struct digest *d, char out[DRAFT_NAME_MAX + 32])
{
    size_t n = d->contact.n < DRAFT_NAME_MAX ? d->contact.n : DRAFT_NAME_MAX;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = d->contact.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '@' || c == '-' || c == '_' || (c == '.' && i > 0);
        out[i] = plain ? (char)c : '_';
    }
    snprintf(out + n, 32, "%s-%u.eml", strcmp(d->channel, "mail") == 0 ? "" : "-copy", d->part);
}

/* A draft can be made again: it need not outlive a crash. */
static int write_draft(const char *path, struct span mail, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_errno(err, "%s", path);
    int rc = file_write_all(fd, mail.p, mail.n);
    close(fd);
    return rc < 0 ? err_set(err, rc, "%s: %s", path, strerror(-rc)) : 0;
}

/* Drafts of another day beside today's would mislead. Ours are taken away; somebody else's folder
 * has to be empty. */
static int make_room(const char *dir, bool ours, struct err *err)
{
    int rc = file_mkdirs(dir, 0700, err);
    DIR *d = rc == 0 ? opendir(dir) : NULL;
    if (rc == 0 && !d)
        return err_errno(err, "%s", dir);
    for (struct dirent *e; rc == 0 && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (!ours)
            rc = err_set(err, -ENOTEMPTY, "%s: is not empty", dir);
        else if (n > 4 && strcmp(e->d_name + n - 4, ".eml") == 0 &&
                 unlinkat(dirfd(d), e->d_name, 0) < 0)
            rc = err_errno(err, "%s/%s", dir, e->d_name);
    }
    if (d)
        closedir(d);
    return rc;
}

static int draft_one(void *ctx, const struct digest *d)
{
    struct drafts *o = ctx;
    char name[DRAFT_NAME_MAX + 32], path[FILE_PATH_MAX];
    file_name(d, name);
    int rc = file_path(path, o->err, "%s/%s", o->dir, name);
    if (rc == 0)
        rc = write_draft(path, d->mail, o->err);
    if (rc < 0)
        return rc;
    struct table *t = o->table;
    table_text(t, d->contact);
    table_str(t, d->format);
    table_str(t, d->language);
    table_uint(t, d->fresh);
    table_uint(t, d->returning);
    table_uint(t, d->gone);
    table_uint(t, d->still);
    table_uint(t, d->part);
    table_uint(t, d->parts);
    table_str(t, d->channel);
    table_text(t, d->message_id);
    table_str(t, path);
    table_row_end(t);
    o->n++;
    return 0;
}

/* What was not drafted, so that nobody has to guess why. */
static void say_rest(const struct plan *p, uint64_t drafts)
{
    uint64_t by[PLAN_STATES] = {0};
    size_t n;
    const struct plan_contact *k = cleanup_plan_contacts(p, &n);
    for (size_t i = 0; i < n; i++)
        by[k[i].state]++;
    fprintf(
        stderr,
        "%llu mails to %llu contacts; %llu contacts are not due, %llu have nothing new, %llu are "
        "controls, %llu are dead; %llu addresses have nobody to tell, of %llu their network does "
        "not want to know\n",
        (unsigned long long)drafts, (unsigned long long)by[PLAN_DUE],
        (unsigned long long)by[PLAN_NOT_DUE], (unsigned long long)by[PLAN_NOTHING],
        (unsigned long long)by[PLAN_CONTROL], (unsigned long long)by[PLAN_DEAD],
        (unsigned long long)cleanup_plan_unresolved(p),
        (unsigned long long)cleanup_plan_allowed(p));
}

static int open_plan(const struct cli *cli, struct casedir *c, const struct plan_options *o,
                     struct plan **p, struct err *err)
{
    int rc = casedir_open(c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(c, PLAN_VIEWS, err);
    return rc == 0 ? cleanup_plan_new(c, o, p, err) : rc;
}

static int draft_into(const struct cli *cli, const struct plan_options *o, const char *dir,
                      bool ours, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct plan *p = NULL;
    struct drafts drafts = {.dir = dir, .err = err};
    int rc = open_plan(cli, &c, o, &p, err);
    if (rc == 0)
        rc = make_room(dir, ours, err);
    if (rc == 0) {
        drafts.table = table_open(cli_shape(cli), draft_columns, stdout);
        rc = digests_write(&c, p, o, draft_one, &drafts, err);
        if (table_close(drafts.table) < 0 && rc == 0)
            rc = err_set(err, -EIO, "output could not be written");
    }
    if (rc == 0 && !cli->quiet)
        say_rest(p, drafts.n);
    if (p)
        cleanup_plan_free(p);
    casedir_close(&c, NULL);
    return rc;
}

int cmd_cleanup_draft(const struct cli *cli)
{
    char path[FILE_PATH_MAX];
    struct plan_options o = {
        .contact = case_text(cli, "contact"), .format = -1, .all = cli_has(cli, "all")};
    const char *dir = cli_get(cli, "output"), *format = cli_get(cli, "format");
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "cleanup draft: takes no argument (%s)", cli->args[0]);
    if (format && (o.format = report_format_of(span_str(format))) < 0)
        return cli_fail(EXIT_USAGE, "--format: xarf, arf, csv, stix or text (%s)", format);
    int rc = case_time(cli, "at", utc_now(), &o.now);
    if (rc)
        return rc;
    if (!dir) {
        rc = file_path(path, &err, "%s/drafts", cli->case_dir);
        dir = path;
    }
    if (rc == 0)
        rc = draft_into(cli, &o, dir, dir == path, &err);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- status ---- */

static const struct table_column report_columns[] = {{"report", "report", TABLE_ID},
                                                     {"contact", "contact", TABLE_WORDS},
                                                     {"state", "state", TABLE_WORDS},
                                                     {"format", "format", TABLE_WORDS},
                                                     {"language", NULL, TABLE_WORDS},
                                                     {"channel", NULL, TABLE_WORDS},
                                                     {"new", "new", TABLE_COUNT},
                                                     {"returning", "returning", TABLE_COUNT},
                                                     {"gone", "gone", TABLE_COUNT},
                                                     {"still", "still", TABLE_COUNT},
                                                     {"queued", "queued", TABLE_WORDS},
                                                     {"attempts", "attempts", TABLE_COUNT},
                                                     {"tried", NULL, TABLE_WORDS},
                                                     {"status", NULL, TABLE_WORDS},
                                                     {"reply", "reply", TABLE_WORDS},
                                                     {"message_id", NULL, TABLE_WORDS},
                                                     {"sha256", NULL, TABLE_WORDS},
                                                     {"trial", NULL, TABLE_WORDS},
                                                     {0}};
static const struct table_column contact_columns[] = {
    {"contact", "contact", TABLE_WORDS}, {"state", "state", TABLE_WORDS},
    {"reports", "reports", TABLE_COUNT}, {"sent", "sent", TABLE_COUNT},
    {"bounces", "bounces", TABLE_COUNT}, {"replies", "replies", TABLE_COUNT},
    {"told", "told up to", TABLE_WORDS}, {"status", "status", TABLE_WORDS},
    {"why", "why", TABLE_WORDS},         {0}};
static const struct table_column state_columns[] = {
    {"state", "state", TABLE_WORDS}, {"reports", "reports", TABLE_COUNT}, {0}};

struct status {
    struct table *table;
    const char *state;
    struct span contact;
    uint64_t limit, rows, by_state[CLEANUP_STATES], dead, contacts;
};

static void put_time(struct table *t, int64_t time)
{
    case_put_time(t, time ? time : CASEBOOK_FOREVER);
}

static bool is_wanted(const struct status *s, const char *state, struct span contact)
{
    return (!s->state || strcmp(s->state, state) == 0) &&
           (!s->contact.n || span_ieq(s->contact, contact));
}

static int put_report(void *ctx, const struct cleanup_report *r)
{
    struct status *s = ctx;
    struct table *t = s->table;
    if (!is_wanted(s, cleanup_state_name(r->state), r->contact))
        return 0;
    table_uint(t, r->report);
    table_text(t, r->contact);
    table_str(t, cleanup_state_name(r->state));
    table_text(t, r->format);
    table_text(t, r->language);
    table_text(t, r->channel);
    table_uint(t, r->fresh);
    table_uint(t, r->returning);
    table_uint(t, r->gone);
    table_uint(t, r->still);
    put_time(t, r->queued);
    table_uint(t, r->attempts);
    put_time(t, r->tried);
    table_text(t, r->status);
    table_text(t, r->reply);
    table_text(t, r->message_id);
    table_hex(t, r->sha256, SHA256_LEN);
    table_text(t, r->trial);
    table_row_end(t);
    return ++s->rows == s->limit; /* 1 stops */
}

static int put_contact(void *ctx, const struct cleanup_contact *k)
{
    struct status *s = ctx;
    struct table *t = s->table;
    if (!is_wanted(s, k->dead ? "dead" : "alive", k->contact))
        return 0;
    table_text(t, k->contact);
    table_str(t, k->dead ? "dead" : "alive");
    table_uint(t, k->reports);
    table_uint(t, k->sent);
    table_uint(t, k->bounces);
    table_uint(t, k->replies);
    put_time(t, k->told);
    table_text(t, k->status);
    table_text(t, k->why);
    table_row_end(t);
    return ++s->rows == s->limit;
}

static int count_report(void *ctx, const struct cleanup_report *r)
{
    struct status *s = ctx;
    if (is_wanted(s, cleanup_state_name(r->state), r->contact))
        s->by_state[r->state]++;
    return 0;
}

static void put_states(struct casedir *c, struct status *s)
{
    cleanup_reports(c->cleanup, count_report, s);
    for (int i = 0; i < CLEANUP_STATES; i++) {
        table_str(s->table, cleanup_state_name((enum cleanup_state)i));
        table_uint(s->table, s->by_state[i]);
        table_row_end(s->table);
    }
}

static bool is_state(const char *name)
{
    for (int i = 0; i < CLEANUP_STATES; i++)
        if (strcmp(name, cleanup_state_name((enum cleanup_state)i)) == 0)
            return true;
    return strcmp(name, "dead") == 0 || strcmp(name, "alive") == 0;
}

int cmd_cleanup_status(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct status s = {.state = cli_get(cli, "state"), .contact = case_text(cli, "contact")};
    struct err err;
    bool reports = cli_has(cli, "reports"), contacts = cli_has(cli, "contacts");
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "cleanup status: takes no argument (%s)", cli->args[0]);
    if (reports && contacts)
        return cli_fail(EXIT_USAGE, "cleanup status: --reports or --contacts");
    if (s.state && !is_state(s.state))
        return cli_fail(EXIT_USAGE, "--state: no such state (%s)", s.state);
    int rc = cli_number(cli, "limit", 0, &s.limit);
    if (rc)
        return rc;
    rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CLEANUP, &err);
    if (rc == 0) {
        s.table = table_open(cli_shape(cli),
                             reports    ? report_columns
                             : contacts ? contact_columns
                                        : state_columns,
                             stdout);
        if (reports)
            cleanup_reports(c.cleanup, put_report, &s);
        else if (contacts)
            cleanup_contacts(c.cleanup, put_contact, &s);
        else
            put_states(&c, &s);
        if (table_close(s.table) < 0)
            rc = err_set(&err, -EIO, "output could not be written");
    }
    casedir_close(&c, NULL);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- trial ---- */

static const struct table_column trial_columns[] = {{"trial", "trial", TABLE_WORDS},
                                                    {"entry", "entry", TABLE_ID},
                                                    {"since", "since", TABLE_WORDS},
                                                    {"until", "until", TABLE_WORDS},
                                                    {"percent", "percent", TABLE_COUNT},
                                                    {"contacts", "contacts", TABLE_COUNT},
                                                    {"controls", "controls", TABLE_COUNT},
                                                    {"seed", "seed", TABLE_WORDS},
                                                    {0}};
static const struct table_column arm_columns[] = {{"trial", "trial", TABLE_WORDS},
                                                  {"contact", "contact", TABLE_WORDS},
                                                  {"arm", "arm", TABLE_WORDS},
                                                  {0}};

struct trials {
    struct casedir *c;
    struct table *table;
    struct span only, name;
    bool arms;
};

static int put_arm(void *ctx, struct span contact, enum cleanup_arm arm)
{
    struct trials *o = ctx;
    table_text(o->table, o->name);
    table_text(o->table, contact);
    table_str(o->table, arm == CLEANUP_CONTROL ? "control" : "told");
    table_row_end(o->table);
    return 0;
}

static int put_trial(void *ctx, const struct cleanup_trial *t)
{
    struct trials *o = ctx;
    if (o->only.n && !span_eq(o->only, t->name))
        return 0;
    o->name = t->name;
    if (o->arms)
        return cleanup_trial_rows(o->c->cleanup, t->entry, put_arm, o);
    table_text(o->table, t->name);
    table_uint(o->table, t->entry);
    case_put_time(o->table, t->from);
    case_put_time(o->table, t->until);
    table_uint(o->table, t->percent);
    table_uint(o->table, t->contacts);
    table_uint(o->table, t->controls);
    table_text(o->table, t->seed);
    table_row_end(o->table);
    return 0;
}

static int list_trials(const struct cli *cli, const char *only, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct trials o = {&c, NULL, span_str(only), {0}, cli_has(cli, "arms")};
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CLEANUP, err);
    if (rc == 0) {
        o.table = table_open(cli_shape(cli), o.arms ? arm_columns : trial_columns, stdout);
        cleanup_trials(c.cleanup, put_trial, &o);
        if (table_close(o.table) < 0)
            rc = err_set(err, -EIO, "output could not be written");
    }
    casedir_close(&c, NULL);
    return rc;
}

/* The lot that a contact draws: the order of these decides, so that anybody can repeat the draw
 * from the seed on the log. */
struct lot {
    uint8_t digest[SHA256_LEN];
    struct span contact;
};

static int by_digest(const void *a, const void *b)
{
    return memcmp(((const struct lot *)a)->digest, ((const struct lot *)b)->digest, SHA256_LEN);
}

static struct lot *draw(const struct plan *p, struct span seed, size_t *n)
{
    size_t all;
    const struct plan_contact *k = cleanup_plan_contacts(p, &all);
    struct lot *lots = mem_zeroed(all, sizeof *lots);
    *n = 0;
    for (size_t i = 0; i < all; i++) {
        sha256_ctx h;
        if (k[i].state == PLAN_DEAD)
            continue;
        struct lot *lot = &lots[(*n)++];
        lot->contact = k[i].mail;
        sha256_begin(&h);
        sha256_add(&h, seed.p, seed.n);
        sha256_add(&h, "\n", 1);
        sha256_add(&h, lot->contact.p, lot->contact.n);
        sha256_end(&h, lot->digest);
    }
    qsort(lots, *n, sizeof *lots, by_digest);
    return lots;
}

static void put_lots(const struct lot *lots, size_t n, size_t controls, struct buf *out)
{
    buf_str(out, "contact,arm\n");
    for (size_t i = 0; i < n; i++) {
        buf_span(out, lots[i].contact);
        buf_str(out, i < controls ? ",control\n" : ",told\n");
    }
}

static int begin_trial(const struct cli *cli, const struct act_trial_begun *wanted, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct act_trial_begun a = *wanted;
    struct plan_options o = {.now = a.from, .format = -1, .all = true};
    struct cleanup_trial running;
    struct plan *p = NULL;
    struct buf rows = {0}, payload = {0};
    uint8_t digest[SHA256_LEN];
    size_t n = 0;
    int rc = open_plan(cli, &c, &o, &p, err);
    if (rc == 0 && cleanup_trial(c.cleanup, a.name, &running))
        rc = err_set(err, -EEXIST, "%.*s: there is such a trial", (int)a.name.n, a.name.p);
    else if (rc == 0 && cleanup_trial_at(c.cleanup, a.from, &running))
        rc = err_set(err, -EEXIST, "%.*s is running then, and one network can be in one trial",
                     (int)running.name.n, running.name.p);
    if (rc == 0) {
        struct lot *lots = draw(p, a.seed, &n);
        a.contacts = n;
        a.controls = (n * a.percent + 50) / 100;
        put_lots(lots, n, (size_t)a.controls, &rows);
        free(lots);
        sha256(rows.p, rows.n, digest);
        a.sha256 = span_of(digest, SHA256_LEN);
        if (a.controls == 0 || a.controls == n)
            rc = err_set(err, -EINVAL, "%zu contacts: too few for two arms", n);
    }
    if (p)
        cleanup_plan_free(p);
    casedir_close(&c, NULL);
    if (rc == 0) {
        act_trial_begun(&payload, &a);
        struct case_act act = {
            .kind = KIND_TRIAL_BEGUN, .payload = buf_as_span(&payload), .blob = buf_as_span(&rows)};
        rc = case_acts(cli, &act, 1, err);
    }
    buf_free(&rows);
    buf_free(&payload);
    return rc;
}

#define TRIAL_DAYS 28

int cmd_cleanup_trial(const struct cli *cli)
{
    struct act_trial_begun a = {0};
    char random[33];
    uint8_t bytes[16];
    struct err err;
    if (cli->n_args > 1)
        return cli_fail(EXIT_USAGE, "cleanup trial: wants one name at most");
    if (!cli->n_args || cli_has(cli, "arms"))
        return list_trials(cli, cli->n_args ? cli->args[0] : NULL, &err) < 0 ? cli_err(&err)
                                                                             : EXIT_DONE;
    randombytes_buf(bytes, sizeof bytes);
    hex_encode(bytes, sizeof bytes, random);
    a.name = span_str(cli->args[0]);
    a.seed = cli_has(cli, "seed") ? case_text(cli, "seed") : span_str(random);
    int rc = cli_number(cli, "percent", 20, &a.percent);
    if (rc == 0)
        rc = case_time(cli, "from", utc_now(), &a.from);
    if (rc == 0)
        rc = case_time(cli, "until", a.from + TRIAL_DAYS * UTC_DAY, &a.until);
    if (rc)
        return rc;
    if (a.percent < 1 || a.percent > 90)
        return cli_fail(EXIT_USAGE, "--percent: 1 to 90 (%llu)", (unsigned long long)a.percent);
    if (a.until <= a.from)
        return cli_fail(EXIT_USAGE, "--until: before the trial begins");
    rc = begin_trial(cli, &a, &err);
    return rc < 0 || list_trials(cli, cli->args[0], &err) < 0 ? cli_err(&err) : EXIT_DONE;
}
