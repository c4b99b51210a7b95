#include "event/enrich.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/utc.h"
#include "event/enrich_table.h"

#define DATABASES 3 /* libloc, mmdb_asn, mmdb_country */

struct enrich {
    const struct enrich_head *head; /* a mapping of head->size bytes */
    const uint32_t *v4_bucket;
    const uint16_t *v4_low;
    const struct enrich_rec *v4_rec;
    const uint64_t *v6_key;
    const struct enrich_rec *v6_rec;
    const struct enrich_deep *deep;
    const struct enrich_as_rec *as;
    const uint8_t *text;
    size_t n_v6, n_deep, n_as;
    bool cached;
};

/* Look-up */

static void result(const struct enrich *e, const struct enrich_rec *rec, struct enrich_result *out)
{
    const struct enrich_as_rec *as = &e->as[rec->as < e->n_as ? rec->as : 0];
    out->asn = as->asn;
    memcpy(out->country, rec->country, 2);
    out->as_name = span_of(e->text + as->name, as[1].name - as->name);
}

static const struct enrich_rec *find_v4(const struct enrich *e, uint32_t a)
{
    uint32_t at = e->v4_bucket[a >> 16], n = e->v4_bucket[(a >> 16) + 1] - at;
    uint16_t low = (uint16_t)a;
    while (n > 1) { /* the last entry of the bucket that is not above; its first is 0 */
        uint32_t half = n / 2;
        at += e->v4_low[at + half] <= low ? half : 0;
        n -= half;
    }
    return &e->v4_rec[at];
}

static const struct enrich_rec *find_deep(const struct enrich *e, size_t group, uint64_t lo)
{
    static const struct enrich_rec none = {.bits = ENRICH_NO_NET};
    if (group >= e->n_deep || e->deep[group].lo == 0 || e->deep[group].lo >= e->n_deep - group)
        return &none;
    size_t at = group + 1, n = e->deep[group].lo;
    while (n > 1) {
        size_t half = n / 2;
        at += e->deep[at + half].lo <= lo ? half : 0;
        n -= half;
    }
    return &e->deep[at].rec;
}

static const struct enrich_rec *find_v6(const struct enrich *e, uint64_t hi, uint64_t lo)
{
    size_t k = 1;
    while (k <= e->n_v6) {
        __builtin_prefetch(&e->v6_key[8 * k]); /* three levels further down share a line */
        k = 2 * k + (e->v6_key[k] <= hi);
    }
    k >>= __builtin_ctzll(k) + 1; /* back to where it last went right: the last key not above */
    const struct enrich_rec *rec = &e->v6_rec[k];
    return rec->deep ? find_deep(e, rec->as, lo) : rec;
}

void enrich_lookup(const struct enrich *e, const struct ip *ip, struct enrich_result *out)
{
    const struct enrich_rec *rec;
    out->network = (struct net){0};
    if (ip_is_v4(ip)) {
        uint32_t a = ip_v4(ip);
        rec = find_v4(e, a);
        if (rec->bits <= 32) {
            uint32_t mask = rec->bits ? ~0u << (32 - rec->bits) : 0;
            out->network = (struct net){ip_from_v4(a & mask), rec->bits, true};
        }
    } else {
        rec = find_v6(e, be64_get(ip->b), be64_get(ip->b + 8));
        if (rec->bits <= 128)
            out->network = net_of(ip, rec->bits);
    }
    result(e, rec, out);
}

void enrich_prefetch(const struct enrich *e, const struct ip *ip)
{
    if (!ip_is_v4(ip))
        return; /* the upper levels of the tree stay in the cache anyway */
    uint32_t a = ip_v4(ip), at = e->v4_bucket[a >> 16], n = e->v4_bucket[(a >> 16) + 1] - at;
    __builtin_prefetch(&e->v4_low[at + n / 2]);
    __builtin_prefetch(&e->v4_rec[at + (size_t)(a & 0xffff) * n / 65536]);
}

/* Opening */

