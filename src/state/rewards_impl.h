/* What the rewards' files share. */
#pragma once

#include "state/rewards.h"

extern const char rewards_schema[];
int rewards_take(const struct sql *db, const struct pursuit_act *act, struct err *err);

/* As the public ones, on a database. */
unsigned rewards_unmet_of(const struct sql *db, uint64_t offer);
int rewards_milestone_check(const struct sql *db, uint64_t offer, enum reward_condition what,
                            uint64_t subject, int64_t when, struct err *err);
int rewards_pay_check(const struct sql *db, uint64_t award, int64_t amount, struct err *err);
/* What is in one of an offer's accounts. */
int64_t rewards_sum(const struct sql *db, uint64_t offer, enum reward_account account);
