/* What the volume's files share. */
#pragma once

#include "view/clickhouse_ask.h"
#include "view/clickhouse_events.h"
#include "view/clickhouse_volume.h"

/* Which campaign one counts for, where that is another; in order of log and campaign. */
struct volume_roots {
    struct volume_root {
        uint64_t log, campaign, root, position;
    } * v;
    size_t n, cap;
};
int volume_roots_ask(const struct clickhouse_way *way, struct volume_roots *out, struct err *err);
uint64_t volume_roots_of(const struct volume_roots *roots, uint64_t log, uint64_t campaign);
void volume_roots_free(struct volume_roots *roots);

/* One question to the cluster. */
struct volume_ask {
    const struct clickhouse_way *way;
    struct names *names;
    const struct volume_filter *f;
    struct clickhouse_logs logs;
    struct volume_roots roots;
};
/* Asks for logs and roots. volume_ask_close() also after a failure. */
int volume_ask_open(struct volume_ask *v, const struct clickhouse_way *way, struct names *names,
                    const struct volume_filter *f, struct err *err);
void volume_ask_close(struct volume_ask *v);
/* Appends " FROM ... WHERE" the mails of the filter's time. */
void volume_ask_from(const struct volume_ask *v, struct clickhouse_ask *a);
/* Appends " AND ..." for all else that the filter wants. -E2BIG: a campaign of too many parts. */
int volume_ask_filter(const struct volume_ask *v, struct clickhouse_ask *a, struct err *err);

/* Times rounded down, also before 1970. */
#define VOLUME_DAY_SQL  "intDiv(if(time < 0, time - 86399999999, time), 86400000000)"
#define VOLUME_HOUR_SQL "intDiv(if(time < 0, time - 3599999999, time), 3600000000)"
