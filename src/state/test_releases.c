/* Releases: which one counts, corrections, withdrawals, hostile acts, a rebuild. */
#include "state/releases.h"

#include "state/test_acts.h"

static const uint8_t digest[SHA256_LEN] = {9};

static uint64_t put(const char *by, uint64_t replaces)
{
    return log_add(KIND_RELEASE, by, act_release,
                   (&(struct act_release){.rule = span_str("minimum=10 round=10"),
                                          .size = 1,
                                          .since = LOG_TIME,
                                          .until = LOG_TIME + UTC_DAY,
                                          .sha256 = span_of(digest, SHA256_LEN),
                                          .replaces = replaces}));
}

static uint64_t withdraw(uint64_t entry)
{
    return log_add(KIND_WITHDRAWN, "oscar", act_withdrawn,
                   (&(struct act_withdrawn){.why = span_str("wrong"), .entry = entry}));
}

struct seen {
    uint64_t entry[16], replaced_by[16];
    bool withdrawn[16];
    int n;
};

static int take(void *ctx, const struct release_entry *r)
{
    struct seen *s = ctx;
    ok(span_is(r->rule, "minimum=10 round=10") && span_is(r->account, "oscar") && r->size == 1 &&
       r->sha256.n == SHA256_LEN && r->until == r->since + UTC_DAY);
    s->entry[s->n] = r->entry;
    s->replaced_by[s->n] = r->replaced_by;
    s->withdrawn[s->n++] = r->withdrawn;
    return 0;
}

static void test_order(void)
{
    struct seen s = {0};
    struct err err;
    struct pursuit *p = log_begin();
    log_account("oscar", "operator");
    log_feed(p);
    is_int(releases_newest(p), 0);
    is_int(releases_last(p), 0);
    uint64_t a = put("oscar", 0), b = put("oscar", 0), c = put("oscar", a);
    log_feed(p);
    is_int(releases_newest(p), c);
    is_int(releases_list(p, 0, take, &s, &err), 0);
    ok(s.n == 3 && s.entry[0] == c && s.entry[2] == a, "newest first");
    ok(s.replaced_by[2] == c && !s.replaced_by[0]);
    uint64_t w = withdraw(c);
    log_feed(p);
    ok(w > c);
    is_int(releases_newest(p), b);
    is_int(releases_last(p), c);
    withdraw(b);
    log_feed(p);
    is_int(releases_newest(p), a,
           "what its correction replaced counts again when that is withdrawn");
    s.n = 0;
    is_int(releases_one(p, b, take, &s, &err), 1);
    ok(s.withdrawn[0]);
    is_int(releases_one(p, w, take, &s, &err), 0);
    is_int(releases_one(p, UINT64_MAX, take, &s, &err), 0);
    ok(releases_has(p, a) && !releases_has(p, w) && !releases_has(p, 0) &&
       !releases_has(p, UINT64_MAX));
    s.n = 0;
    is_int(releases_list(p, 2, take, &s, &err), 0);
    is_int(s.n, 2);
    log_check(p);
    log_end(p);
}

static void test_hostile(void)
{
    struct buf payload = {0};
    struct pursuit *p = log_begin();
    log_account("oscar", "operator");
    put("", 0);       /* nobody's */
    put("oscar", 77); /* corrects what is none */
    log_add(KIND_RELEASE, "oscar", act_release,
            (&(struct act_release){.sha256 = span_of(digest, 4)}));
    log_add(KIND_RELEASE, "oscar", act_release,
            (&(struct act_release){.sha256 = span_of(digest, SHA256_LEN), .size = 1000}));
    buf_str(&payload, "\xbf garbage");
    log_put(KIND_RELEASE, "oscar", payload);
    log_feed(p);
    is_int(releases_last(p), 0);
    uint64_t good = put("oscar", 0);
    log_feed(p);
    is_int(releases_newest(p), good, "nor do they stop the next");
    log_check(p);
    log_end(p);
}

int main(void)
{
    log_quiet();
    test_order();
    test_hostile();
    return tap_done();
}
