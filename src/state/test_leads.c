#include "state/leads.h"

#include <sodium.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "event/act_signed.h"
#include "event/event.h"

#define DAY  1300233600000000ll /* 2011-03-16 */
#define MANY 100000

static char dir[] = "/tmp/ebb-leads-XXXXXX";
static struct err err;
static uint8_t verify[32], sign[64], other_sign[64];

static struct pursuit *open_view(void)
{
    struct pursuit *p = NULL;
    is_int(pursuit_open(dir, &p, &err), 0);
    return p;
}

/* Unsigned acts as they come; `account`: with an envelope (whose signature the view does not judge:
 * that was done before the act came on the log). */
static void give(struct pursuit *p, uint8_t kind, uint64_t index, struct span payload,
                 const char *account)
{
    struct buf out = {0};
    if (account)
        act_sign(payload, kind, "log.example", span_str(account), sign, &out);
    pursuit_act(p, kind, index, DAY, account ? buf_as_span(&out) : payload);
    buf_free(&out);
}

static struct span digest_of(uint64_t n, uint8_t kind, uint8_t out[SHA256_LEN])
{
    uint8_t text[9];
    be64_put(text, n);
    text[8] = kind;
    sha256(text, sizeof text, out);
    return span_of(out, SHA256_LEN);
}

static void put_lead(struct pursuit *p, uint64_t index, uint64_t work)
{
    uint8_t a[SHA256_LEN], b[SHA256_LEN], c[SHA256_LEN], d[SHA256_LEN];
    struct buf payload = {0};
    struct act_lead act = {.salt = span_of(digest_of(index, 1, a).p, LEAD_SALT_LEN),
                           .size = 20000,
                           .work = work,
                           .files = 2,
                           .wraps = digest_of(index, 2, b),
                           .public = digest_of(index, 3, c),
                           .verify = span_of(verify, sizeof verify),
                           .content = digest_of(index, 4, d),
                           .locator = span_of(a, LEAD_LOCATOR_LEN),
                           .commitment = span_of(c, SHA256_LEN)};
    act_lead(&payload, &act);
    give(p, KIND_LEAD, index, buf_as_span(&payload), NULL);
    buf_free(&payload);
}

static void put_message(struct pursuit *p, uint64_t index, uint64_t lead, const char *what,
                        const uint8_t *by, const char *account)
{
    uint8_t proof[LEAD_PROOF_LEN], a[SHA256_LEN], b[SHA256_LEN];
    struct buf text = {0}, payload = {0};
    struct act_lead_message m = {.lead = lead,
                                 .what = span_str(what),
                                 .wraps = digest_of(index, 2, a),
                                 .content = digest_of(index, 4, b)};
    if (by) {
        leads_message_signed(&m, &text);
        crypto_sign_detached(proof, NULL, text.p, text.n, by);
        m.proof = span_of(proof, sizeof proof);
    }
    act_lead_message(&payload, &m);
    give(p, KIND_LEAD_MESSAGE, index, buf_as_span(&payload), account);
    buf_free(&text);
    buf_free(&payload);
}

static int count(void *ctx, const struct lead_message *m)
{
    ++*(unsigned *)ctx;
    return 0;
}

static unsigned messages(struct pursuit *p, uint64_t lead)
{
    unsigned n = 0;
    is_int(leads_messages(p, lead, count, &n, &err), 0);
    return n;
}

static int count_sealed(void *ctx, const struct lead_sealed_entry *s)
{
    ++*(unsigned *)ctx;
    return 0;
}

