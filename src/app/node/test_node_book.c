/* The judgement of what nodes send: every answer of the specification; alarms for what the node's
 * key has signed, and for nothing that anybody else can send. */
#include "app/node/node_book.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/event.h"
#include "journal/merkle.h"

#define NOW (1300266000ll * UTC_SECOND)

/* A log in memory: leaves that differ from `fork` on. */
struct tree {
    uint64_t fork;
    uint8_t mark;
};

static int node_of(void *ctx, unsigned level, uint64_t index, uint8_t out[SHA256_LEN],
                   struct err *err)
{
    const struct tree *t = ctx;
    uint8_t leaf[9], left[SHA256_LEN], right[SHA256_LEN];
    if (level == 0) {
        be64_put(leaf, index);
        leaf[8] = index >= t->fork ? t->mark : 0;
        merkle_leaf(leaf, sizeof leaf, out);
        return 0;
    }
    node_of(ctx, level - 1, 2 * index, left, err);
    node_of(ctx, level - 1, 2 * index + 1, right, err);
    merkle_node(left, right, out);
    return 0;
}

static struct note_key key, stranger;
static struct node_book book;
static uint64_t entry = 10;

static void root_of(struct tree *t, uint64_t size, uint8_t out[SHA256_LEN])
{
    struct merkle_source src = {node_of, t};
    merkle_empty(out);
    if (size)
        merkle_root(&src, size, out, NULL);
}

/* A request as a log with this tree makes it. */
static struct span request(struct tree *t, uint64_t old, uint64_t size, const struct note_key *by)
{
    static struct buf body;
    struct merkle_source src = {node_of, t};
    struct merkle_proof proof = {0};
    struct checkpoint top = {.origin = span_str(key.name), .size = size};
    struct buf text = {0};
    body.n = 0;
    buf_printf(&body, "old %llu\n", (unsigned long long)old);
    if (old <= size)
        merkle_consistency(&src, old, size, &proof, NULL);
    for (size_t i = 0; i < proof.n; i++) {
        base64_encode(&body, span_of(proof.hash[i], SHA256_LEN));
        buf_byte(&body, '\n');
    }
    buf_byte(&body, '\n');
    root_of(t, size, top.root);
    checkpoint_put(&top, &text);
    note_sign(by, buf_as_span(&text), &body, NULL);
    buf_free(&text);
    return buf_as_span(&body);
}

static struct node_verdict judge(struct span body)
{
    static struct node_request q;
    struct node_verdict v = {0};
    struct node_log *l;
    struct err err;
    if (node_request_parse(body, &q, &err) < 0) {
        v.status = 400;
        return v;
    }
    node_book_judge(&book, &q, NOW, &l, &v);
    return v;
}

static void see(struct tree *t, uint64_t size)
{
    uint8_t root[SHA256_LEN];
    struct buf payload = {0};
    root_of(t, size, root);
    act_node_seen(&payload, &(struct act_node_seen){.node = 1,
                                                    .size = size,
                                                    .root = span_of(root, SHA256_LEN),
                                                    .sha256 = span_of(root, SHA256_LEN)});
    node_book_act(&book, KIND_NODE_SEEN, entry++, NOW, buf_as_span(&payload));
    buf_free(&payload);
}

static void add(uint64_t at, const char *name, const struct note_key *k, int64_t until)
{
    struct buf payload = {0}, vkey = {0};
    note_key_put_verifier(k, &vkey);
    act_node(&payload, &(struct act_node){
                           .name = span_str(name), .vkey = buf_as_span(&vkey), .until = until});
    node_book_act(&book, KIND_NODE, at, NOW - UTC_DAY, buf_as_span(&payload));
    buf_free(&payload);
    buf_free(&vkey);
}

static struct tree honest = {UINT64_MAX, 0}, forked = {12, 1}, early = {5, 2};

