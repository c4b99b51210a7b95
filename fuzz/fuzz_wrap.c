/* Rows of wrapped keys: read to the end or to an error, within the text; what was read is written
 * as a row again that reads the same. */
#include "lead/wrap.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct span text, bool entries)
{
    struct cur c = cur_of(text);
    struct wrap_row row, again;
    struct err err;
    uint8_t box[32] = {2}, key[SEAL_KEY_LEN], list[SHA256_LEN] = {3};
    int rc;
    while ((rc = wrap_next(&c, entries, &row, &err)) == 1) {
        must(row.account.n && row.account.n <= WRAP_ACCOUNT_MAX &&
             (row.entry == UINT64_MAX) == !entries);
        inside(text, row.account);
        must(wrap_open(&row, box, box, list, key, &err) < 0);
        struct buf line = {0};
        if (entries)
            buf_printf(&line, "%llu,", (unsigned long long)row.entry);
        buf_span(&line, row.account);
        buf_byte(&line, ',');
        base64_encode(&line, span_of(row.wrap, WRAP_LEN));
        struct cur at = cur_of(buf_as_span(&line));
        must(wrap_next(&at, entries, &again, &err) == 1 && again.entry == row.entry &&
             span_eq(again.account, row.account) && memcmp(again.wrap, row.wrap, WRAP_LEN) == 0);
        buf_free(&line);
    }
    must(rc <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_all(span_of(data, size), false);
    read_all(span_of(data, size), true);
    return 0;
}
