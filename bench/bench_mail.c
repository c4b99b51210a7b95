/* Microseconds a mail from raw bytes to all that is known of it (mail_read), on the real mails of
 * ../shared/data/mail in memory, split by stage, beside GMime's bare parse, which decodes nothing
 * and understands nothing. CPU time of this process; the run with the least. Pin it:
 * EBB_SOURCE_ROOT=. taskset -c 1 build/bench/bench_mail [all|alone [MAILS]] */
#include "../src/wire/test_mime_mails.h"

#include <gmime/gmime.h>

#include "bench.h"
#include "mail/mail_impl.h"
#include "state/campaigns.h"

enum { RUNS = 5, STAGES_MAX = 16 };

/* Headers that the server of these mails added (their README). */
static const char *const strip[] = {"X-Miltered", "X-Virus-*",  "X-UUID",
                                    "Status",     "X-Status",   "Content-Length",
                                    "Lines",      "X-Keywords", NULL};

static uint64_t sink; /* keeps results alive */

struct stage {
    const char *name;
    double ns;
};
struct timing {
    struct stage stage[STAGES_MAX];
    unsigned n;
    double last;
};

/* The clock costs a part of what it measures; that is taken off below. */
static void stage_done(void *ctx, const char *name)
{
    struct timing *t = ctx;
    double now = clock_ns(CLOCK_MONOTONIC);
    unsigned i = 0;
    while (i < t->n && t->stage[i].name != name)
        i++;
    if (i == t->n && t->n < STAGES_MAX)
        t->stage[t->n++] = (struct stage){name, 0};
    t->stage[i].ns += now - t->last;
    t->last = clock_ns(CLOCK_MONOTONIC);
}

/* Mails in mbox form begin with a line that is not theirs. */
static struct span without_from_line(struct span mail)
{
    if (mail.n < 5 || memcmp(mail.p, "From ", 5) != 0)
        return mail;
    struct cur c = cur_of(mail);
    cur_line(&c);
    return span_of(c.p, cur_left(&c));
}

static void gmime(struct span mail)
{
    GMimeStream *stream = g_mime_stream_mem_new();
    GByteArray *bytes = g_byte_array_new_take((guint8 *)(uintptr_t)mail.p, mail.n);
    g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream), bytes);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    sink += message != NULL;
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    g_byte_array_steal(bytes, NULL); /* they are not GMime's */
    g_object_unref(stream);
    g_byte_array_unref(bytes);
}

struct totals {
    uint64_t bytes, visible, words, random, disguised, urls, files, exact, shingles, image_only;
};

static void count(struct totals *t, const struct mail *m, size_t bytes)
{
    t->bytes += bytes;
    t->visible += m->visible.n;
    t->words += m->words.n;
    t->random += m->words.random;
    t->disguised += m->words.disguised;
    t->urls += m->urls;
    t->files += m->files;
    t->exact += m->exact != 0;
    t->shingles += m->sketch.shingles;
    t->image_only += (m->flags & MAIL_IMAGE_ONLY) != 0;
}

/* One way through all mails, from bytes to campaign; nanoseconds a mail. */
static double run(struct mail_reader *r, const struct mails *mails, struct timing *timing,
                  struct totals *totals)
{
    static struct arena arena;
    struct campaigns *campaigns = campaigns_new(NULL);
    struct campaigns_proposal proposal;
    enum campaign_why why;
    struct mail m;
    double start = cpu_ns();
    for (size_t i = 0; i < mails->n; i++) {
        arena_reset(&arena);
        if (timing) {
            timing->last = clock_ns(CLOCK_MONOTONIC);
            mail_read_staged(r, mails->mail[i], NULL, &arena, &m, stage_done, timing);
        } else {
            mail_read(r, mails->mail[i], NULL, &arena, &m);
        }
        const struct campaigns_mail placed = {i + 1, (int64_t)i, mails->mail[i].n, {NULL, 0}, &m};
        sink += campaigns_add(campaigns, &placed, &why, &proposal);
        if (timing)
            stage_done(timing, "campaigns");
        if (totals)
            count(totals, &m, mails->mail[i].n);
    }
    double ns = (cpu_ns() - start) / (double)mails->n;
    campaigns_free(campaigns);
    return ns;
}