static void test_statuses(void)
{
    struct node_verdict v = judge(request(&honest, 0, 10, &key));
    ok(v.status == 404, "no node's");
    add(1, "a", &key, ACT_FOREVER);
    v = judge(request(&honest, 0, 10, &stranger));
    ok(v.status == 403 && !v.alarm);
    v = judge(request(&honest, 0, 10, &key));
    ok(v.status == 200 && v.grows && v.known == 0);
    see(&honest, 10);
    v = judge(request(&honest, 0, 10, &key));
    ok(v.status == 409 && v.known == 10 && !v.alarm, "a replay of what was cosigned is no alarm");
    v = judge(request(&honest, 10, 10, &key));
    ok(v.status == 200 && !v.grows, "the same once more");
    v = judge(request(&honest, 10, 23, &key));
    ok(v.status == 200 && v.grows);
    v = judge(request(&honest, 11, 10, &key));
    ok(v.status == 400 && !v.alarm);
    v = judge(request(&honest, 9, 9, &key));
    ok(v.status == 409 && !v.alarm, "an older checkpoint may be anybody's replay");
    see(&honest, 23);
    v = judge(request(&honest, 10, 23, &key));
    ok(v.status == 409 && !v.alarm);
    v = judge(request(&honest, 0, 0, &key));
    ok(v.status == 409 && !v.alarm);
}

/* A genuine newer checkpoint with another's proof: nothing that the node has signed is wrong. */
static void test_false_proofs(void)
{
    struct span body = request(&honest, 23, 40, &key);
    struct buf changed = {0};
    unsigned alarms = 0, taken = 0, tried = 0;
    buf_span(&changed, body);
    size_t end = (size_t)((const uint8_t *)memmem(body.p, body.n, "\n\n", 2) - body.p);
    for (size_t i = 7; i < end; i += 5) {
        if (changed.p[i] == '\n')
            continue;
        uint8_t was = changed.p[i];
        changed.p[i] = was == 'A' ? 'B' : 'A';
        struct node_verdict v = judge(buf_as_span(&changed));
        alarms += v.alarm != NULL;
        taken += v.status == 200;
        tried++;
        changed.p[i] = was;
    }
    ok(tried > 20 && !taken && !alarms, "a proof that leads nowhere says nothing");
    changed.n = 0;
    buf_str(&changed, "old 23\n\n"); /* without any */
    buf_span(&changed, span_of(body.p + end + 2, body.n - end - 2));
    struct node_verdict v = judge(buf_as_span(&changed));
    ok(v.status == 422 && !v.alarm);
    buf_free(&changed);
}

static void test_forks(void)
{
    struct node_verdict v = judge(request(&forked, 23, 30, &key));
    ok(v.status == 422 && v.alarm && strcmp(v.alarm, "fork") == 0, "it grew from other entries");
    v = judge(request(&forked, 23, 23, &key));
    ok(v.status == 422 && v.alarm && strcmp(v.alarm, "fork") == 0, "the same size, another root");
    v = judge(request(&early, 10, 10, &key));
    ok(v.status == 422 && v.alarm && strcmp(v.alarm, "rollback") == 0,
       "a smaller size that was seen, another root");
    v = judge(request(&early, 10, 14, &key));
    ok(v.status == 422 && v.alarm, "a proof from a size that was seen, and from another root");
    v = judge(request(&early, 3, 14, &key));
    ok(v.status == 409 && !v.alarm, "from one that was not: nothing is shown");
    v = judge(request(&forked, 23, 23, &stranger));
    ok(v.status == 403 && !v.alarm, "not of the node's key");
}

static struct node_verdict say(uint64_t time, uint64_t size, uint64_t known, struct tree *t)
{
    static struct node_statement s;
    struct node_verdict v;
    s = (struct node_statement){.time = time, .size = size, .known = known};
    root_of(t, size, s.root);
    root_of(t, known <= size ? known : 0, s.known_root);
    node_book_judge_said(node_book_find(&book, span_str(key.name), NOW), &s, NOW, &v);
    return v;
}

