/* Who may do what: accounts in the casebook, their signatures and rights. */
#include "state/accounts.h"

#include <errno.h>
#include <sodium.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/event.h"

#define ORIGIN "case.example/log"
#define NOW    (1300233600ll * UTC_SECOND)

static struct casebook *cb;
static uint64_t next = 1;

struct person {
    const char *name;
    uint8_t sign[ACT_SIGN_PUBLIC], secret[ACT_SIGN_SECRET];
};

static int no_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    return err_set(err, -ENOENT, "none");
}

static void account_payload(const struct person *p, const char *roles, int64_t until,
                            struct buf *out)
{
    act_account(out, &(struct act_account){.name = span_str(p->name),
                                           .roles = span_str(roles),
                                           .sign = span_of(p->sign, sizeof p->sign),
                                           .until = until});
}

static int may(uint8_t kind, const struct buf *payload, int64_t now)
{
    struct err err = {0};
    int rc = casebook_may(cb, ORIGIN, kind, buf_as_span(payload), now, &err);
    if (rc < 0 && !err.text[0])
        printf("# an error without words\n");
    return rc;
}

/* What `by` may do with that kind. */
static int may_do(const struct person *by, uint8_t kind)
{
    struct buf plain = {0}, sealed = {0};
    act_withdrawn(&plain, &(struct act_withdrawn){.entry = 1});
    act_sign(buf_as_span(&plain), kind, ORIGIN, span_str(by->name), by->secret, &sealed);
    int rc = may(kind, &sealed, NOW);
    buf_free(&plain);
    buf_free(&sealed);
    return rc;
}

/* The account goes on the log, whatever the rights say. */
static void record(const struct person *p, const char *roles, int64_t until)
{
    struct buf payload = {0};
    account_payload(p, roles, until, &payload);
    casebook_act(cb, KIND_ACCOUNT, next++, NOW, buf_as_span(&payload));
    buf_free(&payload);
}

static void test_first(struct person *custodian)
{
    struct buf payload = {0};
    account_payload(custodian, "reviewer", ACT_FOREVER, &payload);
    is_int(may(KIND_ACCOUNT, &payload, NOW), -EPERM);
    payload.n = 0;
    account_payload(custodian, "custodian", ACT_FOREVER, &payload);
    is_int(may(KIND_ACCOUNT, &payload, NOW), 0);
    casebook_act(cb, KIND_ACCOUNT, next++, NOW, buf_as_span(&payload));
    is_int(may(KIND_ACCOUNT, &payload, NOW), -EPERM); /* the second one is signed */
    buf_free(&payload);
}

static void test_rights(void)
{
    static const char *const roles[ROLES_COUNT] = {"operator", "reviewer", "custodian", "counsel",
                                                   "auditor"};
    static const struct {
        uint8_t kind;
        bool may[ROLES_COUNT];
    } rights[] = {
        {KIND_ORDER, {1, 0, 0, 1, 0}},       {KIND_REPORT_QUEUED, {1, 0, 0, 0, 0}},
        {KIND_ACCOUNT, {0, 0, 1, 0, 0}},     {KIND_SUBJECT, {1, 1, 1, 1, 0}},
        {KIND_NOTICE, {1, 0, 0, 1, 0}},      {KIND_ANSWER, {0, 0, 0, 1, 0}},
        {KIND_LEAD_REVIEW, {0, 1, 1, 0, 0}}, {KIND_APPROVAL, {0, 1, 1, 1, 0}},
        {KIND_OFFER, {0, 0, 1, 1, 0}},       {KIND_PAYOUT, {0, 0, 1, 0, 0}},
        {KIND_GAP, {0, 0, 0, 0, 0}},         {KIND_CASE_OPENED, {0, 0, 0, 0, 0}},
    };
    for (unsigned r = 0; r < ROLES_COUNT; r++) {
        struct person p = {.name = roles[r]};
        crypto_sign_keypair(p.sign, p.secret);
        record(&p, roles[r], ACT_FOREVER);
        for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
            if (!ok(may_do(&p, rights[i].kind) == (rights[i].may[r] ? 0 : -EPERM),
                    "as the table of rights says"))
                printf("# %s, kind %u\n", roles[r], rights[i].kind);
    }
}

