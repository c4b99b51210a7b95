#include "sim/scenario.h"

#include "base/tap.h"
#include "base/utc.h"
#include "sim/model.h"

/* A scenario in pieces, so that a test can replace one of them. */
#define TOP                                                                                        \
    "start: 2024-01-01\n"                                                                          \
    "days: 3\n"                                                                                    \
    "hosts: 10\n"
#define SURVIVAL "survival: {curve: weibull, shape: 0.6, scale_days: 90}\n"
#define ACTIVITY "activity: {daily: 0.5}\n"
#define SENSORS  "sensors: [192.0.2.1]\n"
#define FAMILIES "families: [{name: x, kind: http, host: a.example, path: /}]\n"
#define ASES     "ases: [{asn: 64500, country: DE, weight: 1, networks: [198.51.100.0/24]}]\n"
#define GOOD     TOP SURVIVAL ACTIVITY SENSORS FAMILIES ASES

/* Loads, and builds the population, where prefixes are looked at. */
static int try(const char *yaml, struct err *err)
{
    struct scenario *s;
    struct model *m = NULL;
    *err = (struct err){0};
    int rc = scenario_load(span_str(yaml), "test.yaml", &s, err);
    if (rc == 0)
        rc = model_new(s, 1, 1, "test.yaml", &m, err);
    model_free(m);
    scenario_free(s);
    return rc;
}

static void refuses(const char *what, const char *yaml, const char *says)
{
    struct err err;
    int rc = try(yaml, &err);
    ok(rc < 0 && strstr(err.text, says) && strstr(err.text, "test.yaml"), "refused with its key");
    if (rc >= 0 || !strstr(err.text, says))
        printf("# %s: got %d \"%s\", want \"%s\"\n", what, rc, err.text, says);
}

static void test_good(void)
{
    struct scenario *s;
    struct err err = {0};
    is_int(scenario_load(span_str(GOOD), "test.yaml", &s, &err), 0);
    ok(s && s->days == 3 && s->hosts == 10 && s->families_count == 1, "values are read");
    ok(s && s->start_time == 1704067200 * UTC_SECOND, "the date is read");
    ok(s && s->families[0].port == 80 && s->families[0].share == 1, "defaults are filled in");
    scenario_free(s);
}

static void test_keys(void)
{
    refuses("empty", "", "empty");
    refuses("no yaml", "a: [", "test.yaml");
    refuses("not a mapping", "- 1\n", "test.yaml");
    refuses("unknown key", GOOD "colour: red\n", "colour");
    refuses("unknown inner key",
            TOP SURVIVAL "activity: {daily: 0.5, nightly: 1}\n" SENSORS FAMILIES ASES, "nightly");
    refuses("missing key", TOP SURVIVAL ACTIVITY SENSORS FAMILIES, "ases");
    refuses("key twice", GOOD "days: 4\n", "days");
    refuses("no number", "start: 2024-01-01\ndays: many\nhosts: 1\n" SURVIVAL ACTIVITY, "days");
    refuses("unknown curve", TOP "survival: {curve: gamma}\n" ACTIVITY SENSORS FAMILIES ASES,
            "curve");
}

static void test_ranges(void)
{
    refuses("zero days",
            "start: 2024-01-01\ndays: 0\nhosts: 1\n" SURVIVAL ACTIVITY SENSORS FAMILIES ASES,
            "days");
    refuses("no hosts",
            "start: 2024-01-01\ndays: 1\nhosts: 0\n" SURVIVAL ACTIVITY SENSORS FAMILIES ASES,
            "hosts");
    refuses("negative hosts",
            "start: 2024-01-01\ndays: 1\nhosts: -5\n" SURVIVAL ACTIVITY SENSORS FAMILIES ASES,
            "hosts");
    refuses("no date",
            "start: 2024-02-30\ndays: 1\nhosts: 1\n" SURVIVAL ACTIVITY SENSORS FAMILIES ASES,
            "start");
    refuses("year 3000",
            "start: 3000-01-01\ndays: 1\nhosts: 1\n" SURVIVAL ACTIVITY SENSORS FAMILIES ASES,
            "start");
    refuses("a probability of 2", TOP SURVIVAL "activity: {daily: 2}\n" SENSORS FAMILIES ASES,
            "activity.daily");
    refuses("jitter without interval",
            TOP SURVIVAL "activity: {daily: 1, jitter: 0.1}\n" SENSORS FAMILIES ASES,
            "activity.interval_minutes");
    refuses("checkins and interval",
            TOP SURVIVAL
            "activity: {daily: 1, checkins: 2, interval_minutes: 5}\n" SENSORS FAMILIES ASES,
            "activity.checkins");
    refuses("interval",
            TOP SURVIVAL "activity: {daily: 1, interval_minutes: 0.5}\n" SENSORS FAMILIES ASES,
            "activity.interval_minutes");
    refuses("on for 20 hours",
            TOP SURVIVAL
            "activity: {daily: 1, interval_minutes: 5, on_hours: 20}\n" SENSORS FAMILIES ASES,
            "activity.on_hours");
    refuses("a fixed lease of nothing",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, networks: [198.51.100.0/24],"
            " dhcp: {mean_days: 0, lease: fixed}}]\n",
            "ases[0].dhcp.lease");
    refuses("not a number", TOP SURVIVAL "activity: {daily: .nan}\n" SENSORS FAMILIES ASES,
            "daily");
    refuses("nan", TOP SURVIVAL "activity: {daily: nan}\n" SENSORS FAMILIES ASES, "daily");
    refuses("no shape",
            TOP "survival: {curve: weibull, scale_days: 9}\n" ACTIVITY SENSORS FAMILIES ASES,
            "survival.shape");
    refuses("infinite scale",
            TOP "survival: {curve: exponential, scale_days: inf}\n" ACTIVITY SENSORS FAMILIES ASES,
            "survival.scale_days");
    refuses("negative weight",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: -1, networks: [198.51.100.0/24]}]\n",
            "ases[0].weight");
    refuses("zero weight",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 0, networks: [198.51.100.0/24]}]\n",
            "ases[0].weight");
    refuses("country",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: Germany, weight: 1, networks: [198.51.100.0/24]}]\n",
            "ases[0].country");
    refuses("NAT of one",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, networks: [198.51.100.0/24],"
            " nat: {share: 0.5, hosts: 1}}]\n",
            "nat.hosts");
    refuses("AS twice",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, networks: [198.51.100.0/24]},"
            " {asn: 1, country: DE, weight: 1, networks: [203.0.113.0/24]}]\n",
            "ases[1].asn");
}

