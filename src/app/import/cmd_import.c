/* ebb import [--format F] FILE|MAILDIR..., and --watch MAILDIR... */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli.h"
#include "app/import/maildir.h"
#include "app/pipeline.h"
#include "app/progress.h"
#include "base/file.h"
#include "base/json.h"
#include "event/act.h"
#include "import/import.h"

#define PROGRESS_EVERY 1024
#define EXCUSED        1 /* this file failed; the next ones can still come in */
#define OBSERVER_MAX   255
#define RETRY_MS       500 /* somebody else has the case */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* One run of the command. */
struct importer {
    const struct cli *cli;
    struct casedir c;
    struct pipeline *pipeline;
    uint64_t sensor;
    FILE *rejects;
    struct table *table; /* JSON and CSV rows, one a file */
    bool watching;

    /* the host that saw the last mail, where mail.sensor_by_host asks for it */
    char observer[OBSERVER_MAX + 1];
    uint64_t observer_sensor;

    /* the Maildir in hand: its files are mails whatever they look like, and one of them that cannot
     * be read is a reject */
    struct {
        bool in;
        uint64_t number, records, events, rejected;
    } maildir;

    /* the file in hand */
    const char *path;
    struct source *source;
    const struct import_format *format;
    uint64_t import; /* index of its IMPORT_BEGUN entry */
    uint64_t first_record, last_record;
    uint64_t events, rejected; /* of this run */
    bool already;
    char first_reject[200];
    struct progress progress;
    struct err err; /* why the sink stopped */
};

/* ---- what the format's importer calls ---- */

/* The sensor of the event's observer; most events have the same one as the last. */
static int observed_by(struct importer *im, struct span host, uint64_t *sensor)
{
    char name[OBSERVER_MAX + 1];
    size_t n = 0;
    for (; n < host.n && n < OBSERVER_MAX && host.p[n] > ' ' && host.p[n] < 0x7f; n++)
        name[n] = (char)((uint8_t)(host.p[n] - 'A') < 26 ? host.p[n] | 0x20 : host.p[n]);
    name[n] = 0;
    *sensor = im->sensor;
    if (!n || n < host.n)
        return 0;
    if (!im->observer_sensor || strcmp(name, im->observer) != 0) {
        int rc = pipeline_sensor(im->pipeline, name, &im->observer_sensor, &im->err);
        if (rc < 0)
            return rc;
        memcpy(im->observer, name, n + 1);
    }
    *sensor = im->observer_sensor;
    return 0;
}

static int take_event(void *ctx, const struct event *found)
{
    struct importer *im = ctx;
    if (found->record < im->first_record)
        return 0;
    struct event ev = *found;
    ev.import = im->import;
    int rc = observed_by(im, ev.observer, &ev.sensor);
    if (rc == 0)
        rc = pipeline_event(im->pipeline, &ev, &im->err);
    if (rc < 0)
        return rc;
    im->last_record = ev.record;
    if (++im->events % PROGRESS_EVERY == 0 && !im->maildir.in)
        progress_at(&im->progress, source_consumed(im->source), im->events, "records");
    return interrupted ? err_set(&im->err, -EINTR,
                                 "%s: interrupted after record %llu; import it "
                                 "again to go on",
                                 im->path, (unsigned long long)ev.record)
                       : 0;
}

static void write_reject(struct importer *im, const char *unit, uint64_t number, uint64_t offset,
                         const char *why)
{
    struct buf line = {0};
    struct json j = json_to(&line);
    json_object(&j);
    json_key(&j, "file");
    json_str(&j, im->path);
    json_key(&j, "unit");
    json_str(&j, unit);
    json_key(&j, "number");
    json_uint(&j, number);
    json_key(&j, "offset");
    if (offset == UINT64_MAX)
        json_null(&j);
    else
        json_uint(&j, offset);
    json_key(&j, "why");
    json_str(&j, why);
    json_object_end(&j);
    json_newline(&j);
    fwrite(line.p, 1, line.n, im->rejects);
    buf_free(&line);
}

static void take_reject(void *ctx, const char *unit, uint64_t number, uint64_t offset,
                        const char *why)
{
    struct importer *im = ctx;
    if (im->rejected++ == 0)
        snprintf(im->first_reject, sizeof im->first_reject, "%s %llu: %s", unit,
                 (unsigned long long)number, why);
    if (im->rejects)
        write_reject(im, unit, number, offset, why);
}

static int take_blob(void *ctx, struct span data, uint8_t digest[SHA256_LEN])
{
    struct importer *im = ctx;
    return pipeline_blob(im->pipeline, data, digest, &im->err);
}

/* ---- one file ---- */

