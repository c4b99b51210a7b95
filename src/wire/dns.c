#include "wire/dns.h"

#include <stdio.h>

#include "wire/text.h"

enum { TYPE_OPT = 41 };
enum { OPTION_NSID = 3, OPTION_ECS = 8, OPTION_COOKIE = 10 };

void dns_anomaly_words(uint32_t bits, struct buf *out)
{
    static const char *const words[] = {"questions", "opt-odd",   "option-bad", "ecs-bad",
                                        "ecs-bits",  "ecs-scope", "cookie-bad", "repeated"};
    text_bit_words(bits, words, sizeof words / sizeof *words, out);
}

const char *dns_type_name(uint16_t type, char out[16])
{
    const char *name;
    switch (type) {
#define DNS_TYPE(code, mnemonic)                                                                   \
    case code:                                                                                     \
        name = mnemonic;                                                                           \
        break;
#include "wire/dns_types.def"
#undef DNS_TYPE
    default:
        snprintf(out, 16, "TYPE%u", type);
        return out;
    }
    return strcpy(out, name);
}

const char *dns_class_name(uint16_t klass, char out[16])
{
    switch (klass) {
    case 1:
        return strcpy(out, "IN");
    case 3:
        return strcpy(out, "CH");
    case 4:
        return strcpy(out, "HS");
    case 254:
        return strcpy(out, "NONE");
    case 255:
        return strcpy(out, "ANY");
    default:
        snprintf(out, 16, "CLASS%u", klass);
        return out;
    }
}

static char *byte_text(char *o, uint8_t c)
{
    static const char special[] = ".\\\"();@$";
    if (c > 0x20 && c < 0x7f) {
        if (strchr(special, c))
            *o++ = '\\';
        *o++ = (char)c;
        return o;
    }
    *o++ = '\\';
    *o++ = (char)('0' + c / 100);
    *o++ = (char)('0' + c / 10 % 10);
    *o++ = (char)('0' + c % 10);
    return o;
}

/* Nearly all there is in names; the rest goes the long way. */
static const bool plain[256] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['-'] = 1, ['_'] = 1,
};

static inline char *label_text(char *o, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (plain[p[i]])
            *o++ = (char)p[i];
        else
            o = byte_text(o, p[i]);
    }
    return o;
}

/* The pointer at `at` in a part of a name that starts at `part`: where it goes, 0 when it may not
 * go there. */
static size_t pointer_target(struct span m, size_t at, size_t part, const char **why)
{
    if (m.n - at < 2) {
        *why = "name runs over the end";
        return 0;
    }
    size_t target = be16_get(m.p + at) & 0x3fff;
    if (target >= part)
        *why = "compression pointer does not go back";
    else if (target < DNS_HEADER_LEN)
        *why = "compression pointer into the header";
    else
        return target;
    return 0;
}

int dns_name(struct span m, size_t *offset, char out[DNS_NAME_TEXT_MAX], size_t *len,
             const char **why)
{
    const char *unused;
    size_t at = *offset, part = at, behind = 0, wire = 1;
    unsigned pointers = 0;
    char *o = out;
    why = why ? why : &unused;
    for (;;) {
        if (at >= m.n) {
            *why = "name runs over the end";
            return -1;
        }
        uint8_t c = m.p[at];
        if (c == 0)
            break;
        if (c >= 0xc0) {
            size_t target = pointer_target(m, at, part, why);
            if (!target)
                return -1;
            if (++pointers > DNS_POINTERS_MAX) {
                *why = "too many compression pointers";
                return -1;
            }
            behind = behind ? behind : at + 2;
            at = part = target;
            continue;
        }
        if (c > 63) {
            *why = "unknown label type";
            return -1;
        }
        if (m.n - at - 1 < c) {
            *why = "name runs over the end";
            return -1;
        }
        wire += c + 1u;
        if (wire > DNS_NAME_WIRE_MAX) {
            *why = "name over 255 bytes";
            return -1;
        }
        if (o != out)
            *o++ = '.';
        o = label_text(o, m.p + at + 1, c);
        at += c + 1u;
    }
    if (o == out)
        *o++ = '.';
    *o = 0;
    *len = (size_t)(o - out);
    *offset = behind ? behind : at + 1;
    return 1;
}

