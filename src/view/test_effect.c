#include "view/effect.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"

#define BEGIN 18000 /* day 0 */
#define GONE  5

static char dir[] = "/tmp/ebb-effect-XXXXXX";
static const char arms[] =
    "contact,arm\na@t.example,told\nb@t.example,told\nc@c.example,control\nd@c.example,control\n";

static struct effect_source from;
static uint64_t entry = 10;

static int blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    buf_str(out, arms);
    return 0;
}

/* 192.0.2.n belongs to a contact by its number: 10 to 19 to a@t, 20 to b@t, 30 to c@c, 40 to d@c;
 * 50 to one that came behind the draw. */
static bool contact_of(void *ctx, const struct source *s, struct span *mail)
{
    static const char *const mails[] = {NULL,          "a@t.example", "b@t.example",
                                        "c@c.example", "d@c.example", "e@x.example"};
    unsigned n = s->ip.b[15] / 10;
    *mail = span_str(n < 6 ? mails[n] : NULL);
    return mail->n > 0;
}

static void seen(unsigned host, int day, const char *family)
{
    struct event ev = {.kind = KIND_FEED,
                       .time = (BEGIN + day) * UTC_DAY + 3600 * UTC_SECOND,
                       .src_ip = ip_from_v4(0xc0000200 + host),
                       .family = span_str(family),
                       .family_source = span_str("feed")};
    activity_add(from.activity, &ev);
    sources_add(from.sources, ++entry, &ev);
}

static void seen_days(unsigned host, int first, int last)
{
    for (int day = first; day <= last; day++)
        seen(host, day, "testbot");
}

static void begin_trial(void)
{
    uint8_t digest[SHA256_LEN] = {9};
    struct buf b = {0};
    act_trial_begun(&b, &(struct act_trial_begun){.name = span_str("first"),
                                                  .seed = span_str("s"),
                                                  .percent = 50,
                                                  .contacts = 4,
                                                  .controls = 2,
                                                  .sha256 = span_of(digest, SHA256_LEN),
                                                  .from = BEGIN * UTC_DAY,
                                                  .until = (BEGIN + 20) * UTC_DAY});
    cleanup_act(from.cleanup, KIND_TRIAL_BEGUN, ++entry, BEGIN * UTC_DAY, buf_as_span(&b));
    buf_free(&b);
}

static void report(const char *contact, const char *format, int day, bool sent)
{
    uint8_t digest[SHA256_LEN] = {(uint8_t)entry};
    struct buf b = {0};
    int64_t time = (BEGIN + day) * UTC_DAY;
    act_report_queued(&b, &(struct act_report_queued){.contact = span_str(contact),
                                                      .format = span_str(format),
                                                      .channel = span_str("mail"),
                                                      .message_id = span_str("x"),
                                                      .sha256 = span_of(digest, SHA256_LEN),
                                                      .since = 1,
                                                      .until = time,
                                                      .fresh = 1});
    uint64_t number = ++entry;
    cleanup_act(from.cleanup, KIND_REPORT_QUEUED, number, time, buf_as_span(&b));
    b.n = 0;
    act_report_tried(&b, &(struct act_report_tried){.report = number,
                                                    .attempt = 1,
                                                    .result = span_str(sent ? "sent" : "refused"),
                                                    .reply = span_str("250 ok")});
    cleanup_act(from.cleanup, KIND_REPORT_TRIED, ++entry, time, buf_as_span(&b));
    buf_free(&b);
}

static bool has(const struct effect *e, int entry_day, int end, bool event, bool treated)
{
    for (size_t i = 0; i < e->survival.n; i++) {
        const struct survival_unit *u = &e->survival.units[i];
        if (u->entry == entry_day && u->end == end && u->event == event &&
            e->survival.treated[u->cluster] == treated)
            return true;
    }
    return false;
}

static void world(void)
{
    seen_days(10, -3, 4);  /* there when it began, clean on day 5 */
    seen_days(11, 3, 7);   /* first seen on day 3 */
    seen_days(12, -9, -2); /* clean before it began */
    seen_days(13, -1, 24); /* longer than the trial */
    seen_days(20, -2, 2);  /* clean, and back */
    seen_days(20, 2 + GONE + 1, 12);
    seen_days(30, -2, 3); /* away for less than gone_days */
    seen_days(30, 3 + GONE, 14);
    seen_days(31, 22, 28); /* first seen when it was over */
    seen_days(40, 0, 0);   /* one day only */
    seen_days(50, 0, 9);   /* of nobody that was drawn */
    seen(41, 1, "other");
    seen_days(41, 2, 6);   /* two families: one address */
    seen_days(60, 30, 30); /* the data go on until then */
}

static struct effect_options options(void)
{
    return (struct effect_options){.gone_days = GONE, .since = INT64_MIN, .until = INT64_MAX};
}

