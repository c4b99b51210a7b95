/* ebb log timestamp */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/case_act.h"
#include "app/log/evidence_post.h"
#include "app/log/tsa.h"
#include "base/file.h"
#include "event/event.h"
#include "state/handovers.h"

#define CA_FILE_MAX (4u << 20)
#define SKEW_MAX    (3600 * UTC_SECOND) /* between the authority's clock and ours */

/* The day's checkpoint, and what the authority says of it. */
struct stamp {
    struct buf note, ca, token;
    struct checkpoint checkpoint;
    struct tsa_answer answer;
};

static void stamp_free(struct stamp *s)
{
    buf_free(&s->note);
    buf_free(&s->ca);
    buf_free(&s->token);
    buf_free(&s->answer.chain);
}

static int read_ca(const struct cli *cli, const char *name, struct buf *out, struct err *err)
{
    char path[FILE_PATH_MAX];
    struct err why;
    int rc = name[0] == '/' ? file_path(path, err, "%s", name)
                            : file_path(path, err, "%s/%s", cli->case_dir, name);
    if (rc == 0 && (rc = file_read(path, CA_FILE_MAX, out, &why)) < 0)
        rc = err_set(err, rc, "evidence.tsa.ca: %s", why.text);
    return rc;
}

/* The checkpoint as it is published; the key has been checked by reading it. */
static int read_checkpoint(struct casedir *c, struct stamp *s, struct err *err)
{
    int rc = journal_checkpoint(c->journal, &s->note, err);
    const uint8_t *blank = rc == 0 ? memmem(s->note.p, s->note.n, "\n\n", 2) : NULL;
    if (rc < 0)
        return rc;
    return checkpoint_parse(span_of(s->note.p, blank ? (size_t)(blank - s->note.p) + 1 : 0),
                            &s->checkpoint, err);
}

static int ask(const struct config_evidence *e, struct span question, struct buf *token,
               struct err *err)
{
    struct evidence_answer answer = {0};
    const struct evidence_request request = {.key = "evidence.tsa.url",
                                             .url = e->tsa.url,
                                             .content_type = "application/timestamp-query",
                                             .accept = "application/timestamp-reply",
                                             .body = question,
                                             .timeout_s = e->timeout_s};
    int rc = evidence_post(&request, &answer, err);
    if (rc == 0 && answer.status != 200)
        rc = err_set(err, -EPROTO, "evidence.tsa.url: HTTP status %ld (%s)", answer.status,
                     e->tsa.url);
    if (rc == 0)
        buf_span(token, buf_as_span(&answer.body));
    buf_free(&answer.body);
    return rc;
}

/* One of the two clocks is wrong then: which, a person must find out. */
static int check_clock(int64_t when, struct err *err)
{
    char ours[UTC_TEXT_MAX], theirs[UTC_TEXT_MAX];
    int64_t now = utc_now();
    if (when < now + SKEW_MAX && when > now - SKEW_MAX)
        return 0;
    utc_format(now, ours);
    utc_format(when, theirs);
    return err_set(err, -ERANGE, "the authority says %s, this machine's clock %s", theirs, ours);
}

static int get_stamp(const struct cli *cli, struct casedir *c, struct stamp *s, struct err *err)
{
    const struct config_evidence *e = &c->config->evidence;
    struct tsa_question *question = NULL;
    uint8_t digest[SHA256_LEN];
    int rc = read_ca(cli, e->tsa.ca, &s->ca, err);
    if (rc == 0)
        rc = read_checkpoint(c, s, err);
    if (rc < 0)
        return rc;
    sha256(s->note.p, s->note.n, digest);
    rc = tsa_question_make(digest, e->tsa.policy, &question, err);
    if (rc == 0)
        rc = ask(e, tsa_question_der(question), &s->token, err);
    if (rc == 0)
        rc = tsa_answer_check(buf_as_span(&s->token), question, buf_as_span(&s->ca), &s->answer,
                              err);
    tsa_question_free(question);
    return rc == 0 ? check_clock(s->answer.when, err) : rc;
}

