/* ebb notice send
 *
 * A notice by mail is three acts, in this order: NOTICE (who, what bytes, on whose authority:
 * signed), REPORT_QUEUED (the courier's: the same bytes, under the same Message-ID), REPORT_TRIED.
 * After a crash behind the first nothing has gone out: whoever calls `notice send` next queues what
 * has a NOTICE and no REPORT_QUEUED. A Message-ID stands for one notice, and one caller at a time
 * holds the queue, so nothing is queued twice. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/account/account.h"
#include "app/cleanup/cleanup_send.h"
#include "app/notice/notice_due.h"
#include "base/mem.h"
#include "event/act_cleanup.h"
#include "event/event.h"

#define BATCH       64          /* notices that are recorded together */
#define BATCH_BYTES (16u << 20) /* or so many bytes of them */

/* ---- recording ---- */

struct batch {
    const struct cli *cli;
    const struct account_key *key; /* NULL: nobody acts */
    struct case_act acts[BATCH];
    struct buf payloads[BATCH], blobs[BATCH];
    size_t n, bytes;
};

static int flush(struct batch *b, struct err *err)
{
    int rc = b->n ? case_acts_as(b->cli, b->key, b->acts, b->n, err) : 0;
    b->n = b->bytes = 0;
    return rc;
}

/* Takes both buffers over. */
static int add_act(struct batch *b, uint8_t kind, struct buf *payload, struct buf *blob,
                   struct err *err)
{
    buf_free(&b->payloads[b->n]);
    buf_free(&b->blobs[b->n]);
    b->payloads[b->n] = *payload;
    b->blobs[b->n] = *blob;
    b->acts[b->n] =
        (struct case_act){.kind = kind, .payload = buf_as_span(payload), .blob = buf_as_span(blob)};
    b->bytes += payload->n + blob->n;
    b->n++;
    *payload = *blob = (struct buf){0};
    return b->n == BATCH || b->bytes >= BATCH_BYTES ? flush(b, err) : 0;
}

static void batch_free(struct batch *b)
{
    for (size_t i = 0; i < BATCH; i++) {
        buf_free(&b->payloads[i]);
        buf_free(&b->blobs[i]);
    }
    free(b);
}

static int record_one(struct notice_case *n, const struct notice_due *d, struct span name,
                      struct batch *b, struct err *err)
{
    struct notice_made made = {0};
    struct buf payload = {0};
    int rc = notice_make(n, &d->order, d->party, d->contact, name, &made, err);
    if (rc == 0) {
        act_notice(&payload, &(struct act_notice){.html = made.html ? made.html->at.entry : 0,
                                                  .media = span_str(made.media),
                                                  .order = d->order.entry,
                                                  .party = d->party->at.entry,
                                                  .sha256 = span_of(made.sha256, SHA256_LEN),
                                                  .channel = d->contact->act.channel,
                                                  .contact = d->contact->at.entry,
                                                  .language = made.words->act.language,
                                                  .template = made.words->at.entry,
                                                  .message_id = made.message_id});
        rc = add_act(b, KIND_NOTICE, &payload, &made.bytes, err);
    }
    buf_free(&payload);
    buf_free(&made.bytes);
    return rc;
}

/* All are made before the first is recorded: a template with a hole stops the campaign before it
 * began.
 */
static int try_all(struct notice_case *n, const struct notice_dues *d, struct span name,
                   struct err *err)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < d->n; i++) {
        struct notice_made made = {0};
        rc = notice_make(n, &d->v[i].order, d->v[i].party, d->v[i].contact, name, &made, err);
        buf_free(&made.bytes);
    }
    return rc;
}

static int record_due(const struct cli *cli, struct span name, const struct account_key *key,
                      uint64_t *recorded, struct err *err)
{
    struct notice_case n;
    struct notice_dues d = {0};
    struct batch *b = mem_zeroed(1, sizeof *b);
    b->cli = cli;
    b->key = key;
    int rc = notice_case_open(cli, &n, err);
    if (rc == 0)
        rc = notice_find_due(&n, name, false, &d, err);
    if (rc == 0)
        rc = try_all(&n, &d, name, err);
    for (size_t i = 0; rc == 0 && i < d.n; i++)
        rc = record_one(&n, &d.v[i], name, b, err);
    if (rc == 0)
        rc = flush(b, err);
    *recorded = rc == 0 ? d.n : 0;
    if (rc == 0)
        notice_say_rest(cli, &d);
    batch_free(b);
    free(d.v);
    notice_case_close(&n);
    return rc;
}

