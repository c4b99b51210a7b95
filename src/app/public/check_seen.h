/* Seen: what the sinkhole saw of one address, for the self-check. Its own look at the case, read on
 * as the log grows (face.h has the way to do that). It keeps nothing of who asks. */
#pragma once

#include "app/public/face.h"

#define SEEN_FAMILIES_MAX 32 /* of one answer; further ones are left out */

enum seen {
    SEEN_NOTHING,
    SEEN_INFECTED, /* as only an infected computer calls */
    SEEN_UNCLEAR,  /* something called; of what it is nothing says */
    SEEN_RESOLVER, /* DNS on behalf of others */
    SEEN_OTHER,    /* calls, but none such as an infected computer makes */
    SEEN_RESULTS,
};

struct seen_family {
    struct span family;  /* the view's: until the next face_check_read() */
    int64_t first, last; /* microseconds UTC; days are told, not times */
    uint32_t days;
    bool certain; /* SEEN_INFECTED by it */
};
struct seen_answer {
    enum seen result;
    struct net network; /* what was looked at: the address, or its /64 */
    bool inner;         /* the address is none of the Internet's: nothing can be said of it */
    bool complete;      /* all of the log was read */
    bool any;           /* of anybody: since and until are set */
    int64_t since, until;
    struct seen_family families[SEEN_FAMILIES_MAX];
    unsigned n;
    char country[2]; /* of the address; zero bytes: not known */
};
void face_check_ask(struct face_check *k, const struct ip *ip, struct seen_answer *out);
/* "seen" "unclear" "resolver" "other" "nothing" */
const char *seen_name(enum seen result);
