/* Nodes: which one has a log, what was seen of it, alarms that open and close, hostile acts, a
 * rebuild. */
#include "state/nodes.h"

#include "state/test_acts.h"

static const uint8_t digest[SHA256_LEN] = {9};
static const char a_key[] = "a.example/log+00000001+AQ==", b_key[] = "b.example/log+00000002+AQ==";

static uint64_t put_node(const char *by, const char *name, const char *vkey, int64_t until)
{
    return log_add(KIND_NODE, by, act_node,
                   (&(struct act_node){.name = span_str(name),
                                       .vkey = span_str(vkey),
                                       .until = until,
                                       .why = span_str("test")}));
}

static uint64_t put_seen(uint64_t node, uint64_t size, uint8_t root)
{
    uint8_t r[SHA256_LEN] = {root};
    return log_add(KIND_NODE_SEEN, "", act_node_seen,
                   (&(struct act_node_seen){.node = node,
                                            .size = size,
                                            .root = span_of(r, SHA256_LEN),
                                            .sha256 = span_of(digest, SHA256_LEN)}));
}

static uint64_t put_alarm(uint64_t node, const char *what, uint64_t known)
{
    return log_add(
        KIND_NODE_ALARM, "", act_node_alarm,
        (&(struct act_node_alarm){
            .node = node, .what = span_str(what), .why = span_str("w"), .known = known}));
}

struct got {
    char name[16], origin[32];
    uint64_t entry, size, seen_entry, alarms, silent, alarm_entry;
    int64_t until, first, grown, seen;
    unsigned n;
};

static int take_node(void *ctx, const struct node_entry *n)
{
    struct got *g = ctx;
    snprintf(g->name, sizeof g->name, "%.*s", (int)n->name.n, (const char *)n->name.p);
    snprintf(g->origin, sizeof g->origin, "%.*s", (int)n->origin.n, (const char *)n->origin.p);
    g->entry = n->entry;
    g->size = n->size;
    g->seen_entry = n->seen_entry;
    g->alarms = n->alarms;
    g->silent = n->silent;
    g->alarm_entry = n->alarm_entry;
    g->until = n->until;
    g->first = n->first_seen;
    g->grown = n->grown;
    g->seen = n->seen;
    g->n++;
    return 0;
}

static struct got get(struct pursuit *p, const char *name)
{
    struct got g = {0};
    struct err err;
    log_feed(p);
    ok(nodes_named(p, span_str(name), take_node, &g, &err) >= 0);
    return g;
}

static unsigned count(struct pursuit *p)
{
    struct got g = {0};
    struct err err;
    log_feed(p);
    is_int(nodes_list(p, take_node, &g, &err), 0);
    return g.n;
}

static void test_names(void)
{
    ok(node_name_is(span_str("frankfurt-1.a_B")) && !node_name_is(span_str("")));
    ok(!node_name_is(span_str(".a")) && !node_name_is(span_str("a b")) &&
       !node_name_is(span_str("a/b")) && !node_name_is(span_str("a\"b")));
    char longest[NODE_NAME_LEN_MAX + 2];
    memset(longest, 'a', sizeof longest);
    ok(node_name_is(span_of(longest, NODE_NAME_LEN_MAX)) &&
       !node_name_is(span_of(longest, NODE_NAME_LEN_MAX + 1)));
    ok(span_is(node_origin(span_str(a_key)), "a.example/log") && !node_origin(span_str("x")).n);
}

static void test_seen(void)
{
    struct pursuit *p = log_begin();
    log_account("oscar", "operator");
    uint64_t a = put_node("oscar", "a", a_key, ACT_FOREVER);
    is_int(get(p, "a").size, 0);
    put_seen(a, 10, 1);
    uint64_t grown = put_seen(a, 20, 2), again = put_seen(a, 20, 2);
    struct got g = get(p, "a");
    ok(g.size == 20 && g.seen_entry == again && g.entry == a);
    ok(g.grown == LOG_TIME + (int64_t)grown * UTC_SECOND && g.seen > g.grown && g.first < g.grown);
    put_seen(a, 15, 3);
    put_seen(a, 20, 3);
    put_seen(a, 0, 3);
    put_seen(77, 30, 3);
    is_int(get(p, "a").seen_entry, again, "a log never goes back, and is never two");
    /* the same log with another key goes on where it was */
    uint64_t next = put_node("oscar", "a", "a.example/log+00000009+AQ==", ACT_FOREVER);
    g = get(p, "a");
    ok(g.entry == next && g.size == 20);
    put_seen(next, 25, 4);
    is_int(get(p, "a").size, 25);
    log_check(p);
    log_end(p);
}

static void test_owners(void)
{
    struct pursuit *p = log_begin();
    log_account("oscar", "operator");
    put_node("oscar", "a", a_key, ACT_FOREVER);
    put_node("oscar", "other", a_key, ACT_FOREVER);
    is_int(count(p), 1, "one log is one node's");
    put_node("", "b", b_key, ACT_FOREVER);
    put_node("oscar", "b/c", b_key, ACT_FOREVER);
    put_node("oscar", "b", "no key", ACT_FOREVER);
    is_int(count(p), 1, "nobody's, badly named, without a log");
    uint64_t b = put_node("oscar", "b", b_key, ACT_FOREVER);
    put_seen(b, 5, 1);
    put_node("oscar", "b", b_key, LOG_TIME);
    struct got g = get(p, "b");
    ok(g.until == LOG_TIME && g.size == 5, "gone, and what was seen stays");
    put_node("oscar", "c", b_key, ACT_FOREVER);
    g = get(p, "c");
    ok(g.size == 5, "under another name, it is the same log");
    log_check(p);
    log_end(p);
}

static int take_alarm(void *ctx, const struct node_alarm *a)
{
    unsigned *n = ctx;
    n[0]++;
    n[1] += a->open;
    return 0;
}

static void test_alarms(void)
{
    unsigned n[2] = {0};
    struct err err;
    struct pursuit *p = log_begin();
    log_account("oscar", "operator");
    uint64_t a = put_node("oscar", "a", a_key, ACT_FOREVER);
    uint64_t seen = put_seen(a, 10, 1), fork = put_alarm(a, "fork", seen);
    struct got g = get(p, "a");
    ok(g.alarms == 1 && !g.silent && g.alarm_entry == fork);
    put_seen(a, 11, 2);
    is_int(get(p, "a").alarms, 1, "it stays, whatever comes");
    put_alarm(a, "silent", 0);
    ok(get(p, "a").silent == 1);
    put_seen(a, 11, 2);
    ok(get(p, "a").silent == 0 && get(p, "a").alarms == 1, "silence ends when it is seen");
    put_alarm(a, "silent", 0);
    put_alarm(a, "over", 0);
    is_int(get(p, "a").silent, 0);
    put_node("oscar", "a", a_key, ACT_FOREVER);
    g = get(p, "a");
    ok(!g.alarms && !g.alarm_entry, "until it is added again");
    put_alarm(a, "rollback", 0);
    is_int(get(p, "a").alarms, 1, "also by the older entry of the same log");
    put_alarm(a, "nonsense", 0);
    put_alarm(99, "fork", 0);
    is_int(nodes_alarms(p, span_str("a"), take_alarm, n, &err), 0);
    ok(n[0] == 5 && n[1] == 1);
    log_check(p);
    log_end(p);
}

int main(void)
{
    log_quiet();
    test_names();
    test_seen();
    test_owners();
    test_alarms();
    return tap_done();
}
