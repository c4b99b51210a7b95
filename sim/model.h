/* The botnet: infected hosts behind subscriber lines, day by day. doc/simulator.md describes it.
 *
 * A line has one address at a time and draws a new one when its lease ends; a host sits behind one
 * line, several behind one where there is NAT; a host is infected until it is cleaned, may be
 * infected again, and makes contact on some days. Scanners and sandboxes visit from fixed
 * addresses. Days must be run in order. */
#pragma once

#include "base/err.h"
#include "sim/pool.h"
#include "sim/scenario.h"

enum model_role { MODEL_INFECTED, MODEL_SCANNER, MODEL_SANDBOX };
#define MODEL_ROLES 3

#define MODEL_DAY_SECONDS  86400u
#define MODEL_NEVER        UINT32_MAX
#define MODEL_CHECKINS_MAX 64 /* of a host on a day; beacons as many as their interval gives */

/* One contact with a sinkhole. */
struct model_checkin {
    uint32_t second;  /* of the day */
    uint32_t address; /* pool index */
    uint32_t net;     /* pool network */
    uint32_t whom;    /* host; for scanners and sandboxes their number */
    uint16_t port;    /* source port */
    uint16_t sensor;  /* index of the scenario's sensors */
    uint16_t nth;     /* of this host on this day, from 0 */
    uint8_t family;
    uint8_t role;
};

/* What is true of one day apart from the contacts. */
struct model_day {
    uint32_t day;
    uint32_t alive;      /* hosts infected at the day's start, those of `reinfected` among them */
    uint32_t cleaned;    /* during the day */
    uint32_t reinfected; /* at its start */
    uint32_t seen;       /* of the infected hosts, those that made contact */
    uint32_t alive_told, cleaned_told; /* of those above, in networks that were told */
};

struct model_host {
    uint32_t clean_at; /* seconds from the start: infected until then; 0: not infected */
    uint32_t back_day; /* day of reinfection, MODEL_NEVER for none */
    uint16_t infections;
    uint16_t since_day; /* of the latest infection */
    uint8_t family;
};

struct model_line {
    uint32_t address, net; /* POOL_NONE: it has none now */
    uint32_t renew_at;     /* seconds from the start, or MODEL_NEVER */
    uint32_t leases;       /* addresses drawn so far */
    uint32_t first_host;
    uint16_t hosts, infected, waiting; /* waiting: to be infected again */
    uint16_t next_port;
    uint16_t as;
    bool v6, told;
    uint32_t last_address, last_net; /* as address and net, also when it has none now */
};

/* A scanner or sandbox. */
struct model_actor {
    const struct scenario_actors *of;
    uint32_t address, net;
    uint16_t next_port;
    uint8_t role;
};

/* Networks that were told, and from when on their hosts are cleaned faster. */
struct model_told {
    uint32_t day; /* MODEL_NEVER: nobody is told */
    double hazard;
    struct net *nets; /* ordered, none within another */
    uint32_t *ases;
    size_t n_nets, n_ases;
    uint32_t lines, hosts; /* that are told, once they were; hosts infected or not */
};

struct model {
    const struct scenario *s;
    struct pool *pool;
    uint64_t seed;
    uint32_t n_hosts, n_lines, n_actors;
    struct model_host *hosts;
    struct model_line *lines;
    struct model_actor *actors;
    uint32_t *as_hosts; /* hosts by AS */
    uint32_t *as_lines; /* lines by AS */
    uint16_t sensors4[SCENARIO_SENSORS_MAX], sensors6[SCENARIO_SENSORS_MAX];
    unsigned n_sensors4, n_sensors6;
    double family_upto[SCENARIO_FAMILIES_MAX]; /* running sums of shares, the last is 1 */
    double extra_checkins; /* exp(-(mean - 1)): a day's contacts are 1 + Poisson */
    struct model_told told;
    uint8_t hour_of[4096]; /* local hours, each as often as it has contacts */
    struct model_checkin *checkins, *sorted;
    size_t n_checkins, cap_checkins, cap_sorted;
};

/* The infected population at the start: `scale` times the scenario's hosts, scanners and sandboxes
 * (rounded; at least one of each kind that there is). The scenario must outlive the model. -EINVAL
 * when an AS has too few addresses for its lines. */
int model_new(const struct scenario *s, uint64_t seed, double scale, const char *where,
              struct model **out, struct err *err);
void model_free(struct model *m);

/* From that day on (before it is run) the hosts of some networks are cleaned at `hazard` times the
 * rate that they would be: those on lines whose latest address, at the day's start, is of the list.
 * A line of the list is a prefix, an address or "AS64500"; empty lines and what is behind # are
 * passed over. No random number changes. -EINVAL names the line. */
int model_tell(struct model *m, struct span list, const char *where, uint32_t day, double hazard,
               struct err *err);

/* Runs the next day. *checkins, ordered by second, stays valid until the next call. */
int model_run_day(struct model *m, uint32_t day, struct model_day *out,
                  const struct model_checkin **checkins, size_t *n, struct err *err);