static void test_units(void)
{
    struct effect_options o = options();
    struct effect e;
    struct err err;
    is_int(effect_of(&from, &o, &e, &err), 0);
    ok(e.has_trial && e.begin == BEGIN && e.end == BEGIN + 20 && e.data_end == BEGIN + 30,
       "watched while the trial runs");
    ok(has(&e, 0, 5, true, true), "there when it began, clean the day after it was last seen");
    ok(has(&e, 3, 8, true, true), "who comes later is at risk from then on");
    ok(has(&e, 0, 20, false, true), "censored when the trial ends");
    ok(has(&e, 0, 3, true, true) && has(&e, 8, 13, true, true), "back after gone_days: once more");
    ok(has(&e, 0, 15, true, false), "away for less: one spell");
    ok(has(&e, 0, 1, true, false), "seen on one day");
    ok(has(&e, 1, 7, true, false), "clean when it is clean of all families");
    is_int(e.survival.n, 8);
    ok(e.arm[1].contacts == 2 && e.arm[1].addresses == 4 && e.arm[1].spells == 5 &&
           e.arm[1].cleaned == 4,
       "told: counts");
    ok(e.arm[0].contacts == 2 && e.arm[0].addresses == 3 && e.arm[0].spells == 3 &&
           e.arm[0].cleaned == 3,
       "controls: counts");
    effect_free(&e);
    o.family = span_str("other");
    effect_of(&from, &o, &e, &err);
    ok(e.survival.n == 1 && has(&e, 1, 2, true, false), "of one family");
    effect_free(&e);
    o.family = span_str("");
    o.until = (BEGIN + 10) * UTC_DAY; /* data end on day 9: watched up to day 5 */
    effect_of(&from, &o, &e, &err);
    ok(e.end == BEGIN + 5 && has(&e, 0, 5, true, true) && has(&e, 3, 5, false, true),
       "censored where data do not reach gone_days further");
    effect_free(&e);
    o.until = (BEGIN - 20) * UTC_DAY;
    is_int(effect_of(&from, &o, &e, &err), 0);
    is_int(e.survival.n, 0);
    effect_free(&e);
    o = options();
    o.trial = span_str("second");
    is_int(effect_of(&from, &o, &e, &err), -ENOENT);
    effect_free(&e);
}

static void test_groups(void)
{
    struct effect_options o = options();
    struct effect e;
    struct survival s;
    struct err err;
    o.by = EFFECT_BY_FORMAT;
    report("a@t.example", "xarf", 1, true);
    report("a@t.example", "csv", 3, true);
    report("b@t.example", "csv", 2, false);
    report("b@t.example", "arf", 3, true);
    report("c@c.example", "csv", 25, true); /* when it was over */
    is_int(effect_of(&from, &o, &e, &err), 0);
    ok(e.n_groups == 2 && span_is(e.groups[0], "xarf") && span_is(e.groups[1], "arf"),
       "by what was sent first");
    ok(e.arm[1].reached == 2 && e.arm[0].reached == 0, "who was reached while it ran");
    bool others[4] = {false}, in[4] = {false};
    for (size_t c = 0; c < e.survival.clusters; c++) {
        in[c] = e.group[c] == 1;
        others[c] = e.group[c] == EFFECT_NO_GROUP;
    }
    effect_pick(&e, in, others, &s);
    is_int(s.n, 5);
    free((void *)s.units);
    effect_free(&e);
}

static void test_no_trial(void)
{
    struct effect_options o = options();
    struct cleanup *with = from.cleanup;
    struct effect e;
    struct err err;
    cleanup_open("/nonexistent", &from.cleanup, &err);
    is_int(effect_of(&from, &o, &e, &err), -ENODATA);
    effect_free(&e);
    report("a@t.example", "xarf", 2, true);
    report("c@c.example", "csv", 4, true);
    is_int(effect_of(&from, &o, &e, &err), 0);
    ok(!e.has_trial && e.arm[1].contacts == 2 && e.arm[0].contacts == 0, "all who were told");
    ok(has(&e, 0, 3, true, true) && has(&e, 1, 6, true, true) && has(&e, 0, 11, true, true),
       "each from the day of its first report on");
    effect_free(&e);
    cleanup_close(from.cleanup);
    from.cleanup = with;
}

int main(void)
{
    struct err err;
    if (!mkdtemp(dir))
        return 1;
    cleanup_open(dir, &from.cleanup, &err);
    activity_open(dir, &from.activity, &err);
    sources_open(dir, &from.sources, &err);
    judge_new(NULL, 0, NULL, &from.judge);
    from.contact = contact_of;
    cleanup_blobs(from.cleanup, blob, NULL);
    world();
    begin_trial();
    test_units();
    test_groups();
    test_no_trial();
    judge_free(from.judge);
    sources_close(from.sources);
    activity_close(from.activity);
    cleanup_close(from.cleanup);
    rmdir(dir);
    return tap_done();
}
