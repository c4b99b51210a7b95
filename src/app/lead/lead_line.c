#include "app/lead/lead_line.h"

#include <errno.h>
#include <sodium.h>

#include "app/lead/lead_receipt.h"
#include "event/event.h"

int lead_line_open(struct casedir *c, const struct receipt *r,
                   const uint8_t decoy[RECEIPT_DECOY_LEN], struct lead_line *out, struct err *err)
{
    *out = (struct lead_line){.c = c};
    return lead_by_receipt(c, r, decoy, &out->lead, &out->keys, err);
}

void lead_line_wipe(struct lead_line *l)
{
    sodium_memzero(l, sizeof *l);
}

/* ---- reading ---- */

struct line_reader {
    struct lead_line *line;
    int (*each)(void *ctx, const struct lead_line_message *m);
    void *ctx;
};

/* Theirs were sealed to the reviewers alone. */
static int read_message(void *ctx, const struct lead_message *m)
{
    struct line_reader *r = ctx;
    struct lead_opened open = {0};
    struct lead_line_message out = {.message = m};
    struct err why;
    if (m->account.n) {
        if (lead_open_by_receipt(r->line->c, &r->line->keys, m->entry, &open, &why) == 0)
            out.open = &open;
        else
            out.unread = why.text;
    }
    int rc = r->each(r->ctx, &out);
    lead_close(&open);
    return rc;
}

int lead_line_read(struct lead_line *l, int (*each)(void *ctx, const struct lead_line_message *m),
                   void *ctx, struct err *err)
{
    struct line_reader r = {l, each, ctx};
    return leads_messages(l->c->pursuit, l->lead.entry, read_message, &r, err);
}

/* ---- saying ---- */

const char *lead_line_kind(const struct lead_line_say *s)
{
    return s->withdraw                                  ? "withdrawal"
           : s->offer                                   ? "claim"
           : s->content && s->content->manifest.n_files ? "addition"
                                                        : "message";
}

static int add_size(void *ctx, const struct lead_message *m)
{
    *(uint64_t *)ctx += m->account.n ? 0 : m->size;
    return 0;
}

int lead_line_may_say(struct lead_line *l, const struct lead_line_say *s, struct err *err)
{
    uint64_t sent = 0;
    if (l->lead.withdrawn)
        return err_set(err, -EPERM, "the lead was withdrawn: nothing can be added");
    if (leads_messages_count(l->c->pursuit, l->lead.entry) >= LEAD_MESSAGES_MAX)
        return err_set(err, -EFBIG, "the lead has %d messages already", LEAD_MESSAGES_MAX);
    int rc = leads_messages(l->c->pursuit, l->lead.entry, add_size, &sent, err);
    if (rc == 0 && s->content && sent + s->content->size > LEAD_LINE_BYTES_MAX)
        rc = err_set(err, -EFBIG,
                     "what is sent behind one lead has %llu GiB at most: submit another lead",
                     LEAD_LINE_BYTES_MAX >> 30);
    return rc;
}

static int record(const struct cli *cli, struct lead_line *l, const struct lead_line_say *s,
                  const struct lead_sealed *sealed, uint64_t *entry, struct err *err)
{
    struct buf text = {0}, payload = {0};
    uint8_t proof[LEAD_PROOF_LEN];
    struct act_lead_message a = {.lead = l->lead.entry,
                                 .size = sealed->size,
                                 .what = span_str(lead_line_kind(s)),
                                 .files = sealed->files,
                                 .offer = s->offer};
    if (sealed->size) {
        a.wraps = span_of(sealed->wraps, SHA256_LEN);
        a.content = span_of(sealed->content, SHA256_LEN);
    }
    leads_message_signed(&a, &text);
    crypto_sign_detached(proof, NULL, text.p, text.n, l->keys.sign);
    a.proof = span_of(proof, sizeof proof);
    act_lead_message(&payload, &a);
    struct case_act act = {.kind = KIND_LEAD_MESSAGE, .payload = buf_as_span(&payload)};
    int rc = case_acts_as(cli, NULL, &act, 1, err);
    *entry = act.index;
    buf_free(&text);
    buf_free(&payload);
    return rc;
}

int lead_line_say(const struct cli *cli, struct lead_line *l, const struct lead_line_say *s,
                  uint64_t *entry, struct err *err)
{
    struct lead_readers to = {0};
    struct lead_sealed sealed = {0};
    int rc = lead_line_may_say(l, s, err);
    if (rc == 0 && s->content)
        rc = lead_readers(l->c->casebook, &to, err);
    if (rc == 0 && s->content)
        rc = lead_seal(cli, s->content, &to, NULL, &sealed, err);
    if (rc == 0)
        rc = record(cli, l, s, &sealed, entry, err);
    lead_readers_free(&to);
    return rc;
}
