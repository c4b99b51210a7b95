/* Effect: did abuse reports help? Joins the trial (cleanup.h: which contacts were told, which held
 * back by lot), whom each infected address belongs to, and the days on which it was seen
 * (activity.h), to lifetimes that stat/survival.h compares. doc/cleanup-effect.md has the design.
 *
 * A unit is a spell of an address: it begins when it is first seen (again), and is over, the
 * address clean, when nothing was seen of it for gone_days; its end is the day after it was last
 * seen. Day 0 is the trial's first; a spell that began before is watched from there, one that
 * begins later from then on (left truncation). Watching ends when the trial does, or where the
 * data no longer reach gone_days further. Networks stay in their arm whether or not a report
 * reached them. One thread. */
#pragma once

#include "stat/survival.h"
#include "state/activity.h"
#include "state/cleanup.h"
#include "state/judge.h"

#define EFFECT_DAYS_MAX                                                                            \
    1100 /* from gone_days before day 0 on: days behind that are not looked at */

enum effect_by { EFFECT_BY_NONE, EFFECT_BY_CHANNEL, EFFECT_BY_FORMAT };

struct effect_source {
    struct cleanup *cleanup;
    struct activity *activity;
    struct sources *sources;
    struct judge *judge;
    /* Whom reports of this source go to, as far as anybody is told of it; false: nobody. Valid
     * until the next call. */
    bool (*contact)(void *ctx, const struct source *s, struct span *mail);
    void *ctx;
};
struct effect_options {
    struct span trial;  /* empty: the newest */
    struct span family; /* empty: all; an address is clean when it is clean of all */
    uint32_t gone_days; /* 1 and more */
    int64_t since,
        until; /* sightings before and from then on are not looked at; else INT64_MIN, _MAX */
    enum effect_by by;
};

struct effect_arm {
    uint64_t contacts;  /* drawn, with or without infected addresses */
    uint64_t reached;   /* to which a report was sent while it ran, and did not bounce */
    uint64_t addresses; /* that were watched, and their spells */
    uint64_t spells, cleaned;
};
struct effect {
    bool has_trial; /* false: only those who were told, each from the day of its first report on */
    struct cleanup_trial trial;
    int32_t begin, end;       /* days since 1970: day 0, and the day before which watching ends */
    int32_t data_end;         /* the last day of data */
    struct effect_arm arm[2]; /* controls, told */
    struct survival survival; /* clusters are contacts */
    /* --by: groups of told contacts, by what they got first; clusters without are EFFECT_NO_GROUP
     */
    uint32_t *group;
    struct span *groups;
    size_t n_groups;
    struct effect_memory *memory;
};
#define EFFECT_NO_GROUP UINT32_MAX

/* -ENOENT: no trial of this name; -ENODATA: nobody was told, and there is no trial. Free with
 * effect_free(), which takes any state that effect_of() left or all zero. */
int effect_of(const struct effect_source *from, const struct effect_options *o, struct effect *out,
              struct err *err);
void effect_free(struct effect *e);

/* Compares two groups of contacts: treated[c] says which each is in; others[c] true: in neither
 * (NULL: none). The units of those are left out. Free out->units. */
void effect_pick(const struct effect *e, const bool *treated, const bool *others,
                 struct survival *out);
