/* ebb lead read | answer */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>

#include "app/lead/lead_page.h"
#include "app/lead/lead_seal.h"
#include "event/event.h"
#include "state/reviews.h"

static int find_lead(const struct cli *cli, struct casedir *c, struct lead *out, struct err *err)
{
    uint64_t entry;
    if (!cli_parse_u64(cli->args[0], &entry))
        return err_set(err, -EINVAL, "a lead is the index of its entry (%s)", cli->args[0]);
    int rc = leads_get(c->pursuit, entry, out, err);
    return rc == 0 ? err_set(err, -ENOENT, "no such lead: see `ebb lead list` (%s)", cli->args[0])
                   : rc;
}

/* ---- read ---- */

struct reading {
    struct casedir c;
    struct account_key key;
    struct lead_keyring *ring;
    struct lead_page *page;
    struct lead_folder folder, *to;
    struct err *err;
};

/* One piece: what cannot be opened is named, and the rest goes on; the lead itself must open. */
static int put_sealed(struct reading *r, struct lead_said *s, bool must)
{
    struct lead_opened open = {0};
    struct err why;
    int rc = lead_open(r->ring, s->entry, &open, &why);
    s->folder = r->to;
    if (rc == 0)
        s->open = &open;
    else
        s->unread = span_str(why.text);
    rc = rc < 0 && must ? err_set(r->err, rc, "%s", why.text) : lead_page_put(r->page, s, r->err);
    lead_close(&open);
    return rc;
}

static int put_message(void *ctx, const struct lead_message *m)
{
    struct reading *r = ctx;
    char prefix[48];
    struct lead_said s = {.entry = m->entry,
                          .time = m->time,
                          .from = m->account.n ? m->account : span_str("informant"),
                          .what = m->what,
                          .offer = m->offer,
                          .prefix = prefix};
    snprintf(prefix, sizeof prefix, "message-%llu-", (unsigned long long)m->entry);
    return m->content.n ? put_sealed(r, &s, false) : lead_page_put(r->page, &s, r->err);
}

static int put_note(void *ctx, const struct lead_sealed_entry *sealed)
{
    struct reading *r = ctx;
    struct pursuit_acted acted = {0};
    char name[PURSUIT_NAME_MAX] = "";
    if (sealed->kind != KIND_LEAD_REVIEW)
        return 0;
    int rc = pursuit_acted(r->c.pursuit, sealed->entry, &acted, name, r->err);
    struct lead_said s = {.entry = sealed->entry,
                          .time = acted.time,
                          .from = acted.account,
                          .what = span_str("note"),
                          .prefix = ""};
    return rc < 0 ? rc : put_sealed(r, &s, false);
}

static int read_lead(const struct cli *cli, struct reading *r)
{
    const char *files = cli_get(cli, "files");
    struct lead lead;
    int rc = case_open_views(cli, &r->c, VIEW_PURSUIT, r->err);
    if (rc == 0)
        rc = find_lead(cli, &r->c, &lead, r->err);
    if (rc >= 0)
        rc = account_unlock(cli, &r->key, r->err);
    if (rc == 0)
        rc = lead_keyring_open(&r->c, &r->key, &r->ring, r->err);
    if (rc == 0 && reviews_conflict(r->c.pursuit, lead.entry, span_str(r->key.name)))
        rc = err_set(r->err, -EPERM, "account %s has a conflict of interest on lead %s",
                     r->key.name, cli->args[0]);
    if (rc == 0 && files) {
        rc = lead_folder_open(files, cli_has(cli, "strip"), &r->folder, r->err);
        r->to = &r->folder;
    }
    if (rc < 0)
        return rc;
    struct lead_said s = {.entry = lead.entry,
                          .time = lead.time,
                          .from = span_str("informant"),
                          .what = span_str("lead"),
                          .prefix = ""};
    r->page = lead_page_open(cli);
    rc = put_sealed(r, &s, true);
    if (rc == 0)
        rc = leads_messages(r->c.pursuit, lead.entry, put_message, r, r->err);
    if (rc == 0)
        rc = leads_sealed(r->c.pursuit, lead.entry, put_note, r, r->err);
    if (lead_page_close(r->page) < 0 && rc == 0)
        rc = err_set(r->err, -EIO, "output could not be written");
    return rc;
}

