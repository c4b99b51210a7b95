/* ebb lead return: an informant comes back, with nothing but the receipt. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/lead/lead_line.h"
#include "app/lead/lead_page.h"
#include "app/lead/lead_proof.h"
#include "app/lead/lead_receipt.h"
#include "base/file.h"
#include "state/rewards.h"

struct returning {
    const struct cli *cli;
    struct casedir c;
    struct receipt receipt;
    struct lead_line line;
    struct lead_content content;
    struct lead_page *page;
    struct err *err;
};

/* ---- what there is to read ---- */

static int put_message(void *ctx, const struct lead_line_message *l)
{
    struct returning *r = ctx;
    const struct lead_message *m = l->message;
    struct lead_said s = {.entry = m->entry,
                          .time = m->time,
                          .from = span_str(m->account.n ? "the team" : "you"),
                          .what = m->what,
                          .offer = m->offer,
                          .open = l->open,
                          .unread = span_str(l->unread)};
    return lead_page_put(r->page, &s, r->err);
}

static int show(struct returning *r)
{
    struct lead_said s = {.entry = r->line.lead.entry,
                          .time = r->line.lead.time,
                          .from = span_str("you"),
                          .what = span_str("lead")};
    r->page = lead_page_open(r->cli);
    int rc = lead_page_put(r->page, &s, r->err);
    if (rc == 0)
        rc = lead_line_read(&r->line, put_message, r, r->err);
    if (lead_page_close(r->page) < 0 && rc == 0)
        rc = err_set(r->err, -EIO, "output could not be written");
    return rc;
}

/* ---- what there is to say ---- */

static bool says(const struct cli *cli)
{
    return cli_has(cli, "say") || cli_has(cli, "claim") || cli_has(cli, "withdraw") || cli->n_args;
}

static bool has_words(const struct cli *cli)
{
    return cli_has(cli, "say") || cli->n_args;
}

static int say(struct returning *r)
{
    const char *offer = cli_get(r->cli, "claim");
    struct lead_line_say s = {.content = has_words(r->cli) ? &r->content : NULL,
                              .withdraw = cli_has(r->cli, "withdraw")};
    uint64_t index;
    if (offer && !(s.offer = rewards_offer_entry(r->c.pursuit, span_str(offer))))
        return err_set(r->err, -ENOENT, "--claim: no such offer (%s)", offer);
    int rc = lead_line_say(r->cli, &r->line, &s, &index, r->err);
    if (rc == 0 && !r->cli->quiet && cli_shape(r->cli) == TABLE_TEXT)
        printf("sent: %s, entry %llu\n", lead_line_kind(&s), (unsigned long long)index);
    return rc;
}

/* ---- the command ---- */

static int read_content(struct returning *r)
{
    const struct lead_input in = {
        .text = cli_get(r->cli, "say"), .paths = r->cli->args, .n = r->cli->n_args};
    return has_words(r->cli) ? lead_content_read(&in, &r->content, r->err) : 0;
}

static int come_back(struct returning *r)
{
    uint8_t decoy[RECEIPT_DECOY_LEN];
    const char *proof = cli_get(r->cli, "proof");
    int rc = lead_receipt_read(cli_get(r->cli, "receipt"), &r->receipt, r->err);
    if (rc == 0)
        rc = read_content(r);
    if (rc == 0)
        rc = case_open_views(r->cli, &r->c, VIEW_PURSUIT, r->err);
    if (rc == 0)
        rc = lead_decoy(r->cli->case_dir, decoy, r->err);
    if (rc == 0)
        rc = lead_line_open(&r->c, &r->receipt, decoy, &r->line, r->err);
    sodium_memzero(decoy, sizeof decoy);
    if (rc == 0 && says(r->cli))
        rc = say(r);
    if (rc == 0 && says(r->cli)) { /* the view as it is now */
        casedir_close(&r->c, NULL);
        rc = case_open_views(r->cli, &r->c, VIEW_PURSUIT, r->err);
    }
    if (rc == 0)
        rc = show(r);
    if (rc == 0 && proof)
        rc = lead_proof_write(r->cli->case_dir, r->line.lead.entry, proof, r->err);
    return rc;
}

static int check_usage(const struct cli *cli)
{
    const char *receipt = cli_get(cli, "receipt"), *say = cli_get(cli, "say"),
               *proof = cli_get(cli, "proof");
    if (!receipt)
        return cli_fail(EXIT_USAGE, "lead return: wants --receipt");
    if (cli_has(cli, "claim") && cli_has(cli, "withdraw"))
        return cli_fail(EXIT_USAGE, "--withdraw: not together with --claim");
    if (say && strcmp(say, "-") == 0 && strcmp(receipt, "-") == 0)
        return cli_fail(EXIT_USAGE, "--say: standard input is the receipt's already");
    if (proof && file_exists(proof))
        return cli_fail(EXIT_USAGE, "--proof: there is a file already (%s)", proof);
    return 0;
}

int cmd_lead_return(const struct cli *cli)
{
    struct err err = {0};
    int code = check_usage(cli);
    if (code)
        return code;
    lead_keep_private();
    struct returning *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    r->cli = cli;
    r->err = &err;
    int rc = come_back(r);
    lead_content_free(&r->content);
    casedir_close(&r->c, NULL);
    sodium_memzero(r, sizeof *r);
    free(r);
    return rc < 0 ? cli_fail(EXIT_FAILED, "lead return: %s", err.text) : EXIT_DONE;
}