static void test_keys(void)
{
    struct person rita = {.name = "rita"}, mallory = {.name = "rita"}, nobody = {.name = "nobody"};
    struct account a;
    crypto_sign_keypair(rita.sign, rita.secret);
    crypto_sign_keypair(mallory.sign, mallory.secret);
    crypto_sign_keypair(nobody.sign, nobody.secret);
    record(&rita, "reviewer,counsel", ACT_FOREVER);
    is_int(may_do(&rita, KIND_ANSWER), 0);
    is_int(may_do(&mallory, KIND_ANSWER), -EKEYREJECTED);
    is_int(may_do(&nobody, KIND_ANSWER), -EPERM);
    record(&rita, "reviewer", NOW + 1);
    is_int(may_do(&rita, KIND_ANSWER), -EPERM);
    is_int(may_do(&rita, KIND_NOVELTY), 0);
    record(&rita, "reviewer", NOW);
    is_int(may_do(&rita, KIND_NOVELTY), -EPERM); /* over */
    record(&rita, "", ACT_FOREVER);
    is_int(may_do(&rita, KIND_NOVELTY), -EPERM); /* closed */
    ok(casebook_account(cb, span_str("rita"), &a, NULL) == 1 && !a.roles, "the newest counts");
    ok(casebook_account(cb, span_str("nobody"), &a, NULL) == 0, "who is not there is not found");
}

static void test_unsigned(void)
{
    static const uint8_t free_kinds[] = {KIND_LEAD, KIND_LEAD_MESSAGE, KIND_TIMESTAMP, KIND_ORDER};
    static const uint8_t signed_kinds[] = {KIND_LEAD_REVIEW, KIND_SUBJECT, KIND_AWARD,
                                           KIND_APPROVAL, KIND_KEYS_WRAPPED};
    struct buf payload = {0};
    act_withdrawn(&payload, &(struct act_withdrawn){.entry = 1});
    for (size_t i = 0; i < sizeof free_kinds; i++)
        is_int(may(free_kinds[i], &payload, NOW), 0);
    for (size_t i = 0; i < sizeof signed_kinds; i++)
        is_int(may(signed_kinds[i], &payload, NOW), -EPERM);
    payload.n = 0;
    buf_str(&payload, "\x81\x01");
    is_int(may(KIND_LEAD, &payload, NOW), -EBADMSG);
    buf_free(&payload);
}

/* What is on a log that others wrote. */
static void test_hostile(void)
{
    static const char *const names[] = {"", ".", "-x", "a b", "a/b", "a\nb", "\xff"};
    struct account a;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct person p = {.name = names[i]};
        ok(!account_name_is_good(span_str(names[i])), "no name");
        record(&p, "custodian", ACT_FOREVER);
        ok(casebook_account(cb, span_str(names[i]), &a, NULL) == 0, "is not taken in");
    }
    is_int(account_roles_parse(span_str("reviewer, counsel")), ROLE_REVIEWER | ROLE_COUNSEL);
    is_int(account_roles_parse(span_str("reviewer king")), 0);
    is_int(account_roles_parse(span_str("")), 0);
}

int main(void)
{
    char dir[] = "/tmp/ebb-accounts-XXXXXX", path[64];
    struct err err;
    struct person custodian = {.name = "first"};
    if (sodium_init() < 0 || !mkdtemp(dir))
        return 1;
    crypto_sign_keypair(custodian.sign, custodian.secret);
    ok(casebook_open(dir, &(struct casebook_blobs){no_blob, NULL}, &cb, &err) == 0, "opens");
    test_first(&custodian);
    test_rights();
    test_keys();
    test_unsigned();
    test_hostile();
    ok(casebook_snapshot(cb, &err) == 0, "is saved");
    casebook_close(cb);
    ok(casebook_open(dir, &(struct casebook_blobs){no_blob, NULL}, &cb, &err) == 0, "opens again");
    is_int(may_do(&custodian, KIND_ACCOUNT), 0);
    casebook_close(cb);
    snprintf(path, sizeof path, "%s/casebook", dir);
    unlink(path);
    rmdir(dir);
    return tap_done();
}
