/* Exhibit: a directory with entries of the log, what they say, what they point at, and all that
 * proves them: others verify it with sha256sum, openssl and a script that comes along
 * (doc/exhibits.md has its form). */
#pragma once

#include "app/account/account.h"
#include "app/casedir.h"

#define EXHIBIT_ENTRIES_MAX 5000         /* of one bundle; the script takes seconds for a hundred */
#define EXHIBIT_BYTES_MAX   (4ull << 30) /* of all its files */
#define EXHIBIT_NAME_MAX    200          /* bytes */
#define EXHIBIT_REDACT_MAX  32

struct exhibit_request {
    const char *dir; /* made; it must not be there */
    const char *name;
    const uint64_t *entries; /* any order; those that are there twice are taken once */
    size_t n;
    struct span query; /* as asked, for the manifest */
    const struct span
        *redact; /* members that are left out of payloads, wherever they are in them ("src_ip"), or
                  * at one place ("http.referer"): those entries' commitments cannot be checked
                  * against the payload then, which the bundle says of each */
    size_t n_redact;
    bool blobs; /* mails, bodies and files that the entries point at, where the case has them */
    const char *certify; /* draft a certification (US FRE 902(13)/(14)) for this person, into
                          * DIR-certification.txt and .pdf, beside the directory: it is to be
                          * changed; NULL: none */
    const struct account_key *signer; /* signs the manifest; NULL: nobody does */
};
struct exhibit_done {
    uint64_t size; /* of the tree under the checkpoint */
    uint64_t files;
    uint8_t manifest[SHA256_LEN];
    uint64_t entries, opened, redacted, erased, blobs; /* how many */
};
/* The checkpoint is published first, so that the newest entry is proved, too (a reader waits until
 * the writer has done so). On failure the directory is removed. */
int exhibit_write(struct casedir *c, const struct exhibit_request *r, struct exhibit_done *out,
                  struct err *err);
/* Removes what exhibit_write() made (by its manifest, and the certification); for what fails after
 * it. */
void exhibit_remove(const char *dir);
/* NULL, or what is wrong with a name of an exhibit or a person: it is shown in texts. */
const char *exhibit_name_fault(struct span name);
