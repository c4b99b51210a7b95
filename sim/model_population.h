/* How a host is infected and a line gets an address: shared by the first population
 * (model_population.c) and the days after (model.c). Private to the model. */
#pragma once

#include "sim/model.h"

/* Infects a host of that AS at the day's start, until a moment drawn from the survival curve. */
void model_infect(struct model *m, uint32_t host, uint16_t as, uint32_t day);
/* The day on which networks are told: finds their lines and hastens their hosts. */
void model_tell_now(struct model *m);
/* A told host that was infected or told at `now` (seconds from the start) is cleaned sooner. */
void model_hasten(struct model *m, uint32_t host, uint16_t as, uint32_t now);
/* The survival curve of an AS's hosts. */
const struct scenario_survival *model_survival(const struct model *m, uint16_t as);
/* Draws the line's next address at `now` (seconds from the start). */
void model_lease(struct model *m, struct model_line *line, uint32_t now);
