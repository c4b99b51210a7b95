#include "web/password.h"

#include <sodium.h>

_Static_assert(PASSWORD_HASH_MAX >= crypto_pwhash_STRBYTES, "a hash fits");

bool password_hash(struct span password, char out[PASSWORD_HASH_MAX])
{
    return crypto_pwhash_str(out, (const char *)password.p, password.n,
                             crypto_pwhash_OPSLIMIT_INTERACTIVE,
                             crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0;
}

bool password_check(const char *hash, struct span password)
{
    /* Of the same cost as ours: what is not there is looked at as long as what is. */
    static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
                                 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    bool good =
        crypto_pwhash_str_verify(hash ? hash : nobody, (const char *)password.p, password.n) == 0;
    return good && hash;
}
