#include "wire/tls_hello.h"

#include "base/digest.h"
#include "wire/test_span.h"

#include <openssl/evp.h>

static uint8_t scratch[TLS_HELLO_MAX];

static int parse(struct span data, struct tls_hello *h)
{
    return tls_hello_parse(data, scratch, h);
}

static void is_ja3_text(const struct tls_hello *h, const char *text)
{
    struct buf out = {0};
    tls_hello_ja3_text(h, &out);
    is_span(buf_as_span(&out), text);
    buf_free(&out);
}

static void is_ja3(const struct tls_hello *h, const char *text, const char *hash)
{
    struct buf out = {0};
    uint8_t md5[16];
    char hex[33];
    is_ja3_text(h, text);
    tls_hello_ja3_text(h, &out);
    EVP_Digest(out.p, out.n, md5, NULL, EVP_md5(), NULL);
    hex_encode(md5, 16, hex);
    is_str(hex, hash);
    buf_free(&out);
}

static void is_ja4(const struct tls_hello *h, const char *want)
{
    char got[64];
    tls_hello_ja4(h, got);
    is_str(got, want);
}

/* A hello put together by hand. */
struct made {
    struct buf extensions, message, records;
};

static void put_u16(struct buf *b, unsigned v)
{
    be16_put(buf_reserve(b, 2), (uint16_t)v);
    b->n += 2;
}

static void put_words(struct buf *b, const uint16_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put_u16(b, v[i]);
}

static void put_extension(struct made *m, unsigned type, const void *p, size_t n)
{
    put_u16(&m->extensions, type);
    put_u16(&m->extensions, (unsigned)n);
    buf_put(&m->extensions, p, n);
}

/* An extension that is a list of words behind a length of `head` bytes. */
static void put_list(struct made *m, unsigned type, unsigned head, const uint16_t *v, size_t n)
{
    struct buf b = {0};
    if (head == 1)
        buf_byte(&b, (uint8_t)(2 * n));
    else
        put_u16(&b, (unsigned)(2 * n));
    put_words(&b, v, n);
    put_extension(m, type, b.p, b.n);
    buf_free(&b);
}

static void put_message(struct made *m, unsigned version, const uint16_t *ciphers, size_t n)
{
    struct buf *b = &m->message;
    b->n = 0;
    buf_put(b, "\1\0\0\0", 4);
    put_u16(b, version);
    memset(buf_reserve(b, 33), 7, 32);
    b->p[b->n + 32] = 0; /* no session */
    b->n += 33;
    put_u16(b, (unsigned)(2 * n));
    put_words(b, ciphers, n);
    buf_put(b, "\1\0", 2);
    if (m->extensions.n) {
        put_u16(b, (unsigned)m->extensions.n);
        buf_span(b, buf_as_span(&m->extensions));
    }
    be32_put(b->p, (uint32_t)(b->n - 4));
    b->p[0] = 1;
}

/* The message in records of at most `step` bytes. */
static struct span records(struct made *m, size_t step)
{
    m->records.n = 0;
    for (size_t at = 0; at < m->message.n; at += step) {
        size_t n = m->message.n - at < step ? m->message.n - at : step;
        buf_put(&m->records, "\x16\3\1", 3);
        put_u16(&m->records, (unsigned)n);
        buf_put(&m->records, m->message.p + at, n);
    }
    return buf_as_span(&m->records);
}

static void made_free(struct made *m)
{
    buf_free(&m->extensions);
    buf_free(&m->message);
    buf_free(&m->records);
}

/* The example of FoxIO's technical_details/JA4.md: its lists of ciphers, extensions and schemes,
 * with GREASE strewn in, and its three results. */
static void put_spec_extensions(struct made *m, bool schemes)
{
    static const uint16_t order[] = {0x1a1a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469,
                                     0x0017, 0x002d, 0x000d, 0x0005, 0x0023, 0x0012,
                                     0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0xfafa};
    static const uint16_t versions[] = {0x7a7a, 0x0304, 0x0303}, groups[] = {0x2a2a, 29, 23, 24};
    static const uint16_t algorithms[] = {0x4a4a, 0x0403, 0x0804, 0x0401, 0x0503,
                                          0x0805, 0x0501, 0x0806, 0x0601};
    static const char sni[] = "\0\x0e\0\0\x0bseized.test", alpn[] = "\0\x0c\2h2\x08http/1.1";
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        if (order[i] == 0x0000)
            put_extension(m, 0, sni, sizeof sni - 1);
        else if (order[i] == 0x0010)
            put_extension(m, 16, alpn, sizeof alpn - 1);
        else if (order[i] == 0x002b)
            put_list(m, 43, 1, versions, 3);
        else if (order[i] == 0x000a)
            put_list(m, 10, 2, groups, 4);
        else if (order[i] == 0x000b)
            put_extension(m, 11, "\1\0", 2);
        else if (order[i] == 0x000d && schemes)
            put_list(m, 13, 2, algorithms, 9);
        else
            put_extension(m, order[i], "", 0);
    }
}

