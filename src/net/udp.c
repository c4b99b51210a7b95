#include "net/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "net/dns_server.h"
#include "net/raw_server.h"
#include "wire/dns.h"
#include "wire/proxy.h"

/* Buffers lie an odd number of cache lines apart, so that their beginnings do not all fall into the
 * same few sets of the cache. */
#define IN_STRIDE     (65536u + 192)
#define OUT_STRIDE    (UDP_ANSWER + 192u)
#define CONTROL_BYTES 64

_Static_assert(CMSG_SPACE(sizeof(struct in6_pktinfo)) <= CONTROL_BYTES &&
                   CMSG_SPACE(sizeof(struct sockaddr_in6)) <= CONTROL_BYTES,
               "an address fits");

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct udp_batch {
    struct mmsghdr in[UDP_BATCH], out[UDP_BATCH];
    struct iovec in_bytes[UDP_BATCH], out_bytes[UDP_BATCH];
    union address from[UDP_BATCH];
    struct authority_ahead ahead[UDP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[UDP_BATCH][CONTROL_BYTES];
    unsigned used; /* of in[], since it was last made ready */
    const struct listener *ready_for;
    unsigned answers;
    uint8_t *memory;
};

struct udp_batch *udp_batch_new(void)
{
    struct udp_batch *b = calloc(1, sizeof *b);
    void *memory = mmap(NULL, (size_t)UDP_BATCH * (IN_STRIDE + OUT_STRIDE), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (!b || memory == MAP_FAILED)
        abort();
    b->memory = memory;
    for (unsigned i = 0; i < UDP_BATCH; i++) {
        b->in_bytes[i] = (struct iovec){b->memory + (size_t)i * IN_STRIDE, 65535};
        b->out_bytes[i].iov_base =
            b->memory + (size_t)UDP_BATCH * IN_STRIDE + (size_t)i * OUT_STRIDE;
        b->in[i].msg_hdr.msg_iov = &b->in_bytes[i];
        b->out[i].msg_hdr.msg_iov = &b->out_bytes[i];
        b->in[i].msg_hdr.msg_iovlen = b->out[i].msg_hdr.msg_iovlen = 1;
        b->in[i].msg_hdr.msg_name = &b->from[i];
    }
    return b;
}

void udp_batch_free(struct udp_batch *b)
{
    if (b)
        munmap(b->memory, (size_t)UDP_BATCH * (IN_STRIDE + OUT_STRIDE));
    free(b);
}

/* Sets what the kernel wrote over. */
static void make_ready(struct udp_batch *b, const struct listener *l)
{
    bool told = l->wildcard || l->config->transparent; /* where each went */
    unsigned n = b->ready_for == l ? b->used : UDP_BATCH;
    for (unsigned i = 0; i < n; i++) {
        struct msghdr *h = &b->in[i].msg_hdr;
        h->msg_namelen = sizeof b->from[i];
        h->msg_control = told ? b->control[i] : NULL;
        h->msg_controllen = told ? CONTROL_BYTES : 0;
    }
    b->ready_for = l;
    b->used = 0;
}

static void take_source(const union address *a, struct net_peer *peer)
{
    if (a->any.sa_family == AF_INET) {
        peer->src = ip_from_bytes((const uint8_t *)&a->v4.sin_addr, false);
        peer->src_port = be16_get((const uint8_t *)&a->v4.sin_port);
    } else {
        peer->src = ip_from_bytes((const uint8_t *)&a->v6.sin6_addr, true);
        peer->src_port = be16_get((const uint8_t *)&a->v6.sin6_port);
    }
}

/* Sends from that address, whatever the route out. */
static void put_pktinfo(struct msghdr *h, const struct ip *from)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    if (ip_is_v4(from)) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, from->b + 12, 4);
        c->cmsg_level = SOL_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        h->msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, from->b, 16);
        c->cmsg_level = SOL_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        h->msg_controllen = CMSG_SPACE(sizeof info);
    }
}

/* Where the datagram went, from what the kernel put beside it, which then says where the answer
 * comes from. */
static void take_destination(struct msghdr *h, struct net_peer *peer)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(h);
    const uint8_t *data = c ? CMSG_DATA(c) : NULL;
    if (!c)
        return; /* a socket without that option: the address it is bound to stands */
    if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, data, sizeof info);
        peer->dst = ip_from_bytes((const uint8_t *)&info.ipi_addr, false);
        info.ipi_spec_dst = info.ipi_addr;
        info.ipi_ifindex = 0; /* the route back need not be the way in */
        memcpy(CMSG_DATA(c), &info, sizeof info);
        return;
    }
    if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, data, sizeof info);
        peer->dst = ip_from_bytes((const uint8_t *)&info.ipi6_addr, true);
        if (!IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr))
            info.ipi6_ifindex = 0;
        memcpy(CMSG_DATA(c), &info, sizeof info);
        return;
    }
    union address to;
    memcpy(&to, data,
           c->cmsg_len - CMSG_LEN(0) < sizeof to ? c->cmsg_len - CMSG_LEN(0) : sizeof to);
    struct net_peer asked;
    take_source(&to, &asked);
    peer->dst = asked.src;
    peer->dst_port = asked.src_port;
    put_pktinfo(h, &peer->dst);
}

