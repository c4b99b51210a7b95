#include <errno.h>

#include "journal/blob.h"
#include "journal/test_scratch.h"

#define ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" /* FIPS 180-4 */

static void test_put_get(void)
{
    char *dir = scratch_make(), hex[SHA256_HEX_MAX];
    struct blob_store *s;
    struct err err;
    struct buf out = {0}, big = {0};
    uint8_t sha[SHA256_LEN];
    is_int(blob_open(dir, 0, 0, &s, &err), 0);
    is_int(blob_put(s, span_str("abc"), sha, &err), 0);
    hex_encode(sha, SHA256_LEN, hex);
    is_str(hex, ABC);
    is_int(blob_get(s, sha, &out, &err), 0);
    ok(span_is(buf_as_span(&out), "abc"));
    is_int(blob_put(s, span_str("abc"), sha, &err), 0);
    for (unsigned i = 0; i < 3000000; i++)
        buf_byte(&big, (uint8_t)(i * i >> 7));
    is_int(blob_put(s, buf_as_span(&big), sha, &err), 0);
    is_int(blob_sync(s, &err), 0);
    out.n = 0;
    is_int(blob_get(s, sha, &out, &err), 0);
    ok(span_eq(buf_as_span(&out), buf_as_span(&big)));
    is_int(blob_put(s, (struct span){NULL, 0}, sha, &err), 0);
    out.n = 0;
    ok(blob_get(s, sha, &out, &err) == 0 && out.n == 0, "an empty one");
    is_int(blob_sync(s, &err), 0);
    sha[0] ^= 1;
    is_int(blob_get(s, sha, &out, &err), -ENOENT);
    is_int(blob_remove(s, sha, &err), 0);
    sha[0] ^= 1;
    is_int(blob_remove(s, sha, &err), 0);
    is_int(blob_get(s, sha, &out, &err), -ENOENT);
    bool all = true;
    for (unsigned i = 0; i < 500; i++)
        all &= blob_put(s, span_of(&i, sizeof i), sha, &err) == 0;
    ok(all && blob_sync(s, &err) == 0, "many at once");
    blob_close(s);
    buf_free(&out);
    buf_free(&big);
    scratch_free(dir);
}

static void test_caps(void)
{
    char *dir = scratch_make();
    struct blob_store *s;
    struct err err;
    struct buf out = {0};
    uint8_t sha[SHA256_LEN], ten[SHA256_LEN];
    blob_open(dir, 10, 25, &s, &err);
    is_int(blob_put(s, span_str("0123456789"), ten, &err), 0);
    is_int(blob_put(s, span_str("0123456789a"), sha, &err), 1);
    is_int(blob_get(s, sha, &out, &err), -ENOENT);
    is_int(blob_put(s, span_str("0123456789"), sha, &err), 0);
    is_int(blob_put(s, span_str("abcdefghij"), sha, &err), 0);
    is_int(blob_put(s, span_str("123456"), sha, &err), 1);
    is_int(blob_sync(s, &err), 0);
    blob_close(s);
    blob_open(dir, 10, 25, &s, &err); /* the total is remembered */
    is_int(blob_put(s, span_str("123456"), sha, &err), 1);
    is_int(blob_put(s, span_str("0123456789"), sha, &err), 0);
    is_int(blob_put(s, span_str("12345"), sha, &err), 0);
    is_int(blob_put(s, span_str("1"), sha, &err), 1);
    is_int(blob_remove(s, ten, &err), 0);
    is_int(blob_put(s, span_str("1"), sha, &err), 0);
    blob_close(s);
    buf_free(&out);
    scratch_free(dir);
}

/* ---- stores without packs, and large blobs ---- */

#define ABC_FILE "ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zst"

/* A store as it was before there were packs: one small blob in a file of its own. */
static char *old_store(void)
{
    /* RFC 8878: magic; single segment, content size 3; a last raw block of 3 bytes */
    static const uint8_t frame[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 3, 0x19, 0, 0, 'a', 'b', 'c'};
    char *dir = scratch_make(), path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/ba", dir);
    mkdir(path, 0700);
    scratch_write(dir, ABC_FILE, span_of(frame, sizeof frame));
    scratch_write(dir, "total", span_str("00000000000000000003\n"));
    return dir;
}

static void abc_sha(uint8_t sha[SHA256_LEN])
{
    hex_decode(span_str(ABC), sha, SHA256_LEN);
}

static void test_old_store(void)
{
    char *dir = old_store();
    struct blob_store *s;
    struct blob_info info;
    struct err err;
    struct buf out = {0};
    uint8_t sha[SHA256_LEN];
    abc_sha(sha);
    is_int(blob_open_reader(dir, &s, &err), 0);
    is_int(blob_get(s, sha, &out, &err), 0);
    ok(span_is(buf_as_span(&out), "abc"));
    blob_close(s);
    is_int(blob_open(dir, 0, 0, &s, &err), 0);
    blob_info(s, &info);
    is_int(info.total, 3);
    is_int(blob_put(s, span_str("abc"), sha, &err), 0);
    is_int(blob_put(s, span_str("abd"), sha, &err), 0);
    is_int(blob_sync(s, &err), 0);
    abc_sha(sha);
    is_int(blob_remove(s, sha, &err), 0);
    is_int(blob_get(s, sha, &out, &err), -ENOENT);
    ok(!scratch_exists(dir, ABC_FILE), "both copies are gone");
    blob_info(s, &info);
    is_int(info.total, 3);
    blob_close(s);
    buf_free(&out);
    scratch_free(dir);
}

