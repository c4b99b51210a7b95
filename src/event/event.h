/* Event: one observation, whoever produced it (a sensor or an importer). This is the only shape in
 * which observations go through the pipeline. kinds.def has every field.
 *
 * Ownership: spans borrow; they are valid as long as the producer says (an importer: until its
 * sink call returns; event_decode: as long as the payload it was given). */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/ip.h"
#include "base/json.h"

enum event_kind {
#define KIND(number, symbol, name, is_event) KIND_##symbol = number,
#include "event/kinds.def"
};

#define EVENT_RCPT_MAX       100 /* recipients kept of one mail */
#define EVENT_FEED_CELLS_MAX 256 /* columns kept of one row */
#define HTTP_BODY_KEEP       4096
#define RAW_BYTES_KEEP       1024

struct span_list {
    const struct span *v;
    size_t n;
};

/* feed{}: cells of a partner's row that have no field of their own, by column name, ordered as
 * cbor_key_cmp and unique. Its own words for the report and the family are "report" and
 * "infection"/"family"/"type", as the feed calls them. */
struct feed_cell {
    struct span key, value;
};

struct event {
    enum event_kind kind;
    int64_t time;    /* microseconds UTC */
    uint64_t sensor; /* log index of its SENSOR entry; filled by the pipeline */
    bool plain;      /* a hint: every text is known to be ASCII without NUL */
    struct span observer; /* a hint, never encoded: the host that saw it, where an importer knows */

    uint64_t asn, asset, import, record, dst_port, src_port, confidence;
    struct span role, answer, bot_id, family, as_name, country, protocol, transport, family_source;
    struct ip via, dst_ip, src_ip;
    struct net network;

    struct {
        bool has;
        uint64_t id, edns, nsid, flags;
        struct span ecs, qname, qtype, cookie, qclass, anomalies;
    } dns;
    struct {
        bool has;
        uint64_t body_size;
        struct span body, host, blob, method, target, headers, referer, version, anomalies,
            user_agent;
    } http;
    struct {
        bool has;
        uint64_t size, early;
        struct span auth, blob, helo, timing, replies, subject, dialogue, anomalies, mail_from;
        struct span_list rcpt_to;
    } smtp;
    struct {
        bool has;
        uint64_t client_size, server_size;
        struct span client, server;
    } raw;
    struct {
        bool has;
        struct span ja3, ja4, sni, alpn, version;
    } tls;
    struct {
        bool has;
        const struct feed_cell *cells;
        size_t n;
    } feed;
};

/* Absent on the log, an address's role is "unjudged". */
static inline struct span event_role(const struct event *ev)
{
    return ev->role.n ? ev->role : span_of("unjudged", 8);
}

/* True for roles of addresses that are no infected host's: they ask, look or hand on for others. */
static inline bool event_is_of_others(const struct event *ev)
{
    return span_is(ev->role, "resolver") || span_is(ev->role, "visitor") ||
           span_is(ev->role, "sender");
}

/* "dns" for 1; NULL for numbers that no kind has. */
const char *event_kind_name(uint8_t kind);
/* True for the kinds whose payload is an event. */
bool event_kind_is_event(uint8_t kind);

/* Appends the payload (deterministic CBOR). */
void event_encode(const struct event *ev, struct buf *out);
/* Reads a payload. Spans point into it, lists into the arena; kind, time and sensor are left to
 * the caller, who has the header. Unknown keys are passed over. 0, or -1 when it is malformed. */
int event_decode(struct span payload, struct arena *arena, struct event *out);
/* One JSON object with the names of the design's command-line section. `sensor` is its name.
 * `index` is the log index. No newline. */
void event_json(const struct event *ev, uint64_t index, const char *sensor, struct json *out);
