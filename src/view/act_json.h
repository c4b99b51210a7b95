/* Acts as JSON: every log entry that is no observation, whatever its kind, read generically. */
#pragma once

#include "base/json.h"
#include "journal/journal.h"

/* One object: index, time, kind, and the payload's members as they are on the log (one that is
 * called kind is of_kind here); digests and
 * other bytes as hex, times as RFC 3339. No newline. */
void act_json(const struct entry *e, struct json *out);