static double least_of(struct mail_reader *r, const struct mails *mails)
{
    double least = run(r, mails, NULL, NULL);
    for (unsigned i = 1; i < RUNS; i++) {
        double ns = run(r, mails, NULL, NULL);
        least = ns < least ? ns : least;
    }
    return least;
}

static void print_stages(struct mail_reader *r, const struct mails *mails)
{
    struct timing best = {0};
    double best_sum = 0;
    for (unsigned i = 0; i < RUNS; i++) {
        struct timing t = {0};
        double sum = 0;
        run(r, mails, &t, NULL);
        for (unsigned k = 0; k < t.n; k++)
            sum += t.stage[k].ns;
        if (i == 0 || sum < best_sum) {
            best = t;
            best_sum = sum;
        }
    }
    double clock = clock_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < 100000; i++)
        sink += clock_ns(CLOCK_MONOTONIC) > 0;
    clock = (clock_ns(CLOCK_MONOTONIC) - clock) / 100000;
    for (unsigned k = 0; k < best.n; k++)
        printf("  %-10s %7.0f ns\n", best.stage[k].name,
               best.stage[k].ns / (double)mails->n - clock);
}

int main(int argc, char **argv)
{
    struct mails mails;
    struct mail_reader *r;
    struct err err;
    struct totals totals = {0};
    char rules[4096];
    const char *root = getenv("EBB_SOURCE_ROOT"), *only = argc > 1 ? argv[1] : "";
    if (mails_open(&mails) != 0) {
        printf("bench_mail: no " MAILS_FILE "\n");
        return 0;
    }
    if (argc > 2 && strtoul(argv[2], NULL, 10) < mails.n)
        mails.n = strtoul(argv[2], NULL, 10);
    for (size_t i = 0; i < mails.n; i++)
        mails.mail[i] = without_from_line(mails.mail[i]);
    snprintf(rules, sizeof rules, "%s/rules", root ? root : ".");
    struct mail_options options = {rules, strip};
    if (mail_reader_open(&options, &r, &err) < 0) {
        printf("bench_mail: %s; going on without rules\n", err.text);
        options.rules = NULL;
        if (mail_reader_open(&options, &r, &err) < 0)
            return 1;
    }
    run(r, &mails, NULL, &totals);
    double n = (double)mails.n, ours = least_of(r, &mails);
    printf("to campaign    %zu mails of %.0f bytes: %.2f us a mail, %.0f mails/s, %.0f MB/s\n",
           mails.n, (double)totals.bytes / n, ours / 1e3, 1e9 / ours,
           (double)totals.bytes / n * 1e3 / ours);
    printf("  a mail: %.0f bytes of text, %.0f words (%.2f%% random, %.2f%% disguised), %.1f URLs, "
           "%.2f files; %.0f%% with an exact hash, %.1f%% pictures only\n",
           (double)totals.visible / n, (double)totals.words / n,
           100 * (double)totals.random / (double)totals.words,
           100 * (double)totals.disguised / (double)totals.words, (double)totals.urls / n,
           (double)totals.files / n, 100 * (double)totals.exact / n,
           100 * (double)totals.image_only / n);
    print_stages(r, &mails);
    if (strcmp(only, "alone") != 0) {
        g_mime_init();
        double theirs = 0;
        for (unsigned i = 0; i < 3; i++) {
            double start = cpu_ns();
            for (size_t k = 0; k < mails.n; k++)
                gmime(mails.mail[k]);
            double ns = (cpu_ns() - start) / n;
            theirs = i == 0 || ns < theirs ? ns : theirs;
        }
        printf("GMime's parse  %.2f us a mail, %.0f mails/s; ratio %.1f\n", theirs / 1e3,
               1e9 / theirs, theirs / ours);
        g_mime_shutdown();
    }
    mail_reader_close(r);
    mails_close(&mails);
    return sink == 42;
}
