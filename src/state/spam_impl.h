/* What the spam view is made of; for spam*.c only. */
#pragma once

#include "base/file.h"
#include "state/names.h"
#include "state/spam.h"

#define SPAM_BRAND_NAMES (BRANDS_MAX + 1)

struct sensor {
    uint64_t index; /* of its entry */
    unsigned name;
};

struct spam {
    char path[FILE_PATH_MAX];
    struct spam_source source;
    struct mail_reader *reader; /* NULL until a mail had to be read */
    uint32_t live_max;          /* campaigns in memory; 0: CAMPAIGNS_LIVE_MAX */
    uint64_t position;
    uint64_t lost; /* mails without their bytes since the view was opened */
    struct names names;
    uint16_t brand_name[SPAM_BRAND_NAMES]; /* by the register's number; 0: not asked yet */
    struct sensor *sensors;
    size_t n_sensors, cap_sensors;
    struct campaigns *campaigns;
    struct dialects *dialects;
    struct tail *facts;
    struct tail *retired; /* campaigns, as campaign_encode writes them */
    struct campaigns_proposal *proposal;
    size_t n_proposals, cap_proposals;
    struct arena arena;
    struct buf raw;
};

/* spam_open with room for fewer campaigns: for tests and fuzzing. */
int spam_open_small(const char *dir, const struct spam_source *source, uint32_t live_max,
                    struct spam **out, struct err *err);
