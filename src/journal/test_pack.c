/* Packs through the store's own functions: what a crash, a full disk or an erasure leaves. */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "journal/blob.h"
#include "journal/pack.h"
#include "journal/test_scratch.h"

#define FIRST_PACK "pack/00000001.pack"
#define FIRST_IDX  "pack/00000001.idx"

/* Blob i: its number, and text that others have too, 0 to 4 KiB of it. */
static struct span content(struct buf *b, unsigned i)
{
    b->n = 0;
    buf_printf(b, "blob %u\n", i);
    for (unsigned k = 0; k < i * 37 % 90; k++)
        buf_printf(b, "line %u of what many of them have to say\n", (i + k) % 50);
    return buf_as_span(b);
}

static struct blob_store *open_store(const char *dir)
{
    struct blob_store *s = NULL;
    struct err err = {0};
    if (blob_open(dir, 0, 0, &s, &err) < 0) {
        printf("# %s\n", err.text);
        abort();
    }
    return s;
}

/* Puts [from, to) and syncs after every `batch`; 0 when all went well. */
static int put_range(struct blob_store *s, unsigned from, unsigned to, unsigned batch)
{
    struct buf b = {0};
    uint8_t sha[SHA256_LEN];
    int rc = 0;
    for (unsigned i = from; i < to && rc == 0; i++) {
        rc = blob_put(s, content(&b, i), sha, NULL);
        if (rc == 0 && (i + 1 - from) % batch == 0)
            rc = blob_sync(s, NULL);
    }
    buf_free(&b);
    return rc == 0 ? blob_sync(s, NULL) : rc;
}

/* How many of [from, to) come back as they were; what comes back otherwise counts against it. */
static int get_range(struct blob_store *s, unsigned from, unsigned to)
{
    struct buf b = {0}, out = {0};
    int n = 0;
    for (unsigned i = from; i < to; i++) {
        uint8_t sha[SHA256_LEN];
        struct span want = content(&b, i);
        sha256(want.p, want.n, sha);
        out.n = 0;
        int rc = blob_get(s, sha, &out, NULL);
        n += rc == 0 ? (span_eq(buf_as_span(&out), want) ? 1 : -1000000) : 0;
    }
    buf_free(&b);
    buf_free(&out);
    return n;
}

static uint64_t total_of(const struct blob_store *s)
{
    struct blob_info info;
    blob_info(s, &info);
    return info.total;
}

static uint64_t size_of(const char *dir, const char *name)
{
    char path[FILE_PATH_MAX];
    struct stat st;
    file_path(path, NULL, "%s/%s", dir, name);
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

static uint64_t sum_of(unsigned from, unsigned to)
{
    struct buf b = {0};
    uint64_t sum = 0;
    for (unsigned i = from; i < to; i++)
        sum += content(&b, i).n;
    buf_free(&b);
    return sum;
}

/* ---- format ---- */

/* Made by hand after doc/format.md, with nothing of the writer: one block with "abc" in it, the
 * frame after RFC 8878 (a raw block). */
static void test_bytes(void)
{
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 3, 0x19, 0, 0, 'a', 'b', 'c'};
    uint8_t file[32 + 96] = "ebb-pack", sha[SHA256_LEN];
    char *dir = scratch_make(), path[FILE_PATH_MAX];
    struct buf out = {0};
    struct blob_store *s;
    file[11] = 1;
    file[15] = 32;
    file[23] = 1;
    be32_put(file + 24, 0xdecade);
    be32_put(file + 28, crc32c(0, file, 28));
    uint8_t *block = file + 32;
    memcpy(block, "blk\n", 4);
    block[15] = 32; /* offset */
    block[17] = 1;  /* blobs */
    block[23] = sizeof frame;
    block[27] = 3; /* bytes unpacked */
    hex_decode(span_str("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"), sha,
               SHA256_LEN); /* FIPS 180-4 */
    memcpy(block + 32, sha, SHA256_LEN);
    block[32 + 35] = 3;
    memcpy(block + 32 + 36, frame, sizeof frame);
    be32_put(block + 28, crc32c(0, block + 32, 36 + sizeof frame));
    be32_put(block + 4, crc32c(0xdecade, block + 8, 24));
    file_path(path, NULL, "%s/pack", dir);
    mkdir(path, 0700);
    scratch_write(dir, FIRST_PACK, span_of(file, sizeof file));
    is_int(blob_open_reader(dir, &s, NULL), 0);
    is_int(blob_get(s, sha, &out, NULL), 0);
    ok(span_is(buf_as_span(&out), "abc"));
    blob_close(s);
    s = open_store(dir);
    is_int(total_of(s), 3);
    is_int(blob_put(s, span_str("abd"), sha, NULL), 0);
    is_int(blob_sync(s, NULL), 0);
    blob_close(s);
    is_int(size_of(dir, "pack/00000002.pack"), 0); /* it went on with that pack */
    file[11] = 2;
    be32_put(file + 28, crc32c(0, file, 28));
    scratch_write(dir, FIRST_PACK, span_of(file, sizeof file));
    is_int(blob_open(dir, 0, 0, &s, NULL), -EPROTO);
    is_int(blob_open_reader(dir, &s, NULL), -EPROTO);
    buf_free(&out);
    scratch_free(dir);
}

