/* Sources: all that is known of each address that made contact, a row an address and family: when,
 * how often, its latest contact in full, and the traits by which it is judged (judge.h). A view of
 * the log, loaded on demand; about 150 bytes a row, SOURCES_MAX rows at most.
 *
 * Unlike the census it takes in every observation with a source address, whatever its role: what is
 * a resolver, a visitor or a scanner has to be seen to be told. The family of events without one is
 * "unknown". A row's attribution (AS, country, network) is the latest one. Used by one thread. */
#pragma once

#include "base/err.h"
#include "event/event.h"

#define SOURCES_MAX                                                                                \
    (32u << 20) /* rows; further addresses are not taken in, and a warning says so */

struct sources;

int sources_open(const char *dir, struct sources **out, struct err *err);
void sources_close(struct sources *s);
uint64_t sources_position(const struct sources *s);
void sources_advance(struct sources *s, uint64_t position);
/* `index` is the event's place on the log. */
void sources_add(struct sources *s, uint64_t index, const struct event *ev);
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
    uint32_t asn;
    char country[2];
    struct net network;
    struct span as_name;
    int64_t first_time, last_time; /* microseconds UTC, of contacts by event time */
    uint64_t contacts;
    uint32_t days;   /* distinct ones, as far as events came in order of days */
    uint64_t recent; /* bit i: seen i days before last_time's day */
    /* the latest contact (by time) that was an infected host's, else the latest of any */
    uint64_t index; /* its log entry */
    uint8_t kind;
    uint16_t src_port, dst_port;
    uint64_t asset; /* 0: none */
    /* traits */
    unsigned roles;   /* SOURCE_... seen */
    uint64_t matched; /* contacts that a rule, a feed or an asset gave this family */
    unsigned targets; /* distinct sinkhole addresses and ports, about */
    unsigned names;   /* distinct hosts or names asked for, about */
    unsigned paths;   /* distinct HTTP paths, about */
    unsigned agents;  /* distinct user agents, about */
    unsigned bots;    /* distinct bot ids, about */
    uint32_t hours;   /* bit h: some contact in that hour of the day (UTC) */
    double gap_mean,
        gap_deviation;  /* seconds between contacts: mean and standard deviation; 0: too few */
    bool crawler_agent; /* some user agent says what it is: a crawler, a scanner, a tool */
};

/* Rows ordered by address (IPv4 first, by number), then family; those of one address are
 * neighbours. Spans are valid within the call. row() returns 0 to go on. */
int sources_rows(struct sources *s, int (*row)(void *ctx, const struct source *row), void *ctx);
/* The same for one address. */
int sources_of(struct sources *s, const struct ip *ip,
               int (*row)(void *ctx, const struct source *row), void *ctx);
uint64_t sources_count(const struct sources *s);
