#include "sim/model.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/model_population.h"

#define LEASE_MIN_SECONDS 3600u
/* Addresses of a line within one day. */
#define SPELLS_MAX (MODEL_DAY_SECONDS / LEASE_MIN_SECONDS + 2)

/* From `second` on the line had this address. */
struct spell {
    uint32_t second, address, net;
};

/* One line's day, being made up. */
struct line_day {
    struct model *m;
    struct model_line *line;
    const struct scenario_as *as;
    struct model_day *day;
    uint32_t start; /* seconds from the scenario's start */
    struct spell spells[SPELLS_MAX];
    unsigned n_spells;
};

static bool grow(void **p, size_t *cap, size_t want, size_t size)
{
    if (want <= *cap)
        return true;
    size_t n = *cap ? *cap : 65536;
    while (n < want)
        n *= 2;
    void *q = realloc(*p, n * size);
    if (!q)
        return false;
    *p = q;
    *cap = n;
    return true;
}

/* Room for every contact that one line or actor can make. */
static bool reserve(struct model *m, size_t n)
{
    return grow((void **)&m->checkins, &m->cap_checkins, m->n_checkins + n, sizeof *m->checkins);
}

static void add(struct model *m, struct model_checkin c)
{
    m->checkins[m->n_checkins++] = c;
}

static uint16_t pick_sensor(const struct model *m, bool v6, struct rng *r)
{
    return v6 ? m->sensors6[rng_below(r, m->n_sensors6)] : m->sensors4[rng_below(r, m->n_sensors4)];
}

/* Ports count up from a random one, so that a connection's four-tuple does not come twice soon. */
static uint16_t take_port(uint16_t *next)
{
    uint16_t port = *next;
    *next = port == UINT16_MAX ? 1024 : (uint16_t)(port + 1);
    return port;
}

const struct scenario_survival *model_survival(const struct model *m, uint16_t as)
{
    return m->s->ases[as].survival ? m->s->ases[as].survival : &m->s->survival;
}

void model_infect(struct model *m, uint32_t host, uint16_t as, uint32_t day)
{
    struct model_host *h = &m->hosts[host];
    const struct scenario_survival *s = model_survival(m, as);
    struct rng r = rng_stream(m->seed, RNG_SURVIVAL, host, h->infections);
    double days = INFINITY;
    if (s->curve == SCENARIO_WEIBULL)
        days = rng_weibull(&r, s->shape, s->scale_days);
    else if (s->curve == SCENARIO_EXPONENTIAL)
        days = rng_exponential(&r, s->scale_days);
    double until = ceil((day + days) * MODEL_DAY_SECONDS);
    h->clean_at = until < MODEL_NEVER ? (uint32_t)until : MODEL_NEVER;
    if (h->clean_at <= day * MODEL_DAY_SECONDS) /* infected for a second at least */
        h->clean_at = day * MODEL_DAY_SECONDS + 1;
    h->back_day = MODEL_NEVER;
    h->since_day = (uint16_t)day;
    h->infections++;
}

/* Fixed leases of different lines begin at different times. */
static double lease_days(const struct scenario_dhcp *dhcp, bool first, struct rng *r)
{
    if (dhcp->lease != SCENARIO_LEASE_FIXED)
        return rng_exponential(r, dhcp->mean_days);
    double phase = rng_unit(r);
    return dhcp->mean_days * (first ? phase : 1);
}

/* Takes the line's next address at `now`, and says how long it is to have it. Where the pool has
 * none left it keeps the one that it has. */
