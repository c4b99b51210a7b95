/* Language: which of the texts that there are a visitor would read, by Accept-Language (RFC 9110,
 * 12.5.4) and the look-up of RFC 4647, 3.4. */
#pragma once

#include "base/buf.h"

#define HTTP_LANGUAGE_RANGES_MAX 32 /* ranges looked at */
#define HTTP_LANGUAGE_TAG_MAX    64

/* The number of the best of n tags, SIZE_MAX when none fits. */
size_t http_language_lookup(struct span accept, const struct span *tags, size_t n);
/* Whether the text has the form of a language tag (RFC 5646, 2.1, loosely). */
bool http_language_is_tag(struct span tag);
