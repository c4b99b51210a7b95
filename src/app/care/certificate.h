/* Certificate: from when to when a PEM file's first certificate holds, and for whom. */
#pragma once

#include "base/err.h"
#include <stdint.h>

#define CERTIFICATE_SUBJECT_MAX 256

struct certificate {
    int64_t from, until; /* microseconds UTC */
    char subject[CERTIFICATE_SUBJECT_MAX];
};
/* -ENOENT, -EBADMSG: not a certificate. A path that is not absolute is below `dir`. */
int certificate_read(const char *dir, const char *path, struct certificate *out, struct err *err);

/* Every certificate that the config names, of listeners. */
struct config;
struct certificate_use {
    const char *where, *path; /* "serve.certificates", the chain's file */
};
#define CERTIFICATES_MAX 64
unsigned certificates_of(const struct config *c, struct certificate_use out[CERTIFICATES_MAX]);
