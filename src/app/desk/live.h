/* Live: how it goes at this moment, from shared memory alone. */
#pragma once

#include "app/serve/serve_status.h"
#include "base/buf.h"

/* The description of the API (web/openapi-desk.yaml) as JSON; made at build. */
extern const struct span desk_openapi;

/* The document of GET /api/live. */
void live_put(const struct serve_shared *s, const struct serve_rates *rates, const char *case_dir,
              struct buf *out);
