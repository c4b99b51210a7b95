#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "app/serve/public_rule.h"
#include "base/tap.h"
#include "event/act_pursuit.h"
#include "event/act_signed.h"
#include "event/event.h"

static struct public_rule rule;
static uint64_t lead_bytes;

static int ask(struct ctl_request *q)
{
    struct err err = {0};
    return public_rule_may(&rule, q, 1, &lead_bytes, &err);
}

static int ask_act(uint8_t kind, const struct buf *payload)
{
    struct ctl_request q = {.verb = CTL_ACT, .kind = kind, .payload = buf_as_span(payload)};
    return ask(&q);
}

/* ---- who ---- */

static void test_who(void)
{
    struct serve_board *b =
        mmap(NULL, sizeof *b, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ok(!serve_is(&b->public, &b->public_gone, 0), "nobody is not the public process");
    ok(!serve_is(&b->public, &b->public_gone, 100), "nor is somebody, while there is none");
    b->public.pid = 100;
    ok(serve_is(&b->public, &b->public_gone, 100) && !serve_is(&b->public, &b->public_gone, 101),
       "the one of that pid is");
    serve_has_ended(&b->public_gone, 100);
    b->public.pid = 0;
    ok(serve_is(&b->public, &b->public_gone, 100),
       "what it asked for before it ended is still its");
    for (int pid = 200; pid < 200 + SERVE_GONE_MAX - 1; pid++)
        serve_has_ended(&b->public_gone, pid);
    ok(serve_is(&b->public, &b->public_gone, 100) && serve_is(&b->public, &b->public_gone, 200),
       "likewise when others ended since");
    serve_has_ended(&b->public_gone, 300);
    ok(!serve_is(&b->public, &b->public_gone, 100) && serve_is(&b->public, &b->public_gone, 300),
       "not for ever: pids are given again");
    munmap(b, sizeof *b);
}

/* ---- acts ---- */

static const uint8_t bytes[64] = {1};

static struct act_lead a_lead(void)
{
    return (struct act_lead){.salt = span_of(bytes, 16),
                             .size = 20000,
                             .work = 16,
                             .files = 2,
                             .wraps = span_of(bytes, 32),
                             .public = span_of(bytes, 32),
                             .verify = span_of(bytes, 32),
                             .content = span_of(bytes, 32),
                             .locator = span_of(bytes, 6),
                             .commitment = span_of(bytes, 32)};
}

static int ask_lead(const struct act_lead *a)
{
    struct buf payload = {0};
    act_lead(&payload, a);
    int rc = ask_act(KIND_LEAD, &payload);
    buf_free(&payload);
    return rc;
}

static void test_leads(void)
{
    struct act_lead a = a_lead();
    is_int(ask_lead(&a), 0);
    ok(lead_bytes == 20000, "a lead, with its size");
    a.work = 33;
    is_int(ask_lead(&a), -EBADMSG);
    a = a_lead();
    a.verify.n = 31;
    is_int(ask_lead(&a), -EBADMSG);
    a = a_lead();
    a.size = PUBLIC_BYTES_HOUR + 1;
    is_int(ask_lead(&a), -EBADMSG);
    a = a_lead();
    a.files = 1000;
    is_int(ask_lead(&a), -EBADMSG);
    a = a_lead();
    a.content.n = 0;
    is_int(ask_lead(&a), -EBADMSG);
}

static void test_messages(void)
{
    struct buf payload = {0};
    struct act_lead_message m = {
        .lead = 12, .what = span_str("message"), .proof = span_of(bytes, 64)};
    act_lead_message(&payload, &m);
    is_int(ask_act(KIND_LEAD_MESSAGE, &payload), 0);
    ok(lead_bytes == 0, "a message is no lead");
    payload.n = 0;
    m.what = span_str("answer"); /* the team's: signed by an account */
    act_lead_message(&payload, &m);
    is_int(ask_act(KIND_LEAD_MESSAGE, &payload), -EBADMSG);
    payload.n = 0;
    m.what = span_str("claim");
    m.proof.n = 0;
    act_lead_message(&payload, &m);
    is_int(ask_act(KIND_LEAD_MESSAGE, &payload), -EBADMSG);
    buf_free(&payload);
}

static void test_signed(void)
{
    struct buf payload = {0}, by_rita = {0};
    struct act_lead a = a_lead();
    uint8_t secret[ACT_SIGN_SECRET] = {1};
    act_lead(&payload, &a);
    act_sign(buf_as_span(&payload), KIND_LEAD, "log.example", span_str("rita"), secret, &by_rita);
    is_int(ask_act(KIND_LEAD, &by_rita), -EPERM);
    by_rita.n /= 2;
    ok(ask_act(KIND_LEAD, &by_rita) < 0, "half of it neither");
    buf_free(&payload);
    buf_free(&by_rita);
}

static void test_everything_else(void)
{
    struct buf payload = {0}, large = {0};
    struct act_lead a = a_lead();
    unsigned taken = 0;
    act_lead(&payload, &a);
    for (unsigned kind = 0; kind < 256; kind++)
        taken += kind != KIND_LEAD && ask_act((uint8_t)kind, &payload) == 0;
    is_int(taken, 0);
    taken = 0;
    for (unsigned verb = 0; verb < 256; verb++) {
        struct ctl_request q = {.verb = verb, .payload = buf_as_span(&payload)};
        taken += verb != CTL_KEEP && ask(&q) == 0;
    }
    is_int(taken, 0);
    struct ctl_request q = {
        .verb = CTL_ACT, .kind = KIND_LEAD, .payload = buf_as_span(&payload), .n_blobs = 1};
    is_int(ask(&q), -EFBIG);
    buf_span(&large, span_of(bytes, sizeof bytes));
    while (large.n <= PUBLIC_PAYLOAD_MAX)
        buf_put(&large, bytes, sizeof bytes);
    is_int(ask_act(KIND_LEAD, &large), -EFBIG);
    buf_free(&payload);
    buf_free(&large);
}

/* ---- parts ---- */

static int ask_keep(int fd, int64_t now)
{
    struct ctl_request q = {.verb = CTL_KEEP, .blobs = {fd}, .n_blobs = 1};
    struct err err = {0};
    return public_rule_may(&rule, &q, now, &lead_bytes, &err);
}

static void test_parts(void)
{
    int fd = memfd_create("part", MFD_CLOEXEC), ends[2];
    unsigned n = 0;
    ok(fd >= 0 && pipe(ends) == 0, "files");
    is_int(ask_keep(fd, 1), 0);
    is_int(ask_keep(ends[0], 1), -EFBIG); /* reading it might never end */
    ok(ftruncate(fd, PUBLIC_PART_MAX + 1) == 0 && ask_keep(fd, 1) == -EFBIG,
       "one that is too large");
    ok(ftruncate(fd, PUBLIC_PART_MAX) == 0, "a whole part");
    while (n < 10000 && ask_keep(fd, 1) == 0)
        n++;
    is_int(n, (int)(PUBLIC_BYTES_HOUR / PUBLIC_PART_MAX));
    is_int(ask_keep(fd, 3600000), -EAGAIN);
    is_int(ask_keep(fd, 3600001), 0); /* another hour */
    close(fd);
    close(ends[0]);
    close(ends[1]);
}

static void test_hour(void)
{
    struct act_lead a = a_lead();
    unsigned n = 0;
    rule = (struct public_rule){0};
    while (n < 2 * PUBLIC_ACTS_HOUR && ask_lead(&a) == 0)
        n++;
    is_int(n, PUBLIC_ACTS_HOUR);
}

int main(void)
{
    test_who();
    test_leads();
    test_messages();
    test_signed();
    test_everything_else();
    test_parts();
    test_hour();
    return tap_done();
}
