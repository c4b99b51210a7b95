/* Clickhouse census: census_rows() (state/census.h) of what all nodes shipped. The same rows in the
 * same order as one census of all those logs would give: sightings are bits by address, attribution
 * and day, so that what two sinkholes saw counts once. */
#pragma once

#include "state/census.h"
#include "view/clickhouse.h"

/* -ENOTSUP when the query has `excluded` addresses: who is no victim is judged by one node's views.
 */
int clickhouse_census(const struct clickhouse_way *way, const struct census_query *q,
                      int (*row)(void *ctx, const struct census_row *row), void *ctx,
                      struct err *err);
