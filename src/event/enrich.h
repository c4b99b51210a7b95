/* Enrichment: who announces an address, offline. One immutable table, built once from the
 * databases and mapped from a cache file afterwards; look-ups take well under 100 ns and may run
 * in any number of threads. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "event/event.h"

struct enrich;

struct enrich_config {
    const char *libloc;       /* libloc database, NULL for none */
    const char *mmdb_asn;     /* MaxMind DB files (GeoLite2-ASN and -Country shape); NULL for none.*/
    const char *mmdb_country; /* Where given they replace what libloc says of their field. */
    const char *cache_dir;    /* where the built table is kept, named by the databases' digests;
                               * NULL: built in memory each time */
};

/* Which data was used: what the ENRICHMENT log entry says. */
struct enrich_info {
    char name[256]; /* file names, joined with "+" */
    char date[32];  /* when the data was made, RFC 3339 */
    uint8_t sha256[SHA256_LEN]; /* over the files' digests in the order above */
};

/* Loads or builds the table. A database that is missing or broken is an error that names it. */
int enrich_open(const struct enrich_config *config, struct enrich **out, struct err *err);
void enrich_close(struct enrich *e);
const struct enrich_info *enrich_info(const struct enrich *e);

struct enrich_result {
    uint32_t asn;        /* 0: unknown */
    char country[2];     /* zero bytes: unknown */
    struct net network;  /* the announced network that holds the address, unset: unknown */
    struct span as_name; /* valid as long as the table */
};

/* Longest prefix for the address. Special-purpose addresses come back unknown. */
void enrich_lookup(const struct enrich *e, const struct ip *ip, struct enrich_result *out);
/* Hints the CPU that `ip` is looked up soon; no effect on results. */
void enrich_prefetch(const struct enrich *e, const struct ip *ip);