static int adopt(struct enrich_head *head, bool cached, struct enrich **out)
{
    struct enrich *e = calloc(1, sizeof *e);
    if (!e)
        abort();
    const uint8_t *block = (const uint8_t *)head;
    *e = (struct enrich){
        .head = head,
        .v4_bucket = (const uint32_t *)(block + head->v4_bucket),
        .v4_low = (const uint16_t *)(block + head->v4_low),
        .v4_rec = (const struct enrich_rec *)(block + head->v4_rec),
        .v6_key = (const uint64_t *)(block + head->v6_key),
        .v6_rec = (const struct enrich_rec *)(block + head->v6_rec),
        .deep = (const struct enrich_deep *)(block + head->deep),
        .as = (const struct enrich_as_rec *)(block + head->as),
        .text = block + head->text,
        .n_v6 = head->n_v6,
        .n_deep = head->n_deep,
        .n_as = head->n_as,
        .cached = cached,
    };
    *out = e;
    return 0;
}

void enrich_close(struct enrich *e)
{
    if (!e)
        return;
    munmap((void *)e->head, e->head->size);
    free(e);
}

const struct enrich_info *enrich_info(const struct enrich *e)
{
    return &e->head->info;
}

bool enrich_cached(const struct enrich *e)
{
    return e->cached;
}

static void put_u64(sha256_ctx *c, uint64_t v)
{
    uint8_t b[8];
    be64_put(b, v);
    sha256_add(c, b, sizeof b);
}

/* Two digests: `set` over the paths (names the cache file), `key` over the files' state too. */
static int state_of(const char *const paths[DATABASES], uint8_t set[SHA256_LEN],
                    uint8_t key[SHA256_LEN], struct err *err)
{
    sha256_ctx cs, ck;
    sha256_begin(&cs);
    sha256_begin(&ck);
    for (int i = 0; i < DATABASES; i++) {
        size_t n = paths[i] ? strlen(paths[i]) + 1 : 0;
        put_u64(&cs, n);
        sha256_add(&cs, paths[i], n);
        if (!paths[i])
            continue;
        struct stat st;
        if (stat(paths[i], &st) < 0)
            return err_errno(err, "%s", paths[i]);
        if (!S_ISREG(st.st_mode))
            return err_set(err, -EINVAL, "%s: not a regular file", paths[i]);
        const uint64_t state[] = {st.st_dev,
                                  st.st_ino,
                                  (uint64_t)st.st_size,
                                  (uint64_t)st.st_mtim.tv_sec,
                                  (uint64_t)st.st_mtim.tv_nsec,
                                  (uint64_t)st.st_ctim.tv_sec,
                                  (uint64_t)st.st_ctim.tv_nsec};
        for (size_t k = 0; k < sizeof state / sizeof *state; k++)
            put_u64(&ck, state[k]);
    }
    sha256_end(&cs, set);
    sha256_add(&ck, set, SHA256_LEN);
    sha256_end(&ck, key);
    return 0;
}

/* The cached table when it is there, whole, and made from the files as they are now. */
static struct enrich_head *cache_map(const char *path, const uint8_t key[SHA256_LEN])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    struct enrich_head *head = NULL;
    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size >= sizeof *head) {
        size_t n = (size_t)st.st_size;
        void *p = mmap(NULL, n, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
        if (p != MAP_FAILED) {
            head = p;
            if (!enrich_head_valid(head, n) || memcmp(head->key, key, SHA256_LEN) != 0) {
                munmap(p, n);
                head = NULL;
            }
        }
    }
    close(fd);
    return head;
}

static void cache_write(const char *dir, const char *path, const struct enrich_head *head)
{
    struct err err;
    if (file_mkdirs(dir, 0755, &err) < 0 ||
        file_replace(path, span_of(head, head->size), 0644, &err) < 0)
        log_line(LOG_INFO, "enrichment table not cached", "why=\"%s\"", err.text);
}

