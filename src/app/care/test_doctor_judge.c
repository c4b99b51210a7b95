/* Doctor: each threshold from both sides. */
#include "app/care/doctor_judge.h"

#include <math.h>

#include "base/tap.h"

#define DAY  86400000000ll
#define HOUR 3600000000ll
#define NOW  (1000 * DAY)
#define GIB  (1024.0 * 1024 * 1024)

static void test_space(void)
{
    is_int(doctor_space(50 * GIB, 100 * GIB, NAN), DOCTOR_OK);
    is_int(doctor_space(50 * GIB, 100 * GIB, INFINITY), DOCTOR_OK);
    is_int(doctor_space(50 * GIB, 100 * GIB, 13.9), DOCTOR_WARN);
    is_int(doctor_space(50 * GIB, 100 * GIB, 14), DOCTOR_OK);
    is_int(doctor_space(50 * GIB, 100 * GIB, 2.9), DOCTOR_WRONG);
    is_int(doctor_space(9.9 * GIB, 100 * GIB, NAN), DOCTOR_WARN);
    is_int(doctor_space(1.9 * GIB, 100 * GIB, 1000), DOCTOR_WRONG);
    is_int(doctor_space(0.4 * GIB, 1 * GIB, INFINITY), DOCTOR_WRONG);
    is_int(doctor_space(0, 0, NAN), DOCTOR_WRONG);
}

static void test_growth(void)
{
    const struct doctor_file one[] = {{NOW - 20 * DAY, NOW - 10 * DAY, 500}};
    is_int(doctor_growth(one, 1, NOW), 0);
    const struct doctor_file week[] = {{NOW - 20 * DAY, NOW - 10 * DAY, 500},
                                       {NOW - 6 * DAY, NOW - 3 * DAY, 500},
                                       {NOW - 3 * DAY, NOW, 200}};
    is_int(doctor_growth(week, 3, NOW), 100);
    const struct doctor_file half[] = {{NOW - 14 * DAY, NOW, 1400}};
    is_int(doctor_growth(half, 1, NOW), 100);
    const struct doctor_file young[] = {{NOW - HOUR / 2, NOW, 1000}};
    ok(isnan(doctor_growth(young, 1, NOW)));
    const struct doctor_file day[] = {{NOW - DAY, NOW, 1000}, {0, NOW - DAY / 2, 0}};
    is_int(doctor_growth(day, 2, NOW), 1000);
    ok(isnan(doctor_growth(day, 0, NOW)));
    const struct doctor_file back[] = {{NOW + DAY, NOW - 8 * DAY, 7}}; /* a clock that went back */
    ok(doctor_growth(back, 1, NOW) >= 0);
}

static void test_rest(void)
{
    double v[] = {5, 1, 9};
    is_int(doctor_median(v, 3), 5);
    ok(isnan(doctor_median(v, 0)));
    is_int(doctor_offset(false, 0), DOCTOR_WARN);
    is_int(doctor_offset(true, 99999), DOCTOR_OK);
    is_int(doctor_offset(true, -100000), DOCTOR_WARN);
    is_int(doctor_offset(true, 2000000), DOCTOR_WRONG);
    is_int(doctor_ends(NOW, NOW, 14), DOCTOR_WRONG);
    is_int(doctor_ends(NOW + 1, NOW, 14), DOCTOR_WARN);
    is_int(doctor_ends(NOW + 14 * DAY, NOW, 14), DOCTOR_OK);
    is_int(doctor_over(1, 1, 2), DOCTOR_WARN);
    is_int(doctor_over(2, 1, 2), DOCTOR_WRONG);
    is_int(doctor_under(1, 2, 1), DOCTOR_WARN);
    is_int(doctor_under(0.5, 2, 1), DOCTOR_WRONG);
    is_int(doctor_worse(DOCTOR_SKIPPED, DOCTOR_OK), DOCTOR_OK);
    is_int(doctor_worse(DOCTOR_WRONG, DOCTOR_WARN), DOCTOR_WRONG);
    is_str(doctor_state_name(DOCTOR_WRONG), "wrong");
}

static void test_records(void)
{
    char out[64];
    ok(doctor_record_address("* A 192.0.2.1", out, sizeof out));
    is_str(out, "192.0.2.1");
    ok(doctor_record_address("www 60 IN AAAA 2001:db8::1", out, sizeof out));
    is_str(out, "2001:db8::1");
    ok(doctor_record_address("A A 192.0.2.2", out, sizeof out));
    is_str(out, "192.0.2.2");
    ok(!doctor_record_address("* TXT \"A 192.0.2.1\"", out, sizeof out));
    ok(!doctor_record_address("@ MX 10 mx", out, sizeof out));
    ok(!doctor_record_address("* A", out, sizeof out));
    ok(!doctor_record_address("", out, sizeof out));
    ok(!doctor_record_address("* A 192.0.2.1", out, 4));
}

int main(void)
{
    test_space();
    test_growth();
    test_rest();
    test_records();
    return tap_done();
}
