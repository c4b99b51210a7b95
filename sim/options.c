#include "sim/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utc.h"
#include "sim/scenario.h"

const char options_help[] =
    "ebb-sim: makes up a sinkhole's records of a botnet whose truth it knows\n"
    "\n"
    "usage: ebb-sim [options] SCENARIO\n"
    "       ebb-sim live [options] SCENARIO\n"
    "       ebb-sim mail [options] ... (see ebb-sim mail --help)\n"
    "\n"
    "SCENARIO is a YAML file, or the name of a bundled one: rustock, nat, small, live.\n"
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
    "  --told FILE          networks that are told of their hosts, one a line: a prefix, an address or\n"
    "                       AS64500. From then on these hosts are cleaned faster:\n"
    "  --told-from DATE     from this day on\n"
    "  --hazard RATIO       at so many times the rate\n"
    "  --show NAME          print a bundled scenario, to be changed and used\n"
    "  --quiet              no progress\n"
    "  --help, --version\n"
    "\n"
    "live: plays the contacts against a sinkhole on this machine. --truth, --seed, --scale, --days, and:\n"
    "  --dns PORT --http PORT --smtp PORT --raw PORT\n"
    "                       where such contacts go; those without a port are left out\n"
    "  --to ADDRESS         the sinkhole (default 127.0.0.1); only loopback is spoken to\n"
    "  --proxy              PROXY v2 headers carry the scenario's addresses; without, each has one of\n"
    "                       127.0.0.0/8\n"
    "  --rate N             contacts a second (default: as fast as they are answered)\n"
    "  --contacts N         stop after N\n"
    "  --seconds N          stop after N seconds\n"
    "\n"
    "FILE ends in .gz or .zst to be compressed; - is standard output. The same seed, scenario and\n"
    "flags give the same bytes. Without `live` nothing is sent over a network.\n"
    "Exit: 0 done, 1 failed, 2 wrong usage or scenario.\n";

enum { FEED = 256, FEED6, PCAP, PCAP_DAYS, PCAP_PACKETS, TRUTH, SEED, SCALE, DAYS, SHOW, QUIET,
       TOLD, TOLD_FROM, HAZARD, /* those from here on are live's: */ TO, DNS_PORT, HTTP_PORT, SMTP_PORT, RAW_PORT, PROXY, RATE, CONTACTS, SECONDS };

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
                                      {"told", required_argument, NULL, TOLD},
                                      {"told-from", required_argument, NULL, TOLD_FROM},
                                      {"hazard", required_argument, NULL, HAZARD},
                                      {"quiet", no_argument, NULL, QUIET},
                                      {"to", required_argument, NULL, TO},
                                      {"dns", required_argument, NULL, DNS_PORT},
                                      {"http", required_argument, NULL, HTTP_PORT},
                                      {"smtp", required_argument, NULL, SMTP_PORT},
                                      {"raw", required_argument, NULL, RAW_PORT},
                                      {"proxy", no_argument, NULL, PROXY},
                                      {"rate", required_argument, NULL, RATE},
                                      {"contacts", required_argument, NULL, CONTACTS},
                                      {"seconds", required_argument, NULL, SECONDS},
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

static int parse_hazard(const char *text, double *out, struct err *err)
{
    char *end;
    *out = strtod(text, &end);
    if (!*text || *end || !isfinite(*out) || *out < 0.01 || *out > 100)
        return err_set(err, -EINVAL, "--hazard: not a number from 0.01 to 100 (%s)", text);
    return 0;
}

static int parse_date(const char *name, const char *text, int64_t *out, struct err *err)
{
    if (!utc_parse(span_str(text), out) || *out % UTC_DAY != 0)
        return err_set(err, -EINVAL, "%s: not a date like 2011-03-20 (%s)", name, text);
    return 0;
}

static int parse_port(const char *name, const char *text, uint16_t *out, struct err *err)
{
    uint64_t v = 0;
    int rc = parse_uint(name, text, 65535, &v, err);
    if (rc == 0)
        *out = (uint16_t)v;
    return rc;
}

/* Those that belong to `live`. */
static int take_live(struct options *o, int c, const char *arg, struct err *err)
{
    uint64_t v = 0;
    int rc = 0;
    if (!o->live)
        return err_set(err, -EINVAL, "options: one belongs to `ebb-sim live` (see ebb-sim --help)");
    switch (c) {
    case TO:
        o->to = arg;
        break;
    case DNS_PORT:
        return parse_port("--dns", arg, &o->dns_port, err);
    case HTTP_PORT:
        return parse_port("--http", arg, &o->http_port, err);
    case SMTP_PORT:
        return parse_port("--smtp", arg, &o->smtp_port, err);
    case RAW_PORT:
        return parse_port("--raw", arg, &o->raw_port, err);
    case PROXY:
        o->proxy = true;
        break;
    case RATE:
        rc = parse_uint("--rate", arg, 1u << 30, &v, err);
        o->rate = (double)v;
        break;
    case CONTACTS:
        return parse_uint("--contacts", arg, UINT64_MAX, &o->contacts, err);
    case SECONDS:
        rc = parse_uint("--seconds", arg, 86400, &v, err);
        o->seconds = (uint32_t)v;
        break;
    }
    return rc;
}

static int take(struct options *o, int c, const char *arg, struct err *err)
{
    uint64_t v = 0;
    int rc = 0;
    if (c >= TO)
        return take_live(o, c, arg, err);
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
    case TOLD:
        o->told = arg;
        break;
    case TOLD_FROM:
        return parse_date("--told-from", arg, &o->told_from, err);
    case HAZARD:
        return parse_hazard(arg, &o->hazard, err);
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

static int check_live(const struct options *o, struct err *err)
{
    if (o->feed || o->feed6 || o->pcap)
        return err_set(err, -EINVAL, "live: writes no feed and no capture");
    if (!o->dns_port && !o->http_port && !o->smtp_port && !o->raw_port)
        return err_set(err, -EINVAL, "live: nowhere to go; give --dns, --http, --smtp or --raw");
    return 0;
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
    if (!o->told != !o->told_from || !o->told != (o->hazard == 0))
        return err_set(err, -EINVAL, "--told: goes together with --told-from and --hazard");
    if (o->live)
        return check_live(o, err);
    if (!given)
        return err_set(err, -EINVAL,
                       "outputs: nothing to write; give --feed, --pcap or --truth (see --help)");
    return 0;
}

int options_parse(int argc, char **argv, struct options *out, struct err *err)
{
    *out = (struct options){.seed = 1, .scale = 1, .pcap_days = 1, .to = "127.0.0.1"};
    if (argc > 1 && strcmp(argv[1], "live") == 0) {
        out->live = true;
        argc--;
        argv++;
    }
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
