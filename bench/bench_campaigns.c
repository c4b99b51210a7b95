/* Campaigns under a flood that never ends: made-up mails (no text, only what campaigns look at)
 * from more templates than there is room for, so that all slots are taken and campaigns retire all
 * the time. Prints time a mail, bytes a live campaign, and the process's memory as it goes on.
 *
 *     bench_campaigns [MILLIONS] [SINGLES-PER-CENT]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "state/test_campaigns.h"

#define TEMPLATES  60000
#define REPORTS    10
#define BATCH      512
#define NOISE_BINS 40 /* of 128: about what a third of random text changes */

struct template_sketch {
    struct sketch sketch;
    uint64_t seed;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double resident_mb(void)
{
    unsigned long all, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%lu %lu", &all, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1e6;
}

/* A mail of a template: half of them as it is, half with noise; every tenth or so its own. */
static void fill(struct made_mail *m, const struct template_sketch *t, uint64_t *rng,
                 unsigned singles)
{
    uint64_t r = made_next(rng);
    if (r % 100 < singles) {
        for (unsigned i = 0; i < SKETCH_BINS; i++)
            m->mail.sketch.bin[i] = (uint16_t)made_next(rng);
        m->mail.sketch.shingles = 100;
        m->mail.exact = made_next(rng) | 1;
        m->mail.headers.hash = made_next(rng);
        made_url(m, 0, made_next(rng), made_next(rng));
        return;
    }
    /* a few templates send most: the square of a uniform number leans to the low ones */
    double u = (double)(r >> 16 & 0xffffff) / 0x1000000;
    t += (size_t)(u * u * TEMPLATES);
    m->mail.sketch = t->sketch;
    m->mail.exact = t->seed | 1;
    m->mail.headers.hash = t->seed % 50 + 1;
    made_url(m, 0, t->seed + (r >> 40) % 20, t->seed);
    if (r >> 48 & 1)
        return;
    m->mail.exact = made_next(rng) | 1;
    for (unsigned i = 0; i < NOISE_BINS; i++)
        m->mail.sketch.bin[made_next(rng) % SKETCH_BINS] = (uint16_t)made_next(rng);
}

int main(int argc, char **argv)
{
    uint64_t mails = (argc > 1 ? strtoull(argv[1], NULL, 10) : 10) * 1000000, rng = 1, index = 0;
    unsigned singles = argc > 2 ? (unsigned)atoi(argv[2]) : 10;
    struct template_sketch *t = mem_zeroed(TEMPLATES, sizeof *t);
    struct made_mail *batch = mem_zeroed(BATCH, sizeof *batch);
    struct campaigns *c = campaigns_new(NULL);
    for (unsigned i = 0; i < TEMPLATES; i++) {
        t[i].seed = made_next(&rng);
        t[i].sketch.shingles = 100;
        for (unsigned k = 0; k < SKETCH_BINS; k++)
            t[i].sketch.bin[k] = (uint16_t)made_next(&rng);
    }
    for (unsigned i = 0; i < BATCH; i++) {
        batch[i].mail.url = batch[i].url;
        batch[i].mail.urls = 1;
        batch[i].mail.subject = span_str("A subject");
    }
    double spent = 0, last = 0;
    uint64_t founded = 0, exact = 0, founded_last = 0;
    printf("      mails  live   ns/mail founded  exact   B/campaign  resident MB\n");
    for (uint64_t done = 0, report = 1; done < mails;) {
        for (unsigned i = 0; i < BATCH; i++)
            fill(&batch[i], t, &rng, singles);
        double t0 = now();
        for (unsigned i = 0; i < BATCH; i++) {
            enum campaign_why why;
            struct campaigns_proposal p;
            struct campaigns_mail m = {.index = ++index,
                                       .time = (int64_t)index,
                                       .bytes = 3000,
                                       .family = span_str("rustock"),
                                       .mail = &batch[i].mail};
            campaigns_add(c, &m, &why, &p);
            founded += why == CAMPAIGN_FOUNDED;
            exact += why == CAMPAIGN_EXACT;
        }
        spent += now() - t0;
        done += BATCH;
        if (done * REPORTS >= mails * report) {
            uint64_t part = mails / REPORTS;
            printf("%11llu %6u %7.0f %6.1f%% %6.1f%% %10.0f %10.0f\n", (unsigned long long)done,
                   campaigns_live(c), (spent - last) * 1e9 / (double)part,
                   100.0 * (double)(founded - founded_last) / (double)part,
                   100.0 * (double)exact / (double)done,
                   (double)campaigns_memory(c) / campaigns_live(c), resident_mb());
            fflush(stdout);
            last = spent;
            founded_last = founded;
            report++;
        }
    }
    campaigns_free(c);
    free(batch);
    free(t);
    return 0;
}
