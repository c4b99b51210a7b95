/* The pursuit's own part: positions, transactions, approvals, acts that are none. */
#include "state/pursuit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cbor.h"
#include "base/file.h"
#include "base/tap.h"
#include "event/event.h"

static char dir[] = "/tmp/ebb-pursuit-XXXXXX";

static struct pursuit *must_open(void)
{
    struct pursuit *p = NULL;
    struct err err = {0};
    if (!ok(pursuit_open(dir, &p, &err) == 0, "opens")) {
        printf("# %s\n", err.text);
        exit(1);
    }
    return p;
}

/* An act with an account, not signed: whether it may be on the log is none of a view's business. */
static void act(struct pursuit *p, uint8_t kind, uint64_t index, const char *account,
                void (*put)(struct buf *out, uint64_t n), uint64_t n)
{
    struct buf plain = {0}, out = {0};
    put(&plain, n);
    /* "account" goes in front: pursuit_act() does not mind the order of keys */
    cbor_put_head(&out, CBOR_MAP, (plain.p[0] & 31u) + 1);
    cbor_put_key(&out, "account");
    cbor_put_text(&out, span_str(account));
    buf_put(&out, plain.p + 1, plain.n - 1);
    pursuit_act(p, kind, index, (int64_t)index * 1000, buf_as_span(&out));
    buf_free(&plain);
    buf_free(&out);
}

static void put_approved(struct buf *out, uint64_t n)
{
    act_approval(out, &(struct act_approval){.entry = n, .what = span_str("approved")});
}

static void put_refused(struct buf *out, uint64_t n)
{
    act_approval(out, &(struct act_approval){.entry = n, .what = span_str("refused")});
}

static void put_withdrawn(struct buf *out, uint64_t n)
{
    act_withdrawn(out, &(struct act_withdrawn){.entry = n, .why = span_str("an error")});
}

static void put_deletion(struct buf *out, uint64_t n)
{
    act_lead_deletion(out, &(struct act_lead_deletion){.lead = n, .why = span_str("asked for")});
}

static void test_approvals(void)
{
    struct pursuit *p = must_open();
    struct pursuit_acted acted;
    char name[PURSUIT_NAME_MAX];
    unsigned yes, no;
    act(p, KIND_LEAD_DELETION, 5, "rita", put_deletion, 3);
    ok(pursuit_acted(p, 5, &acted, name, NULL) == 1 && acted.kind == KIND_LEAD_DELETION &&
           span_is(acted.account, "rita") && acted.time == 5000,
       "who did what, when");
    ok(pursuit_acted(p, 6, &acted, name, NULL) == 0, "what was not done is not there");
    act(p, KIND_APPROVAL, 6, "rita", put_approved, 5);
    ok(pursuit_approvals(p, 5, &yes, &no, NULL) == 0 && yes == 0 && no == 0,
       "nobody approves their own act");
    act(p, KIND_APPROVAL, 7, "carla", put_approved, 5);
    act(p, KIND_APPROVAL, 8, "carla", put_approved, 5);
    ok(pursuit_approvals(p, 5, &yes, &no, NULL) == 0 && yes == 1 && no == 0,
       "another does, and counts once");
    act(p, KIND_APPROVAL, 9, "carla", put_refused, 5);
    act(p, KIND_APPROVAL, 10, "conny", put_approved, 5);
    ok(pursuit_approvals(p, 5, &yes, &no, NULL) == 0 && yes == 1 && no == 1,
       "who thinks better of it says no");
    ok(!pursuit_is_withdrawn(p, 5), "it holds");
    act(p, KIND_WITHDRAWN, 11, "rita", put_withdrawn, 5);
    ok(pursuit_is_withdrawn(p, 5), "until it is withdrawn");
    is_int(pursuit_position(p), 0);
    pursuit_advance(p, 12);
    is_int(pursuit_position(p), 12);
    ok(pursuit_snapshot(p, NULL) == 0, "saved");
    pursuit_close(p);
}

static void test_again(void)
{
    struct pursuit *p = must_open(), *other;
    unsigned yes, no;
    is_int(pursuit_position(p), 12);
    ok(pursuit_approvals(p, 5, &yes, &no, NULL) == 0 && yes == 1 && no == 1, "as it was saved");
    act(p, KIND_APPROVAL, 12, "otto", put_approved, 5);
    pursuit_close(p);
    p = must_open();
    ok(pursuit_approvals(p, 5, &yes, &no, NULL) == 0 && yes == 1, "what was not saved is given up");
    /* two at a time: the second one takes in nothing twice */
    other = must_open();
    act(p, KIND_APPROVAL, 12, "otto", put_approved, 5);
    pursuit_advance(p, 13);
    ok(pursuit_settle(p, NULL) == 0, "settled");
    act(other, KIND_APPROVAL, 12, "otto", put_approved, 5);
    act(other, KIND_APPROVAL, 13, "olga", put_approved, 5);
    pursuit_advance(other, 14);
    ok(pursuit_settle(other, NULL) == 0, "by another as well");
    ok(pursuit_approvals(p, 5, &yes, &no, NULL) == 0 && yes == 3, "each act once");
    pursuit_advance(p, 13);
    ok(pursuit_snapshot(p, NULL) == 0, "who is behind saves, too");
    pursuit_close(other);
    pursuit_close(p);
    p = must_open();
    is_int(pursuit_position(p), 14); /* never back */
    pursuit_close(p);
}

/* Whatever bytes an entry has: warned about, and nothing else is lost. */
static void test_hostile(void)
{
    struct pursuit *p = must_open();
    static const char *const payloads[] = {"", "\x80", "\xa1", "\xff\xff", "\xa1\x61x\x61y"};
    uint64_t index = 20;
    struct pursuit_acted acted;
    char name[PURSUIT_NAME_MAX];
    for (unsigned kind = 0; kind < 256; kind++)
        for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
            pursuit_act(p, (uint8_t)kind, index++, 1, span_str(payloads[i]));
    act(p, KIND_LEAD_DELETION, index, "rita", put_deletion, UINT64_MAX);
    ok(pursuit_acted(p, index, &acted, name, NULL) == 1, "the one that is good is there");
    pursuit_close(p);
}

static void test_damaged(void)
{
    char path[64];
    struct err err;
    struct pursuit *p;
    snprintf(path, sizeof path, "%s/pursuit", dir);
    ok(file_replace(path, span_str("this is no database, and long enough to look at"), 0644,
                    &err) == 0,
       "a file that is none");
    p = must_open();
    is_int(pursuit_position(p), 0);
    act(p, KIND_LEAD_DELETION, 1, "rita", put_deletion, 1);
    ok(pursuit_snapshot(p, &err) == 0, "begins anew");
    pursuit_close(p);
    unlink(path);
    ok(pursuit_open("/nonexistent", &p, &err) == 0, "where nothing can be written: in memory");
    act(p, KIND_LEAD_DELETION, 1, "rita", put_deletion, 1);
    ok(pursuit_snapshot(p, &err) == 0, "which is saved nowhere");
    pursuit_close(p);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    test_approvals();
    test_again();
    test_hostile();
    test_damaged();
    rmdir(dir);
    return tap_done();
}
