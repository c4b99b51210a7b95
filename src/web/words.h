/* Words: what the public pages say, by language. Catalogues are files
 * web/words/LANGUAGE/TOPIC.words (UTF-8), built into the program by web/words/embed.py: lines
 * `TOPIC.key = text` (letters a-z, digits, "-", "_", "."), `#` comments; a text goes on in lines
 * that begin with a blank. In a text, %1 to %9 are filled in, `[text](%1)` is a link to the first,
 * `**text**` is strong; all else is text, not HTML. A link leads within the site ("/...", "#...")
 * or by https, http, mailto, tel; elsewhere its text alone is written. Every language has every
 * key: a test says which is missing, and which of a source's "TOPIC.key" strings is in no
 * catalogue. `site.language.name` and `site.language.direction` (ltr, rtl) are the language's own.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

struct words; /* one language */

/* By BCP 47 tag ("ru", "ru-RU"); NULL: there is no such catalogue. */
const struct words *words_in(struct span language);
/* The best one for an Accept-Language header (RFC 9110, 12.5.4), among `languages` (NULL-ended; the
 * first is the fallback). */
const struct words *words_negotiated(struct span accept, char *const *languages);
const char *words_language(const struct words *w); /* "ru" */
bool words_rtl(const struct words *w);             /* written from right to left */
const char *words_name(const struct words *w);     /* "Русский" */

/* The text of a key as it is; the key itself where there is none (a test finds those). */
const char *words_raw(const struct words *w, const char *key);
bool words_have(const struct words *w, const char *key);
/* Appends it as HTML, with %1 ... %9 from `args` (text, escaped here), NULL-ended. An argument that
 * may be written the other way is put into <bdi>. */
void words_put(struct buf *out, const struct words *w, const char *key, ...)
    __attribute__((sentinel));
/* The same as plain text, for titles and attributes: not escaped. */
void words_plain(struct buf *out, const struct words *w, const char *key, ...)
    __attribute__((sentinel));
