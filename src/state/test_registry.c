#include "state/registry.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tap.h"
#include "event/act.h"

static uint8_t digest_a[SHA256_LEN] = {0xaa, 1}, digest_b[SHA256_LEN] = {0xbb, 2};

static void begin(struct registry *r, uint64_t index, uint8_t *digest)
{
    struct buf payload = {0};
    struct act_import_begun a = {span_str("f.csv"), span_str("shadowserver"),
                                 span_of(digest, SHA256_LEN), 10, false};
    act_import_begun(&payload, &a);
    registry_act(r, KIND_IMPORT_BEGUN, index, buf_as_span(&payload));
    buf_free(&payload);
}

static void end(struct registry *r, uint64_t import, uint64_t records)
{
    struct buf payload = {0};
    struct act_import_done a = {import, records, records - 1, 1};
    act_import_done(&payload, &a);
    registry_act(r, KIND_IMPORT_DONE, 99, buf_as_span(&payload));
    buf_free(&payload);
}

static void sensor(struct registry *r, uint64_t index, const char *name)
{
    struct buf payload = {0};
    act_sensor(&payload, name);
    registry_act(r, KIND_SENSOR, index, buf_as_span(&payload));
    buf_free(&payload);
}

static void observe(struct registry *r, uint64_t import, uint64_t record)
{
    struct event ev = {.import = import, .record = record};
    registry_event(r, &ev);
}

/* Two files, the second still under way, and two sensors. */
static void fill(struct registry *r)
{
    sensor(r, 1, "import");
    begin(r, 2, digest_a);
    observe(r, 2, 1);
    observe(r, 2, 3); /* record 2 was rejected */
    end(r, 2, 3);
    sensor(r, 7, "sinkhole-de");
    begin(r, 8, digest_b);
    for (uint64_t record = 1; record <= 5; record++)
        observe(r, 8, record);
    observe(r, 12345, 1); /* of an import that nobody knows: passed over */
    registry_advance(r, 14);
}

static void check(const struct registry *r)
{
    const struct import_state *a = registry_file(r, digest_a), *b = registry_file(r, digest_b);
    uint8_t nobody[SHA256_LEN] = {0};
    uint64_t index = 0;
    struct buf payload = {0};
    ok(a && a->index == 2 && a->done && a->records == 3 && a->rejected == 1 && a->events == 2);
    ok(a && strcmp(a->format, "shadowserver") == 0);
    ok(b && b->index == 8 && !b->done && b->last_record == 5 && b->events == 5);
    ok(registry_file(r, nobody) == NULL);
    is_int(registry_position(r), 14);
    act_sensor(&payload, "sinkhole-de");
    ok(registry_reference(r, KIND_SENSOR, buf_as_span(&payload), &index) && index == 7);
    ok(!registry_reference(r, KIND_RULESET, buf_as_span(&payload), &index));
    ok(span_is(registry_sensor(r, 1), "import") && registry_sensor(r, 2).n == 0);
    buf_free(&payload);
}

static void test_snapshot(const char *dir)
{
    struct registry *r;
    struct buf first = {0}, second = {0};
    char path[FILE_PATH_MAX];
    file_path(path, NULL, "%s/registry", dir);
    is_int(registry_open(dir, &r, NULL), 0);
    is_int(registry_position(r), 0);
    fill(r);
    check(r);
    is_int(registry_snapshot(r, NULL), 0);
    registry_close(r);
    file_read(path, 1 << 20, &first, NULL);

    is_int(registry_open(dir, &r, NULL), 0);
    check(r);
    is_int(registry_snapshot(r, NULL), 0);
    registry_close(r);
    file_read(path, 1 << 20, &second, NULL);
    ok(span_eq(buf_as_span(&first), buf_as_span(&second)), "a snapshot read and written is itself");

    int survived = 0;
    for (size_t i = 0; i < first.n; i++) { /* each byte matters: damage starts it anew */
        first.p[i] ^= 0x10;
        file_replace(path, buf_as_span(&first), 0644, NULL);
        first.p[i] ^= 0x10;
        survived += registry_open(dir, &r, NULL) != 0 || registry_position(r) != 0;
        registry_close(r);
    }
    is_int(survived, 0);
    buf_free(&first);
    buf_free(&second);
    unlink(path);
}

int main(void)
{
    char dir[] = "/tmp/ebb-test-XXXXXX";
    if (!ok(mkdtemp(dir) != NULL))
        return tap_done();
    fclose(stderr); /* the warnings about dropped views are wanted, not to be read */
    test_snapshot(dir);
    rmdir(dir);
    return tap_done();
}