/* Strips a balancer's header. False: it has none, or is no balancer. */
static bool take_proxy(const struct sensor *s, struct net_peer *peer, struct span *data)
{
    struct proxy_header h;
    if (!sensor_is_balancer(s, &peer->src) || proxy_parse(*data, &h) != 1 || h.version != 2)
        return false;
    *data = span_of(data->p + h.length, data->n - h.length);
    if (h.local)
        return true; /* the balancer's own query */
    if (!h.udp)
        return false;
    peer->via = peer->src;
    peer->src = h.src;
    peer->src_port = h.src_port;
    peer->dst = h.dst;
    peer->dst_port = h.dst_port;
    return true;
}

static void answer(struct sensor *s, const struct net_peer *peer, struct span query,
                   struct msghdr *to)
{
    struct udp_batch *b = s->udp;
    struct iovec *bytes = &b->out_bytes[b->answers];
    bytes->iov_len = s->setup->datagram
                         ? s->setup->datagram(&s->env, peer, query, bytes->iov_base, UDP_ANSWER)
                         : dns_server_answer(&s->env, peer, query, bytes->iov_base, UDP_ANSWER);
    if (!bytes->iov_len)
        return;
    struct msghdr *h = &b->out[b->answers++].msg_hdr;
    h->msg_name = to->msg_name;
    h->msg_namelen = to->msg_namelen;
    h->msg_control = to->msg_controllen ? to->msg_control : NULL;
    h->msg_controllen = to->msg_controllen;
}

static void take_datagram(struct sensor *s, const struct listener *l, unsigned i)
{
    struct udp_batch *b = s->udp;
    struct msghdr *h = &b->in[i].msg_hdr;
    struct span data = span_of(b->in_bytes[i].iov_base, b->in[i].msg_len);
    struct net_peer peer = {.dst = l->ip, .dst_port = l->port};
    take_source(&b->from[i], &peer);
    if (h->msg_controllen)
        take_destination(h, &peer);
    if (l->config->proxy && !take_proxy(s, &peer, &data)) {
        net_count(&s->env, proxy_refused, 1);
        return;
    }
    if (l->config->protocol != NET_DNS)
        raw_server_datagram(&s->env, &peer, data);
    else if (b->from[i].v4.sin_port) /* there is no answering to port 0 (RFC 768) */
        answer(s, &peer, data, h);
    arena_reset(s->env.arena);
}

/* What the answers of a batch will look at in the table, while there is other work to do. */
static void look_ahead(struct sensor *s, const struct listener *l)
{
    struct udp_batch *b = s->udp;
    if (l->config->protocol != NET_DNS || l->config->proxy)
        return;
    for (unsigned i = 0; i < b->used; i++) {
        size_t n = b->in[i].msg_len;
        const uint8_t *p = b->in_bytes[i].iov_base;
        authority_ahead(s->env.authority,
                        span_of(p + DNS_HEADER_LEN, n > DNS_HEADER_LEN ? n - DNS_HEADER_LEN : 0),
                        &b->ahead[i]);
    }
    for (unsigned i = 0; i < b->used; i++)
        authority_ahead_more(s->env.authority, &b->ahead[i]);
}

/* Answers that the kernel has no room for are lost, as they might be on the way; the client asks
 * again. One that it will not send at all (to a broadcast address, say) is passed over. */
static void send_answers(struct sensor *s, const struct listener *l)
{
    struct udp_batch *b = s->udp;
    uint64_t bytes = 0;
    for (unsigned at = 0; at < b->answers;) {
        int n = sendmmsg(l->source.fd, b->out + at, b->answers - at, MSG_DONTWAIT | MSG_NOSIGNAL);
        for (int i = 0; i < n; i++)
            bytes += b->out_bytes[at + (unsigned)i].iov_len;
        if (n > 0)
            at += (unsigned)n;
        else if (errno == EAGAIN || errno == ENOBUFS)
            break;
        else if (errno != EINTR)
            at++;
    }
    b->answers = 0;
    net_count(&s->env, sent_bytes, bytes);
}

void udp_serve(struct sensor *s, const struct listener *l)
{
    struct udp_batch *b = s->udp;
    for (int round = 0; round < UDP_ROUNDS; round++) {
        make_ready(b, l);
        int n = recvmmsg(l->source.fd, b->in, UDP_BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            return; /* nothing, or an error that was an earlier answer's */
        uint64_t bytes = 0;
        b->used = (unsigned)n;
        if (round)
            sensor_clock(s);
        look_ahead(s, l);
        for (unsigned i = 0; i < b->used; i++) {
            bytes += b->in[i].msg_len;
            take_datagram(s, l, i);
        }
        net_count(&s->env, received_bytes, bytes);
        send_answers(s, l);
        if (n < UDP_BATCH)
            return;
    }
}
