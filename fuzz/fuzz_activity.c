/* Snapshots of the view of activity. The checksum is put right, so that what lies behind it is
 * reached: the families, the packed sets, reading them, merging them with others. */
#include <stdlib.h>

#include "base/mem.h"
#include "state/activity_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
    uint64_t rows, days, contacts;
};

static int add_row(void *ctx, const struct activity_row *r)
{
    struct sum *s = ctx;
    s->rows++;
    s->days += r->n;
    for (size_t i = 0; i < r->n; i++) {
        s->contacts += r->days[i].contacts;
        if (r->days[i].contacts == 0 || r->days[i].hours == 0 || r->days[i].hours >> 24 ||
            (i && r->days[i].day <= r->days[i - 1].day))
            abort();
    }
    return 0;
}

static int add_family(void *ctx, const struct activity_family *f)
{
    ((struct sum *)ctx)->rows += f->address_days > 0;
    return 0;
}

static int read_all(struct activity *a, struct sum *s)
{
    *s = (struct sum){0};
    activity_families(a, add_family, s, NULL);
    *s = (struct sum){0};
    int rc = activity_rows(a, ACTIVITY_ADDRESSES, (struct span){0}, add_row, s, NULL);
    return rc < 0 ? rc : activity_rows(a, ACTIVITY_BOTS, (struct span){0}, add_row, s, NULL);
}

/* What a snapshot does: all of it merged; what comes out is read as the same. */
static void write_again(struct activity *a, const struct sum *want)
{
    const struct activity_run *runs[2] = {&a->base, &a->runs[0]};
    struct buf bytes = {0};
    struct activity again = {.dir = a->dir};
    struct sum got;
    if (activity_file_write(a->position, &a->families, runs, a->nruns ? 2 : 1, &bytes) < 0)
        abort();
    if (activity_file_read(buf_as_span(&bytes), &again.position, &again.families, &again.base,
                           NULL) < 0 ||
        read_all(&again, &got) < 0 || memcmp(&got, want, sizeof got) != 0)
        abort();
    activity_run_free(&again.base);
    dict_free(&again.families);
    free(again.runs);
    buf_free(&bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < ACTIVITY_CHECKSUM_LEN)
        return 0;
    uint8_t *sealed = mem_resize(NULL, size, 1);
    memcpy(sealed, data, size);
    size_t covered = size - ACTIVITY_CHECKSUM_LEN;
    be64_put(sealed + covered, activity_file_checksum(span_of(sealed, covered)));
    struct activity *a = mem_zeroed(1, sizeof *a);
    struct sum before, after;
    a->dir = strdup("nowhere");
    if (activity_file_read(span_of(sealed, size), &a->position, &a->families, &a->base, NULL) ==
            0 &&
        read_all(a, &before) == 0) {
        struct event ev = {.kind = KIND_FEED, .src_ip = {{0x20, 1}}, .time = 1300233600000000};
        ev.bot_id = span_str("b");
        activity_add(a, &ev);
        ev.src_ip = ip_from_v4(0x0a000001);
        activity_add(a, &ev);
        if (read_all(a, &after) < 0 || after.days < before.days)
            abort();
        write_again(a, &after);
    }
    activity_close(a);
    free(sealed);
    return 0;
}
