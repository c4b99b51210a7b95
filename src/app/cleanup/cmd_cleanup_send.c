/* ebb cleanup send|settle|contact */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/cleanup/cleanup_digest.h"
#include "app/cleanup/cleanup_send.h"
#include "app/ctl.h"
#include "app/progress.h"
#include "base/clock.h"
#include "base/file.h"

#define LOCK_WAIT_MS   10000 /* a sender that was killed may still wait for an answer */
#define WRITER_NAP_MS  100
#define WRITER_WAIT_MS 60000 /* after a pause: until who writes meanwhile is done */
#define KNOCKS         6     /* in vain: half a minute */

/* ---- queueing ---- */

static int take_lock(const struct cli *cli, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/run", cli->case_dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0700, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/run/queue", cli->case_dir);
    if (rc < 0)
        return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) < 0) {
        rc = err_errno(err, "%s", path);
        if (fd >= 0)
            close(fd);
        return rc;
    }
    return fd;
}

/* An act is durable a moment before readers see it; who was killed in that moment has left one that
 * the next writer finds. A plan that is made without it would tell twice. A writer that is there
 * has found it. */
static int find_all(const struct cli *cli, struct err *err)
{
    struct case_keeper *k;
    int rc = case_keeper_open(cli, &k, err);
    return rc == -EBUSY ? 0 : rc < 0 ? rc : case_keeper_close(k, err);
}

int cleanup_queue_lock(const struct cli *cli, struct err *err)
{
    int fd = take_lock(cli, err);
    int rc = fd < 0 ? fd : find_all(cli, err);
    if (rc < 0 && fd >= 0)
        close(fd);
    return rc < 0 ? rc : fd;
}

static int queue_due(const struct cli *cli, int64_t now, struct err *err)
{
    uint64_t queued = 0;
    int lock = cleanup_queue_lock(cli, err);
    if (lock < 0)
        return lock;
    int rc = cleanup_queue(cli, now, &queued, err);
    close(lock);
    if (rc == 0 && !cli->quiet)
        fprintf(stderr, "ebb: %llu reports queued\n", (unsigned long long)queued);
    return rc;
}

/* ---- send ---- */

struct sending {
    const struct cli *cli;
    struct casedir c;
    struct courier_marks *marks;
    struct post *post;
    struct clerk *clerk;
    struct table *table;
    struct progress progress;
    uint64_t done;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = 1;
}

/* ^C and the like: what is being sent is finished, or broken off while that is safe. */
static void catch_signals(void)
{
    const struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: waits end */
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool is_interrupted(void *ctx)
{
    return interrupted;
}

static int journal(void *ctx, const struct act_report_tried *acts, size_t n, struct err *err)
{
    struct sending *s = ctx;
    struct buf payload = {0};
    uint64_t index;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct entry_header header = {.kind = KIND_REPORT_TRIED, .time = utc_now()};
        payload.n = 0;
        act_report_tried(&payload, &acts[i]);
        rc = journal_append(s->c.journal, &header, buf_as_span(&payload), &index, err);
    }
    buf_free(&payload);
    return rc == 0 ? journal_commit(s->c.journal, err) : rc;
}

static int let_others(void *ctx, struct err *err)
{
    struct sending *s = ctx;
    int rc = journal_close(s->c.journal, err);
    s->c.journal = NULL;
    return rc;
}

static int come_back(void *ctx, struct err *err)
{
    struct sending *s = ctx;
    int64_t end = clock_ms() + WRITER_WAIT_MS;
    int rc;
    while ((rc = journal_open(s->c.dir, JOURNAL_WRITE, &s->c.journal, NULL, err)) == -EBUSY &&
           clock_ms() < end)
        clock_sleep(WRITER_NAP_MS);
    return rc;
}

static const struct table_column columns[] = {
    {"report", "report", TABLE_ID},   {"contact", "contact", TABLE_WORDS},
    {"attempt", "attempt", TABLE_ID}, {"result", "result", TABLE_WORDS},
    {"reply", "reply", TABLE_WORDS},  {0}};

static void show(void *ctx, const struct clerk_row *row)
{
    struct sending *s = ctx;
    table_uint(s->table, row->report);
    table_str(s->table, row->contact);
    table_uint(s->table, row->attempt);
    table_str(s->table, row->result);
    table_str(s->table, row->reply);
    table_row_end(s->table);
    s->done++;
    progress_at(&s->progress, s->done, s->done, "mails");
}

/* In this order: the lock; the smarthost; the process that talks to it, which must not see the
 * case; the case. */
