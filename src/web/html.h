/* HTML as it is written: whatever comes from elsewhere goes through one of these and is inert. */
#pragma once

#include "base/buf.h"

/* Text, or an attribute's value between double quotes: & < > " ' escaped; bytes that are not UTF-8,
 * control characters and bidi overrides become U+FFFD. */
void html_text(struct buf *out, struct span s);
void html_str(struct buf *out, const char *s);
/* ` name="value"`. */
void html_attribute(struct buf *out, const char *name, struct span value);
/* With thousands separated by a thin space that does not break. */
void html_count(struct buf *out, uint64_t n);
/* A URL's part, percent-encoded (RFC 3986: all but unreserved characters). */
void html_url_part(struct buf *out, struct span s);