static void test_file_damage(void)
{
    char *dir = old_store(), path[FILE_PATH_MAX];
    struct blob_store *s;
    struct err err;
    struct buf out = {0}, good = scratch_read(dir, ABC_FILE);
    uint8_t sha[SHA256_LEN];
    unsigned missed = 0;
    abc_sha(sha);
    is_int(blob_open(dir, 0, 0, &s, &err), 0);
    for (size_t i = 0; i < good.n; i++) {
        good.p[i] ^= 0x10;
        scratch_write(dir, ABC_FILE, buf_as_span(&good));
        good.p[i] ^= 0x10;
        int rc = blob_get(s, sha, &out, &err);
        /* the frame's descriptor has an unused bit or two: then the content is still right */
        missed += rc == 0 && !span_is(buf_as_span(&out), "abc");
        out.n = 0;
    }
    is_int(missed, 0);
    for (size_t n = 0; n < good.n; n++) {
        scratch_write(dir, ABC_FILE, span_of(good.p, n));
        missed += blob_get(s, sha, &out, &err) != -EBADMSG || out.n;
    }
    is_int(missed, 0);
    /* a small file that claims to hold a terabyte: magic, single segment with 8-byte size */
    static const uint8_t bomb[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0};
    scratch_write(dir, ABC_FILE, span_of(bomb, sizeof bomb));
    is_int(blob_get(s, sha, &out, &err), -EBADMSG);
    /* a good frame under another one's name */
    good.p[good.n - 1] = 'd';
    scratch_write(dir, ABC_FILE, buf_as_span(&good));
    is_int(blob_get(s, sha, &out, &err), -EBADMSG);
    is_int(out.n, 0);
    /* putting it again heals it */
    is_int(blob_put(s, span_str("abc"), sha, &err), 0);
    is_int(blob_get(s, sha, &out, &err), 0);
    blob_close(s);
    file_path(path, NULL, "%s/file", dir);
    scratch_write(dir, "file", span_str("x"));
    ok(blob_open(path, 0, 0, &s, &err) < 0, "a store where a file is");
    file_path(path, NULL, "%s/missing", dir);
    is_int(blob_open_reader(path, &s, &err), -ENOENT);
    buf_free(&good);
    buf_free(&out);
    scratch_free(dir);
}

/* What a large blob holds: not compressible, so that its file can be torn anywhere. */
static struct span large(struct buf *b)
{
    uint32_t x = 1;
    for (b->n = 0; b->n < BLOB_PACKED_MAX + 1;)
        buf_byte(b, (uint8_t)((x = x * 1664525 + 1013904223) >> 24));
    return buf_as_span(b);
}

static void test_large(void)
{
    char *dir = scratch_make(), name[80], hex[SHA256_HEX_MAX];
    struct blob_store *s;
    struct err err;
    struct buf data = {0}, out = {0};
    struct span whole = large(&data), most = span_of(data.p, BLOB_PACKED_MAX);
    uint8_t sha[SHA256_LEN], other[SHA256_LEN];
    is_int(blob_open(dir, 0, 0, &s, &err), 0);
    is_int(blob_put(s, whole, sha, &err), 0);
    is_int(blob_put(s, most, other, &err), 0);
    is_int(blob_sync(s, &err), 0);
    hex_encode(sha, SHA256_LEN, hex);
    snprintf(name, sizeof name, "%.2s/%s.zst", hex, hex + 2);
    ok(scratch_exists(dir, name), "a large one is a file of its own");
    hex_encode(other, SHA256_LEN, hex);
    snprintf(name, sizeof name, "%.2s/%s.zst", hex, hex + 2);
    ok(!scratch_exists(dir, name), "one byte less is packed");
    is_int(blob_get(s, sha, &out, &err), 0);
    ok(span_eq(buf_as_span(&out), whole));
    out.n = 0;
    is_int(blob_get(s, other, &out, &err), 0);
    ok(span_eq(buf_as_span(&out), most));
    hex_encode(sha, SHA256_LEN, hex);
    snprintf(name, sizeof name, "%.2s/%s.zst", hex, hex + 2);
    struct buf file = scratch_read(dir, name);
    scratch_write(dir, name, span_of(file.p, file.n / 2));
    is_int(blob_get(s, sha, &out, &err), -EBADMSG);
    is_int(blob_put(s, whole, sha, &err), 0);
    out.n = 0;
    is_int(blob_get(s, sha, &out, &err), 0);
    ok(span_eq(buf_as_span(&out), whole), "putting it again heals a torn file");
    blob_close(s);
    buf_free(&file);
    buf_free(&data);
    buf_free(&out);
    scratch_free(dir);
}

int main(void)
{
    test_put_get();
    test_caps();
    test_old_store();
    test_file_damage();
    test_large();
    return tap_done();
}