/* ---- everyday ---- */

static void test_dedup(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir);
    struct buf b = {0};
    uint8_t sha[SHA256_LEN];
    is_int(put_range(s, 0, 300, 100), 0);
    is_int(get_range(s, 0, 300), 300);
    uint64_t size = size_of(dir, FIRST_PACK), total = total_of(s);
    is_int(total, sum_of(0, 300));
    is_int(put_range(s, 0, 300, 100), 0);
    is_int(size_of(dir, FIRST_PACK), size);
    is_int(total_of(s), total);
    for (unsigned i = 0; i < 3; i++)
        is_int(blob_put(s, content(&b, 1000), sha, NULL), 0);
    is_int(total_of(s), total + content(&b, 1000).n);
    is_int(get_range(s, 1000, 1001), 1); /* before it is written */
    blob_close(s);
    s = open_store(dir); /* never synced */
    is_int(get_range(s, 1000, 1001), 0);
    is_int(total_of(s), total);
    is_int(put_range(s, 0, 300, 100), 0);
    is_int(size_of(dir, FIRST_PACK), size);
    is_int(get_range(s, 0, 300), 300);
    blob_close(s);
    buf_free(&b);
    scratch_free(dir);
}

/* Gets of what is put and not synced: compressed already, and not. */
static void test_pending(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir);
    struct buf b = {0};
    uint8_t sha[SHA256_LEN];
    bool all = true;
    is_int(put_range(s, 0, 10, 10), 0);
    for (unsigned i = 10; i < 500; i++)
        all &= blob_put(s, content(&b, i), sha, NULL) == 0;
    ok(all);
    is_int(get_range(s, 0, 500), 500);
    is_int(total_of(s), sum_of(0, 500));
    blob_drop(s);
    is_int(get_range(s, 0, 500), 10);
    is_int(total_of(s), sum_of(0, 10));
    is_int(put_range(s, 5, 500, 1000), 0);
    is_int(get_range(s, 0, 500), 500);
    blob_close(s);
    buf_free(&b);
    scratch_free(dir);
}

