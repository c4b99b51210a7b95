/* Mails of made-up campaigns and of people, in the order of time, each with its true label. The
 * same options give the same mails; memory is bounded by the campaigns, not by the mails. Usable in
 * a program of one's own (sim_dep): doc/simulator.md. One thread. */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "sim/mail_family.h"
#include "sim/mail_grammar.h"

#define MAIL_SIM_CAMPAIGNS_MAX 100000
#define MAIL_SIM_MAILS_MAX     (1ull << 40)
#define MAIL_SIM_DAYS_MAX      3660
#define MAIL_NAME_MAX          128 /* of addresses and hosts, terminated */

struct mail_sim_options {
    uint64_t seed;
    uint32_t campaigns; /* 1 and more, no more than mails */
    uint64_t mails;     /* of campaigns */
    uint64_t ham;       /* mails that people want, beside them */
    uint32_t families;  /* 1 to MAIL_FAMILIES_MAX */
    uint32_t days;
    int64_t start; /* midnight of the first day */
    bool received; /* a relay's Received header on top */
};

/* What is true of a mail. Texts are valid until the next one. */
struct mail_label {
    uint64_t number;        /* from 1 */
    uint32_t campaign;      /* from 1; ham: the source's number; personal mail: 0 */
    char campaign_name[24]; /* "c17", "ham-newsletter-3", "ham-personal-1204" */
    bool ham;
    enum mail_topic topic;
    uint16_t brands;   /* that stand in it, disguised or not: a bit each, mail_sim_brand() */
    uint32_t family;   /* number from 0; MAIL_FAMILIES_MAX for ham */
    int64_t time;      /* it arrives; whole seconds */
    struct ip address; /* that connects */
    uint16_t port;
    char host[MAIL_NAME_MAX];                    /* that its link names; empty: no link */
    char from[MAIL_NAME_MAX], to[MAIL_NAME_MAX]; /* envelope */
    char helo[MAIL_NAME_MAX];
    const struct mail_dialect *dialect; /* how it is sent */
};

struct mail_sim;
/* -EINVAL when an option is out of its range. */
int mail_sim_new(const struct mail_sim_options *o, struct mail_sim **out, struct err *err);
void mail_sim_free(struct mail_sim *s);
/* Writes the next mail into *mail (in place of what is there), as on the wire: CRLF, no dots
 * stuffed, ending with CRLF. 1; 0: there are no more. */
int mail_sim_next(struct mail_sim *s, struct buf *mail, struct mail_label *label);

const struct mail_sim_options *mail_sim_options(const struct mail_sim *s);
const struct mail_family *mail_sim_family(const struct mail_sim *s, unsigned number);
/* "viagra": in small letters; empty: there is none of that number. */
struct span mail_sim_brand(const struct mail_sim *s, enum mail_topic topic, unsigned number);

/* What a campaign is made of, for the truth. */
struct mail_campaign_facts {
    enum mail_topic topic;
    uint64_t mails;
    uint32_t domains, first_day, last_day,
        family[2]; /* family[1]: MAIL_FAMILIES_MAX when only one sends it */
    const char *form, *disguise, *salad, *charset, *subject;
    bool hidden, fragment, image_same;
    double spin;
};
void mail_sim_campaign(const struct mail_sim *s, uint32_t number, struct mail_campaign_facts *out);
