/* An event's payload: whatever decodes must encode again to something that decodes to the same,
 * and to itself where the input was deterministic CBOR without unknown keys. */
#include <stdlib.h>

#include "base/cbor.h"
#include "event/act.h"
#include "event/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct event ev, again;
    struct buf first = {0}, second = {0};
    struct act_import_begun begun;
    struct act_import_done done;
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
    act_import_begun_read(span_of(data, size), &begun);
    act_import_done_read(span_of(data, size), &done);
    buf_free(&first);
    buf_free(&second);
    arena_free(&arena);
    return 0;
}
