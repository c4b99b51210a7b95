/* Whom to tell, at the size of all registries together: how long a table of 10 million networks
 * takes to become an index, to be opened from its snapshot, and to answer for 1.6 million
 * addresses.
 *
 *     bench_contacts [FOLDER [NETWORKS [ADDRESSES]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/file.h"
#include "base/mem.h"
#include "contact/contact_rows.h"
#include "event/act_cleanup.h"
#include "state/contacts.h"

static double cpu(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint64_t next_random(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return *s >> 33;
}

/* Networks of /16 to /28 within 1.0.0.0 to 223.255.255.255, many within others, a mailbox for ten.
 */
static uint64_t make_table(struct buf *out, size_t n)
{
    struct contact_rows rows = {0};
    uint64_t seed = 1;
    char mail[64], handle[32], name[32];
    for (size_t i = 0; i < n; i++) {
        struct ip ip =
            ip_from_v4((uint32_t)((1u << 24) + (next_random(&seed) << 1) % (222u << 24)));
        unsigned holder = (unsigned)(next_random(&seed) % (n / 10 + 1));
        snprintf(mail, sizeof mail, "abuse@isp-%u.example", holder);
        snprintf(handle, sizeof handle, "AR%u-RIPE", holder);
        snprintf(name, sizeof name, "Holder %u", holder);
        struct contact_row row = {.match = CONTACT_NETWORK,
                                  .network = net_of(&ip, (uint8_t)(16 + next_random(&seed) % 13)),
                                  .mail = span_str(mail),
                                  .handle = span_str(handle),
                                  .name = span_str(name)};
        contact_rows_add(&rows, &row);
    }
    uint64_t written = contact_rows_write(&rows, false, out);
    contact_rows_free(&rows);
    return written;
}

static int get_blob(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out, struct err *err)
{
    buf_span(out, buf_as_span(ctx));
    return 0;
}

static void import(struct contacts *c, const struct buf *table, uint64_t rows)
{
    uint8_t digest[SHA256_LEN];
    struct buf payload = {0};
    sha256(table->p, table->n, digest);
    struct act_contacts_imported a = {.source = span_str("ripe"),
                                      .format = span_str("rpsl"),
                                      .file_sha256 = span_of(digest, SHA256_LEN),
                                      .sha256 = span_of(digest, SHA256_LEN),
                                      .rows = rows,
                                      .made = ACT_FOREVER};
    act_contacts_imported(&payload, &a);
    contacts_act(c, KIND_CONTACTS_IMPORTED, 0, 1, buf_as_span(&payload));
    contacts_advance(c, 1);
    buf_free(&payload);
}

static void look_up(struct contacts *c, const uint32_t *v, size_t n, const char *what)
{
    uint64_t found = 0;
    double began = cpu();
    for (size_t i = 0; i < n; i++) {
        struct ip ip = ip_from_v4(v[i]);
        struct contact k;
        found += contacts_find(c, &ip, 0, "\0", &k);
    }
    double took = cpu() - began;
    printf("%-26s %8.3f s  %6.0f ns each, %zu addresses, %llu found\n", what, took,
           took * 1e9 / (double)n, n, (unsigned long long)found);
}

static int cmp(const void *x, const void *y)
{
    uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;
    return (a > b) - (a < b);
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : ".";
    size_t nets = argc > 2 ? strtoull(argv[2], NULL, 10) : 10000000,
           n = argc > 3 ? strtoull(argv[3], NULL, 10) : 1600000;
    struct buf table = {0};
    struct contacts *c;
    struct err err;
    struct rusage usage;
    struct ip ip = ip_from_v4(0x08080808);
    struct contact k;
    uint64_t seed = 9;
    uint32_t *v = mem_resize(NULL, n, sizeof *v);
    for (size_t i = 0; i < n; i++)
        v[i] = (uint32_t)((1u << 24) + (next_random(&seed) << 1) % (222u << 24));
    double began = cpu();
    uint64_t rows = make_table(&table, nets);
    printf("%-26s %8.3f s  %llu networks, %zu MiB\n", "table made", cpu() - began,
           (unsigned long long)rows, table.n >> 20);
    if (contacts_open(dir, &c, &err) < 0)
        return 1;
    contacts_blobs(c, get_blob, &table);
    import(c, &table, rows);
    began = cpu();
    contacts_find(c, &ip, 0, "\0", &k);
    printf("%-26s %8.3f s\n", "index made of it", cpu() - began);
    began = cpu();
    if (contacts_snapshot(c, &err) < 0)
        return 1;
    printf("%-26s %8.3f s\n", "snapshot written", cpu() - began);
    contacts_close(c);
    began = cpu();
    if (contacts_open(dir, &c, &err) < 0 || contacts_position(c) != 1)
        return 1;
    printf("%-26s %8.3f s\n", "snapshot opened, checked", cpu() - began);
    look_up(c, v, n, "look-ups in no order");
    qsort(v, n, sizeof *v, cmp);
    look_up(c, v, n, "look-ups in order");
    contacts_close(c);
    getrusage(RUSAGE_SELF, &usage);
    printf("%-26s %8.0f MiB\n", "memory at most", (double)usage.ru_maxrss / 1024);
    free(v);
    buf_free(&table);
    return 0;
}
