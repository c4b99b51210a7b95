#include "app/lead/lead_submit.h"

#include <sodium.h>

#include "app/lead/lead_receipt.h"
#include "event/event.h"

int lead_submit_begin(struct casedir *c, const struct lead_content *content,
                      struct lead_submit *out, struct err *err)
{
    *out = (struct lead_submit){0};
    int rc = lead_readers(c->casebook, &out->readers, err);
    if (rc == 0)
        rc = lead_receipt_make(c, &out->receipt, err);
    randombytes_buf(out->salt, sizeof out->salt);
    receipt_locator(&out->receipt, out->locator);
    if (rc == 0)
        rc = receipt_keys(&out->receipt, out->salt, &out->keys, err);
    if (rc == 0)
        receipt_commitment(&out->keys, content->digest, out->commitment);
    return rc;
}

static int record(const struct cli *cli, unsigned work, struct lead_submit *s, struct err *err)
{
    struct buf payload = {0};
    struct act_lead a = {.salt = span_of(s->salt, sizeof s->salt),
                         .size = s->sealed.size,
                         .work = work,
                         .files = s->sealed.files,
                         .wraps = span_of(s->sealed.wraps, SHA256_LEN),
                         .public = span_of(s->keys.box, sizeof s->keys.box),
                         .verify = span_of(s->keys.verify, sizeof s->keys.verify),
                         .content = span_of(s->sealed.content, SHA256_LEN),
                         .locator = span_of(s->locator, sizeof s->locator),
                         .commitment = span_of(s->commitment, SHA256_LEN)};
    act_lead(&payload, &a);
    struct case_act act = {.kind = KIND_LEAD, .payload = buf_as_span(&payload)};
    int rc = case_acts_as(cli, NULL, &act, 1, err); /* by nobody, whoever types it */
    s->entry = act.index;
    buf_free(&payload);
    return rc;
}

int lead_submit_take(const struct cli *cli, const struct lead_content *content, unsigned work,
                     struct lead_submit *s, struct err *err)
{
    int rc = lead_seal(cli, content, &s->readers, NULL, &s->sealed, err);
    return rc == 0 ? record(cli, work, s, err) : rc;
}

void lead_submit_wipe(struct lead_submit *s)
{
    lead_readers_free(&s->readers);
    sodium_memzero(s, sizeof *s);
}
