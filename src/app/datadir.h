/* Datadir: where the files that come with ebb are. */
#pragma once

#include "base/err.h"
#include "base/file.h"

/* The folder of rules: `configured` when it is not empty, else $EBB_RULES, else rules/ beside the
 * build folder that the program runs from, else the installed one. */
int datadir_rules(const char *configured, char out[FILE_PATH_MAX], struct err *err);