/* Many packs, with and without their indexes. */
static void test_rolled(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir);
    char name[PACK_NAME_MAX + 8];
    blob_set_pack_limit(s, 20000);
    is_int(put_range(s, 0, 2000, 50), 0);
    ok(scratch_exists(dir, "pack/00000005.pack"), "several packs");
    ok(scratch_exists(dir, FIRST_IDX));
    is_int(get_range(s, 0, 2000), 2000);
    is_int(put_range(s, 0, 2000, 50), 0);
    is_int(total_of(s), sum_of(0, 2000));
    blob_close(s);
    is_int(blob_open_reader(dir, &s, NULL), 0);
    is_int(get_range(s, 0, 2001), 2000);
    is_int(total_of(s), sum_of(0, 2000));
    blob_close(s);
    /* indexes: one gone, one damaged, one of another pack */
    struct buf idx = scratch_read(dir, "pack/00000002.idx");
    scratch_write(dir, "pack/00000003.idx", buf_as_span(&idx));
    for (size_t i = 0; i < idx.n; i += 7) {
        idx.p[i] ^= 4;
        scratch_write(dir, "pack/00000002.idx", buf_as_span(&idx));
        idx.p[i] ^= 4;
        is_int(blob_open_reader(dir, &s, NULL), 0);
        is_int(get_range(s, 0, 300), 300);
        blob_close(s);
        i += i > 200 ? idx.n / 5 : 0;
    }
    snprintf(name, sizeof name, "%s/%s", dir, FIRST_IDX);
    unlink(name);
    is_int(blob_open_reader(dir, &s, NULL), 0);
    is_int(get_range(s, 0, 2000), 2000);
    blob_close(s);
    s = open_store(dir);
    ok(scratch_exists(dir, FIRST_IDX), "a writer makes a missing index again");
    is_int(put_range(s, 0, 2000, 50), 0);
    is_int(total_of(s), sum_of(0, 2000));
    is_int(get_range(s, 0, 2000), 2000);
    blob_close(s);
    buf_free(&idx);
    scratch_free(dir);
}

static void test_reader_beside(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir), *r;
    is_int(blob_open_reader(dir, &r, NULL), 0);
    is_int(get_range(r, 0, 5), 0);
    struct blob_store *second;
    is_int(blob_open(dir, 0, 0, &second, NULL), -EBUSY);
    blob_set_pack_limit(s, 20000);
    int seen = 0;
    for (unsigned i = 0; i < 1000; i += 20) {
        is_int(put_range(s, i, i + 20, 20), 0);
        seen += get_range(r, i, i + 20);
    }
    is_int(seen, 1000);
    is_int(get_range(r, 0, 1001), 1000);
    ok(scratch_exists(dir, "pack/00000003.pack"), "several packs");
    blob_close(r);
    blob_close(s);
    scratch_free(dir);
}

/* ---- crashes and damage ---- */

/* The file as a crash may leave it: any length behind the last sync, and any page not written. */
static void test_torn(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir);
    struct blob_info info;
    is_int(put_range(s, 0, 40, 10), 0);
    uint64_t synced = size_of(dir, FIRST_PACK);
    is_int(put_range(s, 40, 55, 5), 0);
    blob_close(s);
    struct buf whole = scratch_read(dir, FIRST_PACK);
    unsigned lost = 0, not_cut = 0, dead = 0;
    int before = 0, back = 0;
    for (size_t n = synced; n <= whole.n; n++) {
        scratch_write(dir, FIRST_PACK, span_of(whole.p, n));
        s = open_store(dir);
        blob_info(s, &info);
        not_cut += size_of(dir, FIRST_PACK) + info.cut != n;
        lost += get_range(s, 0, 40) != 40;
        int now = get_range(s, 40, 55);
        back += now < before;
        before = now;
        dead += put_range(s, 40, 55, 5) != 0 || get_range(s, 0, 55) != 55 ||
                total_of(s) != sum_of(0, 55);
        blob_close(s);
    }
    is_int(before, 15);
    is_int(lost, 0);
    is_int(back, 0);
    is_int(not_cut, 0);
    is_int(dead, 0);
    for (size_t at = synced; at < whole.n; at += 64) { /* not written, though what follows was */
        struct buf holed = {0};
        buf_span(&holed, buf_as_span(&whole));
        memset(holed.p + at, 0, whole.n - at < 512 ? whole.n - at : 512);
        scratch_write(dir, FIRST_PACK, buf_as_span(&holed));
        s = open_store(dir);
        lost += get_range(s, 0, 40) != 40;
        dead += put_range(s, 40, 55, 5) != 0 || get_range(s, 0, 55) != 55;
        blob_close(s);
        s = open_store(dir);
        dead += get_range(s, 0, 55) != 55;
        blob_close(s);
        buf_free(&holed);
    }
    is_int(lost, 0);
    is_int(dead, 0);
    buf_free(&whole);
    scratch_free(dir);
}

