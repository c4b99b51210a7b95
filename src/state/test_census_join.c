/* Joined censuses are what one census of all events is; damaged files are refused. */
#include "state/census_join.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tap.h"
#include "base/utc.h"

#define DAY0 15049 /* 2011-03-16 */

static char root[] = "/tmp/ebb-join-XXXXXX";

static struct census *census_in(const char *name)
{
    char dir[FILE_PATH_MAX];
    struct census *c = NULL;
    struct err err;
    file_path(dir, NULL, "%s/%s", root, name);
    ok(file_mkdirs(dir, 0700, NULL) == 0 && census_open(dir, &c, &err) == 0);
    return c;
}

static uint32_t seed = 1;
static uint32_t rnd(void)
{
    seed = seed * 1103515245 + 12345;
    return seed >> 8;
}

/* Sightings of the same addresses, in several families, networks and days. */
static void make_event(struct event *ev)
{
    static const char *const families[] = {"rustock", "cutwail", "grum", ""};
    static const char *const countries[] = {"DE", "US", "BR", ""};
    *ev = (struct event){.kind = KIND_FEED, .time = (DAY0 + rnd() % 9) * UTC_DAY + 5};
    uint32_t n = rnd() % 400, net = n / 40;
    if (n % 3 == 0) {
        ev->src_ip = (struct ip){{0x20, 1, 0x0d, 0xb8, (uint8_t)net, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                  (uint8_t)(n >> 8), (uint8_t)n}};
    } else {
        ev->src_ip = ip_from_v4(0xc6336400 + n);
        ev->network =
            (struct net){.ip = ip_from_v4(0xc6336400 + net * 40), .bits = 122, .set = true};
    }
    ev->asn = 64496 + (net + rnd() % 2) % 7; /* attributions change */
    ev->as_name = span_str(ev->asn % 2 ? "AS-ODD" : "AS-EVEN");
    ev->country = span_str(countries[net % 4]);
    ev->family = span_str(families[rnd() % 4]);
}

static int put_row(void *ctx, const struct census_row *r)
{
    char address[IP_TEXT_MAX], net[NET_TEXT_MAX];
    size_t a = ip_format(&r->address, address), n = net_format(&r->network, net);
    buf_printf(ctx, "%d %.*s %u %.*s %.*s %.*s %.*s %llu %llu %llu %llu %llu %llu %d %d %u\n",
               r->day, (int)r->family.n, (const char *)r->family.p, r->asn, (int)r->as_name.n,
               (const char *)r->as_name.p, (int)r->country.n, (const char *)r->country.p,
               (int)(r->network.set ? n : 0), net, (int)a, address,
               (unsigned long long)r->addresses, (unsigned long long)r->ipv6,
               (unsigned long long)r->ipv6_64s, (unsigned long long)r->fresh,
               (unsigned long long)r->returning, (unsigned long long)r->gone, r->first_day,
               r->last_day, r->days);
    return 0;
}

static bool same(struct census *a, struct census *b, enum census_by by, int32_t since,
                 int32_t until)
{
    struct buf x = {0}, y = {0};
    struct census_query q = {.by = by, .since = since, .until = until};
    bool good = census_rows(a, &q, put_row, &x, NULL) == 0 &&
                census_rows(b, &q, put_row, &y, NULL) == 0 && x.n > 50 &&
                span_eq(buf_as_span(&x), buf_as_span(&y));
    buf_free(&x);
    buf_free(&y);
    return good;
}

static void test_join(void)
{
    static const char *const names[] = {"one", "two", "three"};
    struct census *part[3], *all = census_in("all");
    char path[FILE_PATH_MAX];
    uint64_t position = 0;
    struct event ev;
    struct err err;
    for (int i = 0; i < 3; i++)
        part[i] = census_in(names[i]);
    for (int i = 0; i < 6000; i++) {
        make_event(&ev);
        census_add(all, &ev);
        census_add(part[rnd() % 3], &ev);
    }
    for (int i = 1; i < 3; i++) {
        census_advance(part[i], 100u * (unsigned)i);
        file_path(path, NULL, "%s/given-%d", root, i);
        is_int(census_write(part[i], path, &err), 0);
        is_int(census_check(path, &position, &err), 0);
        is_int(position, 100 * i);
        is_int(census_join(part[0], path, &position, &err), 0);
    }
    for (enum census_by by = CENSUS_BY_DAY; by <= CENSUS_BY_ADDRESS; by++) {
        ok(same(all, part[0], by, INT32_MIN, INT32_MAX), "joined rows are those of one census");
        ok(by == CENSUS_BY_FAMILY || same(all, part[0], by, DAY0 + 2, DAY0 + 6), "of a range, too");
    }
    is_int(census_join(part[0], path, &position, &err), 0, "once more changes nothing");
    ok(same(all, part[0], CENSUS_BY_DAY, INT32_MIN, INT32_MAX) ||
           same(all, part[0], CENSUS_BY_ADDRESS, INT32_MIN, INT32_MAX),
       "an address counts once");
    ok(same(all, part[0], CENSUS_BY_ADDRESS, INT32_MIN, INT32_MAX));
    for (int i = 0; i < 3; i++)
        census_close(part[i]);
    census_close(all);
}

/* Any changed byte: the checksum does not hold. Cut: neither. */
static void test_damage(void)
{
    char path[FILE_PATH_MAX], bad[FILE_PATH_MAX];
    struct buf data = {0};
    struct census *c = census_in("damage");
    uint64_t position;
    struct err err;
    unsigned taken = 0;
    file_path(path, NULL, "%s/given-1", root);
    file_path(bad, NULL, "%s/bad", root);
    is_int(file_read(path, 1 << 20, &data, &err), 0);
    for (size_t at = 0; at < data.n; at += 97) {
        data.p[at] ^= 0x40;
        file_replace(bad, buf_as_span(&data), 0600, NULL);
        data.p[at] ^= 0x40;
        taken +=
            census_join(c, bad, &position, &err) == 0 || census_check(bad, &position, &err) == 0;
    }
    is_int(taken, 0);
    file_replace(bad, span_of(data.p, data.n / 2), 0600, NULL);
    is_int(census_join(c, bad, &position, &err), -EBADMSG);
    file_path(bad, NULL, "%s/none", root);
    is_int(census_join(c, bad, &position, &err), -ENOENT);
    buf_free(&data);
    census_close(c);
}

int main(void)
{
    char command[64];
    log_set_level(LOG_ERROR);
    if (!mkdtemp(root))
        return 1;
    test_join();
    test_damage();
    snprintf(command, sizeof command, "rm -r %s", root);
    ok(system(command) == 0);
    return tap_done();
}
