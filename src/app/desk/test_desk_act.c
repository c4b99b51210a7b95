#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/desk/act_request.h"
#include "app/desk/act_store.h"
#include "app/desk/query.h"
#include "base/mem.h"
#include "base/tap.h"

/* ---- bodies ---- */

static int reads(const char *text, struct act_request *q)
{
    struct err err;
    return act_request_read(span_str(text), q, &err);
}

static void test_request(void)
{
    static const char *const wrong[] = {
        "",
        "null",
        "[]",
        "{",
        "{\"a\":1,\"a\":2}",
        "{\"args\":{}}",
        "{\"options\":[]}",
        "{\"files\":5}",
        "{\"args\":[5]}",
        "{\"args\":[{\"name\":\"x\"}]}",
        "{\"args\":[{\"name\":\"a/b\",\"data\":\"QQ==\"}]}",
        "{\"args\":[{\"name\":\".x\",\"data\":\"QQ==\"}]}",
        "{\"args\":[{\"name\":\"x\",\"data\":\"Q\"}]}",
        "{\"files\":{\"a\":{\"name\":\"x\",\"data\":\"QQ==\"},\"b\":{\"name\":\"x\",\"data\":\"QQ=="
        "\"}}}",
        "{\"options\":{\"a\":null}}",
        "{\"options\":{\"a\":1.5}}",
        "{\"options\":{\"\":1}}",
        "{\"signatures\":[\"QQ==\"]}",
        "{\"signatures\":[5]}",
        "{\"command\":\"a\\u0000b\"}",
    };
    struct act_request q;
    unsigned passed = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        passed += reads(wrong[i], &q) == 0;
        act_request_free(&q);
    }
    is_int(passed, 0);
    is_int(reads("{\"command\":\"lead note\",\"args\":[\"5\",{\"name\":\"p\",\"data\":\"aGk=\"}],"
                 "\"options\":{\"n\":-3,\"yes\":true,\"no\":false,\"t\":\"x\"},"
                 "\"files\":{\"text\":{\"name\":\"note\",\"data\":\"QQ==\"}}}",
                 &q),
           0);
    ok(strcmp(q.command, "lead note") == 0 && !q.id, "command");
    ok(q.options == 4 && q.option[0].type == ACT_REQUEST_NUMBER &&
           strcmp(q.option[0].value, "-3") == 0 && q.option[1].type == ACT_REQUEST_TRUE &&
           q.option[2].type == ACT_REQUEST_FALSE && q.option[3].type == ACT_REQUEST_TEXT,
       "options");
    ok(q.files == 2 && strcmp(q.file[0].path, "given/note") == 0 &&
           strcmp(q.file[0].option, "text") == 0 && !q.file[1].option &&
           span_is(buf_as_span(&q.file[1].data), "hi"),
       "files");
    ok(q.args == 2 && strcmp(q.arg[0], "5") == 0 && strcmp(q.arg[1], "given/p") == 0, "arguments");
    act_request_free(&q);
}

/* ---- frames ---- */

static void field(struct buf *b, const char *s)
{
    buf_be32(b, (uint32_t)strlen(s));
    buf_str(b, s);
}

static struct buf frames(void)
{
    struct buf b = {0};
    buf_byte(&b, 'P');
    field(&b, "part");
    buf_byte(&b, 'A');
    buf_byte(&b, 89);
    field(&b, "plain");
    field(&b, "sign");
    field(&b, "{}");
    field(&b, "");
    uint64_t n = b.n;
    buf_be64(&b, n);
    buf_str(&b, ACT_TRAILER);
    return b;
}

static void test_frames(void)
{
    static struct act_frames f;
    struct buf b = frames();
    size_t whole = b.n;
    is_int(act_frames_take(&b, &f), 0);
    ok(f.acts == 1 && f.parts == 1 && f.act[0].kind == 89 && span_is(f.act[0].plain, "plain") &&
           span_is(f.act[0].sign, "sign") && span_is(f.part[0], "part") && !f.act[0].file.n,
       "what was put in");
    unsigned taken = 0;
    for (size_t i = 0; i < whole; i++) { /* a bit turned or an end cut: never read past the end */
        struct buf bad = frames();
        bad.p[i] ^= 0x80;
        taken += act_frames_take(&bad, &f) == 0 && f.acts > 1;
        buf_free(&bad);
        bad = frames();
        bad.n = i;
        taken += act_frames_take(&bad, &f) == 0;
        buf_free(&bad);
    }
    is_int(taken, 0);
    buf_free(&b);
}

/* ---- the store ---- */

