/* All that the log has under an order, for an exhibit. */
#pragma once

#include "app/casedir.h"

/* The order's entry, its assets, lists, closings and releases, and the acts of the pursuit under it
 * (parties, notices, publications, hearings, offers, and what names those); not what tells of
 * informants: leads, eligibility, awards, payouts. Appended in the log's order; *out is free()d by
 * the caller. -E2BIG over `max`. */
int exhibit_order_entries(struct casedir *c, uint64_t order, size_t max, uint64_t **out, size_t *n,
                          struct err *err);
