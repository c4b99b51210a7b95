#include "lead/photo.h"

#define PNG_SIGNATURE "\x89PNG\r\n\x1a\n"
#define PNG_CHUNK_MIN 12 /* length, type, CRC */
#define JFIF_LEN      16 /* of an APP0 segment without its small picture */
#define ADOBE_LEN     14

/* ---- PNG ---- */

/* Those that say how it looks. Of the rest, what is needed to show the picture at all is critical
 * (an upper-case first letter), and there are four of these. */
static bool png_stays(const uint8_t *type)
{
    static const char *const kept[] = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS",
                                       "gAMA", "cHRM", "sRGB", "sBIT", "bKGD"};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (memcmp(type, kept[i], 4) == 0)
            return true;
    return false;
}

static int strip_png(struct span in, struct buf *out)
{
    struct cur c = cur_of(in);
    struct span chunk, signature;
    cur_take(&c, sizeof PNG_SIGNATURE - 1, &signature);
    buf_span(out, signature);
    while (cur_left(&c) >= PNG_CHUNK_MIN) {
        size_t n = be32_get(c.p);
        if (n > cur_left(&c) - PNG_CHUNK_MIN || !cur_take(&c, n + PNG_CHUNK_MIN, &chunk))
            return -1;
        if (png_stays(chunk.p + 4))
            buf_span(out, chunk);
        if (memcmp(chunk.p + 4, "IEND", 4) == 0)
            return 1;
    }
    return -1;
}

/* ---- JPEG ---- */

enum {
    JPEG_RST0 = 0xd0,
    JPEG_RST7 = 0xd7,
    JPEG_SOI = 0xd8,
    JPEG_EOI = 0xd9,
    JPEG_SOS = 0xda,
    JPEG_APP0 = 0xe0,
    JPEG_APP14 = 0xee,
    JPEG_APP15 = 0xef,
    JPEG_COM = 0xfe,
};

static bool begins(struct span s, const char *with, size_t n)
{
    return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* A segment behind its marker: length, body. Of those of applications the two stay that say how
 * colours are meant, in their shortest form. */
static void put_segment(uint8_t marker, struct span segment, struct buf *out)
{
    struct span body = span_of(segment.p + 2, segment.n - 2);
    bool app = marker >= JPEG_APP0 && marker <= JPEG_APP15;
    if (marker == JPEG_COM)
        return;
    if (!app) {
        buf_byte(out, 0xff);
        buf_byte(out, marker);
        buf_span(out, segment);
    } else if (marker == JPEG_APP0 && begins(body, "JFIF", 5) && segment.n >= JFIF_LEN) {
        buf_put(out, "\xff\xe0\0\x10", 4);
        buf_put(out, body.p, JFIF_LEN - 4);
        buf_put(out, "\0\0", 2); /* no small picture */
    } else if (marker == JPEG_APP14 && begins(body, "Adobe", 5) && segment.n >= ADOBE_LEN) {
        buf_put(out, "\xff\xee\0\x0e", 4);
        buf_put(out, body.p, ADOBE_LEN - 2);
    }
}

/* The data behind a scan's head, up to the next marker. */
static bool put_scan(struct cur *c, struct buf *out)
{
    const uint8_t *from = c->p;
    while (cur_left(c) >= 2) {
        const uint8_t *ff = memchr(c->p, 0xff, cur_left(c) - 1);
        if (!ff)
            return false;
        c->p = ff;
        if (ff[1] != 0 && ff[1] != 0xff && (ff[1] < JPEG_RST0 || ff[1] > JPEG_RST7)) {
            buf_put(out, from, (size_t)(ff - from));
            return true;
        }
        c->p += ff[1] == 0xff ? 1 : 2;
    }
    return false;
}

static int strip_jpeg(struct span in, struct buf *out)
{
    struct cur c = cur_of(in);
    struct span marker, segment;
    cur_take(&c, 2, &marker);
    buf_span(out, marker);
    while (cur_take(&c, 2, &marker)) {
        if (marker.p[0] != 0xff)
            return -1;
        if (marker.p[1] == 0xff) { /* fill */
            c.p--;
            continue;
        }
        if (marker.p[1] == JPEG_EOI) {
            buf_span(out, marker);
            return 1;
        }
        size_t n = cur_left(&c) >= 2 ? be16_get(c.p) : 0;
        if (n < 2 || marker.p[1] == JPEG_SOI || !cur_take(&c, n, &segment))
            return -1;
        put_segment(marker.p[1], segment, out);
        if (marker.p[1] == JPEG_SOS && !put_scan(&c, out))
            return -1;
    }
    return -1;
}

int photo_strip(struct span in, struct buf *out)
{
    size_t before = out->n;
    int rc = 0;
    if (begins(in, PNG_SIGNATURE, sizeof PNG_SIGNATURE - 1))
        rc = strip_png(in, out);
    else if (begins(in, "\xff\xd8\xff", 3))
        rc = strip_jpeg(in, out);
    if (rc < 0)
        out->n = before;
    return rc;
}
