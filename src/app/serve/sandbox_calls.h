/* The system calls of a role, through seccomp: a part of the sandbox. */
#pragma once

#include "app/serve/sandbox.h"

/* The roles of sandbox_roles.def. */
enum {
    SUPERVISOR = 1 << SANDBOX_SUPERVISOR,
    SENSOR = 1 << SANDBOX_SENSOR,
    RECORDER = 1 << SANDBOX_RECORDER,
    DESK = 1 << SANDBOX_DESK,
    COURIER = 1 << SANDBOX_COURIER,
    PARTNERS = 1 << SANDBOX_PARTNERS,
    PUBLIC = 1 << SANDBOX_PUBLIC,
    KEEPER = 1 << SANDBOX_KEEPER,
    CENTRE = 1 << SANDBOX_CENTRE,
    ALL = (1 << SANDBOX_ROLES) - 1,
};

int sandbox_calls(enum sandbox_role role, struct err *err);
