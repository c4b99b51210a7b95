/* The `cleanup:` section of ebb.yaml: who reports, to whom, how often, in what form, by which
 * smarthost. Read with libcyaml, then checked. doc/cleanup.md has every key. */
#pragma once

#include <cyaml/cyaml.h>

#include "base/err.h"
#include "base/ip.h"
#include "report/report.h"
#include "state/judge.h"

/* One network's own ways: the first that matches counts. `match` is an abuse contact
 * ("abuse@isp.example",
 * "@isp.example": all of a domain), an AS ("AS3320") or a prefix. */
struct config_network {
    char *match;
    char *contact; /* write there instead; "" as found */
    char *format, *language;
    uint32_t cadence_days; /* 0: the default */
    char **allow; /* prefixes: of these addresses nothing is told (their own sinkholes, labs) */
    unsigned allow_count;
    char *escalate;          /* who gets a copy, too, when reports do not help */
    uint32_t escalate_after; /* reports; default 3 */
    bool silent;             /* nothing is sent */

    /* made of these by config_cleanup_check */
    struct net net;      /* match, when it is a prefix */
    uint32_t asn;        /* match, when it is an AS */
    struct net *allowed; /* allow_count */
};

struct config_known {
    char *network, *role, *why;
};

struct config_cleanup {
    bool sending; /* a person turned sending on */
    struct {
        char *org, *name, *mail, *web, *phone, *domain, *page;
    } from;
    struct {
        char *host;    /* name or address; "" none */
        uint16_t port; /* default 587 */
        char *tls;     /* "starttls" (default, required), "tls" (from the start), "none" */
        char *ca;      /* file of CAs; "": the system's */
        char *user, *password_file; /* "": no authentication */
        char *sender;               /* the envelope's MAIL FROM, where bounces go; "": from.mail */
    } smarthost;
    uint32_t per_minute, per_contact_day; /* mails at most; defaults 60, 4 */
    uint32_t retry_minutes,
        give_up_hours; /* first pause (then doubled), and the end; defaults 15, 96 */
    char *returns;     /* Maildir of bounces and answers; "" none */
    char *format, *language;
    uint32_t cadence_days, gone_days; /* defaults 7, 14 */
    uint32_t least_addresses;         /* fewer are not worth a mail; default 1 */
    struct config_network *networks;
    unsigned networks_count;
    struct config_known *known;
    unsigned known_count;
    struct {
        bool on;
        char **servers; /* base URLs by registry: "https://rdap.db.ripe.net/"; default: none */
        unsigned servers_count;
        uint32_t per_minute, keep_days; /* defaults 10, 30 */
    } rdap;
    struct {
        char *listen;            /* ADDRESS:PORT of the partners' API; "" none */
        char *certificate, *key; /* PEM files: TLS; without them loopback only */
    } partners;

    /* made of these by config_cleanup_check */
    struct judge_known *judged; /* known_count */
    enum report_format default_format;
};

struct config;

extern const cyaml_schema_field_t config_cleanup_fields[];
/* Fills in what was left out and checks the rest. -EINVAL names the key. */
int config_cleanup_check(struct config_cleanup *c, struct err *err);
void config_cleanup_free(struct config_cleanup *c);
/* The section as `ebb init` writes it, with comments and defaults. */
void config_cleanup_write(struct buf *out);
/* The network's own ways; NULL: none. */
const struct config_network *config_cleanup_network(const struct config_cleanup *c,
                                                    struct span contact, uint32_t asn,
                                                    const struct ip *ip);
/* True when the network does not want to be told of the address. */
bool config_network_allows(const struct config_network *n, const struct ip *ip);
