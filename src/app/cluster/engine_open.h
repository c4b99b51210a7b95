/* Engine: opens who answers a command's questions (view/engine.h), as --engine says: the case's own
 * views and log, or the cluster of its ebb.yaml. */
#pragma once

#include "app/casedir.h"
#include "app/cli.h"
#include "view/engine.h"

/* What is asked of the engine: the local one loads the views for it. */
enum engine_what { ENGINE_CENSUS = 1, ENGINE_EVENTS = 2, ENGINE_SPAM = 4 };

/* Opens the case for reading. The local engine also loads `views` (VIEW_*), for the rest of the
 * command; the cluster needs the case's config alone. casedir_close() and engine_close() also after
 * a failure; the engine goes first. */
int engine_open(const struct cli *cli, enum engine_what what, unsigned views, struct casedir *c,
                struct engine **out, struct err *err);
void engine_close(struct engine *e);
/* Whether the command was told to ask the cluster. */
bool engine_is_cluster(const struct cli *cli);

/* The two; a command uses engine_open(). */
int engine_local_open(struct casedir *c, enum engine_what what, unsigned views, struct engine **out,
                      struct err *err);
int engine_clickhouse_open(const struct config *config, struct engine **out, struct err *err);
