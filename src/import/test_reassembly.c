/* Reassembly against byte streams that are known beforehand. */
#include "import/reassembly.h"

#include "base/tap.h"

#define STREAM_MAX 8192

/* What came out of one half. */
struct heard {
    struct buf bytes[2];
    uint64_t lost[2], cut[2];
    unsigned gaps[2];
    uint64_t gap_packet;
    uint64_t data_packet; /* of the last bytes */
};

struct bench {
    struct tcp tcp;
    struct tcp_pool pool;
    struct tcp_sink sink;
    struct heard heard;
    struct packet_at at;
};

static void on_data(void *ctx, unsigned dir, struct span bytes, const struct packet_at *at)
{
    struct heard *h = ctx;
    buf_span(&h->bytes[dir], bytes);
    h->data_packet = at->number;
}

static void on_gap(void *ctx, unsigned dir, uint32_t lost, enum tcp_gap why,
                   const struct packet_at *at)
{
    struct heard *h = ctx;
    h->gaps[dir]++;
    *(why == TCP_GAP_LOST ? &h->lost[dir] : &h->cut[dir]) += lost;
    h->gap_packet = at->number;
}

static struct bench *bench_new(void)
{
    struct bench *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    b->sink = (struct tcp_sink){.ctx = &b->heard, .data = on_data, .gap = on_gap};
    return b;
}

static void bench_end(struct bench *b)
{
    tcp_end(&b->tcp, 0, &b->at, &b->pool, &b->sink);
}

static void bench_free(struct bench *b)
{
    bench_end(b);
    tcp_pool_free(&b->pool);
    buf_free(&b->heard.bytes[0]);
    buf_free(&b->heard.bytes[1]);
    free(b);
}

static enum tcp_verdict send(struct bench *b, unsigned dir, uint8_t flags, uint32_t seq,
                             uint32_t ack, const void *p, size_t n)
{
    struct packet s = {.transport = PACKET_TCP,
                       .tcp_flags = flags,
                       .seq = seq,
                       .ack = ack,
                       .payload = span_of(p, n),
                       .length = (uint32_t)n};
    b->at.number++;
    b->at.time += 1000;
    return tcp_segment(&b->tcp, dir, &s, &b->at, &b->pool, &b->sink);
}

/* SYN, SYN+ACK: client's stream starts at c, server's at s. */
static void handshake(struct bench *b, uint32_t c, uint32_t s)
{
    send(b, 0, TCP_SYN, c - 1, 0, NULL, 0);
    send(b, 1, TCP_SYN | TCP_ACK, s - 1, c, NULL, 0);
}

static bool heard_is(const struct bench *b, unsigned dir, const void *want, size_t n)
{
    return span_eq(buf_as_span(&b->heard.bytes[dir]), span_of(want, n));
}

static void fill(uint8_t *p, size_t n)
{
    uint32_t x = 12345;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        p[i] = (uint8_t)(x >> 24);
    }
}

/* All 24 orders of four segments, each at a start that makes the numbers wrap somewhere else. */
static void permutations(void)
{
    static const char text[] = "one-two--three---four----";
    const size_t cut[5] = {0, 4, 9, 17, 25};
    unsigned right = 0, tried = 0;
    for (uint32_t start = 0xffffffff - 30; start != 5; start++) {
        for (unsigned p = 0; p < 256; p++) {
            unsigned order[4] = {p & 3, p >> 2 & 3, p >> 4 & 3, p >> 6};
            if (((1u << order[0]) | (1u << order[1]) | (1u << order[2]) | (1u << order[3])) != 15)
                continue;
            struct bench *b = bench_new();
            handshake(b, start, 1);
            for (unsigned i = 0; i < 4; i++) {
                size_t from = cut[order[i]], to = cut[order[i] + 1];
                send(b, 0, TCP_ACK, start + (uint32_t)from, 1, text + from, to - from);
            }
            tried++;
            right += heard_is(b, 0, text, 25) && !b->heard.gaps[0] && !b->tcp.half[0].first &&
                     b->pool.held == 0;
            bench_free(b);
        }
    }
    is_int(tried, 24 * 36);
    is_int(right, tried);
}

