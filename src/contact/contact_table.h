/* Contact table: whom to tell of which networks, as CSV: what an operator writes, and what ebb
 * makes of registries' data and keeps as a blob. A row is
 *
 *     match,contact,name       match: 192.0.2.0/24, 2001:db8::/32, an address, AS64500, or DE
 *
 * A first row that begins with match, network or country is a heading and says which column is what
 * (match network contact handle name country registry; others are passed over). Cells may be in
 * double quotes, with a quote inside doubled, but not go over lines. Empty lines and lines that
 * begin with # are none. */
#pragma once

#include "base/err.h"
#include "base/ip.h"
#include "contact/mailbox.h"

#define CONTACT_LINE_MAX   4096
#define CONTACT_CELLS_MAX  16
#define CONTACT_TEXT_MAX   255         /* bytes of a handle or name; longer ones are cut */
#define CONTACT_ROWS_MAX   (32u << 20) /* of one table */
#define CONTACT_BITS_MIN_4 8           /* networks wider than that are nobody's: /0 to /7 */
#define CONTACT_BITS_MIN_6 16          /* likewise: the registries' own blocks are /12 */

enum contact_match { CONTACT_NETWORK, CONTACT_AS, CONTACT_COUNTRY };

struct contact_row {
    enum contact_match match;
    struct net network; /* CONTACT_NETWORK */
    uint32_t asn;       /* CONTACT_AS */
    char country[2];    /* CONTACT_COUNTRY; else the holder's, or zero */
    struct span mail;   /* may be empty where a registry is given */
    struct span handle, name, registry;
};

/* False: the network is too wide for anybody to be told about. */
bool contact_network_ok(const struct net *net);

struct contact_table {
    /* 0 to go on; else it ends the reading and is returned. Spans are valid during the call. */
    int (*row)(void *ctx, const struct contact_row *row);
    void (*reject)(void *ctx, uint64_t line, const char *why);
    void *ctx;
    bool strict;             /* placeholders are rejected, too: for what registries say */
    uint64_t line;           /* of the last line that was read, from 1 */
    uint64_t rows, rejected; /* counted here */
    /* of the heading */
    bool begun;
    uint8_t column[CONTACT_CELLS_MAX];
    char scratch[CONTACT_LINE_MAX], mailbox[MAILBOX_MAX + 1], why[160];
};

/* Reads one line, without its end. 0, what row() returned, or -E2BIG over CONTACT_ROWS_MAX. */
int contact_table_line(struct contact_table *t, struct span line);
/* All of them. */
int contact_table_text(struct contact_table *t, struct span text);
/* True when a line may be such a table's first row or its heading: for recognising files. *country:
 * its heading is a table of countries. */
bool contact_table_probe(struct span line, bool *country);

/* Writing: the heading, then rows. With a registry: of delegations; else of contacts. */
void contact_table_head(struct buf *out, bool delegations);
void contact_table_put(struct buf *out, const struct contact_row *row, bool delegations);