static int find_format(struct importer *im, const struct import_state *known, struct err *err)
{
    const char *name = cli_get(im->cli, "format");
    struct span head;
    if (known) { /* going on must number records as it began */
        im->format = import_format_named(known->format);
        if (!im->format)
            return err_set(err, -EPROTO, "%s: begun as %s, which this version does not know",
                           im->path, known->format);
        if (name && strcmp(name, known->format) != 0 && !known->done)
            return err_set(err, -EINVAL, "%s: begun as %s: cannot go on as %s", im->path,
                           known->format, name);
        return 0;
    }
    if (name) {
        im->format = import_format_named(name);
        return 0; /* the name was checked when the command began */
    }
    int rc = source_head(im->source, &head, err);
    if (rc < 0)
        return rc;
    if (!head.n)
        return err_set(err, -ENODATA, "%s: empty file", im->path);
    im->format = !im->maildir.in               ? import_format_detect(head)
                 : import_mbox.probe(head) > 0 ? &import_mbox
                                               : &import_eml;
    if (!im->format)
        return err_set(err, -EINVAL, "%s: not a format that ebb knows (say which with --format)",
                       im->path);
    return 0;
}

/* Journals that the file begins, and keeps it as a blob when it is small enough. */
static int begin(struct importer *im, struct err *err)
{
    const char *slash = strrchr(im->path, '/');
    struct span packed = source_packed(im->source);
    uint8_t digest[SHA256_LEN];
    int kept = packed.n ? pipeline_blob(im->pipeline, packed, digest, err) : EXCUSED;
    if (kept < 0)
        return kept;
    struct act_import_begun begun = {
        .file = span_str(slash ? slash + 1 : im->path),
        .format = span_str(im->format->name),
        .sha256 = span_of(source_sha256(im->source), SHA256_LEN),
        .size = source_size(im->source),
        .kept = kept == 0,
    };
    struct buf payload = {0};
    act_import_begun(&payload, &begun);
    int rc = pipeline_act(im->pipeline, KIND_IMPORT_BEGUN, buf_as_span(&payload), &im->import, err);
    buf_free(&payload);
    return rc;
}

static int finish(struct importer *im, const struct import_counts *counts, struct err *err)
{
    const struct import_state *state = registry_file(im->c.registry, source_sha256(im->source));
    struct act_import_done done = {im->import, counts->records, state ? state->events : im->events,
                                   counts->rejected};
    struct buf payload = {0};
    uint64_t index;
    act_import_done(&payload, &done);
    int rc = pipeline_act(im->pipeline, KIND_IMPORT_DONE, buf_as_span(&payload), &index, err);
    buf_free(&payload);
    return rc < 0 || im->maildir.in ? rc : pipeline_commit(im->pipeline, err);
}

static int read_file(struct importer *im, struct import_counts *counts, struct err *err)
{
    struct import_sink sink = {.ctx = im,
                               .event = take_event,
                               .reject = take_reject,
                               .blob = take_blob,
                               .first_record = im->first_record,
                               .mail = &im->c.config->mail.import};
    im->err.code = 0;
    if (!im->maildir.in)
        progress_begin(&im->progress, im->path, source_size(im->source), im->cli->quiet);
    int rc = im->format->run(im->source, &sink, counts, err);
    if (!im->maildir.in)
        progress_end(&im->progress);
    if (rc < 0 && im->err.code) /* the sink's reason is the real one */
        *err = im->err;
    return rc;
}

/* A file's row; in the table for people a Maildir is one. */
static void print_row(struct importer *im, uint64_t records, uint64_t rejected)
{
    im->maildir.records += records;
    im->maildir.events += im->events;
    im->maildir.rejected += rejected;
    if ((im->maildir.in && cli_shape(im->cli) == TABLE_TEXT) || (im->watching && im->already))
        return;
    table_str(im->table, im->path);
    table_str(im->table, im->format->name);
    table_hex(im->table, source_sha256(im->source), SHA256_LEN);
    table_uint(im->table, records);
    table_uint(im->table, im->events);
    table_uint(im->table, rejected);
    table_bool(im->table, im->already);
    table_row_end(im->table);
}

static int import_opened(struct importer *im, struct err *err)
{
    struct import_counts counts = {0};
    const struct import_state *known = registry_file(im->c.registry, source_sha256(im->source));
    int rc = find_format(im, known, err);
    if (rc < 0)
        return rc;
    if (known && known->done) {
        im->already = true;
        print_row(im, known->records, known->rejected);
        return 0;
    }
    if (known) {
        im->import = known->index;
        im->first_record = known->last_record + 1;
    } else {
        rc = begin(im, err);
    }
    if (rc == 0)
        rc = read_file(im, &counts, err);
    if (rc == 0)
        rc = finish(im, &counts, err);
    if (rc < 0)
        return rc;
    print_row(im, counts.records, counts.rejected);
    if (im->rejected && !im->cli->quiet)
        fprintf(stderr, "ebb: %s: %llu rejected%s, the first: %s\n", im->path,
                (unsigned long long)im->rejected, im->rejects ? "" : " (list them with --rejects)",
                im->first_reject);
    return 0;
}

