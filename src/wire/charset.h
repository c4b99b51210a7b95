/* Charsets of mail to UTF-8. ASCII, UTF-8, Latin-1 and Windows-1252 are ours (they are nearly all
 * of it); the others are ICU's converters, which are opened once, when the set is made: nothing is
 * allocated or read from disk per mail. A set is used by one thread. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

#define CHARSET_NAME_MAX 64

struct charset_set;

struct charset_set *charset_open(void);
void charset_close(struct charset_set *s);

/* Converts text in the charset that the label (any case, WHATWG and IANA aliases) names. An empty or
 * unknown label: UTF-8 where the bytes are that, else Windows-1252. The result is always well-formed
 * UTF-8; it is `in` itself where nothing had to be changed, else in the arena. What cannot be
 * converted becomes U+FFFD. NULs are kept. 0; 1 when the label was unknown; 2 when bytes were
 * replaced. */
int charset_to_utf8(struct charset_set *s, struct span label, struct span in, struct arena *arena,
                    struct span *out);