static int keep_files(const struct cli *cli, const struct stamp *s, uint8_t chain[SHA256_LEN],
                      uint8_t note[SHA256_LEN], struct err *err)
{
    struct case_keeper *k;
    struct err closing;
    int rc = case_keeper_open(cli, &k, err);
    if (rc < 0)
        return rc;
    rc = case_keeper_put(k, buf_as_span(&s->note), note, err);
    if (rc == 0)
        rc = case_keeper_put(k, buf_as_span(&s->answer.chain), chain, err);
    int closed = case_keeper_close(k, &closing);
    if (rc == 0 && closed < 0)
        *err = closing;
    return rc < 0 ? rc : closed;
}

static int keep(const struct cli *cli, const struct stamp *s, uint64_t *index, struct err *err)
{
    uint8_t token[SHA256_LEN], chain[SHA256_LEN], note[SHA256_LEN];
    struct buf payload = {0};
    int rc = keep_files(cli, s, chain, note, err);
    if (rc < 0)
        return rc;
    sha256(s->token.p, s->token.n, token);
    const struct act_timestamp a = {.root = span_of(s->checkpoint.root, SHA256_LEN),
                                    .size = s->checkpoint.size,
                                    .when = s->answer.when,
                                    .chain = span_of(chain, SHA256_LEN),
                                    .sha256 = span_of(token, SHA256_LEN),
                                    .authority = span_str(s->answer.authority),
                                    .checkpoint = span_of(note, SHA256_LEN)};
    act_timestamp(&payload, &a);
    struct case_act act = {
        .kind = KIND_TIMESTAMP, .payload = buf_as_span(&payload), .blob = buf_as_span(&s->token)};
    rc = case_acts(cli, &act, 1, err);
    *index = act.index;
    buf_free(&payload);
    return rc;
}

static const struct table_column columns[] = {
    {"index", "entry", TABLE_ID}, {"size", "entries", TABLE_COUNT}, {"time", "time", TABLE_WORDS},
    {"by", "by", TABLE_WORDS},    {"root", NULL, TABLE_WORDS},      {0},
};

static int print(const struct cli *cli, const struct stamp *s, uint64_t index)
{
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_uint(t, index);
    table_uint(t, s->checkpoint.size);
    case_put_time(t, s->answer.when);
    table_str(t, s->answer.authority);
    table_hex(t, s->checkpoint.root, SHA256_LEN);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* 1: the day has one. */
static int is_due(const struct cli *cli, struct casedir *c, struct err *err)
{
    int64_t now = utc_now(), today = now - now % UTC_DAY;
    if (!c->config->evidence.tsa.url[0])
        return err_set(err, -ENOENT,
                       "log timestamp: evidence.tsa.url in " CONFIG_FILE " names no authority");
    return !cli_has(cli, "force") && handovers_stamped(c->pursuit, today, today + UTC_DAY);
}

int cmd_log_timestamp(const struct cli *cli)
{
    struct casedir c;
    struct stamp s = {0};
    struct err err;
    uint64_t index = 0;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "log timestamp: takes no argument (%s)", cli->args[0]);
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, &err);
    if (rc == 0)
        rc = is_due(cli, &c, &err);
    if (rc == 0)
        rc = get_stamp(cli, &c, &s, &err);
    casedir_close(&c, NULL);
    if (rc == 1 && !cli->quiet)
        fprintf(stderr, "ebb: the day has a time stamp already (--force asks for another)\n");
    int code = EXIT_DONE;
    if (rc == 0)
        rc = keep(cli, &s, &index, &err);
    if (rc == 0)
        code = print(cli, &s, index);
    stamp_free(&s);
    return rc < 0 ? cli_err(&err) : code;
}