/* A file of a Maildir that cannot be read: it may have gone while we looked. */
static void pass_over(struct importer *im, const char *why)
{
    im->maildir.rejected++;
    take_reject(im, "file", im->maildir.number, UINT64_MAX, why);
    if (!im->cli->quiet)
        fprintf(stderr, "ebb: %s: passed over\n", why);
}

/* 0; EXCUSED when only this file failed; negative when the journal or the run cannot go on. */
static int import_file(struct importer *im, const char *path, struct err *err)
{
    im->path = path;
    im->source = NULL;
    im->format = NULL;
    im->first_record = 1;
    im->last_record = im->events = im->rejected = 0;
    im->already = false;
    im->err.code = 0;
    int rc = source_open(path, &im->source, err);
    if (rc == 0)
        rc = import_opened(im, err);
    bool fatal = im->err.code != 0; /* the pipeline's errors come through the sink */
    if (im->source)
        source_close(im->source);
    if (rc < 0 && !fatal) {
        if (im->maildir.in)
            pass_over(im, err->text);
        else
            cli_err(err);
        struct err commit; /* what came before the failure stays */
        if (pipeline_commit(im->pipeline, &commit) < 0) {
            *err = commit;
            return commit.code;
        }
        return EXCUSED;
    }
    return rc;
}

/* ---- a Maildir ---- */

static int stopped(struct importer *im, const char *what)
{
    if (!interrupted)
        return 0;
    return err_set(&im->err, -EINTR, "%s: interrupted; import it again to go on", what);
}

/* Files of Maildirs: committed together, at the end. One that cannot be read is no failure. */
static int import_files(struct importer *im, const struct maildir_files *files, const char *what,
                        struct err *err)
{
    struct progress progress;
    int rc = 0;
    memset(&im->maildir, 0, sizeof im->maildir);
    im->maildir.in = true;
    progress_begin(&progress, what, files->n, im->cli->quiet);
    for (size_t i = 0; rc >= 0 && i < files->n; i++) {
        im->maildir.number = i + 1;
        rc = import_file(im, files->path[i], err);
        progress_at(&progress, i + 1, i + 1, "files");
        if (rc >= 0 && (rc = stopped(im, what)) < 0)
            *err = im->err;
    }
    progress_end(&progress);
    im->maildir.in = false;
    return rc < 0 ? rc : pipeline_commit(im->pipeline, err);
}

static void print_maildir(struct importer *im, const char *path)
{
    table_str(im->table, path);
    table_str(im->table, "maildir");
    table_empty(im->table);
    table_uint(im->table, im->maildir.records);
    table_uint(im->table, im->maildir.events);
    table_uint(im->table, im->maildir.rejected);
    table_bool(im->table, im->maildir.events == 0);
    table_row_end(im->table);
}

static int import_maildir(struct importer *im, const char *path, struct err *err)
{
    struct maildir_files files = {0};
    int rc = maildir_list(path, &files, err);
    if (rc < 0) {
        cli_err(err);
        return EXCUSED;
    }
    rc = import_files(im, &files, path, err);
    if (rc == 0 && cli_shape(im->cli) == TABLE_TEXT)
        print_maildir(im, path);
    maildir_files_free(&files);
    return rc;
}

/* ---- the command ---- */

static const struct table_column columns[] = {
    {"file", "file", TABLE_WORDS},
    {"format", "format", TABLE_WORDS},
    {"sha256", NULL, TABLE_WORDS},
    {"records", "records", TABLE_COUNT},
    {"events", "events", TABLE_COUNT},
    {"rejected", "rejected", TABLE_COUNT},
    {"already_imported", "already imported", TABLE_WORDS},
    {0},
};

