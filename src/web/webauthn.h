/* WebAuthn (W3C, level 2): the relying party's checks, for passkeys. Attestation is not looked at:
 * who may have a passkey is said by the PASSKEY act that its owner signs. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

#define WEBAUTHN_CHALLENGE_LEN   32
#define WEBAUTHN_CLIENT_DATA_MAX 4096
#define WEBAUTHN_DATA_MAX        4096 /* of an authenticator */
#define WEBAUTHN_ID_MAX          1023 /* level 2, 5.8.3 and 6.5.1 */
#define WEBAUTHN_KEY_MAX         2048
#define WEBAUTHN_SIGNATURE_MAX   1024

enum { WEBAUTHN_ES256 = -7, WEBAUTHN_EDDSA = -8, WEBAUTHN_RS256 = -257 }; /* COSE algorithms */

/* What a ceremony must have been for. */
struct webauthn_expect {
    struct span challenge;
    const char *origin; /* "https://desk.example" */
    const char *rp_id;  /* "desk.example" */
};
/* "https://desk.example:8443" -> "desk.example". False: no origin, or an address: those have no
 * passkeys. */
bool webauthn_rp_id(const char *origin, char *out, size_t max);

/* What a browser gives for a login (7.2). */
struct webauthn_assertion {
    struct span client_data, authenticator, signature;
    struct span key;      /* SubjectPublicKeyInfo, as it was registered */
    uint32_t *sign_count; /* the last one; then this one's. A clone shows where it does not grow */
};
/* 0; -EACCES with what is wrong. User presence and verification are wanted. */
int webauthn_check_assertion(const struct webauthn_expect *e, const struct webauthn_assertion *a,
                             struct err *err);

/* What it gives for a new one (7.1). */
struct webauthn_registration {
    struct span client_data, authenticator;
    struct span id, key; /* as the browser names them: rawId, getPublicKey() */
};
/* 0; -EACCES with what is wrong. */
int webauthn_check_registration(const struct webauthn_expect *e,
                                const struct webauthn_registration *r, struct err *err);
/* 0 where the key is of a kind that is taken: P-256, Ed25519, RSA of 2048 to 4096 bits. */
int webauthn_check_key(struct span key, struct err *err);

/* The parts, for tests and fuzzing. `type`: "webauthn.get" or "webauthn.create". */
int webauthn_check_client_data(struct span json, const char *type, const struct webauthn_expect *e,
                               struct err *err);
struct webauthn_data {
    uint8_t flags;
    uint32_t sign_count;
    struct span id; /* of attested credential data; p NULL: there is none */
};
enum { WEBAUTHN_UP = 1, WEBAUTHN_UV = 4, WEBAUTHN_AT = 64, WEBAUTHN_ED = 128 };
/* Authenticator data (6.1). */
int webauthn_read_data(struct span data, const char *rp_id, struct webauthn_data *out,
                       struct err *err);
