/* A time stamp authority's answer: length of the question (two bytes), question and answer, DER. By
 * a root that the seeds' answers lead to. What is taken has a time and a chain. */
#include "must.h"

#include "app/log/tsa.c"

static const char root[] =
#include "tsa_root.h"
    ;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tsa_question q = {0};
    struct tsa_answer answer = {0};
    struct err err;
    size_t n = size >= 2 ? (size_t)data[0] << 8 | data[1] : 0;
    if (size < 2 || n > size - 2)
        return 0;
    const unsigned char *p = data + 2;
    q.request = d2i_TS_REQ(NULL, &p, (long)n);
    if (q.request && tsa_answer_check(span_of(data + 2 + n, size - 2 - n), &q, span_str(root),
                                      &answer, &err) == 0)
        must(answer.chain.n && answer.when > 0 && span_is_utf8(span_str(answer.authority)));
    TS_REQ_free(q.request);
    buf_free(&answer.chain);
    ERR_clear_error();
    return 0;
}
