/* Clickhouse_seen: bits that were sent already, by key: so that an address that is seen a thousand
 * times a day is one row and not a thousand. Bounded: a full table is forgotten, after which some
 * rows are sent once more, which changes nothing. Keys go by a hash of 128 bits. One thread. */
#pragma once

#include "base/buf.h"

struct clickhouse_seen {
    struct clickhouse_seen_slot *slot;
    uint32_t cap, n, batch; /* cap: a power of two */
};

/* Room for so many keys, rounded up. */
void clickhouse_seen_init(struct clickhouse_seen *s, uint32_t keys);
void clickhouse_seen_free(struct clickhouse_seen *s);
/* Nothing was sent. */
void clickhouse_seen_forget(struct clickhouse_seen *s);
/* What is noted from now on goes into rows of a new batch. */
void clickhouse_seen_next(struct clickhouse_seen *s);

enum clickhouse_seen_what { CLICKHOUSE_SENT, CLICKHOUSE_OLD_ROW, CLICKHOUSE_NEW_ROW };
/* Notes the bit of a key. CLICKHOUSE_OLD_ROW: this batch has row *row of it, which wants the bit,
 * too; CLICKHOUSE_NEW_ROW: the key gets the row that *row was set to. */
enum clickhouse_seen_what clickhouse_seen_bit(struct clickhouse_seen *s, struct span key,
                                              uint64_t bit, uint32_t *row);