static const uint16_t spec_ciphers[] = {0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
                                        0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014,
                                        0x009c, 0x009d, 0x002f, 0x0035};

static void test_ja4_spec(void)
{
    struct made m = {0};
    struct tls_hello h;
    put_spec_extensions(&m, true);
    put_message(&m, 0x0303, spec_ciphers, 16);
    is_int(parse(records(&m, 16384), &h), 1);
    is_ja4(&h, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    is_span(h.sni, "seized.test");
    is_span(h.alpn, "h2");
    is_int(h.n_ciphers, 16);
    is_int(h.n_extensions, 18);
    is_int(tls_hello_version(&h), 0x0304);
    is_ja3_text(&h,
                "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,"
                "27-0-51-16-17513-23-45-13-5-35-18-43-65281-11-10-21,29-23-24,0");
    m.extensions.n = 0;
    put_spec_extensions(&m, false);
    put_message(&m, 0x0303, spec_ciphers, 16);
    is_int(parse(records(&m, 16384), &h), 1);
    is_ja4(&h, "t13d1516h2_8daaf6152771_6d807ffa2a79");
    made_free(&m);
}

/* The examples of the JA3 project's README. */
static void test_ja3_readme(void)
{
    static const uint16_t first[] = {47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4};
    static const uint16_t second[] = {4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99},
                          groups[] = {23, 24, 25};
    struct made m = {0};
    struct tls_hello h;
    put_extension(&m, 0, "\0\x04\0\0\1x", 6);
    put_list(&m, 10, 2, groups, 3);
    put_extension(&m, 11, "\1\0", 2);
    put_message(&m, 769, first, 12);
    is_int(parse(records(&m, 16384), &h), 1);
    is_ja3(&h, "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0",
           "ada70206e40642a3e4461f35503241d5");
    m.extensions.n = 0;
    put_message(&m, 769, second, 11);
    is_int(parse(records(&m, 16384), &h), 1);
    ok(!h.has_sni && h.n_extensions == 0);
    is_ja3(&h, "769,4-5-10-9-100-98-3-6-19-18-99,,,", "de350869b8c85de67a350c8d186f11e6");
    /* printf 0003,0004,0005,0006,0009,000a,0012,0013,0062,0063,0064 | sha256sum */
    is_ja4(&h, "t10i110000_3609b414f052_000000000000");
    made_free(&m);
}

/* Hellos of programs, captured on loopback. JA3 as tshark 4.0.17 prints it (tls.handshake.ja3 and
 * ja3_full), JA4 as FoxIO's own program says for the same capture. */
static const struct {
    const char *who, *hex, *ja3, *text, *ja4, *sni, *alpn;
} captured[] = {
    {"openssl 3.0 s_client",
     "160301013f0100013b030390615e95f5824e5ca847ab76d8c2884fb21ff8b6548cc696ccc0d81e5939cfa820a0"
     "c7bf5fae7a4576c35e461c67278ddff90f4899658dab565a1eb8efcdc86afd003e130213031301c02cc030009f"
     "cca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d009c003d003c00"
     "35002f00ff010000b40000001700150000127777772e7365697a65642e6578616d706c65000b00040300010200"
     "0a00160014001d0017001e0019001801000101010201030104002300000016000000170000000d002a00280403"
     "05030603080708080809080a080b080408050806040105010601030303010302040205020602002b0009080304"
     "030303020301002d00020101003300260024001d0020932d5d21e6c68b3b6a9b5dc76adb6e905c56086d2ed0b2"
     "b27d62343af1da6a36",
     "a3afc2c46ba4a7d7fbe1cfb7a3031c2f",
     "771,4866-4867-4865-49196-49200-159-52393-52392-52394-49195-49199-158-49188-49192-107-"
     "49187-49191-103-49162-49172-57-49161-49171-51-157-156-61-60-53-47-255,0-11-10-35-22-23-13-"
     "43-45-51,29-23-30-25-24-256-257-258-259-260,0-1-2",
     "t13d311000_e8f1e7e78f70_1f22a2ca17c4", "www.seized.example", ""},
    {"openssl 3.0 s_client -tls1_2 -alpn h2,http/1.1",
     "16030100db010000d7030336c9cfbc4805dfec58b0b8a1dd6e92e4408c8e1b291d26586e6399baa4a3b1a20000"
     "38c02cc030009fcca9cca8ccaac02bc02f009ec024c028006bc023c0270067c00ac0140039c009c0130033009d"
     "009c003d003c0035002f00ff010000760000000e000c000009612e6578616d706c65000b000403000102000a00"
     "0c000a001d0017001e00190018002300000010000e000c02683208687474702f312e310016000000170000000d"
     "002a0028040305030603080708080809080a080b080408050806040105010601030303010302040205020602",
     "22558766122974704364c9c75c5cce0a",
     "771,49196-49200-159-52393-52392-52394-49195-49199-158-49188-49192-107-49187-49191-103-"
     "49162-49172-57-49161-49171-51-157-156-61-60-53-47-255,0-11-10-35-16-22-23-13,29-23-30-25-"
     "24,0-1-2",
     "t12d2808h2_d943125447b4_e7e480e5a997", "a.example", "h2"},
    {"openssl 3.0 s_client -tls1 -cipher ALL:@SECLEVEL=0",
     "160301007f0100007b03015226d5b4e29d9d270f1ec311d991bea807b0d4244c53c9d2f9cae33adffc25230000"
     "2ec00ac0140039003800880087c019003a0089c009c0130033003200450044c0180034004600350084002f0041"
     "00ff01000024000b000403000102000a000c000a001d0017001e00190018002300000016000000170000",
     "4921a5a1f7b5423a19d0db34c56c09f0",
     "769,49162-49172-57-56-136-135-49177-58-137-49161-49171-51-50-69-68-49176-52-70-53-132-47-"
     "65-255,11-10-35-22-23,29-23-30-25-24,0-1-2",
     "t10i230500_44099cda8a52_195413a0cc0f", "", ""},
    {"curl 7.88 --tlsv1.3 --http1.1",
     "16030100eb010000e70303cf9a4279d21d7a942d6fdeb1b3ed28683595611f9d1b0e7f5b8cf1998bf544f720cd"
     "9dee4b6779bfdf445e845e7735afe273a1a7a6d93da9b09f239a8c0c403be9000813021303130100ff01000096"
     "000b000403000102000a00160014001d0017001e00190018010001010102010301040010000b00090868747470"
     "2f312e31001600000017000000310000000d001e001c040305030603080708080809080a080b08040805080604"
     "0105010601002b0003020304002d00020101003300260024001d0020f37f977af38802c979551ed684e1952bac"
     "fc4e0411ac1ab15e8717055a16c648",
     "c9c1eed92382442399b8d87cbe8a6779",
     "771,4866-4867-4865-255,11-10-16-22-23-49-13-43-45-51,29-23-30-25-24-256-257-258-259-260,0-"
     "1-2",
     "t13i0410h1_16476d049b0b_303c7117418d", "", "http/1.1"},
};

static void test_captured(void)
{
    for (size_t i = 0; i < sizeof captured / sizeof *captured; i++) {
        struct tls_hello h;
        size_t n = strlen(captured[i].hex) / 2;
        uint8_t *data = malloc(n);
        hex_decode(span_str(captured[i].hex), data, n);
        printf("# %s\n", captured[i].who);
        is_int(parse(span_of(data, n), &h), 1);
        is_ja3(&h, captured[i].text, captured[i].ja3);
        is_ja4(&h, captured[i].ja4);
        is_span(h.sni, captured[i].sni);
        is_span(h.alpn, captured[i].alpn);
        free(data);
    }
}

/* FoxIO's table of protocol names and what JA4 prints of them. */
static void test_ja4_alpn(void)
{
    static const struct {
        const char *name;
        size_t n;
        const char *want;
    } cases[] = {{"h2", 2, "h2"},
                 {"http/1.1", 8, "h1"},
                 {"\xab", 1, "ab"},
                 {" ", 1, "20"},
                 {"\xab\xcd", 2, "ad"},
                 {" a", 2, "21"},
                 {"0\xab", 2, "3b"},
                 {"a ", 2, "60"},
                 {"01\xab\xcd", 4, "3d"},
                 {"0\xab\xcd"
                  "1",
                  4, "01"},
                 {"x", 1, "xx"},
                 {"", 0, "00"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_hello h = {.alpn = span_of(cases[i].name, cases[i].n)};
        char want[64];
        snprintf(want, sizeof want, "t00i0000%s_000000000000_000000000000", cases[i].want);
        is_ja4(&h, want);
    }
}

static void test_ja4_versions(void)
{
    static const struct {
        uint16_t legacy, offered[3];
        const char *want;
    } cases[] = {{0x0303, {0}, "12"},
                 {0x0302, {0}, "11"},
                 {0x0300, {0}, "s3"},
                 {0x0002, {0}, "s2"},
                 {0x0303, {0x0303, 0x0304, 0x0302}, "13"},
                 {0x0303, {0xfafa, 0x0302, 0x0303}, "12"},
                 {0x0301, {0x0a0a, 0x0a0a, 0x0a0a}, "10"},
                 {0x0303, {0x7f1c, 0x0304, 0}, "00"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_hello h = {.legacy_version = cases[i].legacy};
        char want[64];
        while (h.n_versions < 3 && cases[i].offered[h.n_versions]) {
            h.version[h.n_versions] = cases[i].offered[h.n_versions];
            h.n_versions++;
        }
        snprintf(want, sizeof want, "t%si000000_000000000000_000000000000", cases[i].want);
        is_ja4(&h, want);
    }
}

static void test_many(void)
{
    static uint16_t v[TLS_CIPHERS_MAX + 1];
    struct made m = {0};
    struct tls_hello h;
    for (size_t i = 0; i <= TLS_CIPHERS_MAX; i++)
        v[i] = (uint16_t)(0x1000 - i);
    for (unsigned i = 0; i < TLS_EXTENSIONS_MAX; i++)
        put_extension(&m, 0x2000 - i, "", 0);
    put_message(&m, 0x0303, v, TLS_CIPHERS_MAX);
    is_int(parse(records(&m, 16384), &h), 1);
    char ja4[64];
    tls_hello_ja4(&h, ja4);
    ok(strncmp(ja4, "t12i999900_", 11) == 0, "counts stop at 99");
    is_int(strlen(ja4), 36);
    struct buf text = {0};
    tls_hello_ja3_text(&h, &text);
    ok(text.n < TLS_JA3_TEXT_MAX);
    buf_free(&text);
    put_message(&m, 0x0303, v, TLS_CIPHERS_MAX + 1);
    is_int(parse(records(&m, 16384), &h), -1, "more ciphers than are kept");
    put_extension(&m, 0x3000, "", 0);
    put_message(&m, 0x0303, v, 1);
    is_int(parse(records(&m, 16384), &h), -1, "more extensions than are kept");
    made_free(&m);
}

/* However the hello is cut into records, and at every length of what is there. */
static void test_records(void)
{
    struct made m = {0};
    struct tls_hello h, whole;
    put_spec_extensions(&m, true);
    put_message(&m, 0x0303, spec_ciphers, 16);
    is_int(parse(records(&m, 16384), &whole), 1);
    for (size_t step = 1; step <= m.message.n; step += step < 8 ? 1 : 37) {
        struct span in = records(&m, step);
        size_t early = 0;
        uint8_t *copy = exact(in);
        is_int(parse(span_of(copy, in.n), &h), 1);
        ok(h.n_extensions == whole.n_extensions && span_is(h.sni, "seized.test") &&
           memcmp(h.cipher, whole.cipher, sizeof h.cipher) == 0);
        free(copy);
        for (size_t n = 0; n < in.n; n++) {
            copy = exact(span_of(in.p, n));
            early += parse(span_of(copy, n), &h) != 0;
            free(copy);
        }
        is_int(early, 0);
    }
    buf_str(&m.records, "\x17garbage");
    is_int(parse(buf_as_span(&m.records), &h), 1, "what is behind it is not looked at");
    made_free(&m);
}

/* A hello as long as one may be, by an extension of padding. */
static void put_padded(struct made *m, size_t length)
{
    static uint8_t padding[65536];
    m->extensions.n = 0;
    put_extension(m, 21, padding, length - 4 - 35 - 4 - 2 - 2 - 4);
    put_message(m, 0x0303, spec_ciphers, 1);
}

static void test_lengths(void)
{
    struct made m = {0};
    struct tls_hello h;
    put_padded(&m, TLS_HELLO_MAX);
    is_int(m.message.n, TLS_HELLO_MAX);
    is_int(parse(records(&m, 16384), &h), 1);
    is_int(parse(records(&m, 64), &h), 1, "1024 records");
    is_int(parse(records(&m, 63), &h), -1, "1041 records");
    is_int(parse(records(&m, 16385), &h), -1, "a record too long");
    put_padded(&m, TLS_HELLO_MAX + 1);
    is_int(parse(records(&m, 16384), &h), -1, "a hello too long");
    made_free(&m);
}

static int parse_bytes(const void *p, size_t n)
{
    struct tls_hello h;
    uint8_t *copy = exact(span_of(p, n));
    int result = parse(span_of(copy, n), &h);
    free(copy);
    return result;
}
#define bytes(s) parse_bytes(s, sizeof(s) - 1)

static void test_malformed(void)
{
    is_int(bytes(""), 0);
    is_int(bytes("\x16"), 0);
    is_int(bytes("\x16\3\1"), 0);
    is_int(bytes("GET / HTTP/1.1\r\n"), -1);
    is_int(bytes("\x16\2"), -1, "version 2");
    is_int(bytes("\x17\3"), -1, "application data");
    is_int(bytes("\x16\3\1\0\0"), -1, "an empty record");
    is_int(bytes("\x16\3\1\x40\1"), -1, "a record over 16384");
    is_int(bytes("\x16\3\1\0\4\2"), -1, "a server's hello");
    is_int(bytes("\x16\3\1\0\4\1\1\0\0"), -1, "65536 bytes and four");
    is_int(bytes("\x16\3\1\0\4\1\0\0\0"), -1, "nothing in it");
    is_int(bytes("\x16\3\1\0\1\1\x15\3\1\0\2\2\x28"), -1, "an alert within");
    /* SSL 2.0, as SSLv23_method() of old libraries begins */
    is_int(bytes("\x80\x2e\1\3\1\0\x15\0\0\0\x10"), -1);
}

/* Every length within the message, one more and one less: either refused or taken, never outside.
 */
static void test_flips(void)
{
    struct made m = {0};
    put_spec_extensions(&m, true);
    put_message(&m, 0x0303, spec_ciphers, 16);
    struct span in = records(&m, 16384);
    size_t taken = 0, refused = 0;
    for (size_t i = 0; i < in.n; i++) {
        for (int by = -1; by <= 1; by += 2) {
            uint8_t *copy = exact(in);
            struct tls_hello h;
            copy[i] = (uint8_t)(copy[i] + by);
            int result = parse(span_of(copy, in.n), &h);
            taken += result == 1;
            refused += result != 1;
            free(copy);
        }
    }
    ok(taken > 0 && refused > 20);
    made_free(&m);
}

/* Contents that do not fit their extension are left out; the hello still has its fingerprint. */
static void test_odd_contents(void)
{
    struct made m = {0};
    struct tls_hello h;
    put_extension(&m, 0, "\0\x09\0\0\x0bseized", 11);
    put_extension(&m, 10, "\0\3\0\x17\0", 5);
    put_extension(&m, 11, "\5\0", 2);
    put_extension(&m, 13, "\0\2\4\3\4\3", 6);
    put_extension(&m, 16, "\0\3\x09h2", 5);
    put_extension(&m, 43, "", 0);
    put_extension(&m, 0, "\0\4\0\0\1x", 6);
    put_message(&m, 0x0303, spec_ciphers, 2);
    is_int(parse(records(&m, 16384), &h), 1);
    ok(h.has_sni && !h.n_groups && !h.n_point_formats && !h.n_schemes && !h.alpn.n &&
       !h.n_versions);
    is_span(h.sni, "x");
    is_ja3_text(&h, "771,4865,0-10-11-13-16-43-0,,");
    made_free(&m);
}

int main(void)
{
    test_ja4_spec();
    test_ja3_readme();
    test_captured();
    test_ja4_alpn();
    test_ja4_versions();
    test_many();
    test_records();
    test_lengths();
    test_malformed();
    test_flips();
    test_odd_contents();
    return tap_done();
}
