/* What sim/embed.py makes of files that are served as they are. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct face_files {
    const char *name;
    const uint8_t *data;
    size_t n;
};
extern const struct face_files face_files[];
