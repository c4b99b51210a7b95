/* In a child of the desk: an act's command runs, and what would go on the log is written out. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/account/account.h"
#include "app/case_act.h"
#include "app/cli.h"
#include "app/desk/act.h"
#include "app/desk/query.h"
#include "base/file.h"
#include "base/json.h"
#include "journal/note.h"
#include "view/act_json.h"

struct making {
    const struct act_made *m;
    struct note_key log;
    struct account_key key; /* no secrets */
    struct buf frames;
    unsigned acts, parts;
};

static void put_field(struct buf *out, struct span s)
{
    buf_be32(out, (uint32_t)s.n);
    buf_span(out, s);
}

static int no_room(const struct making *g, size_t more, struct err *err)
{
    return g->frames.n + more > ACT_PREPARED_BYTES || g->acts == ACT_AT_ONCE_MAX ||
                   g->parts == ACT_AT_ONCE_MAX
               ? err_set(err, -E2BIG, "too much for the desk at once: do it at the command line")
               : 0;
}

static int take_act(void *ctx, const struct case_act *act, struct err *err)
{
    struct making *g = ctx;
    struct buf plain = {0}, sign = {0}, words = {0};
    int rc = no_room(g, act->payload.n * 4 + act->blob.n, err);
    if (rc == 0 &&
        act_to_sign(act->payload, act->kind, g->log.name, span_str(g->key.name), &plain, &sign) < 0)
        rc = err_set(err, -EINVAL, "an act that cannot be signed");
    if (rc == 0) {
        struct entry e = {.header = {.kind = act->kind, .time = utc_now()},
                          .payload = buf_as_span(&plain)};
        struct json j = json_to(&words);
        act_json(&e, &j);
        buf_byte(&g->frames, 'A');
        buf_byte(&g->frames, act->kind);
        put_field(&g->frames, buf_as_span(&plain));
        put_field(&g->frames, buf_as_span(&sign));
        put_field(&g->frames, buf_as_span(&words));
        put_field(&g->frames, act->blob);
        g->acts++;
    }
    buf_free(&plain);
    buf_free(&sign);
    buf_free(&words);
    return rc;
}

static int take_part(void *ctx, struct span part, struct err *err)
{
    struct making *g = ctx;
    int rc = no_room(g, part.n, err);
    if (rc < 0)
        return rc;
    buf_byte(&g->frames, 'P');
    put_field(&g->frames, part);
    g->parts++;
    return 0;
}

/* The account as the case has it, which may have changed since the session began. */
static int find_account(struct making *g, struct err *err)
{
    const struct cli cli = {.case_dir = g->m->case_dir, .quiet = true};
    struct casedir c;
    struct account a;
    int rc = case_open(&cli, &c, err);
    if (rc == 0)
        rc = casebook_account(c.casebook, span_str(g->m->account), &a, err);
    if (rc == 0 || (rc == 1 && !account_is_open(&a, utc_now())))
        rc = err_set(err, -EPERM, "account %s is not in force", g->m->account);
    if (rc == 1) {
        snprintf(g->key.name, sizeof g->key.name, "%s", a.name);
        memcpy(g->key.box, a.box, sizeof g->key.box);
        memcpy(g->key.sign, a.sign, sizeof g->key.sign);
    }
    casedir_close(&c, NULL);
    return rc < 0 ? rc : 0;
}

static int run(struct making *g, struct err *err)
{
    static struct cli cli;
    const struct act_made *m = g->m;
    if (act_passkey_is(m->command)) {
        int rc = act_passkey_make(m, err);
        return rc == 0 ? EXIT_DONE
                       : cli_fail(rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED, "%s", err->text);
    }
    for (unsigned i = 0; i < m->files; i++)
        if (!file_offer(m->file[i].path, m->file[i].data))
            return cli_fail(EXIT_USAGE, "more than %d files", FILE_OFFERS_MAX);
    cli.case_dir = m->case_dir;
    cli.quiet = true;
    cli.account = m->account;
    return cli_run_command(&cli, m->command, m->argc, m->argv);
}

static int write_frames(struct making *g)
{
    struct buf end = {0};
    buf_be64(&end, g->frames.n);
    buf_str(&end, ACT_TRAILER);
    bool good = fwrite(g->frames.p, 1, g->frames.n, stdout) == g->frames.n &&
                fwrite(end.p, 1, end.n, stdout) == end.n && fflush(stdout) == 0;
    buf_free(&end);
    return good ? EXIT_DONE : EXIT_FAILED;
}

/* All of one command's acts are there: each hands them over at once. */
static void end(void *ctx)
{
    struct making *g = ctx;
    fflush(stderr);
    _exit(g->acts ? write_frames(g) : EXIT_FAILED);
}

int act_make(const struct act_made *m)
{
    static struct making g;
    struct err err = {0};
    const struct case_collector collector = {take_act, take_part, end, &g};
    g.m = m;
    int rc = case_log_key(m->case_dir, &g.log, &err);
    if (rc == 0)
        rc = find_account(&g, &err);
    if (rc < 0)
        return cli_fail(rc == -EPERM ? QUERY_FORBIDDEN : EXIT_FAILED, "%s", err.text);
    case_collect(&collector);
    account_is_elsewhere(&g.key);
    int code = run(&g, &err);
    return code == EXIT_DONE ? cli_fail(EXIT_FAILED, "%s: there is nothing to record", m->command)
                             : code;
}
