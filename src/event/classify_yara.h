/* Inside of classify: YARA rules, their meta, and one scan. */
#pragma once

#include "base/err.h"
#include "event/classify_view.h"

struct ruleset;

/* What a scan found. rule and family live as long as the ruleset, bot_id as long as the view. */
struct verdict {
    struct span rule, family, bot_id;
    uint8_t confidence;
};

/* Open, add each file, then ready. A failed one may only be closed. */
int ruleset_open(struct ruleset **out, struct err *err);
/* `path` is for errors; a file is a namespace of its own. */
int ruleset_add(struct ruleset *r, const char *path, struct span text, struct err *err);
/* Checks every rule's meta (doc/rules.md). */
int ruleset_ready(struct ruleset *r, struct err *err);
void ruleset_close(struct ruleset *r);
/* How many rules can give a verdict (private ones cannot). */
unsigned ruleset_size(const struct ruleset *r);
/* 1 a rule matched (of several the one with the highest confidence, then the first by name),
 * 0 none did, -1 the scan failed. */
int ruleset_scan(struct ruleset *r, const struct view *v, struct verdict *out);
