/* What a contact and its sinkhole say to each other, as bytes. */
#pragma once

#include "sim/model.h"

/* The contact's first message: HTTP request, DNS query or raw text. Empty for a scanner that finds
 * a port open on which it has nothing to say. Appends to out. */
void message_request(const struct model *m, const struct model_checkin *c, uint32_t day,
                     struct buf *out);
/* The sinkhole's answer: an empty 200, an address, or nothing. */
void message_response(const struct model *m, const struct model_checkin *c, struct span request,
                      struct buf *out);