/* Walks over a name without following its pointer. */
static int name_skip(struct cur *c, const char **why)
{
    for (uint8_t n; cur_u8(c, &n);) {
        struct span label;
        if (n == 0)
            return 1;
        if (n >= 0xc0) {
            if (cur_u8(c, &n))
                return 1;
            break;
        }
        if (n > 63) {
            c->p--;
            *why = "unknown label type";
            return -1;
        }
        if (!cur_take(c, n, &label))
            break;
    }
    *why = "name runs over the end";
    return -1;
}

/* RFC 7871, 6. */
static void option_ecs(struct span s, struct dns_query *q)
{
    if (q->ecs_option.p) {
        q->anomalies |= DNS_REPEATED;
        return;
    }
    q->ecs_option = s;
    unsigned family = s.n >= 4 ? be16_get(s.p) : 0;
    unsigned width = family == 1 ? 32 : family == 2 ? 128 : 0;
    unsigned bits = width ? s.p[2] : 0;
    size_t bytes = (bits + 7) / 8;
    if (!width || bits > width || s.p[3] > width || s.n != 4 + bytes) {
        q->anomalies |= DNS_ECS_BAD;
        return;
    }
    uint8_t address[16] = {0};
    memcpy(address, s.p + 4, bytes);
    if (bits % 8) {
        uint8_t host = (uint8_t)(0xff >> bits % 8);
        if (address[bytes - 1] & host)
            q->anomalies |= DNS_ECS_BITS;
        address[bytes - 1] &= (uint8_t)~host;
    }
    q->has_ecs = true;
    q->ecs_scope = s.p[3];
    if (q->ecs_scope && !dns_is_response(q))
        q->anomalies |= DNS_ECS_SCOPE;
    q->ecs.ip = ip_from_bytes(address, family == 2);
    /* a mapped address is IPv4 to struct ip; it can only be one when all 96 bits are there */
    q->ecs.bits = (uint8_t)(family == 2 && ip_is_v4(&q->ecs.ip) ? bits - 96 : bits);
    q->ecs.set = true;
}

/* RFC 7873, 4: a client cookie of 8 bytes, then nothing or a server cookie of 8 to 32. */
static void option_cookie(struct span s, struct dns_query *q)
{
    if (q->cookie.p) {
        q->anomalies |= DNS_REPEATED;
        return;
    }
    q->cookie = s;
    if (s.n != 8 && (s.n < 16 || s.n > 40))
        q->anomalies |= DNS_COOKIE_BAD;
}

static void options_read(struct span rdata, struct dns_query *q)
{
    struct cur c = cur_of(rdata);
    uint16_t code, length;
    while (cur_left(&c)) {
        struct span value;
        if (!cur_u16(&c, &code) || !cur_u16(&c, &length) || !cur_take(&c, length, &value)) {
            q->anomalies |= DNS_OPTION_BAD;
            return;
        }
        if (code == OPTION_ECS)
            option_ecs(value, q);
        else if (code == OPTION_COOKIE)
            option_cookie(value, q);
        else if (code == OPTION_NSID)
            q->nsid = true;
    }
}

/* RFC 6891, 6.1.2 and 6.1.3: the fixed part of an OPT record has other meanings. */
static void opt_read(const uint8_t *fixed, struct span rdata, struct dns_query *q)
{
    q->has_opt = true;
    q->udp_size = be16_get(fixed + 2);
    q->edns_rcode = fixed[4];
    q->edns_version = fixed[5];
    q->edns_flags = be16_get(fixed + 6);
    q->do_bit = q->edns_flags & 0x8000;
    options_read(rdata, q);
}

