/* Certificates of the sinkhole: the operator's, and those made on first use. Which one a client
 * gets depends on the name it asks for and on the kinds of keys that its hello says it can check.
 *
 * Each process makes its own keys at its start: one for P-256, one for RSA. Either is the key of
 * all certificates of its kind, and of the CA whose name they carry: a neutral one, because not
 * every asset is to be known as seized. They authenticate nobody, so no certificate of that CA is
 * ever made. */
#pragma once

#include <openssl/ssl.h>

#include "net/tls.h"
#include "wire/tls_hello.h"

#define TLS_OPERATOR_NAMES_MAX 4096 /* names of one of the operator's certificates */
#define TLS_OPERATOR_CHAIN_MAX 16   /* certificates in one of its files */
#define TLS_MADE_DAYS          90   /* a made certificate's life from now on */
#define TLS_MADE_BEFORE_DAYS                                                                       \
    30 /* and how long it has been valid already: clients' clocks are off */

struct tls_certs;

/* What to show: borrowed, until the next call. chain may be NULL. */
struct tls_pair {
    X509 *cert;
    EVP_PKEY *key;
    STACK_OF(X509) * chain;
};

/* -EINVAL names the certificate that does not load or does not fit its key. */
int tls_certs_new(const struct net_config *config, struct tls_certs **out, struct err *err);
void tls_certs_free(struct tls_certs *c);
/* The certificate for a client: `hello` NULL is one of which nothing is known (it gets RSA). The
 * name is the SNI; when it is empty, the certificate is for the address. `now` is net_env's. False
 * only when OpenSSL fails. */
bool tls_certs_pick(struct tls_certs *c, const struct tls_hello *hello, struct span sni,
                    const struct ip *dst, int64_t now, struct tls_pair *out);
/* How many made certificates are kept, and how many were made. */
unsigned tls_certs_kept(const struct tls_certs *c);
uint64_t tls_certs_made(const struct tls_certs *c);
/* Whether the pattern ("www.example.org", "*.example.org"), in small letters, is for the name,
 * likewise (RFC 6125, 6.4.3: the asterisk is the whole first label and stands for one). 2 the name
 * itself, 1 by asterisk, 0 not. */
int tls_name_fits(struct span pattern, struct span name);