/* Random segments with overlap and repetition, in random order, until all was sent. */
static void shuffled(void)
{
    uint8_t text[STREAM_MAX];
    unsigned right = 0;
    fill(text, sizeof text);
    srand(7);
    for (unsigned round = 0; round < 200; round++) {
        struct bench *b = bench_new();
        uint32_t start = (uint32_t)rand() * 2654435761u;
        handshake(b, start, 77);
        for (unsigned i = 0; i < 400; i++) {
            size_t from = (size_t)rand() % sizeof text, n = 1 + (size_t)rand() % 300;
            n = n < sizeof text - from ? n : sizeof text - from;
            send(b, 0, TCP_ACK, start + (uint32_t)from, 77, text + from, n);
        }
        for (size_t from = 0; from < sizeof text; from += 512)
            send(b, 0, TCP_ACK, start + (uint32_t)from, 77, text + from, 512);
        right += heard_is(b, 0, text, sizeof text) && !b->heard.gaps[0] && !b->sink.differing;
        bench_free(b);
    }
    is_int(right, 200);
}

static void overlaps(void)
{
    struct bench *b = bench_new();
    handshake(b, 100, 500);
    send(b, 0, TCP_ACK, 104, 500, "EFGH", 4); /* waits */
    send(b, 0, TCP_ACK, 102, 500, "cdxx", 4); /* its end comes again, otherwise */
    ok(heard_is(b, 0, "", 0), "nothing before the hole is filled");
    send(b, 0, TCP_ACK, 100, 500, "abyyEF", 6);
    ok(heard_is(b, 0, "abcdEFGH", 8), "the first copy of each byte wins");
    is_int(b->sink.differing, 4); /* "xx" over EF, "yy" over cd */
    is_int(b->sink.odd_at, 4);
    send(b, 0, TCP_ACK, 100, 500, "abcdEFGH", 8);
    send(b, 0, TCP_ACK, 106, 500, "GHij", 4);
    ok(heard_is(b, 0, "abcdEFGHij", 10), "a repetition adds what is new");
    is_int(b->heard.gaps[0], 0);
    bench_free(b);
}

static void repetitions(void)
{
    struct bench *b = bench_new();
    handshake(b, 100, 500);
    send(b, 0, TCP_ACK, 100, 500, "first", 5);
    send(b, 0, TCP_ACK, 105, 500, "second", 6);
    send(b, 0, TCP_ACK, 100, 500, "first", 5);
    send(b, 0, TCP_ACK, 105, 500, "second", 6);
    is_int(b->sink.differing, 0);
    send(b, 0, TCP_ACK, 100, 500, "fiRst", 5);
    is_int(b->sink.differing, 5);
    is_int(b->sink.odd_at, 7);
    ok(heard_is(b, 0, "firstsecond", 11), "what was handed on stays");
    bench_free(b);
}

static void probes(void)
{
    struct bench *b = bench_new();
    handshake(b, 100, 500);
    send(b, 0, TCP_ACK, 100, 500, "abc", 3);
    send(b, 0, TCP_ACK, 102, 500, "\0", 1); /* keep-alive: repeats the last byte's place */
    send(b, 0, TCP_ACK, 102, 500, NULL, 0);
    send(b, 0, TCP_ACK, 103, 500, "d", 1); /* zero-window probe, sent again with the rest */
    send(b, 0, TCP_ACK, 103, 500, "def", 3);
    ok(heard_is(b, 0, "abcdef", 6), "keep-alives and window probes add nothing");
    is_int(b->heard.gaps[0], 0);
    bench_free(b);
}