/* A pack of which a crash left nothing, or the header alone. */
static void test_torn_at_birth(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir);
    blob_set_pack_limit(s, 1);
    is_int(put_range(s, 0, 20, 10), 0);
    blob_close(s);
    struct buf second = scratch_read(dir, "pack/00000002.pack");
    for (size_t n = 0; n < 40; n++) {
        scratch_write(dir, "pack/00000003.pack",
                      span_of(second.p, n)); /* another one's header, too */
        s = open_store(dir);
        is_int(get_range(s, 0, 20), 20);
        is_int(put_range(s, 20, 21, 1), 0);
        is_int(get_range(s, 0, 21), 21);
        blob_close(s);
        char path[FILE_PATH_MAX];
        for (unsigned k = 3; k < 6; k++) {
            file_path(path, NULL, "%s/pack/0000000%u.pack", dir, k);
            unlink(path);
        }
    }
    buf_free(&second);
    scratch_free(dir);
}

/* Any byte of a pack changed: what comes back is right or is said to be damaged; other blocks stay.
 */
static void test_damage(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir);
    is_int(put_range(s, 0, 30, 10), 0);
    blob_close(s);
    struct buf whole = scratch_read(dir, FIRST_PACK);
    unsigned wrong = 0, few = 0;
    for (size_t i = PACK_HEADER_LEN; i < whole.n; i += i < 512 ? 1 : 11) {
        whole.p[i] ^= 0x20;
        scratch_write(dir, FIRST_PACK, buf_as_span(&whole));
        whole.p[i] ^= 0x20;
        blob_open_reader(dir, &s, NULL);
        int n = get_range(s, 0, 30);
        wrong += n < 0;
        few += n < 20;
        blob_close(s);
    }
    is_int(wrong, 0);
    is_int(few, 0);
    /* found by an index, then damaged: said, and healed by putting it again */
    scratch_write(dir, FIRST_PACK, buf_as_span(&whole));
    s = open_store(dir);
    struct buf b = {0}, out = {0};
    uint8_t sha[SHA256_LEN];
    struct span first = content(&b, 3);
    sha256(first.p, first.n, sha);
    whole.p[PACK_HEADER_LEN + PACK_BLOCK_LEN + 10 * PACK_ENTRY_LEN + 9] ^= 1;
    scratch_write(dir, FIRST_PACK, buf_as_span(&whole));
    is_int(blob_get(s, sha, &out, NULL), -EBADMSG);
    is_int(out.n, 0);
    blob_close(s);
    s = open_store(dir);
    is_int(size_of(dir, FIRST_PACK), whole.n); /* nothing is cut before whole blocks */
    struct blob_info info;
    blob_info(s, &info);
    is_int(info.damaged, 1);
    is_int(put_range(s, 0, 30, 10), 0);
    is_int(get_range(s, 0, 30), 30);
    blob_close(s);
    buf_free(&whole);
    buf_free(&b);
    buf_free(&out);
    scratch_free(dir);
}

/* kill -9 in the middle: everything whose sync had returned is there. */
static void test_killed(void)
{
    char *dir = scratch_make();
    for (unsigned round = 0; round < 5; round++) {
        int said[2];
        if (pipe(said) < 0)
            abort();
        pid_t pid = fork();
        if (pid == 0) {
            struct blob_store *s = open_store(dir);
            blob_set_pack_limit(s, 100000);
            for (unsigned i = 0;; i += 7)
                if (put_range(s, i, i + 7, 7) < 0 || write(said[1], &i, sizeof i) != sizeof i)
                    _exit(1);
        }
        close(said[1]);
        unsigned i = 0, last = 0;
        while (last < 700 + 100 * round && read(said[0], &i, sizeof i) == sizeof i)
            last = i;
        kill(pid, SIGKILL);
        while (read(said[0], &i, sizeof i) == sizeof i)
            last = i;
        waitpid(pid, NULL, 0);
        close(said[0]);
        struct blob_store *s = open_store(dir);
        is_int(get_range(s, 0, last + 7), last + 7);
        blob_close(s);
    }
    scratch_free(dir);
}

/* ---- full disk ---- */