static struct act_prepared *put(struct act_store *s, const struct desk_session *session)
{
    struct buf b = frames();
    struct act_frames *f = mem_zeroed(1, sizeof *f);
    act_frames_take(&b, f);
    struct act_prepared *p = act_store_put(s, session, 1, &b, f);
    if (!p) {
        free(f);
        buf_free(&b);
    }
    return p;
}

static bool take(struct act_store *s, const struct desk_session *session, const char *id)
{
    struct act_prepared *p = act_store_take(s, session, span_str(id));
    if (p)
        act_prepared_free(p);
    return p;
}

static void test_store(void)
{
    struct act_store *s = act_store_new();
    struct desk_session rita = {.account = "rita", .id = {1}},
                        other = {.account = "rita", .id = {2}},
                        renamed = {.account = "carla", .id = {1}};
    char id[ACT_ID_TEXT];
    snprintf(id, sizeof id, "%s", put(s, &rita)->id);
    is_int(strlen(id), ACT_ID_TEXT - 1);
    ok(!take(s, &other, id), "another session");
    ok(!take(s, &renamed, id), "another account");
    ok(!take(s, &rita, "") && !take(s, &rita, "x"), "another id");
    ok(take(s, &rita, id), "its own");
    ok(!take(s, &rita, id), "once");
    struct act_prepared *p = put(s, &rita);
    snprintf(id, sizeof id, "%s", p->id);
    p->made -= ACT_PREPARED_MS;
    ok(!take(s, &rita, id), "too late");
    snprintf(id, sizeof id, "%s", put(s, &rita)->id);
    for (unsigned i = 0; i < ACT_PREPARED_MAX; i++)
        put(s, &rita);
    ok(!take(s, &rita, id), "so many of one session; the oldest goes");
    snprintf(id, sizeof id, "%s", put(s, &other)->id);
    act_store_forget(s, other.id);
    ok(!take(s, &other, id), "a session that has ended");
    unsigned n = 0;
    for (unsigned i = 0; i < 2 * ACT_PREPARED_ALL; i++) {
        struct desk_session one = {.account = "x", .id = {3, (uint8_t)i, (uint8_t)(i >> 8)}};
        n += put(s, &one) != NULL;
    }
    ok(n <= ACT_PREPARED_ALL, "so many of all");
    act_store_free(s);
}

/* ---- children ---- */

static int says(void *ctx)
{
    fputs(ctx, stdout);
    fputs("ebb: one\nebb: two\n", stderr);
    return 3;
}

static int floods(void *ctx)
{
    static char block[1 << 16];
    while (fwrite(block, 1, sizeof block, stdout))
        ;
    return 0;
}

static int sleeps(void *ctx)
{
    for (unsigned i = 0; i < 1000; i++) /* each tick ends one */
        pause();
    return 0;
}

static int dies(void *ctx)
{
    raise(SIGKILL);
    return 0;
}

static int opens(void *ctx)
{
    char byte;
    int open_fds = 0;
    for (int fd = 3; fd < 256; fd++)
        open_fds += fcntl(fd, F_GETFD) >= 0;
    return read(STDIN_FILENO, &byte, 1) == 0 && open_fds == 0 ? 0 : 1;
}

/* Until it is done; false: it took longer than so many tenths of a second. */
static bool ends(struct desk_query *q, unsigned tenths)
{
    for (unsigned i = 0; i < tenths * 10; i++) {
        if (!query_turn(q))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

static void test_children(void)
{
    struct desk_query q;
    struct desk_query_ask ask = {.run = says, .ctx = (void *)(uintptr_t) "hello"};
    struct pollfd p[2];
    is_int(query_begin(&q, &ask, NULL), 0);
    is_int(query_fds(&q, p, 2), 2);
    ok(ends(&q, 50) && q.code == 3 && span_is(buf_as_span(&q.text), "hello"), "output and code");
    ok(span_is(query_complaint(&q), "two"), "the last line of what it complained of");
    query_free(&q);
    ask.run = floods;
    query_begin(&q, &ask, NULL);
    ok(ends(&q, 200) && q.too_large && q.text.n <= QUERY_BYTES, "too much is cut off");
    query_free(&q);
    ask.run = sleeps;
    query_begin(&q, &ask, NULL);
    query_drop(&q);
    ok(ends(&q, 30), "what nobody reads ends by itself");
    query_free(&q);
    ask.run = dies;
    query_begin(&q, &ask, NULL);
    ok(ends(&q, 50) && q.code == -1, "one that dies");
    query_free(&q);
    ask.run = opens;
    query_begin(&q, &ask, NULL);
    ok(ends(&q, 50) && q.code == 0,
       "a child has no descriptors of the desk's, and nothing to read");
    query_free(&q);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    test_request();
    test_frames();
    test_store();
    test_children();
    return tap_done();
}
