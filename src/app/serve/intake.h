/* Intake: the recorder's end of the sensors' rings. Every record that a sensor published is taken
 * into the pipeline exactly once, also when the recorder is killed: see struct serve_recovery. One
 * thread. */
#pragma once

#include "app/pipeline.h"
#include "app/serve/serve_shared.h"

struct intake;

/* Finds out where the last recorder stood. Right after the journal was opened for writing, before
 * anything is appended. */
int intake_open(struct serve_shared *shared, struct casedir *c, struct intake **out,
                struct err *err);
/* Where observations go from now on; `sensor` is the name on the log, free_disk in bytes. */
int intake_start(struct intake *in, struct pipeline *p, const char *sensor, uint64_t free_disk,
                 struct err *err);
void intake_close(struct intake *in);

/* Takes in what the rings hold, up to a bound, commits when it is time or somebody waits. 1: there
 * may be more, 0: nothing more for now, negative: the recorder must start anew. */
int intake_turn(struct intake *in, struct err *err);
/* Commits, whatever the time: everything taken in is durable, those who wait are told. */
int intake_commit(struct intake *in, struct err *err);
/* Says that the recorder is about to sleep (true) or awake: sensors wake it when it sleeps. */
void intake_sleeps(struct intake *in, bool sleeps);

/* A slot's sensor is gone: what it had counted as recorded (`recorded`, in all) and had not
 * published (up to ring position `head`) is a gap. */
int intake_sensor_died(struct intake *in, unsigned slot, int64_t since, uint64_t recorded,
                       uint64_t head, struct err *err);
/* The first slot whose ring makes no sense and whose sensor must be replaced; -1 for none. */
int intake_damaged(const struct intake *in);
/* A gap entry; `what` as in event/act.h. */
int intake_gap(struct intake *in, const char *what, int64_t since, uint64_t count, struct err *err);
