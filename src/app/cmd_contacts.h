/* What the commands of contacts share. */
#pragma once

#include "app/casedir.h"
#include "app/cli.h"

/* Opens the case for reading, with these views; contacts_end() also after a failure. */
int contacts_open_case(const struct cli *cli, struct casedir *c, unsigned views, struct err *err);
/* The end: closes table (NULL: not begun) and case; `rc`, or EXIT_FAILED with the reason told. */
int contacts_end(struct casedir *c, struct table *t, int rc, struct err *err);
/* A cell with a time; empty for 0. */
void contacts_put_time(struct table *t, int64_t time);
