/* Passwords: hashed with Argon2id at libsodium's interactive cost (64 MiB of memory). Who calls
 * password_check() for strangers throttles before (throttle.h): each call costs about a tenth of a
 * second. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"

#define PASSWORD_MIN      12 /* bytes; NIST SP 800-63B wants 8 at least */
#define PASSWORD_MAX      256
#define PASSWORD_HASH_MAX 128 /* with its NUL */

/* False: no memory. */
bool password_hash(struct span password, char out[PASSWORD_HASH_MAX]);
/* hash NULL: there is no such account; it takes as long and is false. */
bool password_check(const char *hash, struct span password);
