/* An event's payload: whatever decodes must encode again to something that decodes to the same,
 * and to itself where the input was deterministic CBOR without unknown keys. */
#include <stdlib.h>

#include "base/cbor.h"
#include "event/act.h"
#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What reads as an act is written and read again as the same. */
#define ACT(name)                                                                                  \
    do {                                                                                           \
        struct name a, b;                                                                          \
        if (name##_read(payload, &a) < 0)                                                          \
            break;                                                                                 \
        struct buf first = {0}, second = {0};                                                      \
        name(&first, &a);                                                                          \
        if (name##_read(buf_as_span(&first), &b) < 0)                                              \
            abort();                                                                               \
        name(&second, &b);                                                                         \
        if (!cbor_valid(buf_as_span(&first)) || !span_eq(buf_as_span(&first), buf_as_span(&second)))\
            abort();                                                                               \
        buf_free(&first);                                                                          \
        buf_free(&second);                                                                         \
    } while (0)

static void read_acts(struct span payload)
{
    ACT(act_import_begun);
    ACT(act_import_done);
    ACT(act_enrichment);
    ACT(act_order);
    ACT(act_order_closed);
    ACT(act_asset);
    ACT(act_asset_list);
    ACT(act_asset_released);
    ACT(act_gap);
    ACT(act_serve);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct event ev, again;
    struct buf first = {0}, second = {0};
    arena_init(&arena);
    if (event_decode(span_of(data, size), &arena, &ev) == 0) {
        struct json j = json_to(&second);
        event_json(&ev, 1, "fuzz", &j);
        second.n = 0;
        event_encode(&ev, &first);
        if (event_decode(buf_as_span(&first), &arena, &again) < 0)
            abort();
        event_encode(&again, &second);
        if (!span_eq(buf_as_span(&first), buf_as_span(&second)))
            abort();
    }
    read_acts(span_of(data, size));
    buf_free(&first);
    buf_free(&second);
    arena_free(&arena);
    return 0;
}
