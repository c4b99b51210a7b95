#include "import/reassembly.h"

#include <stdlib.h>
#include <xxhash.h>

#define PIECE_USUAL                                                                                \
    2048 /* bytes of a pooled piece, its head included: a segment of a usual MTU                   \
          */
#define SPARES_MAX 4096
#define START_WAY  (1u << 30) /* how far `start` stays behind `next` */

struct tcp_piece {
    struct tcp_piece *next;
    uint32_t seq;
    uint32_t sent;     /* bytes it stands for */
    uint32_t n;        /* bytes captured of them */
    uint32_t capacity; /* with this head */
    struct packet_at at;
    uint8_t bytes[];
};

/* a - b on the circle of sequence numbers */
static int32_t after(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b);
}

static struct tcp_piece *piece_new(struct tcp_pool *pool, size_t n)
{
    size_t size = sizeof(struct tcp_piece) + n;
    struct tcp_piece *x;
    if (size <= PIECE_USUAL && pool->spare) {
        x = pool->spare;
        pool->spare = x->next;
        pool->spares--;
    } else {
        size = size < PIECE_USUAL ? PIECE_USUAL : size;
        if (!(x = malloc(size)))
            abort();
        x->capacity = (uint32_t)size;
    }
    pool->held += x->capacity;
    return x;
}

static void piece_free(struct tcp_pool *pool, struct tcp_piece *x)
{
    pool->held -= x->capacity;
    if (x->capacity != PIECE_USUAL || pool->spares == SPARES_MAX) {
        free(x);
        return;
    }
    x->next = pool->spare;
    pool->spare = x;
    pool->spares++;
}

void tcp_pool_free(struct tcp_pool *pool)
{
    for (struct tcp_piece *x = pool->spare, *next; x; x = next) {
        next = x->next;
        free(x);
    }
    *pool = (struct tcp_pool){0};
}

void tcp_init(struct tcp *t)
{
    *t = (struct tcp){0};
}

/* A run of bytes on its way in: `n` captured of `sent`. */
struct run {
    uint32_t seq, sent, n;
    const uint8_t *p;
};

static void run_advance(struct run *r, uint32_t by)
{
    uint32_t n = by < r->n ? by : r->n;
    r->seq += by;
    r->sent -= by;
    r->p += n;
    r->n -= n;
}

struct way { /* what every step needs */
    struct tcp_half *h;
    unsigned dir;
    struct tcp_pool *pool;
    struct tcp_sink *sink;
};

static void odd(struct tcp_sink *sink, uint64_t *count, uint32_t n, const struct packet_at *at)
{
    if (!sink->odd_at)
        sink->odd_at = at->number;
    *count += n;
}

static uint32_t hash_of(const struct run *r)
{
    return (uint32_t)XXH3_64bits(r->p, r->n);
}

static void remember(struct tcp_half *h, const struct run *r)
{
    h->seen[h->seen_next] = (struct tcp_seen){r->seq, r->n, hash_of(r)};
    h->seen_next = (uint8_t)((h->seen_next + 1) % TCP_SEEN_MAX);
}

/* A segment that was handed on comes again. */
static void compare_seen(const struct way *w, const struct run *r, const struct packet_at *at)
{
    for (unsigned i = 0; i < TCP_SEEN_MAX; i++) {
        const struct tcp_seen *s = &w->h->seen[i];
        if (s->seq == r->seq && s->n == r->n && s->n && s->hash != hash_of(r))
            odd(w->sink, &w->sink->differing, r->n, at);
    }
}

/* Hands on a run that starts at h->next. */
static void deliver(const struct way *w, const struct run *r, const struct packet_at *at)
{
    struct tcp_half *h = w->h;
    h->next = r->seq + r->sent;
    h->delivered = true;
    if (after(h->next, h->start) > (int32_t)START_WAY || after(h->next, h->start) < 0)
        h->start = h->next - START_WAY;
    if (r->n) {
        remember(h, r);
        w->sink->data(w->sink->ctx, w->dir, span_of(r->p, r->n), at);
    }
    if (r->n < r->sent)
        w->sink->gap(w->sink->ctx, w->dir, r->sent - r->n, TCP_GAP_CUT, at);
}

static void pop_first(const struct way *w)
{
    struct tcp_piece *x = w->h->first;
    w->h->first = x->next;
    if (!x->next)
        w->h->last = NULL;
    w->h->held -= x->n;
    w->h->pieces--;
    piece_free(w->pool, x);
}

/* Hands on the waiting pieces that have come in order. */
static void drain(const struct way *w)
{
    for (struct tcp_piece *x; (x = w->h->first) && after(x->seq, w->h->next) <= 0;) {
        struct run r = {x->seq, x->sent, x->n, x->bytes};
        uint32_t old = w->h->next - x->seq;
        if (old < r.sent) {
            run_advance(&r, old);
            deliver(w, &r, &x->at);
        }
        pop_first(w);
    }
}

