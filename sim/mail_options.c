#include "sim/mail_options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>

#include "base/utc.h"

const char mail_options_help[] =
    "ebb-sim mail: mails of spam campaigns that are made up, with what is true of each\n"
    "\n"
    "usage: ebb-sim mail [options] --mbox FILE | --eml DIR | --maildir DIR | --tar FILE\n"
    "       ebb-sim mail --live --smtp-port PORT [options]\n"
    "\n"
    "  --mbox FILE, --eml DIR, --maildir DIR, --tar FILE\n"
    "                       where the mails go; several may be given\n"
    "  --crlf, --lf         how lines end in them (default: LF in mbox and Maildir, CRLF in eml "
    "and tar)\n"
    "  --labels FILE        a row a mail: .tsv, or .jsonl\n"
    "  --truth FILE         volumes, campaigns and families, as JSON\n"
    "  --feed FILE          check-ins of some of the senders (Shadowserver event4_sinkhole_http "
    "CSV)\n"
    "  --checkins SHARE     of the senders that are in the feed (default 0.3)\n"
    "  --seed N             other campaigns (default 1)\n"
    "  --campaigns N        (default 200, or the mails if they are fewer)\n"
    "  --mails N            of campaigns, in all (default 20000)\n"
    "  --ham N              mails that people want, beside them (default 0)\n"
    "  --families N         that send, 1 to 64 (default 8)\n"
    "  --start DATE --days N\n"
    "                       when (default 2011-02-01, 28 days)\n"
    "  --no-received        no relay's Received header on top\n"
    "  --quiet              no progress\n"
    "\n"
    "live: delivers them over SMTP to a sinkhole on this machine, each as its family speaks. Mails "
    "have no\n"
    "Received header then. --labels and --truth say what was delivered, and:\n"
    "  --to ADDRESS         (default 127.0.0.1); only loopback is spoken to\n"
    "  --smtp-port PORT\n"
    "  --proxy              PROXY v2 headers carry the senders' addresses; without, each has one "
    "of\n"
    "                       127.0.0.0/8, which the labels then say\n"
    "  --rate N             mails a second (default: as fast as they are taken)\n"
    "  --seconds N          stop after N seconds\n"
    "\n"
    "FILE ends in .gz or .zst to be compressed; - is standard output.\n"
    "Exit: 0 done, 1 failed, 2 wrong usage.\n";

enum {
    MBOX = 256,
    EML,
    MAILDIR,
    TAR,
    CRLF,
    LF,
    LABELS,
    TRUTH,
    FEED,
    CHECKINS,
    SEED,
    CAMPAIGNS,
    MAILS,
    HAM,
    FAMILIES,
    START,
    DAYS,
    NO_RECEIVED,
    QUIET,
    LIVE,
    TO,
    SMTP_PORT,
    PROXY,
    RATE,
    SECONDS
};

