/* Photos: what is stripped is a part of what came, and has nothing left to strip. */
#include "lead/photo.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf once = {0}, twice = {0};
    int rc = photo_strip(span_of(data, size), &once);
    must(rc == 1 || once.n == 0);
    must(once.n <= size);
    if (rc == 1) {
        must(photo_strip(buf_as_span(&once), &twice) == 1);
        must(span_eq(buf_as_span(&once), buf_as_span(&twice)));
    }
    buf_free(&once);
    buf_free(&twice);
    return 0;
}
