/* Volume: how much spam: the facts of the spam view, filtered and grouped. Every function walks
 * over them once. */
#pragma once

#include "state/spam.h"

enum volume_by {
    VOLUME_BY_DAY,
    VOLUME_BY_HOUR,
    VOLUME_BY_FAMILY,
    VOLUME_BY_TOPIC,
    VOLUME_BY_BRAND, /* a mail with several brands counts under each */
    VOLUME_BY_CAMPAIGN,
    VOLUME_BY_COUNTRY,
    VOLUME_BY_ASN,
    VOLUME_BY_SENSOR,
    VOLUME_BYS,
};
const char *volume_by_name(enum volume_by by);
enum volume_by volume_by_named(const char *name); /* VOLUME_BYS: there is none */

/* Empty or zero members let everything through. */
struct volume_filter {
    int64_t since, until; /* microseconds, since inclusive, until exclusive */
    struct span family, brand, sensor;
    bool no_family; /* only mails of no known family */
    enum topic topic;
    uint64_t campaign; /* VOLUME_ANY_CAMPAIGN: any; merged ones count for theirs */
    char country[2];
    uint32_t asn;
};
#define VOLUME_ANY_CAMPAIGN UINT64_MAX

struct volume_row {
    uint64_t key; /* day or hour since 1970 (as int64_t), number of the name, topic, campaign's id,
                   * country's two letters (0: none), AS number */
    uint64_t mails, bytes;
    uint64_t campaigns; /* distinct ones with a mail in it */
    uint64_t sources;   /* distinct connecting addresses (not by day and hour: 0) */
    int64_t first, last;
    uint64_t log; /* a campaign's: number of its log's origin; 0: the case's own log */
};

/* Rows in the order of their keys for days and hours, else most mails first; of as many mails, by
 * name where they have one, else by key. */
struct volume {
    struct volume_row *v;
    size_t n;
    uint64_t mails; /* in all: one with two brands counts once */
};
int volume_rows(struct spam *s, enum volume_by by, const struct volume_filter *f,
                struct volume *out, struct err *err);
void volume_free(struct volume *v);
/* Puts rows in that order; `name` as in view/engine.h. */
void volume_order(struct volume *v, enum volume_by by,
                  struct span (*name)(void *ctx, unsigned number), void *ctx);

/* Mails by hour and sensor: what a series is made of. */
#define VOLUME_SENSORS_MAX                                                                         \
    256 /* of their own; others are counted together, outside of any cohort */
#define VOLUME_DAYS_MAX 7320
struct volume_hours {
    int32_t first_day;
    uint32_t days;
    unsigned sensors;
    uint16_t sensor[VOLUME_SENSORS_MAX]; /* numbers of names */
    uint32_t *mails[VOLUME_SENSORS_MAX]; /* 24 a day */
    bool more_sensors;
};
/* All mails of the range, and those that the filter lets through, over the same days: those of the
 * range that have mail, whatever the filter. Zero days: there are none. `days` (or NULL) has the
 * filtered rows by day. */
int volume_hours(struct spam *s, const struct volume_filter *f, struct volume_hours *all,
                 struct volume_hours *filtered, struct volume *days, struct err *err);
void volume_hours_free(struct volume_hours *h);
