#include "app/serve/courier_clerk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/serve/courier_clerk_impl.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/utc.h"

#define KNOCK_MS  1000  /* the first pause when the smarthost is not there; then doubled */
#define PAUSE_MS  250   /* a wait so long lets others write */
#define MARGIN_MS 30000 /* beyond POST_LONGEST_MS the post is not alive */
#define HURRY_MS  4000  /* how long what is being sent may take when we are told to end */
#define IDLE_MS   60000 /* a connection that nothing came over for so long is knocked at first */

/* ---- acts ---- */

static struct clerk_act *add(struct clerk *k, uint64_t report, uint64_t attempt, const char *result,
                             const char *reply)
{
    struct clerk_act *a = &k->pending[k->n_pending++];
    *a = (struct clerk_act){.report = report, .attempt = attempt, .result = result};
    snprintf(a->reply, sizeof a->reply, "%.*s", COURIER_REPLY_MAX - 1, reply);
    return a;
}

static void count(struct clerk *k, const struct clerk_act *a)
{
    struct cleanup_report r;
    char contact[CONTACT_MAX + 1] = "";
    k->sum.sent += strcmp(a->result, "sent") == 0;
    k->sum.deferred += strcmp(a->result, "deferred") == 0;
    k->sum.refused += strcmp(a->result, "refused") == 0;
    k->sum.cancelled += strcmp(a->result, "cancelled") == 0;
    k->sum.doubtful += strcmp(a->result, "doubtful") == 0;
    if (!k->ways.row || strcmp(a->result, "trying") == 0)
        return;
    if (cleanup_report(k->c->cleanup, a->report, &r))
        snprintf(contact, sizeof contact, "%.*s", (int)r.contact.n, (const char *)r.contact.p);
    struct clerk_row row = {a->report, a->attempt, contact, a->result, a->why ? a->why : a->reply};
    k->ways.row(k->ways.ctx, &row);
}

/* The view takes in what was committed since, by us and by others. */
static int refresh(struct clerk *k, struct err *err)
{
    struct entry e;
    int rc;
    while ((rc = journal_cursor_next(k->cursor, &e, err)) == 1) {
        if (e.header.kind == KIND_REDACTION)
            return err_set(err, -ESTALE, "the log was redacted");
        if (e.header.kind >= KIND_TRIAL_BEGUN && e.header.kind <= KIND_CONTACT_STATE && !e.redacted)
            casedir_act(k->c, e.header.kind, e.index, e.header.time, e.payload);
        casedir_advance(k->c, e.index + 1);
    }
    return rc;
}