static void test_full(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir);
    struct rlimit was, small;
    is_int(put_range(s, 0, 50, 10), 0);
    uint64_t size = size_of(dir, FIRST_PACK);
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &was);
    small = (struct rlimit){size + 100, was.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    ok(put_range(s, 50, 100, 1000) < 0, "no room");
    is_int(size_of(dir, FIRST_PACK), size);
    is_int(get_range(s, 0, 100), 100); /* in memory */
    struct blob_store *r;
    is_int(blob_open_reader(dir, &r, NULL), 0);
    is_int(get_range(r, 0, 100), 50);
    ok(blob_sync(s, NULL) < 0, "still none");
    setrlimit(RLIMIT_FSIZE, &was);
    is_int(blob_sync(s, NULL), 0);
    is_int(get_range(r, 0, 100), 100);
    blob_close(r);
    /* given up instead */
    setrlimit(RLIMIT_FSIZE, &small);
    ok(put_range(s, 100, 150, 1000) < 0);
    blob_drop(s);
    is_int(blob_sync(s, NULL), 0);
    is_int(get_range(s, 0, 150), 100);
    setrlimit(RLIMIT_FSIZE, &was);
    is_int(put_range(s, 100, 150, 50), 0);
    is_int(get_range(s, 0, 150), 150);
    blob_close(s);
    /* nothing but memory, for long: it stays bounded, by failing */
    s = open_store(dir);
    setrlimit(RLIMIT_FSIZE, &small);
    struct buf b = {0};
    uint8_t sha[SHA256_LEN];
    uint64_t stored = 0;
    uint32_t x = 1;
    int rc = 0;
    for (unsigned i = 0; i < 400 && rc == 0; i++) {
        for (b.n = 0; b.n < 100000;) {
            be32_put(buf_reserve(&b, 4), x = x * 1664525 + 1013904223);
            b.n += 4;
        }
        rc = blob_put(s, buf_as_span(&b), sha, NULL);
        stored += rc == 0 ? b.n : 0;
    }
    ok(rc < 0 && stored < (18u << 20), "it says no after 16 MiB");
    setrlimit(RLIMIT_FSIZE, &was);
    signal(SIGXFSZ, old);
    is_int(blob_put(s, buf_as_span(&b), sha, NULL), 0);
    blob_close(s);
    buf_free(&b);
    scratch_free(dir);
}

/* ---- erasing ---- */

static int remove_one(struct blob_store *s, unsigned i)
{
    struct buf b = {0};
    uint8_t sha[SHA256_LEN];
    struct span data = content(&b, i);
    sha256(data.p, data.n, sha);
    buf_free(&b);
    return blob_remove(s, sha, NULL);
}

static int count_blob(void *ctx, const uint8_t *sha, uint64_t size, int rc)
{
    uint64_t *n = ctx;
    n[rc ? 1 : 0]++;
    n[2] += size;
    return 0;
}

static void test_erase(void)
{
    char *dir = scratch_make();
    struct blob_store *s = open_store(dir), *r;
    struct buf b = {0};
    blob_set_pack_limit(s, 12000);
    is_int(put_range(s, 0, 500, 50), 0);
    is_int(blob_open_reader(dir, &r, NULL), 0);
    is_int(get_range(r, 0, 500), 500);
    struct buf before = scratch_read(dir, FIRST_PACK);
    is_int(remove_one(s, 3), 0);   /* in a closed pack */
    is_int(remove_one(s, 499), 0); /* in the one that grows */
    is_int(remove_one(s, 600), 0); /* nowhere */
    is_int(get_range(s, 0, 500), 498);
    is_int(get_range(s, 3, 4) + get_range(s, 499, 500), 0);
    is_int(get_range(r, 0, 500), 498);
    is_int(total_of(s), sum_of(0, 500) - content(&b, 3).n - content(&b, 499).n);
    /* none of its bytes is left: the block is zeros but for a header */
    struct buf after = scratch_read(dir, FIRST_PACK);
    is_int(after.n, before.n);
    struct pack_block block;
    uint32_t salt;
    is_int(pack_header_get(after.p, after.n, 1, &salt), 0);
    ok(pack_block_get(after.p + 32, salt, 32, &block) && block.erased, "a block that says so");
    size_t len = pack_block_len(&block), zeros = 0;
    for (size_t i = 32 + PACK_BLOCK_LEN; i < 32 + len; i++)
        zeros += after.p[i] == 0;
    is_int(zeros, len - PACK_BLOCK_LEN);
    ok(pack_body_holds(&block, after.p + 32 + PACK_BLOCK_LEN), "its checksum holds");
    is_int(after.n - 32 - len, before.n - 32 - len);
    is_int(memcmp(after.p + 32 + len, before.p + 32 + len, after.n - 32 - len), 0);
    blob_close(s);
    blob_close(r);
    s = open_store(dir);
    is_int(get_range(s, 0, 500), 498);
    is_int(total_of(s), sum_of(0, 500) - content(&b, 3).n - content(&b, 499).n);
    uint64_t n[3] = {0};
    is_int(blob_walk(s, count_blob, n, NULL), 0);
    is_int(n[0], 498);
    is_int(n[1], 0);
    is_int(n[2], total_of(s));
    is_int(put_range(s, 0, 500, 50), 0); /* what was erased may come again */
    is_int(get_range(s, 0, 500), 500);
    blob_close(s);
    buf_free(&before);
    buf_free(&after);
    buf_free(&b);
    scratch_free(dir);
}

