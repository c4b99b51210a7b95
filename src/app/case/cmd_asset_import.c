/* ebb case asset import FILE */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/case_act.h"
#include "app/case/case_name.h"
#include "app/import/rejects.h"
#include "base/file.h"
#include "state/assetlist.h"

struct list_import {
    const struct cli *cli;
    const char *path;
    struct casedir c;
    struct case_order order;
    struct case_suffixes *suffixes; /* NULL: not asked, by --force */
    FILE *rejects;
    struct buf file, payload;
    struct assetlist_counts counts;
    char first_reject[200];
    struct err *err;
};

static void take_reject(void *ctx, uint64_t line, const char *why)
{
    struct list_import *im = ctx;
    if (!im->first_reject[0])
        snprintf(im->first_reject, sizeof im->first_reject, "line %llu: %s",
                 (unsigned long long)line, why);
    if (im->rejects)
        rejects_line(im->rejects, im->path, line, why);
}

/* A public suffix ends the import as a whole: what a list is read as must not hang on today's
 * suffixes. */
static int take_row(void *ctx, const struct assetlist_row *row)
{
    struct list_import *im = ctx;
    char name[CASE_NAME_MAX];
    if (!im->suffixes)
        return 0;
    memcpy(name, row->name.p, row->name.n);
    name[row->name.n] = 0;
    if (!case_suffixes_has(im->suffixes, name))
        return 0;
    return err_set(
        im->err, -EPERM,
        "%s: line %llu: a public suffix: everybody's names below it would be answered for "
        "(--force to do so) (%s)",
        im->path, (unsigned long long)row->line, name);
}

static int check_file(struct list_import *im, const uint8_t digest[SHA256_LEN], struct err *err)
{
    struct assetlist_sink sink = {im, take_row, take_reject};
    struct assetlist_row fallback = {.from = im->order.from, .until = im->order.until};
    uint64_t there = casebook_list_with(im->c.casebook, im->order.entry, digest);
    if (there)
        return err_set(err, -EEXIST, "%s: under this order already (entry %llu)", im->path,
                       (unsigned long long)there);
    int rc = case_time(im->cli, "from", fallback.from, &fallback.from);
    if (rc == 0)
        rc = case_time(im->cli, "until", fallback.until, &fallback.until);
    if (rc == 0)
        rc = case_check_times(&im->order, cli_get(im->cli, "order"), fallback.from, fallback.until,
                              err);
    if (rc == 0)
        rc = assetlist_read(buf_as_span(&im->file), &fallback, &sink, &im->counts, err);
    if (rc == 0 && !im->counts.rows)
        rc = err_set(err, -ENODATA, "%s: no name in it%s%s", im->path,
                     im->first_reject[0] ? ", " : "", im->first_reject);
    return rc;
}

static int check_case(struct list_import *im, struct err *err)
{
    const char *id = cli_get(im->cli, "order");
    int rc = case_open(im->cli, &im->c, err);
    if (rc == 0)
        rc = case_open_order(&im->c, id, utc_now(), &im->order, err);
    if (rc == 0)
        rc = case_check_policy(&im->c, cli_get(im->cli, "policy"), err);
    if (rc == 0)
        rc = file_read(im->path, (size_t)im->c.config->blob_max_mib << 20, &im->file, err);
    if (rc == 0 && !cli_has(im->cli, "force") && !(im->suffixes = case_suffixes_open()))
        rc = err_set(err, -ENOENT, "no list of public suffixes on this machine");
    return rc;
}

static int import_list(struct list_import *im, struct act_asset_list *a, struct case_act *act,
                       struct err *err)
{
    const char *slash = strrchr(im->path, '/');
    uint8_t digest[SHA256_LEN];
    im->err = err;
    int rc = check_case(im, err);
    sha256(im->file.p, im->file.n, digest);
    if (rc == 0)
        rc = check_file(im, digest, err);
    case_suffixes_close(im->suffixes);
    casedir_close(&im->c, NULL);
    if (rc < 0)
        return rc;
    a->order = im->order.entry;
    a->file = span_str(slash ? slash + 1 : im->path);
    a->sha256 = span_of(digest, SHA256_LEN);
    a->rows = im->counts.rows;
    a->rejected = im->counts.rejected;
    act_asset_list(&im->payload, a);
    *act = (struct case_act){.kind = KIND_ASSET_LIST,
                             .payload = buf_as_span(&im->payload),
                             .blob = buf_as_span(&im->file)};
    return case_acts(im->cli, act, 1, err);
}

static int print_import(struct list_import *im, const struct case_act *act)
{
    static const struct table_column columns[] = {{"file", "file", TABLE_WORDS},
                                                  {"sha256", NULL, TABLE_WORDS},
                                                  {"order", "order", TABLE_WORDS},
                                                  {"names", "names", TABLE_COUNT},
                                                  {"rejected", "rejected", TABLE_COUNT},
                                                  {"index", "entry", TABLE_ID},
                                                  {0}};
    struct table *t = table_open(cli_shape(im->cli), columns, stdout);
    uint8_t digest[SHA256_LEN];
    sha256(im->file.p, im->file.n, digest);
    table_str(t, im->path);
    table_hex(t, digest, sizeof digest);
    table_str(t, cli_get(im->cli, "order"));
    table_uint(t, im->counts.rows);
    table_uint(t, im->counts.rejected);
    table_uint(t, act->index);
    table_row_end(t);
    if (im->counts.rejected && !im->cli->quiet)
        fprintf(stderr, "ebb: %s: %llu rejected%s, the first: %s\n", im->path,
                (unsigned long long)im->counts.rejected,
                im->rejects ? "" : " (list them with --rejects)", im->first_reject);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

int cmd_case_asset_import(const struct cli *cli)
{
    struct list_import im = {.cli = cli};
    struct act_asset_list a = {.family = case_text(cli, "family"),
                               .policy = case_text(cli, "policy"),
                               .registrar = case_text(cli, "registrar"),
                               .note = case_text(cli, "note"),
                               .identify = !cli_has(cli, "no-identify")};
    const char *rejects = cli_get(cli, "rejects");
    struct case_act act;
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "case asset import: wants one file");
    int rc = case_asset_options(cli);
    if (rc == 0)
        rc = case_time(cli, "from", ACT_FOREVER, &a.from);
    if (rc == 0)
        rc = case_time(cli, "until", ACT_FOREVER, &a.until);
    if (rc)
        return rc;
    im.path = cli->args[0];
    if (rejects && !(im.rejects = fopen(rejects, "w")))
        return cli_fail(EXIT_FAILED, "%s: %s", rejects, strerror(errno));
    rc = import_list(&im, &a, &act, &err);
    if (im.rejects && fclose(im.rejects) != 0 && rc == 0)
        rc = err_errno(&err, "%s", rejects);
    rc = rc < 0 ? cli_err(&err) : print_import(&im, &act);
    buf_free(&im.file);
    buf_free(&im.payload);
    return rc;
}
