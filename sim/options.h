/* ebb-sim's command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct options {
    uint64_t seed;
    double scale;
    uint32_t days; /* 0: the scenario's */
    const char *feed, *feed6, *pcap, *truth;
    uint32_t pcap_days;
    uint64_t pcap_packets; /* 0: no limit */
    const char *told;      /* list of networks whose hosts are cleaned faster; NULL: none */
    int64_t told_from;     /* from this day on, microseconds since 1970 */
    double hazard;         /* so many times */
    bool live;             /* play against a sinkhole on this machine */
    const char *to;
    uint16_t dns_port, http_port, smtp_port, raw_port;
    bool proxy;
    double rate;       /* contacts a second; 0: as fast as they are answered */
    uint64_t contacts; /* 0: all */
    uint32_t seconds;  /* 0: until all are played */
    bool quiet;
    const char *scenario;
    const char *show; /* print this bundled scenario and do nothing else */
    bool help, version;
};

/* 0, or -EINVAL with what is wrong. Keeps pointers into argv. */
int options_parse(int argc, char **argv, struct options *out, struct err *err);
/* The text of --help. */
extern const char options_help[];
