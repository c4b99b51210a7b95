/* ebb notice affidavit */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/exhibit/exhibit.h"
#include "app/notice/notice_affidavit.h"
#include "base/file.h"
#include "base/mem.h"

static const char *const files[] = {"affidavit.pdf", "affidavit.txt", "affidavit.json"};
enum { AS_PDF, AS_TEXT, AS_JSON, FORMS };

static int write_as(const struct affidavit *a, int form, struct buf *out, struct err *err)
{
    if (form == AS_PDF)
        return affidavit_pdf(a, out, err);
    if (form == AS_TEXT)
        affidavit_text(a, out);
    else
        affidavit_json(a, out);
    return 0;
}

/* ---- with evidence ---- */

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* All entries behind all lines. */
static uint64_t *all_entries(const struct affidavit *a, size_t *n)
{
    uint64_t *all = mem_zeroed(a->n_facts + 1, sizeof *all);
    size_t k = 0;
    for (size_t i = 0; i < a->n_facts; i++)
        all[i] = a->facts[i].entry;
    qsort(all, a->n_facts, sizeof *all, by_number);
    for (size_t i = 0; i < a->n_facts; i++)
        if (!k || all[i] != all[k - 1])
            all[k++] = all[i];
    *n = k;
    return all;
}

/* Who may write publishes what is not yet under a checkpoint; where somebody else writes, they do.
 */
static int open_case(const struct cli *cli, struct casedir *c, struct err *err)
{
    *c = (struct casedir){.quiet = cli->quiet};
    int rc = casedir_open(c, cli->case_dir, JOURNAL_WRITE, err);
    if (rc == 0)
        return 0;
    casedir_close(c, NULL);
    *c = (struct casedir){.quiet = cli->quiet};
    return casedir_open(c, cli->case_dir, JOURNAL_READ, err);
}

static int write_evidence(const struct cli *cli, const struct affidavit *a, const char *dir,
                          struct exhibit_done *done, struct err *err)
{
    struct casedir c;
    char path[FILE_PATH_MAX];
    size_t n;
    uint64_t *entries = all_entries(a, &n);
    int rc = file_path(path, err, "%s/evidence", dir);
    if (rc == 0)
        rc = open_case(cli, &c, err);
    else
        c = (struct casedir){0};
    if (rc == 0)
        rc = exhibit_write(&c,
                           &(struct exhibit_request){.dir = path,
                                                     .name = "proof of service",
                                                     .entries = entries,
                                                     .n = n,
                                                     .query = span_str("notice affidavit"),
                                                     .blobs = true},
                           done, err);
    casedir_close(&c, NULL);
    free(entries);
    return rc;
}

