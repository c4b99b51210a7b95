/* Queries in words, and lists of entries. What is taken is within its limits. */
#include "must.h"

#include "app/exhibit/exhibit_query.c"

#define ENTRIES_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool within(const struct exhibit_query *q, const void *p, size_t n)
{
    const char *from = p;
    return from >= q->words && from + n < q->words + sizeof q->words && from[n] == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct exhibit_query q;
    uint64_t *entries = NULL;
    size_t n = 0;
    struct err err;
    struct span text = span_of(data, size);
    if (exhibit_query_parse(text, &q, &err) == 0) {
        must(q.q.since < q.q.until);
        must(!q.q.family || within(&q, q.q.family, strlen(q.q.family)));
        must(!q.q.country.n || within(&q, q.q.country.p, q.q.country.n));
        must(!q.q.sensor.n || within(&q, q.q.sensor.p, q.q.sensor.n));
        must(!q.q.protocol.n || within(&q, q.q.protocol.p, q.q.protocol.n));
        must(!q.q.kind || event_kind_is_event(q.q.kind));
    }
    int rc = exhibit_entries_parse(text, ENTRIES_MAX, &entries, &n, &err);
    must(n <= ENTRIES_MAX && rc <= 0);
    free(entries);
    return 0;
}
