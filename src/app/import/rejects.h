/* Rejects: lines of a file that could not be taken, as JSON Lines for whoever mends the file. */
#pragma once

#include <stdint.h>
#include <stdio.h>

/* One line of `path`, and why. */
void rejects_line(FILE *out, const char *path, uint64_t line, const char *why);
