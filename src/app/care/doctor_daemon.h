/* Doctor, daemon: whether `ebb serve` runs on the case, and which process its recorder is. */
#pragma once

#include <stdbool.h>

bool doctor_daemon(const char *case_dir, long *recorder);