/* ---- queueing ---- */

/* On record, by mail, on nobody's queue, and nobody has said anything else of it. */
static bool waits(const struct notice *w)
{
    return span_is(w->act.channel, "mail") && w->act.message_id.n && !w->report &&
           w->state == NOTICE_MADE && !w->at.withdrawn;
}

static int queue_one(struct notice_case *n, const struct notice *w, struct batch *b,
                     struct err *err)
{
    const struct notice_contact *k = notice_contact_at(&n->book, w->act.contact);
    struct notice_order o;
    struct buf payload = {0}, none = {0};
    struct err why;
    int rc = notice_order_at(n, w->act.order, &o, err);
    if (rc < 0 || !k)
        return rc;
    if (notice_may(n, &o, n->now, &why) < 0) {
        fprintf(stderr, "ebb: warning: notice %llu is not queued: %s\n",
                (unsigned long long)w->at.entry, why.text);
        return 0;
    }
    act_report_queued(&payload,
                      &(struct act_report_queued){.contact = k->act.address,
                                                  .format = span_str("notice"),
                                                  .language = w->act.language,
                                                  .channel = span_str(NOTICE_MAIL_CHANNEL),
                                                  .message_id = w->act.message_id,
                                                  .sha256 = w->act.sha256,
                                                  .since = o.from,
                                                  .until = n->now,
                                                  .part = 1,
                                                  .parts = 1});
    return add_act(b, KIND_REPORT_QUEUED, &payload, &none, err);
}

/* The courier's acts need an operator's signature, or none: counsel's NOTICE says who acted. */
static int may_sign(struct notice_case *n, const struct account_key *key, struct err *err)
{
    struct account a;
    int rc = key ? casebook_account(n->c.casebook, span_str(key->name), &a, err) : 0;
    return rc == 1 ? (a.roles & ROLE_OPERATOR) != 0 : rc;
}

static int queue_recorded(const struct cli *cli, const struct account_key *key, uint64_t *queued,
                          struct err *err)
{
    struct notice_case n;
    struct batch *b = mem_zeroed(1, sizeof *b);
    b->cli = cli;
    int rc = notice_case_open(cli, &n, err);
    if (rc == 0 && (rc = may_sign(&n, key, err)) == 1) {
        b->key = key;
        rc = 0;
    }
    for (size_t i = 0; rc == 0 && i < n.book.n_notices; i++)
        if (waits(&n.book.notices[i])) {
            rc = queue_one(&n, &n.book.notices[i], b, err);
            *queued += rc == 0;
        }
    if (rc == 0)
        rc = flush(b, err);
    batch_free(b);
    notice_case_close(&n);
    return rc;
}

/* ---- send ---- */

static int record_and_queue(const struct cli *cli, struct span name, struct err *err)
{
    struct account_key key;
    uint64_t recorded = 0, queued = 0;
    bool named = account_named(cli) != NULL;
    int rc = named ? account_unlock(cli, &key, err) : 0;
    int lock = rc == 0 ? cleanup_queue_lock(cli, err) : rc;
    if (lock < 0) {
        if (named && rc == 0)
            account_wipe(&key);
        return lock;
    }
    rc = record_due(cli, name, named ? &key : NULL, &recorded, err);
    if (rc == 0)
        rc = queue_recorded(cli, named ? &key : NULL, &queued, err);
    close(lock);
    if (named)
        account_wipe(&key);
    if (rc == 0 && !cli->quiet)
        fprintf(stderr, "ebb: %llu notices recorded, %llu queued\n", (unsigned long long)recorded,
                (unsigned long long)queued);
    return rc;
}

int cmd_notice_send(const struct cli *cli)
{
    const struct clerk_options options = {.channel = NOTICE_MAIL_CHANNEL, .knocks = 6};
    struct config *config;
    struct span name;
    struct err err;
    int code = notice_template_option(cli, &name);
    if (code)
        return code;
    int rc = config_load(cli->case_dir, &config, &err);
    if (rc < 0)
        return notice_fail(rc, &err);
    if (!config->cleanup.sending)
        code = cli_fail(EXIT_USAGE,
                        "notice send: sending is off: nothing is sent before a person turns it on "
                        "(cleanup.sending in ebb.yaml)");
    else if ((rc = record_and_queue(cli, name, &err)) < 0)
        code = notice_fail(rc, &err);
    else if (!cli_has(cli, "queue-only"))
        code = cleanup_send_queued(cli, config, &options);
    config_free(config);
    return code;
}
