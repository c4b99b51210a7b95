/* Public rule: what the recorder takes from the public process, which talks to everybody and might
 * be taken over: leads and what informants say later, with the sealed parts that they name, within
 * bounds of an hour. It is known by its pid, which the kernel gives with each connection. */
#pragma once

#include "app/ctl.h"
#include "app/serve/serve_shared.h"

#define PUBLIC_ACTS_HOUR   20000        /* leads and messages; a receipt's work allows no more */
#define PUBLIC_BYTES_HOUR  (4ull << 30) /* of parts */
#define PUBLIC_PART_MAX    (8u << 20)   /* bytes of one: CASE_PART_MAX */
#define PUBLIC_PAYLOAD_MAX 4096         /* of an act: it has keys and digests, no words */
#define PUBLIC_WORK_MAX    32           /* bits that a lead may claim to have paid */
#define PUBLIC_FILES_MAX   256

/* What came in the hour that began at `since`. Zeros at first. */
struct public_rule {
    int64_t since; /* monotonic, ms */
    uint64_t acts, bytes;
};

/* 0: it may, and counts. -EPERM: nothing that a public process says; -EBADMSG, -EFBIG: not within
 * bounds; -EAGAIN: too much in this hour. lead_bytes: of a LEAD, its sealed size; 0 otherwise. */
int public_rule_may(struct public_rule *r, const struct ctl_request *request, int64_t now_ms,
                    uint64_t *lead_bytes, struct err *err);
