/* Tips: the informants' pages' state, of one public process: nothing of it is on the disk, and
 * nothing of it says who came. doc/leads.md says what the pages promise. */
#pragma once

#include "base/err.h"

struct tips;
/* Before the sandbox: reads a secret of the case (CASE/keys/lead-decoy), and makes it when it is
 * missing. */
int tips_open(const char *case_dir, struct tips **out, struct err *err);
void tips_close(struct tips *t);
