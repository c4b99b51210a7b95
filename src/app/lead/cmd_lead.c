/* ebb lead price | submit */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/lead/lead_price.h"
#include "app/lead/lead_proof.h"
#include "app/lead/lead_submit.h"
#include "base/file.h"

/* ---- price ---- */

static const struct table_column price_columns[] = {{"bits", "bits", TABLE_COUNT},
                                                    {"hashes", "hashes", TABLE_COUNT},
                                                    {"base", "at quiet times", TABLE_COUNT},
                                                    {"most", "at most", TABLE_COUNT},
                                                    {0}};

int cmd_lead_price(const struct cli *cli)
{
    struct config *config;
    struct err err;
    uint64_t bytes;
    unsigned bits;
    if (cli->n_args)
        return cli_fail(EXIT_USAGE, "lead price: takes no argument (%s)", cli->args[0]);
    if (cli_number(cli, "bytes", 0, &bytes))
        return EXIT_USAGE;
    if (bytes > SEAL_TOTAL_MAX)
        return cli_fail(EXIT_USAGE, "--bytes: the files of a lead have %llu GiB at most",
                        SEAL_TOTAL_MAX >> 30);
    int rc = config_load(cli->case_dir, &config, &err);
    if (rc < 0)
        return cli_err(&err);
    config_free(config);
    rc = lead_price(cli->case_dir, bytes, &bits, &err);
    if (rc < 0)
        return cli_err(&err);
    struct table *t = table_open(cli_shape(cli), price_columns, stdout);
    table_uint(t, bits);
    table_uint(t, 1ull << bits);
    table_uint(t, STAMP_BITS_BASE);
    table_uint(t, STAMP_BITS_MAX);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}

/* ---- submit ---- */

/* All of it is wiped at the end. */
struct submission {
    const struct cli *cli;
    struct casedir c;
    struct lead_content content;
    struct lead_submit lead;
    unsigned bits;
};

/* Work for this lead and no other: its commitment is fresh with its receipt. */
static int pay(struct submission *s, uint64_t more, struct err *err)
{
    struct stamp stamp;
    int rc = lead_price(s->cli->case_dir, s->content.size, &s->bits, err);
    if (rc < 0)
        return rc;
    s->bits = more < STAMP_WORK_MAX - s->bits ? s->bits + (unsigned)more : STAMP_WORK_MAX;
    if (!stamp_make(journal_origin(s->c.journal), s->lead.commitment, s->bits, utc_now(), &stamp))
        return err_set(err, -EAGAIN, "no stamp was found: try again");
    return 0;
}

static int prepare(struct submission *s, uint64_t more, struct err *err)
{
    const struct lead_input in = {.text = cli_get(s->cli, "text"),
                                  .contact = cli_get(s->cli, "contact"),
                                  .language = cli_get(s->cli, "language"),
                                  .paths = s->cli->args,
                                  .n = s->cli->n_args};
    int rc = case_open_views(s->cli, &s->c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = lead_content_read(&in, &s->content, err);
    if (rc == 0)
        rc = lead_submit_begin(&s->c, &s->content, &s->lead, err);
    return rc == 0 ? pay(s, more, err) : rc;
}

static int take(struct submission *s, struct err *err)
{
    int rc = lead_submit_take(s->cli, &s->content, s->bits, &s->lead, err);
    if (rc == 0 && lead_price_took(s->cli->case_dir, s->content.size, err) < 0)
        fprintf(stderr, "ebb: warning: %s\n", err->text); /* the lead is taken all the same */
    return rc;
}

static const struct table_column submit_columns[] = {
    {"lead", NULL, TABLE_ID},    {"receipt", "receipt", TABLE_WORDS}, {"work", NULL, TABLE_COUNT},
    {"size", NULL, TABLE_COUNT}, {"files", NULL, TABLE_COUNT},        {0}};

static int print_receipt(const struct submission *s)
{
    struct buf words = {0};
    receipt_put(&s->lead.receipt, &words);
    struct table *t = table_open(cli_shape(s->cli), submit_columns, stdout);
    table_uint(t, s->lead.entry);
    table_text(t, buf_as_span(&words));
    table_uint(t, s->bits);
    table_uint(t, s->lead.sealed.size);
    table_uint(t, s->lead.sealed.files);
    table_row_end(t);
    int rc = table_close(t);
    sodium_memzero(words.p, words.cap);
    buf_free(&words);
    if (rc == 0 && cli_shape(s->cli) == TABLE_TEXT && !s->cli->quiet)
        printf("\nWrite these words down: they are shown once, and all that is needed to come back "
               "(`ebb lead return`).\nWho has them can read the answers and speak for you.\n");
    return rc < 0 ? cli_fail(EXIT_FAILED,
                             "the receipt could not be written: lead %llu is taken, "
                             "and nobody can come back to it",
                             (unsigned long long)s->lead.entry)
                  : EXIT_DONE;
}

static int submit(struct submission *s, uint64_t more, const char *proof)
{
    struct err err;
    int rc = prepare(s, more, &err);
    if (rc == 0)
        rc = take(s, &err);
    if (rc < 0)
        return cli_fail(EXIT_FAILED, "lead submit: %s", err.text);
    int code = print_receipt(s);
    if (code == EXIT_DONE && proof &&
        lead_proof_write(s->cli->case_dir, s->lead.entry, proof, &err) < 0)
        code = cli_fail(EXIT_FAILED,
                        "the lead is taken, but its proof could not be written: %s (`ebb lead "
                        "return --proof` writes it)",
                        err.text);
    return code;
}

int cmd_lead_submit(const struct cli *cli)
{
    const char *proof = cli_get(cli, "proof");
    uint64_t more;
    if (cli_number(cli, "work", 0, &more))
        return EXIT_USAGE;
    if (more > STAMP_WORK_MAX)
        return cli_fail(EXIT_USAGE, "--work: %d bits at most", STAMP_WORK_MAX);
    if (proof && file_exists(proof))
        return cli_fail(EXIT_USAGE, "--proof: there is a file already (%s)", proof);
    lead_keep_private();
    struct submission *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->cli = cli;
    int code = submit(s, more, proof);
    lead_content_free(&s->content);
    lead_submit_wipe(&s->lead);
    casedir_close(&s->c, NULL);
    sodium_memzero(s, sizeof *s);
    free(s);
    return code;
}
