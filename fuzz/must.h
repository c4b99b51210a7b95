/* What a target insists on. */
#pragma once

#include <stdlib.h>

#include "base/buf.h"

static inline void must(bool good)
{
    if (!good)
        abort();
}

static inline void inside(struct span outer, struct span s)
{
    must(s.n == 0 || (s.p >= outer.p && s.p + s.n <= outer.p + outer.n));
}