static void losses(void)
{
    struct bench *b = bench_new();
    handshake(b, 100, 500);
    send(b, 0, TCP_ACK, 100, 500, "abc", 3);
    send(b, 0, TCP_ACK, 107, 500, "hij", 3);
    send(b, 1, TCP_ACK, 500, 103, NULL, 0); /* acknowledges only what came before the hole */
    ok(heard_is(b, 0, "abc", 3), "a hole that may still be filled waits");
    send(b, 1, TCP_ACK, 500, 110, NULL, 0);
    ok(heard_is(b, 0, "abchij", 6), "the peer has more: the hole is given up");
    is_int(b->heard.lost[0], 4);
    is_int(b->heard.gap_packet, 4);
    send(b, 0, TCP_ACK, 113, 500, "nop", 3);
    send(b, 0, TCP_FIN | TCP_ACK, 120, 500, NULL, 0);
    bench_end(b);
    ok(heard_is(b, 0, "abchijnop", 9), "what waits comes out at the end");
    is_int(b->heard.lost[0], 4 + 3 + 4);
    is_int(b->heard.gaps[0], 3);
    bench_free(b);

    b = bench_new(); /* bytes that only an acknowledgment tells of */
    handshake(b, 100, 500);
    send(b, 0, TCP_ACK, 100, 500, "abc", 3);
    send(b, 1, TCP_ACK, 500, 123, NULL, 0);
    bench_end(b);
    is_int(b->heard.lost[0], 20);
    bench_free(b);
}

static void bounded(void)
{
    static uint8_t block[65536];
    struct bench *b = bench_new();
    handshake(b, 100, 500);
    size_t sent = 0, most = 0;
    for (uint32_t i = 0; i < 64; i++) { /* 4 MiB behind a hole of ten bytes, one-sided */
        send(b, 0, TCP_ACK, 110 + i * 65536, 500, block, sizeof block);
        sent += sizeof block;
        most = b->tcp.half[0].held > most ? b->tcp.half[0].held : most;
    }
    ok(most <= TCP_HELD_MAX, "waiting bytes stay within the limit");
    is_int(b->heard.lost[0], 10);
    is_int(b->heard.bytes[0].n, sent);
    bench_free(b);

    b = bench_new();
    handshake(b, 100, 500);
    for (uint32_t i = 0; i < 5000; i++) /* every second byte */
        send(b, 0, TCP_ACK, 101 + i * 2, 500, "x", 1);
    ok(b->tcp.half[0].pieces <= TCP_PIECES_MAX, "and so do the pieces");
    bench_end(b);
    is_int(b->heard.bytes[0].n, 5000);
    is_int(b->heard.lost[0], 5000);
    is_int(b->pool.held, 0);
    bench_free(b);
}

static void cut_segments(void)
{
    struct bench *b = bench_new();
    struct packet s = {.transport = PACKET_TCP,
                       .tcp_flags = TCP_ACK,
                       .ack = 500,
                       .cut = true,
                       .length = 100,
                       .payload = span_of("abcdef", 6)};
    handshake(b, 100, 500);
    s.seq = 200; /* early: waits with its missing end */
    tcp_segment(&b->tcp, 0, &s, &b->at, &b->pool, &b->sink);
    s.seq = 100;
    tcp_segment(&b->tcp, 0, &s, &b->at, &b->pool, &b->sink);
    send(b, 0, TCP_ACK, 300, 500, "ghi", 3);
    ok(heard_is(b, 0, "abcdefabcdefghi", 15), "bytes cut by the snap length make a known hole");
    is_int(b->heard.cut[0], 2 * 94);
    is_int(b->heard.lost[0], 0);
    bench_free(b);
}

