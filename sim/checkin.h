/* What a check-in says: the bot id of a host, and the request line and headers of its family. The
 * feed and the capture tell of the same contacts in the same words. */
#pragma once

#include "sim/model.h"

#define CHECKIN_ID_MAX 40

/* The bot id of a contact; empty for a family without one and for scanners. A host keeps its id, a
 * sandbox has a new one at each run. `out` is not terminated; returns the length. */
size_t checkin_bot_id(const struct model *m, const struct model_checkin *c, uint32_t day,
                      char out[CHECKIN_ID_MAX]);
/* True when the contact is an HTTP request (and so a row with HTTP cells). */
bool checkin_is_http(const struct model *m, const struct model_checkin *c);
/* True when the contact has a row in the feed: everything but DNS. */
bool checkin_in_feed(const struct model *m, const struct model_checkin *c);
/* "POST", "/index.php", with {id} in its place; a scanner's are its group's. Never NULL. */
const char *checkin_method(const struct model *m, const struct model_checkin *c);
const char *checkin_path(const struct model *m, const struct model_checkin *c);
const char *checkin_agent(const struct model *m, const struct model_checkin *c);