static const struct option table[] = {{"mbox", required_argument, NULL, MBOX},
                                      {"eml", required_argument, NULL, EML},
                                      {"maildir", required_argument, NULL, MAILDIR},
                                      {"tar", required_argument, NULL, TAR},
                                      {"crlf", no_argument, NULL, CRLF},
                                      {"lf", no_argument, NULL, LF},
                                      {"labels", required_argument, NULL, LABELS},
                                      {"truth", required_argument, NULL, TRUTH},
                                      {"feed", required_argument, NULL, FEED},
                                      {"checkins", required_argument, NULL, CHECKINS},
                                      {"seed", required_argument, NULL, SEED},
                                      {"campaigns", required_argument, NULL, CAMPAIGNS},
                                      {"mails", required_argument, NULL, MAILS},
                                      {"ham", required_argument, NULL, HAM},
                                      {"families", required_argument, NULL, FAMILIES},
                                      {"start", required_argument, NULL, START},
                                      {"days", required_argument, NULL, DAYS},
                                      {"no-received", no_argument, NULL, NO_RECEIVED},
                                      {"quiet", no_argument, NULL, QUIET},
                                      {"live", no_argument, NULL, LIVE},
                                      {"to", required_argument, NULL, TO},
                                      {"smtp-port", required_argument, NULL, SMTP_PORT},
                                      {"proxy", no_argument, NULL, PROXY},
                                      {"rate", required_argument, NULL, RATE},
                                      {"seconds", required_argument, NULL, SECONDS},
                                      {"help", no_argument, NULL, 'h'},
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

static int parse_share(const char *text, double *out, struct err *err)
{
    char *end;
    *out = strtod(text, &end);
    if (!*text || *end || !isfinite(*out) || *out < 0 || *out > 1)
        return err_set(err, -EINVAL, "--checkins: not a share from 0 to 1 (%s)", text);
    return 0;
}

static int take_number(struct mail_options *o, int c, const char *arg, struct err *err)
{
    uint64_t v = 0;
    const uint64_t most = c == SEED                ? UINT64_MAX
                          : c == MAILS || c == HAM ? MAIL_SIM_MAILS_MAX
                          : c == SMTP_PORT         ? 65535
                                                   : UINT32_MAX;
    const char *name = "option";
    for (const struct option *t = table; t->name; t++)
        if (t->val == c)
            name = t->name;
    int rc = parse_uint(name, arg, most, &v, err);
    switch (c) {
    case SEED:
        o->sim.seed = v;
        break;
    case CAMPAIGNS:
        o->sim.campaigns = (uint32_t)v;
        break;
    case MAILS:
        o->sim.mails = v;
        break;
    case HAM:
        o->sim.ham = v;
        break;
    case FAMILIES:
        o->sim.families = (uint32_t)v;
        break;
    case DAYS:
        o->sim.days = (uint32_t)v;
        break;
    case SMTP_PORT:
        o->smtp_port = (uint16_t)v;
        break;
    case RATE:
        o->rate = (double)v;
        break;
    case SECONDS:
        o->seconds = (uint32_t)v;
        break;
    }
    return rc;
}

static int take(struct mail_options *o, int c, const char *arg, struct err *err)
{
    switch (c) {
    case MBOX:
    case EML:
    case MAILDIR:
    case TAR:
        o->store[c - MBOX] = arg;
        break;
    case CRLF:
    case LF:
        o->line_ends = c - CRLF + 1;
        break;
    case LABELS:
        o->labels = arg;
        break;
    case TRUTH:
        o->truth = arg;
        break;
    case FEED:
        o->feed = arg;
        break;
    case CHECKINS:
        return parse_share(arg, &o->checkins, err);
    case START:
        if (!utc_parse(span_str(arg), &o->sim.start))
            return err_set(err, -EINVAL, "--start: not a date (%s)", arg);
        break;
    case NO_RECEIVED:
        o->sim.received = false;
        break;
    case QUIET:
        o->quiet = true;
        break;
    case LIVE:
        o->live = true;
        break;
    case TO:
        o->to = arg;
        break;
    case PROXY:
        o->proxy = true;
        break;
    case 'h':
        o->help = true;
        break;
    default:
        return take_number(o, c, arg, err);
    }
    return 0;
}

static int check(struct mail_options *o, struct err *err)
{
    bool stored =
        o->store[MAIL_MBOX] || o->store[MAIL_EML] || o->store[MAIL_MAILDIR] || o->store[MAIL_TAR];
    if (o->sim.campaigns == UINT32_MAX)
        o->sim.campaigns = o->sim.mails < 200 ? (uint32_t)o->sim.mails : 200;
    if (o->live && (stored || o->feed))
        return err_set(err, -EINVAL, "--live: writes no mails and no feed");
    if (o->live && !o->smtp_port)
        return err_set(err, -EINVAL, "--smtp-port: missing");
    if (!o->live && (o->smtp_port || o->proxy || o->rate > 0 || o->seconds))
        return err_set(err, -EINVAL, "options: one belongs to --live (see ebb-sim mail --help)");
    if (!o->live && !stored && !o->labels && !o->truth && !o->feed)
        return err_set(err, -EINVAL,
                       "outputs: nothing to write; give --mbox, --eml, --maildir or --tar");
    if (o->live)
        o->sim.received = false;
    return 0;
}

int mail_options_parse(int argc, char **argv, struct mail_options *out, struct err *err)
{
    *out = (struct mail_options){.sim = {.seed = 1,
                                         .campaigns = UINT32_MAX,
                                         .mails = 20000,
                                         .families = 8,
                                         .days = 28,
                                         .received = true},
                                 .checkins = 0.3,
                                 .to = "127.0.0.1"};
    utc_parse(span_str("2011-02-01"), &out->sim.start);
    opterr = 0;
    optind = 1;
    int c;
    while ((c = getopt_long(argc, argv, ":", table, NULL)) != -1) {
        if (c == '?')
            return err_set(err, -EINVAL, "%s: no such option (see ebb-sim mail --help)",
                           argv[optind - 1]);
        if (c == ':')
            return err_set(err, -EINVAL, "%s: needs a value (see ebb-sim mail --help)",
                           argv[optind - 1]);
        int rc = take(out, c, optarg, err);
        if (rc < 0)
            return rc;
    }
    if (optind < argc)
        return err_set(err, -EINVAL, "%s: not an option (see ebb-sim mail --help)", argv[optind]);
    return out->help ? 0 : check(out, err);
}
