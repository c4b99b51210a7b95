/* ebb lead note: sealed as a lead is, to those who may read this one */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "app/account/account.h"
#include "app/lead/lead_seal.h"
#include "app/review/review_case.h"
#include "event/event.h"

#define NOTE_BYTES_MAX (1u << 20)

/* Not to those with a conflict of interest: no key of the note is made for them. */
static int readers_of(struct review_case *r, uint64_t lead, struct lead_readers *out,
                      struct err *err)
{
    int rc = lead_readers(r->c.casebook, out, err);
    size_t kept = 0;
    for (size_t i = 0; rc == 0 && i < out->n; i++)
        if (!reviews_conflict(r->c.pursuit, lead, span_str(out->list[i].name)))
            out->list[kept++] = out->list[i];
    out->n = rc == 0 ? kept : 0;
    return rc == 0 && !kept ? err_set(err, -ENOKEY, "nobody could read the note") : rc;
}

static int seal(const struct cli *cli, struct span text, const struct lead_readers *to,
                struct lead_sealed *out, struct err *err)
{
    struct lead_content content;
    int rc = lead_content_words(text, &content, err);
    if (rc == 0)
        rc = lead_seal(cli, &content, to, NULL, out, err);
    lead_content_free(&content);
    return rc;
}

static bool is_blank(struct span s)
{
    size_t i = 0;
    while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\t' || s.p[i] == '\r' || s.p[i] == '\n'))
        i++;
    return i == s.n;
}

/* The text, who reads it, who writes it: all is there before the first byte is written. */
static int prepare(const struct cli *cli, uint64_t lead, struct buf *text,
                   struct lead_readers *readers, struct account_key *key, struct err *err)
{
    struct review_case r;
    int rc = review_open_lead(cli, &r, lead, ROLE_REVIEWER | ROLE_CUSTODIAN, err);
    if (rc == 0)
        rc = readers_of(&r, lead, readers, err);
    review_close(&r);
    if (rc == 0)
        rc = lead_read_text(cli_get(cli, "text"), NOTE_BYTES_MAX, text, err);
    if (rc == 0 && is_blank(buf_as_span(text)))
        rc = err_set(err, -ENODATA, "--text: an empty note");
    if (rc == 0 && !span_is_utf8(buf_as_span(text)))
        rc = err_set(err, -EINVAL, "--text: not UTF-8");
    return rc == 0 ? account_unlock(cli, key, err) : rc;
}

static int write_note(const struct cli *cli, uint64_t lead, struct span text,
                      const struct lead_readers *readers, const struct account_key *key,
                      uint64_t *index, struct err *err)
{
    struct lead_sealed sealed;
    struct buf payload = {0};
    int rc = seal(cli, text, readers, &sealed, err);
    if (rc < 0)
        return rc;
    act_lead_review(&payload,
                    &(struct act_lead_review){.lead = lead,
                                              .what = span_str("note"),
                                              .wraps = span_of(sealed.wraps, SHA256_LEN),
                                              .content = span_of(sealed.content, SHA256_LEN)});
    struct case_act act = {.kind = KIND_LEAD_REVIEW, .payload = buf_as_span(&payload)};
    rc = case_acts_as(cli, key, &act, 1, err);
    *index = act.index;
    buf_free(&payload);
    return rc;
}

int cmd_lead_note(const struct cli *cli)
{
    struct lead_readers readers = {0};
    struct account_key key = {0};
    struct buf text = {0};
    struct err err;
    uint64_t lead, index = 0;
    if (cli->n_args != 1)
        return cli_fail(EXIT_USAGE, "lead note: wants one lead");
    int code = review_entry(cli, cli->args[0], "a lead", &lead);
    if (code)
        return code;
    if (!cli_get(cli, "text"))
        return cli_fail(EXIT_USAGE, "lead note: wants --text");
    lead_keep_private();
    int rc = prepare(cli, lead, &text, &readers, &key, &err);
    if (rc == 0)
        rc = write_note(cli, lead, buf_as_span(&text), &readers, &key, &index, &err);
    if (text.n)
        sodium_memzero(text.p, text.n);
    buf_free(&text);
    lead_readers_free(&readers);
    account_wipe(&key);
    return rc < 0 ? cli_err(&err) : review_print(cli, lead, "note", span_str("sealed"), index);
}
