/* Leads: what informants gave, sealed, and what reviewers made of it. Tables of the pursuit (pursuit.h). */
#pragma once

#include "state/pursuit.h"
