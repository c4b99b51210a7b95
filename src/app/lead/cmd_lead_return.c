/* ebb lead return: an informant comes back, with nothing but the receipt. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/lead/lead_page.h"
#include "app/lead/lead_proof.h"
#include "app/lead/lead_receipt.h"
#include "app/lead/lead_seal.h"
#include "base/file.h"
#include "event/event.h"
#include "state/rewards.h"

#define MESSAGE_BYTES_MAX (1ull << 30) /* of all that is sent to one lead */

struct returning {
    const struct cli *cli;
    struct casedir c;
    struct receipt receipt;
    struct receipt_keys keys;
    struct lead lead;
    struct lead_content content;
    struct lead_page *page;
    uint64_t offer, sent; /* bytes of messages */
    struct err *err;
};

/* ---- what there is to read ---- */

static int put_message(void *ctx, const struct lead_message *m)
{
    struct returning *r = ctx;
    struct lead_opened open = {0};
    struct err why;
    struct lead_said s = {.entry = m->entry,
                          .time = m->time,
                          .from = span_str(m->account.n ? "the team" : "you"),
                          .what = m->what,
                          .offer = m->offer};
    r->sent += m->account.n ? 0 : m->size;
    int rc = 0;
    if (m->account.n) { /* theirs were sealed to the reviewers alone */
        rc = lead_open_by_receipt(&r->c, &r->keys, m->entry, &open, &why);
        if (rc == 0)
            s.open = &open;
        else
            s.unread = span_str(why.text);
    }
    rc = lead_page_put(r->page, &s, r->err);
    lead_close(&open);
    return rc;
}

static int show(struct returning *r)
{
    struct lead_said s = {.entry = r->lead.entry,
                          .time = r->lead.time,
                          .from = span_str("you"),
                          .what = span_str("lead")};
    r->page = lead_page_open(r->cli);
    int rc = lead_page_put(r->page, &s, r->err);
    if (rc == 0)
        rc = leads_messages(r->c.pursuit, r->lead.entry, put_message, r, r->err);
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

static int add_size(void *ctx, const struct lead_message *m)
{
    *(uint64_t *)ctx += m->account.n ? 0 : m->size;
    return 0;
}

static int may_say(struct returning *r, struct err *err)
{
    const char *offer = cli_get(r->cli, "claim");
    uint64_t sent = 0;
    if (r->lead.withdrawn)
        return err_set(err, -EPERM, "the lead was withdrawn: nothing can be added");
    if (leads_messages_count(r->c.pursuit, r->lead.entry) >= LEAD_MESSAGES_MAX)
        return err_set(err, -EFBIG, "the lead has %d messages already", LEAD_MESSAGES_MAX);
    if (offer && !(r->offer = rewards_offer_entry(r->c.pursuit, span_str(offer))))
        return err_set(err, -ENOENT, "--claim: no such offer (%s)", offer);
    int rc = leads_messages(r->c.pursuit, r->lead.entry, add_size, &sent, err);
    if (rc == 0 && sent + r->content.size > MESSAGE_BYTES_MAX)
        rc = err_set(err, -EFBIG,
                     "what is sent behind one lead has %llu GiB at most: submit another lead",
                     MESSAGE_BYTES_MAX >> 30);
    return rc;
}

static const char *kind_of(const struct cli *cli)
{
    return cli_has(cli, "withdraw") ? "withdrawal"
           : cli_has(cli, "claim")  ? "claim"
           : cli->n_args            ? "addition"
                                    : "message";
}

static int record_message(struct returning *r, const struct lead_sealed *sealed, uint64_t *index)
{
    struct buf text = {0}, payload = {0};
    uint8_t proof[LEAD_PROOF_LEN];
    struct act_lead_message a = {.lead = r->lead.entry,
                                 .size = sealed->size,
                                 .what = span_str(kind_of(r->cli)),
                                 .files = sealed->files,
                                 .offer = r->offer};
    if (sealed->size) {
        a.wraps = span_of(sealed->wraps, SHA256_LEN);
        a.content = span_of(sealed->content, SHA256_LEN);
    }
    leads_message_signed(&a, &text);
    crypto_sign_detached(proof, NULL, text.p, text.n, r->keys.sign);
    a.proof = span_of(proof, sizeof proof);
    act_lead_message(&payload, &a);
    struct case_act act = {.kind = KIND_LEAD_MESSAGE, .payload = buf_as_span(&payload)};
    int rc = case_acts_as(r->cli, NULL, &act, 1, r->err);
    *index = act.index;
    buf_free(&text);
    buf_free(&payload);
    return rc;
}

static int say(struct returning *r)
{
    struct lead_readers to = {0};
    struct lead_sealed sealed = {0};
    uint64_t index;
    int rc = may_say(r, r->err);
    if (rc == 0 && has_words(r->cli))
        rc = lead_readers(r->c.casebook, &to, r->err);
    if (rc == 0 && has_words(r->cli))
        rc = lead_seal(r->cli, &r->content, &to, NULL, &sealed, r->err);
    if (rc == 0)
        rc = record_message(r, &sealed, &index);
    lead_readers_free(&to);
    if (rc == 0 && !r->cli->quiet && cli_shape(r->cli) == TABLE_TEXT)
        printf("sent: %s, entry %llu\n", kind_of(r->cli), (unsigned long long)index);
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
    const char *proof = cli_get(r->cli, "proof");
    int rc = lead_receipt_read(cli_get(r->cli, "receipt"), &r->receipt, r->err);
    if (rc == 0)
        rc = read_content(r);
    if (rc == 0)
        rc = case_open_views(r->cli, &r->c, VIEW_PURSUIT, r->err);
    if (rc == 0)
        rc = lead_by_receipt(&r->c, &r->receipt, &r->lead, &r->keys, r->err);
    if (rc == 0 && says(r->cli))
        rc = say(r);
    if (rc == 0 && says(r->cli)) { /* the view as it is now */
        casedir_close(&r->c, NULL);
        rc = case_open_views(r->cli, &r->c, VIEW_PURSUIT, r->err);
    }
    if (rc == 0)
        rc = show(r);
    if (rc == 0 && proof)
        rc = lead_proof_write(r->cli->case_dir, r->lead.entry, proof, r->err);
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
