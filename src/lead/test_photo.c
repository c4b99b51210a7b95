#include "base/tap.h"
#include "lead/photo.h"

static struct buf in, out;

static int strip(void)
{
    out.n = 0;
    return photo_strip(buf_as_span(&in), &out);
}

static bool has(const struct buf *b, const char *word)
{
    return memmem(b->p, b->n, word, strlen(word)) != NULL;
}

/* ---- PNG ---- */

static void chunk(const char *type, const char *data, size_t n)
{
    buf_be32(&in, (uint32_t)n);
    buf_str(&in, type);
    buf_put(&in, data, n);
    buf_str(&in, "CRC!");
}

static void test_png(void)
{
    in.n = 0;
    buf_put(&in, "\x89PNG\r\n\x1a\n", 8);
    chunk("IHDR", "0123456789abc", 13);
    chunk("tEXt", "Author zookeeper", 16);
    chunk("eXIf", "zookeeper's camera", 18);
    chunk("iCCP", "zookeeper's screen", 18);
    chunk("prVt", "zookeeper", 9);
    chunk("IDAT", "picture", 7);
    chunk("tIME", "zookeep", 7);
    chunk("IDAT", "more of it", 10);
    chunk("IEND", "", 0);
    buf_str(&in, "zookeeper behind its end");
    is_int(strip(), 1);
    ok(!has(&out, "zoo"), "what was hidden is gone");
    ok(has(&out, "picture") && has(&out, "more of it") && has(&out, "IEND"),
       "the picture is there");
    struct buf once = {0};
    buf_span(&once, buf_as_span(&out));
    in.n = 0;
    buf_span(&in, buf_as_span(&once));
    ok(strip() == 1 && span_eq(buf_as_span(&out), buf_as_span(&once)), "nothing is left to strip");
    for (in.n = once.n - 1; in.n > 8; in.n--)
        if (strip() != -1 || out.n)
            break;
    is_int(in.n, 8);
    buf_free(&once);
}

/* ---- JPEG ---- */

static void segment(uint8_t marker, const char *data, size_t n)
{
    buf_byte(&in, 0xff);
    buf_byte(&in, marker);
    buf_be16(&in, (uint16_t)(n + 2));
    buf_put(&in, data, n);
}

static void test_jpeg(void)
{
    in.n = 0;
    buf_put(&in, "\xff\xd8", 2);
    segment(0xe0, "JFIF\0\1\2\0\0\1\0\1\1\1zoo", 17);
    segment(0xe1, "Exif\0\0zookeeper", 15);
    segment(0xe2, "ICC_PROFILE\0zoo", 15);
    segment(0xee, "Adobe\0\x64\0\0\0\0\1zookeeper", 21);
    segment(0xed, "Photoshop 3.0\0zoo", 17);
    segment(0xfe, "zookeeper", 9);
    segment(0xdb, "tables", 6);
    buf_byte(&in, 0xff); /* fill */
    segment(0xc2, "frame", 5);
    segment(0xda, "scan", 4);
    buf_put(&in, "data\xff\0with\xff\xd0restarts", 20);
    segment(0xc4, "more tables", 11);
    segment(0xfe, "zookeeper", 9);
    segment(0xda, "scan two", 8);
    buf_put(&in, "second\xff\xff\0", 9);
    buf_put(&in, "\xff\xd9", 2);
    size_t whole = in.n;
    buf_str(&in, "zookeeper behind its end");
    is_int(strip(), 1);
    ok(!has(&out, "zoo") && !has(&out, "Exif") && !has(&out, "ICC"), "what was hidden is gone");
    ok(has(&out, "JFIF") && has(&out, "Adobe") && has(&out, "tables") && has(&out, "frame") &&
           has(&out, "restarts") && has(&out, "second"),
       "the picture is there");
    ok(out.n > 4 && memcmp(out.p + out.n - 2, "\xff\xd9", 2) == 0, "and its end");
    is_int(memcmp(out.p + 2, "\xff\xe0\0\x10JFIF\0", 9), 0);
    ok(out.p[2 + 16] == 0 && out.p[2 + 17] == 0, "without a small picture");
    for (in.n = whole - 1; in.n > 3; in.n--)
        if (strip() != -1 || out.n)
            break;
    is_int(in.n, 3);
}

static void test_others(void)
{
    in.n = 0;
    is_int(strip(), 0);
    buf_str(&in, "%PDF-1.4");
    is_int(strip(), 0);
    in.n = 0;
    buf_put(&in, "\xff\xd8\xff", 3);
    is_int(strip(), -1);
    in.n = 0;
    buf_put(&in, "\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT", 16);
    is_int(strip(), -1);
}

int main(void)
{
    test_png();
    test_jpeg();
    test_others();
    buf_free(&in);
    buf_free(&out);
    return tap_done();
}