static void test_networks(void)
{
    refuses("no prefix",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, networks: [198.51.100.0]}]\n",
            "198.51.100.0");
    refuses("host bits",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, networks: [198.51.100.1/24]}]\n",
            "198.51.100.1/24");
    refuses("no networks",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, networks: []}]\n",
            "networks");
    refuses("overlap",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, networks: [10.0.0.0/9]},"
            " {asn: 2, country: DE, weight: 1, networks: [10.1.2.0/24]}]\n",
            "10.0.0.0/9 and 10.1.2.0/24 overlap");
    refuses("the same twice",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1,"
            " networks: [198.51.100.0/24, 198.51.100.0/24]}]\n",
            "overlap");
    refuses("too few addresses",
            "start: 2024-01-01\ndays: 1\nhosts: 300\n" SURVIVAL ACTIVITY SENSORS FAMILIES ASES,
            "too few");
    refuses("too few for IPv6",
            TOP SURVIVAL ACTIVITY "sensors: [192.0.2.1, '2001:db8::1']\n" FAMILIES
                                  "ases: [{asn: 1, country: DE, weight: 1, ipv6: 0.5,"
                                  " networks: [198.51.100.0/24]}]\n",
            "too few IPv6");
    refuses("IPv6 hosts, no IPv6 sensor",
            TOP SURVIVAL ACTIVITY SENSORS FAMILIES
            "ases: [{asn: 1, country: DE, weight: 1, ipv6: 0.5,"
            " networks: [198.51.100.0/24, '2001:db8::/32']}]\n",
            "sensors");
    refuses("more scanners than addresses",
            GOOD "scanners: [{asn: 1, country: DE, count: 9, behaviour: probe,"
                 " networks: [203.0.113.0/29]}]\n",
            "scanners[0].networks");
}

static void test_families(void)
{
    refuses("http without host",
            TOP SURVIVAL ACTIVITY SENSORS "families: [{name: x, kind: http, path: /}]\n" ASES,
            "families[0].host");
    refuses("raw without payload",
            TOP SURVIVAL ACTIVITY SENSORS "families: [{name: x, kind: raw}]\n" ASES,
            "families[0].payload");
    refuses("{id} without bot id",
            TOP SURVIVAL ACTIVITY SENSORS
            "families: [{name: x, kind: http, host: a, path: '/{id}'}]\n" ASES,
            "families[0].path");
    refuses("empty label",
            TOP SURVIVAL ACTIVITY SENSORS "families: [{name: x, kind: dns, host: a..b}]\n" ASES,
            "families[0].host");
    refuses(
        "line feed in a header",
        TOP SURVIVAL ACTIVITY SENSORS
        "families: [{name: x, kind: http, host: a, path: /, headers: [\"A: b\\nC: d\"]}]\n" ASES,
        "families[0].headers");
    refuses("two of a name",
            TOP SURVIVAL ACTIVITY SENSORS "families: [{name: x, kind: http, host: a, path: /},"
                                          " {name: x, kind: http, host: a, path: /}]\n" ASES,
            "families[1].name");
    refuses("request too long",
            TOP SURVIVAL ACTIVITY SENSORS
            "families: [{name: x, kind: http, host: a, path: /, body: 2000}]\n" ASES,
            "families[0].body");
    refuses("no sensor", TOP SURVIVAL ACTIVITY "sensors: []\n" FAMILIES ASES, "sensors");
    refuses("bad sensor", TOP SURVIVAL ACTIVITY "sensors: [here]\n" FAMILIES ASES, "sensors[0]");
}

static void test_bundled(void)
{
    unsigned n = 0;
    for (const struct scenario_bundled *b = scenario_bundled; b->name; b++, n++) {
        struct scenario *s = NULL;
        struct err err = {0};
        is_int(scenario_load(span_of(b->yaml, b->len), b->name, &s, &err), 0);
        if (!s)
            printf("# %s\n", err.text);
        scenario_free(s);
        ok(scenario_find_bundled(b->name) == b, "found by its name");
    }
    is_int(n, 4);
    ok(!scenario_find_bundled("zeus"), "no other");
}

int main(void)
{
    test_good();
    test_keys();
    test_ranges();
    test_networks();
    test_families();
    test_bundled();
    return tap_done();
}
