#include "stat/rng.h"

#include <math.h>
#include <stdbool.h>

#include "base/tap.h"

int main(void)
{
    struct rng a, b;
    rng_seed(&a, 7);
    rng_seed(&b, 7);
    bool same = true;
    double sum = 0, squares = 0;
    unsigned at[10] = {0};
    for (int i = 0; i < 100000; i++) {
        same &= rng_next(&a) == rng_next(&b);
        double x = rng_normal(&a);
        sum += x;
        squares += x * x;
        rng_normal(&b);
        at[rng_below(&a, 10)]++;
        rng_below(&b, 10);
    }
    bool even = true;
    for (int i = 0; i < 10; i++)
        even &= at[i] > 9600 && at[i] < 10400;
    ok(same, "the same seed gives the same numbers");
    ok(fabs(sum / 100000) < 0.02 && fabs(squares / 100000 - 1) < 0.03,
       "normal: mean 0, variance 1");
    ok(even, "below ten: each as often");
    return tap_done();
}
