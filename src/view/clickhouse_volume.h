/* Clickhouse volume: volume_rows() and volume_hours() (view/volume.h) of what all nodes shipped. A
 * mail that was sent twice counts once. Campaigns are a log's own: those of two logs are two, also
 * where their numbers are the same. */
#pragma once

#include "state/names.h"
#include "view/clickhouse.h"
#include "view/volume.h"

/* `names` is the caller's, and gets the families, brands and sensors that rows name. */
int clickhouse_volume(const struct clickhouse_way *way, struct names *names, enum volume_by by,
                      const struct volume_filter *f, struct volume *out, struct err *err);
int clickhouse_hours(const struct clickhouse_way *way, struct names *names,
                     const struct volume_filter *f, struct volume_hours *all,
                     struct volume_hours *filtered, struct volume *days, struct err *err);
