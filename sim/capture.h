/* The capture: what a sniffer beside the sinkhole would have recorded of the contacts. Connections
 * overlap in time as they would; packets are in order of time. */
#pragma once

#include "sim/model.h"
#include "sim/sink.h"
#include "sim/truth.h"

struct capture;

/* `days` from the first on (0: all); no connection begins once there are `packets_max` packets (0:
 * no limit). The sink is borrowed. */
int capture_new(const struct model *m, struct sink *to, uint32_t days, uint64_t packets_max,
                struct capture **out, struct err *err);
void capture_free(struct capture *c);
/* Takes a day's contacts in; days after the last one wanted are ignored. */
int capture_day(struct capture *c, uint32_t day, const struct model_checkin *checkins, size_t n,
                struct err *err);
/* Lets the last connections come to their end. */
int capture_end(struct capture *c, struct err *err);
struct truth_capture capture_counts(const struct capture *c);
