/* Hand-overs: which time stamp says most of an entry, what hostile acts do, and a rebuild. */
#include "state/handovers.h"

#include <unistd.h>

#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/event.h"

static char dir[] = "/tmp/ebb-handovers-XXXXXX";
static const uint8_t digest[SHA256_LEN] = {7};
static struct span any = {digest, sizeof digest};

static void put(struct pursuit *p, uint8_t kind, uint64_t index, struct buf *payload)
{
    pursuit_act(p, kind, index, (int64_t)index * UTC_SECOND, buf_as_span(payload));
    buf_free(payload);
}

static void put_timestamp(struct pursuit *p, uint64_t index, uint64_t size, int64_t when)
{
    struct buf payload = {0};
    act_timestamp(&payload, &(struct act_timestamp){any, size, when, any, any, span_str("A"), any});
    put(p, KIND_TIMESTAMP, index, &payload);
}

static void put_cosignature(struct pursuit *p, uint64_t index, uint64_t size, const char *witnesses)
{
    struct buf payload = {0};
    act_cosignature(&payload, &(struct act_cosignature){any, size, any, span_str(witnesses)});
    put(p, KIND_COSIGNATURE, index, &payload);
}

static int take_timestamp(void *ctx, const struct handover_timestamp *t)
{
    *(uint64_t *)ctx = t->entry;
    return 0;
}

static int take_cosignature(void *ctx, const struct handover_cosignature *c)
{
    *(uint64_t *)ctx = c->entry;
    return 0;
}

static uint64_t stamp_for(struct pursuit *p, uint64_t last)
{
    struct err err;
    uint64_t entry = 0;
    return handovers_timestamp_for(p, last, take_timestamp, &entry, &err) < 0 ? 999 : entry;
}

static void test_stamps(struct pursuit *p)
{
    is_int(stamp_for(p, 1), 0);
    ok(!handovers_stamped(p, INT64_MIN, INT64_MAX));
    put_timestamp(p, 10, 10, 5 * UTC_DAY);
    put_timestamp(p, 20, 20, 6 * UTC_DAY + 1);
    put_timestamp(p, 30, 30, 7 * UTC_DAY);
    is_int(stamp_for(p, 9), 10); /* the first that has it */
    is_int(stamp_for(p, 10), 20);
    is_int(stamp_for(p, 29), 30);
    is_int(stamp_for(p, 30), 30); /* none has it: the newest */
    ok(handovers_stamped(p, 6 * UTC_DAY, 7 * UTC_DAY));
    ok(!handovers_stamped(p, 8 * UTC_DAY, 9 * UTC_DAY));
}

static void test_witnesses(struct pursuit *p)
{
    uint64_t entry = 0;
    struct err err;
    put_cosignature(p, 40, 38, "w1+0+A w2+0+B");
    put_cosignature(p, 41, 41, "w2+0+B");
    is_int(handovers_witnessed(p, span_str("w1+0+A")), 38);
    is_int(handovers_witnessed(p, span_str("w2+0+B")), 41);
    is_int(handovers_witnessed(p, span_str("w2+0")), 0);
    is_int(handovers_witnessed(p, span_str("")), 0);
    is_int(handovers_cosignature_for(p, 40, take_cosignature, &entry, &err), 1);
    is_int(entry, 41);
}

/* None of these may be taken in, or stop the next. */
static void test_hostile(struct pursuit *p)
{
    struct buf payload = {0};
    struct span none = {0}, few = span_of(digest, 5);
    log_set_level(LOG_ERROR);
    put_timestamp(p, 50, 51, 1); /* a tree that was not there yet */
    put_timestamp(p, 51, UINT64_MAX, 1);
    act_timestamp(&payload, &(struct act_timestamp){few, 1, 1, any, any, none, any});
    put(p, KIND_TIMESTAMP, 52, &payload);
    act_timestamp(&payload, &(struct act_timestamp){any, 1, 1, none, any, none, any});
    put(p, KIND_TIMESTAMP, 53, &payload);
    act_cosignature(&payload, &(struct act_cosignature){any, 1, few, none});
    put(p, KIND_COSIGNATURE, 54, &payload);
    buf_str(&payload, "\xbf garbage");
    put(p, KIND_EXHIBIT, 55, &payload);
    act_exhibit(&payload, &(struct act_exhibit){.name = span_str("x"), .sha256 = few});
    put(p, KIND_EXHIBIT, 56, &payload);
    act_exhibit(&payload,
                &(struct act_exhibit){.name = span_str("x"), .size = UINT64_MAX, .sha256 = any});
    put(p, KIND_EXHIBIT, 57, &payload);
    is_int(sql_int(pursuit_sql(p), -1, "SELECT count(*) FROM timestamps", ""), 3);
    is_int(sql_int(pursuit_sql(p), -1, "SELECT count(*) FROM cosignatures", ""), 2);
    is_int(sql_int(pursuit_sql(p), -1, "SELECT entry FROM exhibits", ""), 57);
}

static int count_exhibit(void *ctx, const struct handover_exhibit *x)
{
    ok(x->act.size == UINT64_MAX && span_is(x->act.name, "x"));
    return ++*(int *)ctx == 0;
}

static int count_referral(void *ctx, const struct handover_referral *r)
{
    ok(span_is(r->act.agency, "an agency") && r->act.files == 3);
    return ++*(int *)ctx == 0;
}

int main(void)
{
    struct pursuit *p;
    struct err err;
    struct buf payload = {0};
    int exhibits = 0, referrals = 0;
    if (!mkdtemp(dir) || pursuit_open(dir, &p, &err) < 0)
        return 1;
    test_stamps(p);
    test_witnesses(p);
    test_hostile(p);
    act_referral(&payload, &(struct act_referral){
                               .agency = span_str("an agency"), .files = 3, .sha256 = any});
    put(p, KIND_REFERRAL, 60, &payload);
    pursuit_advance(p, 61);
    is_int(pursuit_snapshot(p, &err), 0);
    pursuit_close(p);
    is_int(pursuit_open(dir, &p, &err), 0);
    is_int(pursuit_position(p), 61);
    is_int(stamp_for(p, 9), 10);
    is_int(handovers_exhibits(p, count_exhibit, &exhibits, &err), 0);
    is_int(handovers_referrals(p, count_referral, &referrals, &err), 0);
    is_int(exhibits + referrals, 2);
    pursuit_close(p);
    char path[64];
    snprintf(path, sizeof path, "%s/pursuit", dir);
    unlink(path);
    rmdir(dir);
    return tap_done();
}
