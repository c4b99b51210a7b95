/* What storing a mail costs: SHA-256, compression, packs, and a sync every 100 mails.
 *
 *   bench_blob DIR [MAILS]     MAILS (20000) mails of each size, of templates; with EBB_SHARED_DATA
 *                              naming a folder with mail/1.eml and so on, those as well
 *
 * One line of key=value a size: CPU time a mail in microseconds (median of 5 rounds, each in a
 * store of its own below DIR, removed afterwards), the part that SHA-256 alone takes, the time on
 * the wall, and how much smaller the mails became. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "bench.h"
#include "journal/blob.h"

#define ROUNDS     5
#define SYNC_EVERY 100
#define MAILS_MAX  20000
#define REAL_SMALL (4u << 10)
#define REAL_MAX   (64u << 10)

struct mails {
    struct buf bytes;
    size_t at[MAILS_MAX + 1];
    unsigned n;
};

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* A word of a vocabulary of 4096, the frequent ones short. */
static void put_word(struct buf *b, uint64_t r)
{
    uint64_t word = (r & 4095) * (r >> 12 & 4095) >> 12;
    for (unsigned k = 0; k < 2 + word / 512; k++)
        buf_byte(b, (uint8_t)('a' + (word * 2654435761u >> (k * 5 & 31)) % 26));
    buf_byte(b, ' ');
}

/* Mails of many templates: sentences out of a stock of 1024, each with two words of its own, below
 * headers that are alike. */
static void make_mails(struct mails *m, unsigned n, size_t size, uint64_t round)
{
    uint64_t state = 88172645463325252u + round * 7919 + size;
    m->bytes.n = 0;
    for (m->n = 0; m->n < n; m->n++) {
        size_t start = m->at[m->n] = m->bytes.n;
        buf_printf(
            &m->bytes,
            "Received: from [192.0.2.%u] by mx.example; id %016llx\r\nFrom: u%u@example.org\r\n"
            "To: v%u@example.net\r\nSubject: offer %u\r\nMIME-Version: 1.0\r\n\r\n",
            (unsigned)(next_random(&state) % 256), (unsigned long long)next_random(&state),
            (unsigned)(next_random(&state) % 9999), (unsigned)(next_random(&state) % 9999), m->n);
        while (m->bytes.n - start < size) {
            uint64_t sentence = (next_random(&state) & 1023) * 2654435761u + 1;
            for (unsigned k = 0; k < 10; k++)
                put_word(&m->bytes, next_random(&sentence));
            put_word(&m->bytes, next_random(&state));
            put_word(&m->bytes, next_random(&state));
            buf_str(&m->bytes, "\r\n");
        }
        m->bytes.n = start + size;
    }
    m->at[n] = m->bytes.n;
}

/* `mail/1.eml` and so on: in the order of arrival, as neighbours are alike. */
static bool read_mails(struct mails *m, const char *shared, unsigned n, size_t max)
{
    char path[FILE_PATH_MAX];
    m->bytes.n = m->n = 0;
    for (unsigned i = 1; i <= MAILS_MAX && m->n < n; i++) {
        m->at[m->n] = m->bytes.n;
        if (file_path(path, NULL, "%s/mail/%u.eml", shared, i) == 0 &&
            file_read(path, max, &m->bytes, NULL) == 0)
            m->n++;
    }
    m->at[m->n] = m->bytes.n;
    return m->n > 0;
}

static void clear(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(dir);
}

static uint64_t bytes_in(const char *dir)
{
    uint64_t sum = 0;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
            sum += (uint64_t)st.st_size;
    }
    if (d)
        closedir(d);
    return sum;
}

static void must(int rc, const struct err *err)
{
    if (rc == 0)
        return;
    fprintf(stderr, "bench_blob: %s\n", rc < 0 ? err->text : "not stored");
    exit(1);
}

/* CPU nanoseconds a mail; *wall likewise, *ratio is stored bytes by bytes. */
static double store_all(const char *dir, const struct mails *m, double *wall, double *ratio)
{
    struct blob_store *s;
    struct err err;
    char packs[FILE_PATH_MAX];
    uint8_t sha[SHA256_LEN];
    must(file_path(packs, &err, "%s/pack", dir), &err);
    must(blob_open(dir, 0, 0, &s, &err), &err);
    double cpu = cpu_ns(), start = clock_ns(CLOCK_MONOTONIC);
    for (unsigned i = 0; i < m->n; i++) {
        must(blob_put(s, span_of(m->bytes.p + m->at[i], m->at[i + 1] - m->at[i]), sha, &err), &err);
        if (i % SYNC_EVERY == SYNC_EVERY - 1)
            must(blob_sync(s, &err), &err);
    }
    must(blob_sync(s, &err), &err);
    cpu = cpu_ns() - cpu;
    *wall = (clock_ns(CLOCK_MONOTONIC) - start) / m->n;
    blob_close(s);
    *ratio = (double)bytes_in(packs) / (double)m->bytes.n;
    clear(packs);
    clear(dir);
    return cpu / m->n;
}

static double hash_all(const struct mails *m)
{
    uint8_t sha[SHA256_LEN];
    double cpu = cpu_ns();
    for (unsigned i = 0; i < m->n; i++)
        sha256(m->bytes.p + m->at[i], m->at[i + 1] - m->at[i], sha);
    return (cpu_ns() - cpu) / m->n;
}

static void run(const char *dir, struct mails *m, const char *what, size_t size)
{
    double cpu[ROUNDS], wall[ROUNDS], hash[ROUNDS], ratio = 0;
    for (unsigned r = 0; r < ROUNDS; r++) {
        char store[FILE_PATH_MAX];
        struct err err;
        must(file_path(store, &err, "%s/bench-blob-%d-%u", dir, (int)getpid(), r), &err);
        if (size)
            make_mails(m, m->n, size, r);
        cpu[r] = store_all(store, m, &wall[r], &ratio);
        hash[r] = hash_all(m);
    }
    double middle = median(cpu, ROUNDS);
    printf("blob mails=%s n=%u mean_bytes=%zu sync_every=%d us_cpu=%.2f us_cpu_least=%.2f "
           "us_sha256=%.2f "
           "us_wall=%.2f stored=%.3f\n",
           what, m->n, m->bytes.n / m->n, SYNC_EVERY, middle / 1e3, cpu[0] / 1e3,
           median(hash, ROUNDS) / 1e3, median(wall, ROUNDS) / 1e3, ratio);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct mails m;
    const char *shared = getenv("EBB_SHARED_DATA");
    unsigned long n = argc > 2 ? strtoul(argv[2], NULL, 10) : MAILS_MAX;
    if (argc < 2 || n < 1 || n > MAILS_MAX) {
        fprintf(stderr, "usage: bench_blob DIR [MAILS, at most %d]\n", MAILS_MAX);
        return 2;
    }
    m.n = (unsigned)n;
    run(argv[1], &m, "1KiB", 1 << 10);
    run(argv[1], &m, "4KiB", 4 << 10);
    run(argv[1], &m, "20KiB", 20 << 10);
    if (shared && read_mails(&m, shared, (unsigned)n, REAL_SMALL))
        run(argv[1], &m, "real-small", 0);
    if (shared && read_mails(&m, shared, (unsigned)n, REAL_MAX))
        run(argv[1], &m, "real", 0);
    buf_free(&m.bytes);
    return 0;
}
