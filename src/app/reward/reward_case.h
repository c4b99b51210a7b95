/* What the commands of the reward share: the offer that is meant, amounts. */
#pragma once

#include "app/review/review_case.h"
#include "state/money.h"
#include "state/rewards.h"

/* The offer that --offer (or `name`) says, else the only one; its texts are copied. -ENOENT. */
struct reward_case {
    struct reward_offer offer; /* spans of it are in the bufs, but for document, note */
    char name[REVIEW_NAME_MAX + 1], currency[4];
};
int reward_find(struct casedir *c, const char *name, struct reward_case *out, struct err *err);

/* A cell with an amount: "250000.00". */
void reward_put(struct table *t, int64_t amount, struct span currency);
/* --amount (or the amount that --percent is of the offer, where that is allowed and given). 0, or
 * negative with err; *out 0 where neither was given. */
int reward_amount(const struct cli *cli, const struct reward_offer *offer, bool percent,
                  int64_t *out, struct err *err);
/* The moment that --when says, not in the future. 0, or EXIT_USAGE. */
int reward_when(const struct cli *cli, int64_t now, int64_t *out);
