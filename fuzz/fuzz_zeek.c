/* Zeek logs: the same events and rejects however the bytes come in, feed{} in order. */
#include "import_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    return import_events(&import_zeek, data, size);
}
