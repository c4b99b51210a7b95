/* The list that goes with a ROLES_JUDGED entry. */
#pragma once

#include "state/judge.h"

#define JUDGE_ROWS_HEADING "address,role,tests\n"

/* Reads it, a row at a time; lines that are no rows are passed over. Returns how many. */
uint64_t judge_rows_read(struct span blob,
                         void (*row)(void *ctx, const struct ip *ip, enum judged role), void *ctx);
