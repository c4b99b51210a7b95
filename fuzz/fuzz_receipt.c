/* Receipts as people type them: whatever comes is a receipt that is written and read again the
 * same, or an error in words. */
#include "lead/receipt.h"
#include "lead/words.h"
#include "must.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct receipt r, again;
    struct err err = {0};
    struct buf text = {0};
    int rc = receipt_parse(span_of(data, size), &r, &err);
    if (rc < 0) {
        must(err.text[0] && strlen(err.text) < ERR_TEXT_MAX);
        for (unsigned i = 0; i < RECEIPT_WORDS; i++)
            must(r.word[i] == 0);
        return 0;
    }
    for (unsigned i = 0; i < RECEIPT_WORDS; i++)
        must(r.word[i] < WORDS_COUNT);
    receipt_put(&r, &text);
    must(receipt_parse(buf_as_span(&text), &again, &err) == 0 && memcmp(&r, &again, sizeof r) == 0);
    buf_free(&text);
    return 0;
}
