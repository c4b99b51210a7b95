/* What the census' files share. */
#pragma once

#include "state/dict.h"
#include "view/clickhouse_ask.h"
#include "view/clickhouse_census.h"

#define CHUNK_DAYS 64

typedef int (*clickhouse_census_row)(void *ctx, const struct census_row *row);

/* Addresses of one family (or of several small ones), IPv4 or IPv6, so many that a server and we
 * can hold what belongs to them. Of one family, they can be a part: those from `from` to `to`. */
struct census_slice {
    uint32_t first, n; /* families: places in the plan's list */
    bool v6, part;
    uint64_t from, to; /* IPv4: the address; IPv6: its first 48 bits */
    uint64_t rows;
};

struct census_plan {
    const struct clickhouse_way *way;
    const struct census_query *q;
    uint32_t lo, hi; /* the range within the days that there are, half open; lo == hi: none */
    struct census_family {
        struct buf name;
        uint64_t rows[2]; /* IPv4, IPv6: sightings of all shards */
    } * families;         /* in order of their names */
    size_t nfamilies, families_cap;
    uint16_t chunk_min, chunk_max;
    bool any;
    bool zero; /* somebody saw 0.0.0.0 */
    struct census_slice *slices;
    size_t nslices, slices_cap;
};

/* Which families there are, and how many rows; those of the query alone. */
int census_plan_make(const struct clickhouse_way *way, const struct census_query *q,
                     struct census_plan *out, struct err *err);
/* Parts it into slices of at most so many rows of all shards, where that can be done; families in
 * order, IPv4 before IPv6 within each when `ordered`, else each kind in turn. */
int census_plan_slice(struct census_plan *p, uint64_t rows, bool ordered, struct err *err);
void census_plan_free(struct census_plan *p);

/* Appends the column `f` that says the family: the name, or 0 where the slice has one only; its
 * type. */
void census_ask_family(struct clickhouse_ask *a, const struct census_slice *s);
char census_family_type(const struct census_slice *s);
/* The place of a family in the plan's list, from what that column has; -1: none. */
int64_t census_plan_family(const struct census_plan *p, const struct census_slice *s,
                           const struct clickhouse_value *f);
/* Appends " FROM ... WHERE ..." of a slice, with chunks up to the one of the day before `until`
 * and from that of `since`. */
void census_ask_from(struct clickhouse_ask *a, const struct census_plan *p,
                     const struct census_slice *s, uint32_t since, uint32_t until);
/* Appends an expression: a row's days within the range, as bits. */
void census_ask_mask(struct clickhouse_ask *a, const struct census_plan *p);

/* Names of ASes: each log's latest, of those the latest. */
struct census_as_names {
    struct census_as {
        uint32_t asn;
        uint64_t log, entry;
        int64_t time;
        struct buf name;
    } * v;
    size_t n, cap;
};
int census_as_names_ask(const struct clickhouse_way *way, struct census_as_names *out,
                        struct err *err);
struct span census_as_names_find(const struct census_as_names *names, uint32_t asn);
void census_as_names_free(struct census_as_names *names);

/* The three ways to count. */
int census_ask_days(struct census_plan *p, clickhouse_census_row row, void *ctx, struct err *err);
int census_ask_keys(struct census_plan *p, clickhouse_census_row row, void *ctx, struct err *err);
int census_ask_addresses(struct census_plan *p, clickhouse_census_row row, void *ctx,
                         struct err *err);