void model_lease(struct model *m, struct model_line *line, uint32_t now)
{
    const struct scenario_as *as = &m->s->ases[line->as];
    uint32_t id = (uint32_t)(line - m->lines);
    struct rng r = rng_stream(m->seed, RNG_LEASE, id, line->leases);
    double gap = lease_days(&as->dhcp, line->leases == 0, &r) * MODEL_DAY_SECONDS;
    bool stays = line->leases && line->net != POOL_NONE && !rng_chance(&r, as->dhcp.across);
    uint32_t net = stays ? line->net : POOL_NONE;
    uint32_t address = pool_take(m->pool, line->as, line->v6, &net, &r);
    if (address != POOL_NONE) {
        if (line->address != POOL_NONE)
            pool_release(m->pool, line->address);
        line->address = line->last_address = address;
        line->net = line->last_net = net;
    }
    line->leases++;
    gap = ceil(gap < LEASE_MIN_SECONDS ? LEASE_MIN_SECONDS : gap);
    line->renew_at =
        as->dhcp.mean_days > 0 && now + gap < MODEL_NEVER ? now + (uint32_t)gap : MODEL_NEVER;
}

/* The line's addresses of the day, in order. */
static void run_leases(struct line_day *d)
{
    struct model_line *line = d->line;
    uint32_t end = d->start + MODEL_DAY_SECONDS;
    if (line->address == POOL_NONE || line->renew_at < d->start)
        model_lease(d->m, line, d->start);
    d->spells[0] = (struct spell){0, line->address, line->net};
    d->n_spells = 1;
    while (line->renew_at < end && d->n_spells < SPELLS_MAX) {
        uint32_t at = line->renew_at;
        model_lease(d->m, line, at);
        d->spells[d->n_spells++] = (struct spell){at - d->start, line->address, line->net};
    }
}

static const struct spell *spell_at(const struct line_day *d, uint32_t second)
{
    unsigned i = d->n_spells - 1;
    while (i && d->spells[i].second > second)
        i--;
    return &d->spells[i];
}

/* A second of the UTC day, by the local hour. */
static uint32_t pick_second(const struct model *m, double utc_offset, struct rng *r)
{
    uint64_t x = rng_next(r);
    int32_t local = m->hour_of[x & 4095] * 3600 + (int32_t)((x >> 32) * 3600 >> 32);
    int32_t utc = local - (int32_t)(utc_offset * 3600);
    return (uint32_t)((utc + 2 * (int32_t)MODEL_DAY_SECONDS) % (int32_t)MODEL_DAY_SECONDS);
}

static void contact(struct line_day *d, uint32_t host, uint32_t second, uint16_t sensor,
                    uint16_t *nth)
{
    const struct spell *at = spell_at(d, second);
    add(d->m, (struct model_checkin){.second = second,
                                     .address = at->address,
                                     .net = at->net,
                                     .whom = host,
                                     .port = take_port(&d->line->next_port),
                                     .sensor = sensor,
                                     .nth = (*nth)++,
                                     .family = d->m->hosts[host].family,
                                     .role = MODEL_INFECTED});
}

/* When a machine is on, on a day: from `from` on for so many seconds, over the day's end back to
 * its beginning. Its beat begins with it, or is kept for ever. */
static void pick_window(const struct line_day *d, uint32_t host, struct rng *r, uint32_t *from,
                        uint32_t *length)
{
    const struct scenario_activity *a = &d->m->s->activity;
    uint32_t beat = (uint32_t)(a->interval_minutes * 60 + 0.5);
    if (a->on_hours < 24) { /* half as long to one and a half times; its middle as contacts are */
        *length = (uint32_t)(a->on_hours * 3600 * (0.5 + rng_unit(r)));
        uint32_t middle = pick_second(d->m, d->as->utc_offset, r);
        *from = (middle + MODEL_DAY_SECONDS - *length / 2) % MODEL_DAY_SECONDS;
        return;
    }
    struct rng own = rng_stream(d->m->seed, RNG_BEAT, host, 0);
    uint32_t phase = rng_below(&own, beat), gone = d->start % beat;
    *from = (phase + beat - gone) % beat;
    *length = *from < MODEL_DAY_SECONDS ? MODEL_DAY_SECONDS - *from : 0;
}

