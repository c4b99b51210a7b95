/* Whether the time of a receipt's check says anything: right, wrong, and of a lead that is not
 * there, in turn, through the function that `ebb lead return` calls. lead_timing ROUNDS: prints
 * each kind's mean and the p-values of permutation tests between them; exit 1 when one is told from
 * the others (p < 0.001, and means apart by more than 2 %). The tests are of processor time: other
 * processes take turns. */
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lead/receipt.h"

#define ROUNDS_MAX   2000
#define PERMUTATIONS 20000
#define P_LEAST      0.001
#define APART        0.02
#define COST_LEAST   0.02 /* seconds of a processor */

enum { RIGHT, WRONG, UNKNOWN, KINDS };
static const char *const names[KINDS] = {"right", "wrong", "unknown"};
static double took[KINDS][ROUNDS_MAX];

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double mean(const double *v, unsigned n)
{
    double sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += v[i];
    return sum / n;
}

/* Rounds are pairs (they ran one after the other): signs of the differences are exchanged. */
static double permutation_p(const double *a, const double *b, unsigned n)
{
    double seen = fabs(mean(a, n) - mean(b, n)) * n;
    unsigned more = 1;
    for (unsigned k = 0; k < PERMUTATIONS; k++) {
        double sum = 0;
        for (unsigned i = 0; i < n; i++)
            sum += randombytes_random() & 1 ? a[i] - b[i] : b[i] - a[i];
        more += fabs(sum) >= seen;
    }
    return (double)more / (PERMUTATIONS + 1);
}

static int measure(unsigned rounds)
{
    uint8_t salt[RECEIPT_SALT_LEN], decoy[RECEIPT_DECOY_LEN];
    struct receipt right, wrong;
    struct receipt_keys keys, out;
    struct err err;
    receipt_make(&right);
    randombytes_buf(salt, sizeof salt);
    randombytes_buf(decoy, sizeof decoy);
    if (receipt_keys(&right, salt, &keys, &err) < 0)
        return -1;
    const struct receipt_lead lead = {salt, keys.box}, none = {NULL, NULL};
    for (unsigned i = 0; i < rounds; i++)
        for (unsigned j = 0; j < KINDS; j++) {
            unsigned kind = (i + j) % KINDS; /* none always comes first */
            receipt_make(&wrong);
            double before = cpu();
            int rc = receipt_open(kind == RIGHT ? &right : &wrong, kind == UNKNOWN ? &none : &lead,
                                  decoy, &out, &err);
            took[kind][i] = cpu() - before;
            if (rc != (kind == RIGHT))
                return -1;
        }
    return 0;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc == 2 ? (unsigned)atoi(argv[1]) : 0;
    int bad = 0;
    if (sodium_init() < 0 || rounds < 3 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: lead_timing ROUNDS\n");
        return 2;
    }
    if (measure(rounds) < 0) {
        fprintf(stderr, "lead_timing: a receipt was not told right\n");
        return 2;
    }
    for (unsigned k = 0; k < KINDS; k++) {
        double m = mean(took[k], rounds);
        printf("%s %.3f ms\n", names[k], m * 1e3);
        bad |= m < COST_LEAST;
    }
    for (unsigned a = 0; a < KINDS; a++)
        for (unsigned b = a + 1; b < KINDS; b++) {
            double p = permutation_p(took[a], took[b], rounds);
            double apart = fabs(mean(took[a], rounds) / mean(took[b], rounds) - 1);
            printf("%s-%s p=%.4f apart=%.2f%%\n", names[a], names[b], p, apart * 100);
            bad |= p < P_LEAST && apart > APART;
        }
    return bad;
}