static int commit(struct clerk *k, struct err *err)
{
    struct act_report_tried acts[CLERK_PENDING];
    size_t n = k->n_pending;
    for (size_t i = 0; i < n; i++) {
        const struct clerk_act *a = &k->pending[i];
        acts[i] = (struct act_report_tried){.report = a->report,
                                            .attempt = a->attempt,
                                            .result = span_str(a->result),
                                            .reply = span_str(a->reply),
                                            .by = span_str(a->why ? "ebb" : ""),
                                            .why = span_str(a->why ? a->why : "")};
    }
    k->n_pending = 0;
    int rc = n ? k->ways.journal(k->ways.ctx, acts, n, err) : 0;
    if (rc == 0)
        rc = refresh(k, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        count(k, &k->pending[i]);
    return rc;
}

static int room(struct clerk *k, struct err *err)
{
    return k->n_pending + 2 > CLERK_PENDING ? commit(k, err) : 0;
}

static const char *result_name(enum courier_verdict v)
{
    static const char *const names[] = {"sent", "deferred", "refused", "doubtful"};
    return names[v];
}

static int64_t now(const struct clerk *k)
{
    return utc_now() + k->options.ahead;
}

static void add_result(struct clerk *k, uint64_t report, uint64_t attempt, int64_t queued,
                       const struct courier_result *r)
{
    char text[COURIER_REPLY_MAX];
    int64_t hours = k->config->give_up_hours;
    bool over = now(k) - queued >= hours * 3600 * UTC_SECOND;
    if (r->verdict != COURIER_DEFERRED || !over) {
        add(k, report, attempt, result_name(r->verdict), r->reply);
        return;
    }
    int n = snprintf(text, sizeof text, "given up after %lld hours: ", (long long)hours);
    snprintf(text + n, sizeof text - (size_t)n, "%.*s", (int)(sizeof text - (size_t)n - 1),
             r->reply);
    add(k, report, attempt, "refused", text);
}

/* ---- waiting ---- */

static bool stopped(struct clerk *k)
{
    k->sum.stopped = k->sum.stopped || (k->ways.stopped && k->ways.stopped(k->ways.ctx));
    return k->sum.stopped;
}

/* Until fd (-1: none) is readable, somebody wants us to stop, or the time is over. */
static void wait_for(struct clerk *k, int fd, int64_t ms)
{
    int wake = k->sum.stopped ? -1 : k->ways.wake;
    struct pollfd p[2] = {{.fd = fd, .events = POLLIN}, {.fd = wake, .events = POLLIN}};
    if (ms > 0 && poll(p, 2, ms < INT32_MAX ? (int)ms : INT32_MAX) < 0 && errno != EINTR)
        k->sum.stopped = true;
    stopped(k);
}

/* A longer one: nothing is left to journal, and others may. */
static int rest(struct clerk *k, int64_t ms, struct err *err)
{
    int64_t until = clock_ms() + ms;
    bool away = ms >= PAUSE_MS && k->ways.pause;
    int rc = ms >= PAUSE_MS ? commit(k, err) : 0;
    if (rc == 0 && away) {
        journal_cursor_close(k->cursor);
        k->cursor = NULL;
        rc = k->ways.pause(k->ways.ctx, err);
    }
    for (int64_t left = ms; rc == 0 && left > 0 && !stopped(k); left = until - clock_ms())
        wait_for(k, -1, left);
    if (rc == 0 && away)
        rc = k->ways.resume(k->ways.ctx, err);
    if (rc == 0 && away)
        rc = journal_cursor_open(k->c->journal, cleanup_position(k->c->cleanup), &k->cursor, err);
    return rc == 0 && away ? refresh(k, err) : rc;
}

/* The post's answer to what it was asked last; where it ended instead, what the mark says. 1: it is
 * still at it, and may not be ended: what it was asked stays "trying", and who opens the marks
 * next, when it is gone, will know. */
static int hear(struct clerk *k, unsigned mark, struct courier_result *out)
{
    int64_t end = clock_ms() + POST_LONGEST_MS + MARGIN_MS;
    bool hurried = false;
    int got = 0;
    while ((got = post_heed(k->post)) == 0 && clock_ms() < end) {
        wait_for(k, post_fd(k->post), end - clock_ms());
        if (stopped(k) && !hurried) {
            hurried = true;
            post_hurry(k->post);
            end = clock_ms() + HURRY_MS;
        }
    }
    k->gone = got != 1;
    if (got == 0)
        return 1;
    courier_mark_result(courier_mark(k->marks, mark), out);
    return 0;
}

static int post_is_gone(struct err *err)
{
    return err_set(err, -EPIPE, "the process that talks to the smarthost is gone");
}

/* ---- the smarthost ---- */

static int heed_fault(struct clerk *k, const struct courier_result *r, struct err *err)
{
    k->vain = r->fault == COURIER_OWN ? 0 : k->vain + 1;
    bool enough = k->vain >= k->options.knocks || r->fault == COURIER_FOREVER;
    if (k->vain == 1 && k->ways.trouble)
        k->ways.trouble(k->ways.ctx, r->reply);
    if (r->fault == COURIER_OWN || !k->options.knocks || !enough)
        return 0;
    return err_set(err, -EHOSTUNREACH, "smarthost %s: %s", k->config->smarthost.host, r->reply);
}

/* The longer, the more often it was in vain. */
static int rest_before_knock(struct clerk *k, struct err *err)
{
    int64_t pause = KNOCK_MS, longest = (int64_t)k->config->retry_minutes * 60 * 1000;
    for (unsigned i = 1; i < k->vain && pause < longest; i++)
        pause *= 2;
    return k->vain ? rest(k, pause < longest ? pause : longest, err) : 0;
}

/* So that no report pays for a smarthost that is not there. */
static int connect_host(struct clerk *k, struct err *err)
{
    struct courier_result r;
    int rc = 0;
    if (clock_us() - k->last_us > IDLE_MS * 1000)
        k->connected = false; /* as far as we know */
    while (rc == 0 && !k->connected && !stopped(k)) {
        rc = rest_before_knock(k, err);
        if (rc < 0 || stopped(k))
            break;
        rc = post_knock(k->post, err);
        if (rc == 0 && (hear(k, COURIER_KNOCK, &r) == 1 || k->gone))
            rc = stopped(k) ? 0 : post_is_gone(err);
        else if (rc == 0)
            k->connected = r.verdict == COURIER_SENT;
        if (rc == 0 && !k->connected && !stopped(k))
            rc = heed_fault(k, &r, err);
    }
    return rc;
}

/* So that no minute sees more than per_minute. */
static int keep_rate(struct clerk *k, struct err *err)
{
    int64_t every = (60000000 + k->config->per_minute - 1) / k->config->per_minute;
    int64_t left = k->last_us + every - clock_us();
    int rc = k->last_us && left > 0 ? rest(k, (left + 999) / 1000, err) : 0;
    k->last_us = clock_us();
    return rc;
}

/* ---- one report ---- */

static int send_it(struct clerk *k, const struct cleanup_report *r, struct span bytes,
                   struct err *err)
{
    char contact[CONTACT_MAX + 1];
    struct courier_result result;
    uint64_t report = r->report, attempt = r->attempts + 1;
    int64_t queued = r->queued;
    unsigned mark = k->turn++ % COURIER_KNOCK;
    size_t n = r->contact.n;
    memcpy(contact, r->contact.p, n); /* the view's spans end with the next act */
    courier_mark_begin(courier_mark(k->marks, mark), report, attempt);
    add(k, report, attempt, "trying", "");
    int rc = commit(k, err);
    if (rc < 0)
        return rc;
    k->mails++;
    (void)post_mail(k->post, mark, span_of(contact, n), bytes, NULL); /* hear() sees it go */
    if (hear(k, mark, &result) == 1)
        return 0;
    add_result(k, report, attempt, queued, &result);
    k->connected = result.verdict == COURIER_SENT;
    if (k->gone)
        return stopped(k) ? 0 : post_is_gone(err);
    return heed_fault(k, &result, err);
}

static void cancel(struct clerk *k, const struct cleanup_report *r, const char *why)
{
    struct clerk_act *a = add(k, r->report, r->attempts, "cancelled", "");
    a->why = why;
}

/* Still to be sent, as far as the log goes now? */
static bool is_open(struct clerk *k, uint64_t report, struct cleanup_report *r)
{
    return cleanup_report(k->c->cleanup, report, r) &&
           (r->state == CLEANUP_QUEUED || r->state == CLEANUP_DEFERRED);
}

static int take(struct clerk *k, const struct clerk_due *d, struct err *err)
{
    struct cleanup_report r;
    struct buf bytes = {0};
    if (!is_open(k, d->report, &r))
        return 0;
    if (cleanup_is_dead(k->c->cleanup, r.contact)) {
        cancel(k, &r, "contact is dead");
        return 0;
    }
    if (!post_can_address(r.contact)) {
        cancel(k, &r, "contact is no address");
        return 0;
    }
    int rc = casedir_blob(k->c, r.sha256, &bytes, err);
    if (rc == -ENOENT) {
        cancel(k, &r, "its bytes are gone");
        rc = 0;
    } else if (rc == 0) {
        rc = connect_host(k, err);
        if (rc == 0 && k->connected && !stopped(k))
            rc = keep_rate(k, err);
        /* both may have waited */
        if (rc == 0 && k->connected && !stopped(k) && is_open(k, d->report, &r) &&
            !cleanup_is_dead(k->c->cleanup, r.contact)) {
            rc = send_it(k, &r, buf_as_span(&bytes), err);
            clerk_agenda_sent(k, d);
        }
    }
    buf_free(&bytes);
    return rc;
}

int clerk_round(struct clerk *k, struct err *err)
{
    struct err late;
    int rc = refresh(k, err);
    if (rc == 0)
        clerk_agenda_make(k);
    for (size_t i = 0; rc == 0 && i < k->n_due && !stopped(k) && !k->sum.limited; i++) {
        if (clerk_agenda_is_full(k, &k->due[i])) {
            k->sum.waiting++;
            continue;
        }
        k->sum.limited = k->options.limit && k->mails >= k->options.limit;
        rc = k->sum.limited ? 0 : room(k, err);
        if (rc == 0 && !k->sum.limited)
            rc = take(k, &k->due[i], err);
    }
    /* what is known goes on the log, whatever else went wrong */
    int kept = k->cursor ? commit(k, rc < 0 ? &late : err) : 0;
    return rc < 0 ? rc : kept;
}

/* ---- a sender before us ---- */

static int collect_trying(void *ctx, const struct cleanup_report *r)
{
    struct clerk *k = ctx;
    if (r->state == CLEANUP_TRYING) {
        k->due = mem_room(k->due, k->n_due, &k->cap_due, sizeof *k->due);
        k->due[k->n_due++] = (struct clerk_due){.report = r->report};
    }
    return 0;
}

static int settle_left(struct clerk *k, struct err *err)
{
    struct courier_result result;
    struct cleanup_report r;
    int rc = 0;
    k->n_due = 0;
    cleanup_reports(k->c->cleanup, collect_trying, k);
    for (size_t i = 0; rc == 0 && i < k->n_due; i++) {
        if (!cleanup_report(k->c->cleanup, k->due[i].report, &r))
            continue;
        courier_marks_find(k->marks, r.report, r.attempts, &result);
        add_result(k, r.report, r.attempts, r.queued, &result);
        rc = room(k, err);
    }
    return rc == 0 ? commit(k, err) : rc;
}

int clerk_open(struct casedir *c, struct courier_marks *marks, struct post *post,
               const struct clerk_ways *ways, const struct clerk_options *options,
               struct clerk **out, struct err *err)
{
    struct clerk *k = mem_zeroed(1, sizeof *k);
    *k = (struct clerk){.c = c,
                        .config = &c->config->cleanup,
                        .marks = marks,
                        .post = post,
                        .ways = *ways,
                        .options = *options};
    int rc = journal_cursor_open(c->journal, cleanup_position(c->cleanup), &k->cursor, err);
    if (rc == 0)
        rc = refresh(k, err);
    if (rc == 0)
        rc = settle_left(k, err);
    if (rc < 0)
        clerk_close(k);
    else
        *out = k;
    return rc;
}

void clerk_close(struct clerk *k)
{
    if (k->cursor)
        journal_cursor_close(k->cursor);
    clerk_agenda_free(k);
    free(k->due);
    free(k);
}

const struct clerk_sum *clerk_sum(const struct clerk *k)
{
    return &k->sum;
}