/* A contact at each beat while the machine is on. */
static uint16_t run_beacon(struct line_day *d, uint32_t host, uint32_t until, struct rng *r)
{
    const struct scenario_activity *a = &d->m->s->activity;
    double beat = floor(a->interval_minutes * 60 + 0.5);
    uint32_t from, length;
    uint16_t nth = 0;
    pick_window(d, host, r, &from, &length);
    for (double at = 0; at < length; at += beat) {
        double stray = a->jitter * beat * (rng_unit(r) - 0.5);
        uint16_t sensor = pick_sensor(d->m, d->line->v6, r);
        double second = fmod(from + at, MODEL_DAY_SECONDS) + stray;
        second = fmin(fmax(floor(second), 0), MODEL_DAY_SECONDS - 1);
        if (second < until)
            contact(d, host, (uint32_t)second, sensor, &nth);
    }
    return nth;
}

/* A host's contacts of the day, none after it is cleaned. */
static void run_contacts(struct line_day *d, uint32_t host, uint32_t until)
{
    struct model *m = d->m;
    struct rng r = rng_stream(m->seed, RNG_CONTACT, host, d->day->day);
    uint16_t nth = 0;
    if (!rng_chance(&r, m->s->activity.daily))
        return;
    unsigned n = 1;
    if (m->s->activity.interval_minutes > 0)
        nth = run_beacon(d, host, until, &r), n = 0;
    else if (m->extra_checkins < 1)
        n += rng_poisson(&r, m->extra_checkins, MODEL_CHECKINS_MAX - 1);
    for (unsigned i = 0; i < n; i++) {
        uint32_t second = pick_second(m, d->as->utc_offset, &r);
        uint16_t sensor = pick_sensor(m, d->line->v6, &r);
        if (second < until)
            contact(d, host, second, sensor, &nth);
    }
    if (nth)
        d->day->seen++;
}

static void clean(struct line_day *d, uint32_t host)
{
    struct model_host *h = &d->m->hosts[host];
    const struct scenario_reinfection *again = &d->m->s->reinfection;
    struct rng r = rng_stream(d->m->seed, RNG_REINFECTION, host, h->infections);
    h->clean_at = 0;
    d->line->infected--;
    d->day->cleaned++;
    d->day->cleaned_told += d->line->told;
    if (!rng_chance(&r, again->probability))
        return;
    double back = d->day->day + 1 + floor(rng_exponential(&r, again->mean_days));
    if (back < SCENARIO_DAYS_MAX) {
        h->back_day = (uint32_t)back;
        d->line->waiting++;
    }
}

static void run_host(struct line_day *d, uint32_t host)
{
    struct model_host *h = &d->m->hosts[host];
    if (!h->clean_at)
        return;
    d->day->alive++;
    d->day->alive_told += d->line->told;
    uint32_t left = h->clean_at - d->start;
    run_contacts(d, host, left);
    if (left <= MODEL_DAY_SECONDS)
        clean(d, host);
}

static void run_line(struct model *m, struct model_line *line, struct model_day *day)
{
    struct line_day d = {.m = m, .line = line, .as = &m->s->ases[line->as], .day = day};
    d.start = day->day * MODEL_DAY_SECONDS;
    for (uint32_t i = 0; i < line->hosts && line->waiting; i++) {
        uint32_t host = line->first_host + i;
        if (m->hosts[host].back_day != day->day)
            continue;
        model_infect(m, host, line->as, day->day);
        if (line->told)
            model_hasten(m, host, line->as, d.start);
        line->waiting--;
        line->infected++;
        day->reinfected++;
    }
    if (!line->infected)
        return;
    run_leases(&d);
    for (uint32_t i = 0; i < line->hosts; i++)
        run_host(&d, line->first_host + i);
    if (!line->infected) { /* nobody to follow any more: its address is free for others */
        pool_release(m->pool, line->address);
        line->address = line->net = POOL_NONE;
    }
}

