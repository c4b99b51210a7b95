/* Classification: which family an observation speaks of, by YARA rules over a normalised view of
 * it (doc/rules.md says how rules are written and bot ids extracted), or by a feed's own word
 * through a mapping file. */
#pragma once

#include "base/digest.h"
#include "base/err.h"
#include "event/event.h"

#define CLASSIFY_VIEW_MAX  (32u << 10) /* bytes of a view; the head of an HTTP request or the SMTP
                                        * dialogue is cut to fit, a body never */
#define CLASSIFY_TEXT_MAX  2048        /* bytes of a text variable */
#define CLASSIFY_BOT_ID_MAX 256        /* a longer match is no bot id */
#define CLASSIFY_WORD_MAX  128         /* a longer feed word is no family */
#define CLASSIFY_FEED_CONFIDENCE 80    /* where families.map gives no other */
#define CLASSIFY_TIMEOUT   1           /* seconds for one scan */

struct classify;

/* Compiles every *.yar below rules_dir (sorted by path; hidden files and folders are passed over)
 * and reads families.map from it when it is there. A rule that does not compile is an error naming
 * file and line; one whose meta is not as doc/rules.md wants it, naming file and rule. One
 * classify is used by one thread. */
int classify_open(const char *rules_dir, struct classify **out, struct err *err);
void classify_close(struct classify *c);
/* SHA-256 over names and contents of all files read, and how many rules there are: what the
 * RULESET log entry says. */
const uint8_t *classify_sha256(const struct classify *c);
unsigned classify_rules(const struct classify *c);

/* Sets family, confidence, family_source, and bot_id where it can; leaves them as they are
 * otherwise. A feed row that brings a family word is mapped (family_source "feed"; a word that the
 * mapping does not know becomes our family in lower case, and stays as it was in feed{}); all else
 * is scanned. Spans it sets are valid until the next call, or borrow from the event. */
void classify_event(struct classify *c, struct event *ev);

/* What has been done since classify_open. A view that is the same as one before is not scanned again:
 * its verdict is remembered. `failed` scans (time, too many matches, memory) leave
 * their event without a family. */
struct classify_stats {
    uint64_t scanned, matched, failed, feed;
};
const struct classify_stats *classify_stats(const struct classify *c);

/* The normalised view that rules see, for tests and rule writers; nothing for an event that has
 * nothing to see. */
void classify_view(const struct event *ev, struct buf *out);
/* The variables that go with it, a line "name=value" each, control characters as '?': what yara's
 * -d option takes. */
void classify_view_variables(const struct event *ev, struct buf *out);
