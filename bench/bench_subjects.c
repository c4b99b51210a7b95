/* Puts subjects and facts on a case's log, for bench/subjects.py: bench_subjects CASE SUBJECTS
 * FACTS. Deterministic; values of the kinds that cases have. Signed by nobody, which views do not
 * mind. */
#include <stdio.h>
#include <stdlib.h>

#include "base/utc.h"
#include "event/act_pursuit.h"
#include "event/event.h"
#include "journal/journal.h"

#define COMMIT_EVERY 10000

static uint64_t state = 1;

/* SplitMix64. */
static uint64_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int value_of(unsigned type, char *out, size_t size)
{
    static const char *const parts[] = {"dark", "red",   "storm", "night", "ghost", "zero", "mail",
                                        "king", "cyber", "panda", "wolf",  "pharm", "rx",   "pill"};
    const char *a = parts[draw() % 14], *b = parts[draw() % 14];
    unsigned n = (unsigned)(draw() % 1000000);
    switch (type) {
    case 0:
        return snprintf(out, size, "%s%s%u", a, b, n);
    case 1:
        return snprintf(out, size, "%c. %s %s", 'A' + (int)(n % 26), a, b);
    case 2:
        return snprintf(out, size, "%u.%u.%u.%u", n % 223 + 1, n >> 4 & 255, n >> 8 & 255, n & 255);
    case 3:
        return snprintf(out, size, "%s-%s%u.example", a, b, n);
    case 4:
        return snprintf(out, size, "%s.%u@%s%u.example", a, n, b, n % 977);
    case 5:
        return snprintf(out, size, "DE%02u%018llu", n % 100,
                        (unsigned long long)draw() % 1000000000000000000u);
    default:
        return snprintf(out, size, "icq:%u%u", n, n % 10);
    }
}

static const char *const types[] = {"handle", "name",    "address",  "domain",
                                    "mail",   "payment", "messenger"};

static int put(struct journal *j, uint8_t kind, struct buf *payload, uint64_t *index,
               struct err *err)
{
    struct entry_header header = {.kind = kind,
                                  .time = UTC_EVENT_MIN + (int64_t)journal_size(j) * UTC_SECOND};
    int rc = journal_append(j, &header, buf_as_span(payload), index, err);
    payload->n = 0;
    return rc == 0 && *index % COMMIT_EVERY == 0 ? journal_commit(j, err) : rc;
}

static int fill(struct journal *j, uint64_t subjects, uint64_t facts, struct err *err)
{
    struct buf payload = {0};
    char text[128];
    uint64_t index, first = journal_size(j);
    int rc = 0;
    for (uint64_t i = 0; rc == 0 && i < subjects; i++) {
        int n = snprintf(text, sizeof text, "John Doe %llu", (unsigned long long)i + 1);
        act_subject(&payload, &(struct act_subject){.name = span_of(text, (size_t)n),
                                                    .kind = span_str("unknown")});
        rc = put(j, KIND_SUBJECT, &payload, &index, err);
    }
    for (uint64_t i = 0; rc == 0 && i < facts; i++) {
        unsigned type = (unsigned)(draw() % 7);
        int n = value_of(type, text, sizeof text);
        act_fact(&payload, &(struct act_fact){.subject = first + draw() % subjects,
                                              .type = span_str(types[type]),
                                              .value = span_of(text, (size_t)n),
                                              .entries = span_str("1-3"),
                                              .observed = ACT_FOREVER,
                                              .confidence = 50});
        rc = put(j, KIND_FACT, &payload, &index, err);
    }
    buf_free(&payload);
    return rc;
}

int main(int argc, char **argv)
{
    struct journal *j = NULL;
    struct err err = {0};
    if (argc != 4)
        return EXIT_FAILURE;
    int rc = journal_open(argv[1], JOURNAL_WRITE, &j, NULL, &err);
    if (rc == 0)
        rc = fill(j, strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), &err);
    if (rc == 0)
        rc = journal_close(j, &err);
    if (rc < 0)
        fprintf(stderr, "bench_subjects: %s\n", err.text);
    return rc < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
