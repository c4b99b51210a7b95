/* Exhibit: a directory with entries of the log, what they say, what they point at, and all that
 * proves them: others verify it with sha256sum, openssl and a script that comes along
 * (doc/exhibits.md has its form). */
#pragma once

#include "app/casedir.h"

struct exhibit_request {
    const char *dir; /* made; it must not be there */
    const char *name;
    const uint64_t *entries; /* in order, none twice */
    size_t n;
    struct span query; /* as asked, for the manifest */
    const struct span
        *redact; /* members that are left out of payloads: those entries' commitments cannot be
                  * checked against the payload then, which the bundle says of each */
    size_t n_redact;
    bool blobs; /* mails, bodies and files that the entries point at */
    const char
        *certify; /* draft a certification (US FRE 902(13)/(14)) for this person; NULL: none */
};
struct exhibit_done {
    uint64_t size; /* of the tree under the checkpoint */
    uint64_t files;
    uint8_t manifest[SHA256_LEN];
};
/* The checkpoint is published first, so that the newest entry is proved, too. On failure the
 * directory is removed. */
int exhibit_write(struct casedir *c, const struct exhibit_request *r, struct exhibit_done *out,
                  struct err *err);
