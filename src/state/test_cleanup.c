#include "state/cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "event/event.h"

static char dir[] = "/tmp/ebb-cleanup-XXXXXX";
static const char arms[] = "contact,arm\nabuse@a.example,told\nnoc@b.example,control\n";

static int blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    buf_str(out, arms);
    return 0;
}

static uint64_t entry = 10;

static uint64_t queue(struct cleanup *c, const char *contact, const char *id, int64_t until)
{
    uint8_t digest[SHA256_LEN] = {(uint8_t)entry};
    struct buf b = {0};
    act_report_queued(&b, &(struct act_report_queued){.contact = span_str(contact),
                                                      .format = span_str("xarf"),
                                                      .message_id = span_str(id),
                                                      .sha256 = span_of(digest, SHA256_LEN),
                                                      .since = 1,
                                                      .until = until,
                                                      .fresh = 3});
    cleanup_act(c, KIND_REPORT_QUEUED, ++entry, 1000, buf_as_span(&b));
    buf_free(&b);
    return entry;
}

static void tried(struct cleanup *c, uint64_t report, uint64_t attempt, const char *result,
                  const char *by)
{
    struct buf b = {0};
    act_report_tried(&b, &(struct act_report_tried){.report = report,
                                                    .attempt = attempt,
                                                    .result = span_str(result),
                                                    .reply = span_str("250 ok"),
                                                    .by = span_str(by)});
    cleanup_act(c, KIND_REPORT_TRIED, ++entry, 2000, buf_as_span(&b));
    buf_free(&b);
}

static void returned(struct cleanup *c, uint64_t report, const char *what, const char *status)
{
    uint8_t digest[SHA256_LEN] = {1, (uint8_t)entry};
    struct buf b = {0};
    act_report_returned(&b, &(struct act_report_returned){.report = report,
                                                          .what = span_str(what),
                                                          .status = span_str(status),
                                                          .sha256 = span_of(digest, SHA256_LEN)});
    cleanup_act(c, KIND_REPORT_RETURNED, ++entry, 3000, buf_as_span(&b));
    buf_free(&b);
}

static void contact_is(struct cleanup *c, const char *contact, const char *state)
{
    struct buf b = {0};
    act_contact_state(&b, &(struct act_contact_state){.contact = span_str(contact),
                                                      .state = span_str(state),
                                                      .by = span_str("operator")});
    cleanup_act(c, KIND_CONTACT_STATE, ++entry, 4000, buf_as_span(&b));
    buf_free(&b);
}

static void trial(struct cleanup *c)
{
    uint8_t digest[SHA256_LEN] = {9};
    struct buf b = {0};
    act_trial_begun(&b, &(struct act_trial_begun){.name = span_str("first"),
                                                  .seed = span_str("s"),
                                                  .percent = 50,
                                                  .contacts = 2,
                                                  .controls = 1,
                                                  .sha256 = span_of(digest, SHA256_LEN),
                                                  .from = 100,
                                                  .until = 200});
    cleanup_act(c, KIND_TRIAL_BEGUN, ++entry, 5000, buf_as_span(&b));
    buf_free(&b);
}

static enum cleanup_state state_of(struct cleanup *c, uint64_t report)
{
    struct cleanup_report r;
    return cleanup_report(c, report, &r) ? r.state : CLEANUP_STATES;
}

static struct cleanup *begin(void)
{
    struct cleanup *c;
    struct err err;
    if (cleanup_open(dir, &c, &err) < 0)
        exit(1);
    cleanup_blobs(c, blob, NULL);
    return c;
}

static int count(void *ctx, const struct cleanup_report *r)
{
    ++*(int *)ctx;
    return 0;
}

