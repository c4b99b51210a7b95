/* Acts: the payloads of log entries that are no observations (kinds.def, 32 and up). Each is a
 * CBOR map; writing appends to out, reading gives spans into the payload. Reading returns 0, or -1
 * when the payload is not of that shape (a redacted one among them). */
#pragma once

#include "base/buf.h"
#include "base/digest.h"

/* CASE_OPENED */
void act_case_opened(struct buf *out, const char *origin, const char *version);

/* SENSOR: what the header's `sensor` refers to. */
void act_sensor(struct buf *out, const char *name);
int act_sensor_read(struct span payload, struct span *name);

/* RULESET: what the header's `ruleset` refers to. */
void act_ruleset(struct buf *out, uint64_t rules, const uint8_t sha256[SHA256_LEN]);
int act_ruleset_read(struct span payload, uint64_t *rules, struct span *sha256);

/* ENRICHMENT: what the header's `enrichment` refers to. */
struct act_enrichment {
    struct span name, date, sha256;
};
void act_enrichment(struct buf *out, const struct act_enrichment *a);
int act_enrichment_read(struct span payload, struct act_enrichment *a);

/* IMPORT_BEGUN: a file whose records follow, each naming this entry's index. */
struct act_import_begun {
    struct span file;   /* name as given, without folders */
    struct span format;
    struct span sha256; /* of the file as it was on disk */
    uint64_t size;
    bool kept; /* the file is stored as a blob under its SHA-256 */
};
void act_import_begun(struct buf *out, const struct act_import_begun *a);
int act_import_begun_read(struct span payload, struct act_import_begun *a);

/* IMPORT_DONE: the file was read to its end. */
struct act_import_done {
    uint64_t import; /* index of its IMPORT_BEGUN entry */
    uint64_t records, events, rejected;
};
void act_import_done(struct buf *out, const struct act_import_done *a);
int act_import_done_read(struct span payload, struct act_import_done *a);

/* ---- authority ---- */

#define ACT_FOREVER INT64_MAX /* an `until` that is not set; absent on the log */

/* ORDER: a court order or another authority to act. */
struct act_order {
    struct span id;    /* what commands and assets call it by; unique in a case */
    struct span court, docket, jurisdiction;
    struct span document, sha256; /* the file's name, and its digest: it is kept as a blob; may be empty */
    int64_t from, until;
    struct span scope, contact, note; /* contact: where victims get help */
};
void act_order(struct buf *out, const struct act_order *a);
int act_order_read(struct span payload, struct act_order *a);

/* ORDER_CLOSED: from `when` on nothing is done under it any more. */
struct act_order_closed {
    uint64_t order; /* index of its ORDER entry */
    struct span id, why;
    int64_t when;
};
void act_order_closed(struct buf *out, const struct act_order_closed *a);
int act_order_closed_read(struct span payload, struct act_order_closed *a);

/* The kinds of assets, by their names on the log: domain wildcard address network port. In the order
 * of net/authority.h's. */
enum act_asset_kind {
    ASSET_DOMAIN,
    ASSET_WILDCARD,
    ASSET_ADDRESS,
    ASSET_NETWORK,
    ASSET_PORT,
    ASSET_KINDS,
};
const char *act_asset_kind_name(enum act_asset_kind kind);

/* ASSET: one name, address, network or port. */
struct act_asset {
    uint64_t order; /* index of its ORDER entry */
    enum act_asset_kind kind;
    struct span name; /* "example.org" (a wildcard without its "*."), "192.0.2.1", "192.0.2.0/24"; a
                       * port's is empty */
    uint16_t port;         /* 0: all */
    struct span transport; /* "tcp" "udp"; empty: both */
    struct span family, policy;
    bool identify;
    int64_t from, until;
    int64_t registered_until; /* when its registration ends; ACT_FOREVER: not known */
    struct span registrar, note;
};
void act_asset(struct buf *out, const struct act_asset *a);
int act_asset_read(struct span payload, struct act_asset *a);

/* ASSET_LIST: many names at once (a generator's calendar), kept as a blob. */
struct act_asset_list {
    uint64_t order;
    struct span file, sha256;
    struct span family, policy;
    bool identify;
    int64_t from, until;      /* for rows that say none */
    struct span registrar;    /* likewise */
    uint64_t rows, rejected;
    struct span note;
};
void act_asset_list(struct buf *out, const struct act_asset_list *a);
int act_asset_list_read(struct span payload, struct act_asset_list *a);

/* ASSET_RELEASED: from `when` on it is none any more. */
struct act_asset_released {
    uint64_t asset;   /* index of its ASSET or ASSET_LIST entry */
    struct span name; /* of a list: this name alone; empty: all of it */
    struct span why;
    int64_t when;
};
void act_asset_released(struct buf *out, const struct act_asset_released *a);
int act_asset_released_read(struct span payload, struct act_asset_released *a);

/* ---- the sinkhole ---- */

/* GAP: observations that were made and are not on the log, or could not be made. */
struct act_gap {
    struct span what;   /* "ring full" "sensor died" "recorder died" "disk full" "suppressed" */
    struct span sensor; /* may be empty */
    int64_t since, until;
    uint64_t count;     /* 0: not known */
    struct span source; /* suppressed: the address they came from; may be empty */
};
void act_gap(struct buf *out, const struct act_gap *a);
int act_gap_read(struct span payload, struct act_gap *a);

/* SERVE */
struct act_serve {
    struct span phase;  /* "started" "reloaded" "restarted" "stopped" */
    struct span config; /* the text of ebb.yaml */
    struct span version;
};
void act_serve(struct buf *out, const struct act_serve *a);
int act_serve_read(struct span payload, struct act_serve *a);

/* ---- campaigns ---- */

/* CAMPAIGN_MERGED: the campaign of mail `from` is that of mail `into` (log indexes that name campaigns).
 * CAMPAIGN_SPLIT takes it back. */
struct act_campaigns {
    uint64_t into, from;
    struct span by;  /* "ebb", or who decided */
    struct span why;
};
void act_campaigns(struct buf *out, const struct act_campaigns *a);
int act_campaigns_read(struct span payload, struct act_campaigns *a);

/* DIALECT_NAMED: what a dialect or grammar is called, and whose it is. */
struct act_dialect {
    struct span sign;   /* "smtp" "headers" "message-id" */
    struct span text;   /* the grammar, as shown */
    struct span name, family, why; /* may be empty */
};
void act_dialect(struct buf *out, const struct act_dialect *a);
int act_dialect_read(struct span payload, struct act_dialect *a);