static int read_databases(const char *const paths[DATABASES], const uint8_t *libloc, size_t n,
                          struct enrich_data data[DATABASES], struct err *err)
{
    int rc = 0;
    if (paths[0])
        rc = enrich_libloc_read(span_of(libloc, n), paths[0], &data[0], err);
    if (rc == 0 && paths[1])
        rc = enrich_mmdb_read(paths[1], true, false, &data[1], err);
    if (rc == 0 && paths[2])
        rc = enrich_mmdb_read(paths[2], false, true, &data[2], err);
    return rc;
}

static void describe(const char *const paths[DATABASES], const struct enrich_data data[DATABASES],
                     const uint8_t digests[DATABASES * SHA256_LEN], struct enrich_info *info)
{
    uint8_t given[DATABASES * SHA256_LEN];
    size_t n = 0, used = 0;
    int64_t made = 0;
    for (int i = 0; i < DATABASES; i++) {
        if (!paths[i])
            continue;
        const char *slash = strrchr(paths[i], '/');
        int w = snprintf(info->name + used, sizeof info->name - used, "%s%s", n ? "+" : "",
                         slash ? slash + 1 : paths[i]);
        used += (size_t)w < sizeof info->name - used ? (size_t)w : sizeof info->name - used - 1;
        memcpy(given + n, digests + i * SHA256_LEN, SHA256_LEN);
        n += SHA256_LEN;
        if (data[i].made && (!made || data[i].made < made))
            made = data[i].made;
    }
    sha256(given, n, info->sha256);
    if (made)
        utc_format(made, info->date);
}

/* Reads and packs. The files' state is taken before and after, so that a table is never filed
 * under a state that it was not read from. */
static int build(const char *const paths[DATABASES], const uint8_t key[SHA256_LEN],
                 struct enrich_head **out, struct err *err)
{
    struct enrich_data data[DATABASES] = {0}, merged = {0};
    struct enrich_info info = {0};
    uint8_t digests[DATABASES * SHA256_LEN] = {0}, set[SHA256_LEN], after[SHA256_LEN];
    struct buf libloc = {0};
    int rc = 0;
    for (int i = DATABASES - 1; i >= 0 && rc == 0; i--) { /* libloc last: its bytes are used */
        libloc.n = 0;
        if (!paths[i])
            continue;
        rc = file_read(paths[i], ENRICH_FILE_MAX, &libloc, err);
        sha256(libloc.p, libloc.n, digests + i * SHA256_LEN);
    }
    if (rc == 0)
        rc = read_databases(paths, libloc.p, libloc.n, data, err);
    if (rc == 0)
        rc = state_of(paths, set, after, err);
    if (rc == 0 && memcmp(after, key, SHA256_LEN) != 0)
        rc = err_set(err, -EAGAIN, "enrichment: a database changed while it was read");
    if (rc == 0) {
        describe(paths, data, digests, &info);
        enrich_merge(&data[paths[1] ? 1 : 0], &data[paths[2] ? 2 : 0], &merged);
        rc = enrich_pack(&merged, &info, key, out, err);
    }
    for (int i = 0; i < DATABASES; i++)
        enrich_data_free(&data[i]);
    enrich_data_free(&merged);
    buf_free(&libloc);
    return rc;
}

int enrich_open(const struct enrich_config *config, struct enrich **out, struct err *err)
{
    const char *const paths[DATABASES] = {config->libloc, config->mmdb_asn, config->mmdb_country};
    uint8_t set[SHA256_LEN], key[SHA256_LEN];
    char path[FILE_PATH_MAX], name[2 * SHA256_LEN + 1];
    struct enrich_head *head = NULL;
    int rc = state_of(paths, set, key, err);
    if (rc < 0)
        return rc;
    if (config->cache_dir) {
        hex_encode(set, 8, name);
        rc =
            file_path(path, err, "%s/enrich-v%d-%s.table", config->cache_dir, ENRICH_VERSION, name);
        if (rc < 0)
            return rc;
        head = cache_map(path, key);
        if (head)
            return adopt(head, true, out);
    }
    rc = build(paths, key, &head, err);
    if (rc < 0)
        return rc;
    if (config->cache_dir)
        cache_write(config->cache_dir, path, head);
    return adopt(head, false, out);
}
