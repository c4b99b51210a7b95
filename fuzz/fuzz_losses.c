/* Tables of losses. What is taken adds up, is within the limits, and has nothing in it that would
 * spoil a page. */
#include "must.h"

#include "app/referral/losses.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_cell(const struct losses *l, struct span s)
{
    inside(buf_as_span(&l->text), s);
    must(s.n > 0 && s.n <= LOSSES_CELL_MAX && span_is_utf8(s));
    for (size_t i = 0; i < s.n; i++)
        must(s.p[i] >= 0x20 && s.p[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct losses l;
    struct err err;
    if (losses_parse(span_of(data, size), &l, &err) == 0) {
        int64_t sum[LOSSES_CURRENCIES_MAX] = {0};
        unsigned rows = 0;
        must(l.n > 0 && l.n <= LOSSES_ROWS_MAX && l.n_totals > 0);
        for (size_t i = 0; i < l.n; i++) {
            const struct loss *row = &l.rows[i];
            unsigned k = 0;
            is_cell(&l, row->what);
            is_cell(&l, row->source);
            must(row->amount > 0);
            while (!span_eq(l.totals[k].currency, row->currency))
                must(++k < l.n_totals);
            must(!__builtin_add_overflow(sum[k], row->amount, &sum[k]));
        }
        for (unsigned k = 0; k < l.n_totals; k++) {
            must(sum[k] == l.totals[k].amount);
            rows += l.totals[k].rows;
        }
        must(rows == l.n);
    }
    losses_free(&l);
    return 0;
}
