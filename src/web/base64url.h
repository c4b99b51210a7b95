/* base64url without padding (RFC 4648, 5), as WebAuthn and tokens have it. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

void base64url_put(struct buf *out, struct span s);
/* Strict: no padding, no other characters, canonical trailing bits. Appends; nothing when false. */
bool base64url_decode(struct buf *out, struct span text);
