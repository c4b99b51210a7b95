/* Acts of the pursuit as a hostile log has them: records of kind, length (two bytes) and payload.
 * What reads as an act is written and read again as the same; every noun takes in whatever comes,
 * and the database can be saved. */
#include "base/log.h"
#include "event/act_signed.h"
#include "event/event.h"
#include "must.h"
#include "state/accounts.h"
#include "state/pursuit.h"

#define ACTS_MAX 32 /* a run */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void round_trips(struct span payload)
{
#define ACT(name)                                                                                  \
    {                                                                                              \
        struct act_##name a, b;                                                                    \
        void (*write)(struct buf *, const struct act_##name *) = act_##name;                       \
        int (*read)(struct span, struct act_##name *) = act_##name##_read;                         \
        struct buf once = {0}, again = {0};                                                        \
        if (read(payload, &a) == 0) {                                                              \
            write(&once, &a);                                                                      \
            must(read(buf_as_span(&once), &b) == 0);                                               \
            write(&again, &b);                                                                     \
            must(span_eq(buf_as_span(&once), buf_as_span(&again)));                                \
        }                                                                                          \
        buf_free(&once);                                                                           \
        buf_free(&again);                                                                          \
    }
#define TEXT(key)
#define BYTES(key)
#define DIGEST(key)
#define UINT(key)
#define TIME(key)
#define TRUE(key)
#define END
#include "event/act_pursuit.def"
}

static void envelope(uint8_t kind, struct span payload)
{
    static const uint8_t key[ACT_SIGN_PUBLIC] = {1};
    struct span account;
    if (act_signer(payload, &account) == 0)
        inside(payload, account);
    must(act_signature_holds(payload, kind, "fuzz", key) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pursuit *p;
    struct err err;
    uint64_t index = 1;
    log_set_level(LOG_ERROR);
    must(pursuit_open("/nonexistent", &p, &err) == 0); /* in memory */
    for (size_t at = 0; at + 3 <= size && index <= ACTS_MAX; index++) {
        size_t n = (size_t)data[at + 1] << 8 | data[at + 2];
        n = n < size - at - 3 ? n : size - at - 3;
        struct span payload = span_of(data + at + 3, n);
        round_trips(payload);
        envelope(data[at], payload);
        pursuit_act(p, data[at], index, (int64_t)index, payload);
        at += 3 + n;
    }
    pursuit_advance(p, index);
    must(pursuit_snapshot(p, &err) == 0);
    pursuit_close(p);
    return 0;
}
