/* Mails a second and MB/s of mime_scan(), which decodes every part, beside GMime's bare parse,
 * which decodes none, on the real mails of ../shared/data/mail in memory; then the same on one's
 * own. CPU time of this process, the median and the least of RUNS. Pin it: EBB_SOURCE_ROOT=.
 * taskset -c 1 build/bench/bench_mime [gmime] */
#include "../src/wire/test_mime_mails.h"

#include <gmime/gmime.h>

#include "bench.h"
#include "wire/mime.h"

enum { RUNS = 9 };

static uint64_t sink; /* keeps results alive */
static struct mime_scanner *scanner;
static struct arena arena;

static void scan(struct span mail)
{
    struct mime m;
    arena_reset(&arena);
    mime_scan(scanner, mail, &arena, &m);
    for (unsigned i = 0; i < m.parts; i++)
        sink += m.part[i].body.n;
}

static void gmime(struct span mail)
{
    GMimeStream *stream = g_mime_stream_mem_new();
    g_mime_stream_mem_set_byte_array(GMIME_STREAM_MEM(stream),
                                     g_byte_array_new_take((guint8 *)(uintptr_t)mail.p, mail.n));
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
    sink += message != NULL;
    if (message)
        g_object_unref(message);
    g_object_unref(parser);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
    g_byte_array_steal(bytes, NULL); /* they are not GMime's */
    g_object_unref(stream);
    g_byte_array_unref(bytes);
}

/* Nanoseconds a mail, the least of the runs. */
static double measure(const char *name, void (*work)(struct span), const struct mails *m)
{
    double ns[RUNS];
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->n; i++)
        bytes += m->mail[i].n;
    for (unsigned run = 0; run < RUNS; run++) {
        double start = cpu_ns();
        for (size_t i = 0; i < m->n; i++)
            work(m->mail[i]);
        ns[run] = (cpu_ns() - start) / (double)m->n;
    }
    double middle = median(ns, RUNS), size = (double)bytes / (double)m->n;
    printf(
        "%-14s %zu mails of %.0f bytes: %8.0f ns a mail (least %8.0f) %9.0f mails/s %6.0f MB/s\n",
        name, m->n, size, middle, ns[0], 1e9 / middle, size * 1e3 / middle);
    return ns[0];
}

int main(int argc, char **argv)
{
    struct mails mails;
    if (mails_open(&mails) != 0) {
        printf("bench_mime: no " MAILS_FILE "\n");
        return 0;
    }
    g_mime_init();
    scanner = mime_scanner_new();
    double ours = measure("mime_scan", scan, &mails);
    if (argc < 2 || strcmp(argv[1], "alone") != 0) {
        mime_decode_scalar(true);
        measure("  scalar", scan, &mails);
        mime_decode_scalar(false);
        double theirs = measure("GMime's parse", gmime, &mails);
        printf("ratio %.1f\n", theirs / ours);
    }
    mime_scanner_free(scanner);
    arena_free(&arena);
    mails_close(&mails);
    g_mime_shutdown();
    return (int)(sink == 0);
}
