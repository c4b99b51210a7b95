/* ebb backup, ebb backup verify, ebb restore */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/care/restore.h"
#include "app/cli.h"
#include "app/config.h"

/* ---- backup ---- */

static const struct table_column taken_columns[] = {{"backup", "backup", TABLE_WORDS},
                                                    {"entries", "entries", TABLE_COUNT},
                                                    {"files", "files", TABLE_COUNT},
                                                    {"bytes", "bytes", TABLE_COUNT},
                                                    {"copied_files", "copied", TABLE_COUNT},
                                                    {"copied_bytes", "bytes", TABLE_COUNT},
                                                    {"kept_files", "kept", TABLE_COUNT},
                                                    {"kept_bytes", "bytes", TABLE_COUNT},
                                                    {"keys", NULL, TABLE_WORDS},
                                                    {"damaged_blocks", NULL, TABLE_COUNT},
                                                    {"manifest_sha256", NULL, TABLE_WORDS},
                                                    {NULL, NULL, TABLE_WORDS}};

static int print_taken(const struct cli *cli, const char *dir, const struct manifest *m,
                       const struct backup_figures *f, const uint8_t digest[SHA256_LEN])
{
    struct table *t = table_open(cli_shape(cli), taken_columns, stdout);
    table_str(t, dir);
    table_uint(t, m->size);
    table_uint(t, m->n);
    table_uint(t, manifest_bytes(m));
    table_uint(t, f->copied_files);
    table_uint(t, f->copied_bytes);
    table_uint(t, f->kept_files);
    table_uint(t, f->kept_bytes);
    table_bool(t, m->keys);
    table_uint(t, f->damaged);
    table_hex(t, digest, SHA256_LEN);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

int cmd_backup(const struct cli *cli)
{
    struct backup_options options = {cli_has(cli, "without-keys"), cli->quiet};
    struct backup_figures figures = {0};
    struct manifest m = {0};
    struct config *config;
    uint8_t digest[SHA256_LEN];
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "backup: wants one folder");
    if (config_load(cli->case_dir, &config, &err) < 0) /* says "not a case" */
        return cli_err(&err);
    config_free(config);
    int rc = backup_take(cli->case_dir, cli->args[0], &options, &m, digest, &figures, &err);
    int code = rc < 0 ? cli_err(&err) : EXIT_DONE;
    if (rc == 0 && !cli->quiet)
        code = print_taken(cli, cli->args[0], &m, &figures, digest);
    if (rc == 0 && figures.damaged)
        code =
            cli_fail(EXIT_FAILED,
                     "the backup was taken, but blobs/pack has %llu blocks that do not hold: see "
                     "`ebb blob verify`",
                     (unsigned long long)figures.damaged);
    manifest_free(&m);
    return code;
}

/* ---- verify ---- */

static const struct table_column verify_columns[] = {{"holds", "holds", TABLE_WORDS},
                                                     {"entries", "entries", TABLE_COUNT},
                                                     {"redacted", "redacted", TABLE_COUNT},
                                                     {"blobs", "blobs", TABLE_COUNT},
                                                     {"files", "files", TABLE_COUNT},
                                                     {"bytes", "bytes", TABLE_COUNT},
                                                     {"bad_file", NULL, TABLE_WORDS},
                                                     {"bad_offset", NULL, TABLE_ID},
                                                     {"why", NULL, TABLE_WORDS},
                                                     {"manifest_sha256", NULL, TABLE_WORDS},
                                                     {NULL, NULL, TABLE_WORDS}};

static int print_verdict(const struct cli *cli, const struct backup_verdict *v,
                         const uint8_t digest[SHA256_LEN])
{
    struct table *t = table_open(cli_shape(cli), verify_columns, stdout);
    table_bool(t, v->holds);
    table_uint(t, v->entries);
    table_uint(t, v->redacted);
    table_uint(t, v->blobs);
    table_uint(t, v->files);
    table_uint(t, v->bytes);
    table_words(t, span_str(v->bad_file));
    if (v->bad_offset < 0)
        table_empty(t);
    else
        table_int(t, v->bad_offset);
    table_words(t, span_str(v->why));
    table_hex(t, digest, SHA256_LEN);
    table_row_end(t);
    return table_close(t);
}

