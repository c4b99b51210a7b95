/* What the processes of `ebb serve` count, in Prometheus' text format 0.0.4. Every counter and
 * gauge of net/counters.def is there, a sample a sensor; doc/sinkhole/metrics.md has the others. */
#pragma once

#include "app/serve/serve_shared.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Appends all of them. */
void metrics_put(struct buf *out, const struct serve_shared *s);
/* Appends a line a reason why nothing should be sent here yet; returns how many: 0 means ready. */
unsigned metrics_not_ready(struct buf *out, const struct serve_shared *s);
