/* What sim/embed.py makes of web/src/public.css. */
#pragma once

#include "app/public/face.h"

struct face_styles {
    const char *name;
    const uint8_t *data;
    size_t n;
};
extern const struct face_styles face_styles[];
