/* ebb log checkpoint | prove | verify | redact */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/casedir.h"
#include "app/cli.h"
#include "app/progress.h"
#include "base/file.h"

#define RANGES_MAX 1024

static int print_all(const struct buf *b)
{
    return fwrite(b->p, 1, b->n, stdout) == b->n
               ? EXIT_DONE
               : cli_fail(EXIT_FAILED, "output could not be written");
}

int cmd_log_checkpoint(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct buf text = {0};
    struct err err;
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = journal_checkpoint(c.journal, &text, &err);
    int code = rc < 0 ? cli_err(&err) : print_all(&text);
    buf_free(&text);
    casedir_close(&c, NULL);
    return code;
}

int cmd_log_prove(const struct cli *cli)
{
    struct casedir c = {.quiet = cli->quiet};
    struct buf text = {0};
    struct err err;
    uint64_t index;
    const char *output = cli_get(cli, "output");
    if (cli->n_args != 1 || !cli_parse_u64(cli->args[0], &index))
        return cli_fail(EXIT_USAGE, "log prove: wants one log index");
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_READ, &err);
    if (rc == 0)
        rc = journal_prove(c.journal, index, &text, &err);
    if (rc == 0 && output)
        rc = file_replace(output, buf_as_span(&text), 0644, &err);
    int code = rc < 0 ? cli_err(&err) : output ? EXIT_DONE : print_all(&text);
    buf_free(&text);
    casedir_close(&c, NULL);
    return code;
}

/* ---- verify ---- */

static void on_progress(void *ctx, uint64_t done, uint64_t total)
{
    struct progress *p = ctx;
    p->total = total;
    progress_at(p, done, done, "entries");
}

static void verdict_json(const struct journal_verdict *v)
{
    struct buf b = {0};
    struct json j = json_to(&b);
    json_object(&j);
    json_key(&j, "holds");
    json_bool(&j, v->holds);
    json_key(&j, "entries");
    json_uint(&j, v->entries);
    json_key(&j, "segments");
    json_uint(&j, v->segments);
    json_key(&j, "tiles");
    json_uint(&j, v->tiles);
    json_key(&j, "redacted");
    json_uint(&j, v->redacted);
    json_key(&j, "root");
    json_hex(&j, v->root, SHA256_LEN);
    if (!v->holds) {
        json_key(&j, "bad_index");
        if (v->bad_index == UINT64_MAX)
            json_null(&j);
        else
            json_uint(&j, v->bad_index);
        json_key(&j, "bad_file");
        json_str(&j, v->bad_file);
        json_key(&j, "bad_offset");
        json_uint(&j, v->bad_offset);
        json_key(&j, "why");
        json_str(&j, v->why);
    }
    json_object_end(&j);
    json_newline(&j);
    fwrite(b.p, 1, b.n, stdout);
    buf_free(&b);
}

static void verdict_text(const struct journal_verdict *v)
{
    char root[SHA256_HEX_MAX];
    hex_encode(v->root, SHA256_LEN, root);
    if (v->holds)
        printf("the log holds: %llu entries in %llu segments, %llu tiles, %llu redacted\nroot %s\n",
               (unsigned long long)v->entries, (unsigned long long)v->segments,
               (unsigned long long)v->tiles, (unsigned long long)v->redacted, root);
    if (v->holds && v->why[0]) /* a torn tail, which the next writer cuts */
        printf("note: %s\n", v->why);
}

int cmd_log_verify(const struct cli *cli)
{
    struct err err;
    struct config *config;
    struct journal_verdict v = {0};
    struct progress progress;
    struct journal_verify_options options = {
        .since = cli_get(cli, "since-checkpoint"), .progress = on_progress, .ctx = &progress};
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "log verify: takes no argument (%s)", cli->args[0]);
    if (config_load(cli->case_dir, &config, &err) < 0) /* says "not a case" */
        return cli_err(&err);
    config_free(config);
    progress_begin(&progress, "verifying", 0, cli->quiet);
    int rc = journal_verify(cli->case_dir, &options, &v, &err);
    progress_end(&progress);
    if (rc < 0)
        return cli_err(&err);
    if (cli_has(cli, "json"))
        verdict_json(&v);
    else
        verdict_text(&v);
    if (v.holds)
        return EXIT_DONE;
    char entry[40] = "";
    if (v.bad_index != UINT64_MAX)
        snprintf(entry, sizeof entry, "entry %llu: ", (unsigned long long)v.bad_index);
    return cli_fail(EXIT_FAILED, "the log does not hold: %s%s (%s, offset %llu)", entry, v.why,
                    v.bad_file, (unsigned long long)v.bad_offset);
}

/* ---- redact ---- */

/* "7" or "7-9", last inclusive. */
static bool parse_range(const char *text, struct journal_range *out)
{
    char first[32];
    const char *dash = strchr(text, '-');
    size_t n = dash ? (size_t)(dash - text) : strlen(text);
    if (n >= sizeof first)
        return false;
    memcpy(first, text, n);
    first[n] = 0;
    if (!cli_parse_u64(first, &out->first))
        return false;
    out->last = out->first;
    if (dash && !cli_parse_u64(dash + 1, &out->last))
        return false;
    if (out->last < out->first || out->last == UINT64_MAX)
        return false;
    out->last++; /* the journal's ranges end before `last` */
    return true;
}

/* The views see the redaction entry, and start anew without what was erased. */
static int redact(struct casedir *c, const struct cli *cli, const struct journal_range *ranges,
                  uint64_t *index, struct err *err)
{
    int rc = journal_redact(c->journal, ranges, cli->n_args, cli_get(cli, "who"),
                            cli_get(cli, "why"), index, err);
    if (rc == 0)
        rc = casedir_views(c, VIEW_ALL, err);
    return rc == 0 ? casedir_save_views(c, err) : rc;
}

int cmd_log_redact(const struct cli *cli)
{
    static struct journal_range ranges[RANGES_MAX];
    struct casedir c = {.quiet = cli->quiet};
    struct err err, closing;
    uint64_t index = 0;
    if (!cli->n_args || cli->n_args > RANGES_MAX)
        return cli_fail(EXIT_USAGE, "log redact: wants 1 to %d log indexes or ranges", RANGES_MAX);
    if (!cli_has(cli, "who") || !cli_has(cli, "why"))
        return cli_fail(EXIT_USAGE, "log redact: wants --who and --why; they go on the log");
    for (unsigned i = 0; i < cli->n_args; i++)
        if (!parse_range(cli->args[i], &ranges[i]))
            return cli_fail(EXIT_USAGE, "log redact: not an index or FIRST-LAST (%s)",
                            cli->args[i]);
    int rc = casedir_open(&c, cli->case_dir, JOURNAL_WRITE, &err);
    if (rc == 0)
        rc = redact(&c, cli, ranges, &index, &err);
    int closed = casedir_close(&c, &closing);
    if (rc < 0)
        return cli_err(&err);
    if (closed < 0)
        return cli_err(&closing);
    if (!cli->quiet)
        printf("redacted, recorded as entry %llu\n", (unsigned long long)index);
    return EXIT_DONE;
}
