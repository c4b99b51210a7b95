/* What the supervisor prepares for the sensors: their config, checked, and their sockets, bound. */
#pragma once

#include "app/config.h"
#include "app/serve/serve_shared.h"
#include "net/sensor.h"

#define SUPERVISE_SOCKETS_MAX (4 * NET_LISTENERS_MAX)

/* By sensor: socket i of each belongs to the same listener and address. */
struct supervise_sockets {
    struct sensor_socket of[SERVE_SENSORS_MAX][SUPERVISE_SOCKETS_MAX];
    unsigned n[SERVE_SENSORS_MAX];
};

/* The config's network side, with the case's sealing key and a fresh secret. What sensors would
 * refuse is refused here: policies, pages and certificates are compiled once for a try. */
int supervise_net_load(const struct config *c, const char *dir, struct net_config *out,
                       struct err *err);
/* Binds for `sensors` processes; a socket that `old` has for the same listener is taken over as it
 * is. */
int supervise_sockets_bind(const struct net_config *net, unsigned sensors,
                           const struct supervise_sockets *old, const struct net_config *old_net,
                           struct supervise_sockets *out, struct err *err);
/* Closes those of `old` that `now` has not taken over. */
void supervise_sockets_close_unused(const struct supervise_sockets *old,
                                    const struct supervise_sockets *now, unsigned sensors);
/* The desk and the public face: likewise; what has no listener stays as it is. NULL: only looked
 * at. */
int supervise_web_bind(const struct config *c, int *desk, int *public, struct err *err);
/* A service with a listener of its own, `key` of the config: where `listen` is set, its certificate is
 * looked at and its socket bound into *fd (NULL: only looked at). Without a certificate it is for
 * loopback alone. */
int supervise_service_bind(const char *key, const char *listen, const char *certificate,
                           const char *private_key, int *fd, struct err *err);
/* The partners' API: its certificate is looked at, and its listener bound where there is one (else
 * *fd is left as it is). `fd` NULL: only looked at. */
int supervise_partners_bind(const struct config_cleanup *c, int *fd, struct err *err);
