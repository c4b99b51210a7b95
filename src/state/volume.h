/* Volume: how many mails, by hour or day and one more thing. A part of the spam view; its size goes
 * with days and names, not with mails. One thread. */
#pragma once

#include "base/buf.h"

enum volume_by { VOLUME_ALL, VOLUME_FAMILY, VOLUME_TOPIC, VOLUME_BRAND, VOLUME_COUNTRY, VOLUME_ASN,
                 VOLUME_BYS };

struct volume;
struct volume *volume_new(void);
void volume_free(struct volume *v);

/* One mail: `value` is the number of its family, topic..., 0 for none. Hours are kept for VOLUME_ALL,
 * days for the others, each by sensor. */
void volume_add(struct volume *v, enum volume_by by, uint32_t value, uint16_t sensor, int64_t time,
                uint64_t bytes, bool new_campaign);

struct volume_cell {
    int32_t slot;     /* hour or day since 1970 */
    uint32_t value;
    uint16_t sensor;
    uint64_t mails, bytes;
};
/* Calls cell() for each cell of that kind in [since, until) (days or hours since 1970), ordered by slot,
 * value, sensor; it returns 0 to go on. VOLUME_ALL with `hours`: by the hour, else by the day. */
int volume_cells(const struct volume *v, enum volume_by by, bool hours, int32_t since, int32_t until,
                 int (*cell)(void *ctx, const struct volume_cell *c), void *ctx);
/* Distinct campaigns seen on a day. */
uint64_t volume_campaigns(const struct volume *v, int32_t day);

void volume_save(const struct volume *v, struct buf *out);
int volume_load(struct volume *v, struct span bytes); /* 0, -EBADMSG */
