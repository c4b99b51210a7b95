/* ebb contacts import FILE... */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/progress.h"
#include "app/import/rejects.h"
#include "base/mem.h"
#include "contact/gather.h"
#include "event/act_cleanup.h"
#include "import/lines.h"

#define SETS_MAX       16 /* sources of one call */
#define FILE_NAMES_MAX 500
#define PROGRESS_EVERY 65536

static const char *const sources[] = {"operator", "ripe",    "apnic", "arin",
                                      "lacnic",   "afrinic", "cert",  "nro"};

struct file_row {
    const char *path;
    struct data_set *set;
    struct gather_counts counts;
};

/* The files of one source. */
struct data_set {
    struct gather_kind kind;
    struct gather *gather;
    struct gather_totals totals;
    struct buf names, table, payload;
    unsigned files;
    uint8_t digest[SHA256_LEN]; /* of the file; of several: of their digests */
    sha256_ctx digests;
    uint64_t rejected;
    int64_t made; /* of the oldest file that says it; ACT_FOREVER: none does */
    uint64_t entry;
};

struct contacts_import {
    const struct cli *cli;
    FILE *rejects;
    int64_t made; /* --made; ACT_FOREVER */
    struct data_set sets[SETS_MAX];
    unsigned n_sets;
    struct file_row *files;
    unsigned n_files;
    uint64_t blob_max;

    const char *path; /* the file in hand */
    uint64_t rejected;
    char first_reject[200];
};

/* ---- what cannot be taken ---- */

static void take_reject(void *ctx, uint64_t line, const char *why)
{
    struct contacts_import *im = ctx;
    if (im->rejected++ == 0)
        snprintf(im->first_reject, sizeof im->first_reject, "line %" PRIu64 ": %s", line, why);
    if (im->rejects)
        rejects_line(im->rejects, im->path, line, why);
}

static void say_rejects(const struct contacts_import *im)
{
    if (im->rejected && !im->cli->quiet)
        fprintf(stderr, "ebb: %s: %" PRIu64 " rejected%s, the first: %s\n", im->path, im->rejected,
                im->rejects ? "" : " (list them with --rejects)", im->first_reject);
}

/* ---- reading ---- */

static int recognise(const struct contacts_import *im, struct source *src, struct gather_kind *kind,
                     struct err *err)
{
    const char *name = cli_get(im->cli, "source");
    struct span head;
    int rc = source_head(src, &head, err);
    if (rc < 0)
        return rc;
    if (!gather_recognise(head, kind))
        return err_set(err, -EINVAL,
                       "%s: no table of contacts, registry's dump or statistics that ebb knows",
                       im->path);
    if (name)
        snprintf(kind->source, sizeof kind->source, "%s", name);
    if (!kind->source[0])
        return err_set(err, -EINVAL, "%s: does not say whose it is (say so with --source)",
                       im->path);
    return 0;
}

static int set_of(struct contacts_import *im, const struct gather_kind *kind, struct data_set **out,
                  struct err *err)
{
    struct gather_sink sink = {im, take_reject};
    for (unsigned i = 0; i < im->n_sets; i++)
        if (im->sets[i].kind.format == kind->format &&
            strcmp(im->sets[i].kind.source, kind->source) == 0) {
            *out = &im->sets[i];
            return 0;
        }
    if (im->n_sets == SETS_MAX)
        return err_set(err, -E2BIG, "%s: more than %d sources at once", im->path, SETS_MAX);
    *out = &im->sets[im->n_sets++];
    **out = (struct data_set){.kind = *kind, .made = ACT_FOREVER};
    (*out)->gather = gather_new(kind->format, kind->source, &sink);
    sha256_begin(&(*out)->digests);
    return 0;
}

static int read_lines(struct contacts_import *im, struct source *src, struct gather *g,
                      struct err *err)
{
    struct lines *lines = lines_open(src);
    struct progress progress;
    struct line line;
    int rc, took = 0;
    if (!lines)
        return err_set(err, -ENOMEM, "%s: no memory", im->path);
    progress_begin(&progress, im->path, source_size(src), im->cli->quiet);
    while (took == 0 && (rc = lines_next(lines, &line, err)) > 0) {
        if (rc == LINES_TOO_LONG)
            line.text = span_of(NULL, 0);
        took = gather_line(g, line.text);
        if (line.number % PROGRESS_EVERY == 0)
            progress_at(&progress, source_consumed(src), line.number, "lines");
    }
    progress_end(&progress);
    lines_close(lines);
    return took < 0 ? err_set(err, took, "%s: more rows than ebb takes from one source", im->path)
                    : rc;
}

