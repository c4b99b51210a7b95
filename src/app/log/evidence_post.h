/* One HTTP POST (or GET) to a server that the config names: by a process of its own, which can read no file
 * of the case and connect only to that server's addresses, looked up before it locks itself in. No
 * redirect is followed, no proxy used. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define EVIDENCE_ANSWER_MAX (256u << 10) /* bytes of an answer */
#define EVIDENCE_TYPE_MAX   96

struct evidence_request {
    const char *key;                   /* of the config, for errors: "evidence.tsa.url" */
    const char *url;                   /* http: or https: */
    const char *content_type, *accept; /* accept: NULL any */
    struct span body;
    bool get;       /* GET, without a body */
    struct span ca; /* PEM of the only authorities that count; empty: the system's */
    unsigned timeout_s;
};
struct evidence_answer {
    long status;
    char type[EVIDENCE_TYPE_MAX]; /* Content-Type; "" none */
    struct buf body;              /* freed by the caller, also after a failure */
};
/* 0 whatever the status is. -EHOSTUNREACH, -ETIMEDOUT, -EFBIG (larger than EVIDENCE_ANSWER_MAX),
 * -EIO: what libcurl says. */
int evidence_post(const struct evidence_request *r, struct evidence_answer *out, struct err *err);