static void test_said(void)
{
    uint64_t now = NOW / UTC_SECOND;
    struct node_log *l = node_book_find(&book, span_str(key.name), NOW);
    l->said = now - 100;
    is_int(say(now, 23, 23, &honest).status, 200);
    is_int(say(now, 30, 10, &honest).status, 409);
    struct node_verdict v = say(now, 20, 23, &honest);
    ok(v.status == 422 && v.alarm && strcmp(v.alarm, "rollback") == 0 && v.against == 11);
    v = say(now, 30, 23, &forked);
    ok(v.status == 422 && v.alarm && strcmp(v.alarm, "fork") == 0);
    ok(say(now - 101, 23, 23, &honest).status == 422, "what is older than what was said");
    l->confessed = now - 50;
    v = say(now - 50, 20, 23, &honest);
    ok(v.status == 422 && !v.alarm, "what was confessed already is no news");
    v = say(now - 60, 20, 23, &honest);
    ok(v.status == 422 && !v.alarm, "nor is what is older");
    l->confessed = now - 200;
    v = say(now - 150, 20, 23, &honest);
    ok(v.alarm, "a restored machine's clock may be behind");
    ok(say(now + 7200, 23, 23, &honest).status == 422);
}

static void test_silence(void)
{
    const int64_t limit = 60ll * 60 * UTC_SECOND;
    struct node_log *l = node_book_find(&book, span_str(key.name), NOW);
    struct buf payload = {0};
    l->heard = NOW;
    is_int(node_log_silent_since(l, NOW + limit, 0, limit), 0);
    ok(node_log_silent_since(l, NOW + limit + 1, 0, limit) == NOW);
    is_int(node_log_silent_since(l, NOW + limit + 1, NOW + 1, limit), 0,
           "nobody is silent while nobody listens");
    act_node_alarm(&payload, &(struct act_node_alarm){.node = 1, .what = span_str("silent")});
    node_book_act(&book, KIND_NODE_ALARM, entry++, NOW + limit + 1, buf_as_span(&payload));
    ok(l->silent && !l->alarms && !node_log_silent_since(l, NOW + 9 * limit, 0, limit), "once");
    see(&honest, 23);
    ok(!l->silent && node_log_silent_since(l, NOW + 9 * limit, 0, limit), "until it is heard");
    l->until = NOW + 8 * limit;
    is_int(node_log_silent_since(l, NOW + 9 * limit, 0, limit), 0, "who is gone is not silent");
    l->until = ACT_FOREVER;
    buf_free(&payload);
}

static void test_book(void)
{
    uint8_t hash[SHA256_LEN];
    sha256(key.name, strlen(key.name), hash);
    ok(node_book_hashed(&book, hash, NOW) == node_book_find(&book, span_str(key.name), NOW));
    add(5, "b", &key, ACT_FOREVER);
    ok(strcmp(node_book_find(&book, span_str(key.name), NOW)->name, "a") == 0, "one log, one node");
    add(6, "a", &key, NOW - 2 * UTC_DAY);
    ok(!node_book_find(&book, span_str(key.name), NOW) && !node_book_hashed(&book, hash, NOW));
    is_int(judge(request(&honest, 23, 30, &key)).status, 404, "it is gone");
    add(7, "b", &key, ACT_FOREVER);
    struct node_log *l = node_book_find(&book, span_str(key.name), NOW);
    ok(l && strcmp(l->name, "b") == 0 && node_log_size(l) == 23, "its log goes on");
    /* many sizes: the oldest are forgotten, not more than that */
    for (uint64_t i = 24; i < 60; i++) {
        l->node = 1;
        see(&honest, i);
    }
    is_int(node_log_size(l), 59);
    is_int(judge(request(&early, 40, 40, &key)).status, 422);
    node_book_free(&book);
}

int main(void)
{
    log_set_level(LOG_ERROR);
    note_key_generate("log.example/a", &key, NULL);
    note_key_generate("log.example/a", &stranger, NULL);
    test_statuses();
    test_false_proofs();
    test_forks();
    test_said();
    test_silence();
    test_book();
    return tap_done();
}
