/* What nodes send: requests and statements, good ones and others. */
#include "app/node/node_request.h"

#include <errno.h>

#include "base/tap.h"

static const char note[] = "log.example/case\n1234\nSBNJTRN+FjG7owHVrKtue7eqdM4RhdRWVl71HXN2d7I=\n"
                           "\n\xe2\x80\x94 log.example/case AAAAAAAA\n";
#define HASH "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n"

static int parse(struct node_request *out, const char *head)
{
    static struct buf body; /* spans point into it */
    struct err err;
    body.n = 0;
    buf_str(&body, head);
    buf_str(&body, note);
    return node_request_parse(buf_as_span(&body), out, &err);
}

static void test_request(void)
{
    static struct node_request r;
    is_int(parse(&r, "old 20\n" HASH HASH "\n"), 0);
    ok(r.old == 20 && r.n_proof == 2 && r.proof[1][0] == 0x3e && r.top.size == 1234);
    ok(span_is(r.top.origin, "log.example/case") && span_is(r.note, note));
    ok(r.text.p == r.note.p && r.text.p[r.text.n] == '\n' && r.text.p[r.text.n - 1] == '\n');
    is_int(parse(&r, "old 0\n\n"), 0);
    ok(r.old == 0 && r.n_proof == 0);
    is_int(parse(&r, "old 18446744073709551615\n\n"), 0);
    static const char *const bad[] = {"",
                                      "\n",
                                      "old\n\n",
                                      "old \n\n",
                                      "old 01\n\n",
                                      "old -1\n\n",
                                      "old +1\n\n",
                                      "old 1 \n\n",
                                      "old  1\n\n",
                                      "Old 1\n\n",
                                      "old 1\r\n\n",
                                      "old 18446744073709551616\n\n",
                                      "old 1\n" HASH,
                                      "old 1\nAAAA\n\n",
                                      "old 1\n=" HASH "\n",
                                      "old 1\n\n\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        is_int(parse(&r, bad[i]), -EBADMSG);
}

static void test_bounds(void)
{
    static struct node_request r;
    struct buf body = {0};
    struct err err;
    buf_str(&body, "old 5\n");
    for (int i = 0; i < NODE_PROOF_MAX; i++)
        buf_str(&body, HASH);
    size_t n = body.n;
    buf_printf(&body, "\n%s", note);
    is_int(node_request_parse(buf_as_span(&body), &r, &err), 0);
    is_int(r.n_proof, NODE_PROOF_MAX);
    body.n = n;
    buf_printf(&body, HASH "\n%s", note);
    is_int(node_request_parse(buf_as_span(&body), &r, &err), -EBADMSG);
    while (body.n <= NODE_REQUEST_MAX)
        buf_str(&body, "\xe2\x80\x94 log.example/case AAAAAAAA\n");
    is_int(node_request_parse(buf_as_span(&body), &r, &err), -EBADMSG);
    body.n = 0;
    buf_printf(&body, "old 0\n\n%s", note);
    unsigned taken = 0; /* cut anywhere: torn */
    for (size_t i = 0; i < body.n; i++)
        taken += node_request_parse(span_of(body.p, i), &r, &err) == 0;
    is_int(taken, 0);
    buf_free(&body);
}

static void test_statement(void)
{
    static struct node_statement s, t;
    struct buf text = {0};
    struct err err;
    s = (struct node_statement){.origin = "log.example/case",
                                .time = 1300266000,
                                .size = 50,
                                .known = 40,
                                .root = {1},
                                .known_root = {2},
                                .census = true,
                                .position = 44,
                                .bytes = NODE_PART_BYTES + 1,
                                .parts = 2,
                                .part = {{3}, {4}}};
    node_statement_put(&s, &text);
    is_int(node_statement_parse(buf_as_span(&text), &t, &err), 0);
    ok(memcmp(&s, &t, sizeof s) == 0, "it comes back as it was");
    unsigned taken = 0;
    for (size_t i = 0; i < text.n; i++)
        taken += node_statement_parse(span_of(text.p, i), &t, &err) == 0;
    is_int(taken, 1, "cut: only behind the line that a census may follow");
    buf_str(&text, "part x\n");
    is_int(node_statement_parse(buf_as_span(&text), &t, &err), -EBADMSG);
    text.n = 0;
    s.census = false;
    s.known = 60; /* more than it has */
    node_statement_put(&s, &text);
    is_int(node_statement_parse(buf_as_span(&text), &t, &err), 0);
    ok(t.known == 60 && !t.census && t.known_root[0] == 0);
    text.n = 0;
    s.known = 40;
    s.census = true;
    s.position = 51;
    node_statement_put(&s, &text);
    is_int(node_statement_parse(buf_as_span(&text), &t, &err), -EBADMSG);
    text.n = 0;
    s.position = 50;
    s.bytes = NODE_CENSUS_MAX + 1;
    node_statement_put(&s, &text);
    is_int(node_statement_parse(buf_as_span(&text), &t, &err), -EBADMSG);
    text.n = 0;
    s.bytes = NODE_CENSUS_MAX; /* all parts have to be there */
    node_statement_put(&s, &text);
    is_int(node_statement_parse(buf_as_span(&text), &t, &err), -EBADMSG);
    is_int(node_statement_parse(span_str(note), &t, &err), -EBADMSG);
    buf_free(&text);
}

int main(void)
{
    test_request();
    test_bounds();
    test_statement();
    return tap_done();
}
