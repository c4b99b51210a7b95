/* What a running `ebb serve` tells of itself: the document behind `ebb status`. */
#pragma once

#include "app/serve/serve_shared.h"

/* All slots' counters, added up. */
void serve_totals(const struct serve_shared *s, struct net_counters *out);

/* Rates over the last seconds, from two looks at the totals. */
struct serve_rates {
    int64_t taken; /* monotonic, ms */
    struct net_counters last;
    double seconds; /* between the two looks; 0: none yet */
    struct net_counters grown;
};
/* Cheap when it is not time yet. */
void serve_rates_take(struct serve_rates *r, const struct serve_shared *s, int64_t now_ms);

/* One JSON object: running, since, processes[], recorder{}, sensors[], rates{}, drops. */
void serve_status_json(const struct serve_shared *s, const struct serve_rates *rates,
                       struct buf *out);
/* The same for people, in short: lines "what<tab>value". */
void serve_status_lines(const struct serve_shared *s, const struct serve_rates *rates,
                        struct buf *out);
