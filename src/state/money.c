#include "state/money.h"

#include <errno.h>
#include <stdio.h>

#define PERCENT_DIGITS 6
#define PERCENT_WHOLE  100000000ll /* 100%, in millionths of a percent */

int money_digits(struct span currency)
{
    static const struct {
        int digits;
        const char *codes;
    } known[] = {
#define CURRENCIES(digits_, codes_) {digits_, codes_},
#include "state/currency.def"
    };
    for (size_t i = 0; currency.n == 3 && i < sizeof known / sizeof *known; i++)
        for (const char *at = known[i].codes; *at; at += at[3] ? 4 : 3)
            if (memcmp(at, currency.p, 3) == 0)
                return known[i].digits;
    return -1;
}

/* Digits with a point and `digits` digits behind it, at most, as a number of smallest units. 0,
 * -EINVAL, -ERANGE. */
static int parse(struct span text, int digits, int64_t *out)
{
    int64_t v = 0;
    int behind = -1; /* digits behind the point; -1: none yet */
    bool over = false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '.' && behind < 0 && i > 0) {
            behind = 0;
            continue;
        }
        if (text.p[i] < '0' || text.p[i] > '9' || (behind >= 0 && ++behind > digits))
            return -EINVAL;
        over |= __builtin_mul_overflow(v, 10, &v);
        over |= __builtin_add_overflow(v, text.p[i] - '0', &v);
    }
    if (!text.n || behind == 0)
        return -EINVAL;
    for (int i = behind < 0 ? 0 : behind; i < digits; i++)
        over |= __builtin_mul_overflow(v, 10, &v);
    *out = v;
    return over ? -ERANGE : 0;
}

int money_parse(struct span text, struct span currency, int64_t *out, struct err *err)
{
    int digits = money_digits(currency), n = text.n < 40 ? (int)text.n : 40;
    const char *p = text.n ? (const char *)text.p : "";
    if (digits < 0)
        return err_set(err, -EINVAL, "not a currency of ISO 4217 (%.*s)",
                       currency.n < 40 ? (int)currency.n : 40,
                       currency.n ? (const char *)currency.p : "");
    int rc = parse(text, digits, out);
    if (rc == -ERANGE)
        return err_set(err, rc, "an amount that is too large (%.*s)", n, p);
    if (rc < 0)
        return err_set(err, rc, "not an amount: digits, with %d behind a point at most (%.*s)",
                       digits, n, p);
    return *out > 0 ? 0 : err_set(err, -EINVAL, "not more than nothing (%.*s)", n, p);
}

unsigned money_format(int64_t amount, struct span currency, char out[MONEY_TEXT_MAX])
{
    int digits = money_digits(currency);
    uint64_t v = amount < 0 ? 0 - (uint64_t)amount : (uint64_t)amount, unit = 1;
    for (int i = 0; i < digits; i++)
        unit *= 10;
    const char *sign = amount < 0 ? "-" : "";
    int n = digits > 0
                ? snprintf(out, MONEY_TEXT_MAX, "%s%llu.%0*llu", sign,
                           (unsigned long long)(v / unit), digits, (unsigned long long)(v % unit))
                : snprintf(out, MONEY_TEXT_MAX, "%s%llu", sign, (unsigned long long)v);
    return (unsigned)n;
}

int money_percent(int64_t amount, struct span percent, int64_t *out, struct err *err)
{
    int64_t part = 0;
    int n = percent.n < 40 ? (int)percent.n : 40;
    if (parse(percent, PERCENT_DIGITS, &part) < 0 || part <= 0 || part > PERCENT_WHOLE)
        return err_set(err, -EINVAL, "not a percentage above 0 and 100 at most (%.*s)", n,
                       percent.n ? (const char *)percent.p : "");
    *out = (int64_t)((__int128)amount * part / PERCENT_WHOLE);
    return *out > 0 ? 0
                    : err_set(err, -EINVAL, "less than the smallest unit is left of it (%.*s%%)", n,
                              (const char *)percent.p);
}
