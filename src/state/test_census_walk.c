/* Walking a family's addresses, beside the events that they came from. */
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "base/utc.h"
#include "state/census.h"

#define EVENTS 800

static uint64_t state = 0x9e3779b97f4a7c15u;
/* xorshift64* (Vigna 2016) */
static unsigned below(unsigned n)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (unsigned)((state * 0x2545f4914f6cdd1du >> 33) % n);
}

static struct event ev[EVENTS];
static bool met[EVENTS];

static void fill(void)
{
    static const char *const families[] = {"a", "b", ""}, *const countries[] = {"", "DE", "US"};
    for (size_t i = 0; i < EVENTS; i++) {
        ev[i] = (struct event){.kind = KIND_HTTP, .asn = below(3)};
        ev[i].src_ip = ip_from_v4(0xffff0000 + below(40));
        if (below(3) == 0)
            ev[i].src_ip = (struct ip){{0x20, 1, [15] = (uint8_t)below(20)}};
        ev[i].time = (100 + below(9)) * UTC_DAY;
        ev[i].family = span_str(families[below(3)]);
        ev[i].country = span_str(countries[below(3)]);
    }
}

/* Marks the events that a part's day stands for; false: there is none. */
static bool stands_for_some(struct span family, const struct ip *ip, const struct census_part *p,
                            uint16_t day)
{
    bool found = false;
    for (size_t i = 0; i < EVENTS; i++) {
        const char *country = ev[i].country.n ? (const char *)ev[i].country.p : "\0";
        if (!span_eq(ev[i].family.n ? ev[i].family : span_str("unknown"), family) ||
            memcmp(&ev[i].src_ip, ip, sizeof *ip) != 0 || ev[i].asn != p->asn ||
            memcmp(country, p->country, 2) != 0 || ev[i].time / UTC_DAY != day)
            continue;
        found = met[i] = true;
    }
    return found;
}

static bool is_after(const struct ip *a, const struct ip *b)
{
    return ip_is_v4(a) != ip_is_v4(b) ? ip_is_v4(b) : memcmp(a->b, b->b, 16) > 0;
}

static bool walk(struct census *c, const char *family)
{
    struct census_walk *w;
    struct ip ip, last = {0};
    const struct census_part *parts;
    size_t n, addresses = 0;
    bool good = true;
    int rc;
    census_walk_open(c, span_str(family), &w);
    while ((rc = census_walk_next(w, &ip, &parts, &n, NULL)) > 0) {
        good &= addresses++ == 0 || is_after(&ip, &last);
        last = ip;
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < parts[k].n; i++)
                good &= stands_for_some(span_str(family), &ip, &parts[k], parts[k].days[i]);
    }
    census_walk_close(w);
    return good && rc == 0 && addresses > 0;
}

int main(void)
{
    char dir[] = "/tmp/ebb-walk-XXXXXX", path[FILE_PATH_MAX];
    struct census *c;
    struct census_walk *w;
    if (!mkdtemp(dir) || census_open(dir, &c, NULL) < 0)
        return EXIT_FAILURE;
    fill();
    for (size_t i = 0; i < EVENTS; i++) {
        census_add(c, &ev[i]);
        if (i == EVENTS / 2)
            is_int(census_snapshot(c, NULL), 0);
    }
    ok(walk(c, "a") && walk(c, "b") && walk(c, "unknown"), "all that is there was seen, in order");
    size_t all = 0;
    for (size_t i = 0; i < EVENTS; i++)
        all += met[i];
    is_int(all, EVENTS);
    census_walk_open(c, span_str("none"), &w);
    is_int(
        census_walk_next(w, &(struct ip){0}, &(const struct census_part *){0}, &(size_t){0}, NULL),
        0);
    census_walk_close(w);
    census_close(c);
    file_path(path, NULL, "%s/census", dir);
    unlink(path);
    rmdir(dir);
    return tap_done();
}
