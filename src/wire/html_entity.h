/* Character references of HTML. */
#pragma once

#include "base/buf.h"

#define HTML_ENTITY_MAX 32 /* bytes of a name; the longest has 31 */

/* The reference that begins at s (its '&'): how many bytes it takes, 0 when it is none. In
 * attributes a name without a semicolon may not run into letters or '='. *bad: not as the standard
 * has it. */
size_t html_entity(struct span s, bool attribute, uint32_t *code, bool *bad);
/* UTF-8 of a code point; 1 to 4 bytes. */
size_t html_utf8(uint32_t code, uint8_t *out);