/* Gives up the hole before the first waiting piece. */
static void skip_hole(const struct way *w)
{
    struct tcp_piece *x = w->h->first;
    uint32_t lost = x->seq - w->h->next;
    w->h->next = x->seq;
    w->sink->gap(w->sink->ctx, w->dir, lost, TCP_GAP_LOST, &x->at);
    drain(w);
}

/* Makes a piece of the run's first `sent` bytes, behind `before` (NULL: at the front). */
static struct tcp_piece *insert(const struct way *w, struct tcp_piece *before, const struct run *r,
                                uint32_t sent, const struct packet_at *at)
{
    struct tcp_half *h = w->h;
    uint32_t n = r->n < sent ? r->n : sent;
    struct tcp_piece *x = piece_new(w->pool, n);
    x->seq = r->seq;
    x->sent = sent;
    x->n = n;
    x->at = *at;
    if (n)
        memcpy(x->bytes, r->p, n);
    struct tcp_piece **link = before ? &before->next : &h->first;
    x->next = *link;
    *link = x;
    if (!x->next)
        h->last = x;
    h->held += n;
    h->pieces++;
    return x;
}

/* Compares what came again with the copy that waits; both start at r->seq. */
static void compare(const struct way *w, const struct tcp_piece *x, const struct run *r, uint32_t n,
                    const struct packet_at *at)
{
    uint32_t skip = r->seq - x->seq;
    uint32_t have = x->n > skip ? x->n - skip : 0;
    n = n < have ? n : have;
    n = n < r->n ? n : r->n;
    if (n && memcmp(x->bytes + skip, r->p, n) != 0)
        odd(w->sink, &w->sink->differing, n, at);
}

/* Puts a run into the waiting list, only where no other copy waits. */
static void keep(const struct way *w, struct run r, const struct packet_at *at)
{
    struct tcp_half *h = w->h;
    struct tcp_piece *before = NULL, *x = h->first;
    if (h->last && after(r.seq, h->last->seq + h->last->sent) >= 0) {
        before = h->last; /* behind all others, as nearly always */
        x = NULL;
    }
    while (r.sent) {
        while (x && after(x->seq + x->sent, r.seq) <= 0) {
            before = x;
            x = x->next;
        }
        uint32_t room = x && after(x->seq, r.seq) > 0 ? x->seq - r.seq : 0;
        if (!x || room) {
            uint32_t n = !x || room > r.sent ? r.sent : room;
            before = insert(w, before, &r, n, at);
            run_advance(&r, n);
        } else {
            uint32_t n = x->seq + x->sent - r.seq;
            n = n < r.sent ? n : r.sent;
            compare(w, x, &r, n, at);
            run_advance(&r, n);
        }
    }
}

/* What the list cannot hold is let go of from its front. */
static void bound(const struct way *w)
{
    while (w->h->held > TCP_HELD_MAX || w->h->pieces > TCP_PIECES_MAX)
        skip_hole(w);
}

static void take_payload(const struct way *w, struct run r, const struct packet_at *at)
{
    struct tcp_half *h = w->h;
    int32_t ahead = after(r.seq, h->next);
    if (h->closed || (ahead > 0 && (uint32_t)ahead > TCP_AHEAD_MAX)) {
        bool again = ahead < 0 && h->next - r.seq >= r.sent;
        if (!again)
            odd(w->sink, &w->sink->late, r.sent, at);
        return;
    }
    if (ahead < 0) { /* seen before, in part or whole */
        if (after(r.seq, h->start) < 0 && (r.sent > 1 || after(r.seq, h->start) < -1)) {
            uint32_t before = h->start - r.seq;
            odd(w->sink, &w->sink->late, before < r.sent ? before : r.sent, at);
        }
        compare_seen(w, &r, at);
        uint32_t old = h->next - r.seq;
        if (old >= r.sent)
            return;
        run_advance(&r, old);
    }
    if (r.seq == h->next && (!h->first || after(h->first->seq, r.seq + r.sent) >= 0)) {
        deliver(w, &r, at);
        if (h->first)
            drain(w);
        return;
    }
    keep(w, r, at);
    drain(w);
    bound(w);
}

/* The peer says what it has: holes before that will not be filled. */
static void take_ack(const struct way *w, uint32_t ack)
{
    struct tcp_half *h = w->h;
    if (!h->known || after(ack, h->next) > (int32_t)TCP_AHEAD_MAX)
        return;
    if (!h->has_acked || after(ack, h->acked) > 0)
        h->acked = ack;
    h->has_acked = true;
    while (h->first && after(ack, h->first->seq) >= 0)
        skip_hole(w);
}

