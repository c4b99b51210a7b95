/* Known: what the log proves was known before an informant said it. For each fact that a reviewer
 * drew from a lead: earlier facts that say the same, earlier leads that said it, assets of the
 * case, observations, links between the same subjects. */
#pragma once

#include "app/casedir.h"
#include "state/subjects.h"

/* Entries before a lead that are looked through for observations, the latest ones; what lies
 * before them is said not to have been. */
#define KNOWN_ENTRIES_MAX 2000000

enum known_how {
    KNOWN_FACT,  /* the same, recorded before */
    KNOWN_LEAD,  /* the same, from a lead that came before; recorded since */
    KNOWN_ASSET, /* the name or address was an asset under an order */
    KNOWN_EVENT, /* it was observed */
    KNOWN_LINK,  /* the same two were linked before */
};
const char *known_how_name(enum known_how how);

/* Something that was known. Spans are valid within the callback. */
struct known {
    enum known_how how;
    uint64_t entry; /* which proves it */
    uint64_t lead;  /* KNOWN_LEAD: the earlier lead */
    int64_t time;   /* when that was recorded; of an observation: when it was made */
    struct span account, value, note;
    bool withdrawn; /* by then or since */
};

/* A fact or link of a lead, and when the informant said it. */
struct known_claim {
    uint64_t entry;    /* of the FACT or LINK */
    uint64_t position; /* what came before this entry was known: the lead's, or that of the
                        * informant's message that the fact names among its entries */
    bool link;
    struct span type, value, subject; /* of a link: type "link", value its relation */
    bool withdrawn;
};

/* The facts and links drawn from that lead, by entry. each() returns 0 to go on. */
int known_claims(struct casedir *c, uint64_t lead,
                 int (*each)(void *ctx, const struct known_claim *claim), void *ctx,
                 struct err *err);
/* What was known of one of them. `events`: observations, too (one at most: the first that is
 * found); *unread gets how many earlier entries were not looked through, may be NULL. */
int known_before(struct casedir *c, uint64_t lead, uint64_t entry, bool events,
                 int (*each)(void *ctx, const struct known *k), void *ctx, uint64_t *unread,
                 struct err *err);