static void lives(void)
{
    struct bench *b = bench_new();
    handshake(b, 100, 500);
    send(b, 0, TCP_ACK | TCP_FIN, 100, 500, "bye", 3);
    is_int(send(b, 1, TCP_ACK, 500, 104, "ok", 2), TCP_TAKEN);
    is_int(send(b, 1, TCP_FIN | TCP_ACK, 502, 104, NULL, 0), TCP_ENDED);
    ok(heard_is(b, 0, "bye", 3) && heard_is(b, 1, "ok", 2), "both sides up to their FIN");
    bench_end(b);
    is_int(b->heard.gaps[0] + b->heard.gaps[1], 0);
    is_int(send(b, 0, TCP_ACK | TCP_FIN, 100, 500, "bye", 3), TCP_TAKEN); /* an echo */
    is_int(send(b, 0, TCP_ACK, 104, 503, NULL, 0), TCP_TAKEN);
    ok(heard_is(b, 0, "bye", 3), "an echo adds nothing");
    is_int(send(b, 0, TCP_SYN, 99, 0, NULL, 0), TCP_TAKEN);
    is_int(send(b, 0, TCP_SYN, 7000, 0, NULL, 0), TCP_ANEW); /* the port is used again */
    is_int(send(b, 0, TCP_ACK, 9000, 800, "x", 1), TCP_ANEW);
    bench_free(b);

    b = bench_new(); /* a reset far off is none of this connection */
    handshake(b, 100, 500);
    send(b, 0, TCP_ACK, 100, 500, "abc", 3);
    is_int(send(b, 1, TCP_RST, 500 + (TCP_RST_WINDOW + 5), 0, NULL, 0), TCP_TAKEN);
    is_int(send(b, 1, TCP_RST, 500, 0, NULL, 0), TCP_ENDED);
    is_int(send(b, 0, TCP_ACK, 100, 500, "abc", 3), TCP_TAKEN);
    is_int(send(b, 0, TCP_ACK, 103, 500, "def", 3), TCP_ANEW); /* it went on all the same */
    bench_free(b);

    b = bench_new(); /* open before the capture began, late bytes of before */
    send(b, 0, TCP_ACK, 5000, 900, "middle", 6);
    send(b, 1, TCP_ACK, 900, 5006, "there", 5);
    send(b, 0, TCP_ACK, 4990, 905, "before----", 10);
    ok(heard_is(b, 0, "middle", 6) && heard_is(b, 1, "there", 5), "starts at the first byte seen");
    is_int(b->sink.late, 10);
    bench_free(b);

    b = bench_new(); /* the same, and the first thing seen is a keep-alive probe */
    send(b, 0, TCP_ACK, 4999, 900, "\0", 1);
    send(b, 0, TCP_ACK, 5000, 900, "middle", 6);
    ok(heard_is(b, 0, "middle", 6), "a probe's byte is not the stream's");
    bench_free(b);

    b = bench_new(); /* both ask at once (RFC 9293, figure 7) */
    send(b, 0, TCP_SYN, 99, 0, NULL, 0);
    send(b, 1, TCP_SYN, 499, 0, NULL, 0);
    send(b, 0, TCP_SYN | TCP_ACK, 99, 500, NULL, 0);
    send(b, 1, TCP_SYN | TCP_ACK, 499, 100, NULL, 0);
    send(b, 0, TCP_ACK, 100, 500, "left", 4);
    send(b, 1, TCP_ACK, 500, 104, "right", 5);
    ok(heard_is(b, 0, "left", 4) && heard_is(b, 1, "right", 5), "simultaneous open");
    is_int(b->heard.gaps[0] + b->heard.gaps[1], 0);
    bench_free(b);

    b = bench_new(); /* data in the SYN (RFC 7413) */
    send(b, 0, TCP_SYN, 99, 0, "fast", 4);
    send(b, 0, TCP_ACK, 104, 500, "open", 4);
    ok(heard_is(b, 0, "fastopen", 8), "data in the SYN");
    bench_free(b);
}

static void wrap_long(void)
{
    static uint8_t block[60000];
    struct bench *b = bench_new();
    handshake(b, 0xfffffff0u, 1);
    uint64_t sent = 0;
    fill(block, sizeof block);
    for (unsigned i = 0; sent < (5ull << 30); i++) { /* once round the numbers and more */
        send(b, 0, TCP_ACK, (uint32_t)(0xfffffff0u + sent), 1, block, sizeof block);
        sent += sizeof block;
        b->heard.bytes[0].n = 0;
    }
    is_int(b->heard.gaps[0], 0);
    is_int(b->sink.late, 0);
    is_int((uint32_t)(b->tcp.half[0].next - 0xfffffff0u), (uint32_t)sent);
    bench_free(b);
}

int main(void)
{
    permutations();
    shuffled();
    overlaps();
    repetitions();
    probes();
    losses();
    bounded();
    cut_segments();
    lives();
    wrap_long();
    return tap_done();
}
