/* ebb upgrade: what an older ebb left, brought to this one's formats. The log is never changed: its
 * segments, packs and tiles are read in the versions that they were written in. Views are this
 * program's own memory: those of another version are made anew from the log. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "base/file.h"
#include "journal/segment.h"

static const struct table_column columns[] = {{"what", "what", TABLE_WORDS},
                                              {"found", "found", TABLE_WORDS},
                                              {"done", "done", TABLE_WORDS},
                                              {NULL, NULL, TABLE_WORDS}};

struct upgrading {
    const struct cli *cli;
    struct casedir c;
    struct table *table;
    bool dry;
    unsigned old; /* views that are not this version's */
};

static void say(struct upgrading *u, const char *what, const char *found, const char *done)
{
    table_str(u->table, what);
    table_str(u->table, found);
    table_words(u->table, span_str(done));
    table_row_end(u->table);
}

/* Folders that later versions made when a case was made. */
static int folders(struct upgrading *u, struct err *err)
{
    static const char *const names[] = {"views", "blobs"};
    char path[FILE_PATH_MAX];
    int rc = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && rc == 0; i++) {
        rc = file_path(path, err, "%s/%s", u->cli->case_dir, names[i]);
        if (rc < 0 || file_exists(path))
            continue;
        if (!u->dry)
            rc = file_mkdirs(path, 0700, err);
        say(u, names[i], "missing", u->dry ? "would be made" : "made");
    }
    return rc;
}

/* Opening has looked at the checkpoint and key; each segment says its own version. */
static int segments(struct upgrading *u, struct err *err)
{
    char path[FILE_PATH_MAX], found[96];
    struct segment_list list = {0};
    struct segment_reader r;
    int rc = file_path(path, err, "%s/journal", u->cli->case_dir);
    int fd = rc == 0 ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd < 0)
        return rc < 0 ? rc : err_errno(err, "%s", path);
    rc = segment_list_read(fd, &list, err);
    for (size_t i = 0; i < list.n && rc == 0; i++) {
        rc = segment_open(&r, fd, list.first[i], journal_origin(u->c.journal), err);
        if (rc == 0)
            segment_close(&r);
    }
    snprintf(found, sizeof found, "%zu segments, %llu entries, version %d", list.n,
             (unsigned long long)journal_committed(u->c.journal), SEGMENT_VERSION);
    if (rc == 0)
        say(u, "journal", found, "as it is");
    segment_list_free(&list);
    close(fd);
    return rc;
}

static int blobs(struct upgrading *u, struct err *err)
{
    char path[FILE_PATH_MAX], found[96];
    struct blob_store *store;
    struct blob_info info;
    int rc = file_path(path, err, "%s/blobs", u->cli->case_dir);
    if (rc < 0 || !file_exists(path))
        return rc;
    rc = blob_open_reader(path, &store, err);
    if (rc < 0)
        return rc;
    blob_info(store, &info);
    snprintf(found, sizeof found, "%llu bytes before compression", (unsigned long long)info.total);
    say(u, "blobs", found, "as they are");
    blob_close(store);
    return 0;
}

/* A view that is there and gives no position was another version's: it was passed over. */
static int views(struct upgrading *u, struct err *err)
{
    char path[FILE_PATH_MAX], found[64];
    unsigned old = 0, present = 0;
    int rc = 0;
    for (const char *const *view = casedir_view_names; *view; view++) /* opening makes some */
        if (file_path(path, NULL, "%s/views/%s", u->cli->case_dir, *view) == 0 && file_exists(path))
            present |= casedir_view_mask(*view);
    rc = casedir_load_views(&u->c, VIEW_ALL | VIEW_ON_DEMAND, err);
    for (const char *const *view = casedir_view_names; rc == 0 && *view; view++) {
        bool there = present & casedir_view_mask(*view);
        uint64_t at = casedir_view_position(&u->c, *view);
        bool every = casedir_view_mask(*view) & VIEW_ALL;
        if (!there && !every)
            continue;
        if (there && at > 0 && at <= journal_committed(u->c.journal)) {
            snprintf(found, sizeof found, "up to entry %llu", (unsigned long long)at);
            say(u, *view, found, "as it is");
            continue;
        }
        old++;
        say(u, *view,
            !there ? "missing"
            : at   ? "of another log"
                   : "of another version",
            u->dry ? "would be made anew" : "made anew");
        if (!u->dry)
            rc = casedir_drop_view(u->cli->case_dir, *view, err);
    }
    u->old = old;
    return rc;
}

/* With the lock: who serves a case has upgraded it by starting. */
static int rebuild(struct upgrading *u, struct err *err)
{
    struct casedir c = {.quiet = u->cli->quiet};
    struct err closing;
    int rc = casedir_open(&c, u->cli->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_ALL, err);
    if (rc == 0)
        rc = casedir_save_views(&c, err);
    int closed = casedir_close(&c, &closing);
    if (rc == 0 && closed < 0)
        *err = closing;
    return rc < 0 ? rc : closed;
}

int cmd_upgrade(const struct cli *cli)
{
    struct upgrading u = {.cli = cli, .c = {.quiet = cli->quiet}, .dry = cli_has(cli, "dry-run")};
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "upgrade: takes no argument (%s)", cli->args[0]);
    u.table = table_open(cli_shape(cli), columns, stdout);
    int rc = casedir_open(&u.c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = folders(&u, &err);
    if (rc == 0)
        rc = segments(&u, &err);
    if (rc == 0)
        rc = blobs(&u, &err);
    if (rc == 0)
        rc = views(&u, &err);
    casedir_close(&u.c, NULL);
    if (rc == 0 && u.old && !u.dry)
        rc = rebuild(&u, &err);
    if (table_close(u.table) < 0 && rc == 0)
        rc = err_set(&err, -EIO, "output could not be written");
    return rc < 0 ? cli_err(&err) : EXIT_DONE;
}
