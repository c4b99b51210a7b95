/* Reviews: what reviewers made of leads. Tables of the pursuit (pursuit.h). */
#pragma once

#include "state/pursuit.h"