/* A scanner that sweeps goes over all IPv4 sensors, one every few seconds. */
static void run_sweep(struct model *m, struct model_actor *a, uint32_t whom, uint8_t family,
                      struct rng *r)
{
    uint32_t second = rng_below(r, MODEL_DAY_SECONDS), nth = 0;
    unsigned passes = (unsigned)(a->of->checkins + 0.5);
    for (unsigned p = 0; p < passes; p++)
        for (unsigned i = 0; i < m->n_sensors4; i++) {
            add(m, (struct model_checkin){.second = second,
                                          .address = a->address,
                                          .net = a->net,
                                          .whom = whom,
                                          .port = take_port(&a->next_port),
                                          .sensor = m->sensors4[i],
                                          .nth = (uint16_t)nth++,
                                          .family = family,
                                          .role = a->role});
            second = (second + 1 + rng_below(r, 3)) % MODEL_DAY_SECONDS;
        }
}

static bool run_actor(struct model *m, uint32_t whom, uint32_t day)
{
    struct model_actor *a = &m->actors[whom];
    struct rng r = rng_stream(m->seed, RNG_ACTOR_DAY, whom, day);
    if (!rng_chance(&r, a->of->daily))
        return true;
    uint8_t family = (uint8_t)rng_below(&r, m->s->families_count);
    size_t most = (size_t)(a->of->checkins + 1) * SCENARIO_SENSORS_MAX + 4096;
    if (!reserve(m, most))
        return false;
    if (a->role == MODEL_SCANNER && a->of->behaviour == SCENARIO_SWEEP) {
        run_sweep(m, a, whom, family, &r);
        return true;
    }
    unsigned n = 1 + rng_poisson(&r, rng_exp(-fmin(a->of->checkins - 1, 600)), 4095);
    for (unsigned i = 0; i < n; i++)
        add(m, (struct model_checkin){.second = rng_below(&r, MODEL_DAY_SECONDS),
                                      .address = a->address,
                                      .net = a->net,
                                      .whom = whom,
                                      .port = take_port(&a->next_port),
                                      .sensor = pick_sensor(m, false, &r),
                                      .nth = (uint16_t)i,
                                      .family = family,
                                      .role = a->role});
    return true;
}

/* Counting sort by second: stable, so that equal seconds keep the order of hosts. */
static bool sort_day(struct model *m)
{
    uint32_t *at = calloc(MODEL_DAY_SECONDS + 1, sizeof *at);
    bool ok = at && grow((void **)&m->sorted, &m->cap_sorted, m->n_checkins ? m->n_checkins : 1,
                         sizeof *m->sorted);
    if (ok) {
        for (size_t i = 0; i < m->n_checkins; i++)
            at[m->checkins[i].second + 1]++;
        for (uint32_t s = 0; s < MODEL_DAY_SECONDS; s++)
            at[s + 1] += at[s];
        for (size_t i = 0; i < m->n_checkins; i++)
            m->sorted[at[m->checkins[i].second]++] = m->checkins[i];
    }
    free(at);
    return ok;
}

int model_run_day(struct model *m, uint32_t day, struct model_day *out,
                  const struct model_checkin **checkins, size_t *n, struct err *err)
{
    *out = (struct model_day){.day = day};
    m->n_checkins = 0;
    bool ok = true;
    double beats = m->s->activity.interval_minutes;
    size_t each = beats > 0 ? (size_t)(MODEL_DAY_SECONDS / (beats * 60)) + 2 : MODEL_CHECKINS_MAX;
    if (day == m->told.day)
        model_tell_now(m);
    for (uint32_t i = 0; i < m->n_lines && ok; i++) {
        struct model_line *line = &m->lines[i];
        if (!line->infected && !line->waiting)
            continue;
        ok = reserve(m, (size_t)line->hosts * each);
        if (ok)
            run_line(m, line, out);
    }
    for (uint32_t i = 0; i < m->n_actors && ok; i++)
        ok = run_actor(m, i, day);
    pool_day_end(m->pool);
    if (!ok || !sort_day(m))
        return err_set(err, -ENOMEM, "simulation: no memory for a day's contacts (day %u)", day);
    *checkins = m->sorted;
    *n = m->n_checkins;
    return 0;
}