static int make_dir(const char *dir, struct err *err)
{
    int rc = file_mkdirs(dir, 0700, err);
    DIR *d = rc == 0 ? opendir(dir) : NULL;
    if (rc == 0 && !d)
        return err_errno(err, "%s", dir);
    for (struct dirent *e; rc == 0 && (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            rc = err_set(err, -ENOTEMPTY, "%s: is not empty", dir);
    if (d)
        closedir(d);
    return rc;
}

static void take_away(const char *dir)
{
    char path[FILE_PATH_MAX];
    for (int i = 0; i < FORMS; i++)
        if (file_path(path, NULL, "%s/%s", dir, files[i]) == 0)
            unlink(path);
    if (file_path(path, NULL, "%s/evidence", dir) == 0 && file_exists(path))
        exhibit_remove(path);
    rmdir(dir);
}

/* All three forms and the evidence, or nothing. */
static int write_dir(const struct cli *cli, const struct affidavit *a, const char *dir,
                     struct exhibit_done *done, struct err *err)
{
    char path[FILE_PATH_MAX];
    int rc = make_dir(dir, err);
    if (rc < 0)
        return rc;
    for (int i = 0; rc == 0 && i < FORMS; i++) {
        struct buf out = {0};
        rc = write_as(a, i, &out, err);
        if (rc == 0)
            rc = file_path(path, err, "%s/%s", dir, files[i]);
        if (rc == 0)
            rc = file_replace(path, buf_as_span(&out), 0600, err);
        buf_free(&out);
    }
    if (rc == 0)
        rc = write_evidence(cli, a, dir, done, err);
    if (rc < 0)
        take_away(dir);
    return rc;
}

static const struct table_column done_columns[] = {
    {"file", "file", TABLE_WORDS},       {"lines", "lines", TABLE_COUNT},
    {"entries", "entries", TABLE_COUNT}, {"size", "log size", TABLE_COUNT},
    {"sha256", NULL, TABLE_WORDS},       {0}};

static int print_dir(const struct cli *cli, const struct affidavit *a, const char *dir,
                     const struct exhibit_done *done)
{
    struct table *t = table_open(cli_shape(cli), done_columns, stdout);
    table_str(t, dir);
    table_uint(t, a->n_lines);
    table_uint(t, done->entries);
    table_uint(t, done->size);
    table_hex(t, done->manifest, SHA256_LEN);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* ---- to standard output ---- */

static const struct table_column line_columns[] = {{"section", "section", TABLE_WORDS},
                                                   {"text", "text", TABLE_WORDS},
                                                   {"entries", "entries", TABLE_WORDS},
                                                   {0}};

static int print_lines(const struct affidavit *a)
{
    struct table *t = table_open(TABLE_CSV, line_columns, stdout);
    for (size_t i = 0; i < a->n_lines; i++) {
        struct buf list = {0};
        uint64_t *entries = mem_zeroed(a->lines[i].facts + 1, sizeof *entries);
        size_t n = affidavit_entries(a, &a->lines[i], entries);
        for (size_t k = 0; k < n; k++)
            buf_printf(&list, "%s%llu", k ? " " : "", (unsigned long long)entries[k]);
        table_str(t, affidavit_section_name(a->lines[i].section));
        table_text(t, a->lines[i].text);
        table_text(t, buf_as_span(&list));
        table_row_end(t);
        free(entries);
        buf_free(&list);
    }
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

static int print_one(const struct affidavit *a, int form)
{
    struct buf out = {0};
    struct err err;
    int rc = write_as(a, form, &out, &err);
    int code = rc < 0 ? cli_err(&err) : EXIT_DONE;
    if (rc == 0 && (fwrite(out.p, 1, out.n, stdout) != out.n || fflush(stdout) != 0))
        code = cli_fail(EXIT_FAILED, "output could not be written");
    buf_free(&out);
    return code;
}

/* ---- the command ---- */

/* FORMS: none. */
static int form_option(const struct cli *cli)
{
    static const char *const names[FORMS] = {"pdf", "text", "json"};
    const char *format = cli_get(cli, "format");
    int i = 0;
    if (!format)
        return cli_has(cli, "json") ? AS_JSON : AS_PDF;
    while (i < FORMS && strcmp(format, names[i]) != 0)
        i++;
    return i;
}

static int check_options(const struct cli *cli)
{
    const char *language = cli_get(cli, "language");
    const char *fault = exhibit_name_fault(case_text(cli, "declarant"));
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "notice affidavit: takes no argument (%s)", cli->args[0]);
    if (!cli_has(cli, "order") && !cli_has(cli, "party"))
        return cli_fail(EXIT_USAGE, "notice affidavit: wants --order or --party");
    if (language && strcmp(language, "en") != 0)
        return cli_fail(EXIT_USAGE, "--language: en");
    if (cli_has(cli, "declarant") && fault)
        return cli_fail(EXIT_USAGE, "--declarant: %s", fault);
    if (form_option(cli) == FORMS)
        return cli_fail(EXIT_USAGE, "--format: pdf text json");
    if (!cli_has(cli, "output") && !cli_has(cli, "csv") && form_option(cli) == AS_PDF &&
        isatty(STDOUT_FILENO))
        return cli_fail(
            EXIT_USAGE,
            "notice affidavit: a PDF is not for a terminal: --output, or --format text");
    return 0;
}

static int find(struct notice_case *n, struct notice_order *order,
                const struct notice_party **party, struct err *err)
{
    const char *id = cli_get(n->cli, "order"), *name = cli_get(n->cli, "party");
    int rc = name ? notice_party_named(n, name, party, err) : 0;
    if (rc == 0)
        rc = id ? notice_order_named(n, id, order, err)
                : notice_order_at(n, (*party)->act.order, order, err);
    if (rc == 0 && *party && (*party)->act.order != order->entry)
        rc = err_set(err, -EPERM, "--party: is not under that order");
    return rc;
}

int cmd_notice_affidavit(const struct cli *cli)
{
    struct notice_case n;
    struct notice_order order;
    const struct notice_party *party = NULL;
    struct affidavit a = {0};
    struct exhibit_done done = {0};
    const char *dir = cli_get(cli, "output");
    struct err err;
    int code = check_options(cli);
    if (code)
        return code;
    int rc = notice_case_open(cli, &n, &err);
    if (rc == 0)
        rc = find(&n, &order, &party, &err);
    if (rc == 0)
        rc = affidavit_make(&n, &order, party, case_text(cli, "declarant"), &a, &err);
    if (rc == 0 && dir)
        rc = write_dir(cli, &a, dir, &done, &err);
    code = rc < 0                ? notice_fail(rc, &err)
           : dir                 ? print_dir(cli, &a, dir, &done)
           : cli_has(cli, "csv") ? print_lines(&a)
                                 : print_one(&a, form_option(cli));
    affidavit_free(&a);
    notice_case_close(&n);
    return code;
}
