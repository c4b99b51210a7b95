/* What nodes send: an add-checkpoint request, or a statement. What is taken apart is put together
 * again, and no answer but a refusal comes of what the node's key has not signed. */
#include "must.h"

#include "app/node/node_book.c"
#include "app/node/node_request.c"
#include "base/utc.h"
#include "event/event.h"

#define NOW (1300266000ll * UTC_SECOND)

static const char vkey[] = "log.example/case+529c1a50+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct node_book book;

static void known(void)
{
    static const uint8_t root[SHA256_LEN] = {7};
    struct buf payload = {0};
    act_node(&payload, &(struct act_node){
                           .name = span_str("a"), .vkey = span_str(vkey), .until = ACT_FOREVER});
    node_book_act(&book, KIND_NODE, 1, NOW, buf_as_span(&payload));
    payload.n = 0;
    act_node_seen(&payload, &(struct act_node_seen){.node = 1,
                                                    .root = span_of(root, SHA256_LEN),
                                                    .size = 1000,
                                                    .sha256 = span_of(root, SHA256_LEN)});
    node_book_act(&book, KIND_NODE_SEEN, 2, NOW, buf_as_span(&payload));
    buf_free(&payload);
}

static void request(struct span body)
{
    static struct node_request q;
    struct node_verdict v;
    struct node_log *l;
    struct span text;
    struct err err;
    if (node_request_parse(body, &q, &err) < 0)
        return;
    must(q.n_proof <= NODE_PROOF_MAX && body.n <= NODE_REQUEST_MAX);
    must(q.note.p >= body.p && q.note.p + q.note.n == body.p + body.n && q.text.p == q.note.p);
    node_book_judge(&book, &q, NOW, &l, &v);
    must(v.status >= 200 && v.status < 500 && (v.status == 404) == !l);
    if (v.status == 200 || v.alarm || v.grows)
        must(l && note_open(q.note, &l->key, &text, &err) == 0 && span_eq(text, q.text));
}

static void statement(struct span text)
{
    static struct node_statement s, again;
    struct node_verdict v;
    struct err err;
    struct buf out = {0};
    if (node_statement_parse(text, &s, &err) < 0)
        return;
    must(s.parts <= NODE_PARTS_MAX && s.bytes <= NODE_CENSUS_MAX && s.position <= s.size);
    node_statement_put(&s, &out);
    must(node_statement_parse(buf_as_span(&out), &again, &err) == 0);
    must(memcmp(&s, &again, sizeof s) == 0);
    node_book_judge_said(book.logs[0], &s, NOW, &v);
    must(v.status == 200 || v.status == 409 || v.status == 422);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!book.n)
        known();
    if (!size)
        return 0;
    request(span_of(data, size));
    statement(node_note_text(span_of(data, size)));
    statement(span_of(data, size));
    return 0;
}
