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
