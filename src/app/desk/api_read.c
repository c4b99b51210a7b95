/* Commands that read: parameters become the command line that `ebb` would be given, the command
 * runs in a child, and its rows come in an envelope. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/cli.h"
#include "app/desk/api_impl.h"
#include "base/clock.h"
#include "base/json.h"

#define KEEP_MAX (256u << 10) /* bytes of an answer that is kept */

/* ---- the command line ---- */

bool api_word(struct job *j, const char *before, const char *name, const char *between,
              struct span value)
{
    size_t n = strlen(before) + strlen(name) + strlen(between);
    if (j->argc == API_ARGV_MAX)
        return false;
    char *word = arena_alloc(&j->arena, n + value.n + 1);
    snprintf(word, n + 1, "%s%s%s", before, name, between);
    if (value.n)
        memcpy(word + n, value.p, value.n);
    word[n + value.n] = 0;
    j->argv[j->argc++] = word;
    return true;
}

bool api_option_is_refused(const char *command, const char *name)
{
    static const char *const files[] = {"FILE", "DIR", "PATH", "MAILDIR"};
    static const char *const ours[] = {"json",    "csv", "commit",
                                       "account", "key", "passphrase-file", "engine"};
    const char *arg;
    if (!cli_option(command, name, &arg))
        arg = NULL;
    for (size_t i = 0; arg && i < sizeof files / sizeof *files; i++)
        if (strcmp(arg, files[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(name, ours[i]) == 0)
            return true;
    return false;
}

struct reading {
    struct job *job;
    struct web_reply *reply;
    bool refused;
    unsigned args;
    struct span arg[API_ARGV_MAX];
};

static int refuse(struct reading *g, const char *why, const char *name)
{
    api_refuse(g->reply, 400, "%s: %.64s", name, why);
    g->refused = true;
    return 1;
}

static int take_format(struct reading *g, struct span value)
{
    struct job *j = g->job;
    j->csv = span_is(value, "csv") && j->route->shape == ROWS;
    j->plain = span_is(value, "text") && j->route->shape == TEXT;
    return j->csv || j->plain || span_is(value, "json") ? 0 : refuse(g, "no such format", "format");
}

static int take_flag(struct reading *g, const char *name, struct span value)
{
    if (!value.n || span_is(value, "true") || span_is(value, "1"))
        return api_word(g->job, "--", name, "", span_of(NULL, 0)) ? 0 : refuse(g, "too many", name);
    return span_is(value, "false") || span_is(value, "0") ? 0 : refuse(g, "true or false", name);
}

static int take_parameter(void *ctx, const char *name, struct span value)
{
    struct reading *g = ctx;
    const char *arg;
    if (value.n && memchr(value.p, 0, value.n))
        return refuse(g, "a NUL is in it", name);
    if (strcmp(name, "format") == 0 && !cli_option(g->job->command, name, &arg))
        return take_format(g, value);
    if (strcmp(name, "arg") == 0) {
        if (g->args == API_ARGV_MAX)
            return refuse(g, "too many", name);
        g->arg[g->args++] = value;
        return 0;
    }
    if (api_option_is_refused(g->job->command, name))
        return refuse(g, "not at the desk", name);
    if (cli_option(g->job->command, name, &arg) && !arg)
        return take_flag(g, name, value);
    return api_word(g->job, "--", name, "=", value) ? 0 : refuse(g, "too many", name);
}

/* Lists that may have a row an event: so many unless it is said how many; CSV is for keeping. */
#define LIMIT "1000"

static void limit_rows(struct job *j, struct web_request *r)
{
    static const char *const lists[] = {"events", "campaigns", "contacts queue"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(j->command, lists[i]) == 0 && !web_query(r, "limit").p && !j->csv)
            api_word(j, "--limit=", "", "", span_str(LIMIT));
}

static bool build(struct reading *g, struct web_request *r)
{
    struct job *j = g->job;
    const char *arg;
    struct span none = {0};
    web_queries(r, take_parameter, g);
    if (g->refused)
        return false;
    limit_rows(j, r);
    if (j->csv)
        api_word(j, "--csv", "", "", none);
    else if (j->route->shape != TEXT && cli_option(j->command, "json", &arg))
        api_word(j, "--json", "", "", none);
    bool fits = api_word(j, "--", "", "", none);
    for (unsigned i = 0; i < g->args; i++)
        fits = fits && api_word(j, "", "", "", g->arg[i]);
    if (!fits)
        refuse(g, "too many", "arg");
    return fits;
}

/* ---- in the child ---- */

static int run_command(void *ctx)
{
    static const struct case_collector reads = {0};
    static struct cli cli;
    struct job *j = ctx;
    case_collect(&reads); /* whatever the command is: nothing goes on the log from here */
    cli.case_dir = j->view.case_dir;
    cli.quiet = true;
    cli.account = j->session.account;
    return cli_run_command(&cli, j->command, j->argc, j->argv);
}

/* ---- answers ---- */

/* Commands that exit with 1 when what they looked at does not hold: that is an answer. */
static bool is_check(const char *command)
{
    static const char *const all[] = {"log verify", "account check", "reward ledger",
                                      "contacts find"};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(command, all[i]) == 0)
            return true;
    return false;
}

/* Rows are lines; no other line end is in JSON Lines. */
static void put_rows(struct job *j, struct buf *out)
{
    struct buf *rows = &j->query.text;
    size_t n = rows->n;
    while (n && rows->p[n - 1] == '\n')
        n--;
    buf_reserve(out, n + 4096);
    buf_printf(out, "{\"position\":%llu,\"rows\":[", (unsigned long long)j->position);
    for (size_t i = 0; i < n; i++)
        if (rows->p[i] == '\n')
            rows->p[i] = ',';
    buf_put(out, rows->p, n);
    buf_byte(out, ']');
}

static void put_text(struct job *j, struct buf *out)
{
    struct json o = json_to(out);
    json_object(&o);
    json_key(&o, "position");
    json_uint(&o, j->position);
    json_key(&o, "text");
    json_span(&o, buf_as_span(&j->query.text));
}

static void put_end(struct job *j, struct buf *out)
{
    struct json o = {.out = out, .comma = true};
    api_put_warnings(j, &o);
    buf_str(out, "}\n");
}

static void name_file(const struct job *j, struct web_reply *reply, const char *ending)
{
    snprintf(reply->attachment, sizeof reply->attachment, "%s.%s", j->command, ending);
    for (char *p = reply->attachment; *p; p++)
        *p = *p == ' ' ? '-' : *p;
}

static void finish(struct job *j, struct web_reply *reply)
{
    struct desk_query *q = &j->query;
    bool answers =
        q->code == EXIT_DONE || (q->code == EXIT_FAILED && q->text.n && is_check(j->command));
    if (!answers) {
        api_refuse_child(j, reply);
        return;
    }
    if (j->csv || j->plain || j->route->shape == DOCUMENT) {
        if (j->csv || j->plain)
            name_file(j, reply, j->csv ? "csv" : "txt");
        reply->type = j->csv     ? "text/csv; charset=utf-8"
                      : j->plain ? "text/plain; charset=utf-8"
                                 : reply->type;
        reply->body = q->text;
        q->text = (struct buf){0};
    } else {
        if (j->route->shape == ROWS)
            put_rows(j, &reply->body);
        else
            put_text(j, &reply->body);
        put_end(j, &reply->body);
    }
    if (j->key && !j->csv && !j->plain && reply->body.n <= KEEP_MAX)
        api_kept_put(j->api->kept, j->key, j->position, clock_ms() - j->since,
                     buf_as_span(&reply->body));
}

/* The same for everybody who may see it, as long as the log does not grow. */
static const char *key_of(struct job *j)
{
    struct buf key = {0};
    if (strcmp(j->command, "status") == 0 || !(j->route->roles & ROLE_AUDITOR) ||
        !(j->route->roles & ROLE_OPERATOR) || j->csv || j->plain)
        return NULL;
    buf_str(&key, j->command);
    for (int i = 0; i < j->argc; i++) {
        buf_byte(&key, 0x1f);
        buf_str(&key, j->argv[i]);
    }
    char *out = arena_alloc(&j->arena, key.n + 1);
    memcpy(out, key.p, key.n);
    out[key.n] = 0;
    buf_free(&key);
    return out;
}

int api_read(struct desk_api *a, const struct desk_session *s, struct web_request *r,
             const struct api_route *route, struct web_reply *reply)
{
    struct job *j = api_job(a, s, r, route);
    struct reading g = {.job = j, .reply = reply};
    j->command = route->path;
    j->child = run_command;
    j->finish = finish;
    if (!build(&g, r)) {
        api_job_free(j);
        return WEB_NOW;
    }
    j->key = key_of(j);
    const struct buf *kept = j->key ? api_kept_find(a->kept, j->key, api_log_size(a)) : NULL;
    if (!kept)
        return api_submit(j, reply);
    buf_span(&reply->body, buf_as_span(kept));
    api_job_free(j);
    return WEB_NOW;
}
