/* ebb node push */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "app/case_act.h"
#include "app/node/node_push.h"
#include "base/file.h"

#define LOCK_FILE "nodes/push.lock"

/* One at a time: a slow one is not overtaken by the next. */
static int take_lock(const struct cli *cli, int *fd, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = file_path(path, err, "%s/nodes", cli->case_dir);
    if (rc == 0)
        rc = file_mkdirs(path, 0700, err);
    if (rc == 0)
        rc = file_path(path, err, "%s/" LOCK_FILE, cli->case_dir);
    if (rc < 0)
        return rc;
    *fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (*fd < 0)
        return err_errno(err, "%s", path);
    if (flock(*fd, LOCK_EX | LOCK_NB) < 0)
        return err_set(err, -EBUSY, "another `ebb node push` is at it (%s)", path);
    return 0;
}

static const struct table_column columns[] = {
    {"centre", "centre", TABLE_WORDS},          {"log_size", "entries", TABLE_COUNT},
    {"census_position", "census", TABLE_COUNT}, {"census_bytes", "bytes", TABLE_COUNT},
    {"sent_bytes", "sent", TABLE_COUNT},        {0},
};

static void print(const struct cli *cli, const struct node_push *p)
{
    struct table *t = table_open(cli_shape(cli), columns, stdout);
    table_str(t, p->nodes->witness.name);
    table_uint(t, p->size);
    table_uint(t, p->position);
    table_uint(t, p->bytes);
    table_uint(t, p->sent);
    table_row_end(t);
    table_close(t);
}

/* One report. */
static int push(const struct cli *cli, unsigned *minutes, struct err *err)
{
    struct casedir c = {.quiet = cli->quiet};
    struct node_push p = {0};
    int lock = -1;
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        rc = node_push_open(&p, &c, err);
    if (rc == 0)
        *minutes = c.config->nodes.minutes;
    if (rc == 0)
        rc = take_lock(cli, &lock, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CENSUS, err);
    if (rc == 0)
        rc = node_push_all(&p, err);
    if (rc == 0 && (!cli->quiet || cli_shape(cli) != TABLE_TEXT))
        print(cli, &p);
    node_push_close(&p);
    if (lock >= 0)
        close(lock);
    casedir_close(&c, NULL);
    return rc;
}

/* Until it is ended, by a signal. What cannot work at all ends it the first time. */
static int stay(const struct cli *cli)
{
    struct err err;
    unsigned minutes = 0;
    for (;;) {
        int rc = push(cli, &minutes, &err);
        if (rc < 0)
            cli_fail(EXIT_FAILED, "node push: %s", err.text);
        if (!minutes)
            return EXIT_FAILED;
        fflush(stdout);
        sleep(minutes * 60);
    }
}

int cmd_node_push(const struct cli *cli)
{
    struct err err;
    unsigned minutes;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "node push: takes no argument (%s)", cli->args[0]);
    if (cli_has(cli, "stay"))
        return stay(cli);
    return push(cli, &minutes, &err) < 0 ? cli_fail(EXIT_FAILED, "node push: %s", err.text)
                                         : EXIT_DONE;
}
