/* Classification: which family an observation speaks of, by YARA rules over a normalised view of
 * it (doc/rules.md says how rules are written and bot ids extracted), or by a feed's own word
 * through a mapping file. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "event/event.h"

struct classify;

/* Compiles every *.yar below rules_dir (sorted by path) and reads families.map from it. A rule
 * that does not compile is an error naming file and line. One classify is used by one thread. */
int classify_open(const char *rules_dir, struct classify **out, struct err *err);
void classify_close(struct classify *c);
/* SHA-256 over names and contents of all files read, and how many rules there are: what the
 * RULESET log entry says. */
const uint8_t *classify_sha256(const struct classify *c);
unsigned classify_rules(const struct classify *c);

/* Sets family, confidence, family_source, and bot_id where it can; leaves them empty otherwise.
 * A feed row that brings a family word is mapped (family_source "feed"; a word that the mapping
 * does not know becomes our family in lower case, and stays as it was in feed{}); all else is
 * scanned. Spans it sets are valid until the next call, or borrow from the event. */
void classify_event(struct classify *c, struct event *ev);

/* The normalised view that rules see, for tests and rule writers. */
void classify_view(const struct event *ev, struct buf *out);
