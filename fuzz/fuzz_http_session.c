/* A connection to the HTTP session. What comes of it does not hang on how the stream was cut; each
 * answer is a well-formed response to one recorded request; nothing is said or recorded where there
 * is no authority; all memory is given back.
 *
 * The first byte chooses the destination and the limits, the second how the stream is cut. */
#include "must.h"
#include "net/http_server.h"
#include "net/test_env.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TO_ASSET = 1, SMALL_BODIES = 2, NO_MEMORY = 4, FEW_REQUESTS = 8 };

static struct test_env world;
static struct test_session session;

static void world_make(void)
{
    static char names[][8] = {"default", "body", "close", "always"}, body[] = "hello\r\n\r\n",
                name[] = "Team\r\nX: y", type[] = "text/plain";
    test_env_init(&world);
    for (unsigned i = 0; i < 4; i++) {
        world.policies[i] = world.policies[0];
        world.policies[i].name = names[i];
    }
    world.policies[1].http.answer = POLICY_HTTP_BODY;
    world.policies[1].http.body = body;
    world.policies[1].http.content_type = type;
    world.policies[2].http.answer = POLICY_HTTP_CLOSE;
    world.policies[3].http.page = POLICY_PAGE_ALWAYS;
    world.config.policies_count = 4;
    world.config.operator_name = name;
    test_env_asset(&world, "192.0.2.1", "", "");
    test_env_asset(&world, "a.seized", "", "");
    test_env_asset(&world, "b.seized", "body", "");
    test_env_asset(&world, "c.seized", "close", "");
    test_env_asset(&world, "d.seized", "always", "");
    test_env_ready(&world);
    must(http_server_new(&world.config, &world.env.http, NULL) == 0);
}

static void limits_set(uint8_t how)
{
    world.config.limits.http_body_mib = how & SMALL_BODIES ? 0 : 1;
    world.config.limits.memory_mib = how & NO_MEMORY ? 0 : 64;
    world.config.limits.requests = how & FEW_REQUESTS ? 2 : 1000;
    world.config.limits.raw_bytes = how & 16 ? 0 : 64;
}

/* A second passes. */
static void wake(void)
{
    world.env.tick += 1000;
    if (session.over || !session.s.wake_at || session.s.wake_at > world.env.tick)
        return;
    session.s.wake_at = 0;
    test_session_next(&session, session.s.type->wake(&session.s));
    if (!session.over)
        test_session_data(&session, span_of(NULL, 0));
}

/* The number after the name in the head, which must be there once. */
static size_t header_number(struct span head, const char *name)
{
    const uint8_t *at = memmem(head.p, head.n, name, strlen(name));
    must(at != NULL);
    return strtoul((const char *)at + strlen(name), NULL, 10);
}

/* One response at c. Gives its status; *bare when it has no head (HTTP/0.9). */
static unsigned response(struct cur *c, bool head_only, bool *last)
{
    struct span rest = span_of(c->p, cur_left(c));
    must(rest.p && rest.n > 40 && memcmp(rest.p, "HTTP/1.1 ", 9) == 0);
    const uint8_t *end = memmem(rest.p, rest.n, "\r\n\r\n", 4);
    must(end != NULL);
    struct span head = span_of(rest.p, (size_t)(end + 2 - rest.p));
    unsigned status = (unsigned)strtoul((const char *)rest.p + 9, NULL, 10);
    must(memmem(head.p, head.n, "\r\nX: y", 6) == NULL);
    must(memmem(head.p, head.n, "\r\nDate: ", 8) != NULL);
    bool keep = memmem(head.p, head.n, "\r\nConnection: keep-alive\r\n", 26) != NULL;
    must(keep != (memmem(head.p, head.n, "\r\nConnection: close\r\n", 21) != NULL));
    size_t length = header_number(head, "\r\nContent-Length: ");
    struct span body;
    must(cur_take(c, head.n + 2 + (head_only ? 0 : length), &body));
    *last = !keep;
    return status;
}

