/* Sandbox: what a process of `ebb serve` may still do once it has opened what it needs. First
 * sandbox_drop() (root and capabilities go away for good), then sandbox_enter() (Landlock and
 * seccomp), both before the first outside byte. Neither can be undone. sandbox_roles.def has what
 * each role may; `ebb selftest` tries it out. */
#pragma once

#include <stdint.h>

#include "base/err.h"

enum sandbox_role {
    SANDBOX_SUPERVISOR,
    SANDBOX_SENSOR,
    SANDBOX_RECORDER,
    SANDBOX_DESK,
    SANDBOX_COURIER,
    SANDBOX_PARTNERS,
    SANDBOX_PUBLIC,
    SANDBOX_KEEPER,
    SANDBOX_CENTRE,
    SANDBOX_ROLES,
};

struct sandbox_paths {
    const char *case_dir; /* NULL: nothing of any case */
    const char *rules;    /* of the desk: the folder of rules ("@rules"); NULL: none */
    uint16_t port;        /* of the courier: the only one that it may connect to; 0: any */
};

/* "sensor". */
const char *sandbox_role_name(enum sandbox_role role);

/* With `user` (NULL or "": nobody in particular) and as root: becomes that user with its own group
 * only. In any case: no capability is left in any set (CAP_NET_BIND_SERVICE may be, where a service
 * manager gave it and forbids capset()), no_new_privs, not dumpable, umask 077, no core files.
 * After this nothing else can be bound below port 1024. -ENOENT when there is no such user; -EPERM
 * when root would stay root although a user is named. Reads the user database, so before
 * sandbox_enter(). */
int sandbox_drop(const char *user, struct err *err);

/* Locks the calling process (one thread) into its role. Files: what Landlock can say, as far as the
 * kernel knows it; a kernel that knows none of it is noted on standard error, and seccomp carries
 * on alone. System calls: whatever the role does not need fails with EPERM. */
int sandbox_enter(enum sandbox_role role, const struct sandbox_paths *paths, struct err *err);

/* The kernel's Landlock ABI version; 0 when it has none. */
int sandbox_landlock_abi(void);
