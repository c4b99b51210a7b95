#include "app/referral/losses.h"

#include <errno.h>

#include "base/tap.h"

static struct losses l;
static struct err err;

static int parse(const char *text)
{
    losses_free(&l);
    return losses_parse(span_str(text), &l, &err);
}

static int is_refused(const char *text, const char *words)
{
    int rc = parse(text);
    int good = rc < 0 && strstr(err.text, words) != NULL;
    if (!good)
        printf("#   %d %s\n", rc, rc < 0 ? err.text : "taken");
    return good;
}

#define HEAD "what,amount,currency,source\n"

int main(void)
{
    ok(parse("\xef\xbb\xbf" HEAD "\"Bank \"\"A\"\", Ltd\",1250000.50,USD,\"a, b\"\r\n"
             "B,99,USD,letter\nC,1000,JPY,x") == 0);
    is_int(l.n, 3);
    ok(span_is(l.rows[0].what, "Bank \"A\", Ltd") && span_is(l.rows[0].source, "a, b"), "quotes");
    is_int(l.rows[0].amount, 125000050);
    is_int(l.n_totals, 2);
    is_int(l.totals[0].amount, 125009950);
    is_int(l.totals[0].rows, 2);
    is_int(l.totals[1].amount, 1000);

    ok(is_refused("", "wants 4 cells"), "nothing");
    ok(is_refused(HEAD, "no rows"), "a head alone");
    ok(is_refused("what,amount,source,currency\nA,1,USD,x\n", "first line"), "another head");
    ok(is_refused(HEAD "A,1,USD\n", "wants 4 cells"), "a cell too few");
    ok(is_refused(HEAD "A,1,USD,x,y\n", "wants 4 cells"), "a cell too many");
    ok(is_refused(HEAD "A,1,USD, \n", "line 2: source is empty"), "no source");
    ok(is_refused(HEAD "A,-1,USD,x\n", "line 2"), "a negative amount");
    ok(is_refused(HEAD "A,\"1,000\",USD,x\n", "line 2"), "a separator");
    ok(is_refused(HEAD "A,1.001,USD,x\n", "line 2"), "too many digits");
    ok(is_refused(HEAD "A,1e6,USD,x\n", "line 2"), "an exponent");
    ok(is_refused(HEAD "A,1,usd,x\n", "line 2"), "no currency");
    ok(is_refused(HEAD "A,92233720368547758.08,USD,x\n", "line 2"), "an amount that overflows");
    ok(is_refused(HEAD "A,92233720368547758.07,USD,x\nB,0.01,USD,x\n", "total of USD overflows"),
       "a total that overflows");
    ok(parse(HEAD "A,92233720368547758.07,USD,x\nB,1,EUR,x\n") == 0, "the largest");
    ok(is_refused(HEAD "A\x01,1,USD,x\n", "control"), "a control character");
    ok(is_refused(HEAD "\"A\n\",1,USD,x\n", "control"), "a line end in quotes");
    ok(is_refused(HEAD "\"A,1,USD,x", "does not end"), "an open quote");
    ok(is_refused(HEAD "A\"B,1,USD,x\n", "a quote"), "a quote within");
    ok(is_refused(HEAD "\"A\"B,1,USD,x\n", "wants 4 cells"), "something behind a quote");
    ok(is_refused(HEAD "A,1,USD,x\rB,1,USD,x\n", "behind"), "a lone CR");
    ok(is_refused(HEAD "A,1,USD,x\n\nB,1,USD,x\n", "line 3"), "an empty line");
    ok(is_refused(HEAD "\xff,1,USD,x\n", "UTF-8"), "not UTF-8");
    losses_free(&l);
    ok(losses_parse(span_of(HEAD "A\0,1,USD,x\n", sizeof HEAD + 10), &l, &err) < 0, "a NUL");

    struct buf many = {0};
    buf_str(&many, HEAD);
    for (unsigned i = 0; i <= LOSSES_ROWS_MAX; i++)
        buf_str(&many, "A,1,USD,x\n");
    losses_free(&l);
    ok(losses_parse(buf_as_span(&many), &l, &err) == -E2BIG, "too many rows");
    buf_free(&many);
    losses_free(&l);
    return tap_done();
}
