/* Domain names as text: the host names that can be looked up (RFC 1035, RFC 1123; underscores are
 * taken, too). IDNA A-labels are expected; escapes and wildcards are not taken. */
#pragma once

#include "base/buf.h"

#define DOMAIN_WIRE_MAX 255
#define DOMAIN_TEXT_MAX 253 /* without a final dot */

/* Text to wire form: its length with the final zero byte, 0 when it is no domain name. Lower-cased.
 * A final dot is passed over. */
size_t domain_wire(struct span text, uint8_t out[DOMAIN_WIRE_MAX]);
/* Lower-case text without a final dot: its length, 0 when it is no domain name. */
size_t domain_text(struct span text, uint8_t out[DOMAIN_TEXT_MAX]);
