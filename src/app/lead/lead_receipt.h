/* Lead receipt: an informant who comes back, in a case. */
#pragma once

#include "app/casedir.h"
#include "lead/receipt.h"
#include "state/leads.h"

/* The secret of this server that makes what is not there look like what is; made when it is first
 * asked for (CASE/keys/lead-decoy). Wipe it after use. */
int lead_decoy(const char *case_dir, uint8_t out[RECEIPT_DECOY_LEN], struct err *err);
/* The lead of a receipt, and its keys: wipe them after use. -ENOENT: the receipt is wrong, or there
 * is no such lead (any more): which of these cannot be told, not from the time that it took either.
 * `c` has VIEW_PURSUIT. */
int lead_by_receipt(struct casedir *c, const struct receipt *r,
                    const uint8_t decoy[RECEIPT_DECOY_LEN], struct lead *lead,
                    struct receipt_keys *keys, struct err *err);
/* From a file, or "-". */
int lead_receipt_read(const char *path, struct receipt *out, struct err *err);
/* A fresh one, whose locator no lead has. */
int lead_receipt_make(struct casedir *c, struct receipt *out, struct err *err);
