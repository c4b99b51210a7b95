/* Desk rule: what the recorder takes from the desk, which has nobody's key, shows what outsiders
 * wrote and might be taken over: acts that an account has signed, of whatever kind, and files that
 * such acts will name. The desk and its children are a process group of their own (supervise.c),
 * which they cannot leave (setpgid and setsid are not theirs); the kernel gives the pid of who
 * connected. */
#pragma once

#include "app/ctl.h"
#include "app/serve/serve_shared.h"

#define DESK_BYTES_HOUR (4ull << 30) /* of files */
#define DESK_FILE_MAX   (64u << 20)  /* bytes of one */

/* What came in the hour that began at `since`. Zeros at first. */
struct desk_rule {
    int64_t since; /* monotonic, ms */
    uint64_t bytes;
};

/* Whether it is the desk or one of its children. A process that is gone is taken for one: who asks
 * waits for the answer. */
bool desk_rule_is(const struct serve_shared *s, int32_t pid);
/* 0: it may, and counts. -EPERM: an act that nobody signed, or no act; -EFBIG, -EAGAIN: too much.
 */
int desk_rule_may(struct desk_rule *r, const struct ctl_request *request, int64_t now_ms,
                  struct err *err);
