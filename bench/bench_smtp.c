/* CPU nanoseconds a mail through the SMTP session, beside nothing: a recorder that encodes the
 * event and copies the mail, no sockets. Connections kept for all mails, and one each. Mails are
 * pipelined as a fast sender does, or said line by line. Pin it: taskset -c 1
 * build/bench/bench_smtp */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "net/smtp_server.h"
#include "net/test_env.h"

enum { RUNS = 7 };

static struct buf payload, ring;

/* What the ring's writer does: encodes and copies. */
static bool take(struct net_env *env, const struct event *ev, struct span blob, uint64_t *ticket)
{
    static uint64_t tickets;
    payload.n = ring.n = 0;
    event_encode(ev, &payload);
    buf_span(&ring, buf_as_span(&payload));
    buf_span(&ring, blob);
    if (ticket)
        *ticket = ++tickets;
    return true;
}

static void give(struct session *s, struct span bytes)
{
    while (bytes.n) {
        struct cur c = cur_of(bytes);
        s->type->data(s, &c);
        if (s->ticket) {
            s->ticket = 0;
            s->type->stored(s, true);
        }
        arena_reset(s->env->arena);
        if (c.p == bytes.p)
            abort(); /* whole lines are given */
        bytes = span_of(c.p, cur_left(&c));
    }
}

/* In pieces that end where the sender waits for us. */
static void by_lines(struct session *s, struct span bytes, size_t content)
{
    while (bytes.n > content) {
        const uint8_t *lf = memchr(bytes.p, '\n', bytes.n);
        size_t n = (size_t)(lf + 1 - bytes.p);
        give(s, span_of(bytes.p, n));
        bytes = span_of(bytes.p + n, bytes.n - n);
    }
    give(s, bytes);
}

struct work {
    struct test_env *env;
    struct span hello, mail;
    size_t content; /* bytes behind DATA */
    bool kept, lines;
};

static void connection(const struct work *w, unsigned mails)
{
    static uint8_t state[4096];
    struct session s = {.type = &smtp_session,
                        .env = &w->env->env,
                        .out = &w->env->out,
                        .state = state,
                        .quiet_since_begin = true,
                        .peer = test_peer("203.0.113.9", 4711, "192.0.2.25", 25, true)};
    struct cur nothing = {0};
    if (s.type->state_size > sizeof state)
        abort();
    memset(state, 0, s.type->state_size);
    s.type->begin(&s);
    give(&s, w->hello);
    for (unsigned i = 0; i < mails; i++) {
        w->env->out.n = 0;
        if (w->lines)
            by_lines(&s, w->mail, w->content);
        else
            give(&s, w->mail);
    }
    s.type->end(&s, SESSION_PEER_CLOSED, &nothing);
}

static void measure(const char *name, const struct work *w, unsigned mails)
{
    double ns[RUNS];
    for (unsigned run = 0; run < RUNS; run++) {
        double start = cpu_ns();
        for (unsigned n = 0; n < mails; n += w->kept ? 1000 : 1)
            connection(w, w->kept ? 1000 : 1);
        ns[run] = (cpu_ns() - start) / mails;
    }
    double middle = median(ns, RUNS);
    printf("%-32s %6zu bytes %8.0f ns a mail (least %8.0f) %6.0f MB/s\n", name, w->mail.n, middle,
           ns[0], (double)w->mail.n * 1e3 / middle);
}

int main(void)
{
    static struct test_env t;
    test_env_init(&t);
    test_env_asset(&t, "192.0.2.25", "", "rustock");
    test_env_ready(&t);
    t.env.record = take;
    t.config.limits.requests = UINT32_MAX;
    if (smtp_server_new(&t.config, &t.env.smtp, NULL) < 0)
        return EXIT_FAILURE;
    for (size_t size = 1024; size <= 10240; size *= 10) {
        struct buf mail = {0};
        buf_str(&mail, "MAIL FROM:<qwerty1234@isp.example>\r\nRCPT TO:<someone@mail.example>\r\n"
                       "DATA\r\n");
        size_t head = mail.n;
        buf_str(&mail, "Received: from a by b; Wed, 16 Mar 2011 09:00:00 +0000\r\n"
                       "From: <qwerty1234@isp.example>\r\nTo: <someone@mail.example>\r\n"
                       "Subject: offer\r\nDate: Wed, 16 Mar 2011 09:00:00 +0000\r\n\r\n");
        while (mail.n < head + size)
            buf_str(&mail,
                    "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eius\r\n");
        buf_str(&mail, ".\r\n");
        struct work w = {.env = &t,
                         .hello = span_str("EHLO isp.example\r\n"),
                         .mail = buf_as_span(&mail),
                         .content = mail.n - head};
        for (unsigned mode = 0; mode < 4; mode++) {
            static const char *const names[] = {"one connection each, by lines", "kept, by lines",
                                                "one connection each, pipelined",
                                                "kept, pipelined"};
            w.kept = mode & 1;
            w.lines = mode < 2;
            measure(names[mode], &w, 50000);
        }
        buf_free(&mail);
    }
    smtp_server_free(t.env.smtp);
    test_env_free(&t);
    buf_free(&payload);
    buf_free(&ring);
    return EXIT_SUCCESS;
}
