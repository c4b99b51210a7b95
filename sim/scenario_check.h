/* What a scenario's values must be, beyond their YAML types. Private to scenario.c and tests. */
#pragma once

#include "sim/scenario.h"

/* Fills in defaults and checks every value; -EINVAL with the key's name. Prefixes are looked at by
 * pool_new(). */
int scenario_check(struct scenario *s, const char *where, struct err *err);
