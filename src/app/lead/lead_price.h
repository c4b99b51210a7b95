/* Lead price: what a lead costs now (lead/stamp.h), from what came lately, kept in
 * CASE/run/lead-demand, and the space that is left. */
#pragma once

#include "base/err.h"
#include "lead/stamp.h"

/* Bits that a lead with so many bytes of files costs. -ENOSPC: there is no room for it. */
int lead_price(const char *case_dir, uint64_t bytes, unsigned *bits, struct err *err);
/* A lead was taken. */
int lead_price_took(const char *case_dir, uint64_t bytes, struct err *err);
