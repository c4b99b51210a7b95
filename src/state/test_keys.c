/* Keys that were replaced: what is taken in, what hostile acts do, and a rebuild. */
#include "state/keys.h"

#include "state/test_acts.h"

static uint64_t put(const char *what, const char *from, const char *to)
{
    struct buf payload = {0};
    act_key_rotated(&payload, &(struct act_key_rotated){.why = span_str("due"),
                                                        .what = span_str(what),
                                                        .proof = span_str("p"),
                                                        .to_key = span_str(to),
                                                        .from_key = span_str(from)});
    return log_put(KIND_KEY_ROTATED, "rita", payload);
}

struct seen {
    unsigned n;
    uint64_t last;
    char to[64];
};

static int see(void *ctx, const struct key_rotated *k)
{
    struct seen *s = ctx;
    s->n++;
    s->last = k->entry;
    snprintf(s->to, sizeof s->to, "%.*s", (int)k->act.to_key.n, (const char *)k->act.to_key.p);
    return span_is(k->account, "rita") ? 0 : 1;
}

static struct seen look(struct pursuit *p, const char *what)
{
    struct seen s = {0};
    struct err err;
    is_int(keys_rotated(p, span_str(what), see, &s, &err), 0);
    return s;
}

int main(void)
{
    log_quiet();
    struct pursuit *p = log_begin();
    char long_key[600];
    memset(long_key, 'k', sizeof long_key - 1);
    long_key[sizeof long_key - 1] = 0;
    put("log", "k0", "k1");
    uint64_t seal = put("seal", "s0", "s1");
    put("log", "", "k2");
    put("log", "k1", long_key);
    struct buf junk = {0};
    buf_str(&junk, "junk");
    log_put(KIND_KEY_ROTATED, "", junk);
    uint64_t last = put("log", "k1", "k2");
    log_feed(p);
    struct seen s = look(p, "log");
    ok(s.n == 2 && s.last == last && strcmp(s.to, "k2") == 0);
    s = look(p, "seal");
    ok(s.n == 1 && s.last == seal);
    is_int(look(p, "").n, 3);
    is_int(look(p, "else").n, 0);
    log_end(p);
    return tap_done();
}
