/* Builds captures in memory, packet by packet; for the tests and for the fuzz targets' seeds. */
#pragma once

#include <stdarg.h>
#include <stdlib.h>

#include "base/buf.h"
#include "import/packet.h"

#define CAPTURE_T0 1300233600ll /* 2011-03-16T00:00:00Z */

struct capture_file {
    struct buf bytes;
    bool nano, swapped, ng;
    unsigned packets;
    int64_t step_us; /* between packets */
    int64_t at;      /* microseconds since CAPTURE_T0 */
};

static inline void put16le(struct buf *b, uint16_t v)
{
    buf_put(b, (uint8_t[]){(uint8_t)v, (uint8_t)(v >> 8)}, 2);
}
static inline void put32le(struct buf *b, uint32_t v)
{
    put16le(b, (uint16_t)v);
    put16le(b, (uint16_t)(v >> 16));
}
static inline void put16be(struct buf *b, uint16_t v)
{
    buf_put(b, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}
static inline void put32be(struct buf *b, uint32_t v)
{
    put16be(b, (uint16_t)(v >> 16));
    put16be(b, (uint16_t)v);
}
static inline void file_put32(struct capture_file *f, uint32_t v)
{
    f->swapped ? put32be(&f->bytes, v) : put32le(&f->bytes, v);
}

/* The file header: pcap of the flags set beforehand, or pcapng. */
static inline void capture_begin(struct capture_file *f, uint32_t link)
{
    f->step_us = 1000;
    if (f->ng) {
        static const uint8_t section[28] = {0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0,    0,    0x4d, 0x3c,
                                            0x2b, 0x1a, 1,    0,    0,  0, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 28, 0, 0,    0};
        buf_put(&f->bytes, section, sizeof section);
        put32le(&f->bytes, 1); /* interface description */
        put32le(&f->bytes, 20);
        put32le(&f->bytes, link);
        put32le(&f->bytes, 65535);
        put32le(&f->bytes, 20);
        return;
    }
    file_put32(f, f->nano ? 0xa1b23c4d : 0xa1b2c3d4);
    f->swapped ? put16be(&f->bytes, 2) : put16le(&f->bytes, 2);
    f->swapped ? put16be(&f->bytes, 4) : put16le(&f->bytes, 4);
    file_put32(f, 0);
    file_put32(f, 0);
    file_put32(f, 65535);
    file_put32(f, link);
}

/* One packet, of which `have` bytes were captured. */
static inline void capture_packet_cut(struct capture_file *f, struct span p, size_t have)
{
    int64_t t = CAPTURE_T0 * 1000000 + f->at;
    f->at += f->step_us;
    f->packets++;
    if (f->ng) {
        uint32_t padded = (uint32_t)(have + 3) & ~3u;
        put32le(&f->bytes, 6); /* enhanced packet */
        put32le(&f->bytes, 32 + padded);
        put32le(&f->bytes, 0);
        put32le(&f->bytes, (uint32_t)(t >> 32));
        put32le(&f->bytes, (uint32_t)t);
        put32le(&f->bytes, (uint32_t)have);
        put32le(&f->bytes, (uint32_t)p.n);
        buf_put(&f->bytes, p.p, have);
        buf_put(&f->bytes, "\0\0\0", padded - have);
        put32le(&f->bytes, 32 + padded);
        return;
    }
    file_put32(f, (uint32_t)(t / 1000000));
    file_put32(f, (uint32_t)(t % 1000000) * (f->nano ? 1000 : 1));
    file_put32(f, (uint32_t)have);
    file_put32(f, (uint32_t)p.n);
    buf_put(&f->bytes, p.p, have);
}
static inline void capture_packet(struct capture_file *f, struct span p)
{
    capture_packet_cut(f, p, p.n);
}

/* --- headers, each put before a payload; results are freed by the caller --- */

static inline struct buf ether(uint16_t type, struct span payload)
{
    struct buf b = {0};
    buf_put(&b, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
    put16be(&b, type);
    buf_span(&b, payload);
    return b;
}

struct ends {
    const char *src, *dst; /* addresses, both of one family */
    uint16_t sport, dport;
};

static inline struct ip ip_of(const char *text)
{
    struct ip ip;
    if (!ip_parse(span_str(text), &ip))
        abort();
    return ip;
}

/* IPv4 with `options` words of options, fragment word and id; or IPv6 when the addresses are. */
static inline struct buf ip_packet(const struct ends *e, uint8_t protocol, uint16_t id,
                                   uint16_t fragment, unsigned options, struct span payload)
{
    struct buf b = {0};
    struct ip src = ip_of(e->src), dst = ip_of(e->dst);
    if (!ip_is_v4(&src)) {
        put32be(&b, 0x60000000);
        put16be(&b, (uint16_t)payload.n);
        buf_byte(&b, protocol);
        buf_byte(&b, 64);
        buf_put(&b, src.b, 16);
        buf_put(&b, dst.b, 16);
    } else {
        buf_byte(&b, (uint8_t)(0x45 + options));
        buf_byte(&b, 0);
        put16be(&b, (uint16_t)(20 + options * 4 + payload.n));
        put16be(&b, id);
        put16be(&b, fragment);
        buf_byte(&b, 64);
        buf_byte(&b, protocol);
        put16be(&b, 0);
        buf_put(&b, src.b + 12, 4);
        buf_put(&b, dst.b + 12, 4);
        for (unsigned i = 0; i < options; i++)
            put32be(&b, 0x01010101);
    }
    buf_span(&b, payload);
    return b;
}

static inline struct buf udp_datagram(const struct ends *e, struct span payload)
{
    struct buf b = {0};
    put16be(&b, e->sport);
    put16be(&b, e->dport);
    put16be(&b, (uint16_t)(8 + payload.n));
    put16be(&b, 0);
    buf_span(&b, payload);
    return b;
}

static inline struct buf tcp_segment_bytes(const struct ends *e, uint8_t flags, uint32_t seq,
                                           uint32_t ack, struct span payload)
{
    struct buf b = {0};
    put16be(&b, e->sport);
    put16be(&b, e->dport);
    put32be(&b, seq);
    put32be(&b, ack);
    buf_byte(&b, 5 << 4);
    buf_byte(&b, flags);
    put16be(&b, 65535);
    put32be(&b, 0);
    buf_span(&b, payload);
    return b;
}

/* An IP payload as one Ethernet packet. */
static inline void capture_ip(struct capture_file *f, const struct ends *e, uint8_t protocol,
                              struct buf payload)
{
    struct ip src = ip_of(e->src);
    struct buf ip = ip_packet(e, protocol, 1, 0, 0, buf_as_span(&payload));
    struct buf frame = ether(ip_is_v4(&src) ? 0x0800 : 0x86dd, buf_as_span(&ip));
    capture_packet(f, buf_as_span(&frame));
    buf_free(&payload);
    buf_free(&ip);
    buf_free(&frame);
}
static inline void capture_udp(struct capture_file *f, const struct ends *e, struct span payload)
{
    capture_ip(f, e, PACKET_UDP, udp_datagram(e, payload));
}

/* A query for name, type A, class IN. */
static inline struct buf dns_message(uint16_t id, uint16_t flags, const char *name)
{
    struct buf b = {0};
    put16be(&b, id);
    put16be(&b, flags);
    put32be(&b, 0x00010000);
    put32be(&b, 0);
    while (*name) {
        size_t n = strcspn(name, ".");
        buf_byte(&b, (uint8_t)n);
        buf_put(&b, name, n);
        name += n + (name[n] == '.');
    }
    buf_byte(&b, 0);
    put32be(&b, 0x00010001);
    return b;
}
static inline void capture_query(struct capture_file *f, const struct ends *e, const char *name)
{
    struct buf m = dns_message(0x1234, 0x0100, name);
    capture_udp(f, e, buf_as_span(&m));
    buf_free(&m);
}

/* --- a TCP connection --- */

struct talk {
    struct capture_file *file;
    struct ends ends; /* the client is src */
    uint32_t seq[2];  /* next of client and server */
};

static inline void talk_raw(struct talk *t, unsigned dir, uint8_t flags, uint32_t seq, uint32_t ack,
                            struct span payload)
{
    struct ends e = t->ends;
    if (dir)
        e = (struct ends){e.dst, e.src, e.dport, e.sport};
    capture_ip(t->file, &e, PACKET_TCP, tcp_segment_bytes(&e, flags, seq, ack, payload));
}
static inline void talk_open(struct talk *t)
{
    talk_raw(t, 0, TCP_SYN, t->seq[0] - 1, 0, span_of(NULL, 0));
    talk_raw(t, 1, TCP_SYN | TCP_ACK, t->seq[1] - 1, t->seq[0], span_of(NULL, 0));
    talk_raw(t, 0, TCP_ACK, t->seq[0], t->seq[1], span_of(NULL, 0));
}
static inline void talk_bytes(struct talk *t, unsigned dir, struct span bytes)
{
    talk_raw(t, dir, TCP_ACK | TCP_PSH, t->seq[dir], t->seq[!dir], bytes);
    t->seq[dir] += (uint32_t)bytes.n;
}
static inline void talk_say(struct talk *t, unsigned dir, const char *text)
{
    talk_bytes(t, dir, span_str(text));
}
/* Says it in segments of n bytes. */
static inline void talk_crumbs(struct talk *t, unsigned dir, const char *text, size_t n)
{
    for (size_t all = strlen(text), i = 0; i < all; i += n)
        talk_bytes(t, dir, span_of(text + i, all - i < n ? all - i : n));
}
/* Sent, but not in the capture. */
static inline void talk_lose(struct talk *t, unsigned dir, uint32_t n)
{
    t->seq[dir] += n;
}
static inline void talk_ack(struct talk *t, unsigned dir)
{
    talk_raw(t, dir, TCP_ACK, t->seq[dir], t->seq[!dir], span_of(NULL, 0));
}
static inline void talk_close(struct talk *t)
{
    for (unsigned dir = 0; dir < 2; dir++) {
        talk_raw(t, dir, TCP_ACK | TCP_FIN, t->seq[dir], t->seq[!dir], span_of(NULL, 0));
        t->seq[dir]++;
    }
    talk_ack(t, 0);
}
