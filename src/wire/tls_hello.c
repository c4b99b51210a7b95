#include "wire/tls_hello.h"

enum { RECORD_HEAD = 5, RECORD_HANDSHAKE = 22, MESSAGE_HEAD = 4, CLIENT_HELLO = 1 };
enum {
    EXTENSION_SNI = 0,
    EXTENSION_GROUPS = 10,
    EXTENSION_POINT_FORMATS = 11,
    EXTENSION_SCHEMES = 13,
    EXTENSION_ALPN = 16,
    EXTENSION_VERSIONS = 43,
};

/* Takes a vector with a length of one or two bytes in front. */
static bool take_vector(struct cur *c, unsigned head, struct cur *out)
{
    uint8_t n8;
    uint16_t n;
    struct span s;
    if (head == 1 ? !cur_u8(c, &n8) : !cur_u16(c, &n))
        return false;
    if (!cur_take(c, head == 1 ? n8 : n, &s))
        return false;
    *out = cur_of(s);
    return true;
}

static bool words(struct cur c, uint16_t *out, size_t max, size_t *n)
{
    if (cur_left(&c) % 2 || cur_left(&c) / 2 > max)
        return false;
    *n = 0;
    while (cur_u16(&c, &out[*n]))
        ++*n;
    return true;
}

/* The vector of words that is all of an extension. */
static void extension_words(struct cur c, unsigned head, uint16_t *out, size_t max, size_t *n)
{
    struct cur list;
    if (*n || !take_vector(&c, head, &list) || cur_left(&c) || !words(list, out, max, n))
        return;
}

static void read_sni(struct cur c, struct tls_hello *h)
{
    struct cur list, name;
    uint8_t type;
    h->has_sni = true;
    if (h->sni.n || !take_vector(&c, 2, &list))
        return;
    while (cur_u8(&list, &type) && take_vector(&list, 2, &name)) {
        if (type == 0) {
            h->sni = span_of(name.p, cur_left(&name));
            return;
        }
    }
}

static void read_alpn(struct cur c, struct tls_hello *h)
{
    struct cur list, name;
    if (!h->alpn.n && take_vector(&c, 2, &list) && take_vector(&list, 1, &name))
        h->alpn = span_of(name.p, cur_left(&name));
}

static void read_point_formats(struct cur c, struct tls_hello *h)
{
    struct cur list;
    if (h->n_point_formats || !take_vector(&c, 1, &list))
        return;
    h->n_point_formats = cur_left(&list);
    if (h->n_point_formats)
        memcpy(h->point_format, list.p, h->n_point_formats);
}

static void read_extension(uint16_t type, struct cur c, struct tls_hello *h)
{
    switch (type) {
    case EXTENSION_SNI:
        read_sni(c, h);
        break;
    case EXTENSION_GROUPS:
        extension_words(c, 2, h->group, TLS_GROUPS_MAX, &h->n_groups);
        break;
    case EXTENSION_POINT_FORMATS:
        read_point_formats(c, h);
        break;
    case EXTENSION_SCHEMES:
        extension_words(c, 2, h->scheme, TLS_SCHEMES_MAX, &h->n_schemes);
        break;
    case EXTENSION_ALPN:
        read_alpn(c, h);
        break;
    case EXTENSION_VERSIONS:
        extension_words(c, 1, h->version, TLS_VERSIONS_MAX, &h->n_versions);
        break;
    default:
        break;
    }
}

static bool read_extensions(struct cur c, struct tls_hello *h)
{
    while (cur_left(&c)) {
        uint16_t type;
        struct cur body;
        if (!cur_u16(&c, &type) || !take_vector(&c, 2, &body))
            return false;
        if (h->n_extensions == TLS_EXTENSIONS_MAX)
            return false;
        h->extension[h->n_extensions++] = type;
        read_extension(type, body, h);
    }
    return true;
}

/* The message behind its four bytes of head. */
static int read_message(struct span message, struct tls_hello *h)
{
    struct cur c = cur_of(message), session, ciphers, compression, extensions;
    struct span random;
    if (!cur_u16(&c, &h->legacy_version) || !cur_take(&c, 32, &random))
        return -1;
    if (!take_vector(&c, 1, &session) || cur_left(&session) > 32)
        return -1;
    if (!take_vector(&c, 2, &ciphers) || !words(ciphers, h->cipher, TLS_CIPHERS_MAX, &h->n_ciphers))
        return -1;
    if (!take_vector(&c, 1, &compression) || !cur_left(&compression))
        return -1;
    if (!cur_left(&c))
        return 1; /* before RFC 3546 there were no extensions */
    if (!take_vector(&c, 2, &extensions) || cur_left(&c))
        return -1;
    return read_extensions(extensions, h) ? 1 : -1;
}

/* The next record's share of the handshake: 1, 0 when nothing more is there, -1. The last one may
 * be there in part. */
static int next_fragment(struct cur *c, struct span *out)
{
    size_t left = cur_left(c);
    if ((left > 0 && c->p[0] != RECORD_HANDSHAKE) || (left > 1 && c->p[1] != 3))
        return -1;
    if (left < RECORD_HEAD)
        return 0;
    size_t n = be16_get(c->p + 3);
    if (n == 0 || n > TLS_RECORD_MAX)
        return -1;
    left -= RECORD_HEAD;
    *out = span_of(c->p + RECORD_HEAD, n < left ? n : left);
    c->p += RECORD_HEAD + out->n;
    return 1;
}

/* Copies up to n bytes of the handshake to out, or walks over them when it is NULL: how many there
 * were; -1. */
static long gather(struct span data, uint8_t *out, size_t n)
{
    struct cur c = cur_of(data);
    struct span fragment;
    size_t have = 0;
    for (unsigned records = 0; have < n; records++) {
        int more = next_fragment(&c, &fragment);
        if (more < 0 || (more && records == TLS_HELLO_RECORDS_MAX))
            return -1;
        if (!more)
            break;
        if (fragment.n > n - have)
            fragment.n = n - have;
        if (out && fragment.n)
            memcpy(out + have, fragment.p, fragment.n);
        have += fragment.n;
    }
    return (long)have;
}

int tls_hello_parse(struct span data, uint8_t *scratch, struct tls_hello *out)
{
    uint8_t head[MESSAGE_HEAD];
    struct span first;
    struct cur c = cur_of(data);
    long have = gather(data, head, sizeof head);
    if (have < 0 || (have > 0 && head[0] != CLIENT_HELLO))
        return -1;
    if (have < MESSAGE_HEAD)
        return 0;
    size_t n = MESSAGE_HEAD + (be32_get(head) & 0xffffff);
    if (n > TLS_HELLO_MAX)
        return -1;
    have = gather(data, NULL, n);
    if (have < (long)n)
        return have < 0 ? -1 : 0;
    memset(out, 0, sizeof *out);
    if (next_fragment(&c, &first) == 1 && first.n >= n)
        return read_message(span_of(first.p + MESSAGE_HEAD, n - MESSAGE_HEAD), out);
    gather(data, scratch, n);
    return read_message(span_of(scratch + MESSAGE_HEAD, n - MESSAGE_HEAD), out);
}

uint16_t tls_hello_version(const struct tls_hello *h)
{
    uint16_t highest = 0;
    for (size_t i = 0; i < h->n_versions; i++)
        if (!tls_is_grease(h->version[i]) && h->version[i] > highest)
            highest = h->version[i];
    return highest ? highest : h->legacy_version;
}