/* The file's part in what its set's act says. */
static void note_file(struct data_set *set, const char *path, const struct source *src,
                      const struct gather_counts *counts)
{
    const char *slash = strrchr(path, '/');
    if (set->names.n < FILE_NAMES_MAX)
        buf_printf(&set->names, "%s%s", set->files ? " " : "", slash ? slash + 1 : path);
    memcpy(set->digest, source_sha256(src), SHA256_LEN);
    sha256_add(&set->digests, set->digest, SHA256_LEN);
    set->files++;
    set->rejected += counts->rejected;
    if (counts->made && counts->made < set->made)
        set->made = counts->made;
}

static int read_opened(struct contacts_import *im, struct source *src, struct err *err)
{
    struct gather_kind kind;
    struct file_row *row = &im->files[im->n_files];
    int rc = recognise(im, src, &kind, err);
    *row = (struct file_row){.path = im->path};
    if (rc == 0)
        rc = set_of(im, &kind, &row->set, err);
    if (rc < 0)
        return rc;
    gather_file(row->set->gather);
    rc = read_lines(im, src, row->set->gather, err);
    if (rc == 0 && gather_file_end(row->set->gather, &row->counts) < 0)
        rc = err_set(err, -E2BIG, "%s: more rows than ebb takes from one source", im->path);
    if (rc < 0)
        return rc;
    if (im->made != ACT_FOREVER)
        row->counts.made = im->made;
    note_file(row->set, im->path, src, &row->counts);
    im->n_files++;
    say_rejects(im);
    return 0;
}

/* A file that cannot be read ends it all: half of a source's files would lose contacts. */
static int read_files(struct contacts_import *im, struct err *err)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < im->cli->n_args; i++) {
        struct source *src = NULL;
        im->path = im->cli->args[i];
        im->rejected = 0;
        rc = source_open(im->path, &src, err);
        if (rc == 0)
            rc = read_opened(im, src, err);
        if (src)
            source_close(src);
    }
    return rc;
}

/* ---- the acts ---- */

static void say_totals(const struct contacts_import *im, const struct data_set *set)
{
    const struct gather_totals *t = &set->totals;
    if (im->cli->quiet || (!t->silent && !t->dangling && !t->fake && !t->malformed))
        return;
    fprintf(stderr,
            "ebb: %s: %" PRIu64 " networks name no abuse contact, %" PRIu64
            " name an object that is in none of these files; mailboxes passed over: %" PRIu64
            " placeholders, %" PRIu64 " malformed\n",
            set->kind.source, t->silent, t->dangling, t->fake, t->malformed);
}

static int finish_set(struct contacts_import *im, struct data_set *set, struct err *err)
{
    int rc = gather_finish(set->gather, &set->table, &set->totals);
    gather_free(set->gather);
    set->gather = NULL;
    if (rc < 0)
        return err_set(err, rc, "%s: more rows than ebb takes from one source", set->kind.source);
    say_totals(im, set);
    if (!set->totals.rows)
        return err_set(err, -ENODATA, "%s: no contact in it: nothing was changed (%.*s)",
                       set->kind.source, (int)set->names.n, (const char *)set->names.p);
    if (set->table.n > im->blob_max)
        return err_set(err, -EFBIG,
                       "%s: its table has %zu MiB: raise blob_max_mib in ebb.yaml to that at least "
                       "(it is %" PRIu64 ")",
                       set->kind.source, (set->table.n >> 20) + 1, im->blob_max >> 20);
    return 0;
}

static void make_act(struct data_set *set, struct case_act *act)
{
    uint8_t digest[SHA256_LEN];
    sha256(set->table.p, set->table.n, digest);
    if (set->files > 1)
        sha256_end(&set->digests, set->digest);
    struct act_contacts_imported a = {
        .source = span_str(set->kind.source),
        .file = buf_as_span(&set->names),
        .format = span_str(gather_format_name(set->kind.format)),
        .file_sha256 = span_of(set->digest, SHA256_LEN),
        .sha256 = span_of(digest, SHA256_LEN),
        .rows = set->totals.rows,
        .rejected = set->rejected,
        .made = set->made,
    };
    act_contacts_imported(&set->payload, &a);
    *act = (struct case_act){.kind = KIND_CONTACTS_IMPORTED,
                             .payload = buf_as_span(&set->payload),
                             .blob = buf_as_span(&set->table)};
}

