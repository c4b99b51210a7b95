/* Roles: what each process of `ebb serve` does once it was forked; none returns before it is told
 * to stop. supervise.c starts them. */
#pragma once

#include <unistd.h>

#include "app/config.h"
#include "app/serve/serve_shared.h"
#include "base/link.h"

/* On the links between the supervisor and the recorder, desk and courier. */
enum role_message {
    ROLE_STOP = 64,   /* to a role: end in good order */
    ROLE_READY,       /* from a role */
    ROLE_AUTHORITY,   /* recorder to supervisor, with a descriptor: for the sensors */
    ROLE_SENSOR_DIED, /* to the recorder: slot `number`, since `time`, value: what it had counted as
                       * recorded, and its ring's head */
    ROLE_GAP,         /* to the recorder: text, since `time`, value[0] the count */
    ROLE_RELOAD,      /* recorder to supervisor: somebody asked for it */
    ROLE_DAMAGED,     /* recorder to supervisor: replace the sensor of slot `number` */
    ROLE_FAILED,      /* from a role that cannot go on: text */
};

struct role_setup {
    const char *case_dir;
    const struct config *config;
    const struct net_config *net;
    struct serve_shared *shared;
    int link;
    int listener;      /* recorder: the control socket; desk, partners: their own */
    const char *phase; /* recorder: what the SERVE entry says: "started" "reloaded" "restarted" */
};

int recorder_run(const struct role_setup *setup, struct err *err);
int courier_run(const struct role_setup *setup, struct err *err);
int keeper_run(const struct role_setup *setup, struct err *err);
int shipper_run(const struct role_setup *setup, struct err *err);

/* Reads what the supervisor says to a role that heeds nothing but its end: 1 to go on, 0 to end. */
int role_goes_on(int link);
/* Likewise, after so many milliseconds or when it is told to end; -1: only then. */
int role_nap(int link, int ms);

/* Sends a message without descriptor; text may be NULL. */
void role_say(int link, enum role_message what, uint32_t number, const char *text);
