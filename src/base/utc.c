#include "base/utc.h"

#include <time.h>

int64_t utc_now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * UTC_SECOND + ts.tv_nsec / 1000;
}

/* Years run from March, so that the leap day is a year's last: era of 400 years, day of era. */
int64_t utc_days_from_civil(int64_t y, unsigned m, unsigned d)
{
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static void civil_from_days(int64_t z, int64_t *year, unsigned *month, unsigned *day)
{
    z += 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (unsigned)(doy - (153 * mp + 2) / 5 + 1);
    *month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static bool digits(struct cur *c, unsigned n, unsigned *out)
{
    unsigned v = 0;
    if (cur_left(c) < n)
        return false;
    for (unsigned i = 0; i < n; i++) {
        unsigned d = (unsigned)c->p[i] - '0';
        if (d > 9)
            return false;
        v = v * 10 + d;
    }
    c->p += n;
    *out = v;
    return true;
}

static bool literal(struct cur *c, char ch)
{
    if (c->p == c->end || *c->p != (uint8_t)ch)
        return false;
    c->p++;
    return true;
}

static bool date_parse(struct cur *c, int64_t *days)
{
    static const uint8_t length[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    unsigned y, m, d;
    if (!digits(c, 4, &y) || !literal(c, '-') || !digits(c, 2, &m) || !literal(c, '-') ||
        !digits(c, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (d > length[m - 1] + (unsigned)(m == 2 && leap))
        return false;
    *days = utc_days_from_civil(y, m, d);
    return true;
}

static bool fraction_parse(struct cur *c, int64_t *us)
{
    *us = 0;
    if (!literal(c, '.'))
        return true;
    int64_t unit = 100000;
    const uint8_t *start = c->p;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9' && c->p - start < 18; c->p++) {
        *us += (*c->p - '0') * unit;
        unit /= 10;
    }
    return c->p > start;
}

static bool zone_parse(struct cur *c, int64_t *offset)
{
    *offset = 0;
    if (c->p == c->end || literal(c, 'Z') || literal(c, 'z'))
        return true;
    int sign = *c->p == '-' ? -1 : 1;
    if (*c->p != '+' && *c->p != '-')
        return false;
    c->p++;
    unsigned h, m;
    if (!digits(c, 2, &h) || !literal(c, ':') || !digits(c, 2, &m) || h > 23 || m > 59)
        return false;
    *offset = sign * (int64_t)(h * 60 + m) * 60 * UTC_SECOND;
    return true;
}

bool utc_parse(struct span text, int64_t *out)
{
    struct cur c = cur_of(text);
    int64_t days, us, offset;
    if (!text.n || !date_parse(&c, &days))
        return false;
    if (c.p == c.end) {
        *out = days * UTC_DAY;
        return true;
    }
    unsigned h, m, s;
    if (!literal(&c, 'T') && !literal(&c, 't') && !literal(&c, ' '))
        return false;
    if (!digits(&c, 2, &h) || !literal(&c, ':') || !digits(&c, 2, &m) || !literal(&c, ':') ||
        !digits(&c, 2, &s) || h > 23 || m > 59 || s > 60)
        return false;
    if (!fraction_parse(&c, &us) || !zone_parse(&c, &offset) || c.p != c.end)
        return false;
    *out = days * UTC_DAY + (int64_t)(h * 3600 + m * 60 + s) * UTC_SECOND + us - offset;
    return true;
}

static char *put_digits(char *p, unsigned n, uint64_t v)
{
    for (unsigned i = n; i-- > 0; v /= 10)
        p[i] = (char)('0' + v % 10);
    return p + n;
}

unsigned utc_format_date(int64_t t, char *out)
{
    int64_t y;
    unsigned m, d;
    civil_from_days(utc_day(t), &y, &m, &d);
    char *p = put_digits(out, 4, (uint64_t)(y < 0 ? 0 : y));
    *p++ = '-';
    p = put_digits(p, 2, m);
    *p++ = '-';
    p = put_digits(p, 2, d);
    *p = 0;
    return (unsigned)(p - out);
}

unsigned utc_format(int64_t t, char *out)
{
    int64_t us = t % UTC_DAY;
    if (us < 0)
        us += UTC_DAY;
    char *p = out + utc_format_date(t, out);
    *p++ = 'T';
    p = put_digits(p, 2, (uint64_t)(us / (3600 * UTC_SECOND)));
    *p++ = ':';
    p = put_digits(p, 2, (uint64_t)(us / (60 * UTC_SECOND) % 60));
    *p++ = ':';
    p = put_digits(p, 2, (uint64_t)(us / UTC_SECOND % 60));
    *p++ = '.';
    p = put_digits(p, 6, (uint64_t)(us % UTC_SECOND));
    *p++ = 'Z';
    *p = 0;
    return (unsigned)(p - out);
}
