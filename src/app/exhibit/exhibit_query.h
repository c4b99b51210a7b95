/* What an exhibit is asked to have: lists of entries, and queries in words. */
#pragma once

#include "view/query.h"

#define EXHIBIT_QUERY_MAX 1024 /* bytes */

/* A query in words: "family=rustock country=DE since=2011-03-16 limit=100". Keys: family country
 * asn src protocol kind sensor since until limit from (the index to begin at); each once. A value
 * may be in double quotes, for blanks. `q` points into `words`. */
struct exhibit_query {
    struct query q;
    char words[2 * EXHIBIT_QUERY_MAX];
};
/* -EINVAL names the word. */
int exhibit_query_parse(struct span text, struct exhibit_query *out, struct err *err);

/* "12 80-84" (blanks or commas between) appended to *out, which is free()d by the caller also after
 * a failure; -EINVAL names the word, -E2BIG over `max` entries. */
int exhibit_entries_parse(struct span text, size_t max, uint64_t **out, size_t *n, struct err *err);
