/* RDAP: what a registry answers about an address (RFC 9083, "ip network"), and who answers for
 * abuse.
 *
 * An entity counts when "abuse" is among its roles, wherever it is nested; one that is only
 * registrant, technical or administrative never does. Of several the outermost counts, then the
 * first; of an entity's mailboxes the preferred one (vCard's pref), then the first. Placeholders,
 * registries' own mailboxes, and those that a remark calls invalid are passed over. */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "contact/mailbox.h"

#define RDAP_ANSWER_MAX   (1u << 20) /* bytes of an answer */
#define RDAP_DEPTH_MAX    6          /* entities within entities */
#define RDAP_ENTITIES_MAX 256        /* looked at in one answer */
#define RDAP_TEXT_MAX     255

struct rdap_answer {
    struct net network;         /* the largest prefix that has the address and lies in the range */
    char mail[MAILBOX_MAX + 1]; /* empty: it names nobody */
    char handle[RDAP_TEXT_MAX + 1]; /* of the entity, or of the network where there is none */
    char name[RDAP_TEXT_MAX + 1];   /* of the network */
    char country[3];
    unsigned passed_over; /* mailboxes of abuse roles that were no use */
    unsigned notices;     /* it has; the blob has them in full */
};

/* 0; -EBADMSG: no answer about that address (err says why); -ENOENT: an error object that says that
 * there is none; -EFBIG. */
int rdap_read(struct span json, const struct ip *asked, struct rdap_answer *out, struct err *err);
