#include "import/source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "base/tap.h"

/* Reads to the end; gives the last return value. */
static int drain(struct source *s, struct buf *out, struct err *err)
{
    struct span piece;
    int r;
    out->n = 0;
    while ((r = source_read(s, &piece, err)) > 0)
        buf_span(out, piece);
    return r;
}

static void gzip_member(struct buf *out, struct span data)
{
    z_stream z = {0};
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    size_t room = deflateBound(&z, data.n) + 64;
    z.next_in = (Bytef *)(uintptr_t)data.p;
    z.avail_in = (uInt)data.n;
    z.next_out = buf_reserve(out, room);
    z.avail_out = (uInt)room;
    deflate(&z, Z_FINISH);
    out->n += room - z.avail_out;
    deflateEnd(&z);
}

static void zstd_frame(struct buf *out, struct span data)
{
    size_t room = ZSTD_compressBound(data.n);
    uint8_t *at = buf_reserve(out, room);
    out->n += ZSTD_compress(at, room, data.p, data.n, 3);
}

static void text_of(struct buf *b, unsigned lines)
{
    uint64_t x = 88172645463325252u;
    b->n = 0;
    for (unsigned i = 0; i < lines; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        buf_printf(b, "%u,%llu\n", i, (unsigned long long)x);
    }
}

/* The same bytes come out whatever the chunks are. */
static void same_bytes(struct span packed, struct span want, const char *what)
{
    static const size_t chunk[] = {1, 2, 3, 7, 64, 4095, 4096, 4097, 100000, SOURCE_CHUNK};
    struct buf got = {0};
    int good = 1;
    for (unsigned i = 0; i < sizeof chunk / sizeof chunk[0]; i++) {
        for (int with_head = 0; with_head < 2; with_head++) {
            struct source *s;
            struct span head;
            if (source_open_memory(packed, "memory", &s, NULL) < 0)
                abort();
            source_set_chunk(s, chunk[i]);
            if (with_head) {
                size_t n = want.n < SOURCE_HEAD_MAX ? want.n : SOURCE_HEAD_MAX;
                good &= source_head(s, &head, NULL) == 0 && span_eq(head, span_of(want.p, n));
            }
            good &= drain(s, &got, NULL) == 0 && span_eq(buf_as_span(&got), want);
            good &= source_offset(s) == want.n && source_consumed(s) == packed.n;
            source_close(s);
        }
    }
    tap_check(good, what, __FILE__, __LINE__, what);
    buf_free(&got);
}

static void test_packings(void)
{
    struct buf text = {0}, packed = {0};
    text_of(&text, 20000);
    struct span all = buf_as_span(&text);
    same_bytes(all, all, "plain bytes");

    gzip_member(&packed, all);
    same_bytes(buf_as_span(&packed), all, "gzip");
    packed.n = 0;
    gzip_member(&packed, span_of(all.p, 1000));
    gzip_member(&packed, span_of(all.p, 0));
    gzip_member(&packed, span_of(all.p + 1000, all.n - 1000));
    same_bytes(buf_as_span(&packed), all, "gzip of three members, one of them empty");
    memset(buf_reserve(&packed, 512), 0, 512);
    packed.n += 512;
    same_bytes(buf_as_span(&packed), all, "gzip padded with zero bytes");

    packed.n = 0;
    zstd_frame(&packed, all);
    same_bytes(buf_as_span(&packed), all, "zstd");
    packed.n = 0;
    static const uint8_t skippable[] = {0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 'e', 'b', 'b', '!'};
    buf_put(&packed, skippable, sizeof skippable);
    zstd_frame(&packed, span_of(all.p, 100000));
    zstd_frame(&packed, span_of(all.p, 0));
    zstd_frame(&packed, span_of(all.p + 100000, all.n - 100000));
    same_bytes(buf_as_span(&packed), all, "zstd of four frames, one skippable, one empty");
    buf_free(&text);
    buf_free(&packed);
}

/* What came out of damaged bytes: it must be a prefix of the text, and the error -EBADMSG. */
static int broken(struct span packed, struct span text, size_t chunk)
{
    struct source *s;
    struct err err = {0};
    struct buf got = {0};
    if (source_open_memory(packed, "memory", &s, NULL) < 0)
        abort();
    source_set_chunk(s, chunk);
    int r = drain(s, &got, &err);
    int good = r == -EBADMSG && err.code == r && err.text[0] && got.n <= text.n &&
               (got.n == 0 || memcmp(got.p, text.p, got.n) == 0);
    struct span more;
    good = good && source_read(s, &more, NULL) == -EBADMSG; /* it stays */
    source_close(s);
    buf_free(&got);
    return good;
}

