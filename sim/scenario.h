/* A scenario: what botnet to make up. Read from YAML, strictly: an unknown key, a value out of its
 * range, a prefix used twice are errors that name the key. doc/simulator.md lists the keys. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/ip.h"

/* Limits of one scenario. */
#define SCENARIO_FILE_MAX      (8u << 20)
#define SCENARIO_DAYS_MAX      3660
#define SCENARIO_HOSTS_MAX     (64u << 20)
#define SCENARIO_SCALE_MAX     16.0
#define SCENARIO_FAMILIES_MAX  16
#define SCENARIO_ASES_MAX      4096
#define SCENARIO_NETWORKS_MAX  32768
#define SCENARIO_ADDRESSES_MAX (1u << 30) /* in all networks together */
#define SCENARIO_SENSORS_MAX   256
#define SCENARIO_ACTORS_MAX    100000 /* scanners and sandboxes of one group */
#define SCENARIO_TEXT_MAX      1024   /* bytes of one text */
#define SCENARIO_HEADERS_MAX   32
#define SCENARIO_BODY_MAX      1000 /* so that a request fits one packet */

enum scenario_kind { SCENARIO_HTTP, SCENARIO_DNS, SCENARIO_RAW, SCENARIO_SMTP };
enum scenario_bot_id { SCENARIO_BOT_ID_NONE, SCENARIO_BOT_ID_HEX16, SCENARIO_BOT_ID_GUID };
enum scenario_curve { SCENARIO_WEIBULL, SCENARIO_EXPONENTIAL, SCENARIO_NEVER };
enum scenario_lease { SCENARIO_LEASE_EXPONENTIAL, SCENARIO_LEASE_FIXED };
enum scenario_behaviour { SCENARIO_SWEEP, SCENARIO_PROBE };

/* How long an infection lasts. */
struct scenario_survival {
    enum scenario_curve curve;
    double shape;      /* Weibull's */
    double scale_days; /* Weibull's; the mean for exponential */
};

struct scenario_family {
    char *name; /* the feed's word */
    char *tag;
    enum scenario_kind kind;
    enum scenario_bot_id bot_id;
    double share; /* of the hosts, relative to the other families' */
    uint16_t port;
    char *host; /* http: Host; dns: the name asked for */
    char *method, *path, *agent, *referer;
    char **headers; /* "Name: value", in order, for the capture */
    unsigned headers_count;
    uint32_t body;   /* random bytes in the request, never beginning with gzip's 1f 8b */
    char *payload;   /* raw: the text sent; smtp: the mail, lines ending as YAML gives them */
    char *from, *to; /* smtp: the envelope's addresses; host is the HELO name */
};

struct scenario_activity {
    double daily;    /* probability that a live host makes contact on a day */
    double checkins; /* mean contacts on a day with any, at least 1 */
    double peak;     /* local hour with the most contacts */
    double depth;    /* 0: the same all day; 1: none twelve hours from the peak */
    /* Beacons instead of `checkins`: */
    double interval_minutes; /* between two contacts; 0: none of this */
    double jitter;           /* how far a contact strays from its beat: up to half of this share */
    double on_hours;         /* of a day that the machine is on, on average; 24: always */
};

struct scenario_reinfection {
    double probability; /* that a cleaned host is infected again */
    double mean_days;   /* and after how long */
};

struct scenario_nat {
    double share;   /* of the hosts that sit behind a shared address */
    uint32_t hosts; /* behind one address */
};

struct scenario_dhcp {
    double mean_days; /* between two addresses of a line; 0: it keeps the first */
    double across;    /* probability that the next may lie in any of the AS's networks */
    enum scenario_lease lease;
};

struct scenario_as {
    uint32_t asn;
    char *country;
    double weight; /* of the hosts, relative to the other ASes' */
    double utc_offset;
    double ipv6; /* share of its lines that speak IPv6 */
    struct scenario_nat nat;
    struct scenario_dhcp dhcp;
    struct scenario_survival *survival; /* NULL: the scenario's */
    char **networks;
    unsigned networks_count;
};

/* A group of scanners or sandboxes: one fixed address each. */
struct scenario_actors {
    uint32_t asn;
    char *country;
    uint32_t count;
    double daily;    /* probability of a visit on a day */
    double checkins; /* sandbox, probe: mean contacts on such a day; sweep: passes, rounded */
    enum scenario_behaviour behaviour;
    char *path, *agent;
    char **networks;
    unsigned networks_count;
};

struct scenario {
    char *start; /* date of day 0 */
    uint32_t days;
    uint32_t hosts; /* infected at the start, at scale 1 */
    struct scenario_survival survival;
    struct scenario_activity activity;
    struct scenario_reinfection reinfection;
    struct scenario_family *families;
    unsigned families_count;
    struct scenario_as *ases;
    unsigned ases_count;
    struct scenario_actors *scanners;
    unsigned scanners_count;
    struct scenario_actors *sandboxes;
    unsigned sandboxes_count;
    char **sensors;
    unsigned sensors_count;

    int64_t start_time; /* from `start`, microseconds since 1970 */
};

/* Reads a scenario; `where` names it in errors. Free with scenario_free(). -EINVAL when it does not
 * hold. */
int scenario_load(struct span yaml, const char *where, struct scenario **out, struct err *err);
void scenario_free(struct scenario *s);

/* Scenarios that are part of the program. */
struct scenario_bundled {
    const char *name;
    const uint8_t *yaml;
    size_t len;
};
/* Ended by a NULL name. Made by sim/embed.py from sim/scenarios. */
extern const struct scenario_bundled scenario_bundled[];
/* NULL when there is none of that name. */
const struct scenario_bundled *scenario_find_bundled(const char *name);
