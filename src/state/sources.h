/* Sources: all that is known of each address that made contact, a row an address and family: when,
 * how often, its latest contact in full, and the traits by which it is judged (judge.h). A view of
 * the log, loaded on demand; 144 bytes a row, SOURCES_MAX rows at most.
 *
 * Unlike the census it takes in every observation with a source address, whatever its role: what is
 * a resolver, a visitor or a scanner has to be seen to be told. The family of events without one is
 * "unknown". A row's attribution (AS, country, network) is the latest one. Used by one thread. */
#pragma once

#include "base/err.h"
#include "event/event.h"

#define SOURCES_MAX                                                                                \
    (32u << 20) /* rows; further addresses are not taken in, and a warning says so */
#define SOURCES_IDS_MAX       (4u << 20) /* identities that are remembered, to know new ones by */
#define SOURCES_FAMILIES_MAX  UINT16_MAX /* further ones count as "unknown" */
#define SOURCES_SWEEP_SECONDS 10         /* from one target to the next */

struct sources;

/* Loads the snapshot `<dir>/sources`, or starts empty: also when it is damaged or of another
 * version, with a warning. */
int sources_open(const char *dir, struct sources **out, struct err *err);
void sources_close(struct sources *s);
uint64_t sources_position(const struct sources *s);
void sources_advance(struct sources *s, uint64_t position);
/* `index` is the event's place on the log. */
void sources_add(struct sources *s, uint64_t index, const struct event *ev);
/* Replaces the file as a whole. The same log gives the same bytes on machines of one byte order. */
int sources_snapshot(struct sources *s, struct err *err);

/* The roles that events gave it at the door, for the mask below. */
enum {
    SOURCE_UNJUDGED = 1,
    SOURCE_RESOLVER = 2,
    SOURCE_VISITOR = 4,
    SOURCE_SENDER = 8,
    SOURCE_REFERER = 16
};

struct source {
    struct ip ip;
    struct span family;
    unsigned family_number; /* in this view, from 0; the number is no family's for ever */
    uint32_t asn;
    char country[2];
    struct net network;
    struct span as_name;
    int64_t first_time, last_time; /* microseconds UTC, of contacts by event time */
    uint64_t contacts;             /* 2^32 - 1 and more count as that, as all counts here */
    uint32_t days;   /* distinct ones; those more than 64 days before the latest then known are not
                        told apart, when events come in out of order */
    uint64_t recent; /* bit i: seen i days before last_time's day */
    /* the latest contact (by time) that was an infected host's, else the latest of any */
    uint64_t index; /* its log entry */
    uint8_t kind;
    uint16_t src_port, dst_port;
    uint64_t asset; /* 0: none */
    /* traits; counts of distinct things are by bitmaps, exact to some percent up to about 60, and
     * never more than 110 (ids: 220) */
    unsigned roles;   /* SOURCE_... seen */
    uint64_t own;     /* contacts whose role was unjudged: all but those for others */
    uint64_t matched; /* of these: that a rule, a feed or an asset gave this family */
    bool ruled;       /* some by a rule: what it said was known */
    unsigned targets; /* distinct sinkhole addresses and ports */
    unsigned names;   /* distinct hosts or names asked for */
    unsigned paths;   /* distinct HTTP paths, as to their shape: digits and queries left out */
    unsigned agents;  /* distinct user agents */
    unsigned bots;    /* distinct bot ids */
    uint32_t hours;   /* bit h: some contact in that hour of the day (UTC) */
    double gap_mean,
        gap_deviation;  /* seconds between contacts: mean and standard deviation; 0: too few */
    bool crawler_agent; /* some user agent says what it is: a crawler or a scanner */
    bool tool_agent;    /* likewise a tool or a library: curl, python-requests */
    /* What it says mostly: a digest of method, path, names of parameters, kind of Host; or of the
     * name asked for, the HELO, the first word; digits and the like left out. 0: nothing is known.
     */
    uint32_t shape;
    double shape_share;  /* of own contacts that have it, at least */
    unsigned nothing;    /* contacts that ask for "/", "/robots.txt" or the like */
    unsigned by_address; /* contacts whose Host is an address, or that have none */
    /* Who it says it is: the bot id, else all that the request says (target, name, HELO, bytes). */
    uint64_t spoken; /* own contacts that say something, while new ones could be remembered */
    uint64_t fresh;  /* of these: such as was never seen before, at no address */
    unsigned mixed;  /* contacts with another bot id than the one before, on the same day */
    unsigned swept;  /* contacts within SOURCES_SWEEP_SECONDS of the one before, elsewhere */
};

/* Rows ordered by address (IPv4 first, by number), then family (bytewise); those of one address are
 * neighbours. Spans are valid within the call. row() returns 0 to go on. */
int sources_rows(struct sources *s, int (*row)(void *ctx, const struct source *row), void *ctx);
/* The same in no order that means anything, and faster. */
int sources_each(struct sources *s, int (*row)(void *ctx, const struct source *row), void *ctx);
/* The same for one address. */
int sources_of(struct sources *s, const struct ip *ip,
               int (*row)(void *ctx, const struct source *row), void *ctx);
uint64_t sources_count(struct sources *s);
/* Times of the first and the last contact of all; false: there is none. */
bool sources_span(struct sources *s, int64_t *first, int64_t *last);
/* For who keeps an index of addresses: those of the rows from number `from` on, `most` at most, in
 * the order in which they came; an address of several families comes several times. Where it got
 * to: rows keep their number until the view is started anew. */
size_t sources_addresses(struct sources *s, size_t from, size_t most,
                         void (*address)(void *ctx, const struct ip *ip), void *ctx);