static void test_broken(void)
{
    struct buf text = {0}, gzip = {0}, zstd = {0};
    text_of(&text, 400);
    struct span all = buf_as_span(&text);
    gzip_member(&gzip, all);
    zstd_frame(&zstd, all);
    int good = 1;
    for (size_t n = 3; n < gzip.n; n += n < 40 ? 1 : 37)
        good &= broken(span_of(gzip.p, n), all, n % 2 ? 5 : SOURCE_CHUNK);
    ok(good, "gzip cut off anywhere: what was whole, then one error");
    good = 1;
    for (size_t n = 4; n < zstd.n; n += n < 40 ? 1 : 37)
        good &= broken(span_of(zstd.p, n), all, n % 2 ? 5 : SOURCE_CHUNK);
    ok(good, "zstd cut off anywhere: what was whole, then one error");

    buf_str(&gzip, "more");
    ok(broken(buf_as_span(&gzip), all, SOURCE_CHUNK), "bytes behind gzip data");
    gzip.n -= 4;
    buf_byte(&gzip, 0);
    buf_str(&gzip, "\x1f\x8b");
    ok(broken(buf_as_span(&gzip), all, SOURCE_CHUNK), "bytes behind gzip padding");
    buf_str(&zstd, "more");
    ok(broken(buf_as_span(&zstd), all, SOURCE_CHUNK), "bytes behind zstd data");
    gzip.n = 0;
    gzip_member(&gzip, all);
    gzip.p[gzip.n - 8] ^= 1; /* the CRC */
    ok(broken(buf_as_span(&gzip), all, SOURCE_CHUNK), "a wrong gzip checksum");

    struct source *s;
    struct err err;
    struct span head;
    source_open_memory(span_of("\x1f\x8b\x08\xff", 4), "torn.gz", &s, NULL);
    is_int(source_head(s, &head, &err), -EBADMSG);
    is_str(err.text, "torn.gz: the gzip data is corrupt (byte 4 of the file)");
    source_close(s);
    buf_free(&text);
    buf_free(&gzip);
    buf_free(&zstd);
}

static void test_bomb(void)
{
    struct buf packed = {0};
    size_t n = 96u << 20;
    uint8_t *zeros = calloc(1, n);
    gzip_member(&packed, span_of(zeros, n)); /* about 1 : 1029 */
    struct source *s;
    struct span piece;
    uint64_t out = 0;
    int r;
    source_open_memory(buf_as_span(&packed), "bomb.gz", &s, NULL);
    while ((r = source_read(s, &piece, NULL)) > 0)
        out += piece.n;
    is_int(r, -EFBIG);
    ok(out >= SOURCE_RATIO_FREE && out <= SOURCE_RATIO_FREE + 2 * SOURCE_CHUNK,
       "stopped soon after the free part");
    source_close(s);

    packed.n = 0;
    zstd_frame(&packed, span_of(zeros, n)); /* far more than 1 : 1000 */
    source_open_memory(buf_as_span(&packed), "bomb.zst", &s, NULL);
    while ((r = source_read(s, &piece, NULL)) > 0)
        ;
    is_int(r, -EFBIG);
    source_close(s);

    packed.n = 0;
    gzip_member(&packed, span_of(zeros, 60u << 20));
    source_open_memory(buf_as_span(&packed), "dull.gz", &s, NULL);
    while ((r = source_read(s, &piece, NULL)) > 0)
        ;
    is_int(r, 0); /* a small dull file may be dense */
    source_close(s);
    free(zeros);
    buf_free(&packed);
}

static void test_window(void)
{
    struct buf packed = {0};
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t n = 1u << 20;
    uint8_t *zeros = calloc(1, n);
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, SOURCE_WINDOW_LOG + 1);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, 0);
    ZSTD_inBuffer in = {zeros, n, 0};
    ZSTD_outBuffer out = {buf_reserve(&packed, n), n, 0};
    ZSTD_compressStream2(c, &out, &in, ZSTD_e_flush); /* size unknown: the window is stated */
    ZSTD_compressStream2(c, &out, &in, ZSTD_e_end);
    packed.n = out.pos;
    struct source *s;
    struct span piece;
    source_open_memory(buf_as_span(&packed), "wide.zst", &s, NULL);
    is_int(source_read(s, &piece, NULL), -EFBIG);
    source_close(s);
    ZSTD_freeCCtx(c);
    free(zeros);
    buf_free(&packed);
}

static char folder[] = "/tmp/test_source_XXXXXX";

static const char *path_of(const char *name)
{
    static char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/%s", folder, name);
    return path;
}

static int open_code(const char *path, struct err *err)
{
    struct source *s;
    int r = source_open(path, &s, err);
    if (r == 0)
        source_close(s);
    return r;
}

