/* Inside of classify: verdicts of views that were scanned before. Bots say the same thing again and
 * again, and a scan costs more than all else that is done to an observation. A view counts as the same
 * when its bytes and variables hash to the same 128 bits under a key of this process (XXH3). */
#pragma once

#include "event/classify_yara.h"

#define MEMO_VERDICTS   8192 /* kept; a new one takes an old one's place */
#define MEMO_BOT_ID_MAX 64   /* of a verdict that is kept */

struct memo;

/* with_src_port: rules look at ebb_src_port, so that views from different ports differ. */
struct memo *memo_new(bool with_src_port);
void memo_free(struct memo *m);
/* What ruleset_scan said of the same view: 1 or 0 and *out (bot_id lives until the next call); -1: it
 * is not known. memo_put() is about the view that was asked for last. */
int memo_get(struct memo *m, const struct view *v, struct verdict *out);
void memo_put(struct memo *m, int said, const struct verdict *v);
