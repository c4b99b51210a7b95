/* Contacts: whom to tell of an infected address. A view of the log (CONTACTS_IMPORTED,
 * RDAP_ANSWERED), loaded on demand. doc/contacts.md says how one is chosen. Used by one thread.
 *
 * Order of trust: the operator's table (longest prefix, then AS, then country); the longest prefix
 * of the registries' data that has an abuse contact; RDAP's cached answer; the AS's own contact of
 * the registries' data; the country's CERT, where the address's country is known. What has none of
 * these is unresolved: never a guess.
 *
 * Tables are read from their blobs when a question is first asked, then the index made of them is
 * kept in the snapshot, and mapped. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "base/ip.h"
#include "event/event.h"

#define CONTACT_MAX 254 /* bytes of an e-mail address (RFC 5321, 4.5.3.1) */

struct contacts;

int contacts_open(const char *dir, struct contacts **out, struct err *err);
void contacts_close(struct contacts *c);
uint64_t contacts_position(const struct contacts *c);
void contacts_advance(struct contacts *c, uint64_t position);
int contacts_snapshot(struct contacts *c, struct err *err);
/* As judgements_blobs: where the tables are kept. */
void contacts_blobs(struct contacts *c,
                    int (*blob)(void *ctx, const uint8_t sha256[SHA256_LEN], struct buf *out,
                                struct err *err),
                    void *ctx);
void contacts_act(struct contacts *c, uint8_t kind, uint64_t index, int64_t time,
                  struct span payload);

struct contact {
    struct span mail;   /* the abuse mailbox; empty: unresolved */
    struct span source; /* "operator" "ripe" ... "rdap" "cert"; with empty mail: why ("none") */
    struct span handle; /* the object that named it ("AR15518-RIPE", "AS3320"), may be empty */
    struct span name;   /* of the network or organisation, may be empty */
    struct net network; /* what matched; unset for a CERT or an AS of the operator's */
    int64_t made;       /* when the source's data was made, microseconds; 0: not known */
    uint64_t entry;     /* the log entry that it comes from */
};

/* Whom to tell. asn and country are as the event recorded them (0, zero bytes: unknown). Spans are
 * valid until the view takes in an act or is closed. False: unresolved (mail is empty). */
bool contacts_find(struct contacts *c, const struct ip *ip, uint32_t asn, const char country[2],
                   struct contact *out);

/* Which registry the address's network was delegated by ("ripe"), by the registries' statistics,
 * and the holder's country (two zero bytes: not known). Empty: not known. */
struct span contacts_registry(struct contacts *c, const struct ip *ip, char country[2]);
/* True when RDAP was asked for a network that has the address, even if it named nobody; *when: the
 * time of the answer of the longest one. */
bool contacts_asked(struct contacts *c, const struct ip *ip, int64_t *when);

/* What the view was made of. */
struct contacts_source {
    struct span source, file, format;
    uint64_t entry, rows, rejected;
    int64_t made, imported;
};
int contacts_sources(struct contacts *c, int (*each)(void *ctx, const struct contacts_source *s),
                     void *ctx);
