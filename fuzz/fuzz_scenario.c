/* Scenario texts: whatever loads must lay out its networks, and simulate two days when it is
 * small. */
#include "sim/model.h"
#include "sim/truth.h"

#define HOSTS_MAX  500
#define ACTORS_MAX 50

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t actors_of(const struct scenario_actors *list, unsigned n)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < n; i++)
        sum += list[i].count;
    return sum;
}

static void simulate(const struct scenario *s)
{
    struct model *m = NULL;
    struct truth *t = NULL;
    struct err err;
    if (model_new(s, 1, 1, "fuzz", &m, &err) == 0 && truth_new(m, 2, &t, &err) == 0)
        for (uint32_t day = 0; day < 2; day++) {
            const struct model_checkin *checkins;
            struct model_day facts;
            size_t n;
            if (model_run_day(m, day, &facts, &checkins, &n, &err) == 0)
                truth_day(t, &facts, checkins, n);
        }
    truth_free(t);
    model_free(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scenario *s;
    struct err err;
    if (scenario_load(span_of(data, size), "fuzz", &s, &err) < 0)
        return 0;
    if (s->hosts <= HOSTS_MAX &&
        actors_of(s->scanners, s->scanners_count) + actors_of(s->sandboxes, s->sandboxes_count) <=
            ACTORS_MAX)
        simulate(s);
    scenario_free(s);
    return 0;
}