int cmd_backup_verify(const struct cli *cli)
{
    struct manifest m = {0};
    struct backup_verdict v;
    uint8_t digest[SHA256_LEN];
    struct err err;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "backup verify: wants one folder");
    const char *dir = cli->args[0];
    int rc = backup_load(dir, &m, digest, &err);
    if (rc == 0)
        rc = backup_verify(dir, &m, cli->quiet, &v, &err);
    manifest_free(&m);
    if (rc < 0)
        return cli_err(&err);
    if ((v.holds ? !cli->quiet : cli_shape(cli) != TABLE_TEXT) &&
        print_verdict(cli, &v, digest) < 0)
        return cli_fail(EXIT_FAILED, "output could not be written");
    if (v.holds)
        return EXIT_DONE;
    char offset[40] = "";
    if (v.bad_offset >= 0)
        snprintf(offset, sizeof offset, ", offset %lld", (long long)v.bad_offset);
    return cli_fail(EXIT_FAILED, "the backup does not hold: %s: %s (%s%s)", v.bad_file, v.why, dir,
                    offset);
}

/* ---- restore ---- */

static int go_on(const struct cli *cli)
{
    uint64_t index = 0;
    struct err err;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "restore --go-on: takes no argument; the case is -C");
    if (restore_go_on(cli->case_dir, cli_get(cli, "latest"), &index, &err) < 0)
        return cli_err(&err);
    if (!cli->quiet)
        printf("the log goes on; that it was restored is its entry %llu\n",
               (unsigned long long)index);
    return EXIT_DONE;
}

static const struct table_column restored_columns[] = {
    {"case", "case", TABLE_WORDS},         {"entries", "entries", TABLE_COUNT},
    {"redacted", "redacted", TABLE_COUNT}, {"blobs", "blobs", TABLE_COUNT},
    {"files", "files", TABLE_COUNT},       {"bytes", "bytes", TABLE_COUNT},
    {"keys", NULL, TABLE_WORDS},           {NULL, NULL, TABLE_WORDS}};

int cmd_restore(const struct cli *cli)
{
    struct restored r;
    struct err err;
    if (cli_has(cli, "go-on"))
        return go_on(cli);
    if (cli->n_args != 2 || cli_has(cli, "latest"))
        return cli_fail(EXIT_USAGE,
                        "restore: wants a backup and a folder for the case, or --go-on");
    if (restore_make(cli->args[0], cli->args[1], cli->quiet, &r, &err) < 0)
        return cli_err(&err);
    if (cli->quiet)
        return EXIT_DONE;
    struct table *t = table_open(cli_shape(cli), restored_columns, stdout);
    table_str(t, cli->args[1]);
    table_uint(t, r.entries);
    table_uint(t, r.redacted);
    table_uint(t, r.blobs);
    table_uint(t, r.files);
    table_uint(t, r.bytes);
    table_bool(t, r.with_keys);
    table_row_end(t);
    if (table_close(t) < 0)
        return cli_fail(EXIT_FAILED, "output could not be written");
    fprintf(stderr,
            "ebb: note: the log ends with entry %llu, as it did when the backup was taken, and "
            "verifies. "
            "It can be read now, and is held: nothing can be added. %s\n",
            (unsigned long long)r.entries - 1,
            r.with_keys
                ? "To go on with this case in place of the old one: `ebb -C DIR restore --go-on "
                  "--latest CHECKPOINT` (doc/backup.md, \"Rollback\")"
                : "It has no keys: it can only be read");
    return EXIT_DONE;
}
