/* Live: plays a scenario's contacts against a sinkhole on this machine, over DNS, HTTP, SMTP and
 * raw TCP. It speaks to loopback addresses only and refuses any other. */
#pragma once

#include "base/ip.h"
#include "sim/model.h"

#define LIVE_WINDOW_MAX 1024 /* contacts under way, of each kind of transport */

struct live_target {
    struct ip to;
    uint16_t port[4]; /* by enum scenario_kind; 0: such contacts are left out */
    bool proxy;       /* a PROXY v2 header carries the scenario's own addresses */
    unsigned window;
};

/* What became of the contacts. */
struct live_counts {
    uint64_t sent, answered, failed, resent;
};

/* One contact's place in the scenario. */
struct live_contact {
    const struct model *m;
    const struct model_checkin *c;
    uint32_t day;
};

/* The address that the contact comes from: its own behind PROXY, else one of 127.0.0.0/8 that no
 * other has. -EINVAL when the target is not loopback or 127.0.0.0/8 is too small for the scenario.
 */
int live_check(const struct live_target *t, const struct model *m, struct err *err);
struct ip live_source(const struct live_target *t, const struct live_contact *c);
/* Whom the contact is for: the scenario's sensor behind PROXY, else the target. */
struct ip live_destination(const struct live_target *t, const struct live_contact *c);

/* Datagrams: each is waited for, and sent again once when no answer comes. */
struct live_udp;
int live_udp_new(const struct live_target *t, struct live_udp **out, struct err *err);
/* Sends one; blocks while the window is full. */
int live_udp_contact(struct live_udp *u, const struct live_contact *c, struct err *err);
/* Sends what waits to be sent, takes the answers that are there. */
int live_udp_tend(struct live_udp *u, struct err *err);
/* Waits for what is under way. */
int live_udp_end(struct live_udp *u, struct live_counts *counts, struct err *err);

/* Connections, one for each contact. */
struct live_tcp;
int live_tcp_new(const struct live_target *t, struct live_tcp **out, struct err *err);
int live_tcp_contact(struct live_tcp *l, const struct live_contact *c, struct err *err);
/* Goes on with the connections that want it; waits for them at most so long. */
void live_tcp_tend(struct live_tcp *l, int ms);
int live_tcp_end(struct live_tcp *l, struct live_counts *counts, struct err *err);

struct options;
/* `ebb-sim live`. */
int live_run(const struct options *o, struct model *m, uint32_t days, struct err *err);
