/* An SMTP client's side of a conversation. However it is cut, it is answered and recorded the same;
 * each line that we say is well formed; memory is given back; and nothing is recorded without
 * authority. The first byte chooses the destination and what goes wrong, the second the cuts. */
#include "must.h"
#include "net/smtp_internal.h"
#include "net/test_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const destinations[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "203.0.113.1"};
enum {
    STRANGER = 3,
    RING_FULL = 1 << 2,
    DISK_FULL = 1 << 3,
    NO_MEMORY = 1 << 4,
    NOT_STORED = 1 << 5
};

static struct test_env *world(void)
{
    static struct test_env *t;
    static char slow[] = "slow", reject[] = "reject", later[] = "later";
    if (t)
        return t;
    t = malloc(sizeof *t);
    must(t != NULL);
    test_env_init(t);
    for (size_t i = 1; i < 4; i++)
        t->policies[i] = t->policies[0];
    t->policies[1].name = slow;
    t->policies[1].smtp.answer = POLICY_SMTP_TARPIT;
    t->policies[1].smtp.delay_ms = 100;
    t->policies[2].name = reject;
    t->policies[2].smtp.answer = POLICY_SMTP_REJECT;
    t->policies[3].name = later;
    t->policies[3].smtp.answer = POLICY_SMTP_ACCEPT_450;
    t->config.policies_count = 4;
    t->config.limits.mail_mib = 1;
    t->config.limits.mail_recipients = 5;
    t->config.limits.raw_bytes = 64;
    t->config.seal = true;
    memset(t->config.seal_key, 9, sizeof t->config.seal_key); /* some point of the curve */
    test_env_asset(t, destinations[0], "", "");
    test_env_asset(t, destinations[1], "slow", "");
    test_env_asset(t, destinations[2], "reject", "");
    test_env_asset(t, "seized.example", "", "rustock");
    test_env_asset(t, "later.example", "later", "");
    test_env_asset(t, "reject.example", "reject", "");
    test_env_ready(t);
    must(smtp_server_new(&t->config, &t->env.smtp, NULL) == 0);
    return t;
}

/* All that waits comes to pass. */
static void settle(struct test_env *t, struct test_session *ts, bool good)
{
    while (!ts->over && (ts->s.ticket || ts->s.paused)) {
        if (ts->s.ticket) {
            test_session_stored(ts, good);
            continue;
        }
        must(ts->s.wake_at > t->env.tick && ts->s.wake_at <= t->env.tick + SMTP_DELAY_MAX);
        t->env.tick = ts->s.wake_at;
        test_session_next(ts, ts->s.type->wake(&ts->s));
        must(!ts->s.paused && !ts->s.wake_at);
        test_session_data(ts, span_of(NULL, 0));
    }
}

static void check_replies(struct span out)
{
    while (out.n) {
        const uint8_t *lf = memchr(out.p, '\n', out.n);
        must(lf != NULL);
        size_t n = (size_t)(lf + 1 - out.p);
        must(n >= 6 && n <= 512 && out.p[n - 2] == '\r' && out.p[0] >= '2' && out.p[0] <= '5');
        must(out.p[1] >= '0' && out.p[1] <= '5' && out.p[2] >= '0' && out.p[2] <= '9');
        must(out.p[3] == ' ' || out.p[3] == '-');
        for (size_t i = 0; i + 2 < n; i++)
            must(out.p[i] >= ' ' && out.p[i] < 0x7f);
        out = span_of(out.p + n, out.n - n);
    }
}

static void check_event(struct test_env *t, size_t i, bool stranger)
{
    const struct event *ev = &t->recorded[i].ev;
    size_t blob = t->recorded[i].blob.n;
    must(ev->asset == 3);
    must(ev->kind == (ev->smtp.has ? KIND_SMTP : KIND_RAW) && !(stranger && ev->raw.has));
    must(blob <= 1 << 20 && blob <= ev->smtp.size);
    must(ev->smtp.dialogue.n <= SMTP_DIALOGUE_MAX + 80);
    must(!stranger || ev->smtp.rcpt_to.n || ev->family.n || ev->smtp.dialogue.n);
    must(!ev->raw.has || ev->raw.client.n <= 64);
}

static void play(struct test_env *t, struct span in, unsigned how, size_t step)
{
    struct test_session ts;
    test_env_forget(t);
    t->out.n = 0;
    memset(&t->counters, 0, sizeof t->counters);
    t->env.tick = 1000000;
    t->full = how & RING_FULL;
    t->storage_full = how & DISK_FULL;
    uint64_t others = how & NO_MEMORY ? (512u << 20) - 3000 : 0;
    t->counters.memory_bytes = others;
    test_session_begin(&ts, t, &smtp_session,
                       test_peer("198.51.100.1", 4711, destinations[how & 3], 25, true));
    settle(t, &ts, true);
    while (in.n && !ts.over) {
        size_t n = in.n < step ? in.n : step;
        test_session_data(&ts, span_of(in.p, n));
        settle(t, &ts, !(how & NOT_STORED));
        must(ts.over || ts.in.n < SMTP_LINE_MAX);
        in = span_of(in.p + n, in.n - n);
    }
    test_session_end(&ts, SESSION_PEER_CLOSED);
    must(t->counters.memory_bytes == others);
    check_replies(buf_as_span(&t->out));
    for (size_t i = 0; i < t->n; i++)
        check_event(t, i, (how & 3) == STRANGER);
}

/* What cuts may not change. */
static void digest(struct test_env *t, struct buf *out)
{
    out->n = 0;
    buf_span(out, buf_as_span(&t->out));
    for (size_t i = 0; i < t->n; i++) {
        struct event ev = t->recorded[i].ev;
        buf_printf(out, "<%zu>", ev.smtp.auth.n); /* a box is another one each time */
        ev.smtp.early = 0;
        ev.smtp.timing = ev.smtp.auth = span_of(NULL, 0);
        event_encode(&ev, out);
        buf_span(out, buf_as_span(&t->recorded[i].blob));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf whole, pieces;
    if (size < 2 || size > 20000)
        return 0;
    struct test_env *t = world();
    struct span in = span_of(data + 2, size - 2);
    play(t, in, data[0], in.n ? in.n : 1);
    digest(t, &whole);
    play(t, in, data[0], 1 + data[1] % 64);
    digest(t, &pieces);
    /* without memory, what is kept depends on how it came; what begins TLS ends what came along */
    bool starttls = memmem(t->out.p ? t->out.p : data, t->out.n, "220 2.0.0", 9) != NULL;
    if (!(data[0] & NO_MEMORY) && !starttls)
        must(span_eq(buf_as_span(&whole), buf_as_span(&pieces)));
    return 0;
}