int cmd_lead_read(const struct cli *cli)
{
    struct err err = {0};
    struct reading r = {.folder.fd = -1, .err = &err};
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead read: wants one lead");
    if (cli_has(cli, "strip") && !cli_has(cli, "files"))
        return cli_fail(EXIT_USAGE, "--strip: wants --files, too");
    lead_keep_private();
    int rc = read_lead(cli, &r);
    lead_keyring_close(r.ring);
    lead_folder_close(&r.folder);
    account_wipe(&r.key);
    casedir_close(&r.c, NULL);
    if (rc < 0)
        return cli_fail(EXIT_FAILED, "lead read: %s", err.text);
    return r.folder.unstripped ? cli_fail(EXIT_FAILED, "lead read: %u files were not stripped (%s)",
                                          r.folder.unstripped, r.folder.path)
                               : EXIT_DONE;
}

/* ---- answer ---- */

static const struct table_column answer_columns[] = {
    {"lead", "lead", TABLE_ID}, {"what", "what", TABLE_WORDS}, {"index", "entry", TABLE_ID}, {0}};

static int record_answer(const struct cli *cli, const struct account_key *key,
                         const struct lead *lead, const struct lead_sealed *sealed, uint64_t *index,
                         struct err *err)
{
    struct buf payload = {0};
    struct act_lead_message a = {.lead = lead->entry,
                                 .size = sealed->size,
                                 .what = span_str(cli_has(cli, "payment") ? "payment" : "answer"),
                                 .wraps = span_of(sealed->wraps, SHA256_LEN),
                                 .content = span_of(sealed->content, SHA256_LEN)};
    act_lead_message(&payload, &a);
    struct case_act act = {.kind = KIND_LEAD_MESSAGE, .payload = buf_as_span(&payload)};
    int rc = case_acts_as(cli, key, &act, 1, err);
    buf_free(&payload);
    *index = act.index;
    return rc;
}

static int may_answer(struct casedir *c, const struct account_key *key, const struct lead *lead,
                      struct err *err)
{
    struct lead_keyring *ring;
    int rc = lead_keyring_open(c, key, &ring, err); /* who reads leads answers them */
    lead_keyring_close(ring);
    if (rc == 0 && reviews_conflict(c->pursuit, lead->entry, span_str(key->name)))
        rc = err_set(err, -EPERM, "account %s has a conflict of interest on lead %llu", key->name,
                     (unsigned long long)lead->entry);
    if (rc == 0 && lead->withdrawn)
        rc = err_set(err, -EPERM, "lead %llu was withdrawn", (unsigned long long)lead->entry);
    if (rc == 0 && leads_messages_count(c->pursuit, lead->entry) >= LEAD_MESSAGES_MAX)
        rc = err_set(err, -EFBIG, "lead %llu has %d messages already",
                     (unsigned long long)lead->entry, LEAD_MESSAGES_MAX);
    return rc;
}

static int answer(const struct cli *cli, struct account_key *key, struct lead *lead,
                  uint64_t *index, struct err *err)
{
    struct casedir c;
    struct buf text = {0};
    struct lead_sealed sealed;
    int rc = case_open_views(cli, &c, VIEW_PURSUIT, err);
    if (rc == 0)
        rc = find_lead(cli, &c, lead, err);
    if (rc >= 0)
        rc = account_unlock(cli, key, err);
    if (rc == 0)
        rc = may_answer(&c, key, lead, err);
    if (rc == 0)
        rc = lead_read_text(cli_get(cli, "text"), SEAL_TEXT_MAX, &text, err);
    if (rc == 0 && !text.n)
        rc = err_set(err, -EINVAL, "--text: nothing is in it");
    if (rc == 0)
        rc = lead_seal_words(cli, c.casebook, buf_as_span(&text), lead->public_key, &sealed, err);
    if (rc == 0)
        rc = record_answer(cli, key, lead, &sealed, index, err);
    if (text.p)
        sodium_memzero(text.p, text.cap);
    buf_free(&text);
    casedir_close(&c, NULL);
    return rc;
}

int cmd_lead_answer(const struct cli *cli)
{
    struct account_key key = {0};
    struct lead lead = {0};
    struct err err;
    uint64_t index = 0;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead answer: wants one lead");
    if (!cli_get(cli, "text"))
        return cli_fail(EXIT_USAGE, "lead answer: wants --text");
    lead_keep_private();
    int rc = answer(cli, &key, &lead, &index, &err);
    account_wipe(&key);
    if (rc < 0)
        return cli_fail(EXIT_FAILED, "lead answer: %s", err.text);
    struct table *t = table_open(cli_shape(cli), answer_columns, stdout);
    table_uint(t, lead.entry);
    table_str(t, cli_has(cli, "payment") ? "payment" : "answer");
    table_uint(t, index);
    table_row_end(t);
    return table_close(t) < 0 ? cli_fail(EXIT_FAILED, "output could not be written") : EXIT_DONE;
}
