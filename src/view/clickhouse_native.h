/* Clickhouse_native: observations as rows of the cluster's tables (clickhouse.def): which rows an
 * entry makes, and the batch of them that goes to one shard. The census' rules are census.h's. One
 * thread. */
#pragma once

#include "event/event.h"
#include "journal/journal.h"
#include "state/fact.h"
#include "view/clickhouse.h"
#include "view/clickhouse_block.h"
#include "view/clickhouse_seen.h"

/* What there is to say of one entry, worked out once for all the shards that it goes to. */
struct clickhouse_row {
    const struct entry *entry;
    const struct event *ev;
    struct span sensor; /* its name */
    bool counts;        /* in the census, under `family` */
    struct span family;
    uint16_t day;
    uint32_t asn;
    uint64_t source; /* fact_source() */
    uint8_t network[16], bits;
    bool bot;         /* it counts and has an id: `bot_number` */
    uint64_t bot_key; /* of the bots table */
};
/* Spans are borrowed from entry, event and sensor. */
void clickhouse_row_of(const struct entry *entry, const struct event *ev, struct span sensor,
                       struct clickhouse_row *out);
/* The number that a bot goes by: the first eight bytes of SHA-256, little-endian. */
uint64_t clickhouse_bot(struct span bot_id);

/* Of one shard. What it has sent of sightings and bots it does not send again. */
struct clickhouse_batch;
/* `keys`: so many addresses and days are remembered as sent. */
struct clickhouse_batch *clickhouse_batch_new(uint64_t log, bool payloads_off, uint32_t keys);
void clickhouse_batch_free(struct clickhouse_batch *b);
/* A new batch, behind one that went out. */
void clickhouse_batch_next(struct clickhouse_batch *b);
/* What was sent is in doubt, or was erased: everything is sent again from now on. */
void clickhouse_batch_forget(struct clickhouse_batch *b);

void clickhouse_batch_event(struct clickhouse_batch *b, const struct clickhouse_row *row);
/* What the census counts of it, where `row.counts`. */
void clickhouse_batch_sighting(struct clickhouse_batch *b, const struct clickhouse_row *row);
void clickhouse_batch_bot(struct clickhouse_batch *b, const struct clickhouse_row *row);
/* A mail. Names are looked up by the spam view's numbers. */
struct clickhouse_mail {
    const struct fact *fact;
    struct span family, sensor, brand[FACT_BRANDS];
    unsigned brands;
};
void clickhouse_batch_mail(struct clickhouse_batch *b, const struct clickhouse_mail *mail);
void clickhouse_batch_root(struct clickhouse_batch *b, uint64_t campaign, uint64_t root,
                           uint64_t position);
void clickhouse_batch_log(struct clickhouse_batch *b, struct span origin, struct span vkey);

uint64_t clickhouse_batch_events(const struct clickhouse_batch *b); /* rows */
uint64_t clickhouse_batch_rows(const struct clickhouse_batch *b);   /* of all tables */
size_t clickhouse_batch_bytes(const struct clickhouse_batch *b);
/* The tables that have rows, events and mails first: what counts addresses is never behind what is
 * there of them once all of it is in. NULL behind the last. */
#define CLICKHOUSE_PARTS_MAX 7
const struct clickhouse_block *clickhouse_batch_part(struct clickhouse_batch *b, unsigned i);
