/* Registry: what the log has been told of once and refers to since: imported files and how far they
 * came (which makes an import exactly-once by file SHA-256 and record number), and what headers
 * refer to (sensors, rulesets, enrichment data). A view of the log; used by one thread. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "event/event.h"

struct registry;

struct import_state {
    uint64_t index; /* log index of its IMPORT_BEGUN entry */
    uint8_t sha256[SHA256_LEN];
    char format[32];
    uint64_t last_record; /* the highest record number on the log, 0 when none is */
    uint64_t events;      /* events on the log */
    uint64_t records, rejected; /* as IMPORT_DONE says, when done */
    bool done;
};

/* Loads `<dir>/registry`, or starts empty (also when the file is damaged: it can be rebuilt). */
int registry_open(const char *dir, struct registry **out, struct err *err);
void registry_close(struct registry *s);
/* Log entries taken in so far. */
uint64_t registry_position(const struct registry *s);
void registry_advance(struct registry *s, uint64_t position);
/* Writes the snapshot, replacing the old one as a whole. */
int registry_snapshot(struct registry *s, struct err *err);

/* Takes in one entry: an event (its import and record), or an act. */
void registry_event(struct registry *s, const struct event *ev);
void registry_act(struct registry *s, uint8_t kind, uint64_t index, struct span payload);

/* By the file's digest; NULL when it was never begun. Valid until the next entry is taken in. */
const struct import_state *registry_file(const struct registry *s, const uint8_t sha256[SHA256_LEN]);
/* The newest SENSOR, RULESET or ENRICHMENT entry with just this payload. False when there is none. */
bool registry_reference(const struct registry *s, uint8_t kind, struct span payload, uint64_t *index);
/* The sensor's name by its entry's index; empty when there is none. */
struct span registry_sensor(const struct registry *s, uint64_t index);
/* All references in order: 1 and the i-th one, 0 behind the last. */
int registry_reference_at(const struct registry *s, size_t i, uint8_t *kind, uint64_t *index,
                          struct span *payload);
