#include "state/checkins.h"

#include <unistd.h>

#include "base/tap.h"
#include "base/utc.h"

static char dir[] = "/tmp/ebb-checkins-XXXXXX";

static struct event seen(const char *family, uint32_t address, int32_t day)
{
    return (struct event){.kind = KIND_HTTP,
                          .time = day * UTC_DAY + 3600 * UTC_SECOND,
                          .family = span_str(family),
                          .src_ip = ip_from_v4(address)};
}

/* What is said of an address on a day: "rustock 95", or "". */
static const char *asked(const struct checkins *c, uint32_t address, int32_t day)
{
    static char text[64];
    struct ip ip = ip_from_v4(address);
    unsigned sure = 0;
    struct span family = checkins_find(c, &ip, day * UTC_DAY, &sure);
    if (!family.n)
        return "";
    snprintf(text, sizeof text, "%.*s %u", (int)family.n, (const char *)family.p, sure);
    return text;
}

static struct census *open_census(void)
{
    struct census *c = NULL;
    struct err err;
    is_int(census_open(dir, &c, &err), 0);
    return c;
}

static struct checkins *made_from(struct census *census)
{
    struct checkins *c = NULL;
    struct err err;
    is_int(checkins_new(census, &c, &err), 0);
    return c;
}

static struct checkins *fresh(void)
{
    struct census *census = open_census();
    struct checkins *c = made_from(census);
    census_close(census);
    return c;
}

static void put(struct checkins *c, const char *family, uint32_t address, int32_t day)
{
    struct event ev = seen(family, address, day);
    checkins_add(c, &ev);
}

static void test_days(void)
{
    struct checkins *c = fresh();
    is_str(asked(c, 1, 1000), "");
    put(c, "rustock", 1, 1000);
    is_str(asked(c, 1, 1000), "rustock 95");
    is_str(asked(c, 1, 1001), "rustock 80");
    is_str(asked(c, 1, 1000 + CHECKINS_DAYS), "rustock 80");
    is_str(asked(c, 1, 1000 + CHECKINS_DAYS + 1), "");
    is_str(asked(c, 1, 1000 - CHECKINS_DAYS), "rustock 80"); /* a mail from before it */
    is_str(asked(c, 1, 1000 - CHECKINS_DAYS - 1), "");
    is_str(asked(c, 2, 1000), "");
    put(c, "rustock", 1, 1010);
    is_str(asked(c, 1, 1005), "rustock 95"); /* from the first to the last */
    is_str(asked(c, 1, 1017), "rustock 80");
    put(c, "rustock", 1, 990);
    is_str(asked(c, 1, 983), "rustock 80");
    struct ip none = {0};
    unsigned sure;
    is_int(checkins_find(c, &none, 1000 * UTC_DAY, &sure).n, 0);
    checkins_free(c);
}

static void test_families(void)
{
    struct checkins *c = fresh();
    put(c, "rustock", 1, 1000);
    put(c, "mega-d", 1, 1004);
    is_str(asked(c, 1, 1000), "rustock 75"); /* the nearer one */
    is_str(asked(c, 1, 1004), "mega-d 75");
    is_str(asked(c, 1, 1003), "mega-d 60");
    is_str(asked(c, 1, 994), "rustock 80"); /* the other is too far away to be in doubt */
    put(c, "waledac", 1, 1000);
    put(c, "storm", 1, 1000);
    put(c, "srizbi", 1, 1000);
    put(c, "lethic", 1, 1000);
    is_str(asked(c, 1, 1004), "mega-d 1"); /* five others */
    is_str(asked(c, 1, 1000), "lethic 1"); /* all as near: by name */
    checkins_free(c);
}

static void test_passed_over(void)
{
    struct checkins *c = fresh();
    struct event ev = seen("rustock", 1, 1000);
    ev.kind = KIND_SMTP;
    checkins_add(c, &ev);
    ev = seen("rustock", 1, 1000);
    ev.role = span_str("resolver");
    checkins_add(c, &ev);
    ev.role = span_str("visitor");
    checkins_add(c, &ev);
    ev = seen("", 1, 1000);
    checkins_add(c, &ev);
    ev = seen("unknown", 1, 1000);
    checkins_add(c, &ev);
    ev = seen("rustock", 1, 1000);
    ev.src_ip = (struct ip){0};
    checkins_add(c, &ev);
    is_str(asked(c, 1, 1000), "");
    ev = seen("rustock", 1, 1000);
    ev.role = span_str("bot");
    checkins_add(c, &ev);
    is_str(asked(c, 1, 1000), "rustock 95");
    checkins_free(c);
}

static void test_ipv6(void)
{
    struct checkins *c = fresh();
    struct event ev = seen("rustock", 1, 1000);
    unsigned sure;
    memset(&ev.src_ip, 0, sizeof ev.src_ip);
    ev.src_ip.b[0] = 0x20;
    ev.src_ip.b[15] = 1;
    checkins_add(c, &ev);
    ev.src_ip.b[15] = 9; /* another address of the /64 */
    ok(span_is(checkins_find(c, &ev.src_ip, ev.time, &sure), "rustock") && sure == 95);
    ev.src_ip.b[7] = 9;
    is_int(checkins_find(c, &ev.src_ip, ev.time, &sure).n, 0);
    checkins_free(c);
}

/* Some in a snapshot, some newer, some after that: all are known, many of them, with both families
 * of an address. */
static void test_from_census(void)
{
    struct census *census = open_census();
    struct err err;
    struct event ev;
    for (uint32_t i = 1; i <= 3000; i++) {
        ev = seen(i % 2 ? "rustock" : "mega-d", i, 14000 + (int32_t)(i % 50));
        census_add(census, &ev);
    }
    is_int(census_snapshot(census, &err), 0);
    for (uint32_t i = 2001; i <= 4000; i++) {
        ev = seen("storm", i, 14100);
        census_add(census, &ev);
    }
    ev = seen("", 9000, 14100);
    census_add(census, &ev);
    struct checkins *c = made_from(census);
    census_close(census);
    for (uint32_t i = 4001; i <= 9000; i++)
        put(c, "rustock", i, 14200);
    bool good = true;
    for (uint32_t i = 1; i <= 3000; i++)
        good &=
            strcmp(asked(c, i, 14000 + (int32_t)(i % 50)), i % 2 ? "rustock 95" : "mega-d 95") == 0;
    ok(good, "those of the snapshot");
    for (uint32_t i = 2001; i <= 4000; i++)
        good &= strcmp(asked(c, i, 14101), "storm 80") == 0;
    ok(good, "those that came after it");
    for (uint32_t i = 4001; i <= 9000; i++)
        good &= strcmp(asked(c, i, 14200), "rustock 95") == 0;
    ok(good, "those that came then");
    is_str(asked(c, 9000, 14100), ""); /* no family was known */
    is_str(asked(c, 9001, 14200), "");
    checkins_free(c);
}

int main(void)
{
    if (!mkdtemp(dir))
        return 1;
    test_days();
    test_families();
    test_passed_over();
    test_ipv6();
    test_from_census();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    is_int(system(command), 0);
    return tap_done();
}
