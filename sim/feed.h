/* The feed: rows as Shadowserver's event4_sinkhole_http and event6_sinkhole_http reports have them
 * (36 columns; strings quoted, numbers bare, empty cells unquoted), in order of time. */
#pragma once

#include "sim/model.h"
#include "sim/sink.h"

struct feed;
/* The columns' names, a line. */
extern const char feed_header[];

/* Writes the header rows. Either sink may be NULL: contacts of that kind are then left out. Both
 * are borrowed. */
int feed_new(const struct model *m, struct sink *ipv4, struct sink *ipv6, struct feed **out,
             struct err *err);
void feed_free(struct feed *f);
/* Appends a day's contacts; adds the rows written to *rows. */
int feed_day(struct feed *f, uint32_t day, const struct model_checkin *checkins, size_t n,
             uint64_t *rows, struct err *err);
