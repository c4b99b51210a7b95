/* Contact table: networks and whom to tell of them, longest prefix first. */
#pragma once

#include "base/ip.h"
