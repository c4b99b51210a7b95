/* Each act of the pursuit comes back as it was written, in deterministic CBOR; the table itself is
 * the list. The envelope: who acts, signed, and nothing of it can be changed. */
#include <sodium.h>

#include "base/cbor.h"
#include "base/tap.h"
#include "event/act_pursuit.h"
#include "event/act_signed.h"
#include "event/event.h"

#define ORIGIN "case.example/log"

static const uint8_t digest[SHA256_LEN] = {1, 2, 3};

/* Every member set, each to something else. */
#define ACT(name)                                                                                  \
    static void check_##name(void)                                                                 \
    {                                                                                              \
        const char *what = #name;                                                                  \
        void (*write)(struct buf *, const struct act_##name *) = act_##name;                       \
        int (*read)(struct span, struct act_##name *) = act_##name##_read;                         \
        struct act_##name in = {0}, out;                                                           \
        uint64_t n = 1;                                                                            \
        struct buf once = {0}, again = {0}, none = {0};                                            \
        write(&none, &in);                                                                         \
        ok(cbor_valid(buf_as_span(&none)) && read(buf_as_span(&none), &out) == 0,                  \
           "with nothing in it");
#define TEXT(key)   in.key = span_str(#key);
#define BYTES(key)  in.key = span_of(digest, 16);
#define DIGEST(key) in.key = span_of(digest, SHA256_LEN);
#define UINT(key)   in.key = n++ << 33;
#define TIME(key)   in.key = -(int64_t)n++;
#define TRUE(key)   in.key = true;
#define END                                                                                        \
    CHECK_ALL                                                                                      \
    }
#define CHECK_ALL                                                                                  \
    round_trip(what, &once, &again, &in, &out);                                                    \
    buf_free(&once);                                                                               \
    buf_free(&again);                                                                              \
    buf_free(&none);                                                                               \
    (void)n;

#define round_trip(what, once, again, in, out)                                                     \
    do {                                                                                           \
        write(once, in);                                                                           \
        ok(cbor_valid(buf_as_span(once)), "keys in order");                                        \
        int good = read(buf_as_span(once), out);                                                   \
        write(again, out);                                                                         \
        if (!ok(good == 0 && span_eq(buf_as_span(once), buf_as_span(again)), "comes back"))        \
            printf("# %s\n", what);                                                                \
        ok(read(span_of(NULL, 0), out) < 0, "a redacted one is none");                             \
        ok(read(span_of((once)->p, (once)->n - 1), out) < 0, "nor is a cut one");                  \
    } while (0)
#include "event/act_pursuit.def"

static void check_all(void)
{
#define ACT(name) check_##name();
#define TEXT(key)
#define BYTES(key)
#define DIGEST(key)
#define UINT(key)
#define TIME(key)
#define TRUE(key)
#define END
#include "event/act_pursuit.def"
}

/* ---- the envelope ---- */

static void check_envelope(void)
{
    uint8_t public_key[ACT_SIGN_PUBLIC], other[ACT_SIGN_PUBLIC], secret[ACT_SIGN_SECRET];
    struct act_fact fact = {.type = span_str("domain"),
                            .value = span_str("c2.example"),
                            .observed = ACT_FOREVER,
                            .subject = 7};
    struct act_fact back;
    struct buf plain = {0}, sealed = {0}, twice = {0};
    struct span account;
    crypto_sign_keypair(other, secret);
    crypto_sign_keypair(public_key, secret);
    act_fact(&plain, &fact);
    ok(act_sign(buf_as_span(&plain), KIND_FACT, ORIGIN, span_str("rita"), secret, &sealed) == 0,
       "an act is signed");
    struct span s = buf_as_span(&sealed);
    ok(cbor_valid(s), "and is a deterministic map still");
    ok(act_fact_read(s, &back) == 0 && span_is(back.value, "c2.example") && back.subject == 7,
       "that says what it said");
    ok(act_signer(s, &account) == 0 && span_is(account, "rita"), "and who signed");
    is_int(act_signature_holds(s, KIND_FACT, ORIGIN, public_key), 1);
    is_int(act_signature_holds(s, KIND_FACT, ORIGIN, other), 0);
    is_int(act_signature_holds(s, KIND_LINK, ORIGIN, public_key), 0);
    is_int(act_signature_holds(s, KIND_FACT, "other.example/log", public_key), 0);
    is_int(act_signature_holds(buf_as_span(&plain), KIND_FACT, ORIGIN, public_key), 0);
    ok(act_signer(buf_as_span(&plain), &account) == 0 && !account.n, "nobody signed the plain one");
    ok(act_sign(s, KIND_FACT, ORIGIN, span_str("rita"), secret, &twice) < 0,
       "no second envelope about the first");
    unsigned holds = 0;
    for (size_t i = 0; i < sealed.n; i++) {
        sealed.p[i] ^= 1;
        holds += act_signature_holds(s, KIND_FACT, ORIGIN, public_key) == 1;
        sealed.p[i] ^= 1;
    }
    is_int(holds, 0);
    for (size_t n = 0; n < sealed.n; n++)
        holds += act_signature_holds(span_of(sealed.p, n), KIND_FACT, ORIGIN, public_key) == 1;
    is_int(holds, 0);
    ok(act_signer(span_str("\x81\x01"), &account) < 0, "an array is no act");
    buf_free(&plain);
    buf_free(&sealed);
    buf_free(&twice);
}

static void check_times(void)
{
    int64_t day = 1300233600000000, now = day + 45296789012;
    ok(act_time_kept(KIND_LEAD, now) == day, "of a lead the day alone is kept");
    ok(act_time_kept(KIND_LEAD_MESSAGE, now) == day, "and of its messages");
    ok(act_time_kept(KIND_FACT, now) == now, "of other acts the microsecond");
}

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    check_all();
    check_envelope();
    check_times();
    return tap_done();
}