static int open_case(struct importer *im, struct err *err)
{
    const char *sensor = cli_get(im->cli, "sensor");
    im->c.quiet = im->cli->quiet;
    im->observer_sensor = 0;
    int rc = casedir_open(&im->c, im->cli->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        rc = casedir_views(&im->c, VIEW_ALL, err);
    if (rc == 0)
        rc = pipeline_open(&im->c, &im->pipeline, err);
    if (rc == 0)
        rc = pipeline_sensor(im->pipeline, sensor ? sensor : "import", &im->sensor, err);
    if (rc == 0)
        im->table = table_open(cli_shape(im->cli), columns, stdout);
    return rc;
}

/* Views are saved only when all that they have seen is durable. Gives `rc` back when it is
 * negative. */
static int close_case(struct importer *im, int rc, struct err *err)
{
    struct err why, closing;
    int late = 0;
    if (im->table && table_close(im->table) < 0 && rc >= 0)
        rc = err_set(err, -EIO, "output could not be written");
    bool whole = rc >= 0 || rc == -EINTR;
    if (im->pipeline)
        late = pipeline_close(im->pipeline, &why);
    if (late == 0 && im->pipeline && whole)
        late = casedir_save_views(&im->c, &why);
    int closed = casedir_close(&im->c, &closing);
    im->table = NULL;
    im->pipeline = NULL;
    if (late == 0 && closed < 0) {
        late = closed;
        why = closing;
    }
    if (rc >= 0 && late < 0)
        *err = why;
    return rc < 0 ? rc : late < 0 ? late : rc;
}

/* All that was named, once. */
static int import_all(struct importer *im, struct err *err)
{
    bool excused = false;
    int rc = open_case(im, err);
    for (unsigned i = 0; rc >= 0 && i < im->cli->n_args; i++) {
        const char *path = im->cli->args[i];
        rc = maildir_is_folder(path) ? import_maildir(im, path, err) : import_file(im, path, err);
        excused |= rc == EXCUSED;
    }
    rc = close_case(im, rc, err);
    return rc < 0 ? rc : excused ? EXCUSED : 0;
}

/* ---- watching ---- */

/* Brings the files in, and forgets them; keeps them when somebody else holds the case: -EBUSY. */
static int import_batch(struct importer *im, struct maildir_files *files, struct err *err)
{
    if (!files->n)
        return 0;
    int rc = open_case(im, err);
    bool busy = rc == -EBUSY;
    if (rc == 0)
        rc = import_files(im, files, "Maildir", err);
    rc = close_case(im, rc, err);
    if (busy)
        return -EBUSY;
    maildir_files_free(files);
    return rc;
}

/* The case's lock is held only while something is brought in. */
static int watch_on(struct importer *im, struct maildir_watch *w, struct maildir_files *files,
                    struct err *err)
{
    sigset_t ends, before;
    bool told = false;
    int rc = 0;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    while (rc >= 0 && !interrupted) {
        rc = import_batch(im, files, err);
        if (rc == -EBUSY && !told && !im->cli->quiet)
            fprintf(stderr, "ebb: %s: waiting\n", err->text);
        told = rc == -EBUSY;
        if (rc < 0 && rc != -EBUSY)
            break;
        /* between looking at `interrupted` and waiting no signal may get lost */
        sigprocmask(SIG_BLOCK, &ends, &before);
        rc = maildir_watch_wait(w, rc == -EBUSY ? RETRY_MS : -1, &interrupted, &before, files, err);
        sigprocmask(SIG_SETMASK, &before, NULL);
    }
    return rc == -EINTR ? 0 : rc; /* how a watch ends */
}

static int watch(struct importer *im, struct err *err)
{
    struct maildir_watch *w;
    struct maildir_files files = {0};
    im->watching = true;
    int rc = maildir_watch_open(im->cli->args, im->cli->n_args, &w, err);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; rc == 0 && i < im->cli->n_args; i++)
        rc = maildir_list(im->cli->args[i], &files, err);
    if (rc == 0)
        rc = watch_on(im, w, &files, err);
    maildir_files_free(&files);
    maildir_watch_close(w);
    return rc;
}

int cmd_import(const struct cli *cli)
{
    struct err err = {0};
    const char *format = cli_get(cli, "format"), *rejects = cli_get(cli, "rejects");
    if (!cli->n_args)
        return cli_fail(EXIT_USAGE, "import: wants a file");
    if (format && !import_format_named(format))
        return cli_fail(EXIT_USAGE, "--format: no such format (%s)", format);
    static struct importer im;
    im.cli = cli;
    signal(SIGPIPE, SIG_IGN); /* nobody reading our rows is no reason to stop half way */
    signal(SIGINT, on_interrupt);
    signal(SIGTERM, on_interrupt);
    int rc = 0;
    if (rejects && !(im.rejects = fopen(rejects, "w")))
        rc = err_errno(&err, "%s", rejects);
    if (rc == 0)
        rc = cli_has(cli, "watch") ? watch(&im, &err) : import_all(&im, &err);
    if (im.rejects && fclose(im.rejects) != 0 && rc >= 0)
        rc = err_errno(&err, "%s", rejects);
    if (rc < 0)
        return cli_err(&err);
    return rc == EXCUSED ? EXIT_FAILED : EXIT_DONE;
}
