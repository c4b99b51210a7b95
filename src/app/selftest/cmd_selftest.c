/* ebb selftest: each role of `ebb serve` is entered in a process of its own, once for each act, and
 * what it can do is compared with what it may. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli.h"
#include "app/serve/sandbox_calls.h"
#include "app/selftest/selftest.h"

#define ACT_SECONDS 10
#define UNPREPARED  255 /* exit code of a child that did not come so far */
#define UNCONFINED  SANDBOX_ROLES

struct outcome {
    bool done; /* the act succeeded */
    bool prepared;
    int error; /* positive errno, when it was refused */
    int signal;
};

/* What a role needs must go through the supervisor's rules, too, as it was forked by it; what it
 * must not do must fail by its own. */
static int enter(int role, bool may, const struct sandbox_paths *paths, struct err *err)
{
    if (role == UNCONFINED)
        return 0;
    int rc = sandbox_drop(NULL, err);
    if (rc == 0 && may && role != SANDBOX_SUPERVISOR)
        rc = sandbox_enter(SANDBOX_SUPERVISOR, paths, err);
    return rc == 0 ? sandbox_enter((enum sandbox_role)role, paths, err) : rc;
}

static _Noreturn void act_main(const struct act *act, int role, bool may, const char *root)
{
    struct scene scene;
    struct err err = {0};
    signal(SIGALRM, SIG_DFL);
    alarm(ACT_SECONDS);
    int rc = scene_make(&scene, root, &err);
    struct sandbox_paths paths = {.case_dir = scene.case_dir, .port = scene.port};
    if (rc == 0)
        rc = enter(role, may, &paths, &err);
    if (rc < 0) {
        cli_fail(EXIT_FAILED, "selftest: %s", err.text);
        _exit(UNPREPARED);
    }
    rc = act->run(&scene);
    _exit(-rc);
}

static struct outcome try_act(const struct act *act, int role, bool may, const char *root)
{
    struct outcome o = {.prepared = true};
    int status;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        act_main(act, role, may, root);
    if (pid < 0 || waitpid(pid, &status, 0) < 0) {
        o.prepared = false;
    } else if (WIFSIGNALED(status)) {
        o.signal = WTERMSIG(status);
        o.done = act->dies && o.signal == SIGABRT;
    } else {
        o.prepared = WEXITSTATUS(status) != UNPREPARED;
        o.error = WEXITSTATUS(status);
        o.done = o.error == 0 && !act->dies;
    }
    return o;
}

static bool refused(const struct outcome *o)
{
    return o->prepared && !o->done && (o->error == EPERM || o->error == EACCES);
}

/* What the kernel cannot enforce is no fault of ours; the row says so. */
static bool beyond_kernel(const struct act *act, int role, int abi)
{
    return act->abi > abi && role != SANDBOX_SENSOR;
}

static void result_text(const struct act *act, const struct outcome *o, bool beyond, char out[128])
{
    if (!o->prepared)
        snprintf(out, 128, "not tried");
    else if (o->done)
        snprintf(out, 128, beyond ? "allowed (needs Landlock ABI %d)" : "allowed", act->abi);
    else if (o->signal)
        snprintf(out, 128, "killed by signal %d", o->signal);
    else
        snprintf(out, 128, "denied (%s)",
                 strerrorname_np(o->error) ? strerrorname_np(o->error) : "?");
}

static bool row(struct table *t, const struct act *act, int role, const char *root)
{
    int abi = sandbox_landlock_abi();
    bool may = role == UNCONFINED || act->roles & 1u << role;
    bool beyond = !may && beyond_kernel(act, role, abi);
    struct outcome o = try_act(act, role, may, root);
    bool holds = o.prepared && (may ? o.done : refused(&o) || (beyond && o.done));
    char result[128];
    result_text(act, &o, beyond, result);
    table_str(t, role == UNCONFINED ? "unconfined" : sandbox_role_name((enum sandbox_role)role));
    table_str(t, act->name);
    table_str(t, may ? "allowed" : "denied");
    table_str(t, result);
    table_bool(t, holds);
    table_row_end(t);
    return holds;
}

int cmd_selftest(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"role", "role", TABLE_WORDS},         {"act", "act", TABLE_WORDS},
        {"expected", "expected", TABLE_WORDS}, {"result", "result", TABLE_WORDS},
        {"holds", "holds", TABLE_WORDS},       {0}};
    char root[FILE_PATH_MAX];
    struct err err;
    unsigned differ = 0;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "selftest: takes no argument (%s)", cli->args[0]);
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    int rc = 0;
    for (int role = 0; rc == 0 && role <= UNCONFINED; role++) {
        for (const struct act *act = selftest_acts; rc == 0 && act->name; act++) {
            if (role == UNCONFINED && !act->unconfined)
                continue;
            rc = scene_make_folder(root, &err);
            if (rc == 0) {
                differ += !row(t, act, role, root);
                scene_remove_folder(root);
            }
        }
    }
    table_close(t);
    if (rc < 0)
        return cli_err(&err);
    return differ ? cli_fail(EXIT_FAILED, "selftest: %u rows do not hold", differ) : EXIT_DONE;
}
