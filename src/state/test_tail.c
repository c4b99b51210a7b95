#include "state/tail.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "state/fact.h"

static char dir[] = "/tmp/ebb-tail-XXXXXX";

static void put(struct tail *t, uint64_t index)
{
    struct fact f = {.index = index,
                     .time = (int64_t)index * 7 - 3,
                     .campaign = index / 3,
                     .source = index << 40,
                     .bytes = (uint32_t)index * 11,
                     .asn = 4200000000u,
                     .dialect = 5,
                     .family = 65535,
                     .sensor = 2,
                     .flags = 3,
                     .topic = 7,
                     .why = 2,
                     .country = {'D', 'E'},
                     .brand = {1, 2, 3, 65535}};
    fact_add(t, &f);
}

struct seen {
    uint64_t n;
    bool right;
};

static int see(void *ctx, const struct fact *f)
{
    struct seen *s = ctx;
    s->n++;
    s->right &= f->index == s->n && f->time == (int64_t)f->index * 7 - 3 &&
                f->campaign == f->index / 3 && f->source == f->index << 40 &&
                f->bytes == (uint32_t)f->index * 11 && f->asn == 4200000000u && f->dialect == 5 &&
                f->family == 65535 && f->sensor == 2 && f->flags == 3 && f->topic == 7 &&
                f->why == 2 && memcmp(f->country, "DE", 2) == 0 && f->brand[3] == 65535;
    return 0;
}

static uint64_t count(struct tail *t)
{
    struct seen s = {.right = true};
    struct err err;
    is_int(fact_each(t, see, &s, &err), 0);
    ok(s.right, "each fact is as it was");
    return s.n;
}

static int stop(void *ctx, const struct fact *f)
{
    (void)f;
    return ++*(int *)ctx == 3 ? 42 : 0;
}

static void test_growing(uint64_t *bytes, uint64_t *check)
{
    struct tail *t, *reader;
    struct err err;
    is_int(tail_open(dir, "facts", 0, 0, &t, &err), 0);
    is_int(count(t), 0);
    for (uint64_t i = 1; i <= 40000; i++)
        put(t, i);
    is_int(count(t), 40000);
    is_int(tail_write(t, &err), 0);
    *bytes = tail_bytes(t);
    *check = tail_check(t);
    is_int(*bytes, 40000 * FACT_LEN);
    for (uint64_t i = 40001; i <= 40010; i++)
        put(t, i);
    is_int(tail_write(t, &err), 0); /* and then the snapshot was not written: a crash */
    is_int(tail_open(dir, "facts", *bytes, *check, &reader, &err), 0);
    is_int(count(reader), 40000);
    put(reader, 40001); /* a reader that goes on in memory */
    is_int(count(reader), 40001);
    tail_close(reader);
    tail_close(t);
    is_int(tail_open(dir, "facts", *bytes, *check, &t, &err), 0);
    put(t, 40001);
    is_int(tail_write(t, &err), 0);
    is_int(count(t), 40001); /* what the crashed one had written is gone */
    int n = 0;
    is_int(fact_each(t, stop, &n, &err), 42);
    is_int(n, 3);
    tail_close(t);
}

static void test_damage(uint64_t bytes, uint64_t check)
{
    struct tail *t;
    struct err err;
    is_int(tail_open(dir, "facts", bytes, check + 1, &t, &err), -EBADMSG);
    is_int(tail_open(dir, "facts", bytes * 2, check, &t, &err), -EBADMSG);
    is_int(tail_open(dir, "nothing", 64, check, &t, &err), -EBADMSG);
    is_int(tail_open(dir, "facts", bytes, check, &t, &err), 0);
    char path[FILE_PATH_MAX];
    file_path(path, &err, "%s/facts", dir);
    is_int(truncate(path, 1000), 0); /* while it is open */
    struct seen s = {.right = true};
    is_int(fact_each(t, see, &s, &err), -EBADMSG);
    is_int(s.n, 1000 / FACT_LEN);
    tail_close(t);
}

/* A view that starts anew does not pull the file from under those who read the old one. */
static void test_anew(void)
{
    struct tail *old, *t;
    struct err err;
    is_int(tail_open(dir, "other", 0, 0, &t, &err), 0);
    for (uint64_t i = 1; i <= 100; i++)
        put(t, i);
    is_int(tail_write(t, &err), 0);
    is_int(tail_open(dir, "other", tail_bytes(t), tail_check(t), &old, &err), 0);
    tail_close(t);
    is_int(tail_open(dir, "other", 0, 0, &t, &err), 0);
    put(t, 1);
    is_int(tail_write(t, &err), 0);
    is_int(count(old), 100);
    is_int(count(t), 1);
    tail_close(t);
    tail_close(old);
}

static void test_sources(void)
{
    struct ip a = ip_from_v4(0xc0000201), none = {0}, v6 = {0};
    v6.b[0] = 0x20;
    is_int(fact_source(&none), 0);
    ok(fact_source(&a) == (1ull << 32 | 0xc0000201), "an IPv4 address as it is");
    ok(fact_source(&v6) >> 63, "IPv6 apart from it");
    struct ip near = v6;
    near.b[15] = 9;
    ok(fact_source(&near) == fact_source(&v6), "by its /64");
}

int main(void)
{
    uint64_t bytes, check;
    if (!mkdtemp(dir))
        return 1;
    test_growing(&bytes, &check);
    test_damage(bytes, check);
    test_anew();
    test_sources();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    is_int(system(command), 0);
    return tap_done();
}
