#include "contact/contact_table.h"
