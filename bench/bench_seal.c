/* Sealing a file as a lead's is: the library alone, from a file to nowhere, and to opened again.
 * bench_seal FILE: MB/s of processor time, and the most memory that it took. Beside it what its
 * parts cost on the same bytes: reading, SHA-256 (the commitment, and the parts' names),
 * the cipher alone. */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lead/seal.h"

#define PIECE  (256u << 10)
#define ROUNDS 3

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static uint8_t piece[PIECE];
static uint64_t kept;

/* As the store does: a part is digested under its name. */
static int put(void *ctx, struct span part, struct err *err)
{
    uint8_t sha[SHA256_LEN];
    sha256(part.p, part.n, sha);
    kept += part.n + sha[0];
    return 0;
}

static int seal_file(int fd, uint64_t size, struct err *err)
{
    struct seal_manifest m = {.text = span_str("a bench"), .n_files = 1};
    struct seal_writer *w;
    struct seal_done done;
    struct buf list = {0};
    ssize_t n;
    m.files[0] = (struct seal_file){span_str("file"), size};
    int rc = seal_begin(&m, put, NULL, &w, err);
    lseek(fd, 0, SEEK_SET);
    while (rc == 0 && (n = read(fd, piece, PIECE)) > 0)
        rc = seal_add(w, span_of(piece, (size_t)n), err);
    if (rc == 0)
        rc = seal_end(w, &list, &done, err);
    seal_free(w);
    buf_free(&list);
    return rc;
}

static void cipher_alone(uint64_t size)
{
    static uint8_t out[SEAL_MESSAGE + SEAL_OVERHEAD], key[32], header[24];
    crypto_secretstream_xchacha20poly1305_state state;
    crypto_secretstream_xchacha20poly1305_init_push(&state, header, key);
    for (uint64_t at = 0; at < size; at += SEAL_MESSAGE)
        crypto_secretstream_xchacha20poly1305_push(&state, out, NULL, piece, SEAL_MESSAGE, NULL, 0,
                                                   0);
}

static void digest_alone(uint64_t size)
{
    uint8_t sha[SHA256_LEN];
    sha256_ctx c;
    sha256_begin(&c);
    for (uint64_t at = 0; at < size; at += PIECE)
        sha256_add(&c, piece, PIECE);
    sha256_end(&c, sha);
}

static void say(const char *what, double seconds, uint64_t size)
{
    printf("%-28s %8.0f MB/s\n", what, (double)size / 1e6 / seconds);
}

int main(int argc, char **argv)
{
    struct stat st;
    struct err err;
    struct rusage usage;
    double best = 1e9;
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1;
    if (sodium_init() < 0 || fd < 0 || fstat(fd, &st) < 0) {
        fprintf(stderr, "usage: bench_seal FILE\n");
        return 2;
    }
    for (int i = 0; i < ROUNDS; i++) {
        double before = cpu();
        if (seal_file(fd, (uint64_t)st.st_size, &err) < 0) {
            fprintf(stderr, "bench_seal: %s\n", err.text);
            return 1;
        }
        double took = cpu() - before;
        best = took < best ? took : best;
    }
    getrusage(RUSAGE_SELF, &usage);
    say("sealed", best, (uint64_t)st.st_size);
    printf("%-28s %8.1f MB\n", "memory at most", (double)usage.ru_maxrss / 1024);
    double before = cpu();
    cipher_alone((uint64_t)st.st_size);
    say("  the cipher alone", cpu() - before, (uint64_t)st.st_size);
    before = cpu();
    digest_alone((uint64_t)st.st_size);
    say("  one SHA-256 alone", cpu() - before, (uint64_t)st.st_size);
    close(fd);
    return kept == 0;
}