static int journal_sets(struct contacts_import *im, struct err *err)
{
    struct case_act acts[SETS_MAX];
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < im->n_sets; i++) {
        rc = finish_set(im, &im->sets[i], err);
        if (rc == 0)
            make_act(&im->sets[i], &acts[i]);
    }
    if (rc == 0)
        rc = case_acts(im->cli, acts, im->n_sets, err);
    for (unsigned i = 0; rc == 0 && i < im->n_sets; i++)
        im->sets[i].entry = acts[i].index;
    return rc;
}

/* So that the next command finds the index made. Not being able to is no failure of the import. */
static void save_view(const struct contacts_import *im)
{
    struct casedir c = {.quiet = im->cli->quiet};
    struct err err;
    int rc = casedir_open(&c, im->cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = casedir_views(&c, VIEW_CONTACTS, &err);
    if (rc == 0)
        rc = contacts_snapshot(c.contacts, &err);
    casedir_close(&c, NULL);
    if (rc < 0 && !im->cli->quiet)
        fprintf(stderr, "ebb: warning: %s\n", err.text);
}

/* ---- the command ---- */

static int read_limits(struct contacts_import *im, struct err *err)
{
    struct casedir c = {.quiet = im->cli->quiet};
    int rc = casedir_open(&c, im->cli->case_dir, JOURNAL_READ, err);
    if (rc == 0)
        im->blob_max = (uint64_t)c.config->blob_max_mib << 20;
    casedir_close(&c, NULL);
    return rc;
}

static int print_files(const struct contacts_import *im)
{
    static const struct table_column columns[] = {
        {"file", "file", TABLE_WORDS},
        {"source", "source", TABLE_WORDS},
        {"format", "format", TABLE_WORDS},
        {"rows", "rows", TABLE_COUNT},
        {"rejected", "rejected", TABLE_COUNT},
        {"made", "made", TABLE_WORDS},
        {"contacts", "contacts", TABLE_COUNT},
        {"entry", "entry", TABLE_ID},
        {0},
    };
    struct table *t = table_open(cli_shape(im->cli), columns, stdout);
    for (unsigned i = 0; i < im->n_files; i++) {
        const struct file_row *f = &im->files[i];
        table_str(t, f->path);
        table_str(t, f->set->kind.source);
        table_str(t, gather_format_name(f->set->kind.format));
        table_uint(t, f->counts.rows);
        table_uint(t, f->counts.rejected);
        case_put_time(t, f->counts.made ? f->counts.made : CASEBOOK_FOREVER);
        table_uint(t, f->set->totals.rows);
        table_uint(t, f->set->entry);
        table_row_end(t);
    }
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static void free_import(struct contacts_import *im)
{
    for (unsigned i = 0; i < im->n_sets; i++) {
        gather_free(im->sets[i].gather);
        buf_free(&im->sets[i].names);
        buf_free(&im->sets[i].table);
        buf_free(&im->sets[i].payload);
    }
    free(im->files);
}

static bool is_source(const char *name)
{
    for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++)
        if (strcmp(sources[i], name) == 0)
            return true;
    return false;
}

int cmd_contacts_import(const struct cli *cli)
{
    static struct contacts_import im;
    const char *rejects = cli_get(cli, "rejects"), *source = cli_get(cli, "source");
    struct err err;
    im = (struct contacts_import){.cli = cli};
    if (!cli->n_args)
        return cli_fail(EXIT_USAGE, "contacts import: wants a file");
    if (source && !is_source(source))
        return cli_fail(EXIT_USAGE, "--source: no such source (%s)", source);
    int rc = case_time(cli, "made", ACT_FOREVER, &im.made);
    if (rc)
        return rc;
    im.files = mem_zeroed(cli->n_args, sizeof *im.files);
    if (rejects && !(im.rejects = fopen(rejects, "w")))
        rc = err_errno(&err, "%s", rejects);
    if (rc == 0)
        rc = read_limits(&im, &err);
    if (rc == 0)
        rc = read_files(&im, &err);
    if (im.rejects && fclose(im.rejects) != 0 && rc == 0)
        rc = err_errno(&err, "%s", rejects);
    if (rc == 0)
        rc = journal_sets(&im, &err);
    if (rc == 0)
        save_view(&im);
    rc = rc < 0 ? cli_err(&err) : print_files(&im);
    free_import(&im);
    return rc;
}