static enum tcp_verdict take_syn(struct tcp *t, struct tcp_half *h, const struct packet *s)
{
    uint32_t start = s->seq + 1;
    if (h->known && h->start == start && !(t->over && !h->delivered)) {
        h->syn = true;
        return TCP_TAKEN;
    }
    bool fresh = !t->over && !h->delivered && !h->first && !h->has_fin;
    if (h->known && !(fresh && (s->tcp_flags & TCP_ACK)))
        return TCP_ANEW;
    if (!h->known && t->over)
        return TCP_ANEW;
    h->known = h->syn = true;
    h->start = h->next = start;
    return TCP_TAKEN;
}

/* A half whose SYN was not seen starts at its first byte. One zero byte may be a keep-alive probe,
 * which repeats a byte that the peer has (RFC 9293, 3.8.4): it is not the first. */
static void start_without_syn(struct tcp_half *h, const struct packet *s)
{
    bool probe = s->length == 1 && s->payload.n == 1 && s->payload.p[0] == 0;
    h->known = true;
    h->start = h->next = s->seq + probe;
}

/* A segment on a connection that is over: an echo of it, or a sign that it goes on. */
static enum tcp_verdict take_late(struct tcp_half *h, const struct packet *s)
{
    if (!s->length)
        return TCP_TAKEN;
    bool echo = h->known && after(s->seq, h->start) >= -1 &&
                after(s->seq + s->length, h->closed ? h->next + 1 : h->next) <= 0;
    return echo ? TCP_TAKEN : TCP_ANEW;
}

static bool reset_counts(const struct tcp_half *h, const struct packet *s)
{
    int32_t off = after(s->seq, h->next);
    return !h->known || (off <= (int32_t)TCP_RST_WINDOW && off >= -(int32_t)TCP_RST_WINDOW) ||
           (s->seq == 0 && (s->tcp_flags & TCP_ACK) == 0);
}

static void take_fin(struct tcp_half *h, uint32_t seq)
{
    if (!h->has_fin && after(seq, h->next) >= 0) {
        h->has_fin = true;
        h->fin = seq;
    }
}

enum tcp_verdict tcp_segment(struct tcp *t, unsigned dir, const struct packet *s,
                             const struct packet_at *at, struct tcp_pool *pool,
                             struct tcp_sink *sink)
{
    struct way mine = {&t->half[dir], dir, pool, sink};
    struct way peer = {&t->half[!dir], !dir, pool, sink};
    struct tcp_half *h = mine.h;
    uint8_t flags = s->tcp_flags;
    if ((flags & TCP_SYN) && !(flags & TCP_RST)) {
        if (take_syn(t, h, s) == TCP_ANEW)
            return TCP_ANEW;
    }
    if (t->over)
        return flags & (TCP_SYN | TCP_RST) ? TCP_TAKEN : take_late(h, s);
    if (flags & TCP_ACK)
        take_ack(&peer, s->ack);
    if (flags & TCP_RST) {
        t->over = reset_counts(h, s);
        return t->over ? TCP_ENDED : TCP_TAKEN;
    }
    if (!h->known && (s->length || (flags & TCP_FIN)))
        start_without_syn(h, s);
    struct run r = {s->seq + !!(flags & TCP_SYN), s->length, (uint32_t)s->payload.n, s->payload.p};
    if (flags & TCP_FIN)
        take_fin(h, r.seq + r.sent);
    if (r.sent)
        take_payload(&mine, r, at);
    h->closed = h->has_fin && after(h->next, h->fin) >= 0;
    peer.h->closed = peer.h->has_fin && after(peer.h->next, peer.h->fin) >= 0;
    t->over = h->closed && peer.h->closed;
    return t->over ? TCP_ENDED : TCP_TAKEN;
}

static void end_half(const struct way *w, const struct packet_at *at)
{
    struct tcp_half *h = w->h;
    while (h->first)
        skip_hole(w);
    int32_t lost = 0;
    if (h->has_fin)
        lost = after(h->fin, h->next);
    else if (h->known && h->has_acked && after(h->acked, h->next) > 1) /* 1: a FIN not seen */
        lost = after(h->acked, h->next);
    if (lost > 0)
        w->sink->gap(w->sink->ctx, w->dir, (uint32_t)lost, TCP_GAP_LOST, at);
    h->next += lost > 0 ? (uint32_t)lost : 0;
}

void tcp_end(struct tcp *t, unsigned first, const struct packet_at *at, struct tcp_pool *pool,
             struct tcp_sink *sink)
{
    for (unsigned i = 0; i < 2; i++) {
        unsigned dir = i ? !first : first;
        end_half(&(struct way){&t->half[dir], dir, pool, sink}, at);
    }
    t->over = true;
}
