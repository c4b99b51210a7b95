/* The ways of `ebb census` that have files of their own; each is the whole command. */
#pragma once

#include "app/cli.h"

int census_estimate(const struct cli *cli); /* --estimate */
int census_roles(const struct cli *cli);    /* --roles */
/* --since and --until as days: a time within a day takes in all of it. 0, or EXIT_USAGE. */
int census_days(const struct cli *cli, int32_t *since, int32_t *until);