static struct buf scratch_again(struct buf *old, const char *dir)
{
    buf_free(old);
    return scratch_read(dir, FIRST_PACK);
}

/* Interrupted at each step of an erasure: the rest stays, and doing it again ends it. */
static void test_erase_torn(void)
{
    char *dir = scratch_make(), *copy = scratch_make();
    struct blob_store *s = open_store(dir);
    is_int(put_range(s, 0, 20, 10), 0);
    struct buf first = scratch_read(dir, FIRST_PACK);
    is_int(remove_one(s, 4), 0);
    blob_close(s);
    struct buf last = scratch_read(dir, FIRST_PACK); /* 9 others follow, then the block is erased */
    struct pack_block block;
    uint32_t salt = 0;
    pack_header_get(first.p, first.n, 1, &salt);
    ok(pack_block_get(first.p + 32, salt, 32, &block));
    size_t entries = 32 + PACK_BLOCK_LEN, frame = entries + 10 * PACK_ENTRY_LEN,
           end = 32 + pack_block_len(&block);
    struct buf now = {0};
    unsigned few = 0, found = 0, left = 0;
    scratch_copy(dir, copy);
    for (unsigned step = 0; step < 5; step++) {
        now.n = 0;
        buf_put(&now, first.p, end);
        buf_put(&now, last.p + end, last.n - end);
        if (step >= 1)
            memset(now.p + frame, 0, step == 1 ? (end - frame) / 2 : end - frame);
        if (step >= 3)
            memset(now.p + entries, 0, step == 3 ? 5 * PACK_ENTRY_LEN + 7 : frame - entries);
        scratch_write(copy, FIRST_PACK, buf_as_span(&now));
        s = open_store(copy);
        few += get_range(s, 0, 4) != 4 || get_range(s, 5, 20) != 15;
        few += remove_one(s, 4) != 0;
        few += get_range(s, 0, 4) != 4 || get_range(s, 5, 20) != 15;
        found += get_range(s, 4, 5);
        uint64_t n[3] = {0};
        struct blob_info info;
        few += blob_walk(s, count_blob, n, NULL) != 0;
        blob_info(s, &info);
        left += n[1] != 0 || info.damaged != 0 || n[2] != info.total;
        blob_close(s);
        now = scratch_again(&now, copy);
        left += memmem(now.p, end, first.p + frame, 64) != NULL;
    }
    is_int(few, 0);
    is_int(found, 0);
    is_int(left, 0); /* no block that does not hold, and nothing of its content */
    buf_free(&first);
    buf_free(&last);
    buf_free(&now);
    scratch_free(dir);
    scratch_free(copy);
}

int main(void)
{
    test_bytes();
    test_dedup();
    test_pending();
    test_rolled();
    test_reader_beside();
    test_torn();
    test_torn_at_birth();
    test_damage();
    test_killed();
    test_full();
    test_erase();
    test_erase_torn();
    return tap_done();
}
