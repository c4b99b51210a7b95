/* Time stamps (RFC 3161), by OpenSSL: the question, and whether an answer holds. No network here.
 */
#pragma once

#include "base/buf.h"
#include "base/digest.h"
#include "base/err.h"

#define TSA_NAME_MAX 256

/* One question: what was asked, which the answer must fit. */
struct tsa_question;
/* About data with this SHA-256; `policy`: an OID, or "". The nonce is random. -EINVAL: not an OID.
 */
int tsa_question_make(const uint8_t sha256[SHA256_LEN], const char *policy,
                      struct tsa_question **out, struct err *err);
void tsa_question_free(struct tsa_question *q);
/* As it is sent (DER); valid as long as the question. */
struct span tsa_question_der(const struct tsa_question *q);

/* What the answer says, when it holds. */
struct tsa_answer {
    int64_t when;                 /* microseconds UTC, as the authority says */
    char authority[TSA_NAME_MAX]; /* its certificate's subject (RFC 2253) */
    struct buf chain; /* PEM: the certificates that its own was verified by, up to the root;
                       * freed by the caller, also after a failure */
};
/* Checks an answer (DER) by these certificates (PEM): it was granted; imprint, nonce and policy are
 * what was asked for; the signature holds; the certificate is one for time stamps and leads to one
 * of these now. -EBADMSG says what does not; -EINVAL: no certificates. */
int tsa_answer_check(struct span der, const struct tsa_question *q, struct span ca_pem,
                     struct tsa_answer *out, struct err *err);
