/* Hand-overs: referrals, exhibits, timestamps and cosignatures. Tables of the pursuit (pursuit.h). */
#pragma once

#include "state/pursuit.h"
