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
    ok(scratch_exists(dir,
                      "ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zst"));
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

static void test_damage(void)
{
    char *dir = scratch_make();
    struct blob_store *s;
    struct err err;
    struct buf out = {0};
    uint8_t sha[SHA256_LEN];
    static const char name[] =
        "ba/7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zst";
    blob_open(dir, 0, 0, &s, &err);
    blob_put(s, span_str("abc"), sha, &err);
    struct buf good = scratch_read(dir, name);
    unsigned missed = 0;
    for (size_t i = 0; i < good.n; i++) {
        good.p[i] ^= 0x10;
        scratch_write(dir, name, buf_as_span(&good));
        good.p[i] ^= 0x10;
        int rc = blob_get(s, sha, &out, &err);
        /* the frame's descriptor has an unused bit or two: then the content is still right */
        missed += rc == 0 && !span_is(buf_as_span(&out), "abc");
        out.n = 0;
    }
    is_int(missed, 0);
    for (size_t n = 0; n < good.n; n++) {
        scratch_write(dir, name, span_of(good.p, n));
        missed += blob_get(s, sha, &out, &err) != -EBADMSG || out.n;
    }
    is_int(missed, 0);
    /* putting it again heals a torn file */
    is_int(blob_put(s, span_str("abc"), sha, &err), 0);
    is_int(blob_get(s, sha, &out, &err), 0);
    /* a small file that claims to hold a terabyte: magic, single segment with 8-byte size */
    static const uint8_t bomb[] = {0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 0, 0};
    scratch_write(dir, name, span_of(bomb, sizeof bomb));
    is_int(blob_get(s, sha, &out, &err), -EBADMSG);
    /* a good file under another one's name */
    uint8_t other[SHA256_LEN];
    blob_put(s, span_str("abd"), other, &err);
    scratch_write(dir, name, buf_as_span(&good));
    char path[FILE_PATH_MAX], hex[SHA256_HEX_MAX], from[80];
    hex_encode(other, SHA256_LEN, hex);
    snprintf(from, sizeof from, "%.2s/%s.zst", hex, hex + 2);
    struct buf wrong = scratch_read(dir, from);
    scratch_write(dir, name, buf_as_span(&wrong));
    out.n = 0;
    is_int(blob_get(s, sha, &out, &err), -EBADMSG);
    is_int(out.n, 0);
    blob_close(s);
    file_path(path, NULL, "%s/file", dir);
    scratch_write(dir, "file", span_str("x"));
    ok(blob_open(path, 0, 0, &s, &err) < 0, "a store where a file is");
    buf_free(&good);
    buf_free(&wrong);
    buf_free(&out);
    scratch_free(dir);
}

int main(void)
{
    test_put_get();
    test_caps();
    test_damage();
    return tap_done();
}
