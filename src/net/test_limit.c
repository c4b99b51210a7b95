#include "net/limit.h"

#include "base/tap.h"

static struct ip address(const char *text)
{
    struct ip ip;
    if (!ip_parse(span_str(text), &ip))
        abort();
    return ip;
}

static void test_prefixes(void)
{
    struct limit_counts *c = limit_counts_new(100, 1);
    struct ip a = address("192.0.2.1"), b = address("192.0.2.2"), six = address("2001:db8:1:2::1"),
              near = address("2001:db8:1:2:ffff::9"), far = address("2001:db8:1:3::1");
    ok(limit_enter(c, &a, 2) && limit_enter(c, &a, 2), "two of one address");
    ok(!limit_enter(c, &a, 2), "not a third");
    ok(limit_enter(c, &b, 2), "but one of its neighbour");
    ok(limit_enter(c, &six, 2) && limit_enter(c, &near, 2), "IPv6: two of one /64");
    ok(!limit_enter(c, &six, 2) && !limit_enter(c, &near, 2), "which is then full");
    ok(limit_enter(c, &far, 2), "another /64 is another");
    limit_leave(c, &a);
    ok(limit_enter(c, &a, 2), "one left, one may come");
    is_int(limit_count(c, &near), 2);
    is_int(limit_count(c, &b), 1);
    limit_counts_free(c);
}

#define MOST      1000
#define ADDRESSES 3000

/* Against plain counters, with the table as full as it gets. */
static void test_against_counters(void)
{
    static uint32_t count[ADDRESSES];
    static int open[MOST];
    struct limit_counts *c = limit_counts_new(MOST, 99);
    int n = 0, wrong = 0, full = 0;
    srand(5);
    for (int round = 0; round < 400000; round++) {
        bool enter = n < MOST && (n == 0 || rand() % 100 < 55);
        full += n == MOST;
        if (enter) {
            int i = rand() % ADDRESSES;
            struct ip ip = ip_from_v4((uint32_t)i * 65537);
            bool may = count[i] < 3;
            wrong += limit_enter(c, &ip, 3) != may;
            if (may) {
                count[i]++;
                open[n++] = i;
            }
        } else {
            int k = rand() % n, i = open[k];
            struct ip ip = ip_from_v4((uint32_t)i * 65537);
            limit_leave(c, &ip);
            count[i]--;
            open[k] = open[--n];
        }
        int i = rand() % ADDRESSES;
        struct ip ip = ip_from_v4((uint32_t)i * 65537);
        wrong += limit_count(c, &ip) != count[i];
    }
    is_int(wrong, 0, "as the counters say");
    ok(full > 1000, "the table was full");
    limit_counts_free(c);
}

static void test_rates(void)
{
    struct limit_rates *r = limit_rates_new(5, 7);
    struct ip a = address("192.0.2.1"), b = address("192.0.2.2");
    int passed = 0, others = 0;
    for (int i = 0; i < 100; i++) {
        passed += limit_pass(r, &a, 10000 + i);
        others += i < 5 && limit_pass(r, &b, 10000 + i);
    }
    is_int(passed, 5);
    is_int(others, 5);
    passed = 0;
    for (int i = 0; i < 100; i++)
        passed += limit_pass(r, &a, 11000 + i);
    is_int(passed, 5, "anew in the next second");
    passed = 0;
    for (uint32_t i = 0; i < 1000000; i++) {
        struct ip ip = ip_from_v4(i);
        passed += limit_pass(r, &ip, 12000);
    }
    is_int(passed, 1000000, "a crowd of which each comes once is not held up");
    limit_rates_free(r);
}

int main(void)
{
    test_prefixes();
    test_against_counters();
    test_rates();
    return tap_done();
}
