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
    if (!*account) {
        pursuit_act(p, kind, index, (int64_t)index * 1000, buf_as_span(&plain));
        buf_free(&plain);
        return;
    }
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

static void put_withdrawn(struct buf *out, uint64_t n)
{
    act_withdrawn(out, &(struct act_withdrawn){.entry = n, .why = span_str("an error")});
}

static void put_deletion(struct buf *out, uint64_t n)
{
    act_lead_deletion(out, &(struct act_lead_deletion){.lead = n, .why = span_str("asked for")});
}

static const char *account_name;

/* A custodian: anybody's key will do here. */
static void put_account(struct buf *out, uint64_t n)
{
    static const uint8_t key[32] = {1};
    act_account(out, &(struct act_account){.name = span_str(account_name),
                                           .roles = span_str("custodian"),
                                           .sign = span_of(key, sizeof key),
                                           .until = ACT_FOREVER});
}

static void put_lead(struct buf *out, uint64_t n)
{
    static const uint8_t bytes[32] = {1};
    struct span s = span_of(bytes, sizeof bytes);
    act_lead(out, &(struct act_lead){.salt = span_of(bytes, 16),
                                     .size = 1,
                                     .work = 1,
                                     .wraps = s,
                                     .public = s,
                                     .verify = s,
                                     .content = s,
                                     .locator = span_of(bytes, 6),
                                     .commitment = s});
}

#define LEAD     3
#define DELETION 5

static void test_approvals(void)
{
    struct pursuit *p = must_open();
    struct pursuit_acted acted;
    char name[PURSUIT_NAME_MAX];
    unsigned yes, no;
    account_name = "rita";
    act(p, KIND_ACCOUNT, 1, "first", put_account, 0);
    account_name = "carla";
    act(p, KIND_ACCOUNT, 2, "first", put_account, 0);
    act(p, KIND_LEAD, LEAD, "", put_lead, 0);
    act(p, KIND_LEAD_DELETION, DELETION, "rita", put_deletion, LEAD);
    ok(pursuit_acted(p, DELETION, &acted, name, NULL) == 1 && acted.kind == KIND_LEAD_DELETION &&
           span_is(acted.account, "rita") && acted.time == 5000,
       "who did what, when");
    ok(pursuit_acted(p, 6, &acted, name, NULL) == 0, "what was not done is not there");
    act(p, KIND_APPROVAL, 6, "rita", put_approved, DELETION);
    ok(pursuit_approvals(p, DELETION, &yes, &no, NULL) == 0 && yes == 0 && no == 0,
       "nobody approves their own act");
    act(p, KIND_APPROVAL, 7, "nobody", put_approved, DELETION);
    ok(pursuit_approvals(p, DELETION, &yes, &no, NULL) == 0 && yes == 0 && no == 0,
       "who is no account approves nothing");
    act(p, KIND_APPROVAL, 8, "carla", put_approved, DELETION);
    act(p, KIND_APPROVAL, 9, "carla", put_approved, DELETION);
    ok(pursuit_approvals(p, DELETION, &yes, &no, NULL) == 0 && yes == 1 && no == 0,
       "another does, and counts once");
    ok(!pursuit_is_withdrawn(p, DELETION), "it holds");
    act(p, KIND_WITHDRAWN, 11, "rita", put_withdrawn, DELETION);
    ok(pursuit_is_withdrawn(p, DELETION), "until it is withdrawn");
    is_int(pursuit_position(p), 0);
    pursuit_advance(p, 12);
    is_int(pursuit_position(p), 12);
    ok(pursuit_snapshot(p, NULL) == 0, "saved");
    pursuit_close(p);
}

static int64_t acts(struct pursuit *p)
{
    return sql_int(pursuit_sql(p), -1, "SELECT count(*) FROM acts", "");
}

static void test_again(void)
{
    struct pursuit *p = must_open(), *other;
    unsigned yes, no;
    is_int(pursuit_position(p), 12);
    ok(pursuit_approvals(p, DELETION, &yes, &no, NULL) == 0 && yes == 1, "as it was saved");
    int64_t saved = acts(p);
    act(p, KIND_WITHDRAWN, 12, "rita", put_withdrawn, LEAD);
    is_int(acts(p), saved + 1);
    pursuit_close(p);
    p = must_open();
    ok(acts(p) == saved && !pursuit_is_withdrawn(p, LEAD), "what was not saved is given up");
    /* two at a time: the second one takes in nothing twice */
    other = must_open();
    act(p, KIND_WITHDRAWN, 12, "rita", put_withdrawn, LEAD);
    pursuit_advance(p, 13);
    ok(pursuit_settle(p, NULL) == 0, "settled");
    act(other, KIND_WITHDRAWN, 12, "rita", put_withdrawn, LEAD);
    act(other, KIND_WITHDRAWN, 13, "rita", put_withdrawn, 1);
    pursuit_advance(other, 14);
    ok(pursuit_settle(other, NULL) == 0, "by another as well");
    is_int(acts(p), saved + 2);
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
    act(p, KIND_WITHDRAWN, index, "rita", put_withdrawn, UINT64_MAX);
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
    act(p, KIND_WITHDRAWN, 1, "rita", put_withdrawn, 1);
    ok(pursuit_snapshot(p, &err) == 0, "begins anew");
    pursuit_close(p);
    unlink(path);
    ok(pursuit_open("/nonexistent", &p, &err) == 0, "where nothing can be written: in memory");
    act(p, KIND_WITHDRAWN, 1, "rita", put_withdrawn, 1);
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