static int begin(struct sending *s, const struct config *config,
                 const struct clerk_options *options, struct err *err)
{
    const struct clerk_ways ways = {.ctx = s,
                                    .journal = journal,
                                    .pause = let_others,
                                    .resume = come_back,
                                    .stopped = is_interrupted,
                                    .wake = -1,
                                    .row = show};
    struct smarthost *host;
    int rc = courier_marks_open(s->cli->case_dir, LOCK_WAIT_MS, &s->marks, err);
    if (rc == 1)
        return err_set(err, -EBUSY, "somebody else is sending");
    if (rc == 0)
        rc = smarthost_open(config, &host, err);
    if (rc < 0)
        return rc;
    rc = post_start(host, s->marks, &s->post, err);
    smarthost_free(host);
    if (rc == 0)
        rc = casedir_open(&s->c, s->cli->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = casedir_views(&s->c, VIEW_CLEANUP, err);
    if (rc == 0)
        rc = clerk_open(&s->c, s->marks, s->post, &ways, options, &s->clerk, err);
    return rc;
}

static int finish(struct sending *s, int rc, struct clerk_sum *sum, struct err *err)
{
    struct err late;
    if (s->clerk) {
        *sum = *clerk_sum(s->clerk);
        clerk_close(s->clerk);
    }
    if (s->post)
        post_stop(s->post);
    if (s->marks)
        courier_marks_close(s->marks);
    int closed = casedir_close(&s->c, &late);
    if (rc == 0 && closed < 0) {
        *err = late;
        rc = closed;
    }
    return rc;
}

/* What is left to do, and for whom. */
static void say_sum(const struct clerk_sum *sum)
{
    if (sum->doubtful)
        fprintf(stderr,
                "ebb: %llu in doubt: whether the smarthost took them is not known, and they are "
                "not sent again by themselves: see `ebb cleanup status --state doubtful`, then "
                "`ebb cleanup settle`\n",
                (unsigned long long)sum->doubtful);
    if (sum->deferred + sum->waiting)
        fprintf(stderr, "ebb: %llu wait to be sent later\n",
                (unsigned long long)(sum->deferred + sum->waiting));
}

static int send_queued(const struct cli *cli, const struct config *config,
                       const struct clerk_options *options)
{
    struct sending s = {.cli = cli, .c.quiet = cli->quiet};
    struct clerk_sum sum = {0};
    struct err err;
    catch_signals();
    s.table = table_open(cli_shape(cli), columns, stdout);
    progress_begin(&s.progress, "sending", 0, cli->quiet);
    int rc = begin(&s, config, options, &err);
    if (rc == 0)
        rc = clerk_round(s.clerk, &err);
    progress_end(&s.progress);
    rc = finish(&s, rc, &sum, &err);
    if (table_close(s.table) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    say_sum(&sum);
    if (rc < 0) /* what the config asks for may not be */
        return cli_fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s", err.text);
    return sum.stopped ? cli_fail(EXIT_FAILED, "%s: interrupted", cli->command) : EXIT_DONE;
}

/* 1: a daemon runs. */
static int find_daemon(const struct cli *cli, struct err *err)
{
    struct ctl_request request = {.verb = CTL_STATUS};
    struct ctl_reply reply = {0};
    int rc = ctl_call(cli->case_dir, &request, &reply, err);
    buf_free(&reply.text);
    return rc < 0 ? rc : rc == 0;
}

int cleanup_send_queued(const struct cli *cli, const struct config *config,
                        const struct clerk_options *options)
{
    struct err err;
    int rc = find_daemon(cli, &err);
    if (rc < 0)
        return cli_err(&err);
    if (rc == 0)
        return send_queued(cli, config, options);
    if (!cli->quiet)
        fprintf(stderr, "ebb: `ebb serve` runs: it sends what is queued\n");
    return EXIT_DONE;
}

static int send_options(const struct cli *cli, struct clerk_options *o)
{
    int64_t now = utc_now(), at;
    int rc = case_time(cli, "at", now, &at);
    if (rc == 0)
        rc = cli_number(cli, "limit", 0, &o->limit);
    if (rc == 0 && cli_has(cli, "limit") && !o->limit)
        rc = cli_fail(EXIT_USAGE, "--limit: not a number above 0");
    o->ahead = at - now;
    o->contact = cli_get(cli, "contact");
    o->knocks = KNOCKS;
    return rc;
}

static int send_with(const struct cli *cli, const struct config *config)
{
    struct clerk_options options = {0};
    struct err err;
    int rc = send_options(cli, &options);
    if (rc)
        return rc;
    if (!config->cleanup.sending)
        return cli_fail(EXIT_USAGE,
                        "cleanup send: sending is off: nothing is sent before a person turns it on "
                        "(cleanup.sending in ebb.yaml)");
    if (!cli_has(cli, "no-new") && queue_due(cli, utc_now() + options.ahead, &err) < 0)
        return cli_err(&err);
    return cli_has(cli, "queue-only") ? EXIT_DONE : cleanup_send_queued(cli, config, &options);
}

int cmd_cleanup_send(const struct cli *cli)
{
    struct config *config;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "cleanup send: takes no argument (%s)", cli->args[0]);
    int rc = config_load(cli->case_dir, &config, &err);
    if (rc < 0)
        return cli_fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s", err.text);
    rc = send_with(cli, config);
    config_free(config);
    return rc;
}

/* ---- settle ---- */

static const struct {
    const char *as, *result;
    unsigned from; /* states, as bits */
} ways_to_settle[] = {
    {"sent", "sent", 1 << CLEANUP_DOUBTFUL},
    {"again", "deferred",
     1 << CLEANUP_DOUBTFUL | 1 << CLEANUP_REFUSED | 1 << CLEANUP_CANCELLED | 1 << CLEANUP_DEFERRED},
    {"cancelled", "cancelled",
     1 << CLEANUP_QUEUED | 1 << CLEANUP_DEFERRED | 1 << CLEANUP_DOUBTFUL | 1 << CLEANUP_REFUSED},
};

static int settle_way(const struct cli *cli)
{
    const char *as = cli_get(cli, "as");
    for (size_t i = 0; as && i < sizeof ways_to_settle / sizeof *ways_to_settle; i++)
        if (strcmp(as, ways_to_settle[i].as) == 0)
            return (int)i;
    return -1;
}

static struct span by_whom(const struct cli *cli)
{
    return span_str(cli_has(cli, "by") ? cli_get(cli, "by") : "operator");
}

static int settle_act(const struct cli *cli, struct casedir *c, const char *arg, int way,
                      struct buf *payload, struct err *err)
{
    struct cleanup_report r;
    uint64_t number;
    if (!cli_parse_u64(arg, &number) || !cleanup_report(c->cleanup, number, &r))
        return err_set(err, -ENOENT, "no such report: see `ebb cleanup status --reports` (%s)",
                       arg);
    if (!(ways_to_settle[way].from & 1u << r.state))
        return err_set(err, -EINVAL, "report %s is %s: it cannot be settled as %s", arg,
                       cleanup_state_name(r.state), ways_to_settle[way].as);
    struct act_report_tried a = {.report = number,
                                 .attempt = r.attempts,
                                 .result = span_str(ways_to_settle[way].result),
                                 .by = by_whom(cli),
                                 .why = case_text(cli, "why")};
    act_report_tried(payload, &a);
    return 0;
}

static int settle(const struct cli *cli, int way, struct err *err)
{
    static struct case_act acts[CLI_ARGS_MAX];
    static size_t ends[CLI_ARGS_MAX];
    struct casedir c = {.quiet = cli->quiet};
    struct buf payloads = {0};
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CLEANUP, err);
    for (unsigned i = 0; rc == 0 && i < cli->n_args; i++) {
        rc = settle_act(cli, &c, cli->args[i], way, &payloads, err);
        ends[i] = payloads.n;
    }
    for (unsigned i = 0; rc == 0 && i < cli->n_args; i++) {
        size_t from = i ? ends[i - 1] : 0;
        acts[i] = (struct case_act){.kind = KIND_REPORT_TRIED,
                                    .payload = span_of(payloads.p + from, ends[i] - from)};
    }
    casedir_close(&c, NULL);
    if (rc == 0)
        rc = case_acts(cli, acts, cli->n_args, err);
    buf_free(&payloads);
    return rc;
}

