/* Snapshots of the sources. The checksum is put right, so that what lies behind it is reached: the
 * dictionary, rows in order, judging them, going on from them. */
#include <math.h>

#include "base/mem.h"
#include "must.h"
#include "state/judge.h"
#include "state/sources_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK 8

struct seen {
    struct ip last;
    uint64_t rows;
};

static int see(void *ctx, const struct source *r)
{
    struct seen *s = ctx;
    if (s->rows++ && ip_is_v4(&s->last) == ip_is_v4(&r->ip))
        must(memcmp(&s->last, &r->ip, sizeof r->ip) <= 0);
    s->last = r->ip;
    must(r->own <= r->contacts && r->first_time <= r->last_time && r->days > 0);
    must(isfinite(r->gap_mean) && r->gap_mean >= 0);
    return 0;
}

static int see_judged(void *ctx, const struct source *rows, size_t n, const struct judgement *g)
{
    struct seen *s = ctx;
    must(n > 0 && judged_name(g->role) && g->n < JUDGE_TESTS_MAX);
    s->rows += n;
    return 0;
}

static void go_on(struct sources *s)
{
    struct event ev = {.kind = KIND_FEED, .time = 1300000000000000, .asn = 1};
    uint64_t before = sources_count(s);
    ev.src_ip = ip_from_v4(0x01020304);
    ev.family = ev.bot_id = span_str("one");
    sources_add(s, 1, &ev);
    must(sources_count(s) - before <= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct seen rows = {.rows = 0}, judged = {.rows = 0};
    struct judge *j;
    if (size < CHECK)
        return 0;
    uint8_t *sealed = mem_resize(NULL, size, 1);
    memcpy(sealed, data, size);
    be64_put(sealed + size - CHECK, sources_checksum(span_of(sealed, size - CHECK)));
    struct sources *s = mem_zeroed(1, sizeof *s);
    if (sources_parse(s, span_of(sealed, size), NULL) == 0) {
        sources_rows(s, see, &rows);
        must(rows.rows == sources_count(s));
        judge_new(NULL, 0, NULL, &j);
        judge_all(j, s, see_judged, &judged);
        must(judged.rows == rows.rows);
        judge_free(j);
        go_on(s);
    } else {
        must(sources_count(s) == 0 && sources_position(s) == 0);
    }
    sources_close(s);
    free(sealed);
    return 0;
}
