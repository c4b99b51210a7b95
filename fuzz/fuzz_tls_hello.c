/* A ClientHello: the same however its records are cut; fingerprints of the form that they have. */
#include "must.h"
#include "wire/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t scratch[TLS_HELLO_MAX], scratch2[TLS_HELLO_MAX], again_records[TLS_HELLO_MAX * 6];

/* The handshake's bytes out of its records; false when one is malformed. */
static bool join(struct span in, struct buf *out)
{
    while (in.n >= 5) {
        size_t n = be16_get(in.p + 3);
        if (in.p[0] != 22 || n == 0 || n > in.n - 5)
            return false;
        buf_put(out, in.p + 5, n);
        in = span_of(in.p + 5 + n, in.n - 5 - n);
    }
    return true;
}

static size_t cut(struct span message, size_t step)
{
    uint8_t *p = again_records;
    for (size_t at = 0; at < message.n; at += step) {
        size_t n = message.n - at < step ? message.n - at : step;
        memcpy(p, "\x16\3\3", 3);
        be16_put(p + 3, (uint16_t)n);
        memcpy(p + 5, message.p + at, n);
        p += 5 + n;
    }
    return (size_t)(p - again_records);
}

/* Spans differ in where they point, not in what they say. */
static void same(const struct tls_hello *a, const struct tls_hello *b)
{
    struct tls_hello x = *a, y = *b;
    must(span_eq(a->sni, b->sni) && span_eq(a->alpn, b->alpn));
    x.sni = x.alpn = y.sni = y.alpn = (struct span){0};
    must(memcmp(&x, &y, sizeof x) == 0);
}

static void check_cuts(struct span in, const struct tls_hello *h)
{
    struct buf message = {0};
    struct tls_hello again;
    if (join(in, &message) && message.n <= TLS_HELLO_MAX) {
        static const size_t steps[] = {1, 3, 64, 1000, TLS_RECORD_MAX};
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            if (message.n > steps[i] * TLS_HELLO_RECORDS_MAX)
                continue;
            size_t n = cut(buf_as_span(&message), steps[i]);
            must(tls_hello_parse(span_of(again_records, n), scratch2, &again) == 1);
            same(h, &again);
        }
    }
    buf_free(&message);
}

static void check_fingerprints(const struct tls_hello *h)
{
    struct buf text = {0};
    char ja4[64];
    unsigned commas = 0;
    tls_hello_ja3_text(h, &text);
    for (size_t i = 0; i < text.n; i++) {
        commas += text.p[i] == ',';
        must(text.p[i] == ',' || text.p[i] == '-' || (text.p[i] >= '0' && text.p[i] <= '9'));
    }
    must(commas == 4 && text.n < TLS_JA3_TEXT_MAX);
    buf_free(&text);
    tls_hello_ja4(h, ja4);
    must(strlen(ja4) == 36 && ja4[0] == 't' && ja4[10] == '_' && ja4[23] == '_');
    must(ja4[3] == (h->has_sni ? 'd' : 'i'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span in = span_of(data, size);
    static struct tls_hello h, again;
    int result = tls_hello_parse(in, scratch, &h);
    for (size_t n = 0; n < size; n += 1 + n / 8) { /* more bytes never change what was said */
        int before = tls_hello_parse(span_of(data, n), scratch2, &again);
        must(before == 0 || before == result);
    }
    if (result != 1) {
        must(result == -1 || (result == 0 && size < TLS_HELLO_BYTES_MAX));
        return 0;
    }
    must(!h.sni.n || h.has_sni);
    check_cuts(in, &h);
    check_fingerprints(&h);
    return 0;
}
