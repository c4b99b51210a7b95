/* Enrichment: who announces an address, offline. One immutable table, built once from the
 * databases and mapped from a cache file afterwards; look-ups take well under 100 ns and may run
 * in any number of threads. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "event/event.h"

struct enrich;

/* Which database says what: AS number, AS name and network come from mmdb_asn where it is given,
 * else from libloc; the country from mmdb_country where it is given, else from libloc. A field is
 * never filled from the other database where its own has no answer, so that a number in a report
 * has one source. With no database at all everything is unknown. */
struct enrich_config {
    const char *libloc;       /* libloc database, NULL for none */
    const char *mmdb_asn;     /* MaxMind DB files (GeoLite2-ASN and -Country shape); NULL for none */
    const char *mmdb_country;
    const char *cache_dir;    /* where the built table is kept: one file for each set of database
                               * paths, made when missing. It is used while the databases' inode,
                               * size and times are those it was built from; else, or when it is
                               * damaged, it is built anew. One that cannot be written is not an
                               * error. NULL: built in memory each time */
};

/* Which data was used: what the ENRICHMENT log entry says. */
struct enrich_info {
    char name[256]; /* file names, joined with "+" */
    char date[32];  /* when the data was made, RFC 3339; of several the oldest */
    uint8_t sha256[SHA256_LEN]; /* over the files' SHA-256s in the order above */
};

/* Loads or builds the table. A database that is missing or broken is an error that names it. */
int enrich_open(const struct enrich_config *config, struct enrich **out, struct err *err);
void enrich_close(struct enrich *e);
const struct enrich_info *enrich_info(const struct enrich *e);
/* True when the table came from the cache. */
bool enrich_cached(const struct enrich *e);

struct enrich_result {
    uint32_t asn;        /* 0: unknown */
    char country[2];     /* zero bytes: unknown. As the database has it: mostly ISO 3166-1, also
                          * "EU" and the like where it knows no better */
    /* The longest prefix of the database that holds the address; unset: unknown. libloc has the
     * prefixes of the routing table and, where there is none, of the registries' allocations, and
     * cuts a prefix where parts of it are in another country; so this is the piece with that
     * country, which can be smaller than what the AS announces. asn may be 0 with a network set:
     * allocated, not announced. */
    struct net network;
    struct span as_name; /* valid as long as the table */
};

/* Longest prefix for the address. Special-purpose addresses (RFC 6890) come back unknown, unless
 * the database has a prefix around them (libloc's has 203.0.0.0/8 and 2001:c00::/23, so two ranges
 * for documentation come back as AU). */
void enrich_lookup(const struct enrich *e, const struct ip *ip, struct enrich_result *out);
/* Hints the CPU that `ip` is looked up soon; no effect on results. */
void enrich_prefetch(const struct enrich *e, const struct ip *ip);
