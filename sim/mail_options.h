/* The command line of `ebb-sim mail`. */
#pragma once

#include "sim/mail_sim.h"
#include "sim/mail_write.h"

struct mail_options {
    struct mail_sim_options sim;
    const char *store[MAIL_STORES]; /* paths */
    const char *labels, *truth, *feed;
    double checkins; /* share of the machines in the feed */
    int line_ends;   /* 0 as is usual for the store, 1 CRLF, 2 LF */
    bool live, proxy, quiet, help;
    const char *to;
    uint16_t smtp_port;
    double rate;
    uint32_t seconds;
};
/* argv[0] is "mail". */
int mail_options_parse(int argc, char **argv, struct mail_options *out, struct err *err);
extern const char mail_options_help[];

/* `ebb-sim mail ARGS`; the exit code. */
int mail_main(int argc, char **argv);
