/* libloc databases: reading, packing, looking up. */
#include <stdlib.h>
#include <sys/mman.h>

#include "event/enrich_table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct enrich_data read = {0}, merged = {0};
    struct enrich_info info = {0};
    const uint8_t key[SHA256_LEN] = {0};
    struct enrich_head *head;
    struct err err;
    if (enrich_libloc_read(span_of(data, size), "fuzz", &read, &err) == 0) {
        enrich_merge(&read, &read, &merged);
        if (enrich_pack(&merged, &info, key, &head, &err) == 0) {
            if (!enrich_head_valid(head, head->size))
                abort();
            munmap(head, head->size);
        }
    }
    enrich_data_free(&read);
    enrich_data_free(&merged);
    return 0;
}
