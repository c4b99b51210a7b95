/* Charsets of mail to UTF-8. ASCII, UTF-8, Latin-1 and Windows-1252 are ours (they are nearly all
 * of it), and so are all others of one byte a character, by tables that ICU fills; the rest are
 * ICU's converters. Each is opened when its label is first met and kept: nothing is allocated per
 * mail. ICU's data is linked in, and it is told not to look for files (for the whole process). A
 * set is used by one thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define CHARSET_NAME_MAX 64

struct charset_set;

struct charset_set *charset_open(void);
void charset_close(struct charset_set *s);

/* Converts text in the charset that the label (any case, WHATWG and IANA aliases) names, as the
 * WHATWG Encoding Standard has them where it differs from IANA (Latin-1 is Windows-1252, GB2312 is
 * GB18030). An empty or unknown label, or US-ASCII: UTF-8 where the bytes are that, else
 * Windows-1252. The result is always well-formed UTF-8; it is `in` itself where nothing had to be
 * changed, else in the arena. What cannot be converted becomes U+FFFD. NULs are kept. 0; 1 when the
 * label was unknown; 2 when there were bytes that the charset does not have. */
int charset_to_utf8(struct charset_set *s, struct span label, struct span in, struct arena *arena,
                    struct span *out);
/* True when the bytes are well-formed UTF-8, NULs or not. */
bool charset_is_utf8(struct span s);
