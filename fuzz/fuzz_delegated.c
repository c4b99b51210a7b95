/* Registries' statistics: the table made of them is one that we read again. */
#include "fuzz_gather.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gather_twice(GATHER_DELEGATED, span_of(data, size));
    return 0;
}
