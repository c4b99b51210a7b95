#include "wire/proxy.h"

#include "base/digest.h"
#include "wire/text.h"

#define V2_FIXED 16 /* signature, version and command, family, length */

enum { V2_LOCAL, V2_PROXY };
enum { V2_UNSPEC, V2_INET, V2_INET6, V2_UNIX };
enum { V2_STREAM = 1, V2_DGRAM };
enum { TLV_AUTHORITY = 0x02, TLV_CRC32C = 0x03 };

static const uint8_t v2_signature[12] = "\r\n\r\n\0\r\nQUIT\n";

/* The word up to the next space, or all that is left; moves behind the space. */
static struct span v1_word(struct span *line)
{
    size_t n = text_find(*line, ' ');
    struct span word = span_of(line->p, n);
    *line = text_behind(*line, n < line->n ? n + 1 : n);
    return word;
}

/* inet_pton takes an IPv4 tail too: HAProxy writes one where it puts an IPv4 address beside an IPv6
 * one. */
static bool v1_address(struct span word, bool v6, struct ip *out)
{
    return (text_find(word, ':') < word.n) == v6 && ip_parse(word, out);
}

static bool v1_port(struct span word, uint16_t *out)
{
    uint64_t v;
    if (word.n > 5 || (word.n > 1 && *word.p == '0') || !text_number(word, &v) || v > 65535)
        return false;
    *out = (uint16_t)v;
    return true;
}

/* What stands between "PROXY " and the line's end. */
static bool v1_fields(struct span line, struct proxy_header *out)
{
    struct span protocol = v1_word(&line);
    if (span_is(protocol, "UNKNOWN")) {
        out->local = true; /* whatever follows is to be ignored */
        return true;
    }
    bool v6 = span_is(protocol, "TCP6");
    if (!v6 && !span_is(protocol, "TCP4"))
        return false;
    return v1_address(v1_word(&line), v6, &out->src) && v1_address(v1_word(&line), v6, &out->dst) &&
           v1_port(v1_word(&line), &out->src_port) && text_find(line, ' ') == line.n &&
           v1_port(line, &out->dst_port);
}

/* Offset behind the first CRLF, 0 when there is none. */
static size_t v1_end(struct span data)
{
    for (size_t i = 1; i < data.n; i++)
        if (data.p[i] == '\n' && data.p[i - 1] == '\r')
            return i + 1;
    return 0;
}

static int v1_parse(struct span data, struct proxy_header *out)
{
    struct span line = span_of(data.p, data.n < PROXY_V1_MAX ? data.n : PROXY_V1_MAX);
    size_t end = v1_end(line);
    if (!end)
        return line.n < PROXY_V1_MAX ? 0 : -1;
    out->version = 1;
    out->length = end;
    return v1_fields(span_of(line.p + 6, end - 8), out) ? 1 : -1;
}

/* The checksum is taken with its own four bytes as zeros. */
static bool crc_holds(struct span header, const uint8_t *field)
{
    static const uint8_t zero[4];
    uint32_t crc = crc32c(0, header.p, (size_t)(field - header.p));
    crc = crc32c(crc, zero, 4);
    crc = crc32c(crc, field + 4, (size_t)(header.p + header.n - field - 4));
    return crc == be32_get(field);
}

static int v2_tlvs(struct span header, struct span tlvs, struct proxy_header *out)
{
    struct cur c = cur_of(tlvs);
    while (cur_left(&c)) {
        uint8_t type;
        uint16_t n;
        struct span value;
        if (!cur_u8(&c, &type) || !cur_u16(&c, &n) || !cur_take(&c, n, &value))
            return -1;
        if (type == TLV_AUTHORITY && !out->authority.n)
            out->authority = value;
        if (type == TLV_CRC32C && (n != 4 || !crc_holds(header, value.p)))
            return -1;
    }
    return 1;
}

static int v2_addresses(struct span header, struct proxy_header *out)
{
    static const uint8_t lengths[] = {
        [V2_UNSPEC] = 0, [V2_INET] = 12, [V2_INET6] = 36, [V2_UNIX] = 216};
    unsigned family = header.p[13] >> 4, transport = header.p[13] & 15;
    struct span block = text_behind(header, V2_FIXED);
    if (family > V2_UNIX || transport > V2_DGRAM || block.n < lengths[family])
        return -1;
    if ((family == V2_INET || family == V2_INET6) && transport) {
        size_t n = family == V2_INET6 ? 16 : 4;
        out->src = ip_from_bytes(block.p, family == V2_INET6);
        out->dst = ip_from_bytes(block.p + n, family == V2_INET6);
        out->src_port = be16_get(block.p + 2 * n);
        out->dst_port = be16_get(block.p + 2 * n + 2);
        out->udp = transport == V2_DGRAM;
    } else {
        out->local = true; /* no Internet addresses in it */
    }
    return v2_tlvs(header, text_behind(block, lengths[family]), out);
}

static int v2_parse(struct span data, struct proxy_header *out)
{
    if (data.n > 12 && data.p[12] >> 4 != 2)
        return -1;
    if (data.n > 12 && (data.p[12] & 15) > V2_PROXY)
        return -1;
    if (data.n < V2_FIXED)
        return 0;
    out->version = 2;
    out->length = V2_FIXED + (size_t)be16_get(data.p + 14);
    if (out->length > PROXY_V2_MAX)
        return -1;
    if (data.n < out->length)
        return 0;
    if ((data.p[12] & 15) == V2_PROXY)
        return v2_addresses(span_of(data.p, out->length), out);
    out->local = true; /* the family is void, so nobody knows where TLVs would begin */
    return 1;
}

/* Whether all of the bytes that are there agree. */
static bool begins(struct span data, const void *with, size_t n)
{
    return data.n == 0 || memcmp(data.p, with, data.n < n ? data.n : n) == 0;
}

int proxy_parse(struct span data, struct proxy_header *out)
{
    memset(out, 0, sizeof *out);
    if (begins(data, v2_signature, sizeof v2_signature))
        return v2_parse(data, out);
    return begins(data, "PROXY ", 6) ? v1_parse(data, out) : -1;
}

size_t proxy_write_v2(uint8_t *out, const struct ip *src, uint16_t src_port, const struct ip *dst,
                      uint16_t dst_port, bool udp)
{
    bool v4 = ip_is_v4(src) && ip_is_v4(dst);
    size_t n = v4 ? 4 : 16;
    memcpy(out, v2_signature, sizeof v2_signature);
    out[12] = 2 << 4 | V2_PROXY;
    out[13] = (uint8_t)((v4 ? V2_INET : V2_INET6) << 4 | (udp ? V2_DGRAM : V2_STREAM));
    be16_put(out + 14, (uint16_t)(2 * n + 4));
    memcpy(out + V2_FIXED, src->b + 16 - n, n);
    memcpy(out + V2_FIXED + n, dst->b + 16 - n, n);
    be16_put(out + V2_FIXED + 2 * n, src_port);
    be16_put(out + V2_FIXED + 2 * n + 2, dst_port);
    return V2_FIXED + 2 * n + 4;
}
