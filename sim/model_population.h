/* How a host is infected and a line gets an address: shared by the first population
 * (model_population.c) and the days after (model.c). Private to the model. */
#pragma once

#include "sim/model.h"

/* Infects a host of that AS at the day's start, until a moment drawn from the survival curve. */
void model_infect(struct model *m, uint32_t host, uint16_t as, uint32_t day);
/* Draws the line's next address at `now` (seconds from the start). */
void model_lease(struct model *m, struct model_line *line, uint32_t now);
