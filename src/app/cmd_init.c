/* ebb init DIR */
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "base/file.h"
#include "event/act.h"

#define ORIGIN_MAX 200

/* A log's name must be unique among all logs; without a domain of the operator's a random part
 * makes it so. */
static void default_origin(const char *name, char out[ORIGIN_MAX])
{
    uint8_t random[8];
    char hex[2 * sizeof random + 1];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        abort();
    hex_encode(random, sizeof random, hex);
    int n = snprintf(out, ORIGIN_MAX, "ebb.invalid/%.100s/%s", name, hex);
    for (int i = 0; i < n; i++)
        if ((unsigned char)out[i] <= ' ' || out[i] == '+')
            out[i] = '-';
}

static bool origin_is_valid(const char *origin)
{
    size_t n = strlen(origin);
    return n && n < ORIGIN_MAX && !strpbrk(origin, " \t\r\n+");
}

/* The log's first entry, so that nothing else is entry 0 and 0 can mean "no reference". */
static int open_case(const char *dir, const char *origin, struct err *err)
{
    struct casedir c = {0};
    struct buf payload = {0};
    struct entry_header header = {.kind = KIND_CASE_OPENED, .time = utc_now()};
    uint64_t index;
    int rc = casedir_open(&c, dir, JOURNAL_WRITE, err);
    if (rc == 0) {
        act_case_opened(&payload, origin, EBB_VERSION);
        rc = journal_append(c.journal, &header, buf_as_span(&payload), &index, err);
    }
    buf_free(&payload);
    struct err closing;
    int closed = casedir_close(&c, &closing);
    if (rc == 0 && closed < 0)
        *err = closing;
    return rc < 0 ? rc : closed;
}

static int make_folders(const char *dir, struct err *err)
{
    static const char *const sub[] = {"views", "blobs"};
    char path[FILE_PATH_MAX];
    int rc = file_mkdirs(dir, 0755, err);
    for (size_t i = 0; rc == 0 && i < sizeof sub / sizeof *sub; i++) {
        rc = file_path(path, err, "%s/%s", dir, sub[i]);
        if (rc == 0)
            rc = file_mkdirs(path, 0700, err);
    }
    return rc;
}

int cmd_init(const struct cli *cli)
{
    struct err err;
    char origin[ORIGIN_MAX], copy[FILE_PATH_MAX];
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "init: wants one folder");
    const char *dir = cli->args[0];
    if (file_path(copy, &err, "%s", dir) < 0)
        return cli_err(&err);
    const char *name = cli_get(cli, "name") ? cli_get(cli, "name") : basename(copy);
    if (cli_get(cli, "origin"))
        snprintf(origin, sizeof origin, "%s", cli_get(cli, "origin"));
    else
        default_origin(name, origin);
    if (!origin_is_valid(origin))
        return cli_fail(EXIT_USAGE, "--origin: must be 1 to %d characters without space or + (%s)",
                        ORIGIN_MAX - 1, origin);
    if (make_folders(dir, &err) < 0 || config_write(dir, name, origin, &err) < 0 ||
        journal_create(dir, origin, &err) < 0 || open_case(dir, origin, &err) < 0)
        return cli_err(&err);
    if (!cli->quiet)
        printf("%s: a new case, log %s\n", dir, origin);
    return EXIT_DONE;
}