static void acts(struct pursuit *p)
{
    struct lead lead;
    unsigned sealed = 0;
    put_lead(p, 10, 16);
    is_int(leads_get(p, 10, &lead, &err), 1);
    ok(lead.entry == 10 && lead.work == 16 && lead.files == 2 && lead.size == 20000 &&
           lead.time == DAY && memcmp(lead.verify, verify, 32) == 0,
       "a lead as it was given");
    uint8_t locator[LEAD_LOCATOR_LEN];
    memcpy(locator, lead.locator, sizeof locator);
    is_int(leads_find(p, locator, &lead, &err), 1);
    is_int(lead.entry, 10);
    locator[0] ^= 1;
    is_int(leads_find(p, locator, &lead, &err), 0);
    is_int(leads_get(p, 11, &lead, &err), 0);

    put_message(p, 12, 10, "message", sign, NULL);
    put_message(p, 13, 10, "answer", NULL, "rita");
    is_int(messages(p, 10), 2);
    put_message(p, 14, 10, "message", other_sign, NULL); /* by another key */
    put_message(p, 15, 10, "withdrawal", NULL, NULL);    /* by nobody */
    put_message(p, 16, 10, "claim", sign, "rita");       /* ours say no such things */
    put_message(p, 17, 10, "answer", sign, NULL);        /* nor they ours */
    put_message(p, 18, 99, "message", sign, NULL);       /* no such lead */
    put_message(p, 19, 10, "nonsense", sign, NULL);
    is_int(messages(p, 10), 2);
    is_int(leads_get(p, 10, &lead, &err), 1);
    is_int(lead.withdrawn, 0);
    put_message(p, 20, 10, "withdrawal", sign, NULL);
    put_message(p, 21, 10, "withdrawal", sign, NULL);
    is_int(leads_get(p, 10, &lead, &err), 1);
    is_int(lead.withdrawn, 20);
    is_int(leads_messages_count(p, 10), 4);
    is_int(leads_sealed(p, 10, count_sealed, &sealed, &err), 0);
    is_int(sealed, 5);
    is_int(leads_count(p), 1);
}

static void hostile(struct pursuit *p)
{
    struct act_lead none = {0};
    struct buf payload = {0};
    static const uint8_t zeros[64];
    act_lead(&payload, &none);
    give(p, KIND_LEAD, 30, buf_as_span(&payload), NULL);
    payload.n = 0;
    none.salt = none.public = none.verify = none.locator =
        span_of(zeros, 64); /* of other lengths */
    none.content = none.wraps = none.commitment = span_of(zeros, 32);
    act_lead(&payload, &none);
    give(p, KIND_LEAD, 31, buf_as_span(&payload), NULL);
    give(p, KIND_LEAD, 32, span_str("\xa1"), NULL);
    payload.n = 0;
    act_lead_deletion(&payload, &(struct act_lead_deletion){.lead = 77});
    give(p, KIND_LEAD_DELETION, 33, buf_as_span(&payload), "rita");
    buf_free(&payload);
    is_int(leads_count(p), 1);
}

static void many(struct pursuit *p)
{
    struct lead lead;
    for (uint64_t i = 0; i < MANY; i++)
        put_lead(p, 100 + i, 16 + i % 10);
    is_int(pursuit_snapshot(p, &err), 0);
    is_int(leads_count(p), MANY + 1);
    clock_t before = clock();
    for (unsigned i = 0; i < 1000; i++) {
        if (leads_get(p, 100 + i * 97, &lead, &err) != 1 ||
            leads_find(p, lead.locator, &lead, &err) != 1 || lead.entry != 100 + i * 97)
            break;
    }
    is_int(lead.entry, 100 + 999 * 97);
    double took = (double)(clock() - before) / CLOCKS_PER_SEC;
    printf("# one of %d leads by its index and by its locator: %.0f us\n", MANY, took * 1e3);
    ok(took < 1, "by index, both of them");
}

int main(void)
{
    char path[FILE_PATH_MAX];
    uint8_t other[32];
    if (sodium_init() < 0 || !mkdtemp(dir))
        return 1;
    crypto_sign_keypair(verify, sign);
    crypto_sign_keypair(other, other_sign);
    struct pursuit *p = open_view();
    acts(p);
    hostile(p);
    many(p);
    pursuit_close(p);
    snprintf(path, sizeof path, "%s/pursuit", dir);
    unlink(path);
    rmdir(dir);
    return tap_done();
}