/* Each HTTP event has the answer that it says it had. */
static void check_answers(void)
{
    static const char more[] = "HTTP/1.1 100 Continue\r\n\r\n";
    bool last = false;
    buf_byte(&world.out, 0); /* numbers end */
    struct cur c = {world.out.p, world.out.p + world.out.n - 1};
    for (size_t i = 0; i < world.n; i++) {
        const struct event *ev = &world.recorded[i].ev;
        struct span answer = ev->answer, begun;
        if (ev->kind != KIND_HTTP) {
            must(i + 1 == world.n);
            break;
        }
        must(!last && ev->http.method.n && answer.n && ev->asset);
        must(ev->http.body.n <= HTTP_BODY_KEEP && ev->http.body_size >= ev->http.body.n);
        if (answer.n > 4 && memcmp(answer.p, "100+", 4) == 0) {
            must(cur_take(&c, sizeof more - 1, &begun) && memcmp(begun.p, more, begun.n) == 0);
            answer = span_of(answer.p + 4, answer.n - 4);
        }
        if (span_is(answer, "closed")) {
            last = true;
        } else if (ev->http.version.n == 0) {
            last = true;
            c.p = c.end;
        } else {
            unsigned status = response(&c, span_is(ev->http.method, "HEAD"), &last);
            must(status == (unsigned)strtoul((const char *)answer.p, NULL, 10));
        }
    }
    must(!last || session.over || cur_left(&c) == 0);
    struct span rest = span_of(c.p, cur_left(&c));
    must(rest.n == 0 || (rest.n == sizeof more - 1 && memcmp(rest.p, more, rest.n) == 0));
    world.out.n--;
}

static void digest(struct buf *sum)
{
    sum->n = 0;
    for (size_t i = 0; i < world.n; i++) {
        struct test_recorded *r = &world.recorded[i];
        size_t raw_size = r->ev.kind == KIND_RAW ? r->ev.raw.client.n : r->payload.n;
        buf_put(sum, &raw_size, sizeof raw_size);
        /* how much came behind the bytes that are kept does hang on the cut */
        buf_span(sum, r->ev.kind == KIND_RAW ? r->ev.raw.client : buf_as_span(&r->payload));
        buf_span(sum, buf_as_span(&r->blob));
    }
    buf_span(sum, buf_as_span(&world.out));
}

static void run(struct span stream, uint8_t how, uint8_t cuts, struct buf *sum)
{
    world.out.n = 0;
    world.env.tick = 1000000;
    test_env_forget(&world);
    test_session_begin(
        &session, &world, &http_session,
        test_peer("198.51.100.7", 1025, how & TO_ASSET ? "192.0.2.1" : "203.0.113.1", 80, true));
    for (size_t at = 0, turn = 1; at < stream.n && !session.over; turn++) {
        size_t n = cuts ? 1 + cuts * turn * turn % 61 : stream.n;
        if (n > stream.n - at)
            n = stream.n - at;
        test_session_data(&session, span_of(stream.p + at, n));
        at += n;
    }
    for (unsigned i = 0; i < 4; i++)
        wake();
    test_session_end(&session, SESSION_PEER_CLOSED);
    check_answers();
    must(world.counters.memory_bytes == 0);
    digest(sum);
}

static bool names_seized(struct span s)
{
    for (size_t i = 0; i + 6 <= s.n; i++)
        if (span_ieq(span_of(s.p + i, 6), span_of("seized", 6)))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct buf whole, pieces;
    if (!world.env.http)
        world_make();
    if (size < 2)
        return 0;
    struct span stream = span_of(data + 2, size - 2);
    limits_set(data[0]);
    run(stream, data[0], 0, &whole);
    if (!(data[0] & TO_ASSET) && !names_seized(stream))
        must(world.n == 0 && world.out.n == 0);
    run(stream, data[0], data[1], &pieces);
    if (!(data[0] & (SMALL_BODIES | NO_MEMORY)))
        must(span_eq(buf_as_span(&whole), buf_as_span(&pieces)));
    return 0;
}