static void test_refused(void)
{
    struct err err;
    is_int(open_code(folder, &err), -EISDIR);
    is_int(open_code("/dev/null", &err), -EINVAL);
    is_int(open_code(path_of("absent"), &err), -ENOENT);
    file_replace(path_of("empty"), span_of("", 0), 0600, &err);
    is_int(open_code(path_of("empty"), &err), -ENODATA);
    mkfifo(path_of("pipe"), 0600);
    is_int(open_code(path_of("pipe"), &err), -EINVAL);
    file_replace(path_of("secret"), span_str("x"), 0, &err);
    if (geteuid() == 0)
        tap_skip("an unreadable file", "root reads everything");
    else
        is_int(open_code(path_of("secret"), &err), -EACCES);
    unlink(path_of("empty"));
    unlink(path_of("pipe"));
    unlink(path_of("secret"));
}

static void test_small_file(void)
{
    struct source *s;
    struct span piece;
    struct err err;
    file_replace(path_of("small"), span_str("abc"), 0600, &err);
    is_int(source_open(path_of("small"), &s, &err), 0);
    char hex[SHA256_HEX_MAX];
    hex_encode(source_sha256(s), SHA256_LEN, hex);
    /* FIPS 180-2, B.1 */
    is_str(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    is_int(source_size(s), 3);
    ok(span_is(source_packed(s), "abc"));
    /* In memory by now: a change does no harm. */
    file_replace(path_of("small"), span_str("xyz"), 0600, &err);
    ok(source_read(s, &piece, &err) == 1 && span_is(piece, "abc"));
    is_int(source_read(s, &piece, &err), 0);
    source_close(s);
    unlink(path_of("small"));
}

/* A file too large for memory, written in place. */
static void large_file(const char *path, uint64_t n, struct buf *block)
{
    text_of(block, 40000);
    FILE *f = fopen(path, "w");
    for (uint64_t at = 0; at < n; at += block->n)
        fwrite(block->p, 1, n - at < block->n ? (size_t)(n - at) : block->n, f);
    fclose(f);
}

static void test_large_file(void)
{
    uint64_t n = SOURCE_MEMORY_MAX + 3 * SOURCE_CHUNK / 2, got = 0;
    struct buf block = {0};
    struct source *s;
    struct span piece;
    struct err err;
    int r;
    const char *path = path_of("large");
    large_file(path, n, &block);

    is_int(source_open(path, &s, &err), 0);
    is_int(source_packed(s).n, 0);
    sha256_ctx sha;
    uint8_t digest[SHA256_LEN];
    sha256_begin(&sha);
    while ((r = source_read(s, &piece, &err)) > 0) {
        sha256_add(&sha, piece.p, piece.n);
        got += piece.n;
    }
    sha256_end(&sha, digest);
    ok(r == 0 && got == n && memcmp(digest, source_sha256(s), SHA256_LEN) == 0,
       "both readings agree");
    source_close(s);

    is_int(source_open(path, &s, &err), 0);
    FILE *f = fopen(path, "r+");
    fseek(f, 40 * (long)SOURCE_CHUNK + 5, SEEK_SET);
    fputc('#', f);
    fclose(f);
    for (got = 0; (r = source_read(s, &piece, &err)) > 0;)
        got += piece.n;
    is_int(r, -ESTALE);
    is_int(got, 40 * SOURCE_CHUNK);
    source_close(s);

    is_int(source_open(path, &s, &err), 0);
    if (truncate(path, (off_t)(n - 1)) < 0)
        abort();
    while ((r = source_read(s, &piece, &err)) > 0)
        ;
    is_int(r, -ESTALE);
    source_close(s);
    unlink(path);
    buf_free(&block);
}

static void test_stream(void)
{
    struct buf text = {0}, packed = {0}, got = {0};
    text_of(&text, 5000);
    zstd_frame(&packed, buf_as_span(&text));
    struct source *s;
    struct span head;
    char part[1000];
    size_t n;
    source_open_memory(buf_as_span(&packed), "memory", &s, NULL);
    source_head(s, &head, NULL);
    FILE *f = source_stream(s, NULL);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_put(&got, part, n);
    ok(!ferror(f) && span_eq(buf_as_span(&got), buf_as_span(&text)), "a stream gives it all");
    is_int(source_stream_error(s, NULL), 0);
    fclose(f);
    source_close(s);

    struct err err;
    source_open_memory(span_of(packed.p, packed.n - 1), "cut.zst", &s, NULL);
    f = source_stream(s, NULL);
    while (fread(part, 1, sizeof part, f) > 0)
        ;
    ok(ferror(f), "a stream fails where the source breaks off");
    is_int(source_stream_error(s, &err), -EBADMSG);
    ok(strncmp(err.text, "cut.zst: the packed data is cut off", 35) == 0);
    fclose(f);
    source_close(s);
    buf_free(&text);
    buf_free(&packed);
    buf_free(&got);
}

int main(void)
{
    if (!mkdtemp(folder))
        abort();
    test_packings();
    test_broken();
    test_bomb();
    test_window();
    test_refused();
    test_small_file();
    test_large_file();
    test_stream();
    rmdir(folder);
    return tap_done();
}
