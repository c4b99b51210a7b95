#include "sim/mail_shape.h"

#include <stdio.h>

#include "base/utc.h"

static const char hex_small[] = "0123456789abcdef", hex_capital[] = "0123456789ABCDEF";
static const char small[] = "abcdefghijklmnopqrstuvwxyz", capital[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char mixed[] = "abcdefghijklmnopqrstuvwxyz0123456789";
static const char any[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

void mail_put_number(struct buf *out, uint64_t v, unsigned least)
{
    uint8_t digit[20];
    unsigned n = 0;
    do
        digit[n++] = (uint8_t)('0' + v % 10);
    while ((v /= 10) || n < least);
    uint8_t *p = buf_reserve(out, n);
    out->n += n;
    while (n)
        *p++ = digit[--n];
}

struct mail_date mail_date_of(int64_t time)
{
    char text[UTC_TEXT_MAX];
    int32_t day = utc_day(time);
    unsigned s = (unsigned)((time - day * UTC_DAY) / UTC_SECOND);
    utc_format_date(time, text);
    return (struct mail_date){
        .year =
            (text[0] - '0') * 1000 + (text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0',
        .month = (unsigned)((text[5] - '0') * 10 + text[6] - '0'),
        .day = (unsigned)((text[8] - '0') * 10 + text[9] - '0'),
        .hour = s / 3600,
        .minute = s / 60 % 60,
        .second = s % 60,
        .weekday = (unsigned)(((day + 4) % 7 + 7) % 7)}; /* 1970-01-01 was a Thursday */
}

static const char weekdays[] = "SunMonTueWedThuFriSat",
                  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

static void put_clock(struct buf *out, const struct mail_date *d)
{
    mail_put_number(out, d->hour, 2);
    buf_byte(out, ':');
    mail_put_number(out, d->minute, 2);
    buf_byte(out, ':');
    mail_put_number(out, d->second, 2);
}

void mail_put_date(struct buf *out, const struct mail_date *d, bool weekday, bool pad)
{
    if (weekday) {
        buf_put(out, weekdays + 3 * d->weekday, 3);
        buf_put(out, ", ", 2);
    }
    mail_put_number(out, d->day, pad ? 2 : 1);
    buf_byte(out, ' ');
    buf_put(out, months + 3 * (d->month - 1), 3);
    buf_byte(out, ' ');
    mail_put_number(out, (uint64_t)d->year, 4);
    buf_byte(out, ' ');
    put_clock(out, d);
}

void mail_put_asctime(struct buf *out, const struct mail_date *d)
{
    buf_put(out, weekdays + 3 * d->weekday, 3);
    buf_byte(out, ' ');
    buf_put(out, months + 3 * (d->month - 1), 3);
    buf_byte(out, ' ');
    if (d->day < 10)
        buf_byte(out, ' ');
    mail_put_number(out, d->day, 1);
    buf_byte(out, ' ');
    put_clock(out, d);
    buf_byte(out, ' ');
    mail_put_number(out, (uint64_t)d->year, 4);
}

void mail_put_address(struct buf *out, const struct ip *ip, char between)
{
    for (int i = 12; i < 16; i++) {
        mail_put_number(out, ip->b[i], 1);
        if (i < 15)
            buf_byte(out, (uint8_t)between);
    }
}

/* n characters of an alphabet of k: a 64-bit number gives eight. */
static void put_random(struct buf *out, struct rng *r, const char *alphabet, unsigned k, unsigned n)
{
    uint8_t *p = buf_reserve(out, n);
    uint64_t bits = 0;
    for (unsigned i = 0; i < n; i++, bits >>= 8) {
        if (i % 8 == 0)
            bits = rng_next(r);
        p[i] = (uint8_t)alphabet[(bits & 255) * k >> 8];
    }
    out->n += n;
}

static const char *number(const char *p, unsigned *out)
{
    unsigned v = 0;
    while (*p >= '0' && *p <= '9')
        v = v * 10 + (unsigned)(*p++ - '0');
    *out = v;
    return p;
}

static void put_field(char class, unsigned n, const struct mail_shape_words *w, struct rng *r,
                      struct buf *out)
{
    switch (class) {
    case 'x':
        put_random(out, r, hex_small, 16, n);
        break;
    case 'X':
        put_random(out, r, hex_capital, 16, n);
        break;
    case 'd':
        put_random(out, r, mixed + 26, 10, n);
        break;
    case 'a':
        put_random(out, r, small, 26, n);
        break;
    case 'A':
        put_random(out, r, capital, 26, n);
        break;
    case 'm':
        put_random(out, r, mixed, 36, n);
        break;
    case 'u':
        put_random(out, r, any, 62, n);
        break;
    case 't':
        mail_put_number(out, (uint64_t)(w->time / UTC_SECOND), 1);
        break;
    case 'D': {
        struct mail_date d = mail_date_of(w->time);
        mail_put_number(out, (uint64_t)d.year, 4);
        mail_put_number(out,
                        d.month * 100000000ull + d.day * 1000000ull + d.hour * 10000u +
                            d.minute * 100u + d.second,
                        10);
        break;
    }
    case 'h':
        buf_span(out, w->domain);
        break;
    case 's':
        buf_span(out, w->local);
        break;
    case 'i':
        mail_put_address(out, &w->address, '.');
        break;
    case 'I':
        mail_put_address(out, &w->address, '-');
        break;
    default:
        break;
    }
}

void mail_shape_put(const char *shape, const struct mail_shape_words *w, struct rng *r,
                    struct buf *out)
{
    for (const char *p = shape; *p; p++) {
        unsigned least, most;
        if (*p != '%') {
            buf_byte(out, (uint8_t)*p);
            continue;
        }
        p = number(p + 1, &least);
        most = least;
        if (*p == '-')
            p = number(p + 1, &most);
        if (most > least)
            least += rng_below(r, most - least + 1);
        put_field(*p, least, w, r, out);
    }
}

void mail_shape_vary(const char *shape, struct rng *r, char *out, size_t max)
{
    size_t n = 0;
    for (const char *p = shape; *p && n + 8 < max; p++) {
        unsigned least;
        if (*p != '%' || p[1] < '0' || p[1] > '9') {
            out[n++] = *p;
            continue;
        }
        p = number(p + 1, &least);
        if (*p != '-') {
            unsigned other = least + rng_below(r, 5);
            least = least > 3 && rng_chance(r, 0.6) ? other - 1 : least;
        }
        n += (size_t)snprintf(out + n, max - n, "%%%u%c", least, *p);
    }
    out[n] = 0;
}
