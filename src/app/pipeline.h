/* Pipeline: what happens to every observation, live or imported, in this order: enrich, classify,
 * (mails: read, attribute), journal, census, spam. The only writer of observations; one thread. */
#pragma once

#include "app/casedir.h"
#include "event/classify.h"
#include "event/enrich.h"

struct pipeline;

/* On a case that is open for writing, with its views loaded. Journals the ruleset and enrichment
 * data where they are new to the log. */
int pipeline_open(struct casedir *c, struct pipeline **out, struct err *err);
/* Commits what is pending and frees. */
int pipeline_close(struct pipeline *p, struct err *err);

/* The log index of the sensor's entry, journalled when it is new. */
int pipeline_sensor(struct pipeline *p, const char *name, uint64_t *index, struct err *err);
/* Takes one observation. Sets its missing fields on the way (the spans set live until the next
 * call). Commits when commit_interval has passed since the last time. */
int pipeline_event(struct pipeline *p, struct event *ev, struct err *err);
/* The same, and never commits by itself: for a caller that has to know when. */
int pipeline_take(struct pipeline *p, struct event *ev, struct err *err);
/* Bytes of payload that wait for a commit. */
uint64_t pipeline_pending(const struct pipeline *p);
/* Journals an act and lets the views see it. */
int pipeline_act(struct pipeline *p, uint8_t kind, struct span payload, uint64_t *index,
                 struct err *err);
/* Stores a blob, as blob_put. A mail's comes right before its event. */
int pipeline_blob(struct pipeline *p, struct span data, uint8_t sha256[SHA256_LEN],
                  struct err *err);
/* The case's views are about to be loaded anew: forgets what points at them. */
void pipeline_forget(struct pipeline *p);
/* Makes everything so far durable. */
int pipeline_commit(struct pipeline *p, struct err *err);