/* One resource record; takes it when it is OPT. */
static int record_read(struct cur *c, bool additional, struct dns_query *q, const char **why)
{
    const uint8_t *start = c->p;
    struct span fixed, rdata; /* type, class, TTL, length */
    if (name_skip(c, why) < 0)
        return -1;
    bool root = c->p - start == 1;
    if (!cur_take(c, 10, &fixed) || !cur_take(c, be16_get(fixed.p + 8), &rdata)) {
        *why = "record runs over the end";
        return -1;
    }
    if (be16_get(fixed.p) != TYPE_OPT)
        return 1;
    if (!additional || !root)
        q->anomalies |= DNS_OPT_ODD;
    if (!additional)
        return 1;
    if (q->has_opt) {
        c->p = start;
        *why = "more than one OPT record"; /* RFC 6891, 6.1.1 */
        return -1;
    }
    opt_read(fixed.p, rdata, q);
    return 1;
}

static int question_read(struct span m, size_t *at, struct dns_query *q, const char **why)
{
    if (dns_name(m, at, q->qname, &q->qname_len, why) < 0) {
        q->qname[0] = 0; /* may have been begun */
        return -1;
    }
    if (m.n - *at < 4) {
        *why = "question runs over the end";
        return -1;
    }
    q->qtype = be16_get(m.p + *at);
    q->qclass = be16_get(m.p + *at + 2);
    *at += 4;
    q->question_end = *at;
    return 1;
}

/* What stands behind the first question. */
static int rest_read(struct cur *c, struct dns_query *q, const char **why)
{
    struct span fixed;
    for (unsigned i = 1; i < q->qdcount; i++) {
        if (name_skip(c, why) < 0)
            return -1;
        if (!cur_take(c, 4, &fixed)) {
            *why = "question runs over the end";
            return -1;
        }
    }
    unsigned before = (unsigned)q->ancount + q->nscount, all = before + q->arcount;
    for (unsigned i = 0; i < all; i++)
        if (record_read(c, i >= before, q, why) < 0)
            return -1;
    return 1;
}

static void header_read(const uint8_t *p, struct dns_query *q)
{
    q->id = be16_get(p);
    q->flags = be16_get(p + 2);
    q->qdcount = be16_get(p + 4);
    q->ancount = be16_get(p + 6);
    q->nscount = be16_get(p + 8);
    q->arcount = be16_get(p + 10);
    if (q->qdcount != 1)
        q->anomalies |= DNS_QUESTIONS;
}

int dns_parse(struct span m, struct dns_query *out, const char **why, size_t *offset)
{
    const char *unused_why;
    size_t unused_offset;
    why = why ? why : &unused_why;
    offset = offset ? offset : &unused_offset;
    /* all but the text, which is long and has its length */
    memset(out, 0, offsetof(struct dns_query, qname) + 1);
    memset(&out->qname_len, 0, sizeof *out - offsetof(struct dns_query, qname_len));
    *offset = 0;
    if (m.n < DNS_HEADER_LEN) {
        *why = "shorter than a header";
        return -1;
    }
    if (m.n > DNS_MESSAGE_MAX) {
        *why = "longer than a message can be";
        return -1;
    }
    header_read(m.p, out);
    *offset = DNS_HEADER_LEN;
    if (out->qdcount && question_read(m, offset, out, why) < 0)
        return -1;
    struct cur c = {m.p + *offset, m.p + m.n};
    int r = rest_read(&c, out, why);
    *offset = (size_t)(c.p - m.p);
    return r;
}

int dns_tcp_next(struct cur *stream, struct span *message)
{
    if (cur_left(stream) < 2)
        return 0;
    size_t n = be16_get(stream->p);
    if (n < DNS_HEADER_LEN)
        return -1;
    if (cur_left(stream) - 2 < n)
        return 0;
    *message = span_of(stream->p + 2, n);
    stream->p += 2 + n;
    return 1;
}
