/* Volumes by hour and sensor. */
#include <errno.h>
#include <stdlib.h>

#include "base/mem.h"
#include "view/clickhouse_volume_impl.h"

#define HOUR_MAX (INT64_MAX / 3600000000)

struct hour_part {
    int64_t hour;
    unsigned sensor;
    uint64_t all, filtered;
};

struct hours_asked {
    struct volume_ask ask;
    struct hour_part *v;
    size_t n, cap;
    int64_t first, last; /* days with mail */
    struct err *err;
};

static int64_t day_of(int64_t hour)
{
    return hour / 24 - (hour % 24 < 0);
}

static int see_hour(void *ctx, const struct clickhouse_value *v)
{
    struct hours_asked *h = ctx;
    if ((int64_t)v[0].n > HOUR_MAX || (int64_t)v[0].n < -HOUR_MAX)
        return err_set(h->err, -EBADMSG, "an hour that no time has");
    h->v = mem_room(h->v, h->n, &h->cap, sizeof *h->v);
    struct hour_part *p = &h->v[h->n++];
    *p = (struct hour_part){(int64_t)v[0].n, names_number(h->ask.names, v[1].s), v[2].n, v[3].n};
    int64_t day = day_of(p->hour);
    h->first = day < h->first ? day : h->first;
    h->last = day > h->last ? day : h->last;
    return 0;
}

static int ask_hours(struct hours_asked *h, struct err *err)
{
    struct clickhouse_ask a;
    clickhouse_ask_begin(&a, h->ask.way);
    clickhouse_ask_printf(&a, "toUInt64(" VOLUME_HOUR_SQL ") AS g, sensor, count(), countIf(1");
    int rc = volume_ask_filter(&h->ask, &a, err);
    clickhouse_ask_printf(&a, ")");
    volume_ask_from(&h->ask, &a);
    clickhouse_ask_printf(&a, " GROUP BY g, sensor");
    a.types = "8s88";
    a.row = see_hour;
    a.ctx = h;
    if (rc == 0)
        return clickhouse_ask_rows(&a, err);
    buf_free(&a.sql);
    return rc;
}

/* ---- which sensors ---- */

/* When a sensor's first mail came: by log, then entry. */
struct sensor_first {
    unsigned sensor;
    size_t log;
    uint64_t entry;
};
struct sensors {
    struct volume_ask *ask;
    struct sensor_first *v;
    size_t n, cap;
};

static int see_first(void *ctx, const struct clickhouse_value *v)
{
    struct sensors *s = ctx;
    const struct clickhouse_log_row *log = clickhouse_logs_find(&s->ask->logs, v[1].n);
    s->v = mem_room(s->v, s->n, &s->cap, sizeof *s->v);
    s->v[s->n++] = (struct sensor_first){names_number(s->ask->names, v[0].s),
                                         log ? (size_t)(log - s->ask->logs.v) : SIZE_MAX, v[2].n};
    return 0;
}

static int by_first(const void *a, const void *b)
{
    const struct sensor_first *x = a, *y = b;
    if (x->log != y->log)
        return x->log < y->log ? -1 : 1;
    return (x->entry > y->entry) - (x->entry < y->entry);
}

/* Those that come into the figures on their own: in the order of the logs, as many as there is room
 * for. */
static int ask_sensors(struct volume_ask *ask, bool filtered, struct volume_hours *out,
                       struct err *err)
{
    struct sensors s = {.ask = ask};
    struct clickhouse_ask a;
    int rc = 0;
    clickhouse_ask_begin(&a, ask->way);
    clickhouse_ask_printf(&a, "sensor, log, min(entry)");
    volume_ask_from(ask, &a);
    if (filtered)
        rc = volume_ask_filter(ask, &a, err);
    clickhouse_ask_printf(&a, " GROUP BY sensor, log");
    a.types = "s88";
    a.row = see_first;
    a.ctx = &s;
    if (rc == 0)
        rc = clickhouse_ask_rows(&a, err);
    else
        buf_free(&a.sql);
    if (rc == 0 && s.n)
        qsort(s.v, s.n, sizeof *s.v, by_first);
    for (size_t i = 0; rc == 0 && i < s.n; i++) {
        unsigned at = 0;
        while (at < out->sensors && out->sensor[at] != s.v[i].sensor)
            at++;
        if (at == VOLUME_SENSORS_MAX)
            out->more_sensors = true;
        else if (at == out->sensors)
            out->sensor[out->sensors++] = (uint16_t)s.v[i].sensor;
    }
    free(s.v);
    return rc;
}

/* ---- into place ---- */

static void put_hours(const struct hours_asked *h, bool filtered, struct volume_hours *out)
{
    int32_t *place = mem_resize(NULL, NAMES_MAX + 1, sizeof *place);
    memset(place, 0xff, (NAMES_MAX + 1) * sizeof *place);
    out->first_day = (int32_t)h->first;
    out->days = (uint32_t)(h->last - h->first) + 1;
    for (unsigned i = 0; i < out->sensors; i++) {
        place[out->sensor[i]] = (int32_t)i;
        out->mails[i] = mem_zeroed((size_t)out->days * 24, sizeof **out->mails);
    }
    for (size_t i = 0; i < h->n; i++) {
        const struct hour_part *p = &h->v[i];
        int32_t at = place[p->sensor];
        if (at >= 0)
            out->mails[at][p->hour - h->first * 24] += (uint32_t)(filtered ? p->filtered : p->all);
    }
    free(place);
}

static int make_hours(struct hours_asked *h, struct volume_hours *all,
                      struct volume_hours *filtered, struct err *err)
{
    int rc = ask_hours(h, err);
    if (rc || !h->n)
        return rc;
    if (h->last - h->first >= VOLUME_DAYS_MAX)
        return err_set(err, -E2BIG,
                       "mails of more than %d days: narrow it with --since and --until",
                       VOLUME_DAYS_MAX);
    rc = ask_sensors(&h->ask, false, all, err);
    if (rc == 0)
        rc = ask_sensors(&h->ask, true, filtered, err);
    if (rc == 0) {
        put_hours(h, false, all);
        put_hours(h, true, filtered);
    }
    return rc;
}

int clickhouse_hours(const struct clickhouse_way *way, struct names *names,
                     const struct volume_filter *f, struct volume_hours *all,
                     struct volume_hours *filtered, struct volume *days, struct err *err)
{
    struct hours_asked h = {.first = INT64_MAX, .last = INT64_MIN, .err = err};
    memset(all, 0, sizeof *all);
    memset(filtered, 0, sizeof *filtered);
    if (days)
        *days = (struct volume){0};
    int rc = volume_ask_open(&h.ask, way, names, f, err);
    if (rc == 0)
        rc = make_hours(&h, all, filtered, err);
    if (rc == 0 && days)
        rc = clickhouse_volume(way, names, VOLUME_BY_DAY, f, days, err);
    volume_ask_close(&h.ask);
    free(h.v);
    if (rc < 0) {
        volume_hours_free(all);
        volume_hours_free(filtered);
    }
    return rc;
}
