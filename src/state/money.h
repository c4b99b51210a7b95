/* Money: amounts in a currency's smallest unit, as text and back; exact, never by floating point.
 */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#define MONEY_TEXT_MAX 24 /* of an amount as text, with its end */

/* Digits behind the point (ISO 4217); -1: no such currency. Codes are upper case. */
int money_digits(struct span currency);
/* "250000", "250000.00" (as many digits behind the point as the currency has, or fewer): digits
 * alone, no sign, no separators. More than 0, and INT64_MAX units at most. -EINVAL (also an unknown
 * currency), -ERANGE: it overflows. */
int money_parse(struct span text, struct span currency, int64_t *out, struct err *err);
/* "250000.00"; returns its length. An unknown currency has no digits behind the point. */
unsigned money_format(int64_t amount, struct span currency, char out[MONEY_TEXT_MAX]);
/* So many percent ("12.5": six digits behind the point at most, above 0 and 100 at most) of an
 * amount, rounded down. -EINVAL; also when nothing is left of it. */
int money_percent(int64_t amount, struct span percent, int64_t *out, struct err *err);
