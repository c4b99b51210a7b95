/* Loop: what the parts of a sensor process share (net/sensor.c, net/conn*.c, net/udp.c). Nobody
 * else includes it. One thread. */
#pragma once

#include <sys/queue.h>

#include "net/limit.h"
#include "net/sensor.h"
#include "net/session.h"
#include "net/timer.h"

#define LOOP_SCRATCH (64u << 10) /* bytes read at once */

/* What epoll's data points at. */
enum source_kind { SOURCE_LINK, SOURCE_STORED, SOURCE_STREAMS, SOURCE_DATAGRAMS, SOURCE_CONN };
struct source {
    enum source_kind kind;
    int fd;
};

/* One socket that was handed down. */
struct listener {
    struct source source;
    const struct net_listener *config;
    struct ip ip; /* bound to; meaningless with `wildcard` */
    uint16_t port;
    bool wildcard, v6;
    bool off; /* not watched for now */
};

struct conn;
TAILQ_HEAD(conn_list, conn);
struct udp_batch;

struct sensor {
    struct net_env env;
    const struct sensor_setup *setup;
    struct arena arena;
    int epoll;
    bool stopping;
    struct authority *authority;

    /* Observations on their way to the recorder. */
    struct ring ring;
    struct buf encoded;
    bool urgent; /* somebody waits for something that was pushed since the last publish */
    struct limit_rates *rates; /* NULL: no limit */

    struct listener *listeners;
    unsigned listeners_count;
    int64_t
        accept_at; /* when listeners that ran out of descriptors are watched again; 0: they are */

    /* Connections: see net/conn.h. */
    struct timers timers;
    struct limit_counts *addresses;
    uint32_t connections;
    struct conn_list silent;  /* said nothing of use yet, oldest first */
    struct conn_list served;  /* the others, longest idle first (to the second) */
    struct conn_list ready;   /* to go on at the next turn without an event */
    struct conn_list waiting; /* for a ticket, lowest first */
    struct conn_list dead;    /* closed in this turn */
    struct conn_list spare;
    uint8_t *scratch;         /* LOOP_SCRATCH bytes */
    struct buf joined, clear; /* bytes that one connection took in: over reads, behind TLS */
    struct buf plain, wire;   /* bytes for one connection: of its session, of TLS */

    struct udp_batch *udp;
};

static inline struct sensor *sensor_of(struct net_env *env)
{
    return env->ctx;
}
/* Sets env->now and env->tick. */
void sensor_clock(struct sensor *s);
/* The address is one of the configured balancers. */
bool sensor_is_balancer(const struct sensor *s, const struct ip *ip);
