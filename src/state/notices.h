/* Notices: who is to be told of what was shut down, how they were told, and what came of it. Tables of the pursuit (pursuit.h). */
#pragma once

#include "state/pursuit.h"
