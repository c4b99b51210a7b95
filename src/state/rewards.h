/* Rewards: offers, milestones, claims, awards and payouts. Tables of the pursuit (pursuit.h). */
#pragma once

#include "state/pursuit.h"
