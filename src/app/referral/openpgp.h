/* OpenPGP: encrypts to one recipient, by GnuPG through gpgme. Nothing of the user's own key ring is
 * read or changed: there is a home of its own, in memory where the machine has such a folder, else
 * in TMPDIR; mode 0700, removed at the end. No network. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define OPENPGP_KEY_MAX (256u << 10) /* bytes of a key file */

struct openpgp;
/* Takes the recipient's public key, armored or not. -EKEYREJECTED with the reason: it is expired,
 * revoked, disabled, cannot encrypt, is one of several in the file, or comes with its secret;
 * -EINVAL no key; -ENOENT: no gpg on this machine. */
int openpgp_open(struct span key_file, struct openpgp **out, struct err *err);
/* Ends with the home; NULL does nothing. */
void openpgp_close(struct openpgp *o);
const char *openpgp_fingerprint(const struct openpgp *o); /* of the primary key, upper case hex */
const char *openpgp_user(const struct openpgp *o); /* its first user id: outside text, UTF-8 */
/* Encrypts what read() gives (0: the end; negative: a failure, `err` of which is the caller's) into
 * the file. */
int openpgp_encrypt(struct openpgp *o, ssize_t (*read)(void *ctx, void *out, size_t room),
                    void *ctx, int fd, struct err *err);
