/* A registry's dump, RIPE's way and ARIN's: the table made of it is one that we read again, with
 * mailboxes that may be written to, and no row of it is refused. */
#include "fuzz_gather.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gather_twice(GATHER_RPSL, span_of(data, size));
    gather_twice(GATHER_ARIN, span_of(data, size));
    return 0;
}