/* What holds of the world below, before and after it was saved. */
static void check(struct cleanup *c, uint64_t a, uint64_t b, uint64_t d)
{
    struct cleanup_report r;
    uint64_t reports;
    int n = 0;
    cleanup_reports(c, count, &n);
    ok(n == 3, "three reports");
    ok(state_of(c, a) == CLEANUP_BOUNCED && state_of(c, b) == CLEANUP_BOUNCED &&
           state_of(c, d) == CLEANUP_DEFERRED,
       "their states");
    ok(cleanup_by_message_id(c, span_str("two@x"), &r) && r.report == b &&
           span_is(r.status, "5.1.1") && span_is(r.contact, "abuse@a.example"),
       "found by Message-ID");
    ok(!cleanup_by_message_id(c, span_str("none@x"), &r), "and only ours");
    ok(cleanup_is_dead(c, span_str("ABUSE@a.example")), "two hard bounces make it dead");
    ok(!cleanup_is_dead(c, span_str("noc@b.example")), "a soft one does not");
    ok(cleanup_told(c, span_str("abuse@a.example"), &reports) == 0 && reports == 0,
       "who bounced was not told");
    ok(cleanup_told(c, span_str("noc@b.example"), &reports) == 70 && reports == 1,
       "who is tried again was");
    ok(cleanup_arm(c, span_str("noc@b.example"), 150) == CLEANUP_CONTROL &&
           cleanup_arm(c, span_str("abuse@a.example"), 150) == CLEANUP_TREATED,
       "arms");
    ok(cleanup_arm(c, span_str("noc@b.example"), 200) == CLEANUP_NO_TRIAL &&
           cleanup_arm(c, span_str("other@c.example"), 150) == CLEANUP_NO_TRIAL,
       "after its end, and for others, there is no trial");
}

int main(void)
{
    struct err err;
    struct buf first = {0}, second = {0};
    char path[sizeof dir + 16];
    if (!mkdtemp(dir))
        return 1;
    snprintf(path, sizeof path, "%s/cleanup", dir);
    struct cleanup *c = begin();
    uint64_t a = queue(c, "Abuse@A.example", "one@x", 50);
    ok(state_of(c, a) == CLEANUP_QUEUED, "queued");
    tried(c, a, 1, "trying", "");
    ok(state_of(c, a) == CLEANUP_TRYING, "trying");
    tried(c, a, 1, "sent", "");
    ok(state_of(c, a) == CLEANUP_SENT, "sent");
    uint64_t reports;
    ok(cleanup_told(c, span_str("abuse@a.example"), &reports) == 50, "told up to then");
    returned(c, a, "auto-reply", "");
    ok(state_of(c, a) == CLEANUP_SENT, "an answer changes nothing");
    returned(c, a, "bounce", "5.1.1");
    returned(c, a, "bounce", "5.1.1");
    ok(!cleanup_is_dead(c, span_str("abuse@a.example")), "two bounces of one report are one");
    uint64_t b = queue(c, "abuse@a.example", "two@x", 60),
             d = queue(c, "noc@b.example", "three@x", 70);
    tried(c, b, 1, "sent", "");
    returned(c, b, "bounce", "5.1.1");
    tried(c, d, 1, "deferred", "");
    returned(c, d, "delay", "4.4.1");
    trial(c);
    cleanup_act(c, KIND_REPORT_TRIED, ++entry, 0, span_str("\xa1gar")); /* no act */
    tried(c, 12345678, 1, "sent", "");                                  /* of no report */
    check(c, a, b, d);
    cleanup_advance(c, entry + 1);
    ok(cleanup_snapshot(c, &err) == 0, "saved");
    cleanup_close(c);
    c = begin();
    ok(cleanup_position(c) == entry + 1, "the position is kept");
    check(c, a, b, d);
    ok(file_read(path, 1 << 20, &first, &err) == 0 && cleanup_snapshot(c, &err) == 0 &&
           file_read(path, 1 << 20, &second, &err) == 0 &&
           span_eq(buf_as_span(&first), buf_as_span(&second)),
       "the same bytes again");
    contact_is(c, "abuse@a.example", "alive");
    ok(!cleanup_is_dead(c, span_str("abuse@a.example")), "alive again when a person says so");
    contact_is(c, "noc@b.example", "dead");
    ok(cleanup_is_dead(c, span_str("noc@b.example")), "dead when a person says so");
    cleanup_close(c);
    for (size_t i = 0; i < first.n; i += 7) {
        first.p[i] ^= 0x20;
        file_replace(path, buf_as_span(&first), 0600, &err);
        c = begin();
        if (cleanup_position(c) != 0)
            ok(false, "damage that is not found");
        cleanup_close(c);
        first.p[i] ^= 0x20;
    }
    ok(true, "damage is found, and the view starts anew");
    unlink(path);
    rmdir(dir);
    buf_free(&first);
    buf_free(&second);
    return tap_done();
}
