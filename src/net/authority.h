/* Authority: what the case may answer for, as one flat table that is built by the recorder, handed
 * to the sensors in sealed memory, and only read from then on. A look-up costs the same for a
 * thousand names and for a million.
 *
 * An asset is in force from its `from` until its `until`, and only while its order is, too. A day
 * list (a DGA calendar) is many assets with the same order, policy and family and days of their
 * own; one name may have several.
 *
 * The builder belongs to one thread; a table may be read by any number. */
#pragma once

#include "base/err.h"
#include "base/ip.h"

#define AUTHORITY_ASSETS_MAX (64u << 20)
#define AUTHORITY_TEXT_MAX   1024 /* bytes of one text of an order */
#define AUTHORITY_FOREVER    INT64_MAX

enum authority_kind {
    AUTHORITY_DOMAIN,   /* the name and everything below it */
    AUTHORITY_WILDCARD, /* everything below the name, not the name itself */
    AUTHORITY_ADDRESS,  /* one address; all ports, or one */
    AUTHORITY_NETWORK,  /* a prefix; all ports, or one */
    AUTHORITY_PORT,     /* a port of any address that reaches us */
};
enum authority_transport { AUTHORITY_ANY, AUTHORITY_TCP, AUTHORITY_UDP };

struct authority_order {
    uint64_t index; /* of its ORDER entry on the log */
    struct span id, court, docket, jurisdiction, scope;
    struct span contact; /* where victims get help; may be empty */
    int64_t from, until;
};

struct authority_asset {
    uint64_t index; /* of the entry on the log that made it an asset */
    enum authority_kind kind;
    struct span name; /* domain, wildcard: in DNS wire form, lower case, final zero byte included */
    struct net net;   /* address, network */
    uint16_t port;    /* 0: all */
    enum authority_transport transport;
    int64_t from, until;        /* microseconds UTC, until exclusive */
    uint32_t order;             /* number that authority_builder_order gave */
    struct span family, policy; /* may be empty */
    bool identify;              /* the answers say that this is a sinkhole (HTTP header, DNS TXT) */
};

struct authority;

struct authority_builder;
struct authority_builder *authority_builder_new(void);
void authority_builder_free(struct authority_builder *b);
/* Numbers go up from 0. Texts are copied. */
uint32_t authority_builder_order(struct authority_builder *b, const struct authority_order *order);
/* -EINVAL for an order that is not there or a name that is none; -E2BIG over AUTHORITY_ASSETS_MAX.
 */
int authority_builder_asset(struct authority_builder *b, const struct authority_asset *asset,
                            struct err *err);
/* The table as a sealed memfd (F_SEAL_SEAL|SHRINK|GROW|WRITE), close-on-exec; the caller closes it.
 */
int authority_builder_finish(struct authority_builder *b, int *fd, struct err *err);

/* Maps a table read-only and checks all of it once, so that look-ups need not (a table comes from
 * the recorder, which the sensors need not trust with their memory). -EBADMSG. The fd stays the
 * caller's. */
int authority_map(int fd, struct authority **out, struct err *err);
void authority_unmap(struct authority *a);
/* A table with nothing in it: everything is refused. */
struct authority *authority_none(void);
uint64_t authority_assets(const struct authority *a);

/* Spans point into the table: valid until it is unmapped, so at most within one session call. */
struct authority_match {
    struct authority_asset asset;
    struct authority_order order;
    uint32_t policy; /* number of the asset's policy name, see authority_policy */
    size_t zone; /* by name: offset of the asset's name within the name asked for, in wire bytes */
};
/* The longest asset in force at `now` that covers the name (wire form, any case, final zero byte
 * included, at most 255 bytes). False: none. */
bool authority_name(const struct authority *a, struct span wire_name, int64_t now,
                    struct authority_match *out);
/* For a batch of names: asks the memory ahead for what authority_name will look at, so that a table
 * of a million names costs hardly more than one of a thousand. First authority_ahead for all of
 * them, then authority_ahead_more. Any bytes will do for a name; it may come with more bytes behind
 * it. */
struct authority_ahead {
    uint32_t bucket[2];
};
void authority_ahead(const struct authority *a, struct span wire_name, struct authority_ahead *out);
void authority_ahead_more(const struct authority *a, const struct authority_ahead *ahead);
/* The same for a name in text ("WWW.Example.org", a final dot or ":port" is passed over). False
 * also when it is no host name. */
bool authority_host(const struct authority *a, struct span text, int64_t now,
                    struct authority_match *out);
/* The most specific asset in force that covers the address and port: address before network (the
 * longer prefix first) before port; one with a port before one without. transport is never
 * AUTHORITY_ANY. */
bool authority_address(const struct authority *a, const struct ip *ip, uint16_t port,
                       enum authority_transport transport, int64_t now,
                       struct authority_match *out);
/* Whether any domain or wildcard is in force: a mail for it may come to any address. */
bool authority_any_name(const struct authority *a, int64_t now);
/* Policy names by number, 0 up; empty span behind the last. Number 0 is always POLICY_DEFAULT. */
struct span authority_policy(const struct authority *a, uint32_t number);

/* Text to wire form (IDNA A-labels expected; escapes not): length, 0 when it is no domain name. out
 * holds 255 bytes. Lower-cased. A final dot is passed over. */
size_t authority_wire_name(struct span text, uint8_t out[255]);
