/* What the commands of contacts share. */
#pragma once

#include "app/casedir.h"
#include "app/cli.h"

/* Opens the case for reading, with these views; contacts_end() also after a failure. */
int contacts_open_case(const struct cli *cli, struct casedir *c, unsigned views, struct err *err);
/* The end: closes table (NULL: not begun) and case; `rc`, or EXIT_FAILED with the reason told. */
int contacts_end(struct casedir *c, struct table *t, int rc, struct err *err);
/* A cell with a time; empty for 0. */
void contacts_put_time(struct table *t, int64_t time);

/* A network with infected addresses. Where the event did not know the network, the address's /24 or
 * /48 stands for it. */
struct contacts_need {
    struct net network;
    uint32_t asn;
    char country[2];
    struct ip address; /* the one that was seen last */
    int64_t last;
    uint64_t addresses;
    char as_name[64];
};
struct contacts_needs {
    struct contacts_need *v;
    size_t n, cap;
};

/* The networks with infected addresses (judge.h) that nobody can be told about; with `weak`, also
 * those of which only the AS's contact or the country's CERT is known. Most addresses first. Free
 * out->v. */
int contacts_needs(struct casedir *c, bool weak, struct contacts_needs *out, struct err *err);
#define CONTACTS_NEEDS_VIEWS (VIEW_CONTACTS | VIEW_SOURCES | VIEW_JUDGEMENTS)
