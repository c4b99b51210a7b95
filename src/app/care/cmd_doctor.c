/* ebb doctor */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/care/doctor.h"
#include "app/care/doctor_daemon.h"
#include "base/clock.h"

#define CATCH_UP_ENTRIES 100000
#define CATCH_UP_MS      20000 /* of reading the log; what is left then is said */
#define SAID_MAX         1024

static const struct doctor_check *const checks[] = {
    doctor_config_checks, doctor_clock_checks,  doctor_disk_checks,  doctor_limit_checks,
    doctor_log_checks,    doctor_data_checks,   doctor_order_checks, doctor_dns_checks,
    doctor_key_checks,    doctor_people_checks, doctor_node_checks};

static const struct table_column columns[] = {
    {"check", "check", TABLE_WORDS}, {"what", "of", TABLE_WORDS},
    {"state", "state", TABLE_WORDS}, {"seen", "seen", TABLE_WORDS},
    {"todo", "to do", TABLE_WORDS},  {0}};

void doctor_say(struct doctor *d, enum doctor_state state, const char *what, const char *todo,
                const char *fmt, ...)
{
    char seen[SAID_MAX];
    va_list ap;
    d->count[state]++;
    if (++d->rows > DOCTOR_ROWS_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(seen, sizeof seen, fmt, ap);
    va_end(ap);
    table_str(d->table, d->check);
    table_words(d->table, span_str(what));
    table_str(d->table, doctor_state_name(state));
    table_str(d->table, seen);
    table_words(d->table, span_str(todo));
    table_row_end(d->table);
}

int doctor_stat(struct doctor *d, const char *what, const char *name, const char *todo,
                char path[FILE_PATH_MAX], struct stat *st)
{
    int rc = name[0] == '/' ? file_path(path, NULL, "%s", name)
                            : file_path(path, NULL, "%s/%s", d->dir, name);
    if (!name[0] || rc < 0)
        return 0;
    if (stat(path, st) == 0)
        return 1;
    doctor_say(d, DOCTOR_WRONG, what, todo, "%s: %s", path, strerror(errno));
    return -ENOENT;
}

const char *doctor_text(const char *path, char out[DOCTOR_TEXT_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, out, DOCTOR_TEXT_MAX - 1);
    out[n > 0 ? n : 0] = 0;
    if (fd >= 0)
        close(fd);
    return out;
}

uint64_t doctor_number(const char *path)
{
    char text[DOCTOR_TEXT_MAX], *end;
    doctor_text(path, text);
    unsigned long long v = strtoull(text, &end, 10);
    return end == text ? UINT64_MAX : v;
}

/* The views as they were saved, and what the log has beyond, for a while. */
static void load_views(struct doctor *d)
{
    struct err err;
    const unsigned views = VIEW_CASEBOOK | VIEW_PURSUIT | VIEW_CONTACTS;
    int64_t end = clock_ms() + CATCH_UP_MS;
    d->check = "views";
    d->rows = 0;
    int rc = casedir_load_views(&d->c, views, &err);
    if (rc == 0)
        do
            rc = casedir_catch_up(&d->c, views, CATCH_UP_ENTRIES, &err);
        while (rc == 1 && clock_ms() < end);
    d->views = rc >= 0 && d->c.casebook && d->c.pursuit;
    if (rc < 0)
        doctor_say(d, DOCTOR_WRONG, "", "ebb rebuild; ebb log verify", "%s", err.text);
    else if (rc == 1)
        doctor_say(d, DOCTOR_WARN, "",
                   "run `ebb serve`, whose keeper reads on, or any command that lists",
                   "far behind the log: what is said of orders, accounts and contacts is old");
}

static void run_checks(struct doctor *d)
{
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        for (const struct doctor_check *c = checks[i]; c->name; c++) {
            d->check = c->name;
            d->rows = 0;
            c->run(d);
            if (d->rows > DOCTOR_ROWS_MAX) {
                unsigned more = d->rows - DOCTOR_ROWS_MAX;
                d->rows = 0;
                doctor_say(d, DOCTOR_SKIPPED, "", "", "%u more like these", more);
            }
        }
}

int cmd_doctor(const struct cli *cli)
{
    struct doctor d = {.dir = cli->case_dir, .now = utc_now(), .c = {.quiet = true}};
    const char *resolver = cli_get(cli, "resolver");
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "doctor: takes no argument (%s)", cli->args[0]);
    if (resolver && !cli_has(cli, "ask"))
        return cli_fail(EXIT_USAGE, "doctor: --resolver goes with --ask");
    d.ask = cli_has(cli, "ask") ? resolver ? resolver : "" : NULL;
    d.table = table_open(cli_shape(cli), columns, stdout);
    d.check = "case";
    if (casedir_open(&d.c, d.dir, JOURNAL_READ, &err) < 0)
        doctor_say(&d, DOCTOR_WRONG, "", "ebb log verify says more", "%s", err.text);
    d.serving = doctor_daemon(d.dir, &d.pid);
    if (d.c.journal)
        load_views(&d);
    run_checks(&d);
    casedir_close(&d.c, NULL);
    if (table_close(d.table) < 0)
        return cli_fail(EXIT_FAILED, "output could not be written");
    if (!cli->quiet)
        fprintf(stderr, "%u ok, %u to look at, %u wrong, %u skipped\n", d.count[DOCTOR_OK],
                d.count[DOCTOR_WARN], d.count[DOCTOR_WRONG], d.count[DOCTOR_SKIPPED]);
    return d.count[DOCTOR_WRONG] ? EXIT_FAILED : EXIT_DONE;
}
