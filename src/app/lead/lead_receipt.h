/* Lead receipt: an informant who comes back, in a case. */
#pragma once

#include "app/casedir.h"
#include "lead/receipt.h"
#include "state/leads.h"

/* The lead of a receipt, and its keys: wipe them after use. -ENOENT: the receipt is wrong, or there
 * is no such lead (any more): which of these cannot be told, not from the time that it took either.
 * `c` has VIEW_PURSUIT. */
int lead_by_receipt(struct casedir *c, const struct receipt *r, struct lead *lead,
                    struct receipt_keys *keys, struct err *err);
/* From a file, or "-". */
int lead_receipt_read(const char *path, struct receipt *out, struct err *err);
/* A fresh one, whose locator no lead has. */
int lead_receipt_make(struct casedir *c, struct receipt *out, struct err *err);
