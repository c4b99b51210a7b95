/* Passkeys: what accounts log in with at the desk (WebAuthn). A table of the pursuit (pursuit.h).
 * One that was taken back (WITHDRAWN) does not count. */
#pragma once

#include "state/pursuit.h"

#define PASSKEY_ID_MAX  1023 /* WebAuthn level 2, 6.5.1 */
#define PASSKEY_KEY_MAX 2048

/* Spans are valid within the callback. */
struct passkey {
    uint64_t entry;
    int64_t recorded;
    struct span account;
    struct act_passkey act;
};
/* An account's, in the log's order; account empty: everybody's. each() returns 0 to go on. */
int passkeys_of(struct pursuit *p, struct span account,
                int (*each)(void *ctx, const struct passkey *k), void *ctx, struct err *err);
/* By the credential's id and its domain; where two accounts name the same one, the first has it.
 * 1 found (each() was called), 0 not; negative. */
int passkeys_find(struct pursuit *p, struct span id, struct span rp_id,
                  int (*each)(void *ctx, const struct passkey *k), void *ctx, struct err *err);
