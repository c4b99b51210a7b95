#include "sim/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/scenario.h"

const char options_help[] =
    "ebb-sim: makes up a sinkhole's records of a botnet whose truth it knows\n"
    "\n"
    "usage: ebb-sim [options] SCENARIO\n"
    "\n"
    "SCENARIO is a YAML file, or the name of a bundled one: rustock, nat, small.\n"
    "\n"
    "  --feed FILE          feed of IPv4 contacts (Shadowserver event4_sinkhole_http CSV)\n"
    "  --feed6 FILE         feed of IPv6 contacts (event6_sinkhole_http)\n"
    "  --pcap FILE          capture of the contacts\n"
    "  --pcap-days N        days in the capture, from the first on (default 1; 0: all)\n"
    "  --pcap-packets N     begin no connection once there are N packets\n"
    "  --truth FILE         what an observer should find, as JSON\n"
    "  --seed N             another botnet of the same kind (default 1)\n"
    "  --scale F            F times the hosts, scanners and sandboxes (default 1)\n"
    "  --days N             days to simulate (default: the scenario's)\n"
    "  --show NAME          print a bundled scenario, to be changed and used\n"
    "  --quiet              no progress\n"
    "  --help, --version\n"
    "\n"
    "FILE ends in .gz or .zst to be compressed; - is standard output. The same seed, scenario and\n"
    "flags give the same bytes. Nothing is sent over a network.\n"
    "Exit: 0 done, 1 failed, 2 wrong usage or scenario.\n";

enum { FEED = 256, FEED6, PCAP, PCAP_DAYS, PCAP_PACKETS, TRUTH, SEED, SCALE, DAYS, SHOW, QUIET };

static const struct option table[] = {{"feed", required_argument, NULL, FEED},
                                      {"feed6", required_argument, NULL, FEED6},
                                      {"pcap", required_argument, NULL, PCAP},
                                      {"pcap-days", required_argument, NULL, PCAP_DAYS},
                                      {"pcap-packets", required_argument, NULL, PCAP_PACKETS},
                                      {"truth", required_argument, NULL, TRUTH},
                                      {"seed", required_argument, NULL, SEED},
                                      {"scale", required_argument, NULL, SCALE},
                                      {"days", required_argument, NULL, DAYS},
                                      {"show", required_argument, NULL, SHOW},
                                      {"quiet", no_argument, NULL, QUIET},
                                      {"help", no_argument, NULL, 'h'},
                                      {"version", no_argument, NULL, 'V'},
                                      {NULL, 0, NULL, 0}};

static int parse_uint(const char *name, const char *text, uint64_t max, uint64_t *out,
                      struct err *err)
{
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || v > max)
        return err_set(err, -EINVAL, "%s: not a number from 0 to %llu (%s)", name,
                       (unsigned long long)max, text);
    *out = v;
    return 0;
}

static int parse_scale(const char *text, double *out, struct err *err)
{
    char *end;
    *out = strtod(text, &end);
    if (!*text || *end || !isfinite(*out) || *out <= 0 || *out > SCENARIO_SCALE_MAX)
        return err_set(err, -EINVAL, "--scale: not a number above 0 and up to %g (%s)",
                       SCENARIO_SCALE_MAX, text);
    return 0;
}

static int take(struct options *o, int c, const char *arg, struct err *err)
{
    uint64_t v = 0;
    int rc = 0;
    switch (c) {
    case FEED:
        o->feed = arg;
        break;
    case FEED6:
        o->feed6 = arg;
        break;
    case PCAP:
        o->pcap = arg;
        break;
    case PCAP_DAYS:
        rc = parse_uint("--pcap-days", arg, SCENARIO_DAYS_MAX, &v, err);
        o->pcap_days = (uint32_t)v;
        break;
    case PCAP_PACKETS:
        rc = parse_uint("--pcap-packets", arg, UINT64_MAX, &o->pcap_packets, err);
        break;
    case TRUTH:
        o->truth = arg;
        break;
    case SEED:
        rc = parse_uint("--seed", arg, UINT64_MAX, &o->seed, err);
        break;
    case SCALE:
        rc = parse_scale(arg, &o->scale, err);
        break;
    case DAYS:
        rc = parse_uint("--days", arg, SCENARIO_DAYS_MAX, &v, err);
        if (rc == 0 && v == 0)
            rc = err_set(err, -EINVAL, "--days: at least one day is needed (%s)", arg);
        o->days = (uint32_t)v;
        break;
    case SHOW:
        o->show = arg;
        break;
    case QUIET:
        o->quiet = true;
        break;
    case 'h':
        o->help = true;
        break;
    case 'V':
        o->version = true;
        break;
    }
    return rc;
}

static int check(const struct options *o, struct err *err)
{
    const char *out[] = {o->feed, o->feed6, o->pcap, o->truth};
    size_t n = sizeof out / sizeof *out, given = 0;
    if (o->help || o->version || o->show)
        return 0;
    if (!o->scenario)
        return err_set(err, -EINVAL, "SCENARIO: missing (see ebb-sim --help)");
    for (size_t i = 0; i < n; i++) {
        given += out[i] != NULL;
        for (size_t k = 0; k < i; k++)
            if (out[i] && out[k] && strcmp(out[i], out[k]) == 0)
                return err_set(err, -EINVAL, "outputs: two of them go to one file (%s)", out[i]);
    }
    if (!given)
        return err_set(err, -EINVAL,
                       "outputs: nothing to write; give --feed, --pcap or --truth (see --help)");
    return 0;
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    *out = (struct options){.seed = 1, .scale = 1, .pcap_days = 1};
    opterr = 0;
    optind = 1;
    int c, index = 0;
    while ((c = getopt_long(argc, argv, ":", table, &index)) != -1) {
        if (c == '?')
            return err_set(err, -EINVAL, "%s: no such option (see ebb-sim --help)",
                           argv[optind - 1]);
        if (c == ':')
            return err_set(err, -EINVAL, "%s: needs a value (see ebb-sim --help)",
                           argv[optind - 1]);
        int rc = take(out, c, optarg, err);
        if (rc < 0)
            return rc;
    }
    if (optind < argc)
        out->scenario = argv[optind++];
    if (optind < argc)
        return err_set(err, -EINVAL, "%s: one SCENARIO is enough (see ebb-sim --help)",
                       argv[optind]);
    return check(out, err);
}
