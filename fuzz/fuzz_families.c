/* families.map, and a feed's words looked up in it: the input up to the first NUL is the map, then
 * one word behind each NUL. */
#include <stdlib.h>

#include "event/classify.h"
#include "event/classify_map.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct map *m;
    struct err err;
    const uint8_t *end = size ? memchr(data, 0, size) : NULL;
    size_t n = end ? (size_t)(end - data) : size;
    if (map_open(span_of(data, n), "fuzz", &m, &err) < 0)
        return 0;
    for (size_t i = n; i < size; i = n) {
        end = i + 1 < size ? memchr(data + i + 1, 0, size - i - 1) : NULL;
        n = end ? (size_t)(end - data) : size;
        struct span word = span_of(data + i + 1, n - i - 1);
        const struct map_family *f = map_find(m, word);
        struct map_family first = *f;
        f = map_find(m, word); /* from the cache */
        if (!span_eq(first.family, f->family) || first.confidence != f->confidence ||
            f->family.n > CLASSIFY_WORD_MAX)
            abort();
    }
    map_close(m);
    return 0;
}
