/* Sensor: the process that faces the network. It is handed bound sockets, a ring, counters and a
 * link to the supervisor, and from then on opens nothing. net/sensor.c has its loop, net/conn.c a
 * connection's life, net/udp.c the datagrams in batches. */
#pragma once

#include "base/link.h"
#include "base/ring.h"
#include "net/net.h"

/* A socket that was bound for this sensor; `listener` is its number in the config. */
struct sensor_socket {
    int fd;
    bool tcp;
    unsigned listener;
};

/* What a message on the link between supervisor and sensor says (base/link.h, `what`). */
enum sensor_message {
    SENSOR_AUTHORITY = 1, /* to the sensor, with a descriptor: a new table */
    SENSOR_STOP,  /* to the sensor: take no more connections, end those there are within a second */
    SENSOR_READY, /* from the sensor: answers from now on */
};

struct session_type;

struct sensor_setup {
    const struct net_config *config;
    const struct sensor_socket *sockets; /* non-blocking, listening */
    unsigned sockets_count;
    void *ring; /* ring_memory(ring_capacity) bytes, formatted */
    uint64_t ring_capacity;
    struct net_counters *counters;
    int link; /* to the supervisor */
    /* Event descriptors: the sensor writes the first when the recorder sleeps and something is
     * urgent, the recorder the second when the ring's `durable` moved and a ticket waits. */
    int ring_event, stored_event;
    int authority; /* the table to begin with, -1 for none */
    /* Called when everything is prepared, before the first byte. */
    int (*lock_in)(void *ctx, struct err *err);
    void *lock_in_ctx;
    /* For tests and benchmarks; NULL: the real ones. */
    const struct session_type *const *sessions; /* by enum net_protocol */
    size_t (*datagram)(struct net_env *env, const struct net_peer *peer, struct span query,
                       uint8_t *out, size_t cap); /* instead of dns_server_answer */
};
/* Runs until SENSOR_STOP or the link closes; 0, or negative when it cannot go on. No socket is
 * looked at before there is a table: with `authority` -1, READY is said when the first one came.
 * Closes `authority` and the descriptors of later tables; everything else stays the caller's. */
int sensor_run(const struct sensor_setup *setup, struct err *err);

/* Binds the sockets of a listener for one more sensor process (SO_REUSEPORT; IPV6_V6ONLY for IPv6
 * addresses; the wildcard gives one socket a family). At most 4, appended. For the supervisor. */
int sensor_bind(const struct net_listener *l, unsigned number, struct sensor_socket *out,
                unsigned *n, struct err *err);

/* A record on the ring: this, then the event's payload (event_encode), then the blob. */
struct sensor_record {
    int64_t time;
    uint32_t payload, blob; /* lengths */
    uint8_t kind;           /* enum event_kind */
    uint8_t wanted;         /* somebody waits for this to be durable */
    uint8_t zero[6];
};
