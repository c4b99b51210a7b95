/* Authority table: from the casebook to what sensors look names up in (net/authority.h). */
#pragma once

#include "base/err.h"
#include "state/casebook.h"

/* Everything that is in force at `now` or will be: days come and go without a new table. Not what
 * is closed, expired or released. The caller closes *fd; *assets counts them (names of lists, too).
 */
int authority_table_build(struct casebook *casebook, int64_t now, int *fd, uint64_t *assets,
                          struct err *err);
