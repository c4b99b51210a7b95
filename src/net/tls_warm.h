/* Handshakes with ourselves, in memory, before the process is locked in: whatever OpenSSL and the C
 * library set up on first use (algorithms, random numbers, the time zone) is set up by them. */
#pragma once

#include <openssl/ssl.h>

#include "base/err.h"
#include "net/tls_cert.h"

/* -EIO when one of them fails. */
int tls_warm(SSL_CTX *server, struct tls_certs *certs, struct err *err);
