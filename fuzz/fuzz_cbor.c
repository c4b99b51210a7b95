/* CBOR on arbitrary bytes: what is valid to us libcbor reads too, and writes the same again; what
 * can be found can be skipped. */
#include <stdlib.h>

#define cbor_type oracle_cbor_type /* both have an enum of that name */
#include <cbor.h>
#undef cbor_type

#include "must.h"
#include "base/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_oracle(struct span s)
{
    struct cbor_load_result result;
    cbor_item_t *item = cbor_load(s.p, s.n, &result);
    unsigned char *again = NULL;
    size_t size = 0;
    must(item && result.error.code == CBOR_ERR_NONE && result.read == s.n);
    size_t n = cbor_serialize_alloc(item, &again, &size);
    must(span_eq(span_of(again, n), s));
    free(again);
    cbor_decref(&item);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"", "a", "b", "time", "src_ip"};
    struct span s = span_of(data, size);
    struct cur c = cur_of(s), value;
    bool valid = cbor_valid(s);
    int skipped = cbor_skip(&c);
    must(c.p >= data && c.p <= data + size);
    if (valid) {
        must(skipped == 1 && c.p == c.end);
        check_oracle(s);
        must(!cbor_valid(span_of(data, size - 1)));
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        int found = cbor_find(cur_of(s), keys[i], &value);
        must(!valid || found >= 0 || data[0] >> 5 != CBOR_MAP);
        if (found == 1) {
            must(value.p > data && value.end == data + size);
            must(!valid || cbor_skip(&value) == 1);
        }
    }
    c = cur_of(s);
    for (struct cbor_item it; cur_left(&c) && cbor_get(&c, &it) == 1;)
        must(it.s.n == 0 || (it.s.p >= data && it.s.p + it.s.n == c.p));
    return 0;
}
