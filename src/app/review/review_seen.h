/* Seen: whether the case observed a name or address before an entry. */
#pragma once

#include "base/err.h"
#include "journal/journal.h"

struct seen {
    uint64_t entry;
    int64_t time;
    uint8_t kind;
    struct span value;
};
/* The first observation before entry `before` in which a domain was asked for, an address made
 * contact, or a mail address was a sender or recipient, among the `most` entries before it; *unread
 * gets how many lie before those. Other types of facts are not observed. `normal`: facts_normal().
 */
int seen_before(struct journal *j, struct span type, struct span normal, uint64_t before,
                uint64_t most, int (*each)(void *ctx, const struct seen *s), void *ctx,
                uint64_t *unread, struct err *err);