int cmd_cleanup_settle(const struct cli *cli)
{
    struct err err;
    int way = settle_way(cli);
    if (!cli->n_args)
        return cli_fail(EXIT_USAGE, "cleanup settle: which reports?");
    if (way < 0)
        return cli_fail(EXIT_USAGE, "--as: sent, again or cancelled");
    return settle(cli, way, &err) < 0 ? cli_err(&err) : EXIT_DONE;
}

/* ---- contact ---- */

int cmd_cleanup_contact(const struct cli *cli)
{
    const char *as = cli_get(cli, "as");
    struct buf payload = {0};
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "cleanup contact: wants one address");
    if (!as || (strcmp(as, "dead") != 0 && strcmp(as, "alive") != 0))
        return cli_fail(EXIT_USAGE, "--as: dead or alive");
    if (!post_can_address(span_str(cli->args[0])))
        return cli_fail(EXIT_USAGE, "cleanup contact: no address (%s)", cli->args[0]);
    struct act_contact_state a = {.contact = span_str(cli->args[0]),
                                  .state = span_str(as),
                                  .by = by_whom(cli),
                                  .why = case_text(cli, "why")};
    act_contact_state(&payload, &a);
    struct case_act act = {.kind = KIND_CONTACT_STATE, .payload = buf_as_span(&payload)};
    int rc = case_acts(cli, &act, 1, &err);
    buf_free(&payload);
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
